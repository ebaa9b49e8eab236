"""Variables, placeholders, constants of Keras' backend, and what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retrograd import dtypes, nest, shapes
from retrograd.graph import context
from retrograd.graph.composite import SparseTensor
from retrograd.graph.specs import CompositeTensor
from retrograd.graph.tensor import Tensor
from retrograd.layers.backend_config import floatx
from retrograd.layers.phase import keras_graph
from retrograd.layers.values import track_variable
from retrograd.ops.array import fill
from retrograd.ops.array.constant import constant_v2 as constant_op
from retrograd.ops.array.constant import placeholder as placeholder_op
from retrograd.ops.array.constant import sparse_placeholder
from retrograd.ops.array.identity import identity as identity_op
from retrograd.ops.array.scatter import scatter_nd
from retrograd.ops.array.shape import shape as shape_op
from retrograd.ops.declare import kind_of
from retrograd.ops.linalg.diagonals import eye as eye_op
from retrograd.ops.math.casts import cast as cast_op
from retrograd.ops.random import random
from retrograd.ops.traits import Kind
from retrograd.variables.partition import PartitionedVariable
from retrograd.variables.resource import ResourceVariable
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrograd.typing import (
        CompositeLike,
        Convertible,
        DTypeLike,
        ShapeLike,
        TensorLike,
    )


class Coordinates(Protocol):
    """A sparse matrix as SciPy has them."""

    def tocoo(self) -> Any:
        """The same, as coordinates and values."""
        ...


def variable(
    value: TensorLike | Coordinates | SparseTensor,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    constraint: Callable[[Tensor], Tensor] | None = None,
) -> Any:
    """A variable that Keras' session initializes when it first needs it.

    Args:
      value: the first value; of a sparse matrix of SciPy a sparse tensor is made.
      dtype: of the elements; by default `floatx`.
      name: the name of the variable.
      constraint: a function that optimizers apply to the value after an update.

    Example:
      >>> w = K.variable([[1.0, 2.0]])
    """
    if dtype is None:
        dtype = floatx()
    if hasattr(value, "tocoo"):
        return _from_coordinates(value)
    found: Any = ResourceVariable(
        value, dtype=dtypes.as_dtype(dtype), name=name, constraint=constraint
    )
    if isinstance(value, np.ndarray):
        found._keras_shape = value.shape
    elif hasattr(value, "shape"):
        found._keras_shape = int_shape(value)  # pyright: ignore[reportArgumentType]
    track_variable(found)
    return found


def _from_coordinates(value: Any) -> SparseTensor:
    parts = value.tocoo()
    indices = np.stack([parts.row, parts.col], axis=1)
    found: Any = SparseTensor(indices, parts.data, parts.shape)
    found._keras_shape = parts.shape
    return found


def constant(
    value: TensorLike,
    dtype: DTypeLike | None = None,
    shape: Sequence[int] | None = None,
    name: str | None = None,
) -> Tensor:
    """A constant; of `floatx` unless another dtype is given."""
    kind = floatx() if dtype is None else dtype
    return constant_op(value, dtype=kind, shape=shape, name=name or "Const")


# ---------------------------------------------------------------------- placeholders


def placeholder(
    shape: ShapeLike = None,
    ndim: int | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    name: str | None = None,
    ragged: bool = False,
) -> Any:
    """A tensor whose value is given when it is needed.

    Args:
      shape: its static shape.
      ndim: its rank, where only that is known.
      dtype: of the elements; by default `floatx`.
      sparse: whether it is a sparse tensor.
      name: the name of the placeholder.
      ragged: not supported.

    Raises:
      ValueError: sparse and ragged, or ragged.
    """
    if sparse and ragged:
        raise ValueError(
            "Cannot set both sparse and ragged to True when creating a placeholder."
        )
    if ragged:
        raise ValueError("Ragged placeholders are not supported.")
    if shape is None and ndim:
        shape = (None,) * ndim
    kind = dtypes.as_dtype(floatx() if dtype is None else dtype)
    with keras_graph().as_default():
        make: Any = sparse_placeholder if sparse else placeholder_op
        return make(kind, shape=shape, name=name)


def is_placeholder(x: object) -> bool:
    """Whether a value is given from outside: a placeholder, or made of some."""
    if isinstance(x, CompositeTensor):
        parts = nest.flatten(x, expand_composites=True)
        return any(is_placeholder(part) for part in parts)
    if not isinstance(x, Tensor) or getattr(x, "_is_eager", False):
        return False
    return kind_of(x.op.type) is Kind.PARAMETER and not x.op.inputs


def is_keras_tensor(x: object) -> bool:
    """Whether a tensor is what a layer, or `Input`, gave.

    Raises:
      ValueError: `x` is no tensor of a graph at all.
    """
    if not isinstance(x, (Tensor, Variable, PartitionedVariable, SparseTensor)):
        raise ValueError(
            f"Unexpectedly found an instance of type `{type(x)}`. Expected a symbolic "
            "tensor instance."
        )
    return hasattr(x, "_keras_history")


# ---------------------------------------------------------------------- what is known


def shape(x: TensorLike) -> Tensor:
    """The shape of a tensor as a tensor."""
    return shape_op(x)


def int_shape(x: Convertible) -> tuple[int | None, ...] | None:
    """The static shape; None for sizes that are not known, or all of it."""
    try:
        found = x.shape
        if isinstance(found, tuple):
            return found
        return tuple(found.as_list())
    except ValueError:
        return None


def ndim(x: Convertible) -> int | None:
    """How many axes a tensor has; None if that is not known."""
    return shapes.TensorShape(x.shape).ndims


def dtype(x: Convertible) -> str:
    """The name of the dtype of a tensor."""
    return x.dtype.base_dtype.name


def count_params(x: Convertible) -> np.integer[Any]:
    """How many elements a tensor of known shape has."""
    sizes: Any = shapes.TensorShape(x.shape).as_list()
    return np.prod(sizes)


def is_sparse(tensor: object) -> bool:
    """Whether a tensor is sparse."""
    return isinstance(tensor, SparseTensor)


def to_dense(tensor: CompositeLike) -> Any:
    """A sparse tensor with its zeros; others as they are."""
    if not isinstance(tensor, SparseTensor):
        return tensor
    return scatter_nd(tensor.indices, tensor.values, tensor.dense_shape)


# ---------------------------------------------------------------------- made of a shape


def eye(size: int, dtype: DTypeLike | None = None, name: str | None = None) -> Any:
    """A variable that begins as the identity matrix."""
    kind = floatx() if dtype is None else dtype
    return variable(eye_op(size, dtype=dtypes.as_dtype(kind)), kind, name)


def zeros(
    shape: ShapeLike | Tensor, dtype: DTypeLike | None = None, name: str | None = None
) -> Any:
    """A variable of zeros; a tensor where the shape is not known beforehand."""
    return _filled(fill.zeros, shape, dtype, name)


def ones(
    shape: ShapeLike | Tensor, dtype: DTypeLike | None = None, name: str | None = None
) -> Any:
    """A variable of ones; a tensor where the shape is not known beforehand."""
    return _filled(fill.ones, shape, dtype, name)


def _filled(
    function: Callable[..., Tensor],
    shape: ShapeLike | Tensor,
    dtype: DTypeLike | None,
    name: str | None,
) -> Any:
    with context.init_scope():
        kind = dtypes.as_dtype(floatx() if dtype is None else dtype)
        made = function(shape=shape, dtype=kind, name=name)
        if all(made.shape.as_list()):
            return variable(made, kind, name)
        return made


def zeros_like(
    x: TensorLike, dtype: DTypeLike | None = None, name: str | None = None
) -> Tensor:
    """Zeros of the shape of `x`."""
    return fill.zeros_like(x, dtype=dtype, name=name)


def ones_like(
    x: TensorLike, dtype: DTypeLike | None = None, name: str | None = None
) -> Tensor:
    """Ones of the shape of `x`."""
    return fill.ones_like(x, dtype=dtype, name=name)


def random_uniform_variable(
    shape: Sequence[int],
    low: float,
    high: float,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    seed: int | None = None,
) -> Any:
    """A variable that begins with uniform numbers between `low` and `high`."""
    return _drawn(random.random_uniform, shape, low, high, dtype, name, seed)


def random_normal_variable(
    shape: Sequence[int],
    mean: float,
    scale: float,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    seed: int | None = None,
) -> Any:
    """A variable that begins with normal numbers around `mean`; `scale`: deviation."""
    return _drawn(random.random_normal, shape, mean, scale, dtype, name, seed)


def _drawn(
    function: Callable[..., Tensor],
    shape: Sequence[int],
    first: float,
    second: float,
    dtype: DTypeLike | None,
    name: str | None,
    seed: int | None,
) -> Any:
    """A variable of random numbers; a seed that is missing is NumPy's next number."""
    kind = floatx() if dtype is None else dtype
    if seed is None:
        seed = int(np.random.randint(1_000_000_000))
    made = function(tuple(shape), first, second, dtype=dtypes.as_dtype(kind), seed=seed)
    return variable(made, kind, name)


# ---------------------------------------------------------------------- other types


def cast(x: CompositeLike, dtype: DTypeLike) -> Any:
    """A tensor of another dtype."""
    return cast_op(x, dtype)


def identity(x: TensorLike, name: str | None = None) -> Tensor:
    """The same values, as a tensor of its own."""
    return identity_op(x, name=name)
