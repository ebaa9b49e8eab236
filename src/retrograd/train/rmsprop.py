"""RMSProp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.array.fill import ones_like
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op
from retrograd.variables.initializers import Ones

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter
    from retrograd.variables.variable import Variable


@updates_by_one_op
class RMSPropOptimizer(Optimizer):
    """Steps divided by the root of a decaying mean square of gradients.

        q ← ρ q + (1 − ρ) g²
        d ← μ d + η g / √(q + ε)
        w ← w − d

    Centered, √(q − b² + ε) with b ← ρ b + (1 − ρ) g. The root mean square begins at one
    (Tieleman & Hinton 2012). Slots: `rms`, `momentum`, and `mg` if centered.

    Args:
      learning_rate: η; decay: ρ; momentum: μ; epsilon: ε: numbers, tensors, or
        functions that return them.
      use_locking: an attribute of the update ops.
      centered: whether to divide by the standard deviation.
      name: the name scope of the updates, and part of the names of slots.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        decay: Hyperparameter = 0.9,
        momentum: Hyperparameter = 0.0,
        epsilon: Hyperparameter = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered
        self._learning_rate_tensor: Any = None
        self._decay_tensor: Any = None
        self._momentum_tensor: Any = None
        self._epsilon_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            known, dtype = var.get_shape(), var.dtype.base_dtype
            defined = known.is_fully_defined()
            start = Ones(dtype=dtype) if defined else ones_like(var)
            self._get_or_make_slot_with_initializer(
                var, start, known, dtype, "rms", self._name
            )
            if self._centered:
                self._zeros_slot(var, "mg", self._name)
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        decay = self._call_if_callable(self._decay)
        momentum = self._call_if_callable(self._momentum)
        epsilon = self._call_if_callable(self._epsilon)
        self._learning_rate_tensor = convert_to_tensor(rate, name="learning_rate")
        self._decay_tensor = convert_to_tensor(decay, name="decay")
        self._momentum_tensor = convert_to_tensor(momentum, name="momentum")
        self._epsilon_tensor = convert_to_tensor(epsilon, name="epsilon")

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        scalars = [
            self._learning_rate_tensor,
            self._decay_tensor,
            self._momentum_tensor,
            self._epsilon_tensor,
        ]
        rule, slots = "RMSProp", ["rms", "momentum"]
        if self._centered:
            rule, slots = "CenteredRMSProp", ["mg", *slots]
        return apply_rule(self, rule, var, slots, scalars, grad, indices)
