"""Optimizers by forward–backward splitting: a step, then shrinkage to zero.

After a step u of size α they set w ← sign(u) max(|u| − α λ₁, 0) / (1 + α λ₂)
(Duchi & Singer 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import colocate_with
from retrograd.ops.array.constant import constant
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter
    from retrograd.variables.variable import Variable

_SCALARS = (
    "learning_rate",
    "l1_regularization_strength",
    "l2_regularization_strength",
)


def _keep_scalars(optimizer: Optimizer, *values: Hyperparameter) -> None:
    """Keep a learning rate and two strengths of regularization, in this order."""
    for name, value in zip(_SCALARS, values, strict=True):
        setattr(optimizer, f"_{name}", value)
        setattr(optimizer, f"_{name}_tensor", None)


def _convert_scalars(optimizer: Optimizer) -> None:
    for name in _SCALARS:
        tensor = convert_to_tensor(getattr(optimizer, f"_{name}"), name=name)
        setattr(optimizer, f"_{name}_tensor", tensor)


def _scalars(optimizer: Optimizer) -> list[Any]:
    return [getattr(optimizer, f"_{name}_tensor") for name in _SCALARS]


@updates_by_one_op
class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent followed by shrinkage; α is the learning rate.

    Args:
      learning_rate: a number or a tensor.
      l1_regularization_strength: λ₁.
      l2_regularization_strength: λ₂.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        l1_regularization_strength: Hyperparameter = 0.0,
        l2_regularization_strength: Hyperparameter = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(use_locking, name)
        _keep_scalars(
            self, learning_rate, l1_regularization_strength, l2_regularization_strength
        )

    def _prepare(self) -> None:
        _convert_scalars(self)

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        return apply_rule(
            self, "ProximalGradientDescent", var, [], _scalars(self), grad, indices
        )


@updates_by_one_op
class ProximalAdagradOptimizer(Optimizer):
    """Adagrad followed by shrinkage: a ← a + g², α = η / √a. Slot: `accumulator`.

    Args:
      learning_rate: η, a number or a tensor.
      initial_accumulator_value: where a begins, above zero.
      l1_regularization_strength: λ₁.
      l2_regularization_strength: λ₂.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.

    Raises:
      ValueError: `initial_accumulator_value` is not positive.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Hyperparameter = 0.0,
        l2_regularization_strength: Hyperparameter = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(
                "initial_accumulator_value must be positive: "
                f"{initial_accumulator_value}"
            )
        super().__init__(use_locking, name)
        _keep_scalars(
            self, learning_rate, l1_regularization_strength, l2_regularization_strength
        )
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            with colocate_with(var):
                start = constant(
                    self._initial_accumulator_value,
                    shape=var.get_shape(),
                    dtype=var.dtype.base_dtype,
                )
            self._get_or_make_slot(var, start, "accumulator", self._name)

    def _prepare(self) -> None:
        _convert_scalars(self)

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        return apply_rule(
            self, "ProximalAdagrad", var, ["accumulator"], _scalars(self), grad, indices
        )
