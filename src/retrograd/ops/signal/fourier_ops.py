"""Ops: discrete Fourier transforms of the last one, two or three axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import invalid, shape_text, with_rank_at_least
from retrograd.ops.rules import scalar
from retrograd.ops.static import constant
from retrograd.ops.traits import Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape, Tensor
    from retrograd.typing import Array, Arrays


def _size(x: Tensor, axes: int) -> Tensor:
    """How many elements a transform of x is over, in its type."""
    raw = x._shape_raw
    if raw is not None and shapes.is_full(raw[-axes:]):
        return scalar(float(math.prod(int(size or 0) for size in raw[-axes:])), x)
    return F.Cast(F.Prod(F.Shape(x)[-axes:], 0), DstT=x.dtype)


def _check_rank(x: Array, axes: int) -> None:
    if x.ndim < axes:
        text = f"Input must have rank of at least {axes} but got: {shape_text(x.shape)}"
        raise refused(text)


# ---------------------------------------------------------------------- complex


def _transform(name: str, axes: int, inverse: bool) -> None:
    """Declare a transform of complex numbers; an inverse is divided by the sizes."""
    other = name[1:] if inverse else f"I{name}"
    word = name.lower()

    def gradient(n: Operation, dy: Tensor) -> Tensor:
        size = _size(dy, axes)
        term = getattr(F, other)(dy)
        return F.Mul(term, F.Reciprocal(size) if inverse else size)

    written = f"x̄ = {other.lower()}(ȳ) / N" if inverse else f"x̄ = N {other.lower()}(ȳ)"

    @op(
        name,
        infer=lambda n: with_rank_at_least(n, 0, axes),
        math=f"y = {word}(x)",
        grad=dict(input=rule(f"{written}, N = size of x", gradient)),
        traits=Traits(linear=("input",), whole=True),
    )
    def kernel(xp: Arrays, x: Array) -> Array:
        """The Fourier transform of complex numbers, over the last axes.

        Raises:
          InvalidArgumentError: the input has fewer axes.
        """
        _check_rank(x, axes)
        return xp.fourier(x, axes, inverse) if x.size else x

    del kernel


for _axes, _word in enumerate(("FFT", "FFT2D", "FFT3D"), 1):
    _transform(_word, _axes, False)
    _transform(f"I{_word}", _axes, True)


# ---------------------------------------------------------------------- real


def _real_shape(n: Operation, axes: int, halved: bool) -> RawShape:
    raw = with_rank_at_least(n, 0, axes)
    lengths = n._inputs[1]._shape_raw
    if lengths is not None and len(lengths) != 1:
        text = f"Shape must be rank 1 but is rank {len(lengths)}"
        raise invalid(n, text)
    if lengths is not None and lengths[0] not in (None, axes):
        raise invalid(n, f"Dimension must be {axes} but is {lengths[0]}")
    if raw is None:
        return None
    known = constant(n._inputs[1])
    sizes: list[int | None] = [None] * axes if known is None else list(map(int, known))
    if halved and sizes[-1] is not None:
        sizes[-1] = sizes[-1] // 2 + 1 if sizes[-1] else 0
    return (*raw[:-axes], *sizes)


def _sizes(x: Array, lengths: Array, axes: int, halved: bool) -> list[int]:
    """The sizes of the real array of a transform.

    Args:
      x: what is transformed.
      lengths: the sizes that are asked for.
      halved: whether x is the transformed array, of which half the last axis is there.

    Raises:
      InvalidArgumentError: x is too small.
    """
    _check_rank(x, axes)
    if np.shape(lengths) != (axes,):
        raise refused(f"fft_length must have shape [{axes}]")
    sizes = [int(size) for size in lengths]
    for axis, size in enumerate(sizes, x.ndim - axes):
        least = size // 2 + 1 if halved and axis == x.ndim - 1 else size
        if least < 0 or (x.shape[axis] and x.shape[axis] < least):
            raise refused(
                f"Input dimension {axis} must have length of at least "
                f"{least % 2**64} but got: {x.shape[axis]}"
            )
    return sizes


def _weighted(x: Tensor, length: Tensor, inner: float) -> Tensor:
    """x, halved along its last axis, with `inner` times what stands for two elements.

    The first element, and the last of an even length, stand for themselves alone.
    """
    place = F.Range(0, F.AddV2(F.FloorDiv(length, 2), 1), 1)
    alone = F.LogicalOr(F.Equal(place, 0), F.Equal(F.Mul(place, 2), length))
    weights = F.SelectV2(alone, scalar(1, x), scalar(inner, x))
    return F.Mul(x, weights)


def _padded(term: Tensor, n: Operation, axes: int) -> Tensor:
    """`term` with zeros where the input of `n` was left out."""
    x = n.inputs[0]
    raw, found = x._shape_raw, term._shape_raw
    if raw is not None and shapes.is_full(raw[-axes:]) and raw == found:
        return term
    missing = F.Sub(F.Shape(x), F.Shape(term))
    return F.Pad(term, F.Pack([F.ZerosLike(missing), missing], axis=1))


def _real_gradient(axes: int, inverse: str) -> Callable[..., Tensor]:
    def gradient(n: Operation, dy: Tensor) -> Tensor:
        lengths = n.inputs[1]
        weighted = _weighted(dy, lengths[-1], 0.5)
        term = getattr(F, inverse)(weighted, lengths)
        return _padded(F.Mul(term, _size(term, axes)), n, axes)

    return gradient


def _real_inverse_gradient(axes: int, forward: str) -> Callable[..., Tensor]:
    def gradient(n: Operation, dy: Tensor) -> Tensor:
        lengths = n.inputs[1]
        whole = getattr(F, forward)(dy, lengths)
        size = F.Cast(_size(dy, axes), DstT=dtypes.complex64)
        term = F.Mul(_weighted(whole, lengths[-1], 2.0), F.Reciprocal(size))
        return _padded(term, n, axes)

    return gradient


def _real_transform(name: str, axes: int, differentiable: bool) -> None:
    """Declare a transform of real numbers and its inverse.

    TensorFlow has no gradients of those over three axes.
    """
    inverse = f"I{name}"
    words = name.lower(), inverse.lower()
    forth = rule(
        f"x̄ = N {words[1]}(w ȳ), w = 1 where yₖ is alone, else 0.5, N = size of x",
        _real_gradient(axes, inverse),
    )
    back = rule(
        f"x̄ = w {words[0]}(ȳ) / N, w = 1 where xₖ is alone, else 2, N = size of y",
        _real_inverse_gradient(axes, name),
    )
    about: dict[str, Any] = dict(
        static="fft_length", traits=Traits(linear=("input",), whole=True)
    )

    @op(
        name,
        infer=lambda n: _real_shape(n, axes, True),
        math=f"y = {words[0]}(x)",
        grad=dict(input=forth) if differentiable else None,
        **about,
    )
    def forward(xp: Arrays, x: Array, lengths: Array) -> Array:
        """The Fourier transform of real numbers: what the rest is the conjugate of."""
        sizes = _sizes(x, lengths, axes, False)
        if x.size and all(sizes):
            return xp.real_fourier(x, sizes)
        half = sizes[-1] // 2 + 1 if sizes[-1] else 0
        return xp.zeros((*x.shape[:-axes], *sizes[:-1], half), np.complex64)

    @op(
        inverse,
        infer=lambda n: _real_shape(n, axes, False),
        math=f"y = {words[1]}(x)",
        grad=dict(input=back) if differentiable else None,
        **about,
    )
    def backward(xp: Arrays, x: Array, lengths: Array) -> Array:
        """The real numbers that have a Fourier transform, half of which is given."""
        sizes = _sizes(x, lengths, axes, True)
        if x.size and all(sizes):
            return xp.real_fourier_inverse(x, sizes)
        return xp.zeros((*x.shape[:-axes], *sizes), np.float32)

    del forward, backward


_real_transform("RFFT", 1, True)
_real_transform("RFFT2D", 2, True)
_real_transform("RFFT3D", 3, False)
