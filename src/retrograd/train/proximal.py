"""Optimizers by forward–backward splitting: a step, then shrinkage to zero.

After a step u of size α they set w ← sign(u) max(|u| − α λ₁, 0) / (1 + α λ₂)
(Duchi & Singer 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import colocate_with
from retrograd.ops.array.constant import constant
from retrograd.train.update_ops import UpdateOpOptimizer


class _Proximal(UpdateOpOptimizer):
    """A learning rate and two strengths of regularization."""

    def __init__(
        self, learning_rate: Any, l1: Any, l2: Any, use_locking: bool, name: str
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1_regularization_strength = l1
        self._l2_regularization_strength = l2
        self._learning_rate_tensor: Any = None
        self._l1_regularization_strength_tensor: Any = None
        self._l2_regularization_strength_tensor: Any = None

    def _prepare(self) -> None:
        for name in (
            "learning_rate",
            "l1_regularization_strength",
            "l2_regularization_strength",
        ):
            tensor = convert_to_tensor(getattr(self, f"_{name}"), name=name)
            setattr(self, f"_{name}_tensor", tensor)

    def _scalars(self) -> list[Any]:
        return [
            self._learning_rate_tensor,
            self._l1_regularization_strength_tensor,
            self._l2_regularization_strength_tensor,
        ]


class ProximalGradientDescentOptimizer(_Proximal):
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
        learning_rate: Any,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(
            learning_rate,
            l1_regularization_strength,
            l2_regularization_strength,
            use_locking,
            name,
        )

    def _update(self, var: Any, grad: Any, indices: Any = None) -> Any:
        return self._run(
            "ProximalGradientDescent", var, [], self._scalars(), grad, indices
        )


class ProximalAdagradOptimizer(_Proximal):
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
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(
                "initial_accumulator_value must be positive: "
                f"{initial_accumulator_value}"
            )
        super().__init__(
            learning_rate,
            l1_regularization_strength,
            l2_regularization_strength,
            use_locking,
            name,
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

    def _update(self, var: Any, grad: Any, indices: Any = None) -> Any:
        return self._run(
            "ProximalAdagrad", var, ["accumulator"], self._scalars(), grad, indices
        )
