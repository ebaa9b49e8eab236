"""`tf.saved_model.load` of version 2: objects with their variables and functions."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.formats import structures
from retrograd.formats.importer import import_graph_def
from retrograd.formats.later import drop_what_came_later
from retrograd.formats.node import tensor_value
from retrograd.functions.concrete import ConcreteFunction
from retrograd.graph import context
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.specs import TensorSpec
from retrograd.ops.array.constant import constant
from retrograd.ops.flow.control import group
from retrograd.platform import files
from retrograd.shapes import TensorShape
from retrograd.train.checkpoint import TrackableSaver
from retrograd.train.restored_function import RestoredFunction, spec_from
from retrograd.train.saved_model_functions import FUNCTIONS, SignatureMap
from retrograd.train.saved_model_loader import parse_saved_model
from retrograd.train.saved_model_signatures import (
    ASSETS_DIRECTORY,
    get_variables_path,
)
from retrograd.util import protos
from retrograd.util.tracking import AutoTrackable
from retrograd.variables.resource import UninitializedVariable
from retrograd.variables.variable import is_resource_variable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Message, PathLike, Structure

_OWN_NAME = re.compile(r"(?:__inference_)*(.*?)(?:_\d+)?\Z", re.DOTALL)


class _UserObject(AutoTrackable):
    """An object of a SavedModel: it has what the object that was saved had."""

    def _list_functions_for_serialization(self) -> dict[str, Any]:
        known = self.__dict__.items()
        return {name: value for name, value in known if isinstance(value, FUNCTIONS)}


class _CallableUserObject(_UserObject):
    """An object of a SavedModel that can be called."""

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call what was its `__call__`."""
        return self.__dict__["__call__"](*args, **kwargs)


class Asset(AutoTrackable):
    """A file that a SavedModel brings along.

    Args:
      path: where it is.
    """

    def __init__(self, path: str) -> None:
        self.asset_path = constant(path)


class Resource(AutoTrackable):
    """Something with a handle, such as a table, made by functions of the model."""

    _handle: Any = None

    @property
    def resource_handle(self) -> Any:
        """The handle, made when it is first asked for."""
        if self._handle is None:
            self.__dict__["_handle"] = self.__dict__["_create_resource"]()
        return self._handle


class _Loader:
    """Makes the objects of a SavedModel.

    Args:
      meta_graph: its MetaGraphDef.
      export_dir: the folder.
    """

    def __init__(self, meta_graph: Message, export_dir: str) -> None:
        self._meta_graph: Any = meta_graph
        self._saved: Any = self._meta_graph.object_graph_def
        self._export_dir = export_dir
        self._functions = self._library()
        self.objects = [self._made(node) for node in self._saved.nodes]
        self._attach()
        for name in self._saved.concrete_functions:
            if name in self._functions:
                self._capture(name)

    @property
    def root(self) -> Any:
        """The object that was saved."""
        return self.objects[0]

    # -------------------------------------------------------------- functions

    def _library(self) -> dict[str, ConcreteFunction]:
        """The functions of the model by the names that they were saved under."""
        graph_def = protos.message("graph.GraphDef")()
        source = self._meta_graph.graph_def
        graph_def.versions.CopyFrom(source.versions)
        graph_def.library.CopyFrom(source.library)
        drop_what_came_later(graph_def)
        graph = Graph()
        with graph.as_default():
            import_graph_def(graph_def, name="")
        found = {}
        for definition in source.library.function:
            name = definition.signature.name
            body = graph._get_function(name)
            if not isinstance(body, FuncGraph):
                found[name] = body
                continue
            match = _OWN_NAME.fullmatch(name)
            # names of this process: it may have functions of the same name
            body.name = body.function_name = match[1] if match and match[1] else name
            body.definition = None
            found[name] = ConcreteFunction(body)
        return {n: f for n, f in found.items() if isinstance(f, ConcreteFunction)}

    def _capture(self, name: str) -> None:
        """Give a function what it takes from outside, and its signature."""
        function = self._functions[name]
        saved = self._saved.concrete_functions[name]
        bound = [self.objects[number] for number in saved.bound_inputs]
        tensors = [_tensor(value) for value in bound]
        body = function.graph
        inner = body.inputs[len(body.inputs) - len(tensors) :]
        body.reset_captures(zip(tensors, inner, strict=True))
        body.variables = [value for value in bound if is_resource_variable(value)]
        function._captured_inputs = tensors

    def _describe(self, name: str) -> ConcreteFunction | None:
        """A function with what is said of its arguments; None if it has no body."""
        function = self._functions.get(name)
        if function is None:
            return None
        saved = self._saved.concrete_functions[name]
        body = function.graph
        body.structured_input_signature = structures.decode(
            saved.canonicalized_input_signature
        )
        body.structured_outputs = structures.decode(saved.output_signature)
        specs = nest.flatten(body.structured_outputs, expand_composites=True)
        known = [spec for spec in specs if isinstance(spec, TensorSpec)]
        if len(known) == len(body.outputs):
            for tensor, spec in zip(body.outputs, known, strict=True):
                tensor.set_shape(spec.shape)
        return function

    # ---------------------------------------------------------------- objects

    def _made(self, node: Message) -> Any:
        kind = node.WhichOneof("kind")
        make: dict[str, Callable[[Any], Any]] = {
            "user_object": lambda held: self._user_object(held, node),
            "variable": _variable,
            "function": self._function,
            "bare_concrete_function": self._bare_function,
            "constant": self._constant,
            "asset": self._asset,
            "resource": lambda held: Resource(),
        }
        if kind not in make:
            raise NotImplementedError(f"Unknown SavedObject type: {kind!r}")
        return make[kind](getattr(node, kind))

    def _user_object(self, held: Message, node: Message) -> Any:
        if held.identifier == "signature_map":
            return SignatureMap()
        if held.identifier == "trackable_list_wrapper":
            return []
        if held.identifier == "trackable_dict_wrapper":
            return {}
        called = any(child.local_name == "__call__" for child in node.children)
        return _CallableUserObject() if called else _UserObject()

    def _function(self, held: Message) -> RestoredFunction:
        traces = [self._describe(name) for name in held.concrete_functions]
        known = [trace for trace in traces if trace is not None]
        name = known[0].graph.name if known else "function"
        return RestoredFunction(name, spec_from(held.function_spec), known)

    def _bare_function(self, held: Message) -> Any:
        function = self._describe(held.concrete_function_name)
        if function is not None:
            function._arg_keywords = list(held.argument_keywords)
            function._num_positional_args = held.allowed_positional_arguments
        return function

    @functools.cached_property
    def _graph_nodes(self) -> dict[str, Any]:
        return {node.name: node for node in self._meta_graph.graph_def.node}

    def _constant(self, held: Message) -> Any:
        node = self._graph_nodes.get(held.operation)
        if node is None:
            raise ValueError(f"The graph has no constant '{held.operation}'.")
        dtype = dtypes.as_dtype(node.attr["dtype"].type)
        return constant(tensor_value(node.attr["value"].tensor), dtype)

    def _asset(self, held: Message) -> Asset:
        name = self._meta_graph.asset_file_def[held.asset_file_def_index].filename
        return Asset(os.path.join(self._export_dir, ASSETS_DIRECTORY, name))

    def _attach(self) -> None:
        """Give the objects their attributes, inner ones first."""
        for value, node in zip(self.objects, self._saved.nodes, strict=True):
            if isinstance(value, list):
                items = [c for c in node.children if c.local_name.isdigit()]
                items.sort(key=lambda child: int(child.local_name))
                value.extend(self.objects[child.node_id] for child in items)
                continue
            for child in node.children:
                _attach(value, child.local_name, self.objects[child.node_id])

    def restore(self, path: str) -> None:
        """Give the variables their values; in a graph, when they are initialized."""
        if not files.file_exists(f"{path}.index"):
            return
        status = TrackableSaver(self.root).restore(path, [])
        status.assert_existing_objects_matched()
        if context.executing_eagerly():
            return
        restored = group(*status._restoration.operations)
        for value in self.objects:
            if is_resource_variable(value):
                value._initializer_op = restored

    def initialize(self) -> None:
        """Fill tables and the like."""
        for value in self.objects:
            if isinstance(value, Resource) and "_initialize" in value.__dict__:
                value.__dict__["_initialize"]()


def _attach(value: Structure, name: str, child: Structure) -> None:
    if isinstance(value, SignatureMap):
        value._signatures[name] = child
    elif isinstance(value, dict):
        value[name] = child
    elif isinstance(value, (_UserObject, Resource)):
        if name == "__call__":
            value.__dict__[name] = child
        else:
            setattr(value, name, child)


def _tensor(value: Structure) -> Tensor:
    """What a function takes of an object."""
    if is_resource_variable(value):
        return value.handle
    if isinstance(value, Asset):
        return value.asset_path
    if isinstance(value, Resource):
        return value.resource_handle
    return value


def _variable(held: Message) -> Any:
    return UninitializedVariable(
        shape=TensorShape(held.shape),
        dtype=dtypes.as_dtype(held.dtype),
        name=held.name or None,
        trainable=held.trainable,
    )


def load(export_dir: PathLike, tags: str | Sequence[str] | None = None) -> Any:
    """Read a SavedModel as an object with the attributes that were saved.

    Args:
      export_dir: the folder.
      tags: the tags of the graph that is wanted; by default those it has.

    Returns:
      An object that has the variables, lists and functions that the saved one had, and
      `signatures`, the functions that it serves. In a graph, initializing the variables
      gives them the saved values.

    Raises:
      OSError: there is no SavedModel.
      ValueError: it has other tags.
      NotImplementedError: it was written by a session, or holds what is not known.
    """
    folder = os.fsdecode(export_dir)
    wanted = [tags] if isinstance(tags, str) else tags
    with context.init_scope():
        model = parse_saved_model(folder)
        if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField(
            "object_graph_def"
        ):
            raise NotImplementedError(
                "This SavedModel has no objects: it was written by a session. Read it "
                "with tf.saved_model.loader.load(session, tags, export_dir)."
            )
        (meta_graph,) = model.meta_graphs
        own = list(meta_graph.meta_info_def.tags)
        if wanted is not None and set(wanted) != set(own):
            raise ValueError(
                f"The SavedModel at {export_dir} has one MetaGraph with tags {own}, "
                f"but got an incompatible argument tags={wanted} to "
                "tf.saved_model.load. You may omit it, pass 'None', or pass matching "
                "tags."
            )
        loader = _Loader(meta_graph, folder)
        loader.restore(get_variables_path(folder))
        loader.initialize()
        root = loader.root
        if isinstance(root, _UserObject):
            info = meta_graph.meta_info_def
            root.tensorflow_version = info.tensorflow_version
            root.tensorflow_git_version = info.tensorflow_git_version
        return root
