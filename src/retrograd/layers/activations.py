"""Activation functions by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.layers.serialization import deserialize as deserialize_object
from retrograd.layers.serialization import serialize as serialize_object
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.math import reduce
from retrograd.ops.math.clip import clip_by_value
from retrograd.ops.nn import activations as nn

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named

Activation = Callable[..., Any]
#: a number, or an array of no axes
Factor = float | np.ndarray


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp x / Σ exp x along an axis.

    Raises:
      ValueError: x has one dimension.
    """
    rank = x.shape.ndims
    if rank == 2:
        return F.Softmax(x)
    if rank is not None and rank > 2:
        exponentials = F.Exp(x - reduce.reduce_max(x, axis=axis, keepdims=True))
        return exponentials / reduce.reduce_sum(exponentials, axis=axis, keepdims=True)
    raise ValueError(
        "Cannot apply softmax to a tensor that is 1D. Received input: " + str(x)
    )


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else α (exp x − 1)."""
    found = nn.elu(x)
    if alpha == 1:
        return found
    return F.Select(x > 0, found, alpha * found)


def selu(x: Tensor) -> Tensor:
    """λ x where it is positive, else λ α (exp x − 1) (Klambauer et al. 2017)."""
    alpha = 1.6732632423543772848170429916717
    scale = 1.0507009873554804934193349852946
    return scale * elu(x, alpha)


def softplus(x: Tensor) -> Tensor:
    """log(exp x + 1)."""
    return nn.softplus(x)


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return nn.softsign(x)


def relu(
    x: Tensor,
    alpha: Factor = 0.0,
    max_value: Factor | None = None,
    threshold: Factor = 0,
) -> Tensor:
    """max(x, 0); or α (x − threshold) below a threshold, and at most `max_value`."""
    if alpha != 0.0:
        if max_value is None and threshold == 0:
            return nn.leaky_relu(x, alpha=alpha)
        negative = nn.relu(-x + threshold) if threshold != 0 else nn.relu(-x)
    highest: Any = max_value
    clip = max_value is not None
    if threshold != 0:
        x = x * F.Cast(x > threshold, DstT=x.dtype)
    elif max_value == 6:
        x, clip = nn.relu6(x), False
    else:
        x = nn.relu(x)
    if clip:
        highest = constant(highest, x.dtype.base_dtype)
        x = clip_by_value(x, constant(0.0, x.dtype.base_dtype), highest)
    if alpha == 0.0:
        return x
    return x - constant(alpha, x.dtype.base_dtype) * negative  # pyright: ignore[reportPossiblyUnboundVariable]


def tanh(x: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return F.Tanh(x)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp −x)."""
    return F.Sigmoid(x)


def exponential(x: Tensor) -> Tensor:
    """exp x."""
    return F.Exp(x)


def hard_sigmoid(x: Tensor) -> Tensor:
    """0.2 x + 0.5, clipped to [0, 1]."""
    factor, offset = (constant(c, x.dtype.base_dtype) for c in (0.2, 0.5))
    return clip_by_value(F.Add(F.Mul(x, factor), offset), 0.0, 1.0)


def linear(x: Tensor) -> Tensor:
    """x."""
    return x


FUNCTIONS = {
    f.__name__: f
    for f in (
        softmax,
        elu,
        selu,
        softplus,
        softsign,
        relu,
        tanh,
        sigmoid,
        exponential,
        hard_sigmoid,
        linear,
    )
}


def serialize(activation: Activation) -> Any:
    """The name of an activation function."""
    if getattr(activation, "__name__", None) in ("relu", "softmax", "sigmoid", "tanh"):
        return activation.__name__
    return serialize_object(activation)


def deserialize(name: Any, custom_objects: Mapping[str, object] | None = None) -> Any:
    """The activation function of a name.

    Raises:
      ValueError: there is none.
    """
    return deserialize_object(name, FUNCTIONS, custom_objects, "activation function")


def get(identifier: Named) -> Activation:
    """A function for a name, or the function itself; `linear` for None.

    Raises:
      ValueError: there is none of that name.
      TypeError: neither a name nor a function.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise TypeError(
        f"Could not interpret activation function identifier: {identifier!r}"
    )
