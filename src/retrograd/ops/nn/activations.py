"""Activation functions, each with its backward op, and tf.nn's wrappers of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import AxisLike, TensorLike


def relu(features: TensorLike, name: str | None = None) -> Tensor:
    """max(features, 0), elementwise; any real dtype."""
    return F.Relu(features, name=name)


def relu6(features: TensorLike, name: str | None = None) -> Tensor:
    """min(max(features, 0), 6), elementwise; any real dtype."""
    return F.Relu6(features, name=name)


def elu(features: TensorLike, name: str | None = None) -> Tensor:
    """`features`, exp(features) − 1 where negative (Clevert et al., 2015)."""
    return F.Elu(features, name=name)


def selu(features: TensorLike, name: str | None = None) -> Tensor:
    """The scaled exponential linear unit (Klambauer et al., 2017)."""
    return F.Selu(features, name=name)


def softplus(features: TensorLike, name: str | None = None) -> Tensor:
    """log(1 + exp(features)), elementwise."""
    return F.Softplus(features, name=name)


def softsign(features: TensorLike, name: str | None = None) -> Tensor:
    """features / (1 + |features|), elementwise."""
    return F.Softsign(features, name=name)


def leaky_relu(
    features: TensorLike, alpha: TensorLike = 0.2, name: str | None = None
) -> Tensor:
    """`features`, times `alpha` where negative (Maas et al., 2013).

    Args:
      features: a float tensor; integers are cast to float32.
      alpha: the slope below zero, a number.
    """
    with name_scope(name, "LeakyRelu", [features, alpha]) as scope:
        features = convert_to_tensor(features, name="features")
        if features.dtype.is_integer:
            features = F.Cast(features, DstT=dtypes.float32)
        if isinstance(alpha, np.ndarray):
            alpha = alpha.item()
        return F.LeakyRelu(features, alpha=alpha, name=scope)


def crelu(features: TensorLike, name: str | None = None, axis: AxisLike = -1) -> Tensor:
    """relu of `features` and of −features, side by side along `axis` (Shang, 2016)."""
    with name_scope(name, "CRelu", [features]) as scope:
        features = convert_to_tensor(features, name="features")
        both = F.ConcatV2([features, F.Neg(features)], axis, name=scope)
        return F.Relu(both)


def crelu_v2(features: TensorLike, axis: AxisLike = -1, name: str | None = None) -> Any:
    """`crelu`, in TensorFlow 2's order of arguments."""
    return crelu(features, name=name, axis=axis)


def swish(features: TensorLike) -> Tensor:
    """features · sigmoid(features) (Ramachandran et al., 2017).

    Its derivative computes the sigmoid anew instead of keeping it.
    """
    features = convert_to_tensor(features)
    found = features * F.Sigmoid(features)
    if context.executing_eagerly():
        return found
    F.Identity(found)  # unused in TensorFlow too; the seeds of later ops count it
    kept = F.IdentityN([found, features])
    kept[0].op._gradient_function = _swish_gradient
    return kept[0]


def _swish_gradient(n: Operation, dy: Tensor, dx: Tensor) -> list[Tensor | None]:
    del dx
    x = n.inputs[1]
    with context.get_default_graph().control_dependencies([dy]):
        gate = F.Sigmoid(x)
    return [None, dy * (gate * (1.0 + x * (1.0 - gate)))]
