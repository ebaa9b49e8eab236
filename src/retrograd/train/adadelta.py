"""Adadelta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter
    from retrograd.variables.variable import Variable


@updates_by_one_op
class AdadeltaOptimizer(Optimizer):
    """Steps of the size of past steps (Zeiler 2012).

        a ← ρ a + (1 − ρ) g²
        d = √(u + ε) / √(a + ε) · g
        w ← w − η d
        u ← ρ u + (1 − ρ) d²

    Slots: `accum` (a), `accum_update` (u).

    Args:
      learning_rate: η, one in the paper; rho: ρ; epsilon: ε: numbers, tensors, or
        functions that return them.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        rho: Hyperparameter = 0.95,
        epsilon: Hyperparameter = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon
        self._lr_t: Any = None
        self._rho_t: Any = None
        self._epsilon_t: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "accum", self._name)
            self._zeros_slot(var, "accum_update", self._name)

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._lr)
        rho = self._call_if_callable(self._rho)
        epsilon = self._call_if_callable(self._epsilon)
        self._lr_t = convert_to_tensor(rate, name="lr")
        self._rho_t = convert_to_tensor(rho, name="rho")
        self._epsilon_t = convert_to_tensor(epsilon, name="epsilon")

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        slots = ["accum", "accum_update"]
        scalars = [self._lr_t, self._rho_t, self._epsilon_t]
        return apply_rule(self, "Adadelta", var, slots, scalars, grad, indices)
