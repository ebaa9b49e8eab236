"""How much sequences differ: `tf.edit_distance`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.composite import SparseTensor, is_sparse
from retrograd.ops.declare import F
from retrograd.ops.sparse.operands import parts

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.ops.sparse.conversion import SparseLike


def edit_distance(
    hypothesis: SparseLike,
    truth: SparseLike,
    normalize: bool = True,
    name: str = "edit_distance",
) -> Tensor:
    """How many insertions, deletions and substitutions make one sequence of another.

    Args:
      hypothesis: a SparseTensor; its last axis holds sequences.
      truth: a SparseTensor of the same rank and dtype.
      normalize: whether distances are divided by the length of the truth.
      name: the name of the operation.

    Returns:
      float32, of the shape of both without their last axis.

    Raises:
      TypeError: one is not sparse.
    """
    for word, value in (("Hypothesis", hypothesis), ("Truth", truth)):
        if not is_sparse(value):
            raise TypeError(f"{word} must be a SparseTensor.")
    return F.EditDistance(
        *parts(SparseTensor.from_value(hypothesis)),
        *parts(SparseTensor.from_value(truth)),
        normalize=normalize,
        name=name,
    )
