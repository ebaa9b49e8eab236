"""What the shape rules and the kernels of convolution and pooling share.

A list of sizes, strides or dilations has one number for each axis of the input, in the
order of `data_format`; kernels work on arrays with the channels last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from retrograd.arrays.windows import used_taps
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.infer import invalid, with_rank
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    import numpy as np

    from retrograd.typing import Array, Arrays


Size = int | None
T = TypeVar("T")


def channels_first(data_format: str) -> bool:
    """Whether the channels are axis 1, as in NCHW."""
    return data_format.startswith("NC")


def spatial(values: Sequence[T], data_format: str) -> list[T]:
    """The numbers that belong to neither the batch nor the channels."""
    return list(values[2:] if channels_first(data_format) else values[1:-1])


def batch_and_depth(values: Sequence[T], data_format: str) -> tuple[T, T]:
    """The numbers that belong to the batch and to the channels."""
    return values[0], values[1 if channels_first(data_format) else -1]


def arranged(batch: T, inner: Sequence[T], depth: T, data_format: str) -> tuple[T, ...]:
    """A shape out of its parts, in the order of `data_format`."""
    if channels_first(data_format):
        return (batch, depth, *inner)
    return (batch, *inner, depth)


def channels_last(xp: Arrays, x: Array, data_format: str) -> Array:
    """`x` with its channels moved to the end."""
    return xp.moveaxis(x, 1, -1) if channels_first(data_format) else x


def as_given(xp: Arrays, y: Array, data_format: str) -> Array:
    """An array with its channels last, put in the order of `data_format`."""
    return xp.moveaxis(y, -1, 1) if channels_first(data_format) else y


def last_shape(shape: Sequence[int] | np.ndarray, data_format: str) -> tuple[int, ...]:
    """A run-time shape in the order of `data_format`, channels moved to the end."""
    sizes = [int(size) for size in shape]
    batch, depth = batch_and_depth(sizes, data_format)
    return (batch, *spatial(sizes, data_format), depth)


def explicit_pairs(paddings: Sequence[int], data_format: str) -> list[tuple[int, int]]:
    """(before, after) of each spatial axis, from the flat attribute."""
    pairs = list(zip(paddings[::2], paddings[1::2], strict=True))
    return spatial(pairs, data_format)


def run_padding(
    xp: Arrays,
    sizes: Sequence[int],
    ksize: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
) -> list[tuple[int, int]]:
    """(before, after) of each spatial axis for SAME or VALID.

    Raises:
      InvalidArgumentError: the window is larger than the input.
    """
    each = list(zip(sizes, ksize, strides, dilations, strict=True))
    if padding == "SAME":
        return [xp.same_padding(*one) for one in each]
    around = [(0, 0)] * len(each)
    check_room(each, around)
    return around


def reaching_in(
    sizes: Sequence[int],
    ksize: Sequence[int],
    strides: Sequence[int],
    around: Sequence[tuple[int, int]],
    dilations: Sequence[int],
) -> tuple[list[slice], list[int], list[tuple[int, int]]]:
    """Windows without what meets padding only, where they are wider than the input.

    Returns:
      For each axis the positions that are left, their dilation, and the padding.
    """
    parts, apart, padding = [], [], []
    for each in zip(sizes, ksize, strides, around, dilations, strict=True):
        size, k, _, pad, dilation = each
        first, count = 0, k
        if max(pad) > size:
            first, count, dilation, pad = used_taps(*each)
        parts.append(slice(first, first + count))
        apart.append(dilation)
        padding.append(pad)
    return parts, apart, padding


def check_int32(n: Operation, *names: str) -> None:
    """Check that the numbers in some attributes have no more than 32 bits.

    Raises:
      ValueError: one has.
    """
    for name in names:
        for value in n.attrs.get(name, ()):
            if not -(1 << 31) <= value < 1 << 31:
                raise invalid(
                    n, f"Attr {name} has value {value} out of range for an int32"
                )


def check_room(
    each: Sequence[tuple[int, int, int, int]], around: Sequence[tuple[int, int]]
) -> None:
    """Refuse windows that are larger than the padded input by a stride or more.

    Args:
      each: size, window, stride and dilation of each axis.
      around: the padding of each axis.

    Raises:
      InvalidArgumentError: one is.
    """
    for (size, k, stride, dilation), pad in zip(each, around, strict=True):
        reach = (k - 1) * dilation + 1
        room = size + sum(pad) - reach + stride
        if room <= -stride:
            raise refused(
                f"Computed output size would be negative: {-(-room // stride)} "
                f"[input_size: {size}, effective_filter_size: {reach}, stride: "
                f"{stride}]"
            )


def check_rank(value: Array, rank: int, text: str) -> None:
    """Refuse a value of another rank, saying `text`.

    Raises:
      InvalidArgumentError: the rank differs.
    """
    if value.ndim != rank:
        raise refused(text)


def windows(
    n: Operation,
    size: Size,
    ksize: Size,
    stride: int,
    padding: str,
    dilation: int = 1,
    around: tuple[int, int] = (0, 0),
) -> Size:
    """How many windows fit along one axis, as far as it is known.

    Raises:
      ValueError: the stride or the dilation is not positive, or no window fits.
    """
    if stride <= 0:
        raise invalid(n, f"Stride must be > 0, but got {stride}")
    if dilation < 1:
        raise invalid(n, f"Dilation rate must be >= 1, but got {dilation}")
    if padding == "SAME":
        return None if size is None else -(-size // stride)
    if size is None or ksize is None:
        return None
    size += sum(around)
    reach = (ksize - 1) * dilation + 1
    if reach > size:
        raise invalid(
            n,
            f"Negative dimension size caused by subtracting {reach} from {size}",
        )
    return (size - reach) // stride + 1


def fitting(n: Operation, size: int, reach: int, stride: int, padding: str) -> int:
    """How many windows fit along one axis, for ops that make none where none does.

    Args:
      n: the operation.
      size: the length of the axis.
      reach: that of a window.
      stride: how far apart the windows are.
      padding: `SAME` or `VALID`.

    Raises:
      ValueError: the stride is not positive, or the window reaches too far.
    """
    if stride <= 0:
        raise invalid(n, f"Stride must be > 0, but got {stride}")
    if padding == "SAME":
        return (size + stride - 1) // stride
    room = size - reach + stride
    count = room // stride if room >= 0 else -(-room // stride)
    if count < 0:
        raise invalid(
            n,
            f"Computed output size would be negative: {count} [input_size: {size}, "
            f"effective_filter_size: {reach}, stride: {stride}]",
        )
    return count


def shape_held(index: int, rank: int) -> Callable[[Operation], RawShape]:
    """The shape rule of ops whose input `index` holds the output's shape."""

    def infer(n: Operation) -> RawShape:
        with_rank(n, index, 1)
        raw = constant_as_shape(n._inputs[index])
        if raw is None:
            return (None,) * rank
        if len(raw) != rank:
            raise invalid(n, f"Shape must be rank {rank} but is rank {len(raw)}")
        return raw

    return infer
