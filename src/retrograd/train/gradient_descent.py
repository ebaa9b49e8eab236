"""Gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter
    from retrograd.variables.resource import BaseResourceVariable
    from retrograd.variables.variable import Variable


@updates_by_one_op
class GradientDescentOptimizer(Optimizer):
    """w ← w − η g.

    Args:
      learning_rate: η, a number, a tensor, or a function that returns one.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        use_locking: bool = False,
        name: str = "GradientDescent",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._learning_rate_tensor: Any = None

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(rate, name="learning_rate")

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        rate = self._learning_rate_tensor
        return apply_rule(self, "GradientDescent", var, [], [rate], grad)

    def _apply_sparse_duplicate_indices(
        self, grad: IndexedSlices, var: Variable
    ) -> Any:
        rate = cast(self._learning_rate_tensor, var.dtype.base_dtype)
        step = IndexedSlices(grad.values * rate, grad.indices, grad.dense_shape)
        return var.scatter_sub(step, use_locking=self._use_locking)

    def _resource_apply_sparse_duplicate_indices(
        self, grad: Tensor, handle: BaseResourceVariable, indices: Tensor
    ) -> Any:
        step = -grad * self._call_if_callable(self._learning_rate)
        return F.ResourceScatterAdd(handle.handle, indices, step)
