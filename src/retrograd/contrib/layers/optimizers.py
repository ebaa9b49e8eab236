"""`tf.contrib.layers.optimize_loss`: one call for all that trains a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.training.steps import Pairs, changed
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.identity import identity
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.host.shape_checks import assert_scalar
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_global_norm, global_norm
from retrograd.ops.random.random import truncated_normal
from retrograd.summary import summary
from retrograd.train import training_util
from retrograd.train.adagrad import AdagradOptimizer
from retrograd.train.adam import AdamOptimizer
from retrograd.train.ftrl import FtrlOptimizer
from retrograd.train.gradient_descent import GradientDescentOptimizer
from retrograd.train.momentum import MomentumOptimizer
from retrograd.train.optimizer import Optimizer
from retrograd.train.rmsprop import RMSPropOptimizer
from retrograd.variables.collections import trainable_variables
from retrograd.variables.initializers import constant_initializer
from retrograd.variables.scope import get_variable, variable_scope

if TYPE_CHECKING:
    from retrograd.typing import VariableLike
    from retrograd.variables.variable import Variable


def _momentum(learning_rate: float | Tensor) -> MomentumOptimizer:
    return MomentumOptimizer(learning_rate, momentum=0.9)


OPTIMIZER_CLS_NAMES: dict[str, Callable[..., Optimizer]] = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": _momentum,
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = [
    "learning_rate",
    "loss",
    "gradients",
    "gradient_norm",
    "global_gradient_norm",
]


def optimize_loss(
    loss: Tensor,
    global_step: VariableLike | None,
    learning_rate: float | Tensor | None,
    optimizer: Any,
    gradient_noise_scale: float | None = None,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    clip_gradients: float | Callable[[Any], Any] | None = None,
    learning_rate_decay_fn: Callable[..., Any] | None = None,
    update_ops: Sequence[Any] | None = None,
    variables: Sequence[Variable] | None = None,
    name: str | None = None,
    summaries: Sequence[str] | None = None,
    colocate_gradients_with_ops: bool = False,
    increment_global_step: bool = True,
) -> Any:
    """The loss as a tensor that, when it is computed, also trains.

    Args:
      loss: a scalar.
      global_step: counts the steps; by default that of the graph.
      learning_rate: a number, which becomes a variable; or a tensor.
      optimizer: the name of one in `OPTIMIZER_CLS_NAMES`, a class, an object, or a
        function of the learning rate.
      gradient_noise_scale: of normal noise that is added to gradients.
      gradient_multipliers: factors of gradients, by variables or their names.
      clip_gradients: the largest global norm, or a function of pairs of gradients and
        variables.
      learning_rate_decay_fn: a function of the learning rate and the global step.
      update_ops: run before; by default the collection UPDATE_OPS.
      variables: by default all that are trained.
      name: the variable scope.
      summaries: which of `OPTIMIZER_SUMMARIES` are made; by default of the loss, the
        learning rate and the global norm of the gradients.
      colocate_gradients_with_ops: see `Optimizer.compute_gradients`.
      increment_global_step: whether the step is counted.

    Raises:
      ValueError: arguments of other types or names than these.
    """
    loss = convert_to_tensor(loss)
    assert_scalar(loss)
    if global_step is None:
        global_step = training_util.get_global_step()
    else:
        training_util.assert_global_step(global_step)
    with variable_scope(name, "OptimizeLoss", [loss, global_step]):
        wanted = _summaries(summaries)
        if update_ops is None:
            graph = context.get_default_graph()
            update_ops = graph.get_collection(GraphKeys.UPDATE_OPS)
        if update_ops:
            with control_dependencies(list(update_ops)):
                loss = identity(loss)
        rate = _learning_rate(learning_rate)
        if rate is not None and learning_rate_decay_fn is not None:
            if global_step is None:
                raise ValueError("global_step is required for learning_rate_decay_fn.")
            rate = learning_rate_decay_fn(rate, global_step)
            if "learning_rate" in wanted:
                summary.scalar("learning_rate", rate)
        made = _optimizer(optimizer, rate)
        gradients: Any = made.compute_gradients(
            loss,
            trainable_variables() if variables is None else variables,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gradient_noise_scale is not None:
            gradients = _noisy(gradients, gradient_noise_scale)
        if gradient_multipliers is not None:
            gradients = _multiplied(gradients, gradient_multipliers)
        gradients = _clipped(gradients, clip_gradients, wanted, loss)
        applied = made.apply_gradients(
            gradients,
            global_step=global_step if increment_global_step else None,
            name="train",
        )
        return with_dependencies([applied], loss)


def _summaries(summaries: Sequence[str] | None) -> Sequence[str]:
    if summaries is None:
        return ["loss", "learning_rate", "global_gradient_norm"]
    for one in summaries:
        if one not in OPTIMIZER_SUMMARIES:
            raise ValueError(
                f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you "
                f"provided {one}."
            )
    return summaries


def _learning_rate(rate: float | Tensor | None) -> Any:
    """A tensor as it is, and a number as a variable."""
    if rate is None or (isinstance(rate, Tensor) and rate.get_shape().ndims == 0):
        return rate
    if not isinstance(rate, float):
        raise ValueError(
            "Learning rate should be 0d Tensor or float. "
            f"Got {rate} of type {type(rate)}"
        )
    if rate < 0.0:
        raise ValueError("Invalid learning_rate %s.", rate)
    return get_variable(
        "learning_rate", [], trainable=False, initializer=constant_initializer(rate)
    )


def _optimizer(optimizer: Any, rate: Tensor | None) -> Any:
    """The optimizer that a name, a class, an object or a function stands for."""
    missing = "Learning rate is None, but should be specified if optimizer is {} ({})."
    if isinstance(optimizer, str):
        if rate is None:
            raise ValueError(missing.format("string", optimizer))
        if optimizer not in OPTIMIZER_CLS_NAMES:
            raise ValueError(
                "Optimizer name should be one of "
                f"[{', '.join(OPTIMIZER_CLS_NAMES)}], you provided {optimizer}."
            )
        return OPTIMIZER_CLS_NAMES[optimizer](learning_rate=rate)
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        if rate is None:
            raise ValueError(missing.format("class", optimizer))
        made: Any = optimizer
        return made(learning_rate=rate)
    if isinstance(optimizer, Optimizer):
        return optimizer
    if callable(optimizer):
        found: Any = optimizer
        made = found() if rate is None else found(rate)
        if not isinstance(made, Optimizer):
            raise ValueError(
                "Unrecognized optimizer: function should return subclass of Optimizer. "
                f"Got {made}."
            )
        return made
    raise ValueError(
        "Unrecognized optimizer: should be string, subclass of Optimizer, instance of "
        "subclass of Optimizer or function with one argument. "
        f"Got {optimizer}."
    )


def _noisy(gradients: Pairs, scale: float) -> list[tuple[Any, Any]]:
    """The gradients with normal noise."""
    found = []
    for grad, var in gradients:
        if grad is not None:
            sliced = isinstance(grad, IndexedSlices)
            shape = grad.dense_shape if sliced else grad.get_shape()
            grad = grad + truncated_normal(shape) * scale
        found.append((grad, var))
    return found


def _multiplied(gradients: Pairs, factors: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """The gradients, those multiplied for whose variable or its name is a factor."""
    found = []
    for grad, var in gradients:
        key = var if var in factors else var.name
        if grad is not None and key in factors:
            factor = cast(factors[key], grad.dtype)
            grad = changed(grad, lambda values, factor=factor: values * factor)
        found.append((grad, var))
    return found


def _clipped(gradients: Pairs, clip: Any, wanted: Sequence[str], loss: Tensor) -> Pairs:
    """The gradients after clipping, with the summaries that are wanted."""
    norms = "global_gradient_norm" in wanted or "gradient_norm" in wanted
    if norms:
        norm = global_norm([grad for grad, _ in gradients])
        summary.scalar("global_norm/gradient_norm", norm)
    if isinstance(clip, float):
        grads, variables = zip(*gradients, strict=True)
        found, _ = clip_by_global_norm(grads, clip)
        gradients = list(zip(found, variables, strict=True))
    elif callable(clip):
        changing: Any = clip
        gradients = changing(gradients)
    elif clip is not None:
        raise ValueError(f"Unknown type {type(clip)} for clip_gradients")
    if "loss" in wanted:
        summary.scalar("loss", loss)
    for grad, var in gradients:
        values = grad.values if isinstance(grad, IndexedSlices) else grad
        if values is not None:
            name = var.name.replace(":", "_")
            if "gradients" in wanted:
                summary.histogram(f"gradients/{name}", values)
            if "gradient_norm" in wanted:
                summary.scalar(f"gradient_norm/{name}", global_norm([values]))
    if clip is not None and norms:
        norm = global_norm([grad for grad, _ in gradients])
        summary.scalar("global_norm/clipped_gradient_norm", norm)
    return gradients
