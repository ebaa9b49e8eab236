"""Optimizers of the first Keras, which `tensorflow.python.keras.optimizers` has.

Their updates are made of ops; slots have no names of their own. Programs use those of
`tf.keras.optimizers`, which are newer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from retrograd.grad.api import gradients
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.name_scopes import name_scope
from retrograd.layers.backend_config import epsilon as default_epsilon
from retrograd.layers.backend_config import floatx
from retrograd.layers.values import batch_get_value, batch_set_value, track_variable
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_norm, clip_by_value
from retrograd.util.tracking import Trackable
from retrograd.variables.updates import assign, assign_add
from retrograd.variables.variable import VariableV1

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor

_NO_GRADIENT = (
    "An operation has `None` for gradient. Please make sure that all of your ops have "
    "a gradient defined (i.e. are differentiable). Common ops without gradient: "
    "K.argmax, K.round, K.eval."
)


class Optimizer(Trackable):
    """Base of the older optimizers.

    A subclass says how one parameter is updated in `_update`.

    Args:
      **kwargs: `clipnorm`, `clipvalue`.

    Raises:
      TypeError: another argument.
      ValueError: one of them is negative.
    """

    #: the names of the arguments that are kept in variables
    _NUMBERS: ClassVar[tuple[str, ...]] = ()
    #: how many slots a parameter has
    _SLOTS: ClassVar[int] = 1
    lr: Any
    decay: Any

    def __init__(self, **kwargs: Any) -> None:
        for key, value in kwargs.items():
            if key not in ("clipnorm", "clipvalue"):
                raise TypeError(
                    f"Unexpected keyword argument passed to optimizer: {key}"
                )
            if value < 0:
                raise ValueError(f"Expected {key} >= 0, received: {value}")
        self.__dict__.update(kwargs)
        self._clipping = kwargs
        self.updates: list[Any] = []
        self._weights: list[Any] = []
        self.initial_decay = 0.0

    def _keep(self, **numbers: float) -> None:
        """Make variables of arguments, and that which counts the steps."""
        with name_scope(type(self).__name__):
            self.iterations: Any = _variable(0, "int64", "iterations")
            for name, value in numbers.items():
                setattr(self, name, _variable(value, floatx(), name))
        self.initial_decay = numbers.get("decay", 0.0)

    def get_gradients(self, loss: Tensor, params: Sequence[Any]) -> list[Any]:
        """Gradients of a loss in a graph.

        Raises:
          ValueError: it does not depend on one of the parameters.
        """
        found = gradients(loss, list(params))
        if any(g is None for g in found):
            raise ValueError(_NO_GRADIENT)
        if "clipnorm" in self._clipping:
            found = [clip_by_norm(g, self._clipping["clipnorm"]) for g in found]
        if "clipvalue" in self._clipping:
            limit = self._clipping["clipvalue"]
            found = [clip_by_value(g, -limit, limit) for g in found]
        return found

    def get_updates(self, loss: Tensor, params: Sequence[Any]) -> list[Any]:
        """The operations that take a step to a smaller loss."""
        grads = self.get_gradients(loss, params)
        slots = [[_zeros(p, i) for p in params] for i in range(self._SLOTS)]
        self._weights = [self.iterations, *(v for row in slots for v in row)]
        counted = assign_add(self.iterations, 1)
        self.updates = [counted]
        with control_dependencies([counted]):
            shared = self._prepare(cast(self.iterations.value(), floatx()))
            for i, (p, g) in enumerate(zip(params, grads, strict=True)):
                own = [row[i] for row in slots]
                new, *values = self._update(p, g, own, shared)
                self.updates += [
                    assign(slot, value) for slot, value in zip(own, values, strict=True)
                ]
                if getattr(p, "constraint", None) is not None:
                    new = p.constraint(new)
                self.updates.append(assign(p, new))
        return self.updates

    def _rate(self, step: Any) -> Any:
        """The learning rate of a step, counted from 1.

        TensorFlow's falls before the first step too: it is read after the count.
        """
        if self.initial_decay > 0:
            return self.lr * (1.0 / (1.0 + self.decay * step))
        return self.lr * 1.0

    def _prepare(self, step: Any) -> dict[str, Any]:
        """What the updates of all parameters share."""
        return {"rate": self._rate(step)}

    def _update(
        self, p: Any, g: Any, slots: Sequence[Any], shared: dict[str, Any]
    ) -> list[Any]:
        """The new value of a parameter, then those of its slots."""
        raise NotImplementedError

    @property
    def weights(self) -> list[Any]:
        """The variables that hold the state, once there are updates."""
        return self._weights

    def get_weights(self) -> list[np.ndarray]:
        """The values of the count of steps and of the slots."""
        return batch_get_value(self.weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give `weights` these values.

        Raises:
          ValueError: one has another shape, or there are more or fewer.
        """
        if len(self.weights) != len(weights):
            raise ValueError(
                "Length of the specified weight list "
                f"({len(weights)}) does not match the number of weights of the "
                f"optimizer ({len(self.weights)})"
            )
        for variable, value in zip(self.weights, weights, strict=True):
            if tuple(variable.shape.as_list()) != np.shape(value):
                raise ValueError(
                    f"Optimizer weight shape {variable.shape} not compatible with "
                    f"provided weight shape {np.shape(value)}"
                )
        batch_set_value(list(zip(self.weights, weights, strict=True)))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its state."""
        found: dict[str, Any] = {}
        for name in self._NUMBERS:
            value = getattr(self, name)
            is_variable = isinstance(value, VariableV1)
            found[name] = float(batch_get_value([value])[0]) if is_variable else value
        return {**self._clipping, **found}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The optimizer with the arguments that `get_config` gave."""
        return cls(**config)


def _variable(value: Any, dtype: str, name: str) -> Any:
    found = VariableV1(value, dtype=dtype, name=name, use_resource=True)
    track_variable(found)
    return found


def _zeros(like: Any, place: int) -> Any:
    del place
    kind = like.dtype.base_dtype
    zeros = np.zeros(like.shape.as_list(), kind.as_numpy_dtype)
    return _variable(zeros, kind.name, "Variable")


class SGD(Optimizer):
    """Gradient descent, with momentum if asked."""

    _NUMBERS = ("lr", "momentum", "decay", "nesterov")

    def __init__(
        self,
        lr: float = 0.01,
        momentum: float = 0.0,
        decay: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep(lr=lr, momentum=momentum, decay=decay)
        self.nesterov = nesterov

    def _update(
        self, p: Any, g: Any, slots: Sequence[Any], shared: dict[str, Any]
    ) -> list[Any]:
        momentum: Any = self.momentum  # pyright: ignore[reportAttributeAccessIssue]
        v = momentum * slots[0] - shared["rate"] * g
        if self.nesterov:
            return [p + momentum * v - shared["rate"] * g, v]
        return [p + v, v]


class RMSprop(Optimizer):
    """Steps by the root of the average of squared gradients."""

    _NUMBERS = ("lr", "rho", "decay", "epsilon")

    def __init__(
        self,
        lr: float = 0.001,
        rho: float = 0.9,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep(lr=lr, rho=rho, decay=decay)
        self.epsilon = default_epsilon() if epsilon is None else epsilon

    def _update(
        self, p: Any, g: Any, slots: Sequence[Any], shared: dict[str, Any]
    ) -> list[Any]:
        rho: Any = self.rho  # pyright: ignore[reportAttributeAccessIssue]
        a = rho * slots[0] + (1.0 - rho) * F.Square(g)
        return [p - shared["rate"] * g / (F.Sqrt(a) + self.epsilon), a]


class Adagrad(Optimizer):
    """Steps by the root of the sum of squared gradients."""

    _NUMBERS = ("lr", "decay", "epsilon")

    def __init__(
        self,
        lr: float = 0.01,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep(lr=lr, decay=decay)
        self.epsilon = default_epsilon() if epsilon is None else epsilon

    def _update(
        self, p: Any, g: Any, slots: Sequence[Any], shared: dict[str, Any]
    ) -> list[Any]:
        a = slots[0] + F.Square(g)
        return [p - shared["rate"] * g / (F.Sqrt(a) + self.epsilon), a]


class Adadelta(Optimizer):
    """Steps in the scale of past steps."""

    _NUMBERS = ("lr", "rho", "decay", "epsilon")
    _SLOTS = 2

    def __init__(
        self,
        lr: float = 1.0,
        rho: float = 0.95,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep(lr=lr, decay=decay)
        self.rho = rho
        self.epsilon = default_epsilon() if epsilon is None else epsilon

    def _update(
        self, p: Any, g: Any, slots: Sequence[Any], shared: dict[str, Any]
    ) -> list[Any]:
        rho = self.rho
        a = rho * slots[0] + (1.0 - rho) * F.Square(g)
        step = g * F.Sqrt(slots[1] + self.epsilon) / F.Sqrt(a + self.epsilon)
        d = rho * slots[1] + (1 - rho) * F.Square(step)
        return [p - shared["rate"] * step, a, d]


class _Averaging(Optimizer):
    """Base of those of Adam's kind: of averaged gradients."""

    _SLOTS = 2
    beta_1: Any
    beta_2: Any
    epsilon: float

    def _keep_averages(self, epsilon: float | None, **numbers: float) -> None:
        self._keep(**numbers)
        self.epsilon = default_epsilon() if epsilon is None else epsilon


class Adam(_Averaging):
    """Adam, and AMSGrad."""

    _NUMBERS = ("lr", "beta_1", "beta_2", "decay", "epsilon", "amsgrad")
    _SLOTS = 3

    def __init__(
        self,
        lr: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        decay: float = 0.0,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep_averages(epsilon, lr=lr, beta_1=beta_1, beta_2=beta_2, decay=decay)
        self.amsgrad = amsgrad

    def _prepare(self, step: Any) -> dict[str, Any]:
        scale = F.Sqrt(1.0 - F.Pow(self.beta_2, step)) / (
            1.0 - F.Pow(self.beta_1, step)
        )
        return {"rate": self._rate(step) * scale}

    def _update(
        self, p: Any, g: Any, slots: Sequence[Any], shared: dict[str, Any]
    ) -> list[Any]:
        m = self.beta_1 * slots[0] + (1.0 - self.beta_1) * g
        v = self.beta_2 * slots[1] + (1.0 - self.beta_2) * F.Square(g)
        most = F.Maximum(slots[2], v) if self.amsgrad else slots[2]
        below = F.Sqrt(most if self.amsgrad else v) + self.epsilon
        return [p - shared["rate"] * m / below, m, v, most * 1.0]


class Adamax(_Averaging):
    """Adam with the largest gradient in place of the root."""

    _NUMBERS = ("lr", "beta_1", "beta_2", "decay", "epsilon")

    def __init__(
        self,
        lr: float = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep_averages(epsilon, lr=lr, beta_1=beta_1, beta_2=beta_2, decay=decay)

    def _prepare(self, step: Any) -> dict[str, Any]:
        return {"rate": self._rate(step) / (1.0 - F.Pow(self.beta_1, step))}

    def _update(
        self, p: Any, g: Any, slots: Sequence[Any], shared: dict[str, Any]
    ) -> list[Any]:
        m = self.beta_1 * slots[0] + (1.0 - self.beta_1) * g
        u = F.Maximum(self.beta_2 * slots[1], F.Abs(g))
        return [p - shared["rate"] * m / (u + self.epsilon), m, u]


class Nadam(_Averaging):
    """Adam with the momentum of Nesterov."""

    _NUMBERS = ("lr", "beta_1", "beta_2", "epsilon", "schedule_decay")

    def __init__(
        self,
        lr: float = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        schedule_decay: float = 0.004,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep_averages(epsilon, lr=lr, beta_1=beta_1, beta_2=beta_2)
        self.schedule_decay = schedule_decay
        with name_scope(type(self).__name__):
            self.m_schedule = _variable(1.0, floatx(), "m_schedule")

    def _prepare(self, step: Any) -> dict[str, Any]:
        now, then = (
            self.beta_1 * (1.0 - 0.5 * F.Pow(0.96, t * self.schedule_decay))
            for t in (step, step + 1)
        )
        product = self.m_schedule * now
        following = product * then
        self.updates.append(assign(self.m_schedule, product))
        return {
            "now": now,
            "then": then,
            "left": 1.0 - product,
            "left_then": 1.0 - following,
            "corrected": 1.0 - F.Pow(self.beta_2, step),
        }

    def _update(
        self, p: Any, g: Any, slots: Sequence[Any], shared: dict[str, Any]
    ) -> list[Any]:
        m = self.beta_1 * slots[0] + (1.0 - self.beta_1) * g
        v = self.beta_2 * slots[1] + (1.0 - self.beta_2) * F.Square(g)
        fresh, kept = g / shared["left"], m / shared["left_then"]
        mean = (1.0 - shared["now"]) * fresh + shared["then"] * kept
        below = F.Sqrt(v / shared["corrected"]) + self.epsilon
        return [p - self.lr * mean / below, m, v]
