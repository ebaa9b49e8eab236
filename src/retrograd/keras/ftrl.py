"""FTRL-Proximal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.keras.optimizer import OptimizerV2, State
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.variables.initializers import Constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter


class Ftrl(OptimizerV2):
    """Follow the regularized leader (McMahan et al. 2013).

    Slots: `accumulator`, `linear`.

    Args:
      learning_rate: a number, a tensor, a function that gives one, or a schedule.
      learning_rate_power: how the learning rate falls, at most zero.
      initial_accumulator_value: where the sums of squares begin, not below zero.
      l1_regularization_strength, l2_regularization_strength: not below zero.
      name: the name scope.
      l2_shrinkage_regularization_strength: of the gradients, not below zero.
      **kwargs: as of `Optimizer`.

    Raises:
      ValueError: one of them is outside of its range.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        name: str = "Ftrl",
        l2_shrinkage_regularization_strength: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        shrinkage = l2_shrinkage_regularization_strength
        for key, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("learning_rate_power", learning_rate_power),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", shrinkage),
        ):
            sign = -1 if key == "learning_rate_power" else 1
            if value * sign < 0.0:
                wanted = "negative" if sign < 0 else "positive"
                raise ValueError(f"{key} {value:f} needs to be {wanted} or zero")
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("learning_rate_power", learning_rate_power)
        self._set_hyper("l1_regularization_strength", l1_regularization_strength)
        self._set_hyper("l2_regularization_strength", l2_regularization_strength)
        self._initial_accumulator_value = initial_accumulator_value
        self._l2_shrinkage_regularization_strength = shrinkage

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            start = Constant(
                self._initial_accumulator_value, dtype=var.dtype.base_dtype
            )
            self.add_slot(var, "accumulator", start)
            self.add_slot(var, "linear")

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        shared = apply_state[var_device, var_dtype]
        for key in (
            "learning_rate_power",
            "l1_regularization_strength",
            "l2_regularization_strength",
        ):
            shared[key] = identity(self._get_hyper(key, var_dtype))
        shared["l2_shrinkage_regularization_strength"] = cast(
            self._l2_shrinkage_regularization_strength, var_dtype
        )

    def _apply(
        self, form: str, var: Any, apply_state: State | None, *gradient: Tensor
    ) -> Any:
        shared = self._shared(var, apply_state)
        slots = [self.get_slot(var, name) for name in ("accumulator", "linear")]
        scalars = ["lr_t", "l1_regularization_strength", "l2_regularization_strength"]
        version = ""
        if self._l2_shrinkage_regularization_strength > 0.0:
            scalars.append("l2_shrinkage_regularization_strength")
            version = "V2"
        scalars.append("learning_rate_power")
        return getattr(F, f"{form}ApplyFtrl{version}")(
            *(v.handle for v in (var, *slots)),
            *gradient,
            *(shared[key] for key in scalars),
            use_locking=self._use_locking,
        )

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        return self._apply("Resource", var, apply_state, grad)

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        return self._apply("ResourceSparse", var, apply_state, grad, indices)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        first = self._hyper_config("learning_rate", "decay")
        start = {"initial_accumulator_value": self._initial_accumulator_value}
        rest = self._hyper_config(
            "learning_rate_power",
            "l1_regularization_strength",
            "l2_regularization_strength",
        )
        last = self._l2_shrinkage_regularization_strength
        return {
            **super().get_config(),
            **first,
            **start,
            **rest,
            "l2_shrinkage_regularization_strength": last,
        }
