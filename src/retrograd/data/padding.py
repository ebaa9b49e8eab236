"""What the parts of elements are filled up to, and with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrograd import dtypes, shapes
from retrograd.data import elements
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.tensor_values import constant_value, constant_value_as_shape

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike


class Padded(NamedTuple):
    """For each part of an element, its shape and what it is filled up with."""

    shapes: list[Tensor]
    values: list[Tensor]


def rows_of(batch_size: TensorLike, drop_remainder: TensorLike) -> int | None:
    """How many elements each batch is known to have."""
    if isinstance(drop_remainder, Tensor):
        drop_remainder = bool(constant_value(drop_remainder))
    if not drop_remainder:
        return None
    if isinstance(batch_size, Tensor):
        found = constant_value(batch_size)
        return None if found is None else int(found)
    return int(batch_size)  # pyright: ignore[reportArgumentType]


def padded(specs: Structure, wanted: Structure, values: Structure) -> Padded:
    """What the parts of an element are filled up to; see `Dataset.padded_batch`."""
    leaves = elements.flat(specs)
    if not all(isinstance(spec, TensorSpec) for spec in leaves):
        raise TypeError("Batching of padded sparse tensors is not currently supported")
    given = elements.shapes_for(specs, wanted)
    sizes = [
        _shape(shape, spec.shape) for shape, spec in zip(given, leaves, strict=True)
    ]
    if values is None:
        fillers = [_nothing(spec.dtype) for spec in leaves]
    else:
        parts = elements.shapes_for(specs, values)
        fillers = [
            _nothing(spec.dtype) if value is None else value
            for value, spec in zip(parts, leaves, strict=True)
        ]
    made = [
        _value(value, spec.dtype) for value, spec in zip(fillers, leaves, strict=True)
    ]
    return Padded(sizes, made)


def _shape(given: Structure, known: Structure) -> Tensor:
    if given is None:
        raise ValueError("None values not supported.")
    sizes = _static_sizes(given)
    if sizes is None:
        tensor = convert_to_tensor(given, preferred_dtype=dtypes.int64)
        if tensor.shape.ndims != 1 or tensor.dtype != dtypes.int64:
            raise _no_shape(given, tensor)
    else:
        tensor = convert_to_tensor(sizes, dtypes.int64)
    found = shapes.TensorShape(constant_value_as_shape(tensor))
    if not _fits(found, known):
        raise ValueError(
            f"The padded shape {found} is not compatible with the corresponding input "
            f"component shape {known}."
        )
    return tensor


def _static_sizes(given: Structure) -> list[int] | None:
    """The sizes of what stands for a shape; None where it is a tensor."""
    if isinstance(given, Tensor | np.ndarray):
        return None
    try:
        sizes = shapes.TensorShape(given).as_list()
    except (TypeError, ValueError):
        return None
    return [-1 if size is None else size for size in sizes]


def _no_shape(given: Structure, tensor: Tensor) -> Exception:
    if tensor.shape.ndims != 1:
        return ValueError(
            f"Padded shape {given} must be a 1-D tensor of tf.int64 values, but its "
            f"shape was {tensor.shape}."
        )
    return TypeError(
        f"Padded shape {given} must be a 1-D tensor of tf.int64 values, but its "
        f"element type was {tensor.dtype.name}."
    )


def _fits(padded_shape: shapes.TensorShape, known: shapes.TensorShape) -> bool:
    if padded_shape.ndims is None or known.ndims is None:
        return True
    if padded_shape.ndims != known.ndims:
        return False
    pairs = zip(padded_shape.as_list(), known.as_list(), strict=True)
    return all(a is None or b is None or a >= b for a, b in pairs)


def _nothing(dtype: dtypes.DType) -> Any:
    if dtype.base_dtype == dtypes.string:
        return ""
    return np.zeros([], dtype.as_numpy_dtype)


def _value(value: Structure, dtype: dtypes.DType) -> Tensor:
    tensor = convert_to_tensor(value, name="padding_value")
    if tensor.shape.ndims != 0:
        raise ValueError(f"Padding value should be a scalar, but is not: {value}")
    if tensor.dtype != dtype:
        raise TypeError(
            f"Padding value tensor ({value if isinstance(value, Tensor) else tensor}) "
            f"does not match output type: {dtype!s}"
        )
    return tensor


def specs_of(specs: Structure, sizes: list[Tensor], rows: int | None) -> Any:
    """The specs of batches of filled up elements."""
    rest = iter(sizes)

    def filled(spec: TensorSpec) -> TensorSpec:
        shape = shapes.TensorShape(constant_value_as_shape(next(rest)))
        return TensorSpec(shapes.TensorShape([rows]).concatenate(shape), spec.dtype)

    return elements.mapped(filled, specs)
