"""RMSProp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.keras.gradient_descent import has_momentum
from retrograd.keras.optimizer import OptimizerV2, State, from_keras_v1, op_of
from retrograd.layers import backend_config
from retrograd.ops.array.gather import gather
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.ops.flow.control import group

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter


class RMSprop(OptimizerV2):
    """s ← ρ s + (1 − ρ) g²; w ← w − η g / (√s + ε) (Hinton 2012).

    Centered, the square of the average gradient is taken off s first. With momentum μ
    the step, then η g / √(s + ε), is averaged: a ← μ a + step, w ← w − a. Slots: `rms`,
    `momentum`, `mg`.

    Args:
      learning_rate: η, a number, a tensor, a function that gives one, or a schedule.
      rho: ρ; momentum: μ, in [0, 1]; epsilon: ε.
      centered: whether it is centered.
      name: the name scope.
      **kwargs: as of `Optimizer`.

    Raises:
      ValueError: such a momentum is not possible.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        rho: Hyperparameter = 0.9,
        momentum: Hyperparameter = 0.0,
        epsilon: float | None = 1e-7,
        centered: bool = False,
        name: str = "RMSprop",
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("rho", rho)
        self._momentum = has_momentum(momentum)
        self._set_hyper("momentum", momentum)
        self.epsilon = epsilon or backend_config.epsilon()
        self.centered = centered

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        names = ["rms"] + ["momentum"] * self._momentum + ["mg"] * self.centered
        for name in names:
            for var in var_list:
                self.add_slot(var, name)

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        shared = apply_state[var_device, var_dtype]
        rho = identity(self._get_hyper("rho", var_dtype))
        shared["neg_lr_t"] = -shared["lr_t"]
        shared["epsilon"] = convert_to_tensor(self.epsilon, var_dtype)
        shared["rho"] = rho
        shared["momentum"] = identity(self._get_hyper("momentum", var_dtype))
        shared["one_minus_rho"] = 1.0 - rho

    def _by_one_op(
        self, form: str, var: Any, shared: dict[str, Any], *gradient: Tensor
    ) -> Any:
        """The update with momentum, which one op does."""
        kind = f"{form}ApplyCenteredRMSProp" if self.centered else f"{form}ApplyRMSProp"
        slots = ["mg"] * self.centered + ["rms", "momentum"]
        scalars = [shared[key] for key in ("lr_t", "rho", "momentum", "epsilon")]
        return getattr(F, kind)(
            var.handle,
            *(self.get_slot(var, name).handle for name in slots),
            *scalars,
            *gradient,
            use_locking=self._use_locking,
        )

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        if self._momentum:
            return self._by_one_op("Resource", var, shared, grad)
        rho, rest = shared["rho"], shared["one_minus_rho"]
        rms = self.get_slot(var, "rms")
        below = self._assigned(rms, rho * rms + rest * F.Square(grad))
        if self.centered:
            mg = self.get_slot(var, "mg")
            mean = self._assigned(mg, rho * mg + rest * grad)
            below = below - F.Square(mean)
        step = shared["lr_t"] * grad / (F.Sqrt(below) + shared["epsilon"])
        return op_of(self._assigned(var, var - step))

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        if self._momentum:
            return self._by_one_op("ResourceSparse", var, shared, grad, indices)
        squares = (grad * grad) * shared["one_minus_rho"]
        rms = self._averaged(var, "rms", shared["rho"], indices, squares)
        below, done = gather(rms, indices), [rms]
        if self.centered:
            parts = grad * shared["one_minus_rho"]
            mean = self._averaged(var, "mg", shared["rho"], indices, parts)
            below, done = below - F.Square(gather(mean, indices)), [rms, mean]
        step = shared["neg_lr_t"] * grad / (F.Sqrt(below) + shared["epsilon"])
        return group(self._resource_scatter_add(var, indices, step), *done)

    def _averaged(
        self, var: Any, name: str, rho: Tensor, indices: Tensor, values: Tensor
    ) -> Any:
        """A slot after all rows have decayed and values are added to some."""
        slot = self.get_slot(var, name)
        with control_dependencies([self._assigned(slot, slot * rho)]):
            return self._resource_scatter_add(slot, indices, values)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values; without the count of steps, which then is 0.

        Raises:
          ValueError: there are more or fewer, or one has another shape.
        """
        super().set_weights(from_keras_v1(self, weights))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        numbers = self._hyper_config("learning_rate", "decay", "rho", "momentum")
        own = {"epsilon": self.epsilon, "centered": self.centered}
        return {**super().get_config(), **numbers, **own}
