"""`tf.contrib.slim.learning`: training operations, and the loop that runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.slim.training_loop import train, train_step
from retrograd.contrib.training import steps
from retrograd.contrib.training.steps import (
    USE_GLOBAL_STEP,
    Pairs,
    clip_gradient_norms,
    multiply_gradients,
)
from retrograd.graph.dispatch import name_scope
from retrograd.train.optimizer import Optimizer

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.variables.variable import Variable

__all__ = [
    "add_gradients_summaries",
    "clip_gradient_norms",
    "create_train_op",
    "multiply_gradients",
    "train",
    "train_step",
]


def add_gradients_summaries(grads_and_vars: Pairs) -> list[Any]:
    """Summaries of gradients: a histogram and the norm of each."""
    return steps.summarized(grads_and_vars, "/")


def create_train_op(
    total_loss: Tensor,
    optimizer: Optimizer,
    global_step: Any = USE_GLOBAL_STEP,
    update_ops: Sequence[Any] | None = None,
    variables_to_train: Sequence[Variable] | None = None,
    clip_gradient_norm: float = 0,
    summarize_gradients: bool = False,
    gate_gradients: int = Optimizer.GATE_OP,
    aggregation_method: int | None = None,
    colocate_gradients_with_ops: bool = False,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    check_numerics: bool = True,
) -> Any:
    """The loss as a tensor that, when it is computed, also trains.

    Args:
      clip_gradient_norm: the largest norm that a gradient may have; 0 for any.
      gradient_multipliers: factors of gradients, by variables or their names.
      total_loss, optimizer, global_step, update_ops, variables_to_train,
      summarize_gradients, gate_gradients, aggregation_method,
      colocate_gradients_with_ops, check_numerics: as for
        `tf.contrib.training.create_train_op`.
    """

    def transform(grads: Any) -> Any:
        if gradient_multipliers:
            with name_scope("multiply_grads"):
                grads = multiply_gradients(grads, gradient_multipliers)
        if clip_gradient_norm > 0:
            with name_scope("clip_grads"):
                grads = clip_gradient_norms(grads, clip_gradient_norm)
        return grads

    return steps.create_train_op(
        total_loss,
        optimizer,
        global_step=global_step,
        update_ops=update_ops,
        variables_to_train=variables_to_train,
        transform_grads_fn=transform,
        summarize_gradients=summarize_gradients,
        gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
        check_numerics=check_numerics,
    )
