"""Loss scales: factors that keep gradients of 16-bit numbers from vanishing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.distribute import current
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.declare import F
from retrograd.ops.flow import control
from retrograd.ops.flow.branches import cond
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_all
from retrograd.util.tracking import Trackable
from retrograd.variables.options import VariableAggregation, VariableSynchronization
from retrograd.variables.variable import VariableV1

if TYPE_CHECKING:
    from retrograd.distribute.strategy import Strategy
    from retrograd.typing import DTypeLike, Structure, TensorLike


class LossScale(Trackable):
    """Base of loss scales: calling one gives the factor, a float32 scalar tensor."""

    def __init__(self) -> None:
        #: (name, graph) → a variable of the scale
        self._weights: dict[tuple[str, Any], Any] = {}

    def __call__(self) -> Any:
        """The factor."""
        raise NotImplementedError

    def update(self, grads: Structure) -> tuple[Any, Any]:
        """Fit the scale to the unscaled gradients of a step.

        Returns:
          An operation that does it, and whether the gradients should be applied: a
          bool, or a bool tensor.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments of a call that makes an equal scale."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LossScale:
        """The scale that `get_config` described."""
        return cls(**config)

    def _add_weight(
        self, name: str, initial_value: TensorLike, dtype: DTypeLike | None = None
    ) -> Any:
        """A variable of the scale.

        Raises:
          RuntimeError: there is one of this name.
        """
        variable = VariableV1(
            initial_value=initial_value,
            name=name,
            dtype=dtype,
            trainable=False,
            use_resource=True,
            synchronization=VariableSynchronization.AUTO,
            aggregation=VariableAggregation.NONE,
        )
        graph = None
        if not context.executing_eagerly():
            graph = context.get_default_graph()._graph_key
        key = (name, graph)
        if key in self._weights:
            raise RuntimeError(f"Duplicate variables detected. {key}")
        self._weights[key] = variable
        return variable


class FixedLossScale(LossScale):
    """A constant factor.

    Args:
      loss_scale_value: a number, at least 1.

    Raises:
      ValueError: it is not.
    """

    def __init__(self, loss_scale_value: float) -> None:
        super().__init__()
        if not isinstance(loss_scale_value, (int, float)):
            raise ValueError("loss_scale_value must be a Python int or float.")
        if loss_scale_value < 1:
            raise ValueError("loss_scale_value must be at least 1.")
        self._loss_scale_value = float(loss_scale_value)

    def __call__(self) -> Any:
        """The factor."""
        return convert_to_tensor(self._loss_scale_value)

    def update(self, grads: Structure) -> tuple[Any, bool]:
        """Nothing changes, and gradients always apply."""
        del grads
        return nothing(), True

    def __repr__(self) -> str:
        return f"FixedLossScale({self._loss_scale_value})"

    def get_config(self) -> dict[str, Any]:
        """The arguments of a call that makes an equal scale."""
        return {"loss_scale_value": self._loss_scale_value}


def _all_finite(grads: Structure) -> Any:
    return reduce_all([reduce_all(F.IsFinite(g)) for g in grads if g is not None])


def _all_finite_everywhere(strategy: Strategy, grads: list[Any]) -> Any:
    """Whether the gradients of all replicas of a strategy are finite."""
    counts = strategy.extended.call_for_each_replica(
        lambda own: cast(_all_finite(own), dtypes.float32), args=(grads,)
    )
    finite = strategy.reduce(ReduceOp.SUM, counts, axis=None)
    return F.Equal(finite, float(strategy.num_replicas_in_sync))


def nothing() -> Any:
    """An operation without effect; None while executing eagerly."""
    return None if context.executing_eagerly() else control.no_op()


def _op(assigned: Any) -> Any:
    """A branch of `cond` returns operations; run at once, anything."""
    return assigned if context.executing_eagerly() else assigned.op


class DynamicLossScale(LossScale):
    """A factor that grows while gradients are finite, and falls when they are not.

    Args:
      initial_loss_scale: the factor at first.
      increment_period: after how many finite steps in a row it is multiplied.
      multiplier: by what; after a step that is not finite it is divided by this, but
        not below 1.
    """

    def __init__(
        self,
        initial_loss_scale: float = 2**15,
        increment_period: int = 2000,
        multiplier: float = 2.0,
    ) -> None:
        super().__init__()
        self._initial_loss_scale = float(initial_loss_scale)
        self._increment_period = int(increment_period)
        self._multiplier = float(multiplier)
        self._current_loss_scale = self._add_weight(
            "current_loss_scale", self._initial_loss_scale, dtypes.float32
        )
        self._num_good_steps = self._add_weight("good_steps", 0, dtypes.int64)

    @property
    def initial_loss_scale(self) -> float:
        """The factor at first."""
        return self._initial_loss_scale

    @property
    def increment_period(self) -> int:
        """After how many finite steps in a row the factor is multiplied."""
        return self._increment_period

    @property
    def multiplier(self) -> float:
        """By what the factor is multiplied."""
        return self._multiplier

    def __call__(self) -> Any:
        """The factor."""
        return convert_to_tensor(self._current_loss_scale)

    def update(self, grads: Structure) -> tuple[Any, Any]:
        """Fit the scale to the gradients; they apply where all are finite.

        For all replicas of a strategy together, a gradient has a value for each.
        """
        flat = nest.flatten(grads)
        if current.has_strategy():
            finite = _all_finite_everywhere(current.get_cross_replica_context(), flat)
        else:
            finite = _all_finite(flat)
        done = cond(finite, self._after_finite, self._after_infinite)
        return done, finite

    def _after_finite(self) -> Any:
        return cond(
            self._num_good_steps + 1 >= self._increment_period,
            self._increment,
            lambda: _op(self._num_good_steps.assign_add(1)),
        )

    def _increment(self) -> Any:
        scale = self._current_loss_scale * self._multiplier
        grown = cond(
            F.IsFinite(scale),
            lambda: _op(self._current_loss_scale.assign(scale)),
            nothing,
        )
        return control.group(grown, self._num_good_steps.assign(0))

    def _after_infinite(self) -> Any:
        scale = F.Maximum(self._current_loss_scale / self._multiplier, 1.0)
        return control.group(
            self._num_good_steps.assign(0), self._current_loss_scale.assign(scale)
        )

    def __repr__(self) -> str:
        now = ""
        if context.executing_eagerly():
            now = (
                f"current_loss_scale={self._current_loss_scale.numpy()}, "
                f"num_good_steps={self._num_good_steps.numpy()}, "
            )
        config = ", ".join(f"{k}={v}" for k, v in self.get_config().items())
        return f"DynamicLossScale({now}{config})"

    def get_config(self) -> dict[str, Any]:
        """The arguments of a call that makes an equal scale."""
        return {
            "initial_loss_scale": self.initial_loss_scale,
            "increment_period": self.increment_period,
            "multiplier": self.multiplier,
        }


def get(identifier: LossScale | float | str | None) -> LossScale | None:
    """The loss scale that a number, "dynamic", a loss scale or None stands for.

    Raises:
      ValueError: it is none of these.
    """
    if isinstance(identifier, (int, float)):
        return FixedLossScale(identifier)
    if identifier == "dynamic":
        return DynamicLossScale()
    if identifier is None or isinstance(identifier, LossScale):
        return identifier
    raise ValueError(f"Could not interpret loss scale identifier: {identifier}")
