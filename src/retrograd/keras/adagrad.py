"""Adagrad and Adadelta: step sizes from the squares of past gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.keras.optimizer import OptimizerV2, State, from_keras_v1
from retrograd.layers import backend_config
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.variables.initializers import Constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter


class Adagrad(OptimizerV2):
    """a ← a + g²; w ← w − η g / (√a + ε) (Duchi et al. 2011). Slot: `accumulator`.

    Args:
      learning_rate: η, a number, a tensor, a function that gives one, or a schedule.
      initial_accumulator_value: where a begins, not below zero.
      epsilon: ε.
      name: the name scope.
      **kwargs: as of `Optimizer`.

    Raises:
      ValueError: `initial_accumulator_value` is negative.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float | None = 1e-7,
        name: str = "Adagrad",
        **kwargs: Any,
    ) -> None:
        if initial_accumulator_value < 0.0:
            raise ValueError(
                "initial_accumulator_value must be non-negative: "
                f"{initial_accumulator_value}"
            )
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._initial_accumulator_value = initial_accumulator_value
        self.epsilon = backend_config.epsilon() if epsilon is None else epsilon

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            start = Constant(
                self._initial_accumulator_value, dtype=var.dtype.base_dtype
            )
            self.add_slot(var, "accumulator", start)

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        shared = apply_state[var_device, var_dtype]
        shared["epsilon"] = convert_to_tensor(self.epsilon, var_dtype)
        shared["neg_lr_t"] = -shared["lr_t"]
        shared["zero"] = zeros((), "int64")

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        return F.ResourceApplyAdagradV2(
            var.handle,
            self.get_slot(var, "accumulator").handle,
            shared["lr_t"],
            shared["epsilon"],
            grad,
            use_locking=self._use_locking,
        )

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        return F.ResourceSparseApplyAdagradV2(
            var.handle,
            self.get_slot(var, "accumulator").handle,
            shared["lr_t"],
            shared["epsilon"],
            grad,
            indices,
            use_locking=self._use_locking,
        )

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values; without the count of steps, which then is 0.

        Raises:
          ValueError: there are more or fewer, or one has another shape.
        """
        super().set_weights(from_keras_v1(self, weights))

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The optimizer with the arguments that `get_config` gave."""
        config.setdefault("initial_accumulator_value", 0.0)
        return super().from_config(config, custom_objects)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        own = {
            "initial_accumulator_value": self._initial_accumulator_value,
            "epsilon": self.epsilon,
        }
        numbers = self._hyper_config("learning_rate", "decay")
        return {**super().get_config(), **numbers, **own}


class Adadelta(OptimizerV2):
    """Steps in the scale of past steps (Zeiler 2012). Slots: `accum_grad`, `accum_var`.

        s ← ρ s + (1 − ρ) g²; d = √(t + ε) / √(s + ε) · g
        t ← ρ t + (1 − ρ) d²; w ← w − η d

    Args:
      learning_rate: η, a number, a tensor, a function that gives one, or a schedule.
      rho: ρ; epsilon: ε.
      name: the name scope.
      **kwargs: as of `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        rho: Hyperparameter = 0.95,
        epsilon: float | None = 1e-7,
        name: str = "Adadelta",
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("rho", rho)
        self.epsilon = epsilon or backend_config.epsilon()

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for name in ("accum_grad", "accum_var"):
            for var in var_list:
                self.add_slot(var, name)

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        shared = apply_state[var_device, var_dtype]
        shared["epsilon"] = convert_to_tensor(self.epsilon, var_dtype)
        shared["rho"] = identity(self._get_hyper("rho", var_dtype))

    def _arguments(self, var: Any, apply_state: State | None) -> list[Any]:
        shared = self._shared(var, apply_state)
        slots = [self.get_slot(var, name) for name in ("accum_grad", "accum_var")]
        handles = [v.handle for v in (var, *slots)]
        return handles + [shared[key] for key in ("lr_t", "rho", "epsilon")]

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        given = self._arguments(var, apply_state)
        return F.ResourceApplyAdadelta(*given, grad, use_locking=self._use_locking)

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        given = self._arguments(var, apply_state)
        return F.ResourceSparseApplyAdadelta(
            *given, grad, indices, use_locking=self._use_locking
        )

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values; without the count of steps, which then is 0.

        Raises:
          ValueError: there are more or fewer, or one has another shape.
        """
        super().set_weights(from_keras_v1(self, weights))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        numbers = self._hyper_config("learning_rate", "decay", "rho")
        return {**super().get_config(), **numbers, "epsilon": self.epsilon}
