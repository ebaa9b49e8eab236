"""The types that signatures name: what may be given for a tensor, a shape, a dtype.

For type checkers: nothing of it is needed at run time, so import it under
`TYPE_CHECKING`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

#: an array or scalar of either namespace that kernels run on; NumPy's stands for all
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Number: TypeAlias = bool | int | float | complex
#: containers in containers that `nest` takes apart; as a leaf may be of any type, and
#: is one by itself, nothing narrower is true
Structure: TypeAlias = Any
#: what a run is asked for: a structure of tensors, operations, variables, names, and of
#: what programs have registered, which may be anything
Fetchable: TypeAlias = Any
#: values by what they are fed for: a tensor, a composite of tensors or a name
FeedDict: TypeAlias = Mapping[Any, Any]
#: the namespace that a kernel receives: `arrays.numpy` or `arrays.xla`
Arrays: TypeAlias = ModuleType
#: a number for each spatial axis, or one for all: sizes, strides, rates
Sizes: TypeAlias = int | Sequence[int]
#: SAME, VALID, or what to put before and after each axis
Padding: TypeAlias = str | Sequence[Sequence[int]]


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
    import os

    from google.protobuf.message import Message as ProtobufMessage

    from retrograd.arrays.list_value import TensorList
    from retrograd.arrays.optional import Optional
    from retrograd.autograd import tensors as autograd
    from retrograd.dtypes import DType
    from retrograd.graph.composite import IndexedSlices
    from retrograd.graph.device import DeviceSpecV2
    from retrograd.graph.operation import Operation
    from retrograd.graph.record import Record
    from retrograd.graph.specs import CompositeTensor
    from retrograd.graph.tensor import Tensor
    from retrograd.shapes import Dimension, TensorShape
    from retrograd.variables.options import (
        VariableAggregation,
        VariableAggregationV2,
    )
    from retrograd.variables.scope import VariableScope
    from retrograd.variables.store import _ReuseMode
    from retrograd.variables.variable import Variable

    class Message(ProtobufMessage):
        """A protocol message, with the fields that protobuf gives it."""

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: object) -> None: ...

    class Operators:
        """The operators of tensors and variables, as layer 3 sets them."""

        def _binary(self, other: Any, /) -> Any: ...

        def _unary(self) -> Any: ...

        __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = _binary
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = _binary
        __mod__ = __pow__ = __matmul__ = __and__ = __or__ = __xor__ = _binary
        __rmod__ = __rpow__ = __rmatmul__ = __rand__ = __ror__ = __rxor__ = _binary
        __lt__ = __le__ = __gt__ = __ge__ = __getitem__ = _binary
        __neg__ = __abs__ = __invert__ = _unary

    #: what a kernel receives for a tensor and makes: an array, a list or an optional
    Value: TypeAlias = Array | TensorList | Optional
    Scalar: TypeAlias = Number | np.generic | str | bytes
    #: what is converted to a tensor where one is wanted
    TensorLike: TypeAlias = (
        Tensor
        | Array
        | Scalar
        | Convertible
        | TensorShape
        | Dimension
        | Sequence["TensorLike"]
    )
    #: the same, and sparse tensors, slices and other structures of tensors
    CompositeLike: TypeAlias = TensorLike | CompositeTensor
    #: what an explanation is asked about: a tensor of a graph, a tape or autograd,
    #: a variable, or a name
    Explainable: TypeAlias = Tensor | Variable | autograd.Tensor | str
    #: a static shape as programs give it; None for unknown rank
    ShapeLike: TypeAlias = (
        TensorShape | Dimension | int | Sequence[int | Dimension | None] | None
    )
    DTypeLike: TypeAlias = DType | np.dtype[Any] | type[Any] | str | int
    #: one axis, several, or a tensor that holds them; None for all
    AxisLike: TypeAlias = int | Sequence[int] | Tensor | Array | None
    #: what is run, or waited for: an operation, or one of its outputs
    OperationLike: TypeAlias = Operation | Tensor
    #: an operation of a graph, or the record of one that a tape keeps
    Recorded: TypeAlias = Operation | Record
    #: a static shape whose sizes are all known
    FullShape: TypeAlias = TensorShape | Sequence[int]
    #: a shape that a tensor may give when the graph is run
    DynamicShape: TypeAlias = (
        TensorShape
        | Dimension
        | int
        | Tensor
        | Array
        | Sequence[int | Dimension | Tensor]
    )
    #: the device of new operations: a name, or a function of the operation
    DeviceLike: TypeAlias = (
        str | bytes | DeviceSpecV2 | Callable[[Operation], str | DeviceSpecV2] | None
    )
    PathLike: TypeAlias = str | bytes | os.PathLike[str]
    #: what one use of a tensor contributes to its derivative; None for nothing
    Gradient: TypeAlias = Tensor | IndexedSlices | None
    #: what a gradient rule gives: one for each input, or that for the only input
    Gradients: TypeAlias = Gradient | Sequence[Gradient]
    #: a variable, or a tensor that is a reference to one
    VariableLike: TypeAlias = Variable | Tensor
    #: a tensor, or what has the dtype, the shape and the operators of one
    Operand: TypeAlias = Tensor | Variable | Array
    #: whether variables are found, made, or either; None: as the scope around has it
    Reuse: TypeAlias = bool | _ReuseMode | None
    #: a variable scope or its name
    ScopeLike: TypeAlias = str | VariableScope | None
    Aggregation: TypeAlias = VariableAggregation | VariableAggregationV2
    #: a value, or what is called for one: with a shape, or without arguments
    InitializerLike: TypeAlias = TensorLike | Callable[..., TensorLike]
    #: from a value to the loss that it adds
    Regularizer: TypeAlias = Callable[[Any], TensorLike | None]
    #: from the shape and dtype of a variable to the number of parts along each axis
    Partitioner: TypeAlias = Callable[..., Sequence[int]]
    #: what optimizers make of a value that they have updated
    Constraint: TypeAlias = Callable[[Any], TensorLike]
    #: makes or finds a variable by means of the getter or creator it is given
    Getter: TypeAlias = Callable[..., Any]
    #: an initializer, a regularizer, a constraint or an activation: a function or an
    #: object, its name, or its class and arguments
    Named: TypeAlias = str | Mapping[str, Any] | Callable[..., Any] | None
    #: whether a layer is called in training
    Training: TypeAlias = Tensor | bool | int
    #: a number of an optimizer: a value, or what is called for it
    Hyperparameter: TypeAlias = TensorLike | Callable[[], TensorLike]
