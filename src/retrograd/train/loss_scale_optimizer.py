"""An optimizer around another that scales the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from retrograd.distribute.current import get_replica_context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.distribution import in_cross_replica_context
from retrograd.ops.flow import control
from retrograd.ops.flow.cases import smart_cond
from retrograd.train import loss_scale as loss_scales
from retrograd.train.optimizer import Optimizer

if TYPE_CHECKING:
    from retrograd.distribute.strategy import Strategy
    from retrograd.graph.tensor import Tensor
    from retrograd.train.loss_scale import LossScale
    from retrograd.typing import Gradient, Structure, TensorLike, VariableLike


class MixedPrecisionLossScaleOptimizer(Optimizer):
    """Multiplies the loss by a factor, and divides the gradients by it again.

    With a dynamic loss scale a step whose gradients are not all finite is left out.

    Args:
      opt: the optimizer that applies the gradients.
      loss_scale: a LossScale, a number, or "dynamic".

    Raises:
      ValueError: `opt` is no optimizer, or `loss_scale` nothing of the kind.
    """

    def __init__(self, opt: Optimizer, loss_scale: LossScale | float | str) -> None:
        if not isinstance(opt, Optimizer):
            raise ValueError(
                f'"opt" must be an instance of Optimizer, but got: {type(opt)}'
            )
        super().__init__(opt._use_locking, opt.get_name())
        self._optimizer = opt
        self._loss_scale: Any = loss_scales.get(loss_scale)

    def compute_gradients(
        self,
        loss: TensorLike | Callable[[], TensorLike],
        var_list: Structure = None,
        gate_gradients: int = Optimizer.GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: TensorLike | None = None,
    ) -> list[tuple[Any, Any]]:
        """Gradients of `loss`, computed from the scaled loss. See `Optimizer`."""
        pairs = self._optimizer.compute_gradients(
            loss=self._scale_loss(loss),
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        factor = 1 / self._loss_scale()
        return [(_scaled(g, factor), v) for g, v in pairs]

    def _scale_loss(self, loss: TensorLike | Callable[[], TensorLike]) -> Any:
        scale = self._loss_scale()
        if callable(loss):
            return lambda: loss() * scale
        return loss * scale

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: VariableLike | None = None,
        name: str | None = None,
    ) -> Any:
        """Apply the gradients if they are finite, and fit the loss scale to them.

        Raises:
          ValueError: for all replicas of a strategy at once.
        """
        if in_cross_replica_context():
            raise ValueError("apply_gradients() must be called in a replica context.")
        if not isinstance(self._loss_scale, loss_scales.DynamicLossScale):
            return self._optimizer.apply_gradients(grads_and_vars, global_step, name)
        return get_replica_context().merge_call(
            self._distributed_apply, (tuple(grads_and_vars), global_step, name)
        )

    def _distributed_apply(
        self,
        distribution: Strategy,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: VariableLike | None = None,
        name: str | None = None,
    ) -> Any:
        """`apply_gradients` for all replicas of a strategy together."""
        name = self.get_name() if name is None else name
        update, finite = self._loss_scale.update([g for g, _ in grads_and_vars])

        def apply() -> Any:
            done = distribution.extended.call_for_each_replica(
                self._optimizer.apply_gradients,
                args=(grads_and_vars, global_step, f"{name}-wrapped"),
            )
            return distribution.group(done)

        applied = smart_cond(finite, apply, loss_scales.nothing)
        return control.group(applied, update, name=name)


def _scaled(grad: Gradient, factor: Tensor) -> Any:
    if grad is None:
        return None
    if isinstance(grad, IndexedSlices):
        return IndexedSlices(grad.values * factor, grad.indices, grad.dense_shape)
    return grad * factor
