"""Ops: candidate samplers: classes to compare the true ones with.

They draw word for word what TensorFlow 1.15 draws for the same seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import invalid, same_dim, with_rank
from retrograd.ops.random import philox

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

    _Sampler: TypeAlias = "_Uniform | _LogUniform | _Counted | _Weighted"


# ---------------------------------------------------------------------- distributions


class _Uniform:
    """Every class as likely as any other."""

    def __init__(self, size: int) -> None:
        self.size = size

    def sample(self, words: philox.Words, count: int) -> np.ndarray:
        return words.below(self.size, count, wide=True)

    def probability(self, classes: np.ndarray) -> np.ndarray:
        return np.full(classes.shape, np.float32(1.0 / self.size))


class _LogUniform:
    """P(k) = log((k + 2) / (k + 1)) / log(size + 1): Zipf, classes by frequency."""

    def __init__(self, size: int) -> None:
        self.size, self.log_size = size, np.log1p(float(size))

    def sample(self, words: philox.Words, count: int) -> np.ndarray:
        pairs = words.take(2 * count).reshape(-1, 2)
        unit = philox.unit_double(pairs[:, 0], pairs[:, 1])
        return (np.exp(unit * self.log_size).astype(np.int64) - 1) % self.size

    def probability(self, classes: np.ndarray) -> np.ndarray:
        found = np.log((classes + 2.0) / (classes + 1.0)) / self.log_size
        return found.astype(np.float32)


class _Counted:
    """In proportion to whole numbers, such as how often each class was seen."""

    def __init__(self, counts: np.ndarray) -> None:
        self.size, self.counts = len(counts), counts
        self.ends = np.cumsum(counts, dtype=np.int64)

    def sample(self, words: philox.Words, count: int) -> np.ndarray:
        places = words.below(int(self.ends[-1]), count)
        return np.searchsorted(self.ends, places, side="right")

    def probability(self, classes: np.ndarray) -> np.ndarray:
        return self.counts[classes].astype(np.float32) / np.float32(self.ends[-1])


class _Weighted:
    """In proportion to weights, by Walker's alias method."""

    def __init__(self, weights: np.ndarray) -> None:
        self.size, self.weights = len(weights), weights
        self.total = np.float32(0)
        for weight in weights:  # one by one: the sum in float32 depends on the order
            self.total += weight
        self.keep, self.alias = _alias_table(weights)

    def sample(self, words: philox.Words, count: int) -> np.ndarray:
        found = np.empty(count, np.int64)
        for i in range(count):
            unit = philox.unit_float(words.take(1))[0]
            at = words.below(self.size, 1)[0]
            found[i] = at if unit < self.keep[at] else self.alias[at]
        return found

    def probability(self, classes: np.ndarray) -> np.ndarray:
        inside = (classes >= 0) & (classes < self.size)
        weights = self.weights[np.where(inside, classes, 0)]
        return np.where(inside, weights / self.total, np.float32(0))


def _alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each class, how likely it keeps its draw, and who gets it otherwise."""
    count, total = len(weights), float(np.sum(weights, dtype=np.float64))
    share = (weights * np.float32(count)).astype(np.float64) / total
    alias = np.full(count, -1)
    low = [i for i in range(count) if share[i] < 1]
    high = [i for i in range(count) if not share[i] < 1]
    while high and low:
        less, more = low.pop(), high.pop()
        alias[less] = more
        share[more] -= 1.0 - share[less]
        (low if share[more] < 1 else high).append(more)
    keep = share.astype(np.float32)
    for i in (*high, *low):  # left over by rounding: they keep all
        keep[i], alias[i] = 1, i
    return keep, alias


# ---------------------------------------------------------------------- sampling


def _pick(
    sampler: _Sampler, words: philox.Words, count: int, unique: bool
) -> tuple[np.ndarray, int]:
    """`count` classes, and how many draws it took."""
    if not unique:
        return sampler.sample(words, count), count
    if count > sampler.size:
        raise refused("Sampler's range is too small.")
    drawn = np.empty(0, np.int64)
    while True:
        drawn = np.concatenate([drawn, sampler.sample(words, 2 * count + 16)])
        first = np.sort(np.unique(drawn, return_index=True)[1])
        if len(first) >= count:
            chosen = first[:count]
            return drawn[chosen], int(chosen[-1]) + 1 if count else 0


def _expected(
    sampler: _Sampler, classes: np.ndarray, count: int, tries: int
) -> np.ndarray:
    """How often each class is expected among the sampled, in float32.

    Of distinct ones that is 1 − (1 − p)^tries.
    """
    p = sampler.probability(classes)
    if tries == count:
        return p * np.float32(count)
    return -np.expm1(np.float32(tries) * np.log1p(-p))


def _sampled(
    state: np.ndarray,
    sampler: _Sampler,
    true_classes: np.ndarray,
    attrs: Mapping[str, Any],
) -> tuple[np.ndarray, ...]:
    """The generator's next state, and the three outputs of a sampler."""
    _check_true(true_classes, attrs["num_true"])
    count = attrs["num_sampled"]
    classes, tries = _pick(sampler, philox.Words(state), count, attrs["unique"])
    after = philox.skip(np, state, 512 * count)
    return (
        after,
        classes,
        _expected(sampler, true_classes, count, tries),
        _expected(sampler, classes, count, tries),
    )


def _check_true(true_classes: np.ndarray, num_true: int) -> None:
    if true_classes.ndim != 2:
        raise refused("true_classes must be a matrix")
    if true_classes.shape[1] != num_true:
        raise refused(
            "true_classes must have num_true columns, expected: "
            f"{true_classes.shape[1]} was: {num_true}"
        )


# ---------------------------------------------------------------------- ops


def _shapes(n: Operation) -> list[RawShape]:
    rows = with_rank(n, 0, 2)[0]
    count = n.attrs["num_sampled"]
    return [(count,), (rows, n.attrs["num_true"]), (count,)]


def _start(n: Operation) -> np.ndarray:
    return philox.initial_state(n.attrs["seed"], n.attrs["seed2"])


def _declare(name: str, make: Callable[[int], Any], math: str) -> None:
    """Declare a sampler that neither learns nor reads."""

    def kernel(
        xp: Arrays, state: Array, true_classes: Array, *, n: Operation
    ) -> tuple[Array, ...]:
        del xp
        sampler = make(n.attrs["range_max"])
        return _sampled(state, sampler, true_classes, n.attrs)

    kernel.__doc__ = make.__doc__
    op(name, infer=_shapes, state=_start, host=True, math=math)(kernel)


_declare("UniformCandidateSampler", _Uniform, "P(k) = 1 / range")
_declare(
    "LogUniformCandidateSampler",
    _LogUniform,
    "P(k) = log((k + 2) / (k + 1)) / log(range + 1)",
)


def _start_counting(n: Operation) -> tuple[np.ndarray, np.ndarray]:
    return _start(n), np.ones(n.attrs["range_max"], np.int64)


@op(
    "LearnedUnigramCandidateSampler",
    infer=_shapes,
    state=_start_counting,
    host=True,
    math="P(k) = how often k was true",
)
@op(
    "ThreadUnsafeUnigramCandidateSampler",
    infer=_shapes,
    state=_start_counting,
    host=True,
    math="P(k) = how often k was true",
)
def unigram_sampler_kernel(
    xp: Arrays, state: Sequence[Array], true_classes: Array, *, n: Operation
) -> tuple[Array | tuple[Array, ...], ...]:
    """Classes in proportion to how often each was a true one, plus one."""
    del xp
    generator, counts = state
    after, *found = _sampled(generator, _Counted(counts), true_classes, n.attrs)
    seen = np.bincount(true_classes.reshape(-1), minlength=len(counts))
    return (after, counts + seen), *found


@op("AllCandidateSampler", infer=_shapes, host=True, math="every class, once")
def all_candidate_sampler_kernel(
    xp: Arrays, true_classes: Array, *, n: Operation
) -> tuple[Array, ...]:
    """Every class, each expected once."""
    del xp
    _check_true(true_classes, n.attrs["num_true"])
    count = n.attrs["num_sampled"]
    ones = np.ones(count, np.float32)
    return np.arange(count), np.ones(true_classes.shape, np.float32), ones


def _read_weights(path: str) -> Iterator[np.float32]:
    """The last column of each line of a file of comma-separated values."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\r\n")
            try:
                yield np.float32(line.rpartition(",")[2])
            except ValueError:
                raise refused(f"Wrong vocabulary format at line: {line}") from None


def _unigrams(n: Operation) -> np.ndarray:
    """The weights of the classes in this shard."""
    attrs = n.attrs
    path, given = attrs["vocab_file"], attrs["unigrams"]
    if not path and not given:
        raise refused("Must provide either vocab_file or unigrams.")
    if path and given:
        raise refused("Must only provide one of vocab_file and unigrams.")
    shards, shard = attrs["num_shards"], attrs["shard"]
    reserved = range(attrs["num_reserved_ids"])
    weights = [np.float32(0) for word in reserved if word % shards == shard]
    values = _read_weights(path) if path else map(np.float32, given)
    power = np.float32(attrs["distortion"])
    for word, weight in enumerate(values, len(weights)):
        if word % shards == shard:
            weights.append(weight**power)
    if len(weights) != attrs["range_max"]:
        raise refused(
            f"range_max is {attrs['range_max']}, but there are {len(weights)} weights."
        )
    return np.array(weights, np.float32)


def _start_fixed(n: Operation) -> tuple[np.ndarray, _Weighted | None]:
    return _start(n), None


@op(
    "FixedUnigramCandidateSampler",
    infer=_shapes,
    state=_start_fixed,
    host=True,
    math="P(k) = weight of k, raised",
)
def fixed_unigram_sampler_kernel(
    xp: Arrays,
    state: tuple[Array, _Weighted | None],
    true_classes: Array,
    *,
    n: Operation,
) -> Any:
    """Classes in proportion to given weights, raised to the power `distortion`.

    Raises:
      InvalidArgumentError: not exactly one of file and weights, or a line without one.
    """
    del xp
    generator, sampler = state
    sampler = sampler or _Weighted(_unigrams(n))
    after, *found = _sampled(generator, sampler, true_classes, n.attrs)
    return (after, sampler), *found


def _hit_shapes(n: Operation) -> list[RawShape]:
    true_classes = with_rank(n, 0, 2)
    same_dim(n, true_classes[1], n.attrs["num_true"])
    raw = n._inputs[1]._shape_raw
    if raw is not None and len(raw) != 1:
        raise invalid(n, f"Shape must be rank 1 but is rank {len(raw)}")
    return [(None,)] * 3


@op("ComputeAccidentalHits", infer=_hit_shapes, host=True, math="where sampled is true")
def compute_accidental_hits_kernel(
    xp: Arrays, true_classes: Array, sampled: Array, *, num_true: int
) -> tuple[Array, ...]:
    """Rows and places where a sampled class is a true one, with weight −max."""
    del xp
    if true_classes.ndim != 2 or true_classes.shape[1] != num_true:
        raise refused("true_candidates must be a batch_size * num_true matrix")
    place = {int(value): i for i, value in enumerate(sampled)}
    hits = [
        (row, place[value])
        for row, values in enumerate(true_classes.tolist())
        for value in values
        if value in place
    ]
    rows = np.array([row for row, _ in hits], np.int32)
    ids = np.array([at for _, at in hits], np.int64)
    return rows, ids, np.full(len(hits), -np.finfo(np.float32).max, np.float32)
