"""`tf.data.experimental.Optional`: values that may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.data import elements, kinds
from retrograd.graph.composite import CompositeTensor
from retrograd.graph.specs import TypeSpec
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure


class Optional:
    """A value that may be missing."""

    def has_value(self, name: str | None = None) -> Any:
        """Whether it is there, a bool scalar."""
        raise NotImplementedError("Optional.has_value()")

    def get_value(self, name: str | None = None) -> Any:
        """The value.

        Raises:
          InvalidArgumentError: (when run) it is missing.
        """
        raise NotImplementedError("Optional.get_value()")

    @property
    def value_structure(self) -> Any:
        """What is known about the value."""
        raise NotImplementedError("Optional.value_structure")

    @staticmethod
    def from_value(value: Structure) -> Any:
        """A value that is there."""
        element = elements.normalized(value)
        specs = elements.specs_of(element)
        made = F.OptionalFromValue(elements.tensors_of(specs, element))
        return _OptionalImpl(made, specs)

    @staticmethod
    def none_from_structure(value_structure: Structure) -> Any:
        """One that is missing."""
        return _OptionalImpl(F.OptionalNone(), value_structure)


class _OptionalImpl(CompositeTensor, Optional):
    """A value that a variant tensor stands for."""

    def __init__(self, variant_tensor: Tensor, value_structure: Structure) -> None:
        self._variant_tensor = variant_tensor
        self._value_structure = value_structure

    def has_value(self, name: str | None = None) -> Any:
        """See `Optional`."""
        return F.OptionalHasValue(self._variant_tensor, name=name)

    def get_value(self, name: str | None = None) -> Any:
        """See `Optional`."""
        specs = self._value_structure
        found = F.OptionalGetValue(
            self._variant_tensor, name=name, **elements.attrs_of(specs)
        )
        return elements.packed(specs, found)

    @property
    def value_structure(self) -> Any:
        """See `Optional`."""
        return self._value_structure

    @property
    def _type_spec(self) -> OptionalSpec:
        return OptionalSpec(self._value_structure)


class OptionalSpec(TypeSpec, kinds.Carried):
    """What is known about a value that may be missing.

    Args:
      value_structure: what is known about the value.
    """

    def __init__(self, value_structure: Structure) -> None:
        self._value_structure = value_structure

    @property
    def value_type(self) -> Any:
        """The class of such values."""
        return _OptionalImpl

    @property
    def _component_specs(self) -> Any:
        return kinds.carrier(self)

    def _to_legacy_output_types(self) -> Any:
        return self

    _to_legacy_output_shapes = _to_legacy_output_classes = _to_legacy_output_types

    def _serialize(self) -> tuple[Any, ...]:
        return (self._value_structure,)

    def _to_components(self, value: Structure) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Tensor) -> Any:
        return _OptionalImpl(components, self._value_structure)

    @staticmethod
    def from_value(value: Structure) -> OptionalSpec:
        """What is known about a value that may be missing."""
        return OptionalSpec(value.value_structure)


def get_next_as_optional(iterator: Structure) -> Any:
    """The next element of an iterator, or none at its end."""
    specs = iterator.element_spec
    found = F.IteratorGetNextAsOptional(
        iterator._iterator_resource, **elements.attrs_of(specs)
    )
    return _OptionalImpl(found, specs)
