"""Sets: `tf.sets`; the last axis of tensors holds their elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import (
    SparseTensor,
    convert_to_tensor_or_sparse_tensor,
    is_sparse,
)
from retrograd.ops.declare import F
from retrograd.ops.sparse.operands import parts

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.ops.sparse.conversion import SparseLike
    from retrograd.typing import TensorLike

_ALLOWED = frozenset("int8 int16 int32 int64 uint8 uint16 string".split())


def set_size(a: SparseLike, validate_indices: bool = True) -> Tensor:
    """How many different elements each set has.

    Args:
      a: a SparseTensor whose last axis holds elements.
      validate_indices: whether they must be in order.

    Raises:
      TypeError: it is not sparse, or of another dtype than integers and strings.
    """
    given = convert_to_tensor_or_sparse_tensor(a, name="a")
    if not isinstance(given, SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {given}.")
    _check(given, "a")
    return F.SetSize(*parts(given), validate_indices=validate_indices)


def _check(value: Tensor | SparseTensor, name: str) -> None:
    if value.dtype.base_dtype.name not in _ALLOWED:
        raise TypeError(f"{name!r} invalid dtype {value.dtype}.")


def _operation(
    a: SparseLike | TensorLike,
    b: SparseLike | TensorLike,
    operation: str,
    validate_indices: bool,
) -> SparseTensor:
    first: Any = convert_to_tensor_or_sparse_tensor(a, name="a")
    second: Any = convert_to_tensor_or_sparse_tensor(b, name="b")
    _check(first, "a")
    if first.dtype.base_dtype != second.dtype.base_dtype:
        raise TypeError(f"Types don't match, {first.dtype} vs {second.dtype}.")
    if is_sparse(first) and not is_sparse(second):
        first, second = second, first
        turned = {"a-b": "b-a", "b-a": "a-b"}
        operation = turned.get(operation, operation)
    if is_sparse(first):
        apply, given = F.SparseToSparseSetOperation, (*parts(first), *parts(second))
    elif is_sparse(second):
        apply, given = F.DenseToSparseSetOperation, (first, *parts(second))
    else:
        apply, given = F.DenseToDenseSetOperation, (first, second)
    found = apply(*given, set_operation=operation, validate_indices=validate_indices)
    return SparseTensor(*found)


def set_intersection(
    a: SparseLike | TensorLike,
    b: SparseLike | TensorLike,
    validate_indices: bool = True,
) -> SparseTensor:
    """The elements that are in both of two sets, for each pair.

    Args:
      a, b: tensors or SparseTensors of integers or strings; all their sizes but the
        last are equal.
      validate_indices: whether sparse elements must be in order.

    Raises:
      TypeError: dtypes are others, or differ.
    """
    return _operation(a, b, "intersection", validate_indices)


def set_difference(
    a: SparseLike | TensorLike,
    b: SparseLike | TensorLike,
    aminusb: bool = True,
    validate_indices: bool = True,
) -> SparseTensor:
    """The elements that are in one of two sets only, for each pair.

    Args:
      a, b, validate_indices: those of `set_intersection`.
      aminusb: whether it is those of `a` that are wanted.

    Raises:
      TypeError: dtypes are others, or differ.
    """
    return _operation(a, b, "a-b" if aminusb else "b-a", validate_indices)


def set_union(
    a: SparseLike | TensorLike,
    b: SparseLike | TensorLike,
    validate_indices: bool = True,
) -> SparseTensor:
    """The elements that are in any of two sets, for each pair.

    Arguments and errors are those of `set_intersection`.
    """
    return _operation(a, b, "union", validate_indices)
