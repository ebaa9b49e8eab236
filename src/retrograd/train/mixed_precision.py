"""`tf.train.experimental.enable_mixed_precision_graph_rewrite`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.platform import logs
from retrograd.run import configuration
from retrograd.run import mixed_precision as state
from retrograd.train.loss_scale_optimizer import MixedPrecisionLossScaleOptimizer
from retrograd.train.optimizer import Optimizer

if TYPE_CHECKING:
    from retrograd.train.loss_scale import LossScale


def enable_mixed_precision_graph_rewrite_v1(
    opt: Optimizer, loss_scale: LossScale | float | str = "dynamic"
) -> Any:
    """Ask for 16-bit numbers where they are safe, and scale the loss for them.

    Sessions made from now on ask for the rewrite. See `run.mixed_precision` for what it
    does.

    Args:
      opt: the optimizer that trains.
      loss_scale: a LossScale, a number, or "dynamic".

    Returns:
      An optimizer around `opt` that scales the loss.

    Raises:
      ValueError: `opt` is no optimizer or scales the loss already, or a policy for the
        types of layers is set.
    """
    return _enabled(opt, loss_scale, "a tf.train.Optimizer or a ")


def enable_mixed_precision_graph_rewrite(
    opt: Optimizer, loss_scale: LossScale | float | str = "dynamic"
) -> Any:
    """See `enable_mixed_precision_graph_rewrite_v1`."""
    return _enabled(opt, loss_scale, "a ")


def _enabled(opt: Optimizer, loss_scale: LossScale | float | str, kinds: str) -> Any:
    if not state.using_default_mixed_precision_policy:
        raise ValueError(_WITH_POLICY)
    if state.non_mixed_precision_session_created:
        logs.warn(
            "You already have existing Sessions that do not use mixed precision. "
            "enable_mixed_precision_graph_rewrite() will not affect these Sessions."
        )
    wrapped = _wrapped(opt, loss_scale, kinds)
    configuration.set_optimizer_experimental_options({"auto_mixed_precision": True})
    state.mixed_precision_graph_rewrite_is_enabled = True
    return wrapped


def _wrapped(opt: Optimizer, loss_scale: LossScale | float | str, kinds: str) -> Any:
    for kind in ("MixedPrecisionLossScaleOptimizer", "LossScaleOptimizer"):
        if type(opt).__name__ == kind:
            raise ValueError(
                f'"opt" must not already be an instance of a {kind}. '
                "`enable_mixed_precision_graph_rewrite` will automatically wrap the "
                f"optimizer with a {kind}."
            )
    if not isinstance(opt, Optimizer):
        raise ValueError(
            f'"opt" must be an instance of {kinds}tf.keras.optimizers.Optimizer, but '
            f"got: {opt}"
        )
    return MixedPrecisionLossScaleOptimizer(opt, loss_scale)


def disable_mixed_precision_graph_rewrite() -> None:
    """Take `enable_mixed_precision_graph_rewrite` back, for sessions still to come."""
    if not state.mixed_precision_graph_rewrite_is_enabled:
        logs.warn(
            "disable_mixed_precision_graph_rewrite() called when mixed precision is "
            "already disabled."
        )
    configuration.set_optimizer_experimental_options({"auto_mixed_precision": False})
    state.mixed_precision_graph_rewrite_is_enabled = False


_WITH_POLICY = (
    "The mixed precision graph rewrite cannot be enabled, because a keras mixed "
    "precision Policy has been set. At most, one of the following functions can be "
    "called:\n\n"
    "  1. tf.keras.mixed_precision.experimental.set_policy() (You called this first)\n"
    "  2. tf.train.experimental.enable_mixed_precision_graph_rewrite() (You called "
    "this second)\n\n"
    "Keep one of the two: the first sets types layer by layer, the second asks for a "
    "rewrite of the graph."
)
