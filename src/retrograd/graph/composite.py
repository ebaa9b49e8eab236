"""Values made of several tensors: slices of a larger tensor, and sparse tensors."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from retrograd import dtypes, nest, shapes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor

IndexedSlicesValue = namedtuple(
    "IndexedSlicesValue", ["values", "indices", "dense_shape"]
)
SparseTensorValue = namedtuple(
    "SparseTensorValue", ["indices", "values", "dense_shape"]
)


class CompositeTensor:
    """Base of values that a session takes apart into tensors."""

    @property
    def _type_spec(self) -> Any:
        from retrograd.graph.specs import spec_of

        return spec_of(self)

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        raise NotImplementedError

    @property
    def op(self) -> Any:
        """The operation that makes the values."""
        raise NotImplementedError


nest.register_type("CompositeTensor", CompositeTensor)


class IndexedSlices(CompositeTensor):
    """Rows of a tensor that is zero elsewhere: the gradient of a gather.

    Attributes:
      values: shape [n, …], the rows.
      indices: shape [n], which rows; those of an index that occurs twice add up.
      dense_shape: the shape of the whole, 1-D, or None where it is not known.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Any:
        """The rows, shape [n, …]."""
        return self._values

    @property
    def indices(self) -> Any:
        """Which rows they are, shape [n]."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the whole tensor, or None."""
        return self._dense_shape

    @property
    def shape(self) -> shapes.TensorShape:
        """The static shape of the whole tensor."""
        from retrograd.graph import dispatch

        if self._dense_shape is None:
            return shapes.TensorShape(None)
        return shapes.TensorShape.of(
            dispatch.hooks.constant_as_shape(self._dense_shape)
        )

    def get_shape(self) -> shapes.TensorShape:
        """As `shape`."""
        return self.shape

    @property
    def name(self) -> str:
        """The name of the values."""
        return self._values.name

    @property
    def device(self) -> str:
        """The device of the values."""
        return self._values.device

    @property
    def op(self) -> Operation:
        """The operation that produces the values."""
        return self._values.op

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        return self._values.dtype

    @property
    def graph(self) -> Graph:
        """The graph that holds the tensors."""
        return self._values.graph

    def consumers(self) -> list[Operation]:
        """The operations that take the values as an input."""
        return self._values.consumers()

    def __str__(self) -> str:
        shape = "" if self._dense_shape is None else f", dense_shape={self.dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{shape})"

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self._values, self._indices, self._dense_shape)


class SparseTensor(CompositeTensor):
    """A tensor given by its elements that are not zero.

    Args:
      indices: int64, shape [n, rank], where the elements are.
      values: shape [n], the elements.
      dense_shape: int64, shape [rank].
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        from retrograd.graph import dispatch

        with dispatch.name_scope(None, "SparseTensor", [indices, values, dense_shape]):
            self._indices = convert_to_tensor(indices, dtypes.int64, "indices")
            self._values = convert_to_tensor(values, None, "values", as_ref=False)
            self._dense_shape = convert_to_tensor(
                dense_shape, dtypes.int64, "dense_shape"
            )
        index_shape = self._indices.shape.with_rank(2)
        value_shape = self._values.shape.with_rank(1)
        dense = self._dense_shape.shape.with_rank(1)
        index_shape.dims[0].merge_with(value_shape.dims[0])  # pyright: ignore[reportOptionalSubscript]
        index_shape.dims[1].merge_with(dense.dims[0])  # pyright: ignore[reportOptionalSubscript]

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """The sparse tensor that holds a SparseTensorValue."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not isinstance(sparse_tensor_value, SparseTensorValue):
            raise TypeError(
                f"Neither a SparseTensor nor SparseTensorValue: {sparse_tensor_value}."
            )
        return cls(*sparse_tensor_value)

    @property
    def indices(self) -> Tensor:
        """Where the elements are, int64 [n, rank]."""
        return self._indices

    @property
    def values(self) -> Tensor:
        """The elements, [n]."""
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        """The shape of the whole, int64 [rank]."""
        return self._dense_shape

    @property
    def shape(self) -> shapes.TensorShape:
        """The static shape of the whole."""
        from retrograd.graph import dispatch

        return shapes.TensorShape.of(
            dispatch.hooks.constant_as_shape(self._dense_shape)
        )

    def get_shape(self) -> shapes.TensorShape:
        """As `shape`."""
        return self.shape

    @property
    def op(self) -> Operation:
        """The operation that produces the values."""
        return self._values.op

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        return self._values.dtype

    @property
    def graph(self) -> Graph:
        """The graph that holds the tensors."""
        return self._values.graph

    def consumers(self) -> list[Operation]:
        """The operations that take the values as an input."""
        return self._values.consumers()

    def eval(self, feed_dict: Any = None, session: Any = None) -> SparseTensorValue:
        """The value in `session`, by default the thread's default session."""
        from retrograd.graph.tensor import default_session_for

        session = default_session_for(session, self.graph, "evaluate tensor", "eval")
        return SparseTensorValue(
            *session.run([self._indices, self._values, self._dense_shape], feed_dict)
        )

    def __str__(self) -> str:
        return (
            f"SparseTensor(indices={self._indices}, values={self._values}, "
            f"dense_shape={self._dense_shape})"
        )


def convert_to_tensor_or_sparse_tensor(
    value: Any, dtype: Any = None, name: str | None = None
) -> Any:
    """`value` as a tensor, or as a sparse tensor if it is one or the value of one.

    Raises:
      RuntimeError: a sparse tensor of another dtype.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if wanted is not None and not wanted.is_compatible_with(value.dtype):
            raise RuntimeError(
                f"Sparse dtype: requested = {wanted.name}, actual = {value.dtype.name}"
            )
        return value
    return convert_to_tensor(value, wanted, name)


def is_sparse(value: Any) -> bool:
    """Whether `value` is a sparse tensor, or the value of one."""
    return isinstance(value, (SparseTensor, SparseTensorValue))
