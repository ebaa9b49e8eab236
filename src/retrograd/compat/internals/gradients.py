"""What libraries take from TensorFlow's modules of gradients, by its names there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from retrograd import dtypes
from retrograd.ops.declare import gradient_registry

_TRAINABLE = ("float16", "float32", "float64", "complex64", "complex128")


def IsTrainable(tensor_or_dtype: Any) -> bool:
    """Whether TensorFlow differentiates tensors of a dtype without being asked."""
    dtype = dtypes.as_dtype(getattr(tensor_or_dtype, "dtype", tensor_or_dtype))
    return dtype.base_dtype.name in (*_TRAINABLE, "resource", "variant")


def _IsBackpropagatable(tensor: Any) -> bool:
    """Whether derivatives pass through a tensor."""
    return IsTrainable(tensor) or tensor.dtype.base_dtype == dtypes.bfloat16


@functools.cache
def function_of(op_types: str) -> Callable[..., Any] | None:
    """The gradient function that TensorFlow registers for some op types.

    Args:
      op_types: their names, with commas.

    Returns:
      A function `f(op, *grads)`; None if an op passes no gradient on here, or has no
      gradient.
    """
    kinds = op_types.split(",")
    try:
        rules = {kind: gradient_registry.lookup(kind) for kind in kinds}
    except LookupError:
        return None
    if len(kinds) == 1 or None in rules.values():
        return rules[kinds[0]]

    def gradient(op: Any, *grads: Any) -> Any:
        return rules.get(op.type, rules[kinds[0]])(op, *grads)

    return gradient
