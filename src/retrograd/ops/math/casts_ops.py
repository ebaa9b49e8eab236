"""Ops: conversion between element types, and the parts of complex numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.errors import UnimplementedError
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import broadcast, same
from retrograd.ops.rules import scalar
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    import numpy as np

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


_DIFFERENTIABLE = "float16 float32 float64 bfloat16 complex64 complex128".split()


def _cast_rule(n: Operation, dy: Tensor) -> Tensor | None:
    """dy in the type of x; None where either type is not continuous."""
    source, target = (t.dtype.base_dtype for t in (n.inputs[0], dy))
    if source.name in _DIFFERENTIABLE and target.name in _DIFFERENTIABLE:
        return F.Cast(dy, DstT=source)
    return None


@op(
    "Cast",
    infer=same,
    math="y = x",
    grad=dict(x=rule("x̄ = ȳ", _cast_rule)),
    traits=Traits(passes=Passes.CONVERTED, cheap=True, int32_on_host="SrcT"),
)
def _cast(xp: Arrays, x: Array, *, DstT: np.dtype, n: Operation) -> Array:
    """The same numbers in another element type; fractions are cut off.

    Raises:
      UnimplementedError: strings, or other things that are not numbers.
    """
    if "O" in (x.dtype.kind, DstT.kind):
        names = (type_word(t.base_dtype) for t in (n.inputs[0].dtype, n.attrs["DstT"]))
        text = f"Cast {' to '.join(names)} is not supported"
        raise UnimplementedError(None, None, text)
    return xp.cast(x, DstT)


@op(
    "Conj",
    infer=same,
    math="y = x*",
    grad=dict(input=rule("x̄ = ȳ*", lambda n, dy: F.Conj(dy))),
)
def _conj(xp: Arrays, x: Array) -> Array:
    """The complex conjugate of each element."""
    return xp.conj(x)


@op(
    "Real",
    infer=same,
    math="y = Re x",
    grad=dict(input=rule("x̄ = ȳ", lambda n, dy: _complex(dy, _zero(dy)))),
)
def _real(xp: Arrays, x: Array) -> Array:
    """The real part of each element."""
    return xp.real(x)


@op(
    "Imag",
    infer=same,
    math="y = Im x",
    grad=dict(input=rule("x̄ = i ȳ", lambda n, dy: _complex(_zero(dy), dy))),
)
def _imag(xp: Arrays, x: Array) -> Array:
    """The imaginary part of each element."""
    return xp.imag(x)


def _zero(x: Tensor) -> Tensor:
    return scalar(0, x)


def _complex(real: Tensor, imag: Tensor) -> Tensor:
    wide = real.dtype.base_dtype.name == "float64"
    return F.Complex(real, imag, Tout="complex128" if wide else "complex64")


@op(
    "Complex",
    infer=broadcast,
    math="z = x + i y",
    grad=dict(
        real=rule("x̄ = Re z̄", lambda n, dz: _part(F.Real, dz)),
        imag=rule("ȳ = Im z̄", lambda n, dz: _part(F.Imag, dz)),
    ),
)
def _complex_of(xp: Arrays, real: Array, imag: Array, *, Tout: np.dtype) -> Array:
    """The complex numbers with the given real and imaginary parts."""
    return xp.cast(real, Tout) + xp.cast(imag, Tout) * Tout.type(1j)


def _part(part: Callable[..., Any], x: Tensor) -> Tensor:
    return part(x, Tout=x.dtype.base_dtype.real_dtype)


@op(
    "ComplexAbs",
    infer=same,
    math="y = |x|",
    grad=dict(
        x=rule(
            "x̄ = ȳ · x / |x|, 0 where x = 0",
            lambda n, dy: F.DivNoNan(
                F.Mul(_wide(dy), n.inputs[0]), _wide(n.outputs[0])
            ),
        )
    ),
)
def _complex_abs(xp: Arrays, x: Array) -> Array:
    """The absolute value of each complex element."""
    return xp.abs(x)


def _wide(x: Tensor) -> Tensor:
    return _complex(x, F.ZerosLike(x))


def _angle_rule(n: Operation, dy: Tensor) -> Tensor:
    x = n.inputs[0]
    re, im = _part(F.Real, x), _part(F.Imag, x)
    z = F.Reciprocal(_complex(im, re))
    return F.Mul(F.Neg(_complex(dy, _zero(dy))), z)


@op(
    "Angle",
    infer=same,
    math="y = arg x",
    grad=dict(input=rule("x̄ = −ȳ / (Im x + i Re x)", _angle_rule)),
)
def _angle(xp: Arrays, x: Array) -> Array:
    """The argument of each complex element, in (−π, π]."""
    return xp.angle(x)
