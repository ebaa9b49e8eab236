"""Where a strided slice lies: bounds, strides and masks spelled out axis by axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.ops.arguments import refused
from retrograd.ops.infer import shape_text

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import Array, Arrays


@dataclass(slots=True)
class Axis:
    """How one axis of the input is sliced; None as a bound: from or to the very end."""

    begin: int | None
    end: int | None
    stride: int
    shrink: bool
    #: neither bound is known though there are any
    hidden: bool = False


@dataclass(slots=True)
class Spec:
    """A strided slice spelled out for an input of known rank.

    Attributes:
      axes: one for each axis of the input.
      gather: the axes of the result: which of the input, or None for a new one.
    """

    axes: list[Axis]
    gather: list[int | None]


_WHOLE = (None, None, 1, False)


def spelled_out(
    have: Sequence[int | None],
    begin: Sequence[int] | None,
    end: Sequence[int] | None,
    strides: Sequence[int],
    masks: Mapping[str, int],
) -> Spec:
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
    axes: list[Axis] = []
    gather: list[int | None] = []

    def whole(number: int) -> None:
        for _ in range(number):
            gather.append(len(axes))
            axes.append(Axis(*_WHOLE))

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
    return Spec(axes, gather)


def _axis(
    i: int,
    bit: int,
    begin: Sequence[int] | None,
    end: Sequence[int] | None,
    strides: Sequence[int],
    masks: Mapping[str, int],
) -> Axis:
    shrink = bool(masks["shrink_axis_mask"] & bit)
    from_start = bool(masks["begin_mask"] & bit)
    to_end = bool(masks["end_mask"] & bit)
    hidden = (begin is None or end is None) and not (from_start and to_end)
    if begin is None or end is None:
        return Axis(None, None, strides[i], shrink, hidden)
    if shrink:
        return Axis(begin[i], None, strides[i], shrink)
    return Axis(
        None if from_start else begin[i], None if to_end else end[i], strides[i], False
    )


def bounded(i: int, axis: Axis, size: int | None) -> tuple[int, int] | None:
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
            raise ValueError(_out_of_bounds(i, index))
        return index, index + 1
    low, high = (0, size) if axis.stride > 0 else (-1, size - 1)
    first, last = (low, high) if axis.stride > 0 else (high, low)
    if axis.begin is not None:
        first = _clipped(axis.begin, size, low, high)
    if axis.end is not None:
        last = _clipped(axis.end, size, low, high)
    return first, last


def _out_of_bounds(i: int, index: Any) -> str:
    return f"slice index {index} of dimension {i} out of bounds."


def _found_index(xp: Arrays, i: int, index: Any, size: int) -> Any:
    """`bounded` for a single element whose index a compiled program works out."""
    index = xp.where(index < 0, index + size, index)
    inside = (index >= 0) & (index < size)
    xp.check(inside, lambda: refused(_out_of_bounds(i, index)))
    return index


def _clipped(place: int, size: int, low: int, high: int) -> int:
    return max(low, min(high, place + size if place < 0 else place))


def length(bounds: tuple[int, int], stride: int) -> int:
    return len(range(bounds[0], bounds[1], stride))


@dataclass(slots=True)
class Place:
    """Where a strided slice lies in an array.

    Attributes:
      index: what to index the array with: slices, and numbers for axes that go.
      block: the shape of what that gives.
      final: the shape of the result, new axes included.
    """

    index: tuple[Any, ...]
    block: tuple[int, ...]
    final: tuple[int, ...]


def place_of(
    xp: Arrays,
    have: tuple[int, ...],
    begin: Array,
    end: Array,
    strides: Array,
    masks: Mapping[str, int],
) -> Place:
    """Where a strided slice lies.

    Raises:
      InvalidArgumentError: it does not fit the array.
    """
    texts = [shape_text(tuple(np.shape(v))) for v in (begin, end, strides)]
    if np.ndim(begin) != 1 or len(set(texts)) > 1:
        raise refused(
            "Expected begin, end, and strides to be 1D equal size tensors, but got "
            f"shapes {texts[0]}, {texts[1]}, and {texts[2]} instead."
        )
    try:
        spec = spelled_out(have, _items(begin), _items(end), strides.tolist(), masks)
        index = [
            _index(xp, i, axis, size)
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
    return Place(tuple(index), tuple(sizes.values()), final)


def place_again(
    xp: Arrays,
    n: Operation,
    have: tuple[int, ...],
    begin: Array,
    end: Array,
    strides: Array,
) -> Place:
    """`place_of`, worked out once while the bounds stay the same."""
    if not isinstance(begin, np.ndarray) or not isinstance(end, np.ndarray):
        return place_of(xp, have, begin, end, strides, n.attrs)
    key = (have, begin.tobytes(), end.tobytes(), strides.tobytes())
    known = n.__dict__.get("_place")
    if known is None or known[0] != key:
        known = (key, place_of(xp, have, begin, end, strides, n.attrs))
        n.__dict__["_place"] = known
    return known[1]


def _items(bounds: Array) -> list[int]:
    """The numbers of a vector; tracers where a compiled program works them out."""
    if isinstance(bounds, np.ndarray):
        return bounds.tolist()
    return [bounds[i] for i in range(len(bounds))]


def _index(xp: Arrays, i: int, axis: Axis, size: int) -> Any:
    """What to index an axis with."""
    if axis.shrink and not isinstance(axis.begin, int):
        return _found_index(xp, i, axis.begin, size)
    bounds = bounded(i, axis, size)
    if bounds is None:
        raise ValueError(f"Axis {i} of a slice has bounds that are not known.")
    begin, end = bounds
    if axis.shrink:
        return begin
    if not length(bounds, axis.stride):
        return slice(0, 0)
    # a slice that goes down to the first element has no number for its end
    return slice(begin, None if end < 0 else end, axis.stride)
