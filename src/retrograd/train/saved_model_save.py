"""`tf.saved_model.save`: an object with its variables and functions."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.formats import messages
from retrograd.formats.function_def import BODY
from retrograd.formats.meta_graph import create_meta_graph_def
from retrograd.functions import def_function
from retrograd.functions.concrete import ConcreteFunction
from retrograd.grad.calls import call_function
from retrograd.graph import context
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant, placeholder
from retrograd.ops.declare import F
from retrograd.ops.flow.control import no_op
from retrograd.platform import files
from retrograd.train.checkpoint import TrackableSaver
from retrograd.train.object_graph import ObjectGraph, key_of
from retrograd.train.saved_model_functions import (
    RootView,
    SignatureMap,
    canonical_signatures,
    concrete_functions,
    default_function,
    encoded_spec,
    encoded_trace,
    functions_of,
)
from retrograd.train.saved_model_signatures import (
    MAIN_OP_KEY,
    PREDICT_METHOD_NAME,
    SAVED_MODEL_FILENAME_PB,
    SAVED_MODEL_SCHEMA_VERSION,
    SERVING,
    build_signature_def,
    build_tensor_info,
    get_variables_path,
    op_signature_def,
)
from retrograd.train.saver import Saver
from retrograd.util import protos
from retrograd.util.tracking import Container, Trackable
from retrograd.variables.variable import is_resource_variable

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Message, PathLike, Structure

_INIT_OP_SIGNATURE = "__saved_model_init_op"
_CONTAINERS = {list: "trackable_list_wrapper", dict: "trackable_dict_wrapper"}
_OPTIMIZER = "optimizer"
_GENERIC = "_generic_user_object"


class _Nodes:
    """The objects of a SavedModel, each with its number.

    Args:
      view: the object that is saved, with its signatures.
    """

    def __init__(self, view: RootView) -> None:
        self.below = ObjectGraph(view)
        self.signatures = view.signatures
        objects = self.below.everything()
        self.message: Any = protos.message("saved_object_graph.SavedObjectGraph")()
        self.numbers: dict[int, int] = {id(v): i for i, v in enumerate(objects)}
        #: kept, so that their ids stay theirs
        self.kept: list[Any] = list(objects)
        #: captured tensors by the numbers of their nodes
        self.captured: dict[int, Any] = {}
        for value in objects:
            self._describe(value, self.message.nodes.add())
        for value, node in zip(objects, list(self.message.nodes), strict=True):
            for name, ref in value._checkpoint_dependencies:
                node.children.add(node_id=self.numbers[id(ref)], local_name=name)
        for slot in self.below.slots:
            if getattr(slot.optimizer, "_object_identifier", "") != _OPTIMIZER:
                continue  # readers know slots of Keras' optimizers only
            self.message.nodes[self.numbers[id(slot.optimizer)]].slot_variables.add(
                original_variable_node_id=self.numbers[id(slot.original)],
                slot_name=slot.name,
                slot_variable_node_id=self.numbers[id(slot.variable)],
            )
        self.functions = [
            (function, self._child(value, name, function))
            for value in objects
            for name, function in functions_of(value).items()
        ]
        self._traces = [concrete_functions(f) for f, _ in self.functions]

    def variables(self) -> Iterator[Any]:
        """The variables among the objects, in order."""
        return (v for v in self.kept if is_resource_variable(v))

    def _describe(self, value: Structure, node: Message) -> None:
        if is_resource_variable(value):
            found = node.variable
            found.dtype = value.dtype.base_dtype.as_datatype_enum
            found.shape.CopyFrom(value.shape.as_proto())
            found.trainable = bool(value.trainable)
            found.synchronization = int(value.synchronization.value)
            found.aggregation = int(value.aggregation.value)
            found.name = value.name.rpartition(":")[0] or value.name
            return
        value = value.root if isinstance(value, RootView) else value
        kind = getattr(value, "_object_identifier", _GENERIC)
        if isinstance(value, SignatureMap):
            kind = "signature_map"
        elif isinstance(value, Container):
            kind = _CONTAINERS[dict if isinstance(value.held, dict) else list]
        node.user_object.identifier = kind
        node.user_object.version.producer = 1
        node.user_object.version.min_consumer = 1
        node.user_object.metadata = getattr(value, "_tracking_metadata", "")

    def _add(self, value: object) -> int:
        """A node of its own for something; its number."""
        number = self.numbers[id(value)] = len(self.message.nodes)
        self.kept.append(value)
        self.message.nodes.add()
        return number

    def _child(self, owner: object, name: str, value: object) -> int:
        number = self.numbers.get(id(value))
        if number is None:
            number = self._add(value)
        parent = self.message.nodes[self.numbers[id(owner)]]
        parent.children.add(node_id=number, local_name=name)
        return number

    # -------------------------------------------------------------- functions

    def traces(self) -> list[ConcreteFunction]:
        """All functions of tensors, each once."""
        return list({id(f): f for traces in self._traces for f in traces}.values())

    @functools.cached_property
    def _handles(self) -> dict[int, int]:
        """The numbers of the variables' nodes by the ids of their handles."""
        return {id(v.handle): self.numbers[id(v)] for v in self.variables()}

    def bound(self, function: ConcreteFunction) -> list[int]:
        """The numbers of the nodes of what a function captures.

        Raises:
          AssertionError: it captures what the object does not have.
        """
        captured = function.captured_inputs
        inner = function.inputs[len(function.inputs) - len(captured) :]
        found = []
        for tensor, place in zip(captured, inner, strict=True):
            number = self._handles.get(id(tensor), self.numbers.get(id(tensor)))
            if number is None:
                number = self._add_constant(tensor, place)
            found.append(number)
        return found

    def _add_constant(self, tensor: Structure, inner: Tensor) -> int:
        if tensor.dtype.name == "resource" or not getattr(tensor, "_is_eager", False):
            raise AssertionError(
                f"Tried to export a function which references untracked object {inner}"
                ".TensorFlow objects (e.g. tf.Variable) captured by functions must be "
                "tracked by assigning them to an attribute of a tracked object or "
                "assigned to an attribute of the main object directly."
            )
        number = self._add(tensor)
        self.captured[number] = tensor
        return number

    def describe_functions(self) -> None:
        """Say in the nodes what the functions are called: they have names now."""
        for (function, number), traces in zip(
            self.functions, self._traces, strict=True
        ):
            node = self.message.nodes[number]
            if isinstance(function, def_function.Function):
                node.function.concrete_functions.extend(_names(traces))
                node.function.function_spec.CopyFrom(encoded_spec(function))
            else:
                _describe_bare(function, node)


def _names(functions: Sequence[ConcreteFunction]) -> list[str]:
    return [function.name.decode() for function in functions]


def _describe_bare(function: ConcreteFunction, node: Message) -> None:
    found: Any = node.bare_concrete_function
    found.concrete_function_name = function.name.decode()
    found.argument_keywords.extend(function._arg_keywords or ())
    found.allowed_positional_arguments = function._num_positional_args or 0


def save(obj: Trackable, export_dir: PathLike, signatures: Any = None) -> None:
    """Write an object as a SavedModel: its variables and its functions.

    Args:
      obj: the object; a `tf.Module`, a model of Keras, or another that is tracked.
      export_dir: the folder.
      signatures: a `tf.function` with an input signature or a trace, or a dict of them
        by name: what can be served. By default the one function that can.

    Raises:
      ValueError: the object cannot be tracked, a signature is none, or there is no
        default session where the program builds a graph.
      AssertionError: a function captures a variable that the object does not have, or
        this is called within one.

    Example:
      >>> import tempfile
      >>> import retrograd as tf
      >>> class Double(tf.Module):
      ...     @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
      ...     def __call__(self, x):
      ...         return 2.0 * x
      >>> with tf.Graph().as_default(), tf.Session():
      ...     save(Double(), tempfile.mkdtemp())
    """
    if isinstance(context.get_default_graph(), FuncGraph):
        raise AssertionError(
            "tf.saved_model.save is not supported inside a traced @tf.function. Move "
            "the call to the outer eagerly-executed context."
        )
    if not isinstance(obj, Trackable):
        raise ValueError(f"Expected a Trackable object for export, got {obj}.")
    write(obj, export_dir, signatures)


def write(
    obj: Trackable,
    export_dir: PathLike,
    signatures: Structure = None,
    session: BaseSession | None = None,
) -> None:
    """As `save`; in a graph, `session` has the variables."""
    folder = os.fsdecode(export_dir)
    if signatures is None:
        signatures = default_function(obj)
    view = RootView(obj, SignatureMap(canonical_signatures(signatures)))
    nodes = _Nodes(view)
    meta_graph = _exported(nodes)
    prefix = get_variables_path(folder)
    files.recursive_create_dir(os.path.dirname(prefix))
    TrackableSaver(view).save(prefix, session)
    model: Any = messages.SavedModel(
        saved_model_schema_version=SAVED_MODEL_SCHEMA_VERSION
    )
    model.meta_graphs.add().CopyFrom(meta_graph)
    files.atomic_write_string_to_file(
        os.path.join(folder, SAVED_MODEL_FILENAME_PB), model.SerializeToString()
    )


def _exported(nodes: _Nodes) -> Any:
    """The MetaGraphDef: signatures as calls in a graph, functions as its library."""
    traces = nodes.traces()
    bound = {id(function): nodes.bound(function) for function in traces}
    graph = Graph()
    with graph.as_default():
        tensors, saved = _resources(nodes)
        init = no_op()
        signatures = {
            key: _called(key, function, [tensors[n] for n in bound[id(function)]])
            for key, function in nodes.signatures.items()
        }
        signatures[_INIT_OP_SIGNATURE] = op_signature_def(init, _INIT_OP_SIGNATURE)
        graph.add_to_collection(MAIN_OP_KEY, init)
        for function in traces:
            graph._add_function(function.graph)
        saver = Saver(saved, allow_empty=True) if saved else None
        meta_graph = _meta_graph(graph, saver)
    meta_graph.meta_info_def.tags.append(SERVING)
    for key, signature in signatures.items():
        meta_graph.signature_def[key].CopyFrom(signature)
    for function in traces:
        entry = nodes.message.concrete_functions[function.name.decode()]
        encoded_trace(function, bound[id(function)], entry)
    nodes.describe_functions()
    meta_graph.object_graph_def.CopyFrom(nodes.message)
    return meta_graph


def _meta_graph(graph: Graph, saver: Saver | None) -> Any:
    graph_def: Any = graph.as_graph_def(add_shapes=True)
    for function in graph_def.library.function:
        function.attr.pop(BODY, None)  # later TensorFlow refuses attributes of others
        known = function.attr["_input_shapes"].list
        known.SetInParent()
        for place in range(len(function.signature.input_arg)):
            attr = function.arg_attr[place].attr["_output_shapes"]
            known.shape.add().CopyFrom(attr.list.shape[0])
    return create_meta_graph_def(
        graph_def=graph_def,
        saver_def=None if saver is None else saver.as_saver_def(),
        graph=graph,
    )


def _resources(nodes: _Nodes) -> tuple[dict[int, Tensor], dict[str, Tensor]]:
    """In the graph: variables and constants by number; reads by checkpoint keys."""
    tensors: dict[int, Tensor] = {}
    saved: dict[str, Tensor] = {}
    for value in nodes.variables():
        number = nodes.numbers[id(value)]
        name = value.name.rpartition(":")[0]
        handle = F.VarHandleOp(
            shape=value.shape, dtype=value.dtype, shared_name=name, name=name
        )
        tensors[number] = handle
        read = F.ReadVariableOp(
            handle, dtype=value.dtype, name=f"{handle.op.name}/Read/ReadVariableOp"
        )
        if value in nodes.below.paths:
            key = key_of(nodes.below.name_of(value), "VARIABLE_VALUE")
            saved[key] = read
    for number, tensor in nodes.captured.items():
        made = constant(tensor.numpy(), tensor.dtype)
        tensors[number] = made
        nodes.message.nodes[number].constant.operation = made.op.name
    return tensors, saved


def _called(key: str, function: ConcreteFunction, captured: list[Tensor]) -> Message:
    """A call of a signature, on placeholders; its SignatureDef."""
    names = function._arg_keywords or []
    inputs = {
        name: placeholder(tensor.dtype, tensor.shape, f"{key}_{name}")
        for name, tensor in zip(names, function.inputs, strict=False)
    }
    call = call_function(function.graph, [*inputs.values(), *captured])
    keys = list(function.structured_outputs)
    outputs = dict(zip(sorted(keys), call.outputs, strict=True))
    for name, tensor in outputs.items():
        tensor.set_shape(function.structured_outputs[name].shape)
    return build_signature_def(
        {name: build_tensor_info(t) for name, t in inputs.items()},
        {name: build_tensor_info(t) for name, t in outputs.items()},
        PREDICT_METHOD_NAME,
    )
