"""Adagrad with dual averaging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import colocate_with, device
from retrograd.ops.array.constant import constant
from retrograd.ops.array.identity import identity
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike, VariableLike
    from retrograd.variables.variable import Variable


@updates_by_one_op
class AdagradDAOptimizer(Optimizer):
    """Adagrad whose variables follow from sums of gradients alone.

        s ← s + g;  q ← q + g²
        w ← −sign(s) η max(|s| − λ₁ t, 0) / (λ₂ t η + √q)

    It suits sparse linear models. Slots: `gradient_accumulator`,
    `gradient_squared_accumulator`.

    Args:
      learning_rate: η, a number or a tensor.
      global_step: t − 1, an integer variable or tensor.
      initial_gradient_squared_accumulator_value: where q begins, above zero.
      l1_regularization_strength: λ₁.
      l2_regularization_strength: λ₂.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.

    Raises:
      ValueError: q does not begin above zero.
    """

    def __init__(
        self,
        learning_rate: TensorLike,
        global_step: VariableLike,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                "initial_gradient_squared_accumulator_value must be positive: "
                f"{initial_gradient_squared_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_gradient_squared_accumulator_value = (
            initial_gradient_squared_accumulator_value
        )
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._global_step = global_step
        self._learning_rate_tensor: Any = None
        self._global_step_on_worker: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        begin = self._initial_gradient_squared_accumulator_value
        for var in var_list:
            known, dtype = var.get_shape(), var.dtype.base_dtype
            with colocate_with(var):
                total = constant(0.0, shape=known, dtype=dtype)
                squares = constant(begin, shape=known, dtype=dtype)
            self._get_or_make_slot(var, total, "gradient_accumulator", self._name)
            self._get_or_make_slot(
                var, squares, "gradient_squared_accumulator", self._name
            )

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(
            self._learning_rate, name="learning_rate"
        )
        with colocate_with(self._learning_rate_tensor):
            self._global_step_on_worker = identity(self._global_step) + 1

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        with device(var.device):
            step = identity(self._global_step_on_worker)
        return apply_rule(
            self,
            "AdagradDA",
            var,
            ["gradient_accumulator", "gradient_squared_accumulator"],
            [],
            grad,
            indices,
            [
                self._learning_rate_tensor,
                self._l1_regularization_strength,
                self._l2_regularization_strength,
            ],
            [step],
        )
