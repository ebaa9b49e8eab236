"""Ops: counting values: occurrences, histograms, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import invalid, same
from retrograd.ops.static import constant
from retrograd.ops.traits import Blocks, Traits

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _counted(n: Operation) -> RawShape:
    size = constant(n._inputs[1])
    if size is not None and size < 0:
        raise invalid(n, f"size ({size}) must be non-negative")
    return (None if size is None else int(size),)


def _bins(n: Operation) -> RawShape:
    size = constant(n._inputs[2])
    if size is not None and size <= 0:
        raise invalid(n, f"Requires nbins > 0: {size}")
    return (None if size is None else int(size),)


@op("Bincount", infer=_counted, math="yₖ = Σᵢ wᵢ [xᵢ = k]", static="size")
def _bincount(xp: Arrays, arr: Array, size: Array, weights: Array) -> Array:
    """How often each number below `size` occurs, or the sum of its weights.

    Raises:
      InvalidArgumentError: a number, or `size`, is below zero.
    """
    count = int(size)
    if count < 0:
        raise refused(f"size ({count}) must be non-negative")
    xp.check(arr >= 0, lambda: refused("Input arr must be non-negative!"))
    if weights.size == 0:
        return xp.cast(xp.bincount(arr, count), weights.dtype)
    return xp.bincount(arr, count, weights)


@op(
    "HistogramFixedWidth",
    infer=_bins,
    math="yₖ = #{i: xᵢ in bin k}",
    static="nbins",
)
def _histogram_fixed_width(
    xp: Arrays, values: Array, value_range: Array, nbins: Array, *, dtype: np.dtype
) -> Array:
    """How many values lie in each of `nbins` bins of equal width.

    Raises:
      InvalidArgumentError: there is no bin, the range is empty, or a value is NaN.
    """
    count = int(nbins)
    if count <= 0:
        raise refused(f"nbins should be a positive number, but got '{count}'")
    low, high = value_range[0], value_range[1]
    xp.check(
        low < high,
        lambda: refused(
            f"value_range should satisfy value_range[0] < value_range[1], but got "
            f"'[{low}, {high}]'"
        ),
    )
    xp.check(~xp.isnan(values), lambda: refused("NaN is not in any bin."))
    wide = np.float64
    step = (high.astype(wide) - low.astype(wide)) / count
    place = xp.floor((values.astype(wide) - low.astype(wide)) / step)
    place = xp.clip(place, 0, count - 1).astype(np.int32)
    return xp.cast(xp.bincount(place.reshape(-1), count), dtype)


@op(
    "Bucketize", infer=same, math="y = #{k: bₖ ≤ x}", traits=Traits(blocks=Blocks.WHOLE)
)
def _bucketize(xp: Arrays, x: Array, *, boundaries: list[float]) -> Array:
    """Between which of the rising `boundaries` each element lies."""
    edges = np.array(boundaries, np.float32)
    if (edges[1:] < edges[:-1]).any():
        raise refused("Expected sorted boundaries")
    return xp.searchsorted(edges, x, side="right").astype(np.int32)
