"""How many operations on floats an operation takes, as TensorFlow's profiler counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor

_PER_ELEMENT = {
    "Reciprocal": 1,
    "Square": 1,
    "Rsqrt": 2,
    "Log": 1,
    "Neg": 1,
    "Softmax": 5,
    "AssignSub": 1,
    "AssignAdd": 1,
    "Add": 1,
    "Sub": 1,
    "Mul": 1,
    "RealDiv": 1,
    "Maximum": 1,
    "Minimum": 1,
    "Pow": 1,
    "RsqrtGrad": 4,
    "GreaterEqual": 1,
    "Greater": 1,
    "LessEqual": 1,
    "Less": 1,
    "Equal": 1,
    "NotEqual": 1,
    "SquaredDifference": 2,
    "BiasAdd": 1,
}
#: for each element that comes together, and for each result
_REDUCTIONS = {
    "Mean": (1, 1),
    "Sum": (1, 0),
    "ArgMax": (1, 0),
    "ArgMin": (1, 0),
    "BiasAddGrad": (1, 0),
}


class IncompleteShape(Exception):
    """A size is not known before the graph runs."""


def float_operations(op: Operation) -> int:
    """How many; 0 for op types that are not counted.

    Raises:
      IncompleteShape: it depends on sizes that are not known.
    """
    each = _PER_ELEMENT.get(op.type)
    if each is not None:
        return each * _count(op.outputs[0])
    reduction = _REDUCTIONS.get(op.type)
    if reduction is not None:
        joined, finished = reduction
        results = _count(op.outputs[0])
        return joined * (_count(op.inputs[0]) - results) + finished * results
    rule = _RULES.get(op.type)
    return 0 if rule is None else rule(op)


def _sizes(tensor: Tensor) -> list[int]:
    sizes = tensor._shape_raw
    if sizes is None or None in sizes:
        raise IncompleteShape
    return [int(size) for size in sizes if size is not None]


def _count(tensor: Tensor) -> int:
    return math.prod(_sizes(tensor))


def _mat_mul(op: Operation) -> int:
    rows = _sizes(op.inputs[0])
    inner = rows[0] if op.attrs.get("transpose_a") else rows[-1]
    return 2 * inner * _count(op.outputs[0])


def _batch_mat_mul(op: Operation) -> int:
    rows = _sizes(op.inputs[0])
    inner = rows[-2] if op.attrs.get("adj_x") else rows[-1]
    return 2 * inner * _count(op.outputs[0])


def _window(kernel: Tensor, dimensions: int) -> int:
    """The size of a kernel without its last dimension, or the two last."""
    return math.prod(_sizes(kernel)[:dimensions])


def _of_kernel(dimensions: int, result: Callable[[Any], Tensor]) -> Any:
    """A rule: twice the window for each element of what a convolution gives."""

    def rule(op: Operation) -> int:
        return 2 * _count(result(op)) * _window(op.inputs[1], dimensions)

    return rule


def _backprop_input(op: Operation) -> int:
    return 2 * _count(op.inputs[2]) * _window(op.inputs[1], 3)


def _backprop_filter(op: Operation) -> int:
    return 2 * _count(op.inputs[2]) * _window(op.outputs[0], 3)


def _area(op: Operation) -> int:
    return math.prod(op.attrs["ksize"])


_RULES: dict[str, Callable[[Any], int]] = {
    "MatMul": _mat_mul,
    "BatchMatMul": _batch_mat_mul,
    "Conv2D": _of_kernel(3, lambda op: op.outputs[0]),
    "Conv3D": _of_kernel(4, lambda op: op.outputs[0]),
    "DepthwiseConv2dNative": _of_kernel(2, lambda op: op.outputs[0]),
    "Dilation2D": _of_kernel(2, lambda op: op.outputs[0]),
    "Conv2DBackpropInput": _backprop_input,
    "Conv2DBackpropFilter": _backprop_filter,
    "L2Loss": lambda op: 3 * _count(op.inputs[0]) - 1,
    "AddN": lambda op: (len(op.inputs) - 1) * _count(op.outputs[0]),
    "AvgPool": lambda op: _area(op) * _count(op.outputs[0]),
    "MaxPool": lambda op: _area(op) * _count(op.outputs[0]),
    "AvgPoolGrad": lambda op: 2 * _area(op) * _count(op.inputs[1]),
    "MaxPoolGrad": lambda op: (_area(op) + 1) * _count(op.inputs[1]),
}
