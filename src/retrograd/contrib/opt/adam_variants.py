"""Adam's kin in `tf.contrib.opt`: lazy, with Nesterov's step, by the global step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.ops.array.gather import gather
from retrograd.ops.declare import F
from retrograd.ops.flow import control
from retrograd.ops.math.casts import cast
from retrograd.train.adam import AdamOptimizer, hyperparameters, unbiased
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op
from retrograd.variables.updates import assign, scatter_sub, scatter_update

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter, Operand
    from retrograd.variables.variable import Variable


#: what has the slots and hyperparameters of Adam
_Adam: TypeAlias = "AdamOptimizer | AdamGSOptimizer"


def _rows_only(optimizer: _Adam, var: Variable, grad: Tensor, indices: Tensor) -> Any:
    """Adam's update of the rows that have a gradient, and of their averages."""
    rate, beta1, beta2, epsilon = unbiased(optimizer, var)
    lock = optimizer._use_locking
    found = []
    for name, beta, value in (("m", beta1, grad), ("v", beta2, F.Square(grad))):
        slot = optimizer.get_slot(var, name)
        new = beta * gather(slot, indices) + (1 - beta) * value
        found.append(scatter_update(slot, indices, new, use_locking=lock))
    with control_dependencies(found):
        m, v = (gather(optimizer.get_slot(var, name), indices) for name in "mv")
        step = rate * m / (F.Sqrt(v) + epsilon)
    moved = scatter_sub(var, indices, step, use_locking=lock)
    return control.group(moved, *found)


@updates_by_one_op
class LazyAdamOptimizer(AdamOptimizer):
    """Adam that leaves rows without a gradient alone, and their averages.

    The arguments are those of `tf.train.AdamOptimizer`.
    """

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        if indices is None:
            return super()._update(var, grad)
        return _rows_only(self, var, grad, indices)


class NadamOptimizer(AdamOptimizer):
    """Adam with Nesterov's momentum (Dozat 2016).

    The arguments are those of `tf.train.AdamOptimizer`. For gradients of some rows the
    averages of all rows decay, and those rows move.
    """

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        scalars = [*self._get_beta_accumulators(), *hyperparameters(self)]
        return apply_rule(
            self, "Adam", var, ["m", "v"], scalars, grad, use_nesterov=True
        )

    def _apply_sparse_shared(
        self,
        grad: Tensor,
        var: Variable,
        indices: Tensor,
        scatter_add: Callable[..., Any],
    ) -> Any:
        rate, beta1, beta2, epsilon = unbiased(self, var)

        def average(name: str, values: Tensor, beta: Tensor) -> Any:
            slot = self.get_slot(var, name)
            decayed = assign(slot, slot * beta, use_locking=self._use_locking)
            with control_dependencies([decayed]):
                return scatter_add(slot, indices, values)

        scaled = grad * (1 - beta1)
        m = average("m", scaled, beta1)
        ahead = scaled + beta1 * gather(m, indices)
        v = average("v", (grad * grad) * (1 - beta2), beta2)
        step = rate * ahead / (F.Sqrt(gather(v, indices)) + epsilon)
        moved = scatter_add(var, indices, -step)
        return control.group(moved, m, v)


@updates_by_one_op
class AdamGSOptimizer(Optimizer):
    """Adam that takes βᵗ from the global step, not from variables of its own.

    Args:
      global_step: the count t of steps, which starts at 0.
      learning_rate, beta1, beta2, epsilon, use_locking, name: as of
        `tf.train.AdamOptimizer`.
    """

    def __init__(
        self,
        global_step: Operand | int = 0,
        learning_rate: Hyperparameter = 0.001,
        beta1: Hyperparameter = 0.9,
        beta2: Hyperparameter = 0.999,
        epsilon: Hyperparameter = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr, self._beta1, self._beta2 = learning_rate, beta1, beta2
        self._epsilon = epsilon
        self._global_step = global_step
        self._global_step_on_worker: Any = None
        self._lr_t: Any = None
        self._beta1_t: Any = None
        self._beta2_t: Any = None
        self._epsilon_t: Any = None

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        """β₁ᵗ and β₂ᵗ of the step that is being made."""
        step = cast(self._global_step_on_worker, dtypes.float32) + 1
        return F.Pow(self._beta1_t, step), F.Pow(self._beta2_t, step)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _prepare(self) -> None:
        AdamOptimizer._prepare(self)  # pyright: ignore[reportArgumentType]
        # before the count goes up
        self._global_step_on_worker = F.Identity(convert_to_tensor(self._global_step))

    _update: Any = AdamOptimizer._update
    _apply_sparse: Any = AdamOptimizer._apply_sparse
    _resource_apply_sparse: Any = AdamOptimizer._resource_apply_sparse
    _resource_scatter_add: Any = AdamOptimizer._resource_scatter_add
    _apply_sparse_shared: Any = AdamOptimizer._apply_sparse_shared


@updates_by_one_op
class LazyAdamGSOptimizer(AdamGSOptimizer):
    """`AdamGSOptimizer` that leaves rows without a gradient alone."""

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        if indices is None:
            return super()._update(var, grad)
        return _rows_only(self, var, grad, indices)
