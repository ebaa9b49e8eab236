"""Slices of tensors, as checkpoints name them: a start and a length for each axis."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.typing import Message

#: the length of an axis that is whole
FULL = -1
_LARGEST = 1 << 63
_EXTENT = re.compile(r"(-?\d+),(-?\d+)")

#: start and length of each axis; (0, FULL) for a whole one
TensorSlice = tuple[tuple[int, int], ...]


def _invalid(text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, text)


def full_slice(rank: int) -> TensorSlice:
    """The slice that is the whole of a tensor."""
    return ((0, FULL),) * rank


def parse_slice(text: str) -> TensorSlice:
    """The slice of a text: `0,3:-` is the first three rows.

    Raises:
      InvalidArgumentError: it is not written so.
    """
    found = []
    for part in text.split(":") if text else []:
        if part == "-":
            found.append((0, FULL))
            continue
        match = _EXTENT.fullmatch(part)
        if match is None:
            raise _invalid(
                f"Expected a pair of numbers or '-' but got '{part}': string = {text}"
            )
        start, length = int(match[1]), int(match[2])
        if start < 0 or length <= 0 or start + length >= _LARGEST:
            raise _invalid(
                "Expected non-negative start and positive length but got start = "
                f"{start}, length = {length}: string = {text}"
            )
        found.append((start, length))
    return tuple(found)


def parse_shape_and_slice(
    text: str,
) -> tuple[tuple[int, ...], TensorSlice, tuple[int, ...]]:
    """The shape of a whole, a slice of it and its shape: of `5 2 0,3:0,2`.

    Raises:
      InvalidArgumentError: it is not written so.
      InternalError: the slice is not within the whole.
    """
    *numbers, last = text.split(" ")
    if not numbers:
        raise _invalid(
            "Need least two elements in shape_and_slice specification: " + text
        )
    shape = []
    for number in numbers:
        if not re.fullmatch(r"-?\d+", number):
            raise _invalid(f"Non numerical dimension in shape_and_slice: {text}")
        if int(number) < 0:
            raise _invalid(f"Shape dimension {number} is negative: {text}")
        shape.append(int(number))
    part = parse_slice(last)
    return tuple(shape), part, shape_of_slice(part, shape)


def shape_of_slice(part: TensorSlice, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of a slice of a tensor.

    Raises:
      InternalError: the slice is not within the tensor.
    """
    shown = shape_text(shape)
    if len(part) != len(shape):
        raise errors.InternalError(
            None,
            None,
            f"Mismatching ranks: shape = {shown}, slice = {slice_text(part)}",
        )
    found = []
    for axis, ((start, length), size) in enumerate(zip(part, shape, strict=True)):
        if length == FULL:
            found.append(size)
        elif start + length > size:
            raise errors.InternalError(
                None,
                None,
                f"Extent in dimension {axis} out of bounds: shape = {shown}, "
                f"slice = {slice_text(part)}",
            )
        else:
            found.append(length)
    return tuple(found)


def is_whole(part: TensorSlice, shape: Sequence[int]) -> bool:
    """Whether a slice is all of a tensor of this shape."""
    return shape_of_slice(part, shape) == tuple(shape)


def slice_text(part: TensorSlice) -> str:
    """A slice as text, as `parse_slice` reads it."""
    return ":".join("-" if n == FULL else f"{s},{n}" for s, n in part)


# ---------------------------------------------------------------------- messages


def slice_to_proto(part: TensorSlice, message: Message) -> None:
    """Fill a TensorSliceProto."""
    for start, length in part:
        extent = message.extent.add()
        if length != FULL:
            extent.start = start
            extent.length = length


def slice_from_proto(message: Message) -> TensorSlice:
    """The slice that a TensorSliceProto tells.

    Raises:
      DataLossError: its numbers make no sense.
    """
    found = []
    for extent in message.extent:
        full = extent.WhichOneof("has_length") is None
        start, length = extent.start, FULL if full else extent.length
        if start < 0 or (not full and length < 0):
            raise errors.DataLossError(None, None, f"bad slice: {message}")
        found.append((start, length))
    return tuple(found)


# ---------------------------------------------------------------------- keys


def slice_key(name: str, part: TensorSlice) -> bytes:
    """The key of a slice in a table: bytes that sort as name and numbers do."""
    out = b"\0" + _escaped(name.encode())
    out += b"\0\1" + _unsigned(len(part))
    for start, length in part:
        out += _signed(start) + _signed(length)
    return out


def _escaped(data: bytes) -> bytes:
    pairs = {0: b"\0\xff", 255: b"\xff\0"}
    return b"".join(pairs.get(byte) or bytes((byte,)) for byte in data)


def _unsigned(number: int) -> bytes:
    size = (number.bit_length() + 7) // 8
    return bytes((size,)) + number.to_bytes(size, "big")


def _signed(number: int) -> bytes:
    """A number whose first bits say how many bytes it takes."""
    bits = (~number if number < 0 else number).bit_length()
    size = 1 + bits // 7
    raw = number & ((1 << 8 * size) - 1)
    head = ((1 << size) - 1) << 7 * size
    return (raw ^ head).to_bytes(size, "big")


# ---------------------------------------------------------------------- overlaps


def overlap(
    wanted: TensorSlice, stored: TensorSlice, shape: Sequence[int]
) -> tuple[tuple[Any, ...], tuple[Any, ...], int] | None:
    """Where two slices of a tensor meet.

    Returns:
      The indices of what they share in each of them, and how many elements that is;
      None if they share nothing.
    """
    here, there, count = [], [], []
    for (a, n), (b, m), size in zip(wanted, stored, shape, strict=True):
        a_end = size if n == FULL else a + n
        b_end = size if m == FULL else b + m
        low, high = max(a, b), min(a_end, b_end)
        if low >= high:
            return None
        here.append(slice(low - a, high - a))
        there.append(slice(low - b, high - b))
        count.append(high - low)
    return tuple(here), tuple(there), math.prod(count)


def gathered(
    name: str,
    kind: DType,
    shape: Sequence[int],
    part: TensorSlice | None,
    stored: Sequence[TensorSlice],
    read: Callable[[TensorSlice], np.ndarray],
) -> np.ndarray:
    """A slice of a tensor, put together of those that are stored.

    Args:
      name, kind, shape: of the tensor.
      part: the slice; None for the whole.
      stored: the slices that are stored.
      read: the value of one of them.

    Raises:
      DataLossError: a stored slice is none of the tensor.
      InvalidArgumentError: they do not cover what is asked for.
    """
    wanted = full_slice(len(shape)) if part is None else part
    out_shape = shape_of_slice(wanted, shape)
    if wanted in stored:
        return read(wanted)
    if any(len(s) != len(shape) for s in stored):
        raise errors.DataLossError(
            None, None, f"Slices of tensor {name} do not have its rank"
        )
    places = [(s, overlap(wanted, s, shape)) for s in stored]
    found = [(s, place) for s, place in places if place is not None]
    if math.prod(out_shape) > sum(place[2] for _, place in found):
        raise _invalid(
            f"Does not have sufficient slices for partitioned tensor {name} to restore "
            f"in slice_spec: {slice_text(wanted)}"
        )
    out: Any = None
    for s, (here, there, _) in found:
        value = read(s)
        if out is None:  # not before bytes are known to stand behind the shape
            out = np.empty(out_shape, kind.array_dtype)
        out[here] = value[there]
    return np.empty(out_shape, kind.array_dtype) if out is None else out


def check_slice(spec: str, sizes: Sequence[int], array: np.ndarray) -> None:
    """Refuse a value that is not of the shape of the slice that it is said to be.

    Raises:
      InvalidArgumentError: it is not.
    """
    if tuple(sizes) != array.shape:
        raise _invalid(
            "Slice in shape_and_slice specification does not match the shape of the "
            f"tensor to  save: {spec}, tensor: {shape_text(array.shape)}"
        )


def shape_text(shape: Sequence[int]) -> str:
    """A shape as messages about checkpoints have it."""
    return "[" + ",".join(map(str, shape)) + "]"
