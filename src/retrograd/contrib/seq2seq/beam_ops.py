"""`tf.contrib.seq2seq.gather_tree`: sequences from each step's choices and parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.ops.declare import F, find

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

# as in TensorFlow graphs know the op type once this module is there
find("GatherTree")


def gather_tree(
    step_ids: TensorLike,
    parent_ids: TensorLike,
    max_sequence_lengths: TensorLike,
    end_token: TensorLike,
    name: str | None = None,
) -> Tensor:
    """The ids of each beam, followed back from its last step by the parents.

    Args:
      step_ids: what was chosen in each step, int32 [steps, batch, beams].
      parent_ids: from which beam of the step before, in the same shape.
      max_sequence_lengths: how many steps count, int32 [batch].
      end_token: an id; a beam has nothing else behind its first one.
      name: the name of the operation.

    Returns:
      int32 [steps, batch, beams].

    Raises:
      ValueError: shapes do not fit.
      InvalidArgumentError: (when run) a parent is no beam.
    """
    return F.GatherTree(
        step_ids, parent_ids, max_sequence_lengths, end_token, name=name
    )
