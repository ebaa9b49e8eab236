"""The types that signatures name: what may be given for a tensor, a shape, a dtype.

For type checkers: nothing of it is needed at run time, so import it under
`TYPE_CHECKING`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

#: an array of either namespace that kernels run on; NumPy's type stands for both
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Number: TypeAlias = bool | int | float | complex


class Arrays(Protocol):
    """The namespace that a kernel receives: `arrays.numpy` or `arrays.xla`."""

    name: str

    def __getattr__(self, name: str) -> Any: ...


class Convertible(Protocol):
    """A variable, or another object that stands for a tensor."""

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        ...

    @property
    def shape(self) -> Any:
        """The static shape."""
        ...


if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.graph.operation import Operation
    from retrograd.graph.specs import CompositeTensor
    from retrograd.graph.tensor import Tensor
    from retrograd.shapes import Dimension, TensorShape

    Scalar: TypeAlias = Number | np.generic | str | bytes
    #: what is converted to a tensor where one is wanted
    TensorLike: TypeAlias = (
        Tensor | Array | Scalar | Convertible | TensorShape | Sequence["TensorLike"]
    )
    #: the same, and sparse tensors, slices and other structures of tensors
    CompositeLike: TypeAlias = TensorLike | CompositeTensor
    #: a static shape as programs give it; None for unknown rank
    ShapeLike: TypeAlias = TensorShape | Sequence[int | Dimension | None] | None
    DTypeLike: TypeAlias = DType | np.dtype[Any] | type[Any] | str | int
    #: one axis, several, or a tensor that holds them; None for all
    AxisLike: TypeAlias = int | Sequence[int] | Tensor | Array | None
    #: what is run, or waited for: an operation, or one of its outputs
    OperationLike: TypeAlias = Operation | Tensor
