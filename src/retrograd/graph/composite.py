"""Values made of several tensors: slices of a larger tensor, and sparse tensors."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph.convert import (
    convert_to_tensor,
    converted,
    internal_convert_to_tensor,
)
from retrograd.graph.graph import Graph
from retrograd.graph.hooks import hooks
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.specs import CompositeTensor, TensorSpec, TypeSpec
from retrograd.graph.tensor import Tensor, default_session_for
from retrograd.graph.tensor_like import _TensorLike

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import (
        CompositeLike,
        DTypeLike,
        FeedDict,
        ShapeLike,
        TensorLike,
    )

# ---------------------------------------------------------------------- slices

IndexedSlicesValue = namedtuple(
    "IndexedSlicesValue", ["values", "indices", "dense_shape"]
)


class IndexedSlices(_TensorLike, CompositeTensor):
    """Rows of a tensor that is zero elsewhere: the gradient of a gather.

    Attributes:
      values: shape [n, …], the rows.
      indices: shape [n], which rows; those of an index that occurs twice add up.
      dense_shape: the shape of the whole, 1-D, or None where it is not known.
    """

    def __init__(
        self, values: Tensor, indices: Tensor, dense_shape: Tensor | None = None
    ) -> None:
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def _type_spec(self) -> IndexedSlicesSpec:
        dense = self._dense_shape
        return IndexedSlicesSpec(
            self._full_shape(),
            self.dtype,
            self.indices.dtype,
            None if dense is None else dense.dtype,
            self.indices.shape,
        )

    def _full_shape(self) -> Any:
        """The dense shape, with what the values say about all but its first size."""
        raw = shapes.raw(self.values.shape)
        dense = shapes.raw(self.shape)
        return dense if raw is None else shapes.merge((None, *raw[1:]), dense)

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
        if self._dense_shape is None:
            return shapes.TensorShape(None)
        return shapes.TensorShape.of(hooks.constant_as_shape(self._dense_shape))

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


class IndexedSlicesSpec(TypeSpec):
    """Dtype, shape and kind of indices of IndexedSlices."""

    def __init__(
        self,
        shape: ShapeLike = None,
        dtype: DTypeLike = dtypes.float32,
        indices_dtype: DTypeLike = dtypes.int64,
        dense_shape_dtype: DTypeLike | None = None,
        indices_shape: ShapeLike = None,
    ) -> None:
        self._shape = shapes.TensorShape(shape)
        self._values_dtype = dtypes.as_dtype(dtype)
        self._indices_dtype = dtypes.as_dtype(indices_dtype)
        self._dense_shape_dtype = (
            None if dense_shape_dtype is None else dtypes.as_dtype(dense_shape_dtype)
        )
        self._indices_shape = shapes.TensorShape(indices_shape).with_rank(1)

    @property
    def value_type(self) -> Any:
        """`IndexedSlices`."""
        return IndexedSlices

    @property
    def _component_specs(self) -> Any:
        raw = shapes.raw(self._shape)
        count = shapes.raw(self._indices_shape)
        values = None if raw is None else (*(count or (None,)), *raw[1:])
        specs = [
            TensorSpec(values, self._values_dtype),
            TensorSpec(self._indices_shape, self._indices_dtype),
        ]
        if self._dense_shape_dtype is not None:
            specs.append(TensorSpec([self._shape.ndims], self._dense_shape_dtype))
        return tuple(specs)

    def _to_components(self, value: IndexedSlices) -> Any:
        if value.dense_shape is None:
            return (value.values, value.indices)
        return (value.values, value.indices, value.dense_shape)

    def _from_components(self, components: Sequence[Any]) -> Any:
        if all(isinstance(c, np.ndarray) for c in components):
            values, indices, *dense = components
            return IndexedSlicesValue(values, indices, dense[0] if dense else None)
        return IndexedSlices(*components)

    def _serialize(self) -> tuple[Any, ...]:
        return (
            self._shape,
            self._values_dtype,
            self._indices_dtype,
            self._dense_shape_dtype,
            self._indices_shape,
        )

    def _to_legacy_output_types(self) -> Any:
        return self._values_dtype

    def _to_legacy_output_shapes(self) -> Any:
        return self._shape


# ---------------------------------------------------------------------- sparse tensors

SparseTensorValue = namedtuple(
    "SparseTensorValue", ["indices", "values", "dense_shape"]
)


class SparseTensor(_TensorLike, CompositeTensor):
    """A tensor given by its elements that are not zero.

    Args:
      indices: int64, shape [n, rank], where the elements are.
      values: shape [n], the elements.
      dense_shape: int64, shape [rank].
    """

    def __init__(
        self, indices: TensorLike, values: TensorLike, dense_shape: TensorLike
    ) -> None:
        with name_scope(None, "SparseTensor", [indices, values, dense_shape]):
            self._indices = convert_to_tensor(indices, dtypes.int64, "indices")
            self._values = convert_to_tensor(values, None, "values")
            self._dense_shape = convert_to_tensor(
                dense_shape, dtypes.int64, "dense_shape"
            )
        index_shape = self._indices.shape.with_rank(2)
        value_shape = self._values.shape.with_rank(1)
        dense = self._dense_shape.shape.with_rank(1)
        index_shape.dims[0].merge_with(value_shape.dims[0])  # pyright: ignore[reportOptionalSubscript]
        index_shape.dims[1].merge_with(dense.dims[0])  # pyright: ignore[reportOptionalSubscript]

    @property
    def _type_spec(self) -> SparseTensorSpec:
        return SparseTensorSpec(self.shape, self.dtype)

    @classmethod
    def from_value(
        cls, sparse_tensor_value: SparseTensor | SparseTensorValue
    ) -> SparseTensor:
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
        return shapes.TensorShape.of(hooks.constant_as_shape(self._dense_shape))

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

    def eval(
        self, feed_dict: FeedDict | None = None, session: BaseSession | None = None
    ) -> SparseTensorValue:
        """The value in `session`, by default the thread's default session."""
        session = default_session_for(session, self.graph, "evaluate tensor", "eval")
        return SparseTensorValue(
            *session.run([self._indices, self._values, self._dense_shape], feed_dict)
        )

    def __mul__(self, other: TensorLike) -> SparseTensor:
        return hooks.sparse_times(self, other)

    def __rmul__(self, other: object) -> SparseTensor:
        if not isinstance(other, Tensor):
            return NotImplemented
        return hooks.sparse_times(self, other)

    def __truediv__(self, other: TensorLike) -> SparseTensor:
        return hooks.sparse_over(self, other)

    __div__ = __truediv__

    def __str__(self) -> str:
        return (
            f"SparseTensor(indices={self._indices}, values={self._values}, "
            f"dense_shape={self._dense_shape})"
        )


class SparseTensorSpec(TypeSpec):
    """Dtype and dense shape of a sparse tensor."""

    @classmethod
    def from_value(cls, value: SparseTensor | SparseTensorValue) -> SparseTensorSpec:
        """The spec of a SparseTensor, or of the value of one.

        Raises:
          TypeError: it is neither.
        """
        if isinstance(value, SparseTensor):
            return cls(value.shape, value.dtype)
        if not isinstance(value, SparseTensorValue):
            raise TypeError("Expected SparseTensor or SparseTensorValue")
        if isinstance(value.values, np.ndarray):
            return cls(value.dense_shape, value.values.dtype)
        return cls.from_value(SparseTensor.from_value(value))

    def __init__(
        self, shape: ShapeLike = None, dtype: DTypeLike = dtypes.float32
    ) -> None:
        self._shape = shapes.TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        return self._dtype

    @property
    def shape(self) -> shapes.TensorShape:
        """What is known of the dense shape."""
        return self._shape

    @property
    def value_type(self) -> Any:
        """`SparseTensor`."""
        return SparseTensor

    @property
    def _component_specs(self) -> Any:
        rank = self._shape.ndims
        return [
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], self._dtype),
            TensorSpec([rank], dtypes.int64),
        ]

    def _to_components(self, value: SparseTensor) -> Any:
        return [value.indices, value.values, value.dense_shape]

    def _from_components(self, components: Sequence[Any]) -> Any:
        if all(isinstance(c, np.ndarray) for c in components):
            return SparseTensorValue(*components)
        made = object.__new__(SparseTensor)
        made._indices, made._values, made._dense_shape = components
        return made

    def _batch(self, batch_size: int | None) -> SparseTensorSpec:
        shape = shapes.TensorShape([batch_size]).concatenate(self._shape)
        return SparseTensorSpec(shape, self._dtype)

    def _unbatch(self) -> SparseTensorSpec:
        if self._shape.ndims == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        raw = shapes.raw(self._shape)
        return SparseTensorSpec(None if raw is None else raw[1:], self._dtype)

    def _serialize(self) -> tuple[Any, ...]:
        return (self._shape, self._dtype)

    def _to_legacy_output_types(self) -> Any:
        return self._dtype

    def _to_legacy_output_shapes(self) -> Any:
        return self._shape


# ---------------------------------------------------------------------- converting


def convert_to_tensor_or_sparse_tensor(
    value: TensorLike | SparseTensor | SparseTensorValue,
    dtype: DTypeLike | None = None,
    name: str | None = None,
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


def is_sparse(value: object) -> TypeGuard[SparseTensor]:
    """Whether `value` is a sparse tensor, or the value of one."""
    return isinstance(value, (SparseTensor, SparseTensorValue))


def convert_to_tensor_or_indexed_slices(
    value: CompositeLike, dtype: DTypeLike | None = None, name: str | None = None
) -> Any:
    """`value` as a tensor; IndexedSlices and sparse tensors stay what they are."""
    return internal_convert_to_tensor_or_indexed_slices(value, dtype, name)


def internal_convert_to_tensor_or_indexed_slices(
    value: CompositeLike,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Any:
    """The same; with `as_ref`, a variable gives a reference to it."""
    if isinstance(value, CompositeTensor):
        wanted = None if dtype is None else dtypes.as_dtype(dtype)
        if wanted is not None and not wanted.is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {wanted.name} for Tensor with "
                f"dtype {value.dtype.name}: {str(value)!r}"
            )
        return value
    return internal_convert_to_tensor(value, dtype, name, as_ref)


def convert_to_tensor_or_composite(
    value: CompositeLike,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Any:
    """`value` as a tensor, or as the composite value that it is or converts to.

    Raises:
      TypeError: no conversion is registered for the type, or the dtype does not fit.
      ValueError: a composite value of another dtype.
    """
    if isinstance(value, (Tensor, CompositeTensor)):
        return internal_convert_to_tensor_or_indexed_slices(value, dtype, name, as_ref)
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    return converted(value, wanted, name, None, as_ref, (Tensor, CompositeTensor))


def convert_n_to_tensor_or_indexed_slices(
    values: Sequence[Any], dtype: DTypeLike | None = None, name: str | None = None
) -> list[Any]:
    """As `convert_to_tensor_or_indexed_slices` for each value; None stays None."""
    return _each(convert_to_tensor_or_indexed_slices, values, dtype, name)


def convert_n_to_tensor_or_composite(
    values: Sequence[Any], dtype: DTypeLike | None = None, name: str | None = None
) -> list[Any]:
    """As `convert_to_tensor_or_composite` for each value; None stays None."""
    return _each(convert_to_tensor_or_composite, values, dtype, name)


def _each(
    convert: Callable[..., Any],
    values: Sequence[Any],
    dtype: DTypeLike | None,
    name: str | None,
) -> list[Any]:
    if not isinstance(values, Sequence):
        raise TypeError("values must be a sequence.")
    return [
        None
        if value is None
        else convert(value, dtype, None if name is None else f"{name}_{i}")
        for i, value in enumerate(values)
    ]
