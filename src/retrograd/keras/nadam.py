"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.keras.optimizer import OptimizerV2, State, from_keras_v1, op_of
from retrograd.layers import backend_config
from retrograd.ops.array.gather import gather
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.ops.flow.control import group
from retrograd.ops.math.casts import cast
from retrograd.train.schedules import LearningRateSchedule
from retrograd.variables.options import VariableAggregation

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Hyperparameter


class Nadam(OptimizerV2):
    """Adam with the momentum of Nesterov (Dozat 2015).

    Momentum begins at β₁ / 2 and grows: μₜ = β₁ (1 − 0.96^(decay · t) / 2). Slots: `m`,
    `v`; `momentum_cache`, the product of all μ so far, belongs to no variable.

    Args:
      learning_rate: η, a number, a tensor, or a function that gives one.
      beta_1: β₁; beta_2: β₂; epsilon: ε.
      name: the name scope.
      **kwargs: as of `Optimizer`; `schedule_decay` is the decay, by default 0.004.

    Raises:
      ValueError: the learning rate is a schedule.
    """

    def __init__(
        self,
        learning_rate: Hyperparameter = 0.001,
        beta_1: Hyperparameter = 0.9,
        beta_2: Hyperparameter = 0.999,
        epsilon: float | None = 1e-7,
        name: str = "Nadam",
        **kwargs: Any,
    ) -> None:
        kwargs["decay"] = kwargs.pop("schedule_decay", 0.004)
        learning_rate = kwargs.get("lr", learning_rate)
        if isinstance(learning_rate, LearningRateSchedule):
            raise ValueError(
                "The Nadam optimizer does not support "
                "tf.keras.optimizers.LearningRateSchedules as the learning rate."
            )
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", learning_rate)
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("beta_1", beta_1)
        self._set_hyper("beta_2", beta_2)
        self.epsilon = epsilon or backend_config.epsilon()
        self._m_cache: Any = None
        self._m_cache_read: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        if self._m_cache is None:
            self._m_cache = self.add_weight(
                "momentum_cache",
                shape=[],
                dtype=var_list[0].dtype.base_dtype,
                initializer="ones",
                trainable=False,
                aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
            )
            self._weights.append(self._m_cache)
        for name in ("m", "v"):
            for var in var_list:
                self.add_slot(var, name)

    def _prepare(self, var_list: Sequence[Any]) -> State:
        # the value before this step, whatever is done to the variable meanwhile
        self._m_cache_read = identity(self._m_cache)
        return super()._prepare(var_list)

    def _prepare_local(
        self, var_device: str, var_dtype: Any, apply_state: State
    ) -> None:
        rate = identity(self._get_hyper("learning_rate", var_dtype))
        beta_1 = identity(self._get_hyper("beta_1", var_dtype))
        beta_2 = identity(self._get_hyper("beta_2", var_dtype))
        step = cast(self.iterations + 1, var_dtype)
        after = cast(self.iterations + 2, var_dtype)
        base = cast(0.96, var_dtype)
        now, then = (
            beta_1 * (1.0 - 0.5 * F.Pow(base, self._initial_decay * t))
            for t in (step, after)
        )
        product = cast(self._m_cache_read, var_dtype) * now
        if var_dtype is self._m_cache.dtype:
            product = identity(self._assigned(self._m_cache, product))
        following = product * then
        apply_state[var_device, var_dtype] = dict(
            lr_t=rate,
            neg_lr_t=-rate,
            epsilon=convert_to_tensor(self.epsilon, var_dtype),
            beta_1_t=beta_1,
            beta_2_t=beta_2,
            m_t=now,
            m_t_1=then,
            one_minus_beta_1_t=1 - beta_1,
            one_minus_beta_2_t=1 - beta_2,
            one_minus_m_t=1.0 - now,
            one_minus_m_schedule_new=1.0 - product,
            one_minus_m_schedule_next=1.0 - following,
            v_t_prime_denominator=1.0 - F.Pow(beta_2, step),
        )

    def _resource_apply_dense(
        self, grad: Tensor, var: Any, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        fresh = grad / shared["one_minus_m_schedule_new"]
        mean = shared["beta_1_t"] * m + shared["one_minus_beta_1_t"] * grad
        mean = self._assigned(m, mean)
        kept = mean / shared["one_minus_m_schedule_next"]
        square = shared["beta_2_t"] * v
        square = square + shared["one_minus_beta_2_t"] * F.Square(grad)
        square = self._assigned(v, square) / shared["v_t_prime_denominator"]
        step = shared["one_minus_m_t"] * fresh + shared["m_t_1"] * kept
        step = shared["lr_t"] * step / (F.Sqrt(square) + shared["epsilon"])
        return op_of(self._assigned(var, var - step))

    def _resource_apply_sparse(
        self, grad: Tensor, var: Any, indices: Tensor, apply_state: State | None = None
    ) -> Any:
        shared = self._shared(var, apply_state)

        def average(name: str, values: Any, beta: str) -> Any:
            slot = self.get_slot(var, name)
            decayed = self._assigned(slot, slot * shared[beta])
            with control_dependencies([decayed]):
                return self._resource_scatter_add(slot, indices, values)

        fresh = grad / shared["one_minus_m_schedule_new"]
        m = average("m", grad * shared["one_minus_beta_1_t"], "beta_1_t")
        kept = gather(m, indices) / shared["one_minus_m_schedule_next"]
        step = shared["one_minus_m_t"] * fresh + shared["m_t_1"] * kept
        v = average("v", (grad * grad) * shared["one_minus_beta_2_t"], "beta_2_t")
        square = gather(v, indices) / shared["v_t_prime_denominator"]
        step = shared["neg_lr_t"] * step / (F.Sqrt(square) + shared["epsilon"])
        return group(self._resource_scatter_add(var, indices, step), m, v)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values; without the count of steps, which then is 0.

        Raises:
          ValueError: there are more or fewer, or one has another shape.
        """
        super().set_weights(from_keras_v1(self, weights))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        numbers = self._hyper_config("learning_rate", "decay", "beta_1", "beta_2")
        return {**super().get_config(), **numbers, "epsilon": self.epsilon}
