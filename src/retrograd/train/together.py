"""A step of an optimizer for all replicas of a strategy together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from retrograd.distribute.reduce_op import ReduceOp
from retrograd.graph import context, dispatch
from retrograd.graph.defaults import control_dependencies
from retrograd.train.optimizer import (
    Optimizer,
    as_gradient,
    collected_as_train_op,
    has_no_op,
)
from retrograd.variables.updates import assign_add


def apply_together(
    optimizer: Optimizer,
    strategy: Any,
    grads_and_vars: Iterable[tuple[Any, Any]],
    global_step: Any,
    name: str | None,
) -> Any:
    """Update all copies of variables by the sum of the gradients of all replicas.

    Args:
      optimizer: says how one copy is updated.
      strategy: the strategy, in cross-replica context.
      grads_and_vars: pairs of a gradient, with a value for each replica, and a
        variable.
      global_step: a variable to count up afterwards, or None.
      name: the name of the operation, by default that of the optimizer.
    """
    pairs = list(grads_and_vars)
    reduced = strategy.extended.batch_reduce_to(ReduceOp.SUM, pairs)
    variables = [v for _, v in pairs]
    with context.init_scope():
        optimizer._create_slots(variables)

    def update(variable: Any, grad: Any) -> Any:
        grad = as_gradient(grad)
        label = variable.name.partition(":")[0]
        label = label if has_no_op(variable) else variable.op.name
        with dispatch.name_scope("update_" + label):
            return optimizer._updated(grad, variable)

    with dispatch.name_scope(name, optimizer.get_name()) as scope:
        optimizer._prepare()
        updates = [
            done
            for grad, variable in zip(reduced, variables, strict=True)
            for done in strategy.extended.update(
                variable, update, args=(grad,), group=False
            )
        ]
        finished = strategy.extended.update_non_slot(
            strategy.extended.non_slot_devices(variables),
            lambda: optimizer._finish(updates, "update"),
            group=False,
        )
        return collected_as_train_op(_counted(strategy, finished, global_step, scope))


def _counted(
    strategy: Any, finished: Sequence[Any], global_step: Any, name: str
) -> Any:
    """What runs the step, and counts it."""
    if global_step is None:
        return strategy.group(finished, name=name)
    with control_dependencies(finished):
        return strategy.extended.update(
            global_step, assign_add, args=(1,), kwargs={"name": name}
        )
