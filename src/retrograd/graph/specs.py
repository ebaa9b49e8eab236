"""Descriptions of values: dtype and shape of a tensor, parts of a composite value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, nest, shapes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ShapeLike, Structure


class CompositeTensor:
    """Base of values that a session takes apart into tensors."""

    @property
    def _type_spec(self) -> Any:
        raise NotImplementedError

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        raise NotImplementedError

    @property
    def op(self) -> Any:
        """The operation that makes the values."""
        raise NotImplementedError


class TypeSpec:
    """What is known about a value before it exists.

    A subclass gives `_serialize()`, the arguments that make an equal one, and, for
    values of several tensors, `_component_specs`, `_to_components`, `_from_components`.
    """

    @property
    def value_type(self) -> Any:
        """The Python type of the values."""
        raise NotImplementedError(f"{type(self).__name__}.value_type")

    @property
    def _component_specs(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._component_specs()")

    def _to_components(self, value: Structure) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._to_components()")

    def _from_components(self, components: Structure) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._from_components()")

    def _serialize(self) -> tuple[Any, ...]:
        raise NotImplementedError(f"{type(self).__name__}._serialize()")

    @classmethod
    def _deserialize(cls, serialization: Iterable[Any]) -> Any:
        return cls(*serialization)

    def is_compatible_with(self, spec_or_value: object) -> bool:
        """Whether a value, or those of another description, can be of this type."""
        other = spec_or_value
        if not isinstance(other, TypeSpec):
            other = type_spec_from_value(other)
        if type(self) is not type(other):
            return False
        return _compatible(self._serialize(), other._serialize())

    def most_specific_compatible_type(self, other: TypeSpec) -> TypeSpec:
        """The narrowest description that takes the values of both.

        Raises:
          ValueError: there is none.
        """
        if type(self) is not type(other):
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return self._deserialize(_widened(self._serialize(), other._serialize()))

    def _to_tensor_list(self, value: Structure) -> list[Any]:
        return nest.flatten(self._to_components(value), expand_composites=True)

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Tensor]) -> Any:
        return self._from_components(
            nest.pack_sequence_as(
                self._component_specs, tensor_list, expand_composites=True
            )
        )

    def _from_tensor_list(self, tensor_list: Sequence[Tensor]) -> Any:
        expected = self._flat_tensor_specs
        if len(tensor_list) != len(expected):
            raise ValueError("Incompatible input: wrong number of tensors")
        for i, (spec, tensor) in enumerate(zip(expected, tensor_list, strict=True)):
            if not type_spec_from_value(tensor).is_compatible_with(spec):
                raise ValueError(
                    f"Incompatible input: tensor {i} ({tensor}) is incompatible with "
                    f"{spec}"
                )
        return self._from_compatible_tensor_list(tensor_list)

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return nest.flatten(self._component_specs, expand_composites=True)

    def _to_legacy_output_classes(self) -> Any:
        return self.value_type

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _key(self._serialize()) == _key(
            other._serialize()
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), _key(self._serialize())))

    def __reduce__(self) -> Any:
        return type(self), self._serialize()

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._serialize()!r}"


def _key(value: object) -> Any:
    if isinstance(value, shapes.TensorShape):
        return ("shape", shapes.raw(value))
    if isinstance(value, dict):
        return tuple((k, _key(value[k])) for k in sorted(value))
    if isinstance(value, tuple | list):
        return tuple(_key(v) for v in value)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return value


def _compatible(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple | list):
        pairs = zip(a, b, strict=False)
        return len(a) == len(b) and all(_compatible(x, y) for x, y in pairs)
    if isinstance(a, dict):
        return sorted(a) == sorted(b) and all(_compatible(a[k], b[k]) for k in a)
    if isinstance(a, shapes.TensorShape | TypeSpec | dtypes.DType):
        return a.is_compatible_with(b)
    return a == b


def _widened(a: Any, b: Any) -> Any:
    if type(a) is not type(b):
        raise ValueError(f"Types are not compatible: {a!r} vs {b!r}")
    if isinstance(a, tuple | list):
        if len(a) != len(b):
            raise ValueError(f"Types are not compatible: {a!r} vs {b!r}")
        return tuple(_widened(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        if sorted(a) != sorted(b):
            raise ValueError(f"Types are not compatible: {a!r} vs {b!r}")
        return {k: _widened(a[k], b[k]) for k in a}
    if isinstance(a, shapes.TensorShape):
        return a.most_specific_compatible_shape(b)
    if isinstance(a, TypeSpec):
        return a.most_specific_compatible_type(b)
    if _key(a) != _key(b):
        raise ValueError(f"Types are not compatible: {a!r} vs {b!r}")
    return a


def _with_shape(value: Structure) -> Any:
    """What has a dtype and a shape: the value or the description of it."""
    if isinstance(value, TypeSpec | Tensor) or hasattr(value, "shape"):
        return value
    return type_spec_from_value(value)


class TensorSpec(TypeSpec):
    """Dtype and shape of a tensor.

    Args:
      shape: what is known of the shape.
      dtype: the type of the elements.
      name: a name for the tensor.
    """

    def __init__(
        self,
        shape: ShapeLike,
        dtype: DTypeLike = dtypes.float32,
        name: str | None = None,
    ) -> None:
        self._shape = shapes.TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._name = name

    @classmethod
    def from_spec(cls, spec: TensorSpec, name: str | None = None) -> TensorSpec:
        """A copy of a description, with another name."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Tensor, name: str | None = None) -> TensorSpec:
        """The description of a tensor."""
        return cls(tensor.shape, tensor.dtype, name or tensor.op.name)

    @property
    def shape(self) -> shapes.TensorShape:
        """What is known of the shape."""
        return self._shape

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        return self._dtype

    @property
    def name(self) -> str | None:
        """The name, or None."""
        return self._name

    @property
    def value_type(self) -> Any:
        """`Tensor`."""
        return Tensor

    # 1.15 has another name for the parameter here, and programs may pass it by name
    def is_compatible_with(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, spec_or_tensor: object
    ) -> bool:
        """Whether dtypes are the same and shapes agree as far as known."""
        other = _with_shape(spec_or_tensor)
        return self._dtype.is_compatible_with(
            other.dtype
        ) and self._shape.is_compatible_with(other.shape)

    def most_specific_compatible_type(self, other: Any) -> TensorSpec:
        """See `TypeSpec`."""
        if type(self) is not type(other) or self._dtype != other.dtype:
            raise ValueError(f"Types are not compatible: {self!r} vs {other!r}")
        shape = self._shape.most_specific_compatible_shape(other.shape)
        return TensorSpec(shape, self._dtype)

    @property
    def _component_specs(self) -> Any:
        return self

    def _to_components(self, value: Tensor) -> Any:
        return convert_to_tensor(value, self._dtype)

    def _from_components(self, components: Tensor) -> Any:
        return components

    def _serialize(self) -> tuple[Any, ...]:
        return (self._shape, self._dtype, self._name)

    def _to_legacy_output_types(self) -> Any:
        return self._dtype

    def _to_legacy_output_shapes(self) -> Any:
        return self._shape

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TensorSpec)
            and shapes.raw(self._shape) == shapes.raw(other._shape)
            and self._dtype == other._dtype
            and self._name == other._name
        )

    def __hash__(self) -> int:
        return hash((shapes.raw(self._shape), self._dtype))

    def __repr__(self) -> str:
        return (
            f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"
        )


nest.register_type("CompositeTensor", CompositeTensor)
nest.register_type("TypeSpec", TypeSpec)
nest.register_type("TensorSpec", TensorSpec)

_converters: list[tuple[Any, Any, bool]] = []


def register_type_spec_from_value_converter(
    type_object: type,
    converter_fn: Callable[[Any], TypeSpec],
    allow_subclass: bool = False,
) -> None:
    """Have `converter_fn(value)` describe values of a type."""
    _converters.append((type_object, converter_fn, allow_subclass))


def type_spec_from_value(value: Structure) -> Any:
    """The description of a value.

    Raises:
      TypeError: there is none for its type.
    """
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype.base_dtype)
    if isinstance(value, CompositeTensor):
        return value._type_spec
    for type_object, converter, allow_subclass in _converters:
        if type(value) is type_object or (
            allow_subclass and isinstance(value, type_object)
        ):
            return converter(value)
    try:
        tensor = convert_to_tensor(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"Could not build a TypeSpec for {value!r} with type {type(value).__name__}"
        ) from None
    return TensorSpec(tensor.shape, tensor.dtype)
