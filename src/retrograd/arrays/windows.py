"""The geometry of sliding windows: convolution and pooling, any number of dimensions.

Integer arithmetic, shared by both array namespaces. In every function one spatial
dimension is meant unless the argument is a sequence.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

import numpy as np

Padding = Sequence[tuple[int, int]]


def span(ksize: int, dilation: int = 1) -> int:
    """How many input elements one window reaches over."""
    return (ksize - 1) * dilation + 1


def same_padding(
    size: int, ksize: int, stride: int, dilation: int = 1
) -> tuple[int, int]:
    """Return (before, after) as TensorFlow pads for SAME.

    The output has ceil(size / stride) elements; an odd element of padding goes after.
    """
    out = -(-size // stride)
    total = max((out - 1) * stride + span(ksize, dilation) - size, 0)
    return total // 2, total - total // 2


def output_size(
    size: int, ksize: int, stride: int, padding: tuple[int, int], dilation: int = 1
) -> int:
    """Return the number of windows that fit into the padded dimension."""
    room = size + padding[0] + padding[1] - span(ksize, dilation)
    return max(room // stride + 1, 0)


def output_sizes(
    sizes: Sequence[int],
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    dilations: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """`output_size` of every spatial dimension."""
    dilations = dilations or (1,) * len(ksize)
    return tuple(
        output_size(*each)
        for each in zip(sizes, ksize, strides, padding, dilations, strict=True)
    )


def used_taps(
    size: int, ksize: int, stride: int, padding: tuple[int, int], dilation: int = 1
) -> tuple[int, int, int, tuple[int, int]]:
    """Return the part of every window that ever meets an element of the input.

    Returns:
      Its first position, how many there are, their dilation, and the padding with
      which that part alone makes the same windows; its size is that of the input,
      however wide the window is. One position is left even if all meet padding only.
    """
    out = output_size(size, ksize, stride, padding, dilation)
    if not out or not size:
        return 0, ksize, dilation, padding
    before, last = padding[0], (out - 1) * stride
    first = max(0, -((last - before) // dilation))
    end = min(ksize - 1, (before + size - 1) // dilation)
    if first > end:
        first, end, before = 0, 0, last + 1
    else:
        before -= first * dilation
    count = end - first + 1
    if count == 1:
        dilation = 1
    after = last + span(count, dilation) - before - size
    return first, count, dilation, (before, after)


def input_grad_padding(
    size: int,
    ksize: int,
    stride: int,
    padding: tuple[int, int],
    dilation: int,
    out: int,
) -> tuple[int, int]:
    """Return the padding with which dy, its elements `stride` apart, is convolved.

    The input gradient is the convolution of the spread dy with the flipped filter; its
    first window must end where the forward pass's first one began. May be negative.
    """
    before = span(ksize, dilation) - 1 - padding[0]
    return before, size + span(ksize, dilation) - 1 - span(out, stride) - before


def filter_grad_padding(
    size: int,
    ksize: int,
    stride: int,
    padding: tuple[int, int],
    dilation: int,
    out: int,
) -> tuple[int, int]:
    """Return the padding with which x is convolved with dy as its filter.

    dy's elements lie `stride` apart, the windows `dilation`: `ksize` of them must come
    out. Input that no window reached is cut off, so the second number may be negative.
    """
    return padding[0], span(out, stride) + (ksize - 1) * dilation - size - padding[0]


def taps(ksize: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every position within a window, in row-major order."""
    return product(*map(range, ksize))


def window_counts(
    sizes: Sequence[int],
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
) -> np.ndarray:
    """Return how many elements of each window are not padding, as [*S', 1].

    One number, of shape [1], where there is no padding at all.
    """
    counts = np.ones(1, np.int64)
    if not any(lo or hi for lo, hi in padding):
        return counts * prod(ksize)
    for n, k, s, (lo, hi) in zip(sizes, ksize, strides, padding, strict=True):
        start = np.arange(output_size(n, k, s, (lo, hi))) * s - lo
        count = np.minimum(start + k, n) - np.maximum(start, 0)
        counts = counts[..., None, :] * count[:, None]
    return counts
