"""Ops: running totals along an axis: sums, products, log-sum-exps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.array.constant import constant as make_constant
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import like
from retrograd.ops.rules import scalar

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _axis(x: Array, axis: Array) -> int:
    """The axis to go along, counted from the front.

    Raises:
      InvalidArgumentError: there is no such axis.
    """
    at, size = int(axis), len(x.shape)
    if not -size <= at < size:
        raise refused(
            f"ScanOp: Expected scan axis in the range [{-size}, {size}), but got {at}"
        )
    return at % size


def _way(n: Operation, back: bool = False) -> dict[str, bool]:
    """The attributes of a scan like `n`, or of one that goes the other way."""
    return {
        "exclusive": n.attrs["exclusive"],
        "reverse": n.attrs["reverse"] != back,
    }


@op(
    "Cumsum",
    infer=like(0),
    math="yᵢ = Σⱼ≤ᵢ xⱼ",
    static="axis",
    grad=dict(
        x=rule(
            "x̄ᵢ = Σⱼ≥ᵢ ȳⱼ",
            lambda n, dy: F.Cumsum(dy, n.inputs[1], **_way(n, back=True)),
        )
    ),
)
def _cumsum(
    xp: Arrays, x: Array, axis: Array, *, exclusive: bool, reverse: bool
) -> Array:
    """Running sums along an axis."""
    return xp.cumsum(x, _axis(x, axis), exclusive, reverse)


def _cumprod_rule(n: Operation, dy: Tensor) -> Tensor:
    """Holds where no element is zero, as in TensorFlow."""
    x, axis = n.inputs
    products = F.Cumprod(x, axis, **_way(n))
    sums = F.Cumsum(F.Mul(products, dy), axis, **_way(n, back=True))
    return F.RealDiv(sums, x)


@op(
    "Cumprod",
    infer=like(0),
    math="yᵢ = Πⱼ≤ᵢ xⱼ",
    static="axis",
    grad=dict(x=rule("x̄ᵢ = Σⱼ≥ᵢ ȳⱼ yⱼ / xᵢ", _cumprod_rule)),
)
def _cumprod(
    xp: Arrays, x: Array, axis: Array, *, exclusive: bool, reverse: bool
) -> Array:
    """Running products along an axis."""
    return xp.cumprod(x, _axis(x, axis), exclusive, reverse)


def _cumulative_logsumexp_rule(n: Operation, dy: Tensor) -> Tensor:
    """The positive and the negative part of dy apart, as logarithms: no overflow."""
    x, axis = n.inputs
    y, zero = n.outputs[0], scalar(0, dy)
    lowest = make_constant(dy.dtype.min, dy.dtype)

    def part(chosen: Tensor, size: Tensor) -> Tensor:
        log = F.SelectV2(chosen, F.Log(size), lowest)
        total = F.CumulativeLogsumexp(F.Sub(log, y), axis, **_way(n, back=True))
        return F.Exp(F.AddV2(total, x))

    above = part(F.Greater(dy, zero), dy)
    return F.Sub(above, part(F.Less(dy, zero), F.Neg(dy)))


@op(
    "CumulativeLogsumexp",
    infer=like(0),
    math="yᵢ = log Σⱼ≤ᵢ exp xⱼ",
    static="axis",
    grad=dict(x=rule("x̄ᵢ = Σⱼ≥ᵢ ȳⱼ exp(xᵢ − yⱼ)", _cumulative_logsumexp_rule)),
)
def _cumulative_logsumexp(
    xp: Arrays, x: Array, axis: Array, *, exclusive: bool, reverse: bool
) -> Array:
    """Running log Σ exp along an axis; the lowest number where nothing is summed."""
    at = _axis(x, axis)
    size, dtype = x.shape[at], x.dtype
    lowest = dtype.type(xp.finfo(dtype).min)
    y = xp.moveaxis(x, at, 0)
    y = xp.flip(y, 0) if reverse else y

    def moved(z: Array, by: int) -> Array:
        """z, `by` places later."""
        first = xp.full((by, *z.shape[1:]), lowest, dtype)
        return xp.concatenate([first, z[: size - by]], 0)

    if exclusive and size:
        y = moved(y, 1)
    step = 1
    while step < size:  # each step doubles how many elements are in a sum
        y = xp.logaddexp(y, moved(y, step))
        step *= 2
    y = xp.flip(y, 0) if reverse else y
    return xp.moveaxis(y, 0, at).astype(dtype)
