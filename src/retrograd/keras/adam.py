"""Adam and Adamax: steps in the direction of averaged gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.keras.optimizer import OptimizerV2, State
from retrograd.layers import backend_config
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.gather import gather
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.ops.flow.control import group
from retrograd.ops.math.casts import cast
from retrograd.variables.updates import assign_sub

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter


class Adam(OptimizerV2):
    """Adam (Kingma & Ba 2015), in the form before section 2.1 of the paper.

        m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²
        w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    So ε is the paper's ε̂. For gradients of some rows the averages of all rows decay,
    and all rows move. AMSGrad (Reddi et al. 2018) divides by the root of the largest v
    so far. Slots: `m`, `v`, and for AMSGrad `vhat`.

    Args:
      learning_rate: η, a number, a tensor, a function that gives one, or a schedule.
      beta_1: β₁; beta_2: β₂; epsilon: ε.
      amsgrad: whether it is AMSGrad.
      name: the name scope.
      **kwargs: as of `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        beta_1: Hyperparameter = 0.9,
        beta_2: Hyperparameter = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        name: str = "Adam",
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("beta_1", beta_1)
        self._set_hyper("beta_2", beta_2)
        self.epsilon = epsilon or backend_config.epsilon()
        self.amsgrad = amsgrad

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for name in ["m", "v"] + ["vhat"] * self.amsgrad:
            for var in var_list:
                self.add_slot(var, name)

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        step = cast(self.iterations + 1, var_dtype)
        beta_1 = identity(self._get_hyper("beta_1", var_dtype))
        beta_2 = identity(self._get_hyper("beta_2", var_dtype))
        powers = F.Pow(beta_1, step), F.Pow(beta_2, step)
        shared = apply_state[var_device, var_dtype]
        rate = shared["lr_t"] * (F.Sqrt(1 - powers[1]) / (1 - powers[0]))
        shared.update(
            lr=rate,
            epsilon=convert_to_tensor(self.epsilon, var_dtype),
            beta_1_t=beta_1,
            beta_1_power=powers[0],
            one_minus_beta_1_t=1 - beta_1,
            beta_2_t=beta_2,
            beta_2_power=powers[1],
            one_minus_beta_2_t=1 - beta_2,
        )

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        names = ["m", "v"] + ["vhat"] * self.amsgrad
        handles = [v.handle for v in (var, *(self.get_slot(var, n) for n in names))]
        scalars = (
            "beta_1_power",
            "beta_2_power",
            "lr_t",
            "beta_1_t",
            "beta_2_t",
            "epsilon",
        )
        apply = F.ResourceApplyAdamWithAmsgrad if self.amsgrad else F.ResourceApplyAdam
        return apply(
            *handles,
            *(shared[key] for key in scalars),
            grad,
            use_locking=self._use_locking,
        )

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)

        def average(name: str, values: Any, beta: str) -> Any:
            slot = self.get_slot(var, name)
            with control_dependencies([self._assigned(slot, slot * shared[beta])]):
                return self._resource_scatter_add(slot, indices, values)

        m = average("m", grad * shared["one_minus_beta_1_t"], "beta_1_t")
        v = average("v", (grad * grad) * shared["one_minus_beta_2_t"], "beta_2_t")
        done, largest = [m, v], v
        if self.amsgrad:
            slot = self.get_slot(var, "vhat")
            largest = F.Maximum(slot, v)
            with control_dependencies([largest]):
                done.append(self._assigned(slot, largest))
        root = F.Sqrt(largest)
        step = shared["lr"] * m / (root + shared["epsilon"])
        moved = assign_sub(var, step, use_locking=self._use_locking)
        return group(moved, *done)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values; those of old optimizers have some more.

        Raises:
          ValueError: there are more or fewer, or one has another shape.
        """
        count = len(self.weights)
        if len(weights) == 3 * int((count - 1) / 2) + 1:
            weights = weights[:count]
        super().set_weights(weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        numbers = self._hyper_config("learning_rate", "decay", "beta_1", "beta_2")
        own = {"epsilon": self.epsilon, "amsgrad": self.amsgrad}
        return {**super().get_config(), **numbers, **own}


class Adamax(OptimizerV2):
    """Adam with the largest gradient in place of the root (Kingma & Ba 2015, 7.1).

        m ← β₁ m + (1 − β₁) g; v ← max(β₂ v, |g|)
        w ← w − η / (1 − β₁ᵗ) · m / (v + ε)

    Slots: `m`, `v`.

    Args:
      learning_rate: η, a number, a tensor, a function that gives one, or a schedule.
      beta_1: β₁; beta_2: β₂; epsilon: ε.
      name: the name scope.
      **kwargs: as of `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        beta_1: Hyperparameter = 0.9,
        beta_2: Hyperparameter = 0.999,
        epsilon: float | None = 1e-7,
        name: str = "Adamax",
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("beta_1", beta_1)
        self._set_hyper("beta_2", beta_2)
        self.epsilon = epsilon or backend_config.epsilon()

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for name in ("m", "v"):
            for var in var_list:
                self.add_slot(var, name)

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        step = cast(self.iterations + 1, var_dtype)
        beta_1 = identity(self._get_hyper("beta_1", var_dtype))
        beta_2 = identity(self._get_hyper("beta_2", var_dtype))
        power = F.Pow(beta_1, step)
        shared = apply_state[var_device, var_dtype]
        shared.update(
            neg_scaled_lr=-shared["lr_t"] / (1 - power),
            epsilon=convert_to_tensor(self.epsilon, var_dtype),
            beta_1_t=beta_1,
            beta_1_power=power,
            one_minus_beta_1_t=1 - beta_1,
            beta_2_t=beta_2,
            zero=zeros((), dtypes.int64),
        )

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        slots = [self.get_slot(var, name) for name in ("m", "v")]
        scalars = ("beta_1_power", "lr_t", "beta_1_t", "beta_2_t", "epsilon")
        return F.ResourceApplyAdaMax(
            *(v.handle for v in (var, *slots)),
            *(shared[key] for key in scalars),
            grad,
            use_locking=self._use_locking,
        )

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        mean = gather(m, indices, axis=shared["zero"]) * shared["beta_1_t"]
        mean = mean + grad * shared["one_minus_beta_1_t"]
        with control_dependencies([mean]):
            new_m = self._resource_scatter_update(m, indices, mean)
        decayed = gather(v, indices, axis=shared["zero"]) * shared["beta_2_t"]
        largest = F.Maximum(decayed, F.Abs(grad))
        with control_dependencies([largest]):
            new_v = self._resource_scatter_update(v, indices, largest)
        step = shared["neg_scaled_lr"] * (mean / (largest + shared["epsilon"]))
        with control_dependencies([step]):
            moved = self._resource_scatter_add(var, indices, step)
        return group(moved, new_m, new_v)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        numbers = self._hyper_config("learning_rate", "decay", "beta_1", "beta_2")
        return {**super().get_config(), **numbers, "epsilon": self.epsilon}
