"""Ops: elements chosen by a condition; one-hot vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import shapes
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.array.fill import zeros, zeros_like
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import (
    invalid,
    merged,
    shape_text,
    size_input,
)
from retrograd.ops.traits import Blocks, Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- one hot


def _one_hot_shape(n: Operation) -> RawShape:
    axis, raw = n.attrs["axis"], n._inputs[0]._shape_raw
    if axis < -1:
        raise invalid(n, "axis must be >= -1")
    depth = size_input(n, 1)
    if raw is None:
        return None
    at = axis % (len(raw) + 1)
    return (*raw[:at], depth, *raw[at:])


@op(
    "OneHot",
    infer=_one_hot_shape,
    math="y = on at the index, off elsewhere",
    grad=NOT_DIFFERENTIABLE,
    static="depth",
    traits=Traits(blocks=Blocks.INDEX),
)
def one_hot_kernel(
    xp: Arrays,
    indices: Array,
    depth: Array,
    on_value: Array,
    off_value: Array,
    *,
    axis: int,
) -> Array:
    """A new axis that is `on_value` at the index and `off_value` elsewhere."""
    rank_ = np.ndim(indices) + 1
    if axis >= rank_:
        raise refused(
            f"Expected axis to be -1 or between [0, {rank_}).  But received: {axis}"
        )
    if np.ndim(depth):
        raise refused(f"depth must be a scalar, but got: {shape_text(np.shape(depth))}")
    if depth < 0:
        raise refused(f"depth must be non-negative, got: {depth}")
    at = axis % rank_
    places = np.arange(int(depth)).reshape((-1,) + (1,) * (rank_ - 1 - at))
    hit = xp.equal(xp.expand_dims(indices, at), places)
    return xp.where(hit, on_value, off_value)


# ---------------------------------------------------------------------- where


def _where_shape(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    return (None, None if raw is None else len(raw))


@op("Where", infer=_where_shape, math="y = indices where x ≠ 0", host=True)
def where_kernel(xp: Arrays, x: Array) -> Array:
    """The indices of elements that are not zero, in row-major order."""
    del xp
    if not np.ndim(x):
        raise refused("WhereOp : Unhandled input dimensions: 0")
    return np.argwhere(x)


def _selected_shape(n: Operation) -> RawShape:
    data = merged(n, n._inputs[1]._shape_raw, n._inputs[2]._shape_raw)
    condition = n._inputs[0]._shape_raw
    if condition is None or data is None or not condition:
        return data
    if len(condition) != 1 or not data:
        return merged(n, data, condition)
    merged(n, condition, data[:1])
    return data


@op(
    "Select",
    infer=_selected_shape,
    math="y = t where c, else e",
    traits=Traits(function=Function.SELECTION),
)
def select_kernel(xp: Arrays, condition: Array, t: Array, e: Array) -> Array:
    """Elements, or rows, of `t` where `condition`, else of `e`."""
    csh, tsh, esh = np.shape(condition), np.shape(t), np.shape(e)
    if csh and csh != tsh:
        if len(csh) != 1 or len(tsh) == 1 or tsh != esh:
            raise refused(
                "Inputs to operation Select of type Select must have the same size and "
                f"shape.  Input 0: {shape_text(csh)} != input 1: {shape_text(tsh)}"
            )
        if not tsh:
            raise refused("'then' must be at least a vector, but saw shape: []")
        if csh[0] != tsh[0]:
            raise refused(
                "Number of batches of 'then' must match size of 'cond', but saw: "
                f"{tsh[0]} vs. {csh[0]}"
            )
        condition = xp.reshape(condition, csh + (1,) * (len(tsh) - 1))
    if tsh != esh:
        raise refused(
            "'then' and 'else' must have the same size.  but received: "
            f"{shape_text(tsh)} vs. {shape_text(esh)}"
        )
    return xp.where(condition, t, e)


@gradient("Select", t="t̄ = ȳ where c, else 0", e="ē = 0 where c, else ȳ", condition="c")
def select_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Each element's derivative goes to where it came from."""
    nothing = zeros_like(n.inputs[1])
    chosen = n.inputs[0]
    return [None, F.Select(chosen, dy, nothing), F.Select(chosen, nothing, dy)]


def _select_v2_shape(n: Operation) -> RawShape:
    condition, t, e = (i._shape_raw for i in n._inputs)
    try:
        return shapes.broadcast(condition, shapes.broadcast(t, e))
    except ValueError as error:
        raise invalid(n, str(error)) from None


@op(
    "SelectV2",
    infer=_select_v2_shape,
    math="y = t where c, else e",
    traits=Traits(function=Function.SELECTION),
)
def select_v2_kernel(xp: Arrays, condition: Array, t: Array, e: Array) -> Array:
    """Elements of `t` where `condition`, else of `e`, all three broadcast."""
    try:
        return xp.where(condition, t, e)
    except ValueError:
        found = [shape_text(np.shape(v)) for v in (condition, t, e)]
        raise refused(
            f"condition {found[0]}, then {found[1]}, and else {found[2]} must be "
            "broadcastable"
        ) from None


@gradient(
    "SelectV2", t="t̄ = ȳ where c, else 0", e="ē = 0 where c, else ȳ", condition="c"
)
def select_v2_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Each element's derivative goes to where it came from, summed if repeated."""
    chosen, t, e = n.inputs
    nothing = zeros([], dtype=dy.dtype.base_dtype)
    whole = shape(n.outputs[0])
    return [
        None,
        _unrepeated(F.SelectV2(chosen, dy, nothing), t, whole),
        _unrepeated(F.SelectV2(chosen, nothing, dy), e, whole),
    ]


def _unrepeated(term: Tensor, x: Tensor, whole: Tensor) -> Tensor:
    if shapes.is_full(x._shape_raw) and x._shape_raw == term._shape_raw:
        return term
    sizes = shape(x)
    axes = F.BroadcastGradientArgs(sizes, whole)[0]
    return reshape(F.Sum(term, axes, keep_dims=True), sizes)
