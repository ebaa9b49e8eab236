"""What an element of a dataset consists of: tensors in tuples and dictionaries.

A list is not a structure here but a tensor, as everywhere in `tf.data`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.errors import message
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import CompositeTensor, TensorSpec
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike


def _parts(structure: Structure) -> list[Any] | None:
    """What a structure consists of, in the order of `flat`; None for a tensor."""
    if isinstance(structure, Mapping):
        return [structure[key] for key in sorted(structure)]
    return list(structure) if isinstance(structure, tuple) else None


def flat(structure: Structure) -> list[Any]:
    """The tensors of a structure, in order; those of mappings by key."""
    parts = _parts(structure)
    if parts is None:
        return [structure]
    return [leaf for part in parts for leaf in flat(part)]


def mapped(function: Callable[[Any], Any], structure: Structure) -> Any:
    """A structure with `function` of each tensor, called in the order of `flat`."""
    parts = _parts(structure)
    if parts is None:
        return function(structure)
    return nest.sequence_like(structure, [mapped(function, part) for part in parts])


def normalized(element: Structure) -> Any:
    """An element with everything in it as a tensor.

    Raises:
      TypeError: a sparse tensor, or what cannot be a tensor.
    """
    leaves = flat(element)
    with dispatch.name_scope("normalize_element"):
        tensors = [_tensor(leaf, i) for i, leaf in enumerate(leaves)]
    return packed(element, tensors)


def _tensor(value: TensorLike, index: int) -> Tensor:
    if isinstance(value, CompositeTensor):
        raise TypeError(
            message(
                "Dataset: an element with a sparse part.",
                got=value,
                fix="pass its indices, values and dense_shape",
            )
        )
    return convert_to_tensor(value, name=f"component_{index}")


def specs_of(element: Structure) -> Any:
    """What is known about the tensors of an element: its TensorSpecs."""
    return mapped(lambda t: TensorSpec(t.shape, t.dtype), element)


def packed(specs: Structure, tensors: Iterable[Any]) -> Any:
    """Tensors in the structure of an element."""
    rest = iter(tensors)
    return mapped(lambda _: next(rest), specs)


def specs_from(output_types: Structure, output_shapes: Structure = None) -> Any:
    """TensorSpecs of types, and of shapes in the same structure; by default unknown."""
    kinds = flat(output_types)
    found = [None] * len(kinds)
    if output_shapes is not None:
        found = _shapes_for(output_types, output_shapes)
    rest = iter(found)
    return mapped(lambda kind: TensorSpec(next(rest), kind), output_types)


def _shapes_for(types: Structure, given: Structure) -> list[Any]:
    """The shapes that belong to types; a shape may be a tuple itself."""
    parts = _parts(types)
    if parts is None:
        return [given]
    pairs = zip(parts, _parts(given) or (), strict=True)
    return [shape for pair in pairs for shape in _shapes_for(*pair)]


def types_of(specs: Structure) -> Any:
    """The dtypes of an element's tensors."""
    return mapped(lambda spec: spec.dtype, specs)


def shapes_of(specs: Structure) -> Any:
    """The static shapes of an element's tensors."""
    return mapped(lambda spec: spec.shape, specs)


def classes_of(specs: Structure) -> Any:
    """The Python types of an element's parts."""
    return mapped(lambda spec: spec.value_type, specs)


def attrs_of(specs: Structure) -> dict[str, Any]:
    """The attributes by which ops know the tensors of an element."""
    leaves = flat(specs)
    return {
        "output_types": [spec.dtype for spec in leaves],
        "output_shapes": [shapes.raw(spec.shape) for spec in leaves],
    }
