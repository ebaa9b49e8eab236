"""How the parts of elements that are no tensors are carried by tensors.

A sparse tensor is three variants; what else there is (datasets, optional values) tells
it with its spec: such a spec is a `Carried`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph.composite import SparseTensor, SparseTensorSpec
from retrograd.graph.specs import TensorSpec, TypeSpec
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ShapeLike, Structure


class Carried:
    """The spec of values that are carried by one variant tensor.

    A subclass gives `value_class`, the type of the values, `_to_components`, their
    tensor, and `_from_components`, the value of a tensor.
    """

    #: the shape of the tensor
    _variant_shape: tuple[int | None, ...] | None = ()

    _to_components: Any
    _from_components: Any


def spec_of(value: object) -> Any:
    """The spec of a value that is carried; None for any other."""
    spec = getattr(value, "_type_spec", None)
    return spec if isinstance(spec, Carried | SparseTensorSpec) else None


def carrier(spec: Structure) -> TensorSpec:
    """The spec of the tensor that carries what has a spec."""
    if isinstance(spec, TensorSpec):
        return spec
    if isinstance(spec, Carried):
        return TensorSpec(spec._variant_shape, dtypes.variant)
    return TensorSpec(None, dtypes.variant)


def carried(spec: Structure, value: Structure) -> Tensor:
    """The tensor that carries a value."""
    if isinstance(spec, SparseTensorSpec):
        return F.SerializeSparse(
            value.indices, value.values, value.dense_shape, out_type=dtypes.variant
        )
    return value if isinstance(spec, TensorSpec) else spec._to_components(value)


def rows_carried(spec: Structure, value: Structure) -> Tensor:
    """The tensor whose rows carry the rows of a value."""
    if isinstance(spec, SparseTensorSpec):
        return F.SerializeManySparse(
            value.indices, value.values, value.dense_shape, out_type=dtypes.variant
        )
    return carried(spec, value)


def made(spec: Structure, tensor: Tensor) -> Any:
    """The value that a tensor carries."""
    if isinstance(spec, TensorSpec):
        return tensor
    if isinstance(spec, SparseTensorSpec):
        parts = F.DeserializeSparse(tensor, dtype=spec.dtype)
        rank = spec.shape.ndims
        if not hasattr(parts[0], "_value"):
            parts[0].set_shape([None, rank])
            parts[2].set_shape([rank])
        return SparseTensor(*parts)
    return spec._from_components(tensor)


def legacy(dtype: DTypeLike, shape: ShapeLike, cls: Structure) -> Any:
    """The spec that a dtype, a shape and a class stand for."""
    for given in (cls, dtype):
        if isinstance(given, TypeSpec) and not isinstance(given, TensorSpec):
            return given
    if cls is SparseTensor:
        return SparseTensorSpec(shape, dtype)
    return TensorSpec(shape, dtype)


def batched(spec: Structure, rows: int | None) -> Any:
    """The spec of several values as one."""
    if isinstance(spec, TensorSpec):
        shape = shapes.TensorShape([rows]).concatenate(spec.shape)
        return TensorSpec(shape, spec.dtype)
    return spec._batch(rows)


def unbatched(spec: Structure) -> Any:
    """The spec of one of the values that are one.

    Raises:
      ValueError: it has no rows.
    """
    if not isinstance(spec, TensorSpec):
        return spec._unbatch()
    if spec.shape.ndims == 0:
        raise ValueError("Unbatching a tensor is only supported for rank >= 1")
    return TensorSpec(spec.shape[1:], spec.dtype)
