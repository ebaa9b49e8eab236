"""Optimizers by the signs of gradient and momentum (Bello et al. 2017)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.opt.sign_decay import Decay
from retrograd.graph.convert import convert_to_tensor
from retrograd.train.optimizer import Optimizer
from retrograd.train.update_ops import apply_rule

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike, VariableLike
    from retrograd.variables.resource import BaseResourceVariable
    from retrograd.variables.variable import Variable


def _prepare(
    optimizer: AddSignOptimizer | PowerSignOptimizer, **scalars: TensorLike
) -> None:
    """Make tensors of hyperparameters, and of the factor of the signs."""
    optimizer._tensors = {
        name: convert_to_tensor(value, name=name) for name, value in scalars.items()
    }
    decay = optimizer._sign_decay_fn
    sign_decay = 1.0 if decay is None else decay(optimizer._global_step)
    optimizer._tensors["sign_decay"] = convert_to_tensor(sign_decay, name="sign_decay")


class AddSignOptimizer(Optimizer):
    """m ← β m + (1 − β) g; w ← w − η (α + f sign g sign m) g. Slot: `m`.

    Args:
      learning_rate: η.
      alpha: α.
      beta: β.
      sign_decay_fn: gives f, of the global step; by default 1.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.
    """

    def __init__(
        self,
        learning_rate: float | Tensor = 0.1,
        alpha: float | Tensor = 1.0,
        beta: float | Tensor = 0.9,
        sign_decay_fn: Decay | None = None,
        use_locking: bool = False,
        name: str = "AddSignOptimizer",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr, self._alpha, self._beta = learning_rate, alpha, beta
        self._sign_decay_fn = sign_decay_fn
        self._global_step: Any = None
        self._tensors: dict[str, Any] = {}

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: VariableLike | None = None,
        name: str | None = None,
    ) -> Any:
        """As of `Optimizer`; the step is that of `sign_decay_fn` as well."""
        self._global_step = global_step
        return Optimizer.apply_gradients(self, grads_and_vars, global_step, name)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "m", self._name)

    def _prepare(self) -> None:
        _prepare(self, learning_rate=self._lr, beta=self._beta, alpha=self._alpha)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Any:
        names = ("learning_rate", "alpha", "sign_decay", "beta")
        scalars = [self._tensors[name] for name in names]
        return apply_rule(self, "AddSign", var, ["m"], scalars, grad)

    def _resource_apply_dense(self, grad: Tensor, handle: BaseResourceVariable) -> Any:
        return self._apply_dense(grad, handle)


class PowerSignOptimizer(Optimizer):
    """m ← β m + (1 − β) g; w ← w − η b^(f sign g sign m) g. Slot: `m`.

    Args:
      learning_rate: η.
      base: b.
      beta: β.
      sign_decay_fn: gives f, of the global step; by default 1.
      use_locking: an attribute of the update ops.
      name: the name scope of the updates, and part of the names of slots.
    """

    def __init__(
        self,
        learning_rate: float | Tensor = 0.1,
        base: float = math.e,
        beta: float | Tensor = 0.9,
        sign_decay_fn: Decay | None = None,
        use_locking: bool = False,
        name: str = "PowerSignOptimizer",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr, self._beta = learning_rate, beta
        self._logbase = math.log(base)
        self._sign_decay_fn = sign_decay_fn
        self._global_step: Any = None
        self._tensors: dict[str, Any] = {}

    apply_gradients: Any = AddSignOptimizer.apply_gradients
    _create_slots: Any = AddSignOptimizer._create_slots
    _resource_apply_dense: Any = AddSignOptimizer._resource_apply_dense

    def _prepare(self) -> None:
        _prepare(self, learning_rate=self._lr, beta=self._beta, logbase=self._logbase)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Any:
        names = ("learning_rate", "logbase", "sign_decay", "beta")
        scalars = [self._tensors[name] for name in names]
        return apply_rule(self, "PowerSign", var, ["m"], scalars, grad)
