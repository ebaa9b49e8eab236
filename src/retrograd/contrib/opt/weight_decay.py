"""Optimizers whose weights decay apart from the loss (Loshchilov & Hutter 2019)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.ops.array.gather import gather
from retrograd.ops.flow.control import no_op
from retrograd.ops.math.casts import cast
from retrograd.train.adam import AdamOptimizer
from retrograd.train.momentum import MomentumOptimizer
from retrograd.train.operands import _var_key
from retrograd.train.optimizer import Optimizer
from retrograd.variables.updates import scatter_add

if TYPE_CHECKING:
    from retrograd.graph.composite import IndexedSlices
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter, Structure, TensorLike, VariableLike
    from retrograd.variables.variable import Variable


class DecoupledWeightDecayExtension:
    """To be mixed into an optimizer, before it: w ← w − λ w, then its update.

    The decay is not part of the gradient, so that no average of gradients has it. Of
    gradients of some rows, these rows decay.

    Args:
      weight_decay: λ, a number, a tensor, or a function that returns one.
      **kwargs: for the optimizer.
    """

    def __init__(self, weight_decay: Hyperparameter, **kwargs: object) -> None:
        self._decay_by(weight_decay)
        super().__init__(**kwargs)

    def _decay_by(self, weight_decay: Hyperparameter) -> None:
        self._decay_var_list: set[Any] | None = None
        self._weight_decay = weight_decay
        self._weight_decay_tensor: Any = None

    def minimize(
        self,
        loss: TensorLike | Callable[[], TensorLike],
        global_step: VariableLike | None = None,
        var_list: Structure = None,
        gate_gradients: int = Optimizer.GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: TensorLike | None = None,
        decay_var_list: Iterable[Any] | None = None,
    ) -> Any:
        """As of `Optimizer`.

        Args:
          decay_var_list: the variables that decay; by default all.
          loss, global_step, var_list, gate_gradients, aggregation_method,
          colocate_gradients_with_ops, name, grad_loss: as there.
        """
        self._set_decaying(decay_var_list)
        inner: Any = super()
        return inner.minimize(
            loss,
            global_step=global_step,
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            name=name,
            grad_loss=grad_loss,
        )

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: VariableLike | None = None,
        name: str | None = None,
        decay_var_list: Iterable[Any] | None = None,
    ) -> Any:
        """As of `Optimizer`; `decay_var_list` as of `minimize`."""
        if decay_var_list is not None:
            self._set_decaying(decay_var_list)
        inner: Any = super()
        return inner.apply_gradients(grads_and_vars, global_step, name)

    def _set_decaying(self, variables: Iterable[Any] | None) -> None:
        self._decay_var_list = (
            None if variables is None else {_var_key(v) for v in variables}
        )

    def _decays(self, var: Variable) -> bool:
        return self._decay_var_list is None or _var_key(var) in self._decay_var_list

    def _prepare(self) -> None:
        decay = self._weight_decay
        decay = decay() if callable(decay) else decay
        self._weight_decay_tensor = convert_to_tensor(decay, name="weight_decay")
        inner: Any = super()
        inner._prepare()

    def _decay_weights_op(self, var: Variable) -> Any:
        """Let all of a variable decay."""
        if not self._decays(var):
            return no_op()
        decay = cast(self._weight_decay_tensor, var.dtype.base_dtype)
        locked: bool = self._use_locking  # pyright: ignore[reportAttributeAccessIssue]
        return var.assign_sub(decay * var, locked)

    def _decay_weights_sparse_op(self, var: Variable, indices: Tensor) -> Any:
        """Let rows of a variable decay."""
        if not self._decays(var):
            return no_op()
        decay = cast(self._weight_decay_tensor, var.dtype.base_dtype)
        update = -decay * gather(var, indices)
        return scatter_add(var, indices, update)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Any:
        inner: Any = super()
        with control_dependencies([self._decay_weights_op(var)]):
            return inner._apply_dense(grad, var)

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        inner: Any = super()
        with control_dependencies([self._decay_weights_op(handle)]):
            return inner._resource_apply_dense(grad, handle)

    def _apply_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        inner: Any = super()
        decayed = self._decay_weights_sparse_op(var, grad.indices)
        with control_dependencies([decayed]):
            return inner._apply_sparse(grad, var)

    def _resource_apply_sparse(
        self, grad: Tensor, handle: Variable, indices: Tensor
    ) -> Any:
        inner: Any = super()
        decayed = self._decay_weights_sparse_op(handle, indices)
        with control_dependencies([decayed]):
            return inner._resource_apply_sparse(grad, handle, indices)


def extend_with_decoupled_weight_decay(base_optimizer: type[Any]) -> type[Any]:
    """A class of optimizers, with weights that decay before each update.

    Args:
      base_optimizer: the class. The new one takes `weight_decay` before its arguments.
    """

    class OptimizerWithDecoupledWeightDecay(
        DecoupledWeightDecayExtension, base_optimizer
    ):
        """An optimizer with weights that decay before each update."""

        def __init__(
            self, weight_decay: Hyperparameter, *args: object, **kwargs: object
        ) -> None:
            self._decay_by(weight_decay)
            base_optimizer.__init__(self, *args, **kwargs)

    return OptimizerWithDecoupledWeightDecay


class MomentumWOptimizer(DecoupledWeightDecayExtension, MomentumOptimizer):
    """Momentum, with weights that decay before each update.

    Args:
      weight_decay: by what share.
      learning_rate, momentum, use_locking, name, use_nesterov: as of
        `tf.train.MomentumOptimizer`.
    """

    def __init__(
        self,
        weight_decay: Hyperparameter,
        learning_rate: Hyperparameter,
        momentum: Hyperparameter,
        use_locking: bool = False,
        name: str = "MomentumW",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(
            weight_decay,
            learning_rate=learning_rate,
            momentum=momentum,
            use_locking=use_locking,
            name=name,
            use_nesterov=use_nesterov,
        )


class AdamWOptimizer(DecoupledWeightDecayExtension, AdamOptimizer):
    """Adam, with weights that decay before each update.

    Args:
      weight_decay: by what share.
      learning_rate, beta1, beta2, epsilon, use_locking, name: as of
        `tf.train.AdamOptimizer`.
    """

    def __init__(
        self,
        weight_decay: Hyperparameter,
        learning_rate: Hyperparameter = 0.001,
        beta1: Hyperparameter = 0.9,
        beta2: Hyperparameter = 0.999,
        epsilon: Hyperparameter = 1e-8,
        use_locking: bool = False,
        name: str = "AdamW",
    ) -> None:
        super().__init__(
            weight_decay,
            learning_rate=learning_rate,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            use_locking=use_locking,
            name=name,
        )
