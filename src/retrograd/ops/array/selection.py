"""Elements chosen by a condition; one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.array.fill import zeros, zeros_like
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import (
    reshape,
    shape,
    squeeze,
)
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import (
    invalid,
    merged,
    shape_text,
    size_input,
)

# ---------------------------------------------------------------------- one hot


def _one_hot_shape(n: Any) -> RawShape:
    axis, raw = n.attrs["axis"], n._inputs[0]._shape_raw
    if axis < -1:
        raise invalid(n, "axis must be >= -1")
    depth_shape = n._inputs[1]._shape_raw
    if depth_shape:
        raise invalid(n, f"Input must be scalar but has rank {len(depth_shape)}")
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
)
def one_hot_kernel(
    xp: Any, indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int
) -> Any:
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


def _where_shape(n: Any) -> RawShape:
    raw = n._inputs[0]._shape_raw
    return (None, None if raw is None else len(raw))


@op("Where", infer=_where_shape, math="y = indices where x ≠ 0", host=True)
def where_kernel(xp: Any, x: Any) -> Any:
    """The indices of elements that are not zero, in row-major order."""
    del xp
    if not np.ndim(x):
        raise refused("WhereOp : Unhandled input dimensions: 0")
    return np.argwhere(x)


def _selected_shape(n: Any) -> RawShape:
    data = merged(n, n._inputs[1]._shape_raw, n._inputs[2]._shape_raw)
    condition = n._inputs[0]._shape_raw
    if condition is None or data is None or not condition:
        return data
    if len(condition) != 1 or not data:
        return merged(n, data, condition)
    merged(n, condition, data[:1])
    return data


@op("Select", infer=_selected_shape, math="y = t where c, else e")
def select_kernel(xp: Any, condition: Any, t: Any, e: Any) -> Any:
    """Elements, or rows, of `t` where `condition`, else of `e`."""
    csh, tsh, esh = np.shape(condition), np.shape(t), np.shape(e)
    if csh and csh != tsh:
        if len(csh) != 1 or tsh != esh:
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
def select_gradient(n: Any, dy: Any) -> Any:
    """Each element's derivative goes to where it came from."""
    nothing = zeros_like(n.inputs[1])
    chosen = n.inputs[0]
    return [None, F.Select(chosen, dy, nothing), F.Select(chosen, nothing, dy)]


def _select_v2_shape(n: Any) -> RawShape:
    condition, t, e = (i._shape_raw for i in n._inputs)
    try:
        return shapes.broadcast(condition, shapes.broadcast(t, e))
    except ValueError as error:
        raise invalid(n, str(error)) from None


@op("SelectV2", infer=_select_v2_shape, math="y = t where c, else e")
def select_v2_kernel(xp: Any, condition: Any, t: Any, e: Any) -> Any:
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
def select_v2_gradient(n: Any, dy: Any) -> Any:
    """Each element's derivative goes to where it came from, summed if repeated."""
    chosen, t, e = n.inputs
    nothing = zeros([], dtype=dy.dtype.base_dtype)
    whole = shape(n.outputs[0])
    return [
        None,
        _unrepeated(F.SelectV2(chosen, dy, nothing), t, whole),
        _unrepeated(F.SelectV2(chosen, nothing, dy), e, whole),
    ]


def _unrepeated(term: Any, x: Tensor, whole: Tensor) -> Any:
    if shapes.is_full(x._shape_raw) and x._shape_raw == term._shape_raw:
        return term
    sizes = shape(x)
    axes = F.BroadcastGradientArgs(sizes, whole)[0]
    return reshape(F.Sum(term, axes, keep_dims=True), sizes)


# ---------------------------------------------------------------------- functions


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """A new axis of size `depth` that is `on_value` at the index, else `off_value`.

    Args:
      indices: uint8, int32 or int64; one that is out of range gives `off_value` alone.
      depth: a scalar.
      on_value: a scalar, by default 1.
      off_value: a scalar, by default 0.
      axis: where the new axis is, by default last.
      dtype: the type of the elements; by default that of the values, or float32.
      name: the name of the operation.

    Raises:
      TypeError: the values differ in type, or are not of `dtype`.
    """
    with dispatch.name_scope(
        name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]
    ) as scope:
        wanted = None if dtype is None else dtypes.as_dtype(dtype)
        given = {"on_value": on_value, "off_value": off_value}
        found: dict[str, dtypes.DType] = {}
        for what, value in given.items():
            if value is not None:
                found[what] = convert_to_tensor(value).dtype.base_dtype
                if wanted is not None and found[what] != wanted:
                    raise TypeError(
                        f"dtype {found[what]} of {what} does not match dtype parameter "
                        f"{wanted}"
                    )
        if wanted is None:
            wanted = next(iter(found.values()), dtypes.float32)
        for what, default in (("on_value", 1), ("off_value", 0)):
            if given[what] is None:
                given[what] = convert_to_tensor(default, wanted, name=what)
                found[what] = wanted
        if found["on_value"] != found["off_value"]:
            raise TypeError(
                f"dtype {found['on_value']} of on_value does not match dtype "
                f"{found['off_value']} of off_value"
            )
        return F.OneHot(indices, depth, *given.values(), axis=axis, name=scope)


def where(
    condition: Any, x: Any = None, y: Any = None, name: str | None = None
) -> Tensor:
    """Elements of `x` where `condition`, else of `y`; or where `condition` is true.

    Args:
      condition: with `x` and `y`: bool, of their shape, or a vector that chooses rows.
        Alone: of any numeric type.
      x, y: both or neither, of one shape.
      name: the name of the operation.

    Returns:
      The elements; alone: int64 [n, rank], the indices of elements that are not zero.

    Raises:
      ValueError: one of `x` and `y` is missing; (static) shapes do not go together.
    """
    return _where(F.Select, condition, x, y, name)


def where_v2(
    condition: Any, x: Any = None, y: Any = None, name: str | None = None
) -> Tensor:
    """As `where`, but `condition`, `x` and `y` are broadcast."""
    return _where(F.SelectV2, condition, x, y, name)


def _where(function: Any, condition: Any, x: Any, y: Any, name: Any) -> Tensor:
    if x is None and y is None:
        with dispatch.name_scope(name, "Where", [condition]) as scope:
            condition = convert_to_tensor(
                condition, preferred_dtype=dtypes.bool, name="condition"
            )
            return F.Where(condition, name=scope)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return function(condition, x, y, name=name)


def boolean_mask(
    tensor: Any, mask: Any, name: str | None = "boolean_mask", axis: int | None = None
) -> Tensor:
    """The elements, or slices, of `tensor` where `mask` is true, along one axis.

    Args:
      tensor: a tensor.
      mask: bool, of a known rank, 1 at least; its shape is that of `tensor` from
        `axis` on.
      name: the scope of the operations.
      axis: the first axis that the mask is about, by default 0.

    Raises:
      ValueError: a scalar mask, one of unknown rank, or one that does not fit.
    """
    with dispatch.name_scope(name, values=[tensor, mask]):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        mask_shape, whole = mask.shape, tensor.shape
        count = mask_shape.ndims
        if count == 0:
            raise ValueError("mask cannot be scalar.")
        if count is None:
            raise ValueError(
                "Number of mask dimensions must be specified, even if some dimensions "
                "are None.  E.g. shape=[None] is ok, but shape=None is not."
            )
        first = 0 if axis is None else axis
        last = first + count
        whole[first:last].assert_is_compatible_with(mask_shape)
        length = F.Prod(shape(tensor)[first:last], [0])
        sizes = concat([shape(tensor)[:first], [length], shape(tensor)[last:]], 0)
        tensor = reshape(tensor, sizes)
        middle = [whole[first:last].num_elements()]
        known = shapes.as_shape(whole[:first]).concatenate(middle)
        tensor.set_shape(known.concatenate(whole[last:]))
        indices = squeeze(where(reshape(mask, [-1])), axis=[1])
        return gather(tensor, indices, axis=first)


def boolean_mask_v2(
    tensor: Any, mask: Any, axis: int | None = None, name: str = "boolean_mask"
) -> Tensor:
    """As `boolean_mask`."""
    return boolean_mask(tensor, mask, name, axis)
