"""What an element of a dataset consists of: tensors in tuples and dictionaries.

A list is not a structure here but a tensor, as everywhere in `tf.data`. A part that is
no tensor (a sparse tensor, a dataset) is carried as one of a kind that `kinds` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.data import kinds
from retrograd.graph import dispatch
from retrograd.graph.composite import SparseTensor, SparseTensorValue
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import CompositeTensor, TensorSpec, TypeSpec
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import Structure


def _parts(structure: Structure) -> list[Any] | None:
    """What a structure consists of, in the order of `flat`; None for a tensor."""
    if isinstance(structure, Mapping):
        return [structure[key] for key in sorted(structure)]
    if isinstance(structure, tuple):
        return None if isinstance(structure, SparseTensorValue) else list(structure)
    if hasattr(type(structure), "__attrs_attrs__"):
        return [getattr(structure, a.name) for a in type(structure).__attrs_attrs__]
    return None


def flat(structure: Structure) -> list[Any]:
    """The parts of a structure, in order; those of mappings by key."""
    parts = _parts(structure)
    if parts is None:
        return [structure]
    return [leaf for part in parts for leaf in flat(part)]


def mapped(function: Callable[[Any], Any], structure: Structure) -> Any:
    """A structure with `function` of each part, called in the order of `flat`."""
    parts = _parts(structure)
    if parts is None:
        return function(structure)
    return nest.sequence_like(structure, [mapped(function, part) for part in parts])


def replaced(structure: Structure, leaves: Iterable[Any]) -> Any:
    """A structure with other parts, given in the order of `flat`."""
    rest = iter(leaves)
    return mapped(lambda _: next(rest), structure)


def normalized(element: Structure) -> Any:
    """An element with everything in it as a tensor, or as what datasets can hold.

    Raises:
      TypeError: what cannot be a tensor.
    """
    leaves = flat(element)
    with dispatch.name_scope("normalize_element"):
        made = [_normal(leaf, i) for i, leaf in enumerate(leaves)]
    return replaced(element, made)


def _normal(value: Structure, index: int) -> Any:
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if isinstance(value, CompositeTensor) or kinds.spec_of(value) is not None:
        return value
    return convert_to_tensor(value, name=f"component_{index}")


def specs_of(element: Structure) -> Any:
    """What is known about the parts of an element: their specs."""
    return mapped(_spec_of, element)


def _spec_of(value: Structure) -> TypeSpec:
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    found = kinds.spec_of(value)
    return value._type_spec if found is None else found


def packed(specs: Structure, tensors: Iterable[Any]) -> Any:
    """Tensors in the structure of an element."""
    rest = iter(tensors)
    return mapped(lambda spec: kinds.made(spec, next(rest)), specs)


def tensors_of(specs: Structure, element: Structure) -> list[Any]:
    """The tensors that carry the parts of an element, in order."""
    pairs = zip(flat(specs), flat(element), strict=True)
    return [kinds.carried(spec, value) for spec, value in pairs]


def specs_from(
    output_types: Structure,
    output_shapes: Structure = None,
    output_classes: Structure = None,
) -> Any:
    """The specs of types, shapes and classes in one structure.

    Args:
      output_types: dtypes.
      output_shapes: shapes, which may be tuples themselves; by default unknown.
      output_classes: `Tensor`, the default, or another class of parts.
    """
    leaves = flat(output_types)
    found = [None] * len(leaves)
    if output_shapes is not None:
        found = shapes_for(output_types, output_shapes)
    classes = [Tensor] * len(leaves) if output_classes is None else flat(output_classes)
    specs = [kinds.legacy(*parts) for parts in zip(leaves, found, classes, strict=True)]
    return replaced(output_types, specs)


def shapes_for(types: Structure, given: Structure) -> list[Any]:
    """The shapes that belong to types; a shape may be a tuple itself."""
    parts = _parts(types)
    if parts is None:
        return [given]
    pairs = zip(parts, _parts(given) or (), strict=True)
    return [shape for pair in pairs for shape in shapes_for(*pair)]


def types_of(specs: Structure) -> Any:
    """The dtypes of an element's parts."""
    return mapped(lambda spec: spec._to_legacy_output_types(), specs)


def shapes_of(specs: Structure) -> Any:
    """The static shapes of an element's parts."""
    return mapped(lambda spec: spec._to_legacy_output_shapes(), specs)


def classes_of(specs: Structure) -> Any:
    """The Python types of an element's parts."""
    return mapped(lambda spec: spec._to_legacy_output_classes(), specs)


def attrs_of(specs: Structure) -> dict[str, Any]:
    """The attributes by which ops know the tensors of an element."""
    carriers = [kinds.carrier(spec) for spec in flat(specs)]
    return {
        "output_types": [spec.dtype for spec in carriers],
        "output_shapes": [shapes.raw(spec.shape) for spec in carriers],
    }


def batched(specs: Structure, rows: int | None) -> Any:
    """The specs of several elements as one."""
    return mapped(lambda spec: kinds.batched(spec, rows), specs)


def unbatched(specs: Structure) -> Any:
    """The specs of one of the elements that are one.

    Raises:
      ValueError: a part has no rows.
    """
    return mapped(kinds.unbatched, specs)
