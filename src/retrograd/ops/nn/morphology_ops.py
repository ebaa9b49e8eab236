"""Ops: grayscale dilation and erosion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import UnimplementedError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import invalid, like, same_dim, shape_text, with_rank
from retrograd.ops.nn.window import check_int32, fitting, run_padding

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- geometry


def _dilated(n: Operation) -> RawShape:
    x, f = with_rank(n, 0, 4), with_rank(n, 1, 3)
    check_int32(n, "strides", "rates")
    for name, what in (("strides", "stride"), ("rates", "rates")):
        if len(n.attrs[name]) != 4:
            raise invalid(
                n,
                f"Dilation2D requires the {what} attribute to contain 4 values, but "
                f"got: {len(n.attrs[name])}",
            )
    if None in (*x[1:3], *f[:2]):
        return (x[0], None, None, f[2])
    same_dim(n, x[3], f[2])
    each = zip(
        x[1:3], f[:2], n.attrs["strides"][1:3], n.attrs["rates"][1:3], strict=True
    )
    inner = [
        fitting(n, size or 0, ((k or 0) - 1) * r + 1, s, n.attrs["padding"])
        for size, k, s, r in each
    ]
    return (x[0], *inner, f[2])


@dataclass(frozen=True)
class _Taps:
    """The places of a window on images of known size.

    Attributes:
      start: where each window starts, by axis; negative within the padding.
      reach: how far the window's elements lie from its start, by axis.
      sizes: height and width of the images.
    """

    start: tuple[np.ndarray, np.ndarray]
    reach: tuple[np.ndarray, np.ndarray]
    sizes: tuple[int, int]

    def each(self) -> Iterator[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]]:
        """For each element: its place in the window, rows, columns, and which exist."""
        for h, down in enumerate(self.reach[0]):
            for w, right in enumerate(self.reach[1]):
                rows, columns = self.start[0] + down, self.start[1] + right
                inside = _inside(rows, self.sizes[0])[:, None] & _inside(
                    columns, self.sizes[1]
                )
                yield h, w, rows, columns, inside[:, :, None]


def _inside(at: np.ndarray, size: int) -> np.ndarray:
    return (at >= 0) & (at < size)


def _taps(
    xp: Arrays,
    x: Array,
    f: Array,
    strides: Sequence[int],
    rates: Sequence[int],
    padding: str,
) -> _Taps:
    """The geometry of one op.

    Raises:
      InvalidArgumentError: shapes that do not fit.
      UnimplementedError: strides or rates over the batch or the channels.
    """
    for values, what in ((strides, "Stride"), (rates, "Rate")):
        if values[0] != 1 or values[3] != 1:
            raise UnimplementedError(
                None, None, f"{what} is only supported across spatial dimensions."
            )
    if x.ndim != 4:
        raise refused(f"input must be 4-dimensional{shape_text(x.shape)}")
    if f.ndim != 3:
        raise refused(f"filter must be 3-dimensional: {shape_text(f.shape)}")
    if x.shape[3] != f.shape[2]:
        raise refused(
            f"input and filter must have the same depth: {x.shape[3]} vs {f.shape[2]}"
        )
    sizes, ksize = x.shape[1:3], f.shape[:2]
    around = run_padding(xp, sizes, ksize, strides[1:3], rates[1:3], padding)
    start, reach = [], []
    for size, k, s, r, (lo, hi) in zip(
        sizes, ksize, strides[1:3], rates[1:3], around, strict=True
    ):
        count = (size + lo + hi - (k - 1) * r - 1) // s + 1
        start.append(np.arange(count) * s - lo)
        reach.append(np.arange(k) * r)
    return _Taps((start[0], start[1]), (reach[0], reach[1]), (sizes[0], sizes[1]))


def _best(
    xp: Arrays, x: Array, f: Array, taps: _Taps
) -> tuple[Array, Array, Array, Array]:
    """The maxima; the rows and columns they come from; which element of the window."""
    rows, columns = (np.maximum(at, 0) for at in taps.start)
    shape = (x.shape[0], len(rows), len(columns), x.shape[3])
    lowest = (xp.iinfo if x.dtype.kind in "iu" else xp.finfo)(x.dtype).min
    low = x.dtype.type(lowest)
    best = xp.full(shape, low, x.dtype)
    row = xp.broadcast_to(xp.asarray(rows)[:, None, None], shape)
    column = xp.broadcast_to(xp.asarray(columns)[:, None], shape)
    place = xp.zeros(shape, np.int64)
    for h, w, at_rows, at_columns, inside in taps.each():
        clipped = (np.clip(at_rows, 0, None), np.clip(at_columns, 0, None))
        down = np.minimum(clipped[0], taps.sizes[0] - 1)
        right = np.minimum(clipped[1], taps.sizes[1] - 1)
        value = xp.take(xp.take(x, down, 1), right, 2) + f[h, w]
        better = inside & (value > best)
        best = xp.where(better, value, best)
        row = xp.where(better, at_rows[:, None, None], row)
        column = xp.where(better, at_columns[:, None], column)
        place = xp.where(better, h * len(taps.reach[1]) + w, place)
    return best, row, column, place


# ---------------------------------------------------------------------- ops


def _attrs(n: Operation) -> dict[str, Any]:
    return {name: n.attrs[name] for name in ("strides", "rates", "padding")}


@op(
    "Dilation2D",
    infer=_dilated,
    math="y = max over the window of x + f",
    grad=dict(
        input=rule(
            "x̄ = Σ of ȳ where x gave the maximum",
            lambda n, dy: F.Dilation2DBackpropInput(*n.inputs, dy, **_attrs(n)),
        ),
        filter=rule(
            "f̄ = Σ of ȳ where f gave the maximum",
            lambda n, dy: F.Dilation2DBackpropFilter(*n.inputs, dy, **_attrs(n)),
        ),
    ),
)
def dilation2d_kernel(
    xp: Arrays,
    x: Array,
    f: Array,
    *,
    strides: Sequence[int],
    rates: Sequence[int],
    padding: str,
) -> Array:
    """The largest sum of image and window at each position of the window."""
    return _best(xp, x, f, _taps(xp, x, f, strides, rates, padding))[0]


def _check_grad(dy: Array, shape: tuple[int, ...]) -> None:
    if tuple(dy.shape) != tuple(shape):
        raise refused("out_backprop has incompatible size.")


@op(
    "Dilation2DBackpropInput",
    infer=like(0),
    math="z = Σ of g where x gave the maximum",
)
def dilation2d_backprop_input_kernel(
    xp: Arrays,
    x: Array,
    f: Array,
    dy: Array,
    *,
    strides: Sequence[int],
    rates: Sequence[int],
    padding: str,
) -> Array:
    """The backward pass of Dilation2D for the image."""
    taps = _taps(xp, x, f, strides, rates, padding)
    best, row, column, _ = _best(xp, x, f, taps)
    _check_grad(dy, best.shape)
    images, channels = np.arange(x.shape[0]), np.arange(x.shape[3])
    flat = (images[:, None, None, None] * x.shape[1] + row) * x.shape[2] + column
    flat = flat * x.shape[3] + channels
    total = xp.segment_sum(dy.reshape(-1), flat.reshape(-1), prod(x.shape))
    return total.reshape(x.shape)


@op(
    "Dilation2DBackpropFilter",
    infer=like(1),
    math="z = Σ of g where f gave the maximum",
)
def dilation2d_backprop_filter_kernel(
    xp: Arrays,
    x: Array,
    f: Array,
    dy: Array,
    *,
    strides: Sequence[int],
    rates: Sequence[int],
    padding: str,
) -> Array:
    """The backward pass of Dilation2D for the window."""
    taps = _taps(xp, x, f, strides, rates, padding)
    best, _, _, place = _best(xp, x, f, taps)
    _check_grad(dy, best.shape)
    flat = place * f.shape[2] + np.arange(f.shape[2])
    total = xp.segment_sum(dy.reshape(-1), flat.reshape(-1), prod(f.shape))
    return total.reshape(f.shape)
