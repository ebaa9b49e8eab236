"""What libraries take from TensorFlow's modules of gradients, by its names there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.grad import api as _rules  # noqa: F401 (those of calls and loops)
from retrograd.ops.declare import gradient_registry

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Gradient, Gradients

_TRAINABLE = ("float16", "float32", "float64", "complex64", "complex128")


def IsTrainable(tensor_or_dtype: Any) -> bool:
    """Whether TensorFlow differentiates tensors of a dtype without being asked."""
    dtype = dtypes.as_dtype(getattr(tensor_or_dtype, "dtype", tensor_or_dtype))
    return dtype.base_dtype.name in (*_TRAINABLE, "resource", "variant")


def _IsBackpropagatable(tensor: Tensor) -> bool:
    """Whether derivatives pass through a tensor."""
    return IsTrainable(tensor) or tensor.dtype.base_dtype == dtypes.bfloat16


@functools.cache
def function_of(op_types: str) -> Callable[..., Any] | None:
    """The gradient function that TensorFlow registers for some op types.

    Args:
      op_types: their names, with commas.

    Returns:
      A function `f(op, *grads)`; None if none of the op types is provided.
    """
    rules = {kind: rule for kind in op_types.split(",") if (rule := _rule_of(kind))}
    if len(set(map(id, rules.values()))) < 2:
        return next(iter(rules.values()), None)

    def gradient(op: Operation, *grads: Gradient) -> Gradients:
        return rules[op.type](op, *grads)

    return gradient


def _rule_of(op_type: str) -> Callable[..., Any] | None:
    try:
        return gradient_registry.lookup(op_type)
    except LookupError:
        return None
