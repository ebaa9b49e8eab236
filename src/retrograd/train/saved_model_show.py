"""`saved_model_cli show`: what a SavedModel holds, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.formats import structures
from retrograd.graph.specs import TensorSpec
from retrograd.train.saved_model_loader import meta_graph_with_tags
from retrograd.train.saved_model_utils import (
    get_meta_graph_def,
    get_saved_model_tag_sets,
    read_saved_model,
)
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message, PathLike, Structure


def get_signature_def_map(saved_model_dir: PathLike, tag_set: str) -> Any:
    """The signatures of the graph with some tags, by name."""
    return get_meta_graph_def(saved_model_dir, tag_set).signature_def


def show_tag_sets(saved_model_dir: PathLike) -> None:
    """Print the tags of each graph."""
    tag_sets = sorted(get_saved_model_tag_sets(saved_model_dir))
    print("The given SavedModel contains the following tag-sets:")
    for tags in tag_sets:
        print(", ".join(sorted(tags)))


def show_signature_def_map_keys(saved_model_dir: PathLike, tag_set: str) -> None:
    """Print the names of the signatures of a graph."""
    keys = sorted(get_signature_def_map(saved_model_dir, tag_set))
    print(
        "The given SavedModel MetaGraphDef contains SignatureDefs with the following "
        "keys:"
    )
    for key in keys:
        print(f'SignatureDef key: "{key}"')


def show_inputs_outputs(
    saved_model_dir: PathLike, tag_set: str, signature_def_key: str, indent: int = 0
) -> None:
    """Print what a signature takes and gives."""
    graph = get_meta_graph_def(saved_model_dir, tag_set)
    _show_signature(graph, signature_def_key, indent)


def _show_signature(graph: Any, key: str, indent: int) -> None:
    signature = graph.signature_def[key]  # one without anything where there is none
    margin = "  " * indent
    for kind, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        print(
            f"{margin}The given SavedModel SignatureDef contains the following "
            f"{kind}(s):"
        )
        for name, info in sorted(tensors.items()):
            print(f"{margin}  {kind}s['{name}'] tensor_info:")
            _print_tensor_info(info, indent + 1)
    print(f"{margin}Method name is: {signature.method_name}")


def _print_tensor_info(info: Message, indent: int) -> None:
    margin = "  " * indent
    print(f"{margin}    dtype: {_type_name(info.dtype)}")
    if info.tensor_shape.unknown_rank:
        shape = "unknown_rank"
    else:
        shape = f"({', '.join(str(dim.size) for dim in info.tensor_shape.dim)})"
    print(f"{margin}    shape: {shape}")
    print(f"{margin}    name: {info.name}")


def _type_name(number: int) -> str:
    field = protos.message("tensor.TensorProto").DESCRIPTOR.fields_by_name["dtype"]
    known = field.enum_type.values_by_number.get(number)
    return str(number) if known is None else known.name


def show_all(saved_model_dir: PathLike) -> None:
    """Print all signatures of all graphs, and the functions."""
    model = read_saved_model(saved_model_dir)
    for tags in sorted(list(graph.meta_info_def.tags) for graph in model.meta_graphs):
        print(
            f"\nMetaGraphDef with tag-set: '{', '.join(tags)}' contains the following "
            "SignatureDefs:"
        )
        graph = meta_graph_with_tags(model, tags)
        for key in sorted(graph.signature_def):
            print(f"\nsignature_def['{key}']:")
            _show_signature(graph, key, indent=1)
        _show_defined_functions(graph)


def _show_defined_functions(meta_graph: Message) -> None:
    """Print the functions that objects of the model have."""
    known: Any = meta_graph
    if not known.HasField("object_graph_def"):
        return
    graph = known.object_graph_def
    print("\nDefined Functions:", end="")
    children = sorted(graph.nodes[0].children, key=lambda child: child.local_name)
    for child in children:
        node = graph.nodes[child.node_id]
        kind = node.WhichOneof("kind")
        if kind == "function":
            names = list(node.function.concrete_functions)
        elif kind == "bare_concrete_function":
            names = [node.bare_concrete_function.concrete_function_name]
        else:
            continue
        print(f"\n  Function Name: '{child.local_name}'")
        for number, name in enumerate(names, 1):
            print(f"    Option #{number}")
            print("      Callable with:")
            saved = graph.concrete_functions[name]
            args, kwargs = structures.decode(saved.canonicalized_input_signature)
            _print_args(args, "Argument", indent=4)
            if kwargs:
                _print_args(kwargs, "Named Argument", indent=4)


def _print_args(
    arguments: Sequence[Structure] | Mapping[str, Structure],
    argument_type: str,
    indent: int,
) -> None:
    """Print the arguments of a function."""
    margin = "  " * indent
    named = isinstance(arguments, Mapping)
    pairs = (
        sorted(arguments.items())
        if isinstance(arguments, Mapping)
        else enumerate(arguments, 1)
    )
    for key, element in pairs:
        shown = f"'{key}'" if named else f"#{key}"
        print(f"{margin}{argument_type} {shown}")
        if isinstance(element, TensorSpec):
            print(f"{margin}  {element.name}: {element!r}")
        elif isinstance(element, (list, tuple, dict)):
            print(f"{margin}  DType: {type(element).__name__}")
            print(f"{margin}  Value: ", end="")
            _print_value(element)
        else:
            print(f"{margin}  DType: {type(element).__name__}")
            print(f"{margin}  Value: {element}")


def _print_value(element: Structure) -> None:
    items = element.values() if isinstance(element, dict) else element
    shown = [
        f"{item.name}: {item!r}" if isinstance(item, TensorSpec) else str(item)
        for item in items
    ]
    print(f"[{', '.join(shown)}]")
