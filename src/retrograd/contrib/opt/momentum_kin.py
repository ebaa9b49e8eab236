"""LARS, and Adagrad whose sums can be held still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from retrograd.ops.array.selection import where
from retrograd.ops.declare import F
from retrograd.ops.linalg.norms import norm
from retrograd.ops.math.casts import cast
from retrograd.train.adagrad import AdagradOptimizer
from retrograd.train.momentum import MomentumOptimizer
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule, updates_by_one_op

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter
    from retrograd.variables.variable import Variable


@updates_by_one_op
class LARSOptimizer(Optimizer):
    """Momentum whose step fits the size of each variable (You et al. 2017).

    The rate of a layer is η · γ ‖w‖ / (‖g‖ + λ ‖w‖ + ε), and λ w is added to g. Slot:
    `momentum`. Gradients of some rows are applied with η.

    Args:
      learning_rate: η, a number, a tensor, or a function that returns one.
      momentum: the same.
      weight_decay: λ.
      eeta: γ.
      epsilon: ε.
      name: the name scope of the updates, and part of the names of slots.
      skip_list: parts of names of variables that are updated with η, without λ.
      use_nesterov: as of `tf.train.MomentumOptimizer`.

    Raises:
      ValueError: a negative momentum.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        momentum: Hyperparameter = 0.9,
        weight_decay: float = 0.0001,
        eeta: float = 0.001,
        epsilon: float = 0.0,
        name: str = "LARSOptimizer",
        skip_list: Sequence[str] | None = None,
        use_nesterov: bool = False,
    ) -> None:
        if isinstance(momentum, int | float) and momentum < 0.0:
            raise ValueError(f"momentum should be positive: {momentum}")
        super().__init__(use_locking=False, name=name)
        self._learning_rate, self._momentum = learning_rate, momentum
        self._weight_decay, self._eeta, self._epsilon = weight_decay, eeta, epsilon
        self._skip_list, self._use_nesterov = skip_list, use_nesterov
        self._learning_rate_tensor: Any = None
        self._momentum_tensor: Any = None

    # TensorFlow's class is no MomentumOptimizer
    _create_slots: Any = MomentumOptimizer._create_slots
    _prepare: Any = MomentumOptimizer._prepare

    def compute_lr(self, grad: Tensor, var: Variable) -> tuple[Any, Any]:
        """The rate of a variable, and its gradient with the decay.

        Args:
          grad: the gradient.
          var: the variable.
        """
        rate = cast(self._learning_rate_tensor, grad.dtype.base_dtype)
        if any(part in var.name for part in self._skip_list or ()):
            return rate, grad
        size, slope = norm(var, ord=2), norm(grad, ord=2)
        below = slope + self._weight_decay * size + self._epsilon
        some = F.Greater(slope, 0)
        ratio = where(some, self._eeta * size / below, 1.0)
        ratio = where(F.Greater(size, 0), ratio, 1.0)
        return rate * ratio, grad + self._weight_decay * var

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        rate: Any = self._learning_rate_tensor
        if indices is None:
            # the rate is part of what is summed, as it changes from step to step
            scale, grad = self.compute_lr(grad, var)
            rate, grad = 1.0, scale * grad
        return apply_rule(
            self,
            "Momentum",
            var,
            ["momentum"],
            [rate],
            grad,
            indices,
            [self._momentum_tensor],
            use_nesterov=self._use_nesterov,
        )


class RegAdagradOptimizer(AdagradOptimizer):
    """Adagrad whose sums can be held still, as for the gradient of a regularizer.

    The arguments are those of `tf.train.AdagradOptimizer`.

    Example:
      with optimizer.avoid_updating_slots():
          step = optimizer.minimize(regularization_loss)
    """

    def __init__(
        self,
        learning_rate: Hyperparameter,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "RegAdagrad",
    ) -> None:
        super().__init__(learning_rate, initial_accumulator_value, use_locking, name)
        self._should_update_slots = True

    @contextmanager
    def avoid_updating_slots(self) -> Iterator[None]:
        """A context in which gradients are applied without being added to the sums."""
        before, self._should_update_slots = self._should_update_slots, False
        try:
            yield
        finally:
            self._should_update_slots = before

    def _update(
        self, var: Variable, grad: Tensor, indices: Tensor | None = None
    ) -> Any:
        return apply_rule(
            self,
            "Adagrad",
            var,
            ["accumulator"],
            [self._learning_rate_tensor],
            grad,
            indices,
            update_slots=self._should_update_slots,
        )
