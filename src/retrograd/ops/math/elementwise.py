"""Arithmetic on two tensors, broadcast against each other, and sums of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import (
    IndexedSlices,
    convert_n_to_tensor_or_indexed_slices,
)
from retrograd.graph.context import executing_eagerly
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import apply, name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.math import overloads
from retrograd.ops.simple import binary
from retrograd.shapes import TensorShape

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, DTypeLike, ShapeLike, TensorLike


add = binary("Add", "add")
subtract = binary("Sub", "subtract")
multiply = binary("Mul", "multiply")
maximum = binary("Maximum", "maximum")
minimum = binary("Minimum", "minimum")
realdiv = binary("RealDiv", "realdiv")
truncatediv = binary("TruncateDiv", "truncatediv")
truncatemod = binary("TruncateMod", "truncatemod")
floor_div = binary("FloorDiv", "floor_div")
floormod = mod = binary("FloorMod", "floormod")
squared_difference = binary("SquaredDifference", "squared_difference")
xlogy = binary("Xlogy", "xlogy")
xdivy = binary("Xdivy", "xdivy")
truediv = overloads.true_divide
div = overloads.old_divide


def atan2(y: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The angle of the point (x, y), in [−π, π]; broadcast."""
    return F.Atan2(y, x, name=name)


def nextafter(x1: TensorLike, x2: TensorLike, name: str | None = None) -> Tensor:
    """The floating-point number next to `x1` on the way to `x2`; broadcast."""
    return F.NextAfter(x1, x2, name=name)


def divide(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y as Python divides them."""
    return x / y if name is None else truediv(x, y, name)


def floordiv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y rounded down; both of one element type."""
    with name_scope(name, "floordiv", [x, y]) as scope:
        return F.FloorDiv(x, y, name=scope)


def pow(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x to the power of y, elementwise and broadcast; both of one element type."""
    with name_scope(name, "Pow", [x]) as scope:
        return F.Pow(x, y, name=scope)


def _guarded(
    op_type: str, default: str, x: TensorLike, y: TensorLike, name: str | None
) -> Tensor:
    """Apply an op that takes tensors of one element type, y's that of x."""
    with name_scope(name, default, [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype.base_dtype, "y")
        overloads.check_same(x, y)
        return apply(op_type, x, y, name=scope)


def div_no_nan(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y, and zero where y is zero."""
    return _guarded("DivNoNan", "div_no_nan", x, y, name)


def multiply_no_nan(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x · y, and zero where y is zero, even beside infinity or NaN."""
    return _guarded("MulNoNan", "multiply_no_nan", x, y, name)


def reciprocal_no_nan(x: TensorLike, name: str | None = None) -> Tensor:
    """1 / x, and zero where x is zero."""
    with name_scope(name, "reciprocal_no_nan", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        one = constant(1, x.dtype.base_dtype, name="one")
        return F.DivNoNan(one, x, name=scope)


def scalar_mul(
    scalar: TensorLike, x: Tensor | IndexedSlices, name: str | None = None
) -> Any:
    """A scalar times a tensor, or times the rows of IndexedSlices.

    Raises:
      ValueError: `scalar` has dimensions, or its rank is not known.
    """
    scalar = convert_to_tensor(scalar, x.dtype.base_dtype, "scalar")
    if scalar.shape.ndims != 0:
        raise ValueError(f"Only scalar multiply works, got shape {scalar.shape}")
    if isinstance(x, IndexedSlices):
        values = F.Mul(scalar, x.values, name=name)
        return IndexedSlices(values, x.indices, x.dense_shape)
    return F.Mul(scalar, x, name=name)


def scalar_mul_v2(
    scalar: TensorLike, x: Tensor | IndexedSlices, name: str | None = None
) -> Any:
    """`scalar_mul` of TensorFlow 2: in a name scope."""
    with name_scope(name, "scalar_mul", [x]):
        return scalar_mul(scalar, x, name)


def add_n(
    inputs: CompositeLike | Sequence[CompositeLike], name: str | None = None
) -> Tensor:
    """The sum of tensors (or IndexedSlices) of one shape and element type.

    Raises:
      ValueError: no tensors, or not of one shape and type.
    """
    wrong = (
        "inputs must be a list of at least one Tensor/IndexedSlices with the same "
        "dtype and shape"
    )
    if not inputs or not isinstance(inputs, (list, tuple)):
        raise ValueError(wrong)
    inputs = convert_n_to_tensor_or_indexed_slices(inputs)
    if not all(isinstance(x, (Tensor, IndexedSlices)) for x in inputs):
        raise ValueError(wrong)
    if len(inputs) == 1:
        values = convert_to_tensor(inputs[0])
        return F.Identity(values, name=name) if name else values
    return F.AddN([convert_to_tensor(x) for x in inputs], name=name)


def accumulate_n(
    inputs: Sequence[TensorLike],
    shape: ShapeLike = None,
    tensor_dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """The sum of tensors of one shape and element type.

    Args:
      inputs: the tensors.
      shape: their shape, by default what is known of it.
      tensor_dtype: the element type they must have.
      name: the name of the operation.

    Raises:
      ValueError: no tensors, or not of one shape and type.
      TypeError: they are not of `tensor_dtype`.
    """

    def wrong() -> ValueError:
        return ValueError(
            "inputs must be a list of at least one Tensor with the same dtype and shape"
        )

    if not inputs or not isinstance(inputs, (list, tuple)):
        raise wrong()
    inputs = convert_n_to_tensor_or_indexed_slices(inputs)
    if not all(isinstance(x, Tensor) for x in inputs):
        raise wrong()
    if not all(x.dtype is inputs[0].dtype for x in inputs):
        raise wrong()
    merged_shape = TensorShape(shape)
    for x in inputs:
        merged_shape = merged_shape.merge_with(x.shape)
    if tensor_dtype is not None and tensor_dtype != inputs[0].dtype:
        raise TypeError(
            f"tensor_dtype is {tensor_dtype}, but input is of type {inputs[0].dtype}"
        )
    if len(inputs) == 1:
        return inputs[0] if name is None else F.Identity(inputs[0], name=name)
    if executing_eagerly():
        return add_n(inputs, name)
    return F.AccumulateNV2(inputs, shape=merged_shape, name=name)
