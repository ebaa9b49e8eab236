"""The graph: making operations, and what is known about all of them together."""

from __future__ import annotations

import contextlib
import itertools
import platform
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.errors import NotFoundError
from retrograd.graph import attributes, context, opdef
from retrograd.graph.hooks import hooks
from retrograd.graph.names import VALID_OP_NAME, without_slash
from retrograd.graph.operation import Operation, creations
from retrograd.graph.places import OverrideScope
from retrograd.graph.scopes import ScopedGraph, Scopes
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.graph.function import FuncGraph
    from retrograd.typing import DTypeLike, Message, OperationLike

#: the GraphDef version that TensorFlow 1.15 writes, and the least that reads it
VERSION, VERSION_MIN_CONSUMER = 134, 0
#: where an operation keeps the function that its op type names
CALLEE = "_callee"
_graph_numbers = itertools.count()


class Graph(ScopedGraph):
    """A set of operations, their names, and named collections of anything."""

    outer_graph: Any = None
    #: how many functions the graph lies in
    depth = 0
    _building_function = False
    #: whether ops that are applied to its tensors in eager mode are added to it
    takes_eager_ops = False
    #: whether an output that refers to a variable gives the variable, not its value
    carries_cells = False
    #: how the last loss that was made sums its elements
    _last_loss_reduction: Any = None
    #: whether an optimizer divided its loss by the number of replicas
    _is_loss_scaled_by_optimizer = False
    #: whether operations with state get control dependencies that keep their order
    _add_control_dependencies = False

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._by_name: dict[str, Operation] = {}
        self._ops: list[Operation] = []
        self._names_in_use: dict[str, int] = {}
        self._collections: dict[Any, list[Any]] = {}
        self._scopes = Scopes()
        self._last_id = 0
        self._rewirings = 0
        #: inputs that were replaced by others of a wrong dtype: the right one, a text
        self._broken_edges: dict[tuple[Operation, int], tuple[dtypes.DType, str]] = {}
        self._finalized = False
        self._producer = VERSION
        self._min_consumer = VERSION_MIN_CONSUMER
        self._bad_consumers: list[int] = []
        self._unfeedable: set[Tensor] = set()
        self._unfetchable: set[Any] = set()
        self._gradient_override_map: dict[str, str] = {}
        self._override_scopes: list[OverrideScope] = []
        self._gradient_function_map: dict[str, Any] = {}
        self._op_to_kernel_label_map: dict[str, str] = {}
        self._attr_scope_map: dict[str, Any] = {}
        self._functions: dict[str, Any] = {}
        self._container = ""
        self._seed: int | None = None
        self._auto_cast_variable_read_dtype: Any = None
        self._handle_feeders: dict[Any, Any] = {}
        self._registered_ops: dict[str, Any] = {}
        #: optimizers keep what belongs to this graph under it
        self._graph_key = f"graph-{next(_graph_numbers)}/"

    # ------------------------------------------------------------------ making ops

    def create_op(
        self,
        op_type: str,
        inputs: Sequence[Tensor],
        dtypes: Sequence[Any] | None = None,
        input_types: object = None,
        name: str | None = None,
        attrs: dict[str, Any] | None = None,
        op_def: object = None,
        compute_shapes: bool = True,
        compute_device: bool = True,
    ) -> Operation:
        """Add an operation.

        Args:
          op_type: the op type, as in a GraphDef.
          inputs: the input tensors, lists flattened.
          dtypes: output dtypes; by default those that the signature gives.
          input_types: accepted and not needed.
          name: the name to make unique; a name ending in "/" is taken as it is.
          attrs: attribute values, in memory form or as AttrValue messages.
          op_def: accepted; the signature is found by `op_type`.
          compute_shapes: accepted; shapes are always inferred.
          compute_device: accepted; device scopes always apply.

        Raises:
          TypeError: an input is not a tensor.
          ValueError: attributes are missing.
          NotFoundError: there is no such op type.
        """
        del input_types, op_def, compute_shapes, compute_device
        for i, tensor in enumerate(inputs):
            if not isinstance(tensor, Tensor):
                raise TypeError(f"Input #{i} is not a tensor: {tensor}")
        attrs = {k: hooks.attr_from_user(v) for k, v in (attrs or {}).items()}
        signature = opdef.lookup(op_type)
        if signature is not None:
            attrs = attributes.complete_attrs(
                signature, self._own(inputs), attrs, name or op_type
            )
            dtypes = None
        elif op_type not in self._functions:
            raise unknown_op_type(op_type)
        return self.add(op_type, inputs, attrs, name, dtypes)

    _create_op_internal = create_op

    def add(
        self,
        op_type: str,
        inputs: Sequence[Tensor],
        attrs: dict[str, Any],
        name: str | None = None,
        output_types: Sequence[Any] | None = None,
    ) -> Operation:
        """Add an operation whose attributes are in memory form (see `create_op`)."""
        self._check_not_finalized()
        signature = opdef.lookup(op_type)
        inputs = self._own(inputs)
        if signature is None:
            signature = self._callee_signature(op_type, attrs)
        if output_types is None:
            if signature is None:
                raise ValueError(f"Op type not registered '{op_type}'.")
            output_types = attributes.output_types(signature, attrs)
        with self._lock:
            name = name.decode() if isinstance(name, bytes) else name
            if name and name[-1] == "/":
                full = name[:-1]
                if full in self._by_name:
                    full = self.unique_name(full)
            else:
                full = self.unique_name(name or op_type)
            if not VALID_OP_NAME.match(full):
                raise ValueError(f"'{full}' is not a valid node name")
            op = object.__new__(Operation)
            self._place(op, op_type, full, inputs, output_types, attrs, signature)
            self._finish(op, scoped=True)
        for tape in context.local.tapes:
            tape.record(op)
        return op

    def _callee_signature(self, name: str, attrs: dict[str, Any]) -> Any:
        """The signature of a function that an operation calls by its name, or None.

        The function becomes one of the operation's attributes.
        """
        function = self._functions.get(name)
        signature = getattr(function, "op_def", None)
        if isinstance(signature, opdef.OpDef):
            hooks.declare_callee(name)
            attrs[CALLEE] = function
            return signature
        return None

    def _place(
        self,
        op: Operation,
        op_type: str,
        name: str,
        inputs: Sequence[Tensor],
        output_types: Iterable[Any],
        attrs: dict[str, Any],
        signature: opdef.OpDef | None,
    ) -> None:
        self._last_id += 1  # seeds derive from it: not every op counts
        types = map(_as_dtype, output_types)
        op._set_up(
            self, op_type, name, inputs, types, attrs, signature, next(creations)
        )
        op._version = self._last_id

    def _finish(self, op: Operation, scoped: bool) -> None:
        """Infer a new operation's shapes and list it; undo what is done on failure."""
        try:
            if scoped:
                self._apply_scopes(op)
            hooks.infer_shapes(op)
        except BaseException:
            for tensor in op._inputs:
                tensor._consumers.remove(op)
            for before in op._control_inputs:
                before._control_outputs.remove(op)
            raise
        self._by_name[op._name] = op
        self._ops.append(op)

    def _add_node(
        self,
        op: Operation,
        node_def: Message,
        inputs: Sequence[Tensor],
        output_types: Sequence[Any] | None,
        control_inputs: Iterable[Operation],
    ) -> None:
        """Fill in and add an operation that a NodeDef describes; no scopes apply.

        Raises:
          ValueError: the name is taken, or attributes are missing.
          NotFoundError: there is no such op type.
        """
        self._check_not_finalized()
        signature = opdef.lookup(node_def.op)
        attrs = {k: hooks.attr_from_user(v) for k, v in node_def.attr.items()}
        if signature is not None:
            inputs = self._own(inputs)
            attrs = attributes.complete_attrs(signature, inputs, attrs, node_def.name)
            output_types = attributes.output_types(signature, attrs)
        elif node_def.op not in self._functions:
            raise unknown_op_type(node_def.op)
        else:
            signature = self._callee_signature(node_def.op, attrs)
            if signature is not None:
                inputs = self._own(inputs)
                output_types = attributes.output_types(signature, attrs)
        with self._lock:
            if node_def.name in self._by_name:
                raise ValueError(f"Duplicate node name in graph: '{node_def.name}'")
            self._place(
                op,
                node_def.op,
                node_def.name,
                inputs,
                output_types or (),
                attrs,
                signature,
            )
            op._device = node_def.device
            self._finish_unscoped(op, control_inputs)

    def _finish_unscoped(
        self, op: Operation, control_inputs: Iterable[Operation]
    ) -> None:
        self._names_in_use.setdefault(op._name.lower(), 1)
        for before in dict.fromkeys(control_inputs):
            op._control_inputs.append(before)
            before._control_outputs.append(op)
        op._control_flow_context = self._scopes.control_flow_context
        self._finish(op, scoped=False)

    def _own(self, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        """The inputs as tensors of this graph; a function body captures others."""
        for tensor in inputs:
            if tensor._op._graph is not self:
                raise ValueError(f"{tensor} is not an element of this graph.")
        return inputs

    def _rewired(self) -> None:
        self._rewirings += 1

    def _check_edge(self, op: Operation, index: int, tensor: Tensor) -> None:
        """Keep in mind that an input gets a tensor of another dtype: running fails."""
        known = self._broken_edges.pop((op, index), None)
        found = tensor.dtype.base_dtype
        wanted = op._inputs[index].dtype.base_dtype if known is None else known[0]
        if found is not wanted:
            self._broken_edges[op, index] = (
                wanted,
                f"Input {index} of node {op.name} was passed {found.name} from "
                f"{tensor.name} incompatible with expected {wanted.name}.",
            )

    # ------------------------------------------------------------------ properties

    def as_default(self) -> contextlib.AbstractContextManager[Graph]:
        """A context in which new operations are added to this graph."""
        return context.default_graph(self)

    def finalize(self) -> None:
        """Make the graph read-only."""
        self._finalized = True

    @property
    def finalized(self) -> bool:
        """Whether the graph is read-only."""
        return self._finalized

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    def _check_not_finalized(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    @property
    def version(self) -> int:
        """A number that grows as operations are added."""
        return self._last_id

    @property
    def seed(self) -> int | None:
        """The seed that random operations of this graph derive theirs from."""
        return self._seed

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self._seed = seed

    @property
    def building_function(self) -> bool:
        """Whether the graph is the body of a function."""
        return self._building_function

    @property
    def graph_def_versions(self) -> Any:
        """The version of the GraphDef format, as a VersionDef message."""
        return hooks.versions(self)

    def as_graph_def(
        self, from_version: int | None = None, add_shapes: bool = False
    ) -> Any:
        """The graph as a GraphDef protocol message."""
        return hooks.graph_def(self, from_version, add_shapes)

    def prevent_feeding(self, tensor: Tensor) -> None:
        """Refuse `tensor` as a key of a feed_dict."""
        self._unfeedable.add(tensor)

    def is_feedable(self, tensor: Tensor) -> bool:
        """Whether `tensor` may be fed."""
        return tensor not in self._unfeedable

    def prevent_fetching(self, op: OperationLike) -> None:
        """Refuse `op` as a fetch."""
        self._unfetchable.add(op)

    def is_fetchable(self, tensor_or_op: OperationLike) -> bool:
        """Whether a tensor or operation may be fetched."""
        op = tensor_or_op.op if isinstance(tensor_or_op, Tensor) else tensor_or_op
        return op not in self._unfetchable

    def _get_function(self, name: str) -> Any:
        return self._functions.get(name)

    def _is_function(self, name: str) -> bool:
        return name in self._functions

    def _add_function(self, function: FuncGraph) -> None:
        name = getattr(function, "function_name", None) or function.name
        self._functions[name] = function


def _as_dtype(value: DTypeLike) -> dtypes.DType:
    return value if isinstance(value, dtypes.DType) else dtypes.as_dtype(value)


def _element_of(item: Any) -> Any:
    """What has a graph: a tensor, an operation, or something composed of them."""
    if isinstance(item, (Tensor, Operation)):
        return None if getattr(item, "_is_eager", False) else item
    if hasattr(item, "_as_graph_element"):
        return item._as_graph_element()
    return item if isinstance(getattr(item, "graph", None), Graph) else None


def unknown_op_type(op_type: str) -> NotFoundError:
    """The error of an op type without signature."""
    return NotFoundError(
        None,
        None,
        f"Op type not registered '{op_type}' in binary running on "
        f"{platform.node()}. Make sure the Op and Kernel are registered in the binary "
        "running in this process. Note that if you are loading a saved graph which "
        "used ops from tf.contrib, accessing (e.g.) `tf.contrib.resampler` should be "
        "done before importing the graph, as contrib ops are lazily registered when "
        "the module is first accessed.",
    )


def graph_of(inputs: Iterable[Any]) -> Graph:
    """The graph that an operation with these inputs belongs to.

    Raises:
      ValueError: inputs of different graphs.
    """
    default = context.get_default_graph()
    if default._building_function:
        return default
    found: Graph | None = None
    first: Any = None
    for item in inputs:
        element = _element_of(item)
        if element is None:
            continue
        if found is None:
            found, first = element.graph, item
        elif element.graph is not found:
            raise ValueError(f"{item} must be from the same graph as {first}.")
    return found or default


hooks.provide(new_graph=Graph)

__all__ = ["Graph", "graph_of", "without_slash"]
