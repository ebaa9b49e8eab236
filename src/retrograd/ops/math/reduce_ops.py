"""Ops: reductions: sums, means, extremes and the like along some axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops import infer, rules
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op, rule
from retrograd.ops.static import constant
from retrograd.ops.traits import Blocks, Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, TensorLike


def axes_of(x: Array, axes: Array) -> tuple[int, ...]:
    """The axes to reduce, counted from the front, each once.

    Raises:
      InvalidArgumentError: there is no such axis.
    """
    size = len(x.shape)
    found: list[int] = []
    for axis in np.asarray(axes).reshape(-1).tolist():
        if not -size <= axis < size:
            raise refused(
                f"Invalid reduction dimension ({axis} for input with {size} "
                "dimension(s)"
            )
        found.append(axis + size if axis < 0 else axis)
    return tuple(dict.fromkeys(found))


_AXES = "reduction_indices"


@op(
    "Sum",
    infer=infer.reduce,
    math="y = Σᵢ xᵢ",
    static=_AXES,
    grad=dict(input=rule("x̄ᵢ = ȳ", rules.spread)),
    traits=Traits(linear=("input",), function=Function.TOTAL),
)
def _sum(xp: Arrays, x: Array, axes: Array, *, keep_dims: bool) -> Array:
    """The sum along some axes."""
    return xp.sum(x, axes_of(x, axes), keep_dims)


def _mean_rule(n: Operation, dy: Tensor) -> Tensor:
    return F.RealDiv(rules.spread(n, dy), rules.reduced_count(n, dy.dtype))


@op(
    "Mean",
    infer=infer.reduce,
    math="y = Σᵢ xᵢ / n",
    static=_AXES,
    grad=dict(input=rule("x̄ᵢ = ȳ / n", _mean_rule)),
    traits=Traits(linear=("input",), function=Function.MEAN),
)
def _mean(xp: Arrays, x: Array, axes: Array, *, keep_dims: bool) -> Array:
    """The mean along some axes."""
    return xp.mean(x, axes_of(x, axes), keep_dims)


def _extreme_rule(n: Operation, dy: Tensor) -> Tensor:
    """Equal shares of dy for all elements that are the largest (smallest)."""
    x, axes = n.inputs
    kept = rules.kept_shape(n)
    chosen = F.Cast(F.Equal(F.Reshape(n.outputs[0], kept), x), DstT=dy.dtype)
    count = F.Reshape(F.Sum(chosen, axes), kept)
    return F.Mul(F.RealDiv(chosen, count), F.Reshape(dy, kept))


def _extreme(
    xp: Arrays,
    reduce: Callable[..., Array],
    x: Array,
    axes: tuple[int, ...],
    keep_dims: bool,
    none: float,
) -> Array:
    """An extreme that NaN is none of, but where it is alone; of NaN only, `none`.

    XLA reduces three times as fast what nothing is done to first, so that is tried.
    """
    found = reduce(x, axes, keep_dims)
    if x.dtype.kind in "iub" or prod(x.shape[axis] for axis in axes) < 2:
        return found

    def without_nan(x: Array, found: Array) -> Array:
        del found
        return reduce(xp.where(xp.isnan(x), x.dtype.type(none), x), axes, keep_dims)

    lost = xp.any(xp.isnan(found))
    return xp.cond(lost, without_nan, lambda x, found: found, x, found)


@op(
    "Max",
    infer=infer.reduce,
    math="y = maxᵢ xᵢ",
    static=_AXES,
    grad=dict(input=rule("x̄ᵢ = ȳ [xᵢ = y] / Σⱼ [xⱼ = y]", _extreme_rule)),
)
def _max(xp: Arrays, x: Array, axes: Array, *, keep_dims: bool) -> Array:
    """The largest element along some axes."""
    return _extreme(xp, xp.max, x, axes_of(x, axes), keep_dims, -np.inf)


@op(
    "Min",
    infer=infer.reduce,
    math="y = minᵢ xᵢ",
    static=_AXES,
    grad=dict(input=rule("x̄ᵢ = ȳ [xᵢ = y] / Σⱼ [xⱼ = y]", _extreme_rule)),
)
def _min(xp: Arrays, x: Array, axes: Array, *, keep_dims: bool) -> Array:
    """The smallest element along some axes."""
    return _extreme(xp, xp.min, x, axes_of(x, axes), keep_dims, np.inf)


def _prod_rule(n: Operation, dy: Tensor) -> Tensor:
    """dy times the product of the others, which exists also where x is zero.

    The reduced axes become one, in front; running products from both sides leave out an
    element each.
    """
    x = n.inputs[0]
    perm, inverse, table, permuted = _in_front(n)
    rows = F.Reshape(F.Transpose(x, perm), table)
    left = F.Cumprod(rows, 0, exclusive=True)
    right = F.Cumprod(rows, 0, exclusive=True, reverse=True)
    others = F.Reshape(F.Mul(rules.conj(left), rules.conj(right)), permuted)
    result = F.Mul(rules.spread(n, dy), F.Transpose(others, inverse))
    return F.Reshape(result, rules.shape_of(x))


def _in_front(
    n: Operation,
) -> tuple[TensorLike, TensorLike, TensorLike, TensorLike]:
    """How to bring reduced axes to the front.

    Returns:
      The permutation and its inverse, the shape [reduced, rest], the permuted shape.
    """
    x = n.inputs[0]
    raw, axes = rules.static_shape(x), rules.static_axes(n)
    if raw is not None and axes is not None:
        perm = [*axes, *(i for i in range(len(raw)) if i not in axes)]
        sizes = np.array([raw[i] for i in perm], np.int32)
        table = [int(np.prod(part)) for part in np.split(sizes, [len(axes)])]
        order = np.array(perm, np.int32)
        return order, np.argsort(order).astype(np.int32), table, sizes
    shape, rank = F.Shape(x), F.Rank(x)
    axes = F.Cast(F.Reshape(n.inputs[1], [-1]), DstT=dtypes.int32)
    axes = F.FloorMod(F.AddV2(axes, rank), rank)
    rest = F.ListDiff(F.Range(0, rank, 1), axes)[0]
    perm = F.ConcatV2([axes, rest], 0)
    sizes = [F.Prod(F.GatherV2(shape, part, 0), [0]) for part in (axes, rest)]
    permuted = F.GatherV2(shape, perm, 0)
    return perm, F.InvertPermutation(perm), F.Pack(sizes), permuted


@op(
    "Prod",
    infer=infer.reduce,
    math="y = Πᵢ xᵢ",
    static=_AXES,
    grad=dict(input=rule("x̄ᵢ = ȳ Πⱼ≠ᵢ xⱼ", _prod_rule)),
)
def _prod(xp: Arrays, x: Array, axes: Array, *, keep_dims: bool) -> Array:
    """The product along some axes."""
    return xp.prod(x, axes_of(x, axes), keep_dims)


@op(
    "All",
    infer=infer.reduce,
    math="y = ⋀ᵢ xᵢ",
    static=_AXES,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _all(xp: Arrays, x: Array, axes: Array, *, keep_dims: bool) -> Array:
    """Whether all elements along some axes are true."""
    return xp.all(x, axes_of(x, axes), keep_dims)


@op(
    "Any",
    infer=infer.reduce,
    math="y = ⋁ᵢ xᵢ",
    static=_AXES,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _any(xp: Arrays, x: Array, axes: Array, *, keep_dims: bool) -> Array:
    """Whether some element along some axes is true."""
    return xp.any(x, axes_of(x, axes), keep_dims)


@op(
    "EuclideanNorm",
    infer=infer.reduce,
    math="y = √Σᵢ |xᵢ|²",
    static=_AXES,
    grad=NOT_DIFFERENTIABLE,
)
def _euclidean_norm(xp: Arrays, x: Array, axes: Array, *, keep_dims: bool) -> Array:
    """The Euclidean norm along some axes; x itself where there are none."""
    found = axes_of(x, axes)
    if not found:
        return x
    squares = xp.multiply(x, xp.conj(x))
    return xp.cast(xp.sqrt(xp.sum(squares, found, keep_dims)), x.dtype)


def _without_axis(n: Operation) -> RawShape:
    """The shape of the input without the one axis that input 1 names."""
    raw, axis = n._inputs[0]._shape_raw, constant(n._inputs[1])
    if raw is None:
        return None
    if len(raw) < 2:  # whatever the axis is
        return ()
    if axis is None:
        return (None,) * (len(raw) - 1)
    at = int(axis)
    if not -len(raw) <= at < len(raw):
        raise ValueError(
            f"Dimension ({at}) must be in the range [{-len(raw)}, {len(raw)}), where "
            f"{len(raw)} is the number of dimensions in the input. for "
            f"{infer.described(n)}."
        )
    at %= len(raw)
    return raw[:at] + raw[at + 1 :]


def _no_terms(n: Operation, dy: Tensor) -> list[None]:
    del dy
    return [None] * len(n.inputs)


def _position(
    xp: Arrays, find: Callable[..., Any], x: Array, dimension: Array, dtype: np.dtype
) -> Array:
    if np.ndim(dimension):
        raise refused(
            "dim must be a scalar, but received tensor of shape: "
            f"{_listed(dimension.shape)}"
        )
    axis, size = int(dimension), len(x.shape)
    if not -size <= axis < size:
        raise refused(
            f"Expected dimension in the range [{-size}, {size}), but got {axis}"
        )
    if x.shape[axis] == 0:
        raise refused(f"Reduction axis {axis} is empty in shape {_listed(x.shape)}")
    if x.dtype.kind == "c":
        raise refused("Of complex numbers none is the largest.")
    return xp.cast(find(x, axis), dtype)


def _listed(shape: Sequence[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


@op(
    "ArgMax",
    infer=_without_axis,
    math="y = argmaxᵢ xᵢ",
    static="dimension",
    grad=_no_terms,
    notation=dict(input="x has no derivative: piecewise constant"),
    traits=Traits(blocks=Blocks.POSITION),
)
def _arg_max(xp: Arrays, x: Array, dimension: Array, *, output_type: np.dtype) -> Array:
    """The position of the largest element along an axis, the first among equals."""
    return _position(xp, xp.argmax, x, dimension, output_type)


@op(
    "ArgMin",
    infer=_without_axis,
    math="y = argminᵢ xᵢ",
    static="dimension",
    grad=_no_terms,
    notation=dict(input="x has no derivative: piecewise constant"),
    traits=Traits(blocks=Blocks.POSITION),
)
def _arg_min(xp: Arrays, x: Array, dimension: Array, *, output_type: np.dtype) -> Array:
    """The position of the smallest element along an axis, the first among equals."""
    return _position(xp, xp.argmin, x, dimension, output_type)
