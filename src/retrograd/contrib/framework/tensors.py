"""Checks of tensors' shapes, and small sums of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.tensor import Tensor
from retrograd.layers.counts import counted_as
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.array.tensor_values import constant_value
from retrograd.ops.declare import F
from retrograd.ops.host.printing import Assert
from retrograd.ops.host.shape_checks import assert_scalar
from retrograd.ops.math import confusion
from retrograd.ops.math.reduce import reduce_all, reduce_sum
from retrograd.shapes import TensorShape

if TYPE_CHECKING:
    from retrograd.typing import TensorLike
    from retrograd.variables.variable import Variable


def assert_scalar_int(tensor: TensorLike, name: str | None = None) -> Tensor:
    """A tensor, once it is known to be an integer scalar.

    Raises:
      ValueError: it has another dtype or shape.
    """
    with dispatch.name_scope(name, "assert_scalar_int", [tensor]) as scope:
        checked = convert_to_tensor(tensor)
        dtype = checked.dtype
        if not dtype.base_dtype.is_integer:
            raise ValueError(
                f"Expected integer type for {checked.name}, received type: {dtype}."
            )
        return assert_scalar(checked, name=scope)


def reduce_sum_n(tensors: Sequence[TensorLike], name: str | None = None) -> Any:
    """The sum of the sums of tensors, a scalar.

    Raises:
      ValueError: there are no tensors.
    """
    if not tensors:
        raise ValueError("No tensors provided.")
    with dispatch.name_scope(name, "reduce_sum_n", tensors) as scope:
        sums = [reduce_sum(t, name=f"{_op_name(t)}/sum") for t in tensors]
        return sums[0] if len(sums) == 1 else F.AddN(sums, name=scope)


def _op_name(tensor: TensorLike) -> str:
    return convert_to_tensor(tensor).op.name


def remove_squeezable_dimensions(
    predictions: TensorLike, labels: TensorLike, name: str | None = None
) -> tuple[Any, Any]:
    """Predictions and labels without a last axis of size one that the other lacks."""
    labels, predictions = confusion.remove_squeezable_dimensions(
        labels, predictions, name=name
    )
    return predictions, labels


def with_same_shape(expected_tensor: TensorLike, tensor: Tensor | Variable) -> Any:
    """A tensor, once it is known to have the shape of another; see `with_shape`."""
    with dispatch.name_scope(f"{_op_name(tensor)}/", values=[expected_tensor, tensor]):
        expected: Any = expected_tensor
        known = expected.get_shape()
        if known.is_fully_defined():
            return with_shape(np.array(known.as_list(), np.int64), tensor)
        return with_shape(shape_of(expected, name="expected_shape"), tensor)


def with_shape(expected_shape: TensorLike, tensor: Tensor | Variable) -> Any:
    """A tensor, once it is known to have a shape.

    Args:
      expected_shape: a shape or a tensor of one.
      tensor: a tensor or variable.

    Returns:
      The tensor itself if its shape is known to be right; else one that fails with
      InvalidArgumentError where it has another.

    Raises:
      ValueError: the shape is known to be another.
    """
    if isinstance(tensor, (list, tuple)):
        tensor = convert_to_tensor(tensor)
    actual = tensor.get_shape()
    wanted, static = _expected(expected_shape, tensor)
    if static is not None:
        if not TensorShape(static).is_compatible_with(actual):
            given = isinstance(expected_shape, TensorShape)
            said = expected_shape if given else np.array(static)
            raise ValueError(
                f"Invalid shape for tensor {tensor.name}, expected {said}, got "
                f"{actual}."
            )
        if actual.is_fully_defined():
            return tensor
    with dispatch.name_scope(f"{_op_name(tensor)}/", values=[tensor]):
        checked = _asserted(wanted, tensor)
    if static is not None:
        checked.set_shape(static)
    return checked


def _expected(
    expected_shape: TensorLike, tensor: Tensor | Variable
) -> tuple[Any, list[int] | None]:
    """The expected shape as a tensor or list, and as a list if it is known."""
    if isinstance(expected_shape, TensorShape):
        known: Any = expected_shape.as_list()
        return known, known
    if isinstance(expected_shape, np.ndarray) and expected_shape.dtype.kind == "i":
        return expected_shape, expected_shape.tolist()
    wanted = convert_to_tensor(expected_shape, name="expected_shape")
    if wanted.dtype.base_dtype not in ("int32", "int64"):
        raise ValueError(
            f"Invalid dtype {wanted.dtype.name} for shape {expected_shape} expected of "
            f"tensor {tensor.name}."
        )
    if wanted.get_shape().ndims not in (None, 1):
        raise ValueError(
            f"Invalid rank {wanted.get_shape().ndims} for shape {expected_shape} "
            f"expected of tensor {tensor.name}."
        )
    value = constant_value(wanted)
    return wanted, None if value is None else [int(size) for size in value]


#: how many operations such an assertion has in TensorFlow, also of a constant shape
_CHECKED = {False: 14, True: 19}


def _asserted(wanted: TensorLike, tensor: Tensor | Variable) -> Any:
    """A tensor behind an assertion that its shape is the wanted one."""
    fixed = not isinstance(wanted, Tensor) or constant_value(wanted) is not None
    count = _CHECKED[fixed] - (fixed and isinstance(wanted, Tensor))
    with dispatch.name_scope("assert_shape"), counted_as(count):
        actual = shape_of(tensor, name="actual")
        wanted = convert_to_tensor(wanted, dtype=actual.dtype)
        same_rank = F.Equal(F.Size(wanted), F.Rank(tensor))
        # shapes of different ranks may not broadcast: only equal ranks are compared
        length = F.Minimum(F.Size(wanted), F.Size(actual))
        pair = [F.Slice(s, [0], F.Pack([length])) for s in (actual, wanted)]
        same = F.LogicalAnd(same_rank, reduce_all(F.Equal(*pair)))
        text = f"Wrong shape for {tensor.name} [expected] [actual]."
        checked = Assert(same, [text, wanted, actual])
    with control_dependencies([checked]):
        return F.Identity(tensor, name="Identity")
