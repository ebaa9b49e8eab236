"""AdaMax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.defaults import colocate_with, control_dependencies
from retrograd.ops.array.gather import gather
from retrograd.ops.declare import F
from retrograd.ops.flow import control
from retrograd.ops.math.casts import cast
from retrograd.train.adam import AdamOptimizer, hyperparameters
from retrograd.train.update_ops import apply_rule, updates_by_one_op
from retrograd.variables.updates import scatter_add, scatter_update

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter
    from retrograd.variables.variable import Variable


@updates_by_one_op
class AdaMaxOptimizer(AdamOptimizer):
    """Adam with the largest gradient in place of the mean square (Kingma & Ba 2015).

        m ← β₁ m + (1 − β₁) g
        v ← max(β₂ v, |g|)
        w ← w − η / (1 − β₁ᵗ) · m / (v + ε)

    Rows without a gradient are left alone. Slots: `m`, `v`; `beta1_power` belongs to no
    variable. The arguments are those of `tf.train.AdamOptimizer`.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        beta1: Hyperparameter = 0.9,
        beta2: Hyperparameter = 0.999,
        epsilon: Hyperparameter = 1e-8,
        use_locking: bool = False,
        name: str = "AdaMax",
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _get_beta_accumulators(self) -> Any:
        """The variable that holds β₁ᵗ."""
        # outside of what an update may be in, as a branch of a condition
        with context.init_scope():
            graph = None if context.executing_eagerly() else context.get_default_graph()
            return self._get_non_slot_variable("beta1_power", graph=graph)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(self._beta1, "beta1_power", first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        scalars = [self._get_beta_accumulators(), *hyperparameters(self)]
        if indices is not None:
            return self._update_rows(scalars, grad, var, indices)
        return apply_rule(self, "AdaMax", var, ["m", "v"], scalars, grad)

    def _update_rows(
        self, scalars: Sequence[Any], grad: Tensor, var: Variable, indices: Tensor
    ) -> Any:
        dtype = var.dtype.base_dtype
        power, rate, beta1, beta2, epsilon = (cast(x, dtype) for x in scalars)
        m, v = (self.get_slot(var, name) for name in "mv")
        new_m = gather(m, indices) * beta1 + grad * (1 - beta1)
        new_v = F.Maximum(gather(v, indices) * beta2, F.Abs(grad))
        step = -rate / (1 - power) * (new_m / (new_v + epsilon))
        lock = self._use_locking
        with control_dependencies([new_m, new_v]):
            kept = [
                scatter_update(m, indices, new_m, use_locking=lock),
                scatter_update(v, indices, new_v, use_locking=lock),
            ]
        moved = scatter_add(var, indices, step, use_locking=lock)
        return control.group(moved, *kept)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        with control_dependencies(update_ops):
            power = self._get_beta_accumulators()
            with colocate_with(power):
                update = power.assign(
                    power * self._beta1_t, use_locking=self._use_locking
                )
        return control.group(*update_ops, update, name=name_scope)
