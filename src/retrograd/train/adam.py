"""Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import colocate_with, control_dependencies
from retrograd.ops.declare import F
from retrograd.ops.flow import control
from retrograd.ops.math.casts import cast
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op
from retrograd.variables.updates import assign, assign_sub, scatter_add

if TYPE_CHECKING:
    from retrograd.graph.composite import IndexedSlices
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter
    from retrograd.variables.resource import BaseResourceVariable
    from retrograd.variables.variable import Variable


def hyperparameters(optimizer: Any) -> list[Any]:
    """The tensors η, β₁, β₂ and ε of Adam, or of an optimizer that has them as it."""
    return [
        optimizer._lr_t,
        optimizer._beta1_t,
        optimizer._beta2_t,
        optimizer._epsilon_t,
    ]


def unbiased(optimizer: Any, var: Variable) -> tuple[Any, Any, Any, Any]:
    """η √(1 − β₂ᵗ) / (1 − β₁ᵗ), β₁, β₂ and ε, in the dtype of a variable."""
    dtype = var.dtype.base_dtype
    power1, power2 = (cast(p, dtype) for p in optimizer._get_beta_accumulators())
    rate, beta1, beta2, epsilon = (cast(x, dtype) for x in hyperparameters(optimizer))
    return rate * F.Sqrt(1 - power2) / (1 - power1), beta1, beta2, epsilon


@updates_by_one_op
class AdamOptimizer(Optimizer):
    """Adam (Kingma & Ba 2015), in the form before section 2.1 of the paper.

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    So ε is the paper's ε̂. For gradients of some rows the averages of all rows decay,
    and all rows move. Slots: `m`, `v`; `beta1_power` and `beta2_power` belong to no
    variable.

    Args:
      learning_rate: η; beta1: β₁; beta2: β₂; epsilon: ε: numbers, tensors, or
        functions that return them.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        beta1: Hyperparameter = 0.9,
        beta2: Hyperparameter = 0.999,
        epsilon: Hyperparameter = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon
        self._lr_t: Any = None
        self._beta1_t: Any = None
        self._beta2_t: Any = None
        self._epsilon_t: Any = None

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        """The variables that hold β₁ᵗ and β₂ᵗ."""
        with context.init_scope():
            graph = None
            if not context.executing_eagerly():
                graph = context.get_default_graph()
            return (
                self._get_non_slot_variable("beta1_power", graph=graph),
                self._get_non_slot_variable("beta2_power", graph=graph),
            )

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        first = min(var_list, key=lambda v: v.name)
        for value, name in ((self._beta1, "beta1_power"), (self._beta2, "beta2_power")):
            self._create_non_slot_variable(value, name, first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._lr)
        beta1 = self._call_if_callable(self._beta1)
        beta2 = self._call_if_callable(self._beta2)
        epsilon = self._call_if_callable(self._epsilon)
        self._lr_t = convert_to_tensor(rate, name="learning_rate")
        self._beta1_t = convert_to_tensor(beta1, name="beta1")
        self._beta2_t = convert_to_tensor(beta2, name="beta2")
        self._epsilon_t = convert_to_tensor(epsilon, name="epsilon")

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        scalars = [*self._get_beta_accumulators(), *hyperparameters(self)]
        return apply_rule(self, "Adam", var, ["m", "v"], scalars, grad)

    def _apply_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        def add(x: Variable, indices: Tensor, values: Tensor) -> Any:
            return scatter_add(x, indices, values, use_locking=self._use_locking)

        return self._apply_sparse_shared(grad.values, var, grad.indices, add)

    def _resource_apply_sparse(
        self, grad: Tensor, handle: BaseResourceVariable, indices: Tensor
    ) -> Any:
        return self._apply_sparse_shared(
            grad, handle, indices, self._resource_scatter_add
        )

    def _resource_scatter_add(
        self, x: BaseResourceVariable, i: Tensor, v: Tensor
    ) -> Any:
        with control_dependencies([F.ResourceScatterAdd(x.handle, i, v)]):
            return x.value()

    def _apply_sparse_shared(
        self,
        grad: Tensor,
        var: Variable,
        indices: Tensor,
        scatter_add: Callable[..., Any],
    ) -> Any:
        """Update by rows: `scatter_add(slot, indices, values)` is the slot after it."""
        rate, beta1, beta2, epsilon = unbiased(self, var)

        def average(slot: Variable, values: Tensor, beta: Tensor) -> Any:
            decayed = assign(slot, slot * beta, use_locking=self._use_locking)
            with control_dependencies([decayed]):
                return scatter_add(slot, indices, values)

        m = average(self.get_slot(var, "m"), grad * (1 - beta1), beta1)
        v = average(self.get_slot(var, "v"), (grad * grad) * (1 - beta2), beta2)
        step = rate * m / (F.Sqrt(v) + epsilon)
        moved = assign_sub(var, step, use_locking=self._use_locking)
        return control.group(moved, m, v)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        with control_dependencies(update_ops):
            beta1_power, beta2_power = self._get_beta_accumulators()
            with colocate_with(beta1_power):
                powers = [
                    power.assign(power * beta, use_locking=self._use_locking)
                    for power, beta in (
                        (beta1_power, self._beta1_t),
                        (beta2_power, self._beta2_t),
                    )
                ]
        return control.group(*update_ops, *powers, name=name_scope)
