"""What is in force in a graph while operations are made: names, devices, orders."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.contents import GraphContents, graph_element
from retrograd.graph.hooks import hooks
from retrograd.graph.names import VALID_OP_NAME, VALID_SCOPE_NAME
from retrograd.graph.operation import Operation, creations
from retrograd.graph.places import ColocationScope, DeviceScope, OverrideScope
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import DeviceLike, OperationLike


class Scopes(threading.local):
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

    def __init__(
        self, graph: ScopedGraph, control_inputs: Sequence[Operation] | None
    ) -> None:
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


class ScopedGraph(GraphContents):
    """The part of a graph that gives operations their names and what blocks ask for."""

    _building_function = False
    _scopes: Scopes
    _lock: threading.RLock
    _names_in_use: dict[str, int]
    _container: str
    _gradient_override_map: dict[str, str]
    _override_scopes: list[OverrideScope]
    _op_to_kernel_label_map: dict[str, str]
    _attr_scope_map: dict[str, Any]

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

    def control_dependencies(
        self, control_inputs: Iterable[Any] | None
    ) -> ControlDependencies:
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
            element = self.as_graph_element(graph_element(item))
            if isinstance(element, Tensor):
                element = element.op
            elif not isinstance(element, Operation):
                raise TypeError(f"Control input must be Operation or Tensor: {item}")
            found[element] = None
        return ControlDependencies(self, list(found))

    @contextlib.contextmanager
    def device(self, device_name_or_function: DeviceLike) -> Iterator[None]:
        """A context that asks for a device; None ignores the blocks around.

        Args:
          device_name_or_function: a name or DeviceSpecV1, of which the parts that inner
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
    def colocate_with(
        self, op: object, ignore_existing: bool = False
    ) -> Iterator[None]:
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
        self,
        op: OperationLike,
        gradient_uid: object = None,
        ignore_existing: bool = False,
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
    def _overlaid(self, table: dict[str, Any], added: dict[str, Any]) -> Iterator[None]:
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
        return self._overriding(OverrideScope(op_type_map, next(creations)))

    @contextlib.contextmanager
    def _overriding(self, scope: OverrideScope) -> Iterator[None]:
        """Apply a map, and remember what was made meanwhile."""
        self._override_scopes.append(scope)
        with self._overlaid(self._gradient_override_map, scope.names):
            try:
                yield
            finally:
                scope.last = next(creations)

    def _kernel_label_map(self, op_to_kernel_label_map: dict[str, str]) -> Any:
        return self._overlaid(self._op_to_kernel_label_map, op_to_kernel_label_map)

    def _attr_scope(self, attr_map: dict[str, Any]) -> Any:
        return self._overlaid(self._attr_scope_map, attr_map)

    def _get_control_flow_context(self) -> Any:
        return self._scopes.control_flow_context

    def _set_control_flow_context(self, ctx: object) -> None:
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

    # ------------------------------------------------------------------ applying

    @contextlib.contextmanager
    def _original_op(self, op: Operation | None) -> Iterator[None]:
        """A context whose operations name `op` as the one they derive from."""
        scopes = self._scopes
        before, scopes.original_op = scopes.original_op, op
        try:
            yield
        finally:
            scopes.original_op = before

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
                op.attrs[key] = hooks.attr_from_user(value)

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

    def _control_dependencies_for_inputs(
        self, input_ops: Iterable[Any]
    ) -> list[Operation]:
        found: dict[Operation, None] = {}
        for block in self._scopes.control:
            if not any(op in block._seen for op in input_ops):
                found.update((c, None) for c in block._control_inputs)
        for op in input_ops:
            found.pop(op, None)
        return list(found)

    def _current_control_dependencies(self) -> list[Operation]:
        return [op for block in self._scopes.control for op in block._control_inputs]


def _operation_near(item: object, graph: ScopedGraph) -> Operation:
    """The operation that `colocate_with(item)` means, as `graph` knows it."""
    handle = getattr(item, "handle", None)
    if handle is not None and hasattr(item, "_shared_name"):
        item = handle
    element = graph_element(item)
    if graph._building_function and isinstance(element, Tensor):
        if getattr(element, "_is_eager", False) or element.graph is not graph:
            element = graph.capture(element)  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(element, Tensor):
        return element.op
    if not isinstance(element, Operation):
        element = graph.as_graph_element(element)
        element = element.op if isinstance(element, Tensor) else element
    return element
