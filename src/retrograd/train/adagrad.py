"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op
from retrograd.variables.initializers import Constant

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter
    from retrograd.variables.variable import Variable


@updates_by_one_op
class AdagradOptimizer(Optimizer):
    """a ← a + g²; w ← w − η g / √a (Duchi et al. 2011). Slot: `accumulator`.

    Args:
      learning_rate: η, a number, a tensor, or a function that returns one.
      initial_accumulator_value: where a begins, above zero.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.

    Raises:
      ValueError: `initial_accumulator_value` is not positive.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(
                "initial_accumulator_value must be positive: "
                f"{initial_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._learning_rate_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            dtype = var.dtype.base_dtype
            if var.get_shape().is_fully_defined():
                start: Any = Constant(self._initial_accumulator_value, dtype=dtype)
            else:
                start = self._init_constant_op(var, dtype)
            self._get_or_make_slot_with_initializer(
                var, start, var.get_shape(), dtype, "accumulator", self._name
            )

    def _init_constant_op(self, v: Variable, dtype: DType) -> Any:
        """A function that makes the first accumulator of a variable without a shape."""

        def init() -> Any:
            return cast(F.Fill(shape(v), self._initial_accumulator_value), dtype)

        return init

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(rate, name="learning_rate")

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        rate = self._learning_rate_tensor
        return apply_rule(self, "Adagrad", var, ["accumulator"], [rate], grad, indices)
