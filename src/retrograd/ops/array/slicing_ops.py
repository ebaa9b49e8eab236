"""Ops: Slice, and StridedSlice, which is Python's `x[...]` with all its forms."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.errors import UnimplementedError
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.blank import blank
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import rank, reshape, shape
from retrograd.ops.array.slice_spec import (
    Place,
    bounded,
    length,
    place_again,
    place_of,
    spelled_out,
)
from retrograd.ops.declare import F, gradient, op, rule
from retrograd.ops.infer import invalid, like, merged, shape_text, with_rank
from retrograd.ops.static import constant as static_value
from retrograd.ops.static import constant_as_shape
from retrograd.ops.traits import Function, Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- Slice


def _slice_shape(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    count = merged(n, with_rank(n, 1, 1), with_rank(n, 2, 1))
    if count is not None and count[0] is not None:
        raw = with_rank(n, 0, count[0])
    begin, size = constant_as_shape(n._inputs[1]), static_value(n._inputs[2])
    if size is None:
        found = constant_as_shape(n._inputs[2])
        if found is not None:
            return found
        return None if raw is None else (None,) * len(raw)
    begin = begin or (None,) * len(size)
    sizes: list[int | None] = []
    for i, wanted in enumerate(size.tolist()):
        if wanted >= 0:
            sizes.append(wanted)
            continue
        whole, first = (None if raw is None else raw[i]), begin[i]
        if wanted < -1:
            raise ValueError(f"Invalid value in tensor used for shape: {wanted}")
        sizes.append(None if whole is None or first is None else whole - first)
    return tuple(sizes)


def _slice_static(n: Operation) -> tuple[str, ...]:
    """The begin may be found out while running if no size depends on it."""
    size = static_value(n._inputs[2])
    if size is not None and (size >= 0).all():
        return ("size",)
    return ("begin", "size")


def _moving_block(xp: Arrays, x: Array, begin: Array, size: list[int]) -> Array:
    """The block of a fixed size whose begin a compiled program works out."""
    for axis, (wanted, whole) in enumerate(zip(size, np.shape(x), strict=True)):
        first = begin[axis]
        fits = (first >= 0) & (first <= whole - wanted)
        xp.check(fits, partial(_outside, axis, first, wanted, whole))
        if wanted != whole:
            x = xp.take(x, first + np.arange(wanted, dtype=begin.dtype), axis)
    return x


def _outside(axis: int, begin: Any, size: int, whole: int) -> Exception:
    """The error of a block that does not lie within an axis."""
    if not 0 <= begin <= whole:
        return refused(f"Expected begin[{axis}] in [0, {whole}], but got {begin}")
    most = whole - begin
    return refused(f"Expected size[{axis}] in [0, {most}], but got {size}")


@op(
    "Slice",
    infer=_slice_shape,
    math="y = x[begin : begin + size]",
    grad=dict(input=rule("x̄ = ȳ with zeros around it", lambda n, dy: _padded(n, dy))),
    static=_slice_static,
    traits=Traits(passes=Passes.MOVED),
)
def slice_kernel(xp: Arrays, x: Array, begin: Array, size: Array) -> Array:
    """The block of x that starts at `begin`; a size of −1 means: to the end."""
    have = np.shape(x)
    if begin.shape != (len(have),) or size.shape != (len(have),):
        raise refused(
            f"Expected begin and size arguments to be 1-D tensors of size {len(have)}, "
            f"but got shapes {shape_text(begin.shape)} and {shape_text(size.shape)} "
            "instead."
        )
    if not isinstance(begin, np.ndarray):
        return _moving_block(xp, x, begin, size.tolist())
    where = []
    for i, (b, s, whole) in enumerate(
        zip(begin.tolist(), size.tolist(), have, strict=True)
    ):
        s = whole - b if s == -1 else s
        if not whole and (b or s):
            raise refused(
                f"Expected begin[{i}] == 0 (got {b}) and size[{i}] == 0 (got {s}) when "
                f"input.dim_size({i}) == 0"
            )
        if not (0 <= b <= whole and 0 <= s <= whole - b):
            raise _outside(i, b, s, whole)
        where.append(slice(b, b + s))
    return x[tuple(where)]


def _padded(n: Operation, dy: Tensor) -> Tensor:
    """ȳ at its place in the whole, zeros elsewhere."""
    x, begin = n.inputs[0], n.inputs[1]
    size = shape(n.outputs[0])
    column = stack([rank(x), 1])
    before = reshape(begin, column)
    whole = shape(x)
    if begin.dtype.base_dtype is not dtypes.int32:
        whole, size = (F.Cast(t, DstT=begin.dtype.base_dtype) for t in (whole, size))
    after = reshape(F.Sub(F.Sub(whole, size, name="sub"), begin, name="sub"), column)
    return F.Pad(dy, concat([before, after], 1))


# ---------------------------------------------------------------------- StridedSlice


def _values(*values: Array | None) -> list[list[int] | None]:
    return [None if v is None else np.asarray(v).tolist() for v in values]


def _strided_shape(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    counts: RawShape = None
    for i in (1, 2, 3):
        counts = merged(n, counts, with_rank(n, i, 1))
    strides = static_value(n._inputs[3])
    if raw is None or counts is None or counts[0] is None or strides is None:
        return None
    begin, end = _values(static_value(n._inputs[1]), static_value(n._inputs[2]))
    try:
        spec = spelled_out(raw, begin, end, strides.tolist(), n.attrs)
        sizes: list[int | None] = []
        for i, (axis, size) in enumerate(zip(spec.axes, raw, strict=True)):
            bounds = bounded(i, axis, size)
            sizes.append(None if bounds is None else length(bounds, axis.stride))
    except ValueError as error:
        raise invalid(n, str(error)) from None
    return tuple(1 if axis is None else sizes[axis] for axis in spec.gather)


_MASKS = "begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask".split()


def _masks(n: Operation) -> dict[str, int]:
    return {name: n.attrs[name] for name in _MASKS}


def _strided_static(n: Operation) -> list[str]:
    """Bounds need not be known where all that they do is to pick single elements."""
    masks = n.attrs
    picked = masks["ellipsis_mask"] | masks["new_axis_mask"] | masks["shrink_axis_mask"]
    free = picked | (masks["begin_mask"] & masks["end_mask"])
    count = n._inputs[-1 if n.type == "StridedSlice" else 3]._shape_raw
    names = ["shape", "strides"]
    if not count or count[0] is None or free & (2 ** count[0] - 1) != 2 ** count[0] - 1:
        names += ["begin", "end"]
    return names


@op(
    "StridedSlice",
    infer=_strided_shape,
    math="y = x[begin : end : stride, …]",
    static=_strided_static,
    traits=Traits(passes=Passes.MOVED, cheap=True, function=Function.SUBSCRIPT),
)
def strided_slice_kernel(
    xp: Arrays, x: Array, begin: Array, end: Array, strides: Array, *, n: Operation
) -> Array:
    """Every `strides`-th element from `begin` to before `end`, along each axis."""
    place = place_again(xp, n, x.shape, begin, end, strides)
    if place.block == place.final:
        return x[place.index]
    # an array even of one element: of strings NumPy would take out bytes
    return x[(*place.index, ...)].reshape(place.final)


@gradient("StridedSlice", input="x̄ = ȳ at its place, zeros elsewhere")
def strided_slice_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Put ȳ where the slice was."""
    x, *bounds = n.inputs
    sizes = shape(x, out_type=bounds[0].dtype.base_dtype)
    dx = F.StridedSliceGrad(sizes, *bounds, dy, **_masks(n))
    return [dx, None, None, None]


@op(
    "StridedSliceGrad",
    infer=lambda n: constant_as_shape(n._inputs[0]),
    math="y[begin : end : stride, …] = g",
    static=_strided_static,
    traits=Traits(linear=("dy",)),
)
def strided_slice_grad_kernel(
    xp: Arrays,
    sizes: Array,
    begin: Array,
    end: Array,
    strides: Array,
    dy: Array,
    *,
    n: Operation,
) -> Array:
    """Zeros of the given shape, with dy in the place of the slice."""
    have = tuple(sizes.tolist())
    place = place_again(xp, n, have, begin, end, strides)
    if dy.shape != place.final:
        raise refused(
            f"shape of dy was {shape_text(np.shape(dy))} instead of "
            f"{shape_text(place.final)}"
        )
    return _put(xp, blank(xp, have, dy.dtype), place, dy)


@gradient("StridedSliceGrad", dy="ḡ = ȳ[begin : end : stride, …]")
def strided_slice_grad_gradient(n: Operation, dx: Tensor) -> list[Tensor | None]:
    """Take the slice out again."""
    _, *bounds, _ = n.inputs
    return [None, None, None, None, F.StridedSlice(dx, *bounds, **_masks(n))]


def _put(xp: Arrays, whole: Array, place: Place, value: Array) -> Array:
    """`whole`, an array of the caller's own, with `value` at a place."""
    if value.shape != place.block:
        value = xp.reshape(value, place.block)
    if isinstance(whole, np.ndarray):
        whole[place.index] = value
        return whole
    return whole.at[place.index].set(value)


@op(
    "StridedSliceAssign",
    infer=like(0),
    math="v[begin : end : stride, …] ← x",
    updates="ref",
    static=_strided_static,
)
@op(
    "ResourceStridedSliceAssign",
    infer=lambda n: [],
    math="v[begin : end : stride, …] ← x",
    updates="ref",
    static=_strided_static,
)
@op(
    "TensorStridedSliceUpdate",
    infer=like(0),
    math="y = x, y[begin : end : stride, …] = value",
    static=_strided_static,
)
def strided_slice_update_kernel(
    xp: Arrays,
    x: Array,
    begin: Array,
    end: Array,
    strides: Array,
    value: Array,
    *,
    n: Operation,
) -> Array:
    """x, or the variable, with `value` in the place of a slice."""
    place = place_of(xp, np.shape(x), begin, end, strides, n.attrs)
    have = np.shape(value)
    if 0 in place.final:
        return x
    if have != place.final:
        raise UnimplementedError(
            None,
            None,
            f"sliced l-value shape {shape_text(place.final)} does not match r-value "
            f"shape {shape_text(have)}. Automatic broadcasting not yet implemented.",
        )
    return _put(xp, xp.array(x), place, value)
