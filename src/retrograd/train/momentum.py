"""Gradient descent with momentum."""

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
class MomentumOptimizer(Optimizer):
    """a ← μ a + g; w ← w − η a. Slot: `momentum`.

    Args:
      learning_rate: η, a number, a tensor, or a function that returns one.
      momentum: μ, the same.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.
      use_nesterov: whether to step by η (g + μ a) (Sutskever et al. 2013).
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        momentum: Hyperparameter,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov
        self._learning_rate_tensor: Any = None
        self._momentum_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(rate, name="learning_rate")
        momentum = self._call_if_callable(self._momentum)
        self._momentum_tensor = convert_to_tensor(momentum, name="momentum")

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        return apply_rule(
            self,
            "Momentum",
            var,
            ["momentum"],
            [self._learning_rate_tensor],
            grad,
            indices,
            [self._momentum_tensor],
            use_nesterov=self._use_nesterov,
        )
