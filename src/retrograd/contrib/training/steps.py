"""Training operations, and changes of gradients between their two steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.constant import constant
from retrograd.ops.array.identity import check_numerics
from retrograd.ops.declare import F
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.math.clip import clip_by_norm, global_norm
from retrograd.platform import logs
from retrograd.summary import summary
from retrograd.train import training_util
from retrograd.train.monitored_session import MonitoredTrainingSession
from retrograd.train.optimizer import Optimizer
from retrograd.variables.collections import trainable_variables

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.train.scaffold import Scaffold
    from retrograd.train.session_run_hook import SessionRunHook
    from retrograd.typing import Message
    from retrograd.variables.variable import Variable

#: gradients, each with its variable
Pairs = Sequence[tuple[Any, Any]]
#: stands for the graph's own global step
USE_GLOBAL_STEP = 0


def changed(grad: Any, change: Callable[[Any], Any]) -> Any:
    """A gradient after a change of its values."""
    if isinstance(grad, IndexedSlices):
        return IndexedSlices(change(grad.values), grad.indices, grad.dense_shape)
    return change(grad)


def add_gradients_summaries(grads_and_vars: Pairs) -> list[Any]:
    """Summaries of gradients: a histogram and the norm of each."""
    return summarized(grads_and_vars, "_")


def summarized(grads_and_vars: Pairs, joint: str) -> list[Any]:
    """Summaries of gradients, `joint` between the variable's name and theirs."""
    found = []
    for grad, var in grads_and_vars:
        if grad is None:
            logs.info(f"Var {var.op.name} has no gradient")
            continue
        values = grad.values if isinstance(grad, IndexedSlices) else grad
        name = f"{var.op.name}{joint}gradient"
        found.append(summary.histogram(name, values))
        found.append(summary.scalar(f"{name}_norm", global_norm([values])))
    return found


def clip_gradient_norms(
    gradients_to_variables: Pairs, max_norm: float | Tensor
) -> list[tuple[Any, Any]]:
    """The gradients, each scaled down to a norm of `max_norm` if it has more."""
    return [
        (
            grad
            if grad is None
            else changed(grad, lambda values: clip_by_norm(values, max_norm)),
            var,
        )
        for grad, var in gradients_to_variables
    ]


def clip_gradient_norms_fn(max_norm: float | Tensor) -> Callable[[Pairs], Any]:
    """`clip_gradient_norms` as a function of the gradients alone."""
    return lambda gradients: clip_gradient_norms(gradients, max_norm)


def multiply_gradients(
    grads_and_vars: Pairs, gradient_multipliers: Mapping[Any, Any]
) -> list[tuple[Any, Any]]:
    """The gradients, those of some variables multiplied.

    Args:
      grads_and_vars: the gradients with their variables.
      gradient_multipliers: factors by variables, or by the names of their operations.

    Raises:
      ValueError: no factors, or one for a variable without gradient.
    """
    if not isinstance(grads_and_vars, list):
        raise ValueError("`grads_and_vars` must be a list.")
    if not gradient_multipliers:
        raise ValueError("`gradient_multipliers` is empty.")
    if not isinstance(gradient_multipliers, dict):
        raise ValueError("`gradient_multipliers` must be a dict.")
    found = []
    for grad, var in grads_and_vars:
        key = var if var in gradient_multipliers else var.op.name
        if key in gradient_multipliers:
            if grad is None:
                raise ValueError("Requested multiple of `None` gradient.")
            factor = constant(gradient_multipliers[key], dtype=grad.dtype)
            grad = changed(grad, lambda values, factor=factor: values * factor)
        found.append((grad, var))
    return found


def create_train_op(
    total_loss: Tensor,
    optimizer: Optimizer,
    global_step: Any = USE_GLOBAL_STEP,
    update_ops: Sequence[Any] | None = None,
    variables_to_train: Sequence[Variable] | None = None,
    transform_grads_fn: Callable[[Any], Any] | None = None,
    summarize_gradients: bool = False,
    gate_gradients: int = Optimizer.GATE_OP,
    aggregation_method: int | None = None,
    colocate_gradients_with_ops: bool = False,
    check_numerics: bool = True,
) -> Any:
    """The loss as a tensor that, when it is computed, also trains.

    Args:
      total_loss: the loss.
      optimizer: makes and applies the gradients.
      global_step: counts the steps; by default that of the graph, None for none.
      update_ops: run before; by default the collection UPDATE_OPS.
      variables_to_train: by default all that are trained.
      transform_grads_fn: changes the gradients, which are pairs with variables.
      summarize_gradients: whether summaries of them are added.
      gate_gradients, aggregation_method, colocate_gradients_with_ops: see
        `Optimizer.compute_gradients`.
      check_numerics: whether a loss that is infinite or no number is an error.
    """
    if global_step is USE_GLOBAL_STEP:
        global_step = training_util.get_or_create_global_step()
    graph = context.get_default_graph()
    total_loss = _after_updates(total_loss, update_ops)
    variables = variables_to_train or trainable_variables()
    grads = optimizer.compute_gradients(
        total_loss,
        variables,
        gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )
    if transform_grads_fn:
        grads = transform_grads_fn(grads)
    if summarize_gradients:
        with name_scope("summarize_grads"):
            add_gradients_summaries(grads)
    applied = optimizer.apply_gradients(grads, global_step=global_step)
    with name_scope("train_op"):
        if check_numerics:
            total_loss = _checked(total_loss)
        train_op = with_dependencies([applied], total_loss)
    kept = graph.get_collection_ref(GraphKeys.TRAIN_OP)
    if not any(train_op is op for op in kept):
        kept.append(train_op)
    return train_op


def _checked(loss: Tensor) -> Any:
    return check_numerics(loss, "LossTensor is inf or nan")


def _after_updates(loss: Tensor, update_ops: Sequence[Operation] | None) -> Any:
    """The loss, after the operations that belong to a step."""
    collected = context.get_default_graph().get_collection(GraphKeys.UPDATE_OPS)
    if update_ops is None:
        update_ops = collected
    elif not {id(op) for op in collected} <= {id(op) for op in update_ops}:
        logs.warning(
            "update_ops in create_train_op does not contain all the update_ops in "
            "GraphKeys.UPDATE_OPS"
        )
    if not update_ops:
        return loss
    with control_dependencies(list(update_ops)):
        barrier = F.NoOp(name="update_barrier")
    return with_dependencies([barrier], loss)


def train(
    train_op: Tensor,
    logdir: str | None,
    master: str = "",
    is_chief: bool = True,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: float | None = 600,
    save_summaries_steps: int | None = 100,
    config: Message | None = None,
    max_wait_secs: float = 7200,
    run_metadata: Message | None = None,
) -> Any:
    """Train until a hook says stop, and return the last loss.

    Args:
      train_op: trains when it is computed; what `create_train_op` returns.
      logdir: where checkpoints and summaries are written; None for nowhere.
      run_metadata: receives what is known of a run.
      master, is_chief, scaffold, hooks, chief_only_hooks, save_checkpoint_secs,
      save_summaries_steps, config, max_wait_secs: as for
        `tf.train.MonitoredTrainingSession`.

    Raises:
      ValueError: there is something to write, and nowhere to write it.
    """
    if logdir is None and is_chief:
        if save_summaries_steps:
            raise ValueError(
                "logdir cannot be None when save_summaries_steps is not None"
            )
        if save_checkpoint_secs:
            raise ValueError(
                "logdir cannot be None when save_checkpoint_secs is not None"
            )
    loss = None
    with MonitoredTrainingSession(
        master=master,
        is_chief=is_chief,
        checkpoint_dir=logdir,
        scaffold=scaffold,
        hooks=hooks,
        chief_only_hooks=chief_only_hooks,
        save_checkpoint_secs=save_checkpoint_secs,
        save_summaries_steps=save_summaries_steps,
        config=config,
        max_wait_secs=max_wait_secs,
    ) as session:
        while not session.should_stop():
            loss = session.run(train_op, run_metadata=run_metadata)
    return loss
