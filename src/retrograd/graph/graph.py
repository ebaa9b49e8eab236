"""The graph: operations by name, and what is in force while they are made."""

from __future__ import annotations

import contextlib
import itertools
import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from retrograd import dtypes
from retrograd.errors import NotFoundError
from retrograd.graph import context, opdef
from retrograd.graph.names import VALID_OP_NAME, VALID_SCOPE_NAME, without_slash
from retrograd.graph.operation import Operation
from retrograd.graph.places import ColocationScope, DeviceScope, OverrideScope
from retrograd.graph.tensor import Tensor

#: the GraphDef version that TensorFlow 1.15 writes, and the least that reads it
VERSION, VERSION_MIN_CONSUMER = 134, 0
#: where an operation keeps the function that its op type names
CALLEE = "_callee"
_graph_numbers = itertools.count()
#: operations of all graphs, functions among them, in the order they are made
_creations = itertools.count(1)


class _Scopes(threading.local):
    """What nested `with` blocks of one thread have in force in a graph."""

    def __init__(self) -> None:
        self.name = ""
        self.control: list[ControlDependencies] = []
        self.devices: list[DeviceScope] = []
        self.colocation: list[ColocationScope] = []
        self.original_op: Operation | None = None
        self.distribution: list[Any] = []
        self.creators: list[tuple[int, Any]] = []
        self.control_flow_context: Any = None


class ControlDependencies:
    """A `control_dependencies` block: ops made inside run after `control_inputs`."""

    def __init__(self, graph: Graph, control_inputs: Sequence[Operation] | None):
        self._graph = graph
        self._new_stack = control_inputs is None
        self._control_inputs = list(control_inputs or ())
        #: operations of a graph around this one, which is a function
        self.outside: list[Operation] = []
        self._seen: set[Operation] = set()
        self._before: list[ControlDependencies] = []
        self._context_before: Any = None

    @property
    def control_inputs(self) -> list[Operation]:
        """What the block's operations wait for."""
        return self._control_inputs

    def __enter__(self) -> ControlDependencies:
        scopes = self._graph._scopes
        self._before = scopes.control
        if self._new_stack:
            self._context_before = scopes.control_flow_context
            scopes.control_flow_context = None
            scopes.control = [self]
        else:
            scopes.control = [*scopes.control, self]
        return self

    def __exit__(self, *unused: object) -> None:
        scopes = self._graph._scopes
        scopes.control = self._before
        if self._new_stack:
            scopes.control_flow_context = self._context_before


class Graph:
    """A set of operations, their names, and named collections of anything."""

    outer_graph: Any = None
    #: how many functions the graph lies in
    depth = 0
    _building_function = False
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
        self._scopes = _Scopes()
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
        input_types: Any = None,
        name: str | None = None,
        attrs: dict[str, Any] | None = None,
        op_def: Any = None,
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
        from retrograd.graph import dispatch

        attrs = {k: dispatch.hooks.attr_from_user(v) for k, v in (attrs or {}).items()}
        signature = opdef.lookup(op_type)
        if signature is not None:
            attrs = dispatch.complete_attrs(
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
        from retrograd.graph import dispatch

        self._check_not_finalized()
        signature = opdef.lookup(op_type)
        inputs = self._own(inputs)
        if signature is None:
            signature = self._callee_signature(op_type, attrs)
        if output_types is None:
            if signature is None:
                raise ValueError(f"Op type not registered '{op_type}'.")
            output_types = dispatch.output_types(signature, attrs)
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
            from retrograd.graph import dispatch

            dispatch.hooks.declare_callee(name)
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
            self, op_type, name, inputs, types, attrs, signature, next(_creations)
        )
        op._version = self._last_id

    def _finish(self, op: Operation, scoped: bool) -> None:
        """Infer a new operation's shapes and list it; undo what is done on failure."""
        from retrograd.graph import dispatch

        try:
            if scoped:
                self._apply_scopes(op)
            dispatch.hooks.infer_shapes(op)
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
        node_def: Any,
        inputs: Sequence[Tensor],
        output_types: Sequence[Any] | None,
        control_inputs: Iterable[Operation],
    ) -> None:
        """Fill in and add an operation that a NodeDef describes; no scopes apply.

        Raises:
          ValueError: the name is taken, or attributes are missing.
          NotFoundError: there is no such op type.
        """
        from retrograd.graph import dispatch

        self._check_not_finalized()
        signature = opdef.lookup(node_def.op)
        attrs = {k: dispatch.hooks.attr_from_user(v) for k, v in node_def.attr.items()}
        if signature is not None:
            inputs = self._own(inputs)
            attrs = dispatch.complete_attrs(signature, inputs, attrs, node_def.name)
            output_types = dispatch.output_types(signature, attrs)
        elif node_def.op not in self._functions:
            raise unknown_op_type(node_def.op)
        else:
            signature = self._callee_signature(node_def.op, attrs)
            if signature is not None:
                inputs = self._own(inputs)
                output_types = dispatch.output_types(signature, attrs)
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

    def _apply_scopes(self, op: Operation) -> None:
        """Give a new operation what the blocks around it ask for."""
        scopes = self._scopes
        if scopes.control:
            for before in self._control_dependencies_for_inputs(
                [t._op for t in op._inputs]
            ):
                op._control_inputs.append(before)
                before._control_outputs.append(op)
            for block in scopes.control:
                block._seen.add(op)
        op._control_flow_context = scopes.control_flow_context
        op._original_op = scopes.original_op
        if self._attr_scope_map:
            self._apply_attr_scopes(op)
        if op._type in self._op_to_kernel_label_map:
            op.attrs["_kernel"] = self._op_to_kernel_label_map[op._type]
        if op._type in self._gradient_override_map:
            op.attrs["_gradient_op_type"] = self._gradient_override_map[op._type]
        if scopes.devices:
            self._apply_devices(op)
        if scopes.colocation:
            self._apply_colocation(op)
        if self._container and op._is_stateful and op.attrs.get("container") == "":
            op.attrs["container"] = self._container

    def _apply_attr_scopes(self, op: Operation) -> None:
        from retrograd.graph import dispatch

        for key, value in self._attr_scope_map.items():
            if key in op.attrs:
                continue
            if callable(value):
                value = value(op.node_def)
                if value is not None and not hasattr(value, "SerializeToString"):
                    raise TypeError(
                        f"Callable for scope map key '{key}' must return either None "
                        f"or an AttrValue protocol buffer; but it returned: {value}"
                    )
            if value is not None:
                op.attrs[key] = dispatch.hooks.attr_from_user(value)

    def _apply_devices(self, op: Operation) -> None:
        for scope in reversed(self._scopes.devices):
            if scope.clears:
                break
            scope.apply(op)
        op._device_scopes = self._scopes.devices[::-1]

    def _apply_colocation(self, op: Operation) -> None:
        groups = set()
        op._colocation_scopes = self._scopes.colocation
        for scope in reversed(self._scopes.colocation):
            groups.update(scope.op.colocation_groups())
            if scope.op._device:
                op._device = scope.op._device
        op.attrs["_class"] = sorted(groups)

    def _control_dependencies_for_inputs(self, input_ops: Any) -> list[Operation]:
        found: dict[Operation, None] = {}
        for block in self._scopes.control:
            if not any(op in block._seen for op in input_ops):
                found.update((c, None) for c in block._control_inputs)
        for op in input_ops:
            found.pop(op, None)
        return list(found)

    def _current_control_dependencies(self) -> list[Operation]:
        return [op for block in self._scopes.control for op in block._control_inputs]

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

    @contextlib.contextmanager
    def _original_op(self, op: Operation | None) -> Iterator[None]:
        """A context whose operations name `op` as the one they derive from."""
        scopes = self._scopes
        before, scopes.original_op = scopes.original_op, op
        try:
            yield
        finally:
            scopes.original_op = before

    # ------------------------------------------------------------------ names

    @property
    def _name_stack(self) -> str:
        return self._scopes.name

    @_name_stack.setter
    def _name_stack(self, name: str) -> None:
        self._scopes.name = name

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` in the current scope, with `_1`, `_2` … where it is taken.

        Names that differ only in case count as the same.
        """
        if self._scopes.name:
            name = f"{self._scopes.name}/{name}"
        with self._lock:
            used = self._names_in_use
            key = name.lower()
            count = used.get(key, 0)
            if mark_as_used:
                used[key] = count + 1
            if count == 0:
                return name
            base = key
            while key in used:
                key = f"{base}_{count}"
                count += 1
            if mark_as_used:
                used[key] = 1
            return f"{name}_{count - 1}"

    @contextlib.contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Put `name/` before the names of operations made inside.

        A name ending in "/" is entered as it is; None or "" leaves all scopes.

        Raises:
          ValueError: `name` is not a valid scope name.
        """
        scopes = self._scopes
        before = scopes.name
        if name:
            name = name.decode() if isinstance(name, bytes) else name
            pattern = VALID_SCOPE_NAME if before else VALID_OP_NAME
            if not pattern.match(name):
                raise ValueError(f"'{name}' is not a valid scope name")
            scopes.name = name[:-1] if name[-1] == "/" else self.unique_name(name)
        else:
            scopes.name = ""
        try:
            yield scopes.name + "/" if name else ""
        finally:
            scopes.name = before

    def get_name_scope(self) -> str:
        """The current name scope, without a slash at the end."""
        return self._scopes.name

    # ------------------------------------------------------------------ scopes

    def as_default(self) -> contextlib.AbstractContextManager[Graph]:
        """A context in which new operations are added to this graph."""
        return context.default_graph(self)

    def control_dependencies(self, control_inputs: Any) -> ControlDependencies:
        """A context whose operations run after `control_inputs`.

        Args:
          control_inputs: operations, tensors or variables; None clears all
            dependencies of the blocks around.
        """
        if control_inputs is None:
            return ControlDependencies(self, None)
        found: dict[Operation, None] = {}
        for item in control_inputs:
            if hasattr(item, "_handle") and hasattr(item, "op"):
                item = item.op  # waiting for a variable does not read it
            element = self.as_graph_element(_graph_element(item))
            if isinstance(element, Tensor):
                element = element.op
            elif not isinstance(element, Operation):
                raise TypeError(f"Control input must be Operation or Tensor: {item}")
            found[element] = None
        return ControlDependencies(self, list(found))

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """A context that asks for a device; None ignores the blocks around.

        Args:
          device_name_or_function: a name or DeviceSpec, of which the parts that inner
            blocks leave open apply; or a function from an operation to its device.

        Raises:
          ValueError: the name is not that of a device.
          RuntimeError: the block ends before one inside it.
        """
        scopes = self._scopes
        before = scopes.devices
        after = [*before, DeviceScope(device_name_or_function)]
        scopes.devices = after
        try:
            yield
        finally:
            if scopes.devices is not after:
                raise RuntimeError("Exiting device scope without proper scope nesting.")
            scopes.devices = before

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """A context whose operations ask for the device of `op`.

        Raises:
          ValueError: `op` is None, though blocks around are to be kept.
        """
        scopes = self._scopes
        before, devices = scopes.colocation, scopes.devices
        if op is None and not ignore_existing:
            raise ValueError(
                "Trying to reset colocation (op is None) but "
                "ignore_existing is not True"
            )
        element = None if op is None else _operation_near(op, self)
        kept = [] if ignore_existing else before
        scopes.colocation = (
            kept if element is None else [*kept, ColocationScope(element)]
        )
        scopes.devices = []
        try:
            yield
        finally:
            scopes.colocation, scopes.devices = before, devices

    def _colocate_with_for_gradient(
        self, op: Any, gradient_uid: Any = None, ignore_existing: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        del gradient_uid
        return self.colocate_with(op, ignore_existing)

    @contextlib.contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        """A context that keeps the state of its operations in a named container."""
        before, self._container = self._container, container_name
        try:
            yield container_name
        finally:
            self._container = before

    @contextlib.contextmanager
    def _overlaid(self, table: dict[str, Any], added: Any) -> Iterator[None]:
        """Add entries to a table, and restore what they replaced."""
        if not isinstance(added, dict):
            raise TypeError("A map must be a dictionary mapping strings to strings")
        saved = {key: table[key] for key in added if key in table}
        table.update(added)
        try:
            yield
        finally:
            for key in added:
                if key in saved:
                    table[key] = saved[key]
                else:
                    table.pop(key, None)

    def gradient_override_map(self, op_type_map: dict[str, str]) -> Any:
        """A context whose operations take another registered gradient, by op type.

        Raises:
          TypeError: `op_type_map` does not map strings to strings.
        """
        if not isinstance(op_type_map, dict):
            raise TypeError(
                "op_type_map must be a dictionary mapping strings to strings"
            )
        for op_type, mapped in op_type_map.items():
            if not (isinstance(op_type, str) and isinstance(mapped, str)):
                raise TypeError(
                    "op_type_map must be a dictionary mapping strings to strings"
                )
        return self._overriding(OverrideScope(op_type_map, next(_creations)))

    @contextlib.contextmanager
    def _overriding(self, scope: OverrideScope) -> Iterator[None]:
        """Apply a map, and remember what was made meanwhile."""
        self._override_scopes.append(scope)
        with self._overlaid(self._gradient_override_map, scope.names):
            try:
                yield
            finally:
                scope.last = next(_creations)

    def _kernel_label_map(self, op_to_kernel_label_map: dict[str, str]) -> Any:
        return self._overlaid(self._op_to_kernel_label_map, op_to_kernel_label_map)

    def _attr_scope(self, attr_map: dict[str, Any]) -> Any:
        return self._overlaid(self._attr_scope_map, attr_map)

    def _get_control_flow_context(self) -> Any:
        return self._scopes.control_flow_context

    def _set_control_flow_context(self, ctx: Any) -> None:
        self._scopes.control_flow_context = ctx

    @property
    def _variable_creator_stack(self) -> list[tuple[int, Any]]:
        return self._scopes.creators

    @_variable_creator_stack.setter
    def _variable_creator_stack(self, creators: list[tuple[int, Any]]) -> None:
        self._scopes.creators = creators

    @contextlib.contextmanager
    def _variable_creator_scope(
        self, creator: Callable[..., Any], priority: int = 100
    ) -> Iterator[None]:
        """Have `creator(next_creator, **arguments)` make variables; high ones first."""
        before = self._scopes.creators
        after = sorted([*before, (priority, creator)], key=lambda row: row[0])
        self._scopes.creators = after
        try:
            yield
        finally:
            if self._scopes.creators is not after:
                raise RuntimeError(
                    "Exiting variable_creator_scope without proper nesting."
                )
            self._scopes.creators = before

    def switch_to_thread_local(self) -> None:
        """Scopes are a thread's own in any case: nothing to do."""

    # ------------------------------------------------------------------ collections

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Append `value` to the collection `name`."""
        self._check_not_finalized()
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Append `value` to each collection, once where a name is repeated."""
        names = (names,) if isinstance(names, str) else dict.fromkeys(names)
        for name in names:
            self.add_to_collection(name, value)

    def get_collection_ref(self, name: Any) -> list[Any]:
        """The list itself of the collection `name`, made if need be."""
        return self._collections.setdefault(name, [])

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """A copy of a collection.

        Args:
          name: the collection.
          scope: a regular expression; only items whose name it matches from the start.
        """
        items = self._collections.get(name, [])
        if scope is None:
            return list(items)
        import re

        pattern = re.compile(scope)
        return [i for i in items if hasattr(i, "name") and pattern.match(i.name)]

    def get_all_collection_keys(self) -> list[Any]:
        """The names of all collections."""
        return [key for key in self._collections if isinstance(key, str)]

    @property
    def collections(self) -> list[Any]:
        """The names of all collections."""
        return list(self._collections)

    def clear_collection(self, name: Any) -> None:
        """Empty the collection `name`."""
        self._check_not_finalized()
        self._collections.pop(name, None)

    # ------------------------------------------------------------------ look-up

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """The tensor or operation that `obj` names or is.

        Args:
          obj: a tensor, an operation, a name, or what has `_as_graph_element`.
          allow_tensor: whether a tensor may be meant.
          allow_operation: whether an operation may be meant.

        Raises:
          TypeError: `obj` is nothing of the kind.
          KeyError: no such name.
          ValueError: it belongs to another graph, or the name is not well formed.
        """
        if allow_tensor and allow_operation:
            kinds = "Tensor or Operation"
        elif allow_tensor:
            kinds = "Tensor"
        elif allow_operation:
            kinds = "Operation"
        else:
            raise ValueError("allow_tensor and allow_operation can't both be False.")
        element = _graph_element(obj)
        if isinstance(element, bytes):
            element = element.decode()
        if isinstance(element, str):
            return self._element_by_name(element, allow_tensor, allow_operation)
        kind_ok = (allow_tensor and isinstance(element, Tensor)) or (
            allow_operation and isinstance(element, Operation)
        )
        if not kind_ok:
            what = type(obj).__name__
            raise TypeError(f"Can not convert a {what} into a {kinds}.")
        if element.graph is not self:
            shown = element if isinstance(element, Tensor) else repr(element)
            kind = "Tensor" if isinstance(element, Tensor) else "Operation"
            raise ValueError(f"{kind} {shown} is not an element of this graph.")
        return element

    def _element_by_name(self, name: str, tensor: bool, operation: bool) -> Any:
        if ":" in name and tensor:
            op_name, _, number = name.partition(":")
            try:
                index = int(number)
            except ValueError:
                raise ValueError(
                    f"The name {name!r} looks a like a Tensor name, but is not a "
                    "valid one. Tensor names must be of the form "
                    '"<op_name>:<output_index>".'
                ) from None
            op = self._by_name.get(op_name)
            if op is None:
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The "
                    f"operation, {op_name!r}, does not exist in the graph."
                )
            if not 0 <= index < len(op._outputs):
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The "
                    f"operation, {op_name!r}, exists but only has "
                    f"{len(op._outputs)} outputs."
                )
            return op._outputs[index]
        if ":" in name:
            raise ValueError(
                f"Name {name!r} appears to refer to a Tensor, not a Operation."
            )
        if not operation:
            exists = name in self._by_name
            raise ValueError(
                f"The name {name!r} refers to an Operation, not a Tensor. Tensor names "
                'must be of the form "<op_name>:<output_index>".'
                if exists
                else f"The name {name!r} looks like an (invalid) Operation name, not a "
                'Tensor. Tensor names must be of the form "<op_name>:<output_index>".'
            )
        if name not in self._by_name:
            raise KeyError(
                f"The name {name!r} refers to an Operation not in the graph."
            )
        return self._by_name[name]

    def get_operations(self) -> list[Operation]:
        """All operations, oldest first."""
        return list(self._ops)

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation called `name`.

        Raises:
          KeyError: there is none.
        """
        if not isinstance(name, str):
            raise TypeError(
                f"Operation names are strings (or similar), not {type(name).__name__}."
            )
        return self.as_graph_element(name, allow_tensor=False)

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor called `name`, as `operation:index`.

        Raises:
          KeyError: there is none.
          ValueError: it is not the name of a tensor.
        """
        if not isinstance(name, str):
            raise TypeError(
                f"Tensor names are strings (or similar), not {type(name).__name__}."
            )
        return self.as_graph_element(name, allow_operation=False)

    def _get_operation_by_name_unsafe(self, name: str) -> Operation:
        return self._by_name[name]

    @property
    def _nodes_by_name(self) -> dict[str, Operation]:
        return self._by_name

    @property
    def _nodes_by_id(self) -> dict[int, Operation]:
        return {op._id: op for op in self._ops}

    # ------------------------------------------------------------------ properties

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
        from retrograd.graph import dispatch

        return dispatch.hooks.versions(self)

    def as_graph_def(
        self, from_version: int | None = None, add_shapes: bool = False
    ) -> Any:
        """The graph as a GraphDef protocol message."""
        from retrograd.graph import dispatch

        return dispatch.hooks.graph_def(self, from_version, add_shapes)

    def prevent_feeding(self, tensor: Tensor) -> None:
        """Refuse `tensor` as a key of a feed_dict."""
        self._unfeedable.add(tensor)

    def is_feedable(self, tensor: Tensor) -> bool:
        """Whether `tensor` may be fed."""
        return tensor not in self._unfeedable

    def prevent_fetching(self, op: Any) -> None:
        """Refuse `op` as a fetch."""
        self._unfetchable.add(op)

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """Whether a tensor or operation may be fetched."""
        op = tensor_or_op.op if isinstance(tensor_or_op, Tensor) else tensor_or_op
        return op not in self._unfetchable

    def _get_function(self, name: str) -> Any:
        return self._functions.get(name)

    def _is_function(self, name: str) -> bool:
        return name in self._functions

    def _add_function(self, function: Any) -> None:
        name = getattr(function, "function_name", None) or function.name
        self._functions[name] = function


def _as_dtype(value: Any) -> dtypes.DType:
    return value if isinstance(value, dtypes.DType) else dtypes.as_dtype(value)


def _graph_element(obj: Any) -> Any:
    """What an object of a layer above stands for in a graph."""
    convert: Callable[[], Any] | None = getattr(obj, "_as_graph_element", None)
    return convert() if convert is not None else obj


def _element_of(item: Any) -> Any:
    """What has a graph: a tensor, an operation, or something composed of them."""
    if isinstance(item, (Tensor, Operation)):
        return None if getattr(item, "_is_eager", False) else item
    if hasattr(item, "_as_graph_element"):
        return item._as_graph_element()
    return item if isinstance(getattr(item, "graph", None), Graph) else None


def _operation_near(item: Any, graph: Graph) -> Operation:
    """The operation that `colocate_with(item)` means, as `graph` knows it."""
    handle = getattr(item, "handle", None)
    if handle is not None and hasattr(item, "_shared_name"):
        item = handle
    element = _graph_element(item)
    if graph._building_function and isinstance(element, Tensor):
        if getattr(element, "_is_eager", False) or element.graph is not graph:
            element = graph.capture(element)  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(element, Tensor):
        return element.op
    if not isinstance(element, Operation):
        element = graph.as_graph_element(element)
        element = element.op if isinstance(element, Tensor) else element
    return element


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


__all__ = ["ControlDependencies", "Graph", "graph_of", "without_slash"]
