"""Slices: Slice, and StridedSlice, which is Python's `x[...]` with all its forms."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.constant import constant
from retrograd.ops.declare import F, gradient, op, rule
from retrograd.ops.infer import invalid, merged, same, shape_text, with_rank
from retrograd.ops.join import concat, stack
from retrograd.ops.shape import rank, reshape, shape
from retrograd.ops.static import constant as static_value
from retrograd.ops.static import constant_as_shape

# ---------------------------------------------------------------------- Slice


def _slice_shape(n: Any) -> RawShape:
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
    found: list[int | None] = []
    for i, wanted in enumerate(size.tolist()):
        if wanted >= 0:
            found.append(wanted)
            continue
        whole, first = (None if raw is None else raw[i]), begin[i]
        if wanted < -1:
            raise ValueError(f"Invalid value in tensor used for shape: {wanted}")
        found.append(None if whole is None or first is None else whole - first)
    return tuple(found)


def _slice_static(n: Any) -> tuple[str, ...]:
    """The begin may be found out while running if no size depends on it."""
    size = static_value(n._inputs[2])
    if size is not None and (size >= 0).all():
        return ("size",)
    return ("begin", "size")


def _moving_block(xp: Any, x: Any, begin: Any, size: list[int]) -> Any:
    """The block of a fixed size whose begin a compiled program works out."""
    for axis, (wanted, whole) in enumerate(zip(size, np.shape(x), strict=True)):
        if wanted != whole:
            x = xp.take(x, begin[axis] + np.arange(wanted, dtype=begin.dtype), axis)
    return x


@op(
    "Slice",
    infer=_slice_shape,
    math="y = x[begin : begin + size]",
    grad=dict(input=rule("x̄ = ȳ with zeros around it", lambda n, dy: _padded(n, dy))),
    static=_slice_static,
)
def slice_kernel(xp: Any, x: Any, begin: Any, size: Any) -> Any:
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
        if not 0 <= b <= whole:
            raise refused(f"Expected begin[{i}] in [0, {whole}], but got {b}")
        if not 0 <= s <= whole - b:
            raise refused(f"Expected size[{i}] in [0, {whole - b}], but got {s}")
        where.append(slice(b, b + s))
    return x[tuple(where)]


def _padded(n: Any, dy: Any) -> Any:
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


# ---------------------------------------------------------------------- the spec


@dataclass(slots=True)
class _Axis:
    """How one axis of the input is sliced; None as a bound: from or to the very end."""

    begin: int | None
    end: int | None
    stride: int
    shrink: bool
    #: neither bound is known though there are any
    hidden: bool = False


@dataclass(slots=True)
class _Spec:
    """A strided slice spelled out for an input of known rank.

    Attributes:
      axes: one for each axis of the input.
      gather: the axes of the result: which of the input, or None for a new one.
    """

    axes: list[_Axis]
    gather: list[int | None]


_WHOLE = (None, None, 1, False)


def _spec(
    have: Sequence[int | None], begin: Any, end: Any, strides: Any, masks: Any
) -> _Spec:
    """Spell out a strided slice.

    Args:
      have: the sizes of the input, as far as they are known.
      begin, end: lists of numbers, or None where the values are not known.
      strides: a list of numbers.
      masks: the operation's attributes.

    Raises:
      ValueError: the slice does not fit the input.
    """
    count, rank_ = len(strides), len(have)
    ellipsis, new_axis = masks["ellipsis_mask"], masks["new_axis_mask"]
    if ellipsis & (ellipsis - 1):
        raise ValueError("Multiple ellipses in slice spec not allowed")
    taken = [i for i in range(count) if not (ellipsis | new_axis) & (1 << i)]
    spare = rank_ - len(taken)
    axes: list[_Axis] = []
    gather: list[int | None] = []

    def whole(number: int) -> None:
        for _ in range(number):
            gather.append(len(axes))
            axes.append(_Axis(*_WHOLE))

    for i in range(count):
        bit = 1 << i
        if ellipsis & bit:
            whole(spare)
        elif new_axis & bit:
            gather.append(None)
        else:
            if len(axes) == rank_:
                raise ValueError(
                    f"Index out of range using input dim {rank_}; input has only "
                    f"{rank_} dims"
                )
            axis = _axis(i, bit, begin, end, strides, masks)
            if not axis.shrink:
                gather.append(len(axes))
            axes.append(axis)
    whole(rank_ - len(axes))
    return _Spec(axes, gather)


def _axis(i: int, bit: int, begin: Any, end: Any, strides: Any, masks: Any) -> _Axis:
    shrink = bool(masks["shrink_axis_mask"] & bit)
    from_start = bool(masks["begin_mask"] & bit)
    to_end = bool(masks["end_mask"] & bit)
    hidden = (begin is None or end is None) and not (from_start and to_end)
    if begin is None or end is None:
        return _Axis(None, None, strides[i], shrink, hidden)
    if shrink:
        return _Axis(begin[i], None, strides[i], shrink)
    return _Axis(
        None if from_start else begin[i], None if to_end else end[i], strides[i], False
    )


def _bounded(i: int, axis: _Axis, size: int | None) -> tuple[int, int] | None:
    """The bounds of a slice of an axis, from 0 (or −1, going down) to its size.

    None where the size or the bounds are not known.

    Raises:
      ValueError: a stride of 0, or an index that is out of bounds.
    """
    if axis.stride == 0:
        raise ValueError(f"strides[{i}] must be non-zero")
    if size is None:
        return None
    if axis.shrink and axis.stride <= 0:
        raise ValueError("only stride 1 allowed on non-range indexing.")
    if axis.hidden:
        return None
    if axis.shrink:
        index = axis.begin
        if index is None:
            return None
        index = index + size if index < 0 else index
        if not 0 <= index < size:
            raise ValueError(f"slice index {index} of dimension {i} out of bounds.")
        return index, index + 1
    low, high = (0, size) if axis.stride > 0 else (-1, size - 1)
    first, last = (low, high) if axis.stride > 0 else (high, low)
    if axis.begin is not None:
        first = _clipped(axis.begin, size, low, high)
    if axis.end is not None:
        last = _clipped(axis.end, size, low, high)
    return first, last


def _clipped(place: int, size: int, low: int, high: int) -> int:
    return max(low, min(high, place + size if place < 0 else place))


def _length(bounds: tuple[int, int], stride: int) -> int:
    return len(range(bounds[0], bounds[1], stride))


def _values(*values: Any) -> list[list[int] | None]:
    return [None if v is None else np.asarray(v).tolist() for v in values]


def _strided_shape(n: Any) -> RawShape:
    raw = n._inputs[0]._shape_raw
    counts: RawShape = None
    for i in (1, 2, 3):
        counts = merged(n, counts, with_rank(n, i, 1))
    strides = static_value(n._inputs[3])
    if raw is None or counts is None or counts[0] is None or strides is None:
        return None
    begin, end = _values(static_value(n._inputs[1]), static_value(n._inputs[2]))
    try:
        spec = _spec(raw, begin, end, strides.tolist(), n.attrs)
        sizes: list[int | None] = []
        for i, (axis, size) in enumerate(zip(spec.axes, raw, strict=True)):
            bounds = _bounded(i, axis, size)
            sizes.append(None if bounds is None else _length(bounds, axis.stride))
    except ValueError as error:
        raise invalid(n, str(error)) from None
    return tuple(1 if axis is None else sizes[axis] for axis in spec.gather)


# ---------------------------------------------------------------------- StridedSlice


@dataclass(slots=True)
class _Place:
    """Where a strided slice lies in an array.

    Attributes:
      index: what to index the array with: slices, and numbers for axes that go.
      block: the shape of what that gives.
      final: the shape of the result, new axes included.
    """

    index: tuple[Any, ...]
    block: tuple[int, ...]
    final: tuple[int, ...]


def _place(
    have: tuple[int, ...], begin: Any, end: Any, strides: Any, masks: Any
) -> _Place:
    texts = [shape_text(tuple(np.shape(v))) for v in (begin, end, strides)]
    if np.ndim(begin) != 1 or len(set(texts)) > 1:
        raise refused(
            "Expected begin, end, and strides to be 1D equal size tensors, but got "
            f"shapes {texts[0]}, {texts[1]}, and {texts[2]} instead."
        )
    try:
        spec = _spec(have, _items(begin), _items(end), strides.tolist(), masks)
        index = [
            _index(i, axis, size)
            for i, (axis, size) in enumerate(zip(spec.axes, have, strict=True))
        ]
    except ValueError as error:
        raise refused(str(error)) from None
    sizes = {
        i: len(range(*item.indices(have[i])))
        for i, item in enumerate(index)
        if isinstance(item, slice)
    }
    final = tuple(1 if axis is None else sizes[axis] for axis in spec.gather)
    return _Place(tuple(index), tuple(sizes.values()), final)


def _place_again(
    n: Any, have: tuple[int, ...], begin: Any, end: Any, strides: Any
) -> _Place:
    """`_place`, worked out once while the bounds stay the same."""
    if not isinstance(begin, np.ndarray) or not isinstance(end, np.ndarray):
        return _place(have, begin, end, strides, n.attrs)
    key = (have, begin.tobytes(), end.tobytes(), strides.tobytes())
    known = n.__dict__.get("_place")
    if known is None or known[0] != key:
        known = n._place = (key, _place(have, begin, end, strides, n.attrs))
    return known[1]


def _items(bounds: Any) -> list[Any]:
    """The numbers of a vector; tracers where a compiled program works them out."""
    if isinstance(bounds, np.ndarray):
        return bounds.tolist()
    return [bounds[i] for i in range(len(bounds))]


def _index(i: int, axis: _Axis, size: int) -> Any:
    """What to index an axis with."""
    if axis.shrink and not isinstance(axis.begin, int):
        return axis.begin
    bounds = _bounded(i, axis, size)
    if bounds is None:
        raise ValueError(f"Axis {i} of a slice has bounds that are not known.")
    begin, end = bounds
    if axis.shrink:
        return begin
    if not _length(bounds, axis.stride):
        return slice(0, 0)
    # a slice that goes down to the first element has no number for its end
    return slice(begin, None if end < 0 else end, axis.stride)


_MASKS = "begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask".split()


def _masks(n: Any) -> dict[str, int]:
    return {name: n.attrs[name] for name in _MASKS}


def _strided_static(n: Any) -> list[str]:
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
)
def strided_slice_kernel(
    xp: Any, x: Any, begin: Any, end: Any, strides: Any, *, n: Any
) -> Any:
    """Every `strides`-th element from `begin` to before `end`, along each axis."""
    del xp
    place = _place_again(n, np.shape(x), begin, end, strides)
    found = x[place.index]
    return found if place.block == place.final else found.reshape(place.final)


@gradient("StridedSlice", input="x̄ = ȳ at its place, zeros elsewhere")
def strided_slice_gradient(n: Any, dy: Any) -> Any:
    """Put ȳ where the slice was."""
    x, *bounds = n.inputs
    sizes = shape(x, out_type=bounds[0].dtype.base_dtype)
    dx = F.StridedSliceGrad(sizes, *bounds, dy, **_masks(n))
    return [dx, None, None, None]


@op(
    "StridedSliceGrad",
    infer=lambda n: constant_as_shape(n._inputs[0]),
    math="y[begin : end : stride, …] = dy",
    static=_strided_static,
)
def strided_slice_grad_kernel(
    xp: Any, sizes: Any, begin: Any, end: Any, strides: Any, dy: Any, *, n: Any
) -> Any:
    """Zeros of the given shape, with dy in the place of the slice."""
    have = tuple(sizes.tolist())
    place = _place_again(n, have, begin, end, strides)
    if np.shape(dy) != place.final:
        raise refused(
            f"shape of dy was {shape_text(np.shape(dy))} instead of "
            f"{shape_text(place.final)}"
        )
    return _put(xp, xp.zeros(have, dy.dtype), place, dy)


@gradient("StridedSliceGrad", dy="d̄y = x̄[begin : end : stride, …]")
def strided_slice_grad_gradient(n: Any, dx: Any) -> Any:
    """Take the slice out again."""
    _, *bounds, _ = n.inputs
    return [None, None, None, None, F.StridedSlice(dx, *bounds, **_masks(n))]


def _put(xp: Any, whole: Any, place: _Place, value: Any) -> Any:
    """`whole`, an array of the caller's own, with `value` at a place."""
    value = xp.reshape(value, place.block)
    if isinstance(whole, np.ndarray):
        whole[place.index] = value
        return whole
    return whole.at[place.index].set(value)


def _assigned(
    xp: Any, x: Any, begin: Any, end: Any, strides: Any, value: Any, masks: Any
) -> Any:
    """x with `value` in the place of a slice."""
    place = _place(np.shape(x), begin, end, strides, masks)
    have = np.shape(value)
    if have != place.final:
        # a scalar goes everywhere, as far as TensorFlow broadcasts here
        if have or not place.final:
            raise refused(
                f"Shapes {shape_text(place.final)} and {shape_text(have)} of the "
                "slice and of its value differ."
            )
        value = xp.broadcast_to(value, place.final)
    return _put(xp, xp.array(x), place, value)


@op(
    "StridedSliceAssign",
    infer=same,
    math="v[begin : end : stride, …] ← x",
    updates="ref",
    static=_strided_static,
)
def strided_slice_assign(
    xp: Any, x: Any, begin: Any, end: Any, strides: Any, value: Any, *, n: Any
) -> Any:
    """The variable with `value` in the place of a slice."""
    return _assigned(xp, x, begin, end, strides, value, n.attrs)


@op(
    "ResourceStridedSliceAssign",
    infer=lambda n: [],
    math="v[begin : end : stride, …] ← x",
    updates="ref",
    static=_strided_static,
)
def resource_strided_slice_assign(
    xp: Any, x: Any, begin: Any, end: Any, strides: Any, value: Any, *, n: Any
) -> Any:
    """The variable with `value` in the place of a slice."""
    return _assigned(xp, x, begin, end, strides, value, n.attrs)


@op(
    "TensorStridedSliceUpdate",
    infer=same,
    math="y = x, y[begin : end : stride, …] = value",
    static=_strided_static,
)
def tensor_strided_slice_update(
    xp: Any, x: Any, begin: Any, end: Any, strides: Any, value: Any, *, n: Any
) -> Any:
    """x with `value` in the place of a slice."""
    return _assigned(xp, x, begin, end, strides, value, n.attrs)


# ---------------------------------------------------------------------- functions

#: in a subscript: a new axis of size 1
newaxis = None


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block of `input_` that starts at `begin` and has the shape `size`.

    Args:
      input_: a tensor.
      begin: 1-D int32 or int64, one number for each axis.
      size: likewise; −1 means: to the end of the axis.
      name: the name of the operation.
    """
    return F.Slice(input_, begin, size, name=name)


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """Every `strides`-th element from `begin` to before `end`, along each axis.

    Bit i of a mask changes what element i of `begin`, `end` and `strides` means:

    Args:
      input_: a tensor.
      begin: 1-D int32 or int64; negative numbers count from the end.
      end: likewise.
      strides: likewise, not 0; by default ones.
      begin_mask: begin at the very first element.
      end_mask: end after the very last.
      ellipsis_mask: take all axes that the others leave.
      new_axis_mask: insert an axis of size 1.
      shrink_axis_mask: take the one element at `begin`, and drop the axis.
      var: the variable that `input_` is the value of, to assign to.
      name: the name of the operation.

    Returns:
      A tensor whose method `assign(value)` changes the slice of the variable.

    Raises:
      ValueError: (static) the slice does not fit; (assign) there is no variable.
    """
    if strides is None:
        from retrograd.ops.fill import ones_like

        strides = ones_like(begin)
    masks: dict[str, Any] = dict(
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
    )
    found = F.StridedSlice(input_, begin, end, strides, name=name, **masks)
    if var is None and context.executing_eagerly():
        return found
    parent = name

    def assign(val: Any, name: str | None = None) -> Any:
        if var is None:
            raise ValueError("Sliced assignment is only supported for variables")
        return var._strided_slice_assign(
            begin=begin,
            end=end,
            strides=strides,
            value=val,
            name=f"{parent}_assign" if name is None else name,
            **masks,
        )

    found.assign = assign  # pyright: ignore
    return found


_INDEX_ERROR = (
    "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
    "tf.int32/tf.int64 tensors are valid indices"
)


def _check_index(index: Any) -> None:
    """Refuse what is neither an integer nor a scalar tensor of integers.

    Raises:
      TypeError: for the others.
    """
    if isinstance(index, (int, shapes.Dimension)):
        return
    dtype = getattr(index, "dtype", None)
    if dtype is not None:
        base = dtypes.as_dtype(dtype).base_dtype
        sizes = index.shape
        vector = bool(sizes) and len(sizes) == 1
        if base in (dtypes.int32, dtypes.int64) and not vector:
            return
    raise TypeError(f"{_INDEX_ERROR}, got {index!r}")


class _Subscript:
    """The bounds and masks of a subscript, collected item by item."""

    def __init__(self) -> None:
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self.strides: list[Any] = []
        self.masks = dict.fromkeys(_MASKS, 0)

    def add(self, item: Any) -> None:
        bit = 1 << len(self.begin)
        if isinstance(item, slice):
            begin = self._bound(item.start, "begin_mask", bit)
            end = self._bound(item.stop, "end_mask", bit)
            if item.step is not None:
                _check_index(item.step)
            self._append(begin, end, 1 if item.step is None else item.step)
        elif item is Ellipsis:
            self.masks["ellipsis_mask"] |= bit
            self._append(0, 0, 1)
        elif item is None:
            self.masks["new_axis_mask"] |= bit
            self._append(0, 0, 1)
        else:
            _check_index(item)
            self.masks["shrink_axis_mask"] |= bit
            self._append(item, item + 1, 1)

    def _append(self, begin: Any, end: Any, stride: Any) -> None:
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)

    def _bound(self, value: Any, mask: str, bit: int) -> Any:
        if value is None or (not isinstance(value, Tensor) and value == sys.maxsize):
            self.masks[mask] |= bit
            return 0
        _check_index(value)
        return value


def _is_mask(spec: Any) -> bool:
    if isinstance(spec, bool):
        return True
    return isinstance(spec, (Tensor, np.ndarray)) and spec.dtype == bool


def getitem(tensor: Any, slice_spec: Any, var: Any = None) -> Tensor:
    """`tensor[slice_spec]`: integers, slices, `...`, None, scalar tensors, masks.

    Args:
      tensor: the tensor.
      slice_spec: an item, or a tuple or list of items; or a mask of booleans.
      var: the variable that `tensor` is the value of.

    Raises:
      TypeError: an item of another kind.
      ValueError: (static) the slice does not fit the shape.
    """
    if _is_mask(slice_spec):
        from retrograd.ops.selection import boolean_mask

        return boolean_mask(tensor, slice_spec)
    items = slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    spec = _Subscript()
    for item in items:
        spec.add(item)
    values = [tensor, *spec.begin, *spec.end, *spec.strides]
    with dispatch.name_scope(None, "strided_slice", values) as scope:
        if spec.begin:
            bounds = _same_type(
                [stack(spec.begin), stack(spec.end), stack(spec.strides)]
            )
        else:
            bounds = [constant([], dtype=dtypes.int32)] * 3
        return strided_slice(tensor, *bounds, var=var, name=scope, **spec.masks)


def _same_type(bounds: list[Tensor]) -> list[Tensor]:
    """All three in int64 if one is."""
    if all(b.dtype is not dtypes.int64 for b in bounds):
        return bounds
    return [
        b if b.dtype is dtypes.int64 else F.Cast(b, DstT=dtypes.int64) for b in bounds
    ]


def getitem_of_variable(var: Any, slice_spec: Any) -> Tensor:
    """`var[slice_spec]`, which can be assigned to."""
    return getitem(var.value(), slice_spec, var)


Tensor._override_operator("__getitem__", getitem)
