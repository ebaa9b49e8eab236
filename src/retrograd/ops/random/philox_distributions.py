"""The distributions drawn on the host: shuffles, categories, gamma, Poisson, bounds.

States and results are those of `philox`; all is NumPy, but `multinomial` also traces.
Where TensorFlow's numbers depend on how it split the work over threads (multinomial
over rows, truncated normals with parameters over batches), these are one thread's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd import errors
from retrograd.ops.random import philox
from retrograd.ops.random.philox_math import log_float

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


State = np.ndarray


# ---- shuffle -------------------------------------------------------------------------


def random_shuffle(state: State, size: int) -> tuple[np.ndarray, State]:
    """A permutation p of range(size), int64, op `RandomShuffle`: it gives value[p].

    A value of one row is copied and the state left alone. So is one that has rows but
    no elements: for that the caller must not draw at all.
    """
    if size <= 1:
        return np.arange(size), state
    count = (size + 2) // 4  # blocks for size − 1 words
    words = philox.blocks(np, state, np.arange(count, dtype=np.uint64))
    left = np.arange(size, 1, -1, dtype=np.uint32)
    partner = words.reshape(-1)[: size - 1] % left + np.arange(size - 1)
    order = list(range(size))
    for i, j in enumerate(partner.tolist()):
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64), philox.skip(np, state, count)


# ---- categories ----------------------------------------------------------------------


def multinomial(
    xp: Arrays, state: Array, logits: Array, num_samples: int, dtype: np.dtype
) -> tuple[Array, Array]:
    """Categories drawn with weights exp(logits), op `Multinomial`.

    `logits` is float [batch, classes]; the result is int32 or int64 (`dtype`)
    [batch, num_samples]. Logits that are not finite have no weight.
    InvalidArgumentError for other ranks, no classes, a negative number of samples.
    """
    if logits.ndim != 2:
        raise philox.invalid(
            f"logits should be a matrix, got shape {philox.shape_text(logits)}"
        )
    if num_samples < 0:
        raise philox.invalid(f"num_samples should be nonnegative, got {num_samples}")
    batch, classes = logits.shape
    if classes == 0:
        raise philox.invalid(f"num_classes should be positive, got {classes}")
    if batch * num_samples == 0:
        return xp.zeros((batch, num_samples), dtype), state
    unit, _ = philox.random_uniform(
        xp, state, (batch, num_samples), np.dtype(np.float64)
    )
    finite = xp.isfinite(logits)
    wide = logits.astype(np.float64)
    lowest = float(np.finfo(np.float64).min)
    top = xp.max(xp.where(finite, wide, lowest), axis=1, keepdims=True)
    # Zero before exp, not after: exp of what is left out could overflow.
    weight = xp.where(finite, xp.exp(xp.where(finite, wide - top, 0.0)), 0.0)
    summed = xp.cumsum(weight, axis=1)
    wanted = unit * summed[:, -1:]
    if isinstance(state, np.ndarray) and isinstance(summed, np.ndarray):
        rows = zip(summed, wanted, strict=True)
        found = np.stack([np.searchsorted(s, w, side="right") for s, w in rows])
    else:
        below = summed[:, None, :] <= wanted[:, :, None]
        found = xp.sum(below.astype(np.int32), axis=2)
    whole = batch * 2 * (-(-num_samples // 4) * 4)
    return found.astype(dtype), philox.skip(xp, state, whole * philox.RESERVED)


# ---- gamma and Poisson ---------------------------------------------------------------


class _Streams:
    """One stream of blocks for each value, each beginning `RESERVED` after the last."""

    def __init__(self, state: State, count: int) -> None:
        self._state = state
        self._next = np.arange(count, dtype=np.uint64) * np.uint64(philox.RESERVED)

    def words(self, which: np.ndarray) -> np.ndarray:
        """The next block's words, uint32 [4, n], for the n streams `which`."""
        words = philox.blocks(np, self._state, self._next[which])
        self._next[which] += np.uint64(1)
        return np.ascontiguousarray(words.T)


class _Pairs:
    """Values that come from a block two at a time; the second is handed out first."""

    def __init__(self, streams: _Streams, count: int, draw: philox.Draw) -> None:
        self._streams = streams
        self._draw = draw
        self._kept = np.empty(count)
        self._has_kept = np.zeros(count, bool)

    def take(self, which: np.ndarray) -> np.ndarray:
        """One value for each of the streams `which`."""
        values = self._kept[which]
        empty = ~self._has_kept[which]
        fresh = which[empty]
        self._has_kept[which] = empty
        if len(fresh):
            self._kept[fresh], values[empty] = self._draw(*self._streams.words(fresh))
        return values


_DOUBLE = np.dtype(np.float64)
_uniform_pair = philox.uniform_columns(_DOUBLE)
_normal_pair = philox.normal_columns(np, _DOUBLE)


def _narrow(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`values` (float64) as `dtype`; float16 by way of float32, as Eigen rounds."""
    if dtype == np.float16:
        values = values.astype(np.float32)
    return values.astype(dtype)


def _per_parameter(
    state: State,
    shape: Sequence[int],
    parameter: np.ndarray,
    dtype: np.dtype,
    sample: Callable[[State, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, State]:
    """`shape` draws for each element of `parameter`: shape + parameter.shape.

    `sample` gets one float64 parameter per value. Streams are numbered through a
    parameter's draws first, though the draws vary slowest in the result.
    """
    full = (*shape, *parameter.shape)
    count = math.prod(full)
    if count == 0:
        return np.zeros(full, dtype), state
    draws = math.prod(shape)
    flat = np.repeat(parameter.reshape(-1).astype(np.float64), draws)
    drawn = _narrow(sample(state, flat), dtype).reshape(-1, draws).T
    after = philox.skip(np, state, count * philox.RESERVED)
    return np.ascontiguousarray(drawn).reshape(full), after


def random_gamma(
    state: State, shape: Sequence[int], alpha: np.ndarray
) -> tuple[np.ndarray, State]:
    """Gamma of rate 1, op `RandomGamma`: shape + alpha.shape, of alpha's float dtype.

    Marsaglia and Tsang's transformation of a normal, with rejection; below alpha 1 it
    draws for alpha + 1 and scales by u^(1/alpha). alpha = 1 is −log(1 − u).
    """
    return _per_parameter(state, shape, alpha, alpha.dtype, _gamma)


def _gamma(state: State, alpha: np.ndarray) -> np.ndarray:
    count = len(alpha)
    streams = _Streams(state, count)
    normal = _Pairs(streams, count, _normal_pair)
    uniform = _Pairs(streams, count, _uniform_pair)
    out = np.empty(count)
    one = np.flatnonzero(alpha == 1)
    out[one] = -np.log(1 - uniform.take(one))
    small = alpha < 1
    d = alpha + np.where(small, 2.0 / 3, -1.0 / 3)
    todo = np.flatnonzero(alpha != 1)
    with np.errstate(invalid="ignore", divide="ignore"):  # a bad alpha gives NaN
        c = 1.0 / 3 / np.sqrt(d)
        while len(todo):
            x = normal.take(todo)
            v = 1 + c[todo] * x
            kept = ~(v <= 0)
            at, x, v = todo[kept], x[kept], v[kept]
            v = v * v * v
            u = uniform.take(at)
            good = u < 1 - 0.0331 * (x * x) * (x * x)
            good |= np.log(u) < 0.5 * x * x + d[at] * (1 - v + np.log(v))
            at = at[good]
            out[at] = d[at] * v[good]
            scaled = at[small[at]]
            out[scaled] *= uniform.take(scaled) ** (1 / alpha[scaled])
            todo = np.setdiff1d(todo, at, assume_unique=True)
    return out


def random_poisson(
    state: State, shape: Sequence[int], rate: np.ndarray, dtype: np.dtype
) -> tuple[np.ndarray, State]:
    """Poisson counts, ops `RandomPoisson(V2)`: shape + rate.shape, of `dtype`.

    Below a rate of 10, uniforms are multiplied until below e^−rate (Knuth); from there
    on Hörmann's transformed rejection. A rate that is not finite is refused with
    InvalidArgumentError; TensorFlow 1.15 never returns from one.
    """
    dtype = np.dtype(dtype)
    if not np.all(np.isfinite(rate)):
        raise philox.invalid("RandomPoisson: rate should be finite.")
    info = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    highest = float(info.max)

    def sample(state: State, rate: np.ndarray) -> np.ndarray:
        streams = _Streams(state, len(rate))
        out = np.empty(len(rate))
        small = rate < 10
        _poisson_knuth(streams, rate, np.flatnonzero(small), out)
        _poisson_rejection(streams, rate, np.flatnonzero(~small), highest, out)
        return out

    return _per_parameter(state, shape, rate, dtype, sample)


def _poisson_knuth(
    streams: _Streams, rate: np.ndarray, todo: np.ndarray, out: np.ndarray
) -> None:
    """Fill out[todo] for rates below 10."""
    uniform = _Pairs(streams, len(rate), _uniform_pair)
    stop = np.exp(-rate)
    product = np.ones(len(rate))
    drawn = 0
    while len(todo):
        product[todo] *= uniform.take(todo)
        done = product[todo] <= stop[todo]
        out[todo[done]] = drawn
        todo = todo[~done]
        drawn += 1


def _poisson_rejection(
    streams: _Streams,
    rate: np.ndarray,
    todo: np.ndarray,
    highest: float,
    out: np.ndarray,
) -> None:
    """Fill out[todo] for rates from 10 on; names are those of Hörmann's paper."""
    while len(todo):
        mean = rate[todo]
        b = 0.931 + 2.53 * np.sqrt(mean)
        a = -0.059 + 0.02483 * b
        inv_alpha = 1.1239 + 1.1328 / (b - 3.4)
        v, u = _uniform_pair(*streams.words(todo))
        u = u - 0.5
        us = 0.5 - np.abs(u)
        with np.errstate(divide="ignore", invalid="ignore"):
            k = np.floor((2 * a / us + b) * u + mean + 0.43)
            good = (us >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
            maybe = ~good & ~((k < 0) | ((us < 0.013) & (v > us)))
            maybe &= k <= highest
            s = np.log(v * inv_alpha / (a / (us * us) + b))
        for i in np.flatnonzero(maybe):
            m = float(mean[i])
            good[i] = s[i] <= -m + k[i] * math.log(m) - math.lgamma(k[i] + 1)
        good &= k <= highest
        out[todo[good]] = k[good]
        todo = todo[~good]


# ---- truncated normals with parameters -----------------------------------------------

_BATCH = 100  # values a batch when all have the same parameters
_TRIES = 1000  # rejections in a row before TensorFlow gives up
_INSIDE = 1.3  # deviations inside the bounds from which plain normals are tried


def parameterized_truncated_normal(
    state: State,
    shape: Sequence[int],
    means: np.ndarray,
    stddevs: np.ndarray,
    minvals: np.ndarray,
    maxvals: np.ndarray,
) -> tuple[np.ndarray, State]:
    """Normals within bounds, op `ParameterizedTruncatedNormal`, of the means' dtype.

    A parameter is a scalar, or [1] or [shape[0]], one for each first index. Errors:
    InvalidArgumentError for other shapes and for bounds or deviations out of order,
    InternalError when a sampler finds nothing within the bounds.
    """
    names = ("means", "stddevs", "minvals", "maxvals")
    parameters = dict(zip(names, (means, stddevs, minvals, maxvals), strict=True))
    for name, value in parameters.items():
        if value.ndim > 1:
            at = philox.shape_text(value)
            raise philox.invalid(
                f"Input {name} should be a scalar or vector, got shape: {at}"
            )
    size = math.prod(shape)
    batches, each = shape[0] if shape else 1, math.prod(shape[1:])
    same = means.size == stddevs.size == 1 and minvals.ndim == maxvals.ndim == 0
    if same:
        batches, each = -(-size // _BATCH), _BATCH
    for name, value in parameters.items():
        if not same and value.ndim and value.size not in (1, batches):
            at = philox.shape_text(value)
            raise philox.invalid(
                f"Input {name} should have length 1 or shape[0], got shape: {at}"
            )
    reader = _Reader(state)
    rows = [np.broadcast_to(p.reshape(-1), batches) for p in parameters.values()]
    out = np.empty(size, means.dtype)
    for b in range(batches):
        start, stop = b * each, min((b + 1) * each, size)
        out[start:stop] = _bounded(reader, stop - start, *(row[b] for row in rows))
    # TensorFlow counts these in int32, so a large request wraps around.
    wrapped = np.array(batches * 2 * _TRIES * (each + 3)).astype(np.int32)
    after = philox.skip(np, state, int(wrapped / 4) % 2**64)
    return out.reshape(tuple(shape)), after


class _Reader:
    """A generator's blocks one after another, drawn ahead in batches."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._words = np.empty((0, 4), np.uint32)
        self._start = 0  # block at which the words begin
        self._at = 0

    def peek(self, count: int) -> np.ndarray:
        """Words, uint32 [count, 4], of the next blocks."""
        skipped = self._at - self._start
        if skipped + count > len(self._words):
            ahead = np.arange(max(count, 2048), dtype=np.uint64) + np.uint64(self._at)
            self._words = philox.blocks(np, self._state, ahead)
            self._start, skipped = self._at, 0
        return self._words[skipped : skipped + count]

    def advance(self, count: int) -> None:
        """Leave `count` blocks behind."""
        self._at += count


# From the words of some blocks, each candidate in order and whether it may be taken.
_Propose = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _bounded(
    reader: _Reader, count: int, mean: Array, stddev: Array, low: Array, high: Array
) -> np.ndarray:
    """`count` normals of `mean` and `stddev` within [low, high], scalars of one dtype.

    Three proposals, by where the bounds lie (Robert, "Simulation of truncated normal
    variables", 1995): the normal itself, a uniform, or a shifted exponential.
    """
    if not (stddev > 0 and low < high and (np.isfinite(low) or np.isfinite(high))):
        raise philox.invalid("Invalid parameters")
    if (np.isinf(low) and low < 0) or high < mean:  # mirrored, to bound from below
        low, high, stddev = high, low, -stddev
    real = mean.dtype.type
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        low, high = (low - mean) / stddev, (high - mean) / stddev
        root = np.sqrt(low * low + real(4))
        cutoff = real(2) * np.exp(real(0.5) + (low * (low - root)) / real(4))
        cutoff = cutoff / (low + root)
        inside = real(_INSIDE)
        if (low < -inside and high >= 0) or (high > inside and low <= 0):
            found = _first(reader, count, 1, _TRIES, "randn", _normals(low, high))
        elif high - low < cutoff:
            propose = _uniforms(low, high)
            found = _first(reader, count, 2, _TRIES - 1, "uniform", propose)
        else:
            propose = _exponentials(low, high, root)
            found = _first(reader, count, 1, _TRIES - 1, "exponential", propose)
    return found * stddev + mean


def _first(
    reader: _Reader, count: int, unit: int, tries: int, name: str, propose: _Propose
) -> np.ndarray:
    """The first `count` proposals taken; the rest of the last `unit` blocks is lost."""
    found = []
    rejected = 0
    while count:
        words = reader.peek(unit * max(count, 4))
        values, good = propose(words)
        taken = np.flatnonzero(good)[:count]
        gaps = np.diff(taken, prepend=-1 - rejected) - 1
        rejected = len(values) - 1 - taken[-1] if len(taken) else rejected + len(values)
        count -= len(taken)
        if np.any(gaps > tries) or (count and rejected > tries):
            raise errors.InternalError(None, None, _EXHAUSTED[name])
        found.append(values[taken])
        blocks = len(words)
        if not count:
            blocks = unit * (taken[-1] * blocks // (unit * len(values)) + 1)
        reader.advance(int(blocks))
    return np.concatenate(found) if found else np.empty(0)


_EXHAUSTED = {
    "randn": "TruncatedNormal randn rejection sampler failed to accept a sample.",
    # Two spaces, as TensorFlow has it.
    "uniform": "TruncatedNormal uniform rejection sampler failed to  accept a sample.",
    "exponential": "TruncatedNormal exponential distribution rejection sampler"
    " failed to accept a sample.",
}


def _normals(low: Array, high: Array) -> _Propose:
    draw = philox.normal_columns(np, low.dtype)

    def propose(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = np.stack(draw(*words.T), axis=-1).reshape(-1)
        return values, (values >= low) & (values <= high)

    return propose


def _uniforms(low: Array, high: Array) -> _Propose:
    """Blocks in twos: the first gives candidates, the second decides on them."""
    draw = philox.uniform_columns(low.dtype)
    span, two = high - low, low.dtype.type(2)
    plus = low.dtype.type(0) if low < 0 else low * low

    def propose(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        unit = np.stack(draw(*words.T), axis=-1)
        values = (unit[0::2] * span + low).reshape(-1)
        weight = np.exp((plus - values * values) / two)
        return values, unit[1::2].reshape(-1) <= weight

    return propose


def _exponentials(low: Array, high: Array, root: Array) -> _Propose:
    """Uniforms in twos: the first gives a candidate, the second decides on it."""
    draw = philox.uniform_columns(low.dtype)
    two = low.dtype.type(2)
    alpha = (low + root) / two

    def propose(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        unit = np.stack(draw(*words.T), axis=-1).reshape(-1)
        values = -_log_unit(unit[0::2]) / alpha + low
        x = alpha - values if low < alpha else low - alpha
        return values, (unit[1::2] <= np.exp(-x * x / two)) & (values < high)

    return propose


def _log_unit(x: np.ndarray) -> np.ndarray:
    """Logarithm of uniforms in [0, 1), of their dtype."""
    if x.dtype == np.float64:
        return np.log(x)
    wide = x.astype(np.float32)
    value = log_float(np, np.maximum(wide, np.float32(2.0**-24)))
    return np.where(wide == 0, np.float32(-np.inf), value).astype(x.dtype)
