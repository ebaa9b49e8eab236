"""Histograms as TensorBoard draws them: how many values lie between fixed limits."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

import numpy as np

from retrograd import errors

if TYPE_CHECKING:
    from retrograd.typing import Array, Message


@functools.cache
def limits() -> np.ndarray:
    """The upper ends of the buckets, each 1.1 times as far from 0 as the one before."""
    positive, value = [], 1e-12
    while value < 1e20:
        positive.append(value)
        value *= 1.1
    positive.append(sys.float_info.max)
    return np.array([*(-v for v in reversed(positive)), 0.0, *positive])


def fill(histo: Message, values: Array, where: str) -> None:
    """Put the numbers of a tensor into a HistogramProto.

    Args:
      histo: the message.
      values: the numbers.
      where: the name of what they are, for errors.

    Raises:
      InvalidArgumentError: one of them is NaN or infinite.
    """
    flat = np.asarray(values).astype(np.float64).ravel()
    _check_finite(flat, where)
    ends = limits()
    if flat.size:
        histo.min, histo.max = flat.min(), flat.max()
        # one after the other, as TensorFlow adds them: the last bit depends on it
        histo.sum = np.cumsum(flat)[-1]
        histo.sum_squares = np.cumsum(flat * flat)[-1]
    else:
        histo.min, histo.max = ends[-1], ends[0]
    histo.num = flat.size
    places = np.searchsorted(ends, flat, side="right").clip(max=ends.size - 1)
    counts = np.bincount(places, minlength=ends.size)
    # of neighbours without values only the last is kept
    kept = (counts > 0) | np.append(counts[1:] > 0, True)
    histo.bucket_limit.extend(ends[kept].tolist())
    histo.bucket.extend(counts[kept].tolist())


def _check_finite(flat: np.ndarray, where: str) -> None:
    wrong = ~np.isfinite(flat)
    if wrong.any():
        first = flat[wrong.argmax()]
        what = "Nan" if np.isnan(first) else "Infinity"
        raise errors.InvalidArgumentError(
            None, None, f"{what} in summary histogram for: {where}"
        )
