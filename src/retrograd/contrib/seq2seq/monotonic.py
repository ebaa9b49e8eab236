"""Functions of alignments: hard maxima, products that do not underflow, and orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.fill import ones, zeros
from retrograd.ops.array.join import concat
from retrograd.ops.array.selection import one_hot
from retrograd.ops.array.shape import reshape, shape, size_along, transpose
from retrograd.ops.declare import F
from retrograd.ops.flow.higher_order import scan
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_value
from retrograd.ops.math.reduce import argmax
from retrograd.ops.math.scan import cumprod, cumsum
from retrograd.ops.random.random import random_normal

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def hardmax(logits: TensorLike, name: str | None = None) -> Tensor:
    """1 at the largest of each row, else 0.

    Args:
      logits: [..., n].
      name: the name of the operations.
    """
    with name_scope(name, "Hardmax", [logits]):
        logits = convert_to_tensor(logits, name="logits")
        depth = size_along(logits, -1)
        return one_hot(argmax(logits, -1), depth, dtype=logits.dtype)


def safe_cumprod(x: TensorLike, *args: Any, **kwargs: Any) -> Tensor:
    """The products of numbers in [0, 1], by way of their logarithms.

    Args:
      x: the numbers; those that are nearly 0 count as the least float.
      *args, **kwargs: those of `tf.cumsum`.
    """
    with name_scope(None, "SafeCumprod", [x]):
        x = convert_to_tensor(x, name="x")
        least = np.finfo(x.dtype.as_numpy_dtype).tiny
        return F.Exp(cumsum(F.Log(clip_by_value(x, least, 1)), *args, **kwargs))


def monotonic_attention(
    p_choose_i: TensorLike, previous_attention: TensorLike, mode: str
) -> Tensor:
    """Where attention moves: never back (Raffel et al. 2017).

    Args:
      p_choose_i: the probability of stopping at each place, [batch, places].
      previous_attention: where it was, [batch, places].
      mode: "recursive": step by step, exact; "parallel": at once, which may be wrong
        by how numbers underflow; "hard": probabilities are 0 or 1.

    Returns:
      [batch, places].

    Raises:
      ValueError: another mode.
    """
    p = convert_to_tensor(p_choose_i, name="p_choose_i")
    previous = convert_to_tensor(previous_attention, name="previous_attention")
    if mode == "recursive":
        return _recursive(p, previous)
    if mode == "parallel":
        kept = safe_cumprod(1 - p, axis=1, exclusive=True)
        return p * kept * cumsum(previous / clip_by_value(kept, 1e-10, 1.0), axis=1)
    if mode == "hard":
        p *= cumsum(previous, axis=1)
        return p * cumprod(1 - p, axis=1, exclusive=True)
    raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")


def _recursive(p: Tensor, previous: Tensor) -> Tensor:
    batch_size = size_along(p, 0)
    # how likely it is not to have stopped at the place before
    shifted = concat([ones((batch_size, 1)), 1 - p[:, :-1]], 1)

    def step(x: Tensor, given: Sequence[Tensor]) -> Tensor:
        from_before = given[0]
        return reshape(from_before * x + given[1], (batch_size,))

    found = scan(step, [transpose(shifted), transpose(previous)], zeros((batch_size,)))
    return p * transpose(found)


def monotonic_probability(
    score: Tensor,
    previous_alignments: Tensor,
    sigmoid_noise: float,
    mode: str,
    seed: int | None = None,
) -> Tensor:
    """Where attention moves, by scores.

    Args:
      score: of each place, [batch, places].
      previous_alignments: where it was.
      sigmoid_noise: the deviation of noise that is added to the scores.
      mode: see `monotonic_attention`.
      seed: of the noise.
    """
    if sigmoid_noise > 0:
        noise = random_normal(shape(score), dtype=score.dtype, seed=seed)
        score += sigmoid_noise * noise
    p = cast(score > 0, score.dtype) if mode == "hard" else F.Sigmoid(score)
    return monotonic_attention(p, previous_alignments, mode)


_monotonic_probability_fn = monotonic_probability
