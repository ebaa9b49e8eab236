"""The regularizers of `tf.contrib.layers`: functions of weights that give a loss."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.math.elementwise import add_n
from retrograd.ops.math.reduce import reduce_sum
from retrograd.platform import logs

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Operand, Regularizer, TensorLike


def _checked(scale: float, name: str = "scale") -> float:
    """A scale that is a real number of zero or more.

    Raises:
      ValueError: it is another.
    """
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"{name} cannot be an integer: {scale}")
    if isinstance(scale, numbers.Real) and scale < 0.0:
        raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale:g}")
    return float(scale)


def _nothing(_: TensorLike) -> None:
    return None


def _scaled(
    scale: float, scope: str | None, default: str, loss: Callable[[Any], Any]
) -> Regularizer:
    """A regularizer that is a loss times a scale; nothing where that is zero."""
    if _checked(scale) == 0.0:
        logs.info("Scale of 0 disables regularizer.")
        return _nothing

    def regularizer(weights: Tensor) -> Any:
        with name_scope(scope, default, [weights]) as name:
            dtype = weights.dtype.base_dtype
            factor = convert_to_tensor(scale, dtype=dtype, name="scale")
            return F.Mul(factor, loss(weights), name=name)

    return regularizer


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """A function of weights: `scale` Σ |w|.

    Args:
      scale: a real number; with 0.0 the function gives None.
      scope: the name scope.

    Raises:
      ValueError: `scale` is negative, or an integer.
    """
    return _scaled(scale, scope, "l1_regularizer", lambda w: reduce_sum(F.Abs(w)))


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """A function of weights: `scale` Σ w² / 2.

    Args:
      scale: a real number; with 0.0 the function gives None.
      scope: the name scope.

    Raises:
      ValueError: `scale` is negative, or an integer.
    """
    return _scaled(scale, scope, "l2_regularizer", F.L2Loss)


def l1_l2_regularizer(
    scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None
) -> Regularizer:
    """A function of weights: `scale_l1` Σ |w| + `scale_l2` Σ w² / 2.

    Raises:
      ValueError: a scale is negative, or an integer.
    """
    for name, scale in (("scale_l1", scale_l1), ("scale_l2", scale_l2)):
        if isinstance(scale, numbers.Integral):
            raise ValueError(f"{name} cannot be an integer: {scale}")
    scope = scope or "l1_l2_regularizer"
    if scale_l1 == 0.0:
        return l2_regularizer(scale_l2, scope)
    if scale_l2 == 0.0:
        return l1_regularizer(scale_l1, scope)
    return _sum([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope)


def sum_regularizer(
    regularizer_list: Sequence[Regularizer | None], scope: str | None = None
) -> Regularizer | None:
    """The sum of regularizers, without those that are None; None if all are."""
    regularizers = [r for r in regularizer_list if r is not None]
    return _sum(regularizers, scope) if regularizers else None


def _sum(regularizers: Sequence[Regularizer], scope: str | None) -> Regularizer:
    def regularizer(weights: Operand) -> Any:
        with name_scope(scope, "sum_regularizer", [weights]) as name:
            found = [function(weights) for function in regularizers]
            losses = [loss for loss in found if loss is not None]
            return add_n(losses, name=name) if losses else None

    return regularizer


def apply_regularization(
    regularizer: Regularizer, weights_list: Sequence[Any] | None = None
) -> Any:
    """The sum of a regularizer's losses, which joins the regularization losses.

    Args:
      regularizer: a function of a tensor that gives a scalar.
      weights_list: tensors; by default the collection WEIGHTS.

    Raises:
      ValueError: there are no weights, or a loss is no scalar.
    """
    graph = context.get_default_graph()
    weights_list = weights_list or graph.get_collection(GraphKeys.WEIGHTS)
    if not weights_list:
        raise ValueError("No weights to regularize.")
    with name_scope(None, "get_regularization_penalty", weights_list) as scope:
        found = [regularizer(w) for w in weights_list]
        losses: list[Any] = [constant(0.0) if r is None else r for r in found]
        for loss in losses:
            if loss.get_shape().ndims != 0:
                raise ValueError(
                    f"regularizer must return a scalar Tensor instead of a Tensor with "
                    f"rank {loss.get_shape().ndims}."
                )
        total = add_n(losses, name=scope)
    graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
    return total
