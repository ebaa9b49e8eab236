"""Random numbers for decoders: of two outcomes, and of one of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.layers.counts import counted_as
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape, shape, transpose
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_prod
from retrograd.ops.random.random import multinomial, random_uniform

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, DynamicShape, TensorLike


def _call_sampler(
    draw: Callable[[Tensor], Tensor],
    sample_shape: DynamicShape,
    name: str | None = None,
) -> Tensor:
    """What `draw` gives for a count, [count, …], with the count as a shape."""
    with name_scope(name, "call_sampler", [sample_shape]):
        sizes = convert_to_tensor(sample_shape, dtype=dtypes.int32, name="sample_shape")
        sizes = reshape(sizes, [-1])
        with counted_as(9):
            pass  # TensorFlow makes so many more
        found = draw(reduce_prod(sizes))
        return reshape(found, concat([sizes, shape(found)[1:]], 0))


def bernoulli_sample(
    probs: TensorLike | None = None,
    logits: TensorLike | None = None,
    dtype: DTypeLike = dtypes.int32,
    sample_shape: DynamicShape = (),
    seed: int | None = None,
) -> Tensor:
    """1 with a probability, else 0.

    Args:
      probs: the probabilities.
      logits: the same as log p / (1 − p).
      dtype: of the numbers.
      sample_shape: how many are drawn for each probability.
      seed: of the random numbers.

    Returns:
      sample_shape + the shape of the probabilities.

    Raises:
      ValueError: both or none are given.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Must pass probs or logits, but not both.")
    if probs is not None:
        chance = convert_to_tensor(probs, name="probs")
    else:
        given: Any = logits
        chance = F.Sigmoid(convert_to_tensor(given, name="logits"))
    inner = shape(chance)

    def draw(count: Tensor) -> Tensor:
        sizes = concat([[count], inner], 0)
        uniform = random_uniform(sizes, seed=seed, dtype=chance.dtype)
        return cast(F.Less(uniform, chance), dtype)

    return _call_sampler(draw, sample_shape)


def categorical_sample(
    logits: TensorLike,
    dtype: DTypeLike = dtypes.int32,
    sample_shape: DynamicShape = (),
    seed: int | None = None,
) -> Tensor:
    """One of many, with probabilities softmax(logits).

    Args:
      logits: [..., many].
      dtype: of the numbers.
      sample_shape: how many are drawn for each row.
      seed: of the random numbers.

    Returns:
      sample_shape + the shape of the logits without the last axis.
    """
    logits = convert_to_tensor(logits, name="logits")
    many = shape(logits)[-1]
    inner = shape(logits)[:-1]

    def draw(count: Tensor) -> Tensor:
        flat = logits.shape.ndims == 2
        rows = logits if flat else reshape(logits, [-1, many])
        drawn = multinomial(rows, count, seed=seed, output_dtype=dtype)
        return reshape(transpose(drawn), concat([[count], inner], 0))

    return _call_sampler(draw, sample_shape)
