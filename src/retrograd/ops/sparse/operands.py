"""What functions on sparse tensors take: checked and converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import SparseTensor, SparseTensorValue, is_sparse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrograd.graph.tensor import Tensor


def sparse(value: object) -> SparseTensor:
    """A sparse tensor, from one or from the value of one.

    Raises:
      TypeError: it is another kind of value.
    """
    if not is_sparse(value):
        raise TypeError("Input must be a SparseTensor.")
    return SparseTensor.from_value(value)


def all_sparse(values: Iterable[object]) -> list[SparseTensor]:
    """The same of each of a list.

    Raises:
      TypeError: it is no list, or one is another kind of value.
    """
    if not isinstance(values, list | tuple):
        raise TypeError("Inputs must be a list or tuple.")
    return [sparse(value) for value in values]


def parts(value: SparseTensor | SparseTensorValue) -> tuple[Tensor, Tensor, Tensor]:
    """What an op takes of a sparse tensor: indices, values, shape."""
    given: Any = value
    return given.indices, given.values, given.dense_shape
