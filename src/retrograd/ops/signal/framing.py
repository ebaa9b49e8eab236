"""A signal in overlapping pieces, and pieces put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.fill import range_
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import concat
from retrograd.ops.array.pad import pad
from retrograd.ops.array.shape import expand_dims, rank, shape, squeeze, transpose
from retrograd.ops.declare import F
from retrograd.ops.math.elementwise import maximum
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def scalar_of(value: TensorLike, name: str) -> Tensor:
    """A scalar as a tensor.

    Raises:
      ValueError: it is no scalar.
    """
    tensor: Any = convert_to_tensor(value, name=name)
    tensor.shape.assert_has_rank(0)
    return tensor


def _number(scalar: Tensor) -> Any:
    """A scalar as an int where it is known."""
    found = constant(scalar)
    return scalar if found is None else int(found)


def frame(
    signal: TensorLike,
    frame_length: TensorLike,
    frame_step: TensorLike,
    pad_end: bool = False,
    pad_value: TensorLike = 0,
    axis: TensorLike = -1,
    name: str | None = None,
) -> Tensor:
    """Cut a signal into pieces that may overlap.

    Args:
      signal: of any type.
      frame_length: how long a piece is.
      frame_step: how far a piece begins after the one before.
      pad_end: whether pieces that reach beyond the end are made too.
      pad_value: what is there.
      axis: the axis to cut.
      name: the name of the operation.

    Returns:
      The signal with two axes in the place of `axis`: pieces, and what is in them.

    Raises:
      ValueError: a length, a step or an axis that is no scalar.

    Example:
      tf.signal.frame([1, 2, 3, 4], 2, 1) is [[1, 2], [2, 3], [3, 4]].
    """
    with name_scope(name, "frame", [signal, frame_length, frame_step, pad_value]):
        x: Any = convert_to_tensor(signal, name="signal")
        length = _number(scalar_of(frame_length, "frame_length"))
        step = _number(scalar_of(frame_step, "frame_step"))
        place = _number(scalar_of(axis, "axis"))
        x.shape.with_rank_at_least(1)
        if not isinstance(place, int):
            at: Any = place
        elif x._shape_raw is None:
            at = place if place >= 0 else rank(x) + place
        else:
            at = range(len(x._shape_raw))[place]
        size, count = _counted(x, at, length, step, pad_end)
        if pad_end:
            x = _lengthened(x, at, size, length + step * (count - 1), pad_value)
        starts = range_(count) * step
        places = expand_dims(starts, 1) + expand_dims(range_(length), 0)
        if isinstance(at, int) and at:
            return gather(x, places, axis=at)
        # the gradient of a gather along the first axis would be slices
        return squeeze(gather(expand_dims(x, 0), places, axis=at + 1), [0])


def _counted(
    x: Tensor, at: int | Tensor, length: int | Tensor, step: int | Tensor, pad_end: bool
) -> tuple[Any, Any]:
    """The size of an axis, and how many pieces it gives."""
    raw = x._shape_raw
    size: Any = None
    if raw is not None and isinstance(at, int):
        size = raw[at]
    if size is None:
        size = shape(x)[at]
    known = all(isinstance(number, int) for number in (size, length, step))
    if known and not step:
        known, step = False, convert_to_tensor(step)  # refused when it is run
    count = -(-size // step) if pad_end else 1 + (size - length) // step
    return size, max(0, count) if known else maximum(0, count)


def _lengthened(
    x: Tensor,
    at: int | Tensor,
    size: int | Tensor,
    wanted: int | Tensor,
    value: TensorLike,
) -> Any:
    """x with `value` behind the end of an axis, as far as pieces reach."""
    missing: Any = wanted - size
    known = isinstance(missing, int)
    missing = max(0, missing) if known else maximum(0, missing)
    if known and isinstance(at, int):
        raw = x._shape_raw
        assert raw is not None
        paddings: Any = [[0, missing if i == at else 0] for i in range(len(raw))]
    else:
        paddings = pad([[0, missing]], [[at, rank(x) - at - 1], [0, 0]])
    value = convert_to_tensor(value, x.dtype)
    return pad(x, paddings, constant_values=value)


def overlap_and_add(
    signal: TensorLike, frame_step: TensorLike, name: str | None = None
) -> Tensor:
    """Put pieces together that overlap, and add up where they do.

    Args:
      signal: [..., pieces, length].
      frame_step: how far a piece begins after the one before.
      name: the name of the operation.

    Returns:
      [..., (pieces − 1) · frame_step + length].

    Raises:
      ValueError: a step that is no integer scalar, or a signal of less than two axes.
    """
    with name_scope(name, "overlap_and_add", [signal, frame_step]):
        x: Any = convert_to_tensor(signal, name="signal")
        x.shape.with_rank_at_least(2)
        step = scalar_of(frame_step, "frame_step")
        if not step.dtype.is_integer:
            raise ValueError(f"frame_step must be an integer. Got {step.dtype}")
        known = _number(step)
        count, length = _last_sizes(x)
        places = expand_dims(range_(count) * known, 1) + expand_dims(range_(length), 0)
        number = maximum(0, (count - 1) * known + length)
        axes = rank(x) if x._shape_raw is None else len(x._shape_raw)
        total = F.UnsortedSegmentSum(_rotated(x, axes, axes - 2), places, number)
        return _rotated(total, axes - 1, 1)


def _last_sizes(x: Tensor) -> list[Any]:
    """The sizes of the last two axes: numbers where they are known, else scalars."""
    raw = x._shape_raw
    known = (None, None) if raw is None else raw[-2:]
    return [
        shape(x)[i] if size is None else size
        for i, size in zip((-2, -1), known, strict=True)
    ]


def _rotated(x: Tensor, axes: int | Tensor, first: int | Tensor) -> Tensor:
    """x with its axes from `first` on in front, and the others behind."""
    if isinstance(axes, int) and isinstance(first, int):
        return transpose(x, [*range(first, axes), *range(first)])
    return transpose(x, concat([range_(first, axes), range_(first)], 0))
