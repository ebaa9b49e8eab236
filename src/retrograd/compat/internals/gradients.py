"""What libraries take from TensorFlow's modules of gradients, by its names there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.grad import api as _rules  # noqa: F401 (those of calls and loops)
from retrograd.grad.terms import add_n
from retrograd.graph import context
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.broadcasting_ops import broadcast_gradient_args
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.shape import expand_dims, shape
from retrograd.ops.declare import F, gradient_registry

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


def _AsList(x: Any) -> Any:
    """A list or tuple as it is, anything else in a list."""
    return x if isinstance(x, list | tuple) else [x]


def aggregate_indexed_slices_gradients(grads: Sequence[Gradient]) -> Gradient:
    """The sum of the terms that are not None; None of no terms."""
    if len(grads) < 2:
        return grads[0] if grads else None
    return add_n([term for term in grads if term is not None])


# ---------------------------------------------------------------------- broadcasting


def _BroadcastMul(vec: Tensor, mat: Tensor) -> Tensor:
    """The rows of `mat` [m, n] times the elements of `vec` [m]."""
    return F.Mul(expand_dims(vec, -1), mat)


def _safe_shape_div(x: Tensor, y: Tensor) -> Tensor:
    """x // y for sizes; 0 where both are 0."""
    return F.FloorDiv(x, F.Maximum(y, 1))


def _IsScalar(x: Tensor) -> bool:
    """Whether a tensor is known to have no dimensions."""
    return x._shape_raw == ()


def _ShapesFullySpecifiedAndEqual(x: Tensor, y: Tensor, grad: Tensor) -> bool:
    """Whether three tensors are known to have one shape."""
    known = x._shape_raw
    return shapes.is_full(known) and known == y._shape_raw == grad._shape_raw


#: the shape of an operand, the dimensions to sum over, and whether that is needed
_Reduction = tuple[Any, Any, bool]


def SmartBroadcastGradientArgs(
    x: Any, y: Any, grad: Any
) -> tuple[_Reduction, _Reduction]:
    """How the gradient of a broadcasting op becomes those of its operands.

    Args:
      x, y: the operands.
      grad: the gradient of the result.

    Returns:
      For each operand its shape, the dimensions to sum over, and whether its gradient
      differs in shape from `grad`: tuples where the shapes are known, else tensors.
    """
    tensors = all(isinstance(t, Tensor) for t in (x, y, grad))
    known = tensors and shapes.is_full(x._shape_raw) and shapes.is_full(y._shape_raw)
    if context.executing_eagerly() or not known:
        sizes = shape(x), shape(y)
        axes = F.BroadcastGradientArgs(*sizes)
        return (sizes[0], axes[0], True), (sizes[1], axes[1], True)
    sizes = x._shape_raw, y._shape_raw
    axes = broadcast_gradient_args(np, *(np.array(raw, int) for raw in sizes))
    first, second = (
        (raw, tuple(map(int, summed)), raw != grad._shape_raw)
        for raw, summed in zip(sizes, axes, strict=True)
    )
    return first, second


# ---------------------------------------------------------------------- zeros


def get_zeros_dtype(t: Tensor) -> dtypes.DType:
    """The dtype of a tensor's gradient; of a handle, that of its variable."""
    return shape_and_dtype(t)[1]


def shape_and_dtype(t: Tensor) -> tuple[shapes.TensorShape, dtypes.DType]:
    """The shape and the dtype of a tensor's gradient; of a handle, of its variable."""
    if t.dtype != dtypes.resource:
        return t.shape, t.dtype
    held = t._held
    if held is None or held.dtype is None:
        return shapes.TensorShape(None), dtypes.float32
    return shapes.TensorShape.of(held.shape), held.dtype


def zeros_like(t: Tensor) -> Tensor:
    """Zeros in the shape of a tensor; of a handle, in that of its variable."""
    return zeros(*shape_and_dtype(t)) if t.dtype == dtypes.resource else F.ZerosLike(t)


# ---------------------------------------------------------------------- rules


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
