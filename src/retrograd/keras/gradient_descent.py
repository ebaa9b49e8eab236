"""Gradient descent, with momentum if asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.tensor import Tensor
from retrograd.keras.optimizer import OptimizerV2, State
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import Hyperparameter


def has_momentum(momentum: Any) -> bool:
    """Whether a momentum is used, as far as is known.

    Raises:
      ValueError: a number outside of [0, 1].
    """
    used = isinstance(momentum, Tensor) or callable(momentum) or momentum > 0
    if isinstance(momentum, (int, float)) and (momentum < 0 or momentum > 1):
        raise ValueError("`momentum` must be between [0, 1].")
    return bool(used)


class SGD(OptimizerV2):
    """w ← w − η g; with momentum μ, a ← μ a − η g and w ← w + a.

    Nesterov's form is w ← w + μ a − η g, with the new a. Slot: `momentum`.

    Args:
      learning_rate: η, a number, a tensor, a function that gives one, or a schedule.
      momentum: μ, in [0, 1].
      nesterov: whether the form of Nesterov is used.
      name: the name scope.
      **kwargs: as of `Optimizer`.

    Raises:
      ValueError: such a momentum is not possible.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.01,
        momentum: Hyperparameter = 0.0,
        nesterov: bool = False,
        name: str = "SGD",
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._momentum = has_momentum(momentum)
        self._set_hyper("momentum", momentum)
        self.nesterov = nesterov

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        if self._momentum:
            for var in var_list:
                self.add_slot(var, "momentum")

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        apply_state[var_device, var_dtype]["momentum"] = identity(
            self._get_hyper("momentum", var_dtype)
        )

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        if not self._momentum:
            return F.ResourceApplyGradientDescent(
                var.handle, shared["lr_t"], grad, use_locking=self._use_locking
            )
        return F.ResourceApplyKerasMomentum(
            var.handle,
            self.get_slot(var, "momentum").handle,
            shared["lr_t"],
            grad,
            shared["momentum"],
            use_locking=self._use_locking,
            use_nesterov=self.nesterov,
        )

    def _resource_apply_sparse_duplicate_indices(
        self, grad: Tensor, var: Any, indices: Tensor, **kwargs: Any
    ) -> Any:
        if self._momentum:
            return super()._resource_apply_sparse_duplicate_indices(
                grad, var, indices, **kwargs
            )
        shared = self._shared(var, kwargs.get("apply_state"))
        return F.ResourceScatterAdd(var.handle, indices, -grad * shared["lr_t"])

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        return F.ResourceSparseApplyKerasMomentum(
            var.handle,
            self.get_slot(var, "momentum").handle,
            shared["lr_t"],
            grad,
            indices,
            shared["momentum"],
            use_locking=self._use_locking,
            use_nesterov=self.nesterov,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        numbers = self._hyper_config("learning_rate", "decay", "momentum")
        return {**super().get_config(), **numbers, "nesterov": self.nesterov}
