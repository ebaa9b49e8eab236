"""FTRL-Proximal."""

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


@updates_by_one_op
class FtrlOptimizer(Optimizer):
    """Follow the regularized leader (McMahan et al. 2013).

        a′ = a + g²
        z ← z + g + 2 λₛ w − (a′⁻ᵖ − a⁻ᵖ) / η · w
        w ← (λ₁ sign z − z) / (a′⁻ᵖ / η + 2 λ₂) where |z| > λ₁, else 0
        a ← a′

    Slots: `accum` (a), `linear` (z).

    Args:
      learning_rate: η, a number or a tensor.
      learning_rate_power: p, at most zero; −½ is the usual one.
      initial_accumulator_value: where a begins, at least zero.
      l1_regularization_strength: λ₁, at least zero.
      l2_regularization_strength: λ₂, at least zero: holds back the variable.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.
      accum_name, linear_name: in the place of `name` in the names of the slots.
      l2_shrinkage_regularization_strength: λₛ, at least zero: a penalty in the loss.

    Raises:
      ValueError: a number out of its range.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
    ) -> None:
        super().__init__(use_locking, name)
        if learning_rate_power > 0.0:
            raise ValueError(
                f"learning_rate_power {learning_rate_power:f} needs to be negative or "
                "zero"
            )
        for label, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            (
                "l2_shrinkage_regularization_strength",
                l2_shrinkage_regularization_strength,
            ),
        ):
            if value < 0.0:
                raise ValueError(f"{label} {value:f} needs to be positive or zero")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._l2_shrinkage_regularization_strength = (
            l2_shrinkage_regularization_strength
        )
        self._accum_name = accum_name
        self._linear_name = linear_name
        self._learning_rate_tensor: Any = None
        self._learning_rate_power_tensor: Any = None
        self._l1_regularization_strength_tensor: Any = None
        self._l2_regularization_strength_tensor: Any = None
        self._l2_shrinkage_regularization_strength_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            with colocate_with(var):
                start = constant(
                    self._initial_accumulator_value,
                    dtype=var.dtype.base_dtype,
                    shape=var.get_shape(),
                )
                name = self._accum_name or self._name
                self._get_or_make_slot(var, start, "accum", name)
                self._zeros_slot(var, "linear", self._linear_name or self._name)

    def _prepare(self) -> None:
        for name in (
            "learning_rate",
            "l1_regularization_strength",
            "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
            "learning_rate_power",
        ):
            tensor = convert_to_tensor(getattr(self, f"_{name}"), name=name)
            setattr(self, f"_{name}_tensor", tensor)

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        scalars = [
            self._learning_rate_tensor,
            self._l1_regularization_strength_tensor,
            self._l2_regularization_strength_tensor,
            self._learning_rate_power_tensor,
        ]
        rule = "Ftrl"
        if self._l2_shrinkage_regularization_strength > 0.0:
            rule = "FtrlV2"
            scalars.insert(3, self._l2_shrinkage_regularization_strength_tensor)
        slots = ["accum", "linear"]
        return apply_rule(self, rule, var, slots, [], grad, indices, scalars)
