"""Losses of examples that are shared out over replicas, as one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.distribute import current
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.layers.metric_parts import squeeze_or_expand_dimensions
from retrograd.ops.array.shape import shape
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.weights import assert_broadcastable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def _replicas() -> int:
    return current.get_strategy().num_replicas_in_sync


def compute_average_loss(
    per_example_loss: TensorLike,
    sample_weight: TensorLike | None = None,
    global_batch_size: TensorLike | None = None,
) -> Tensor:
    """The sum of losses, divided by how many examples all replicas have.

    Args:
      per_example_loss: the loss of each example of this replica.
      sample_weight: how much each counts.
      global_batch_size: how many examples there are; by default as many as here for
        each replica.

    Raises:
      ValueError: a single loss, or weights that do not fit.

    Example:
      tf.nn.compute_average_loss([1.0, 3.0], global_batch_size=4) is 1.
    """
    losses: Any = convert_to_tensor(per_example_loss)
    if losses.shape.ndims == 0:
        raise ValueError(
            "Invalid value passed for `per_example_loss`. Expected a tensor with at "
            f"least rank 1, received: {losses}"
        )
    kind = losses.dtype
    if sample_weight is not None:
        weights: Any = convert_to_tensor(sample_weight)
        weights = cast(weights, kind)
        losses, _, weights = squeeze_or_expand_dimensions(losses, None, weights)
        with control_dependencies([assert_broadcastable(weights, losses)]):
            losses = losses * weights
    count: Any = global_batch_size
    if count is None:
        count = cast(_replicas() * shape(losses)[0], kind)
    return reduce_sum(losses) / count


def scale_regularization_loss(regularization_loss: TensorLike) -> Tensor:
    """The sum of losses, divided by how many replicas add theirs up."""
    return reduce_sum(regularization_loss) / _replicas()
