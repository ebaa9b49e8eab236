"""Binomial numbers, word for word as TensorFlow 1.15 draws them on one thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.random import philox

if TYPE_CHECKING:
    from retrograd.typing import Array


#: numbers that are drawn as one batch where all have the same parameters
_BATCH = 100
#: log k! less Stirling's approximation, for small k
_TAILS = (
    0.0810614667953272,
    0.0413406959554092,
    0.0276779256849983,
    0.02079067210376509,
    0.0166446911898211,
    0.0138761288230707,
    0.0118967099458917,
    0.0104112652619720,
    0.00925546218271273,
    0.00833056343336287,
)
#: draws the next uniform number
_Draw = Callable[[], float]


def binomial(
    state: np.ndarray,
    sizes: Sequence[int],
    counts: Array,
    probs: Array,
    dtype: np.dtype,
) -> tuple[np.ndarray, int]:
    """Numbers of successes.

    Args:
      state: of the generator.
      sizes: the shape of the result.
      counts: trials, a scalar or a vector, for each row of the result.
      probs: the probability of a success, a scalar or a vector.
      dtype: the type of the result.

    Returns:
      The numbers, and how far (in numbers) the generator is to be moved on.

    Raises:
      InvalidArgumentError: a parameter has another shape.
    """
    for name, value in (("counts", counts), ("probs", probs)):
        if value.ndim > 1:
            raise philox.invalid(
                f"Input {name} should be a scalar or vector, got shape: "
                f"{philox.shape_text(value)}"
            )
    if not sizes:
        raise philox.invalid("Input shape should be a vector, got shape: []")
    rows, each = sizes[0], math.prod(sizes[1:])
    out = np.empty(rows * each, dtype)
    if counts.size == probs.size == 1:
        each, rows = _BATCH, -(-len(out) // _BATCH)
    else:
        for name, value in (("counts", counts), ("probs", probs)):
            if value.size not in (1, rows):
                raise philox.invalid(
                    f"Input {name} should have length 1 or shape[0], got shape: "
                    f"{philox.shape_text(value)}"
                )
    pairs = _uniform_pairs(state)
    counts = np.broadcast_to(counts.reshape(-1), (rows,))
    probs = np.broadcast_to(probs.reshape(-1), (rows,))
    for row in range(rows):
        part = out[row * each : (row + 1) * each]
        _fill(part, counts[row], probs[row], pairs)
    return out.reshape(tuple(sizes)), rows * 2 * 100 * (each + 3) // 4


def _uniform_pairs(state: np.ndarray) -> Iterator[tuple[float, float]]:
    """The two float64 in [0, 1) of each block, in the order they are handed out."""
    at = 0
    while True:
        words = philox.blocks(np, state, np.arange(at, at + 1024, dtype=np.uint64)).T
        first = philox.unit_double(words[0], words[1]).tolist()
        second = philox.unit_double(words[2], words[3]).tolist()
        yield from zip(second, first, strict=True)
        at += 1024


def _fill(
    out: np.ndarray,
    count: np.floating,
    prob: np.floating,
    pairs: Iterator[tuple[float, float]],
) -> None:
    """Fill a batch of one pair of parameters."""
    total = float(count)
    if total <= 0 or prob <= 0:
        out[:] = 0
    elif prob >= 1:
        out[:] = total
    elif np.isnan(prob):
        out[:] = np.array(np.nan).astype(out.dtype)
    else:
        kind = type(prob)
        rare = prob if prob <= kind(0.5) else kind(1) - prob
        often = count * rare >= kind(10)
        method = _rejection if often else _inversion
        for i in range(len(out)):
            found = method(total, float(rare), _drawer(pairs))
            out[i] = found if rare is prob else total - found


def _drawer(pairs: Iterator[tuple[float, float]]) -> _Draw:
    """Draws uniform numbers; half a pair that is left over is not used again."""
    spare: list[float] = []

    def draw() -> float:
        if not spare:
            spare.extend(reversed(next(pairs)))
        return spare.pop()

    return draw


def _inversion(count: float, prob: float, draw: _Draw) -> int:
    """How many geometric numbers fit into `count`."""
    total, fit = 0.0, 0
    while True:
        u = draw()
        if u == 0:  # its logarithm is −∞
            return fit
        total += math.ceil(math.log(u) / math.log1p(-prob))
        if total > count:
            return fit
        fit += 1


def _tail(k: float) -> float:
    if k <= 9:
        return _TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 + 1.0 / 1260 / square) / square) / (k + 1)


def _rejection(count: float, prob: float, draw: _Draw) -> float:
    """Transformed rejection: Hörmann, "The generation of binomial random variates".

    Journal of Statistical Computation and Simulation 46 (1993), algorithm BTRS, with
    the logarithm that it lacks.
    """
    stddev = math.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * stddev
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    c = count * prob + 0.5
    tight, ratio = 0.92 - 4.2 / b, prob / (1 - prob)
    alpha = (2.83 + 5.1 / b) * stddev
    m = math.floor((count + 1) * prob)
    while True:
        u, v = draw() - 0.5, draw()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + c)
        if us >= 0.07 and v <= tight:
            return k
        if k < 0 or k > count:
            continue
        bound = (
            (m + 0.5) * math.log((m + 1) / (ratio * (count - m + 1)))
            + (count + 1) * math.log((count - m + 1) / (count - k + 1))
            + (k + 0.5) * math.log(ratio * (count - k + 1) / (k + 1))
            + _tail(m)
            + _tail(count - m)
            - _tail(k)
            - _tail(count - k)
        )
        scaled = v * alpha / (a / (us * us) + b)
        if scaled <= 0 or math.log(scaled) <= bound:
            return k
