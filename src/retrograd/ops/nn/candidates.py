"""Candidate samplers: classes to compare the true ones with, and how likely each was.

They draw word for word what TensorFlow 1.15 draws for the same seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.ops.declare import F
from retrograd.ops.random.seeds import get_seed

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def uniform_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Sample classes, each as likely as any other.

    Args:
      true_classes: int64 [batch, num_true].
      num_true: how many true classes an example has.
      num_sampled: how many classes to sample, for the whole batch.
      unique: whether they are distinct.
      range_max: how many classes there are.
      seed: the seed of the operation (see `set_random_seed`).
      name: the name of the operation.

    Returns:
      sampled_candidates, int64 [num_sampled]; true_expected_count, float32 [batch,
      num_true], and sampled_expected_count, float32 [num_sampled]: how often each is
      expected among the sampled.
    """
    return _apply(F.UniformCandidateSampler, locals())


def log_uniform_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """As `uniform_candidate_sampler`, class k with P = log((k + 2)/(k + 1))/log(n + 1).

    That is Zipf's law, for classes in order of falling frequency.
    """
    return _apply(F.LogUniformCandidateSampler, locals())


def learned_unigram_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """As `uniform_candidate_sampler`, in proportion to the true classes seen so far."""
    return _apply(F.LearnedUnigramCandidateSampler, locals())


def fixed_unigram_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: TensorLike = (),
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """As `uniform_candidate_sampler`, in proportion to given weights.

    Args:
      true_classes, num_true, num_sampled, unique, range_max, seed, name: as there.
      vocab_file: a file with a class on each line, its weight after the last comma.
      distortion: the power the weights are raised to.
      num_reserved_ids: how many classes before the first have weight 0.
      num_shards, shard: take only classes k with k mod num_shards = shard.
      unigrams: the weights, if there is no file.
    """
    return _apply(F.FixedUnigramCandidateSampler, locals())


def all_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """All of `num_sampled` classes, in order."""
    return _apply(F.AllCandidateSampler, locals())


def _apply(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Apply a sampler with a public function's arguments."""
    attrs = dict(given)
    inputs, name = attrs.pop("true_classes"), attrs.pop("name")
    seed, seed2 = get_seed(attrs.pop("seed"))
    if "unigrams" in attrs:
        attrs["unigrams"] = list(attrs["unigrams"])
    return function(inputs, seed=seed, seed2=seed2, name=name, **attrs)


def compute_accidental_hits(
    true_classes: TensorLike,
    sampled_candidates: TensorLike,
    num_true: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Where sampled classes are true ones.

    Args:
      true_classes: int64 [batch, num_true].
      sampled_candidates: int64 [num_sampled].
      num_true: how many true classes an example has.
      seed: counted among the graph's seeds; nothing is drawn.
      name: the name of the operation.

    Returns:
      indices, int32: the example of each hit; ids, int64: which sampled class; weights,
      float32: the lowest number there is.
    """
    seed1, seed2 = get_seed(seed)
    return F.ComputeAccidentalHits(
        true_classes,
        sampled_candidates,
        num_true=num_true,
        seed=seed1,
        seed2=seed2,
        name=name,
    )
