"""One import: the nodes of a GraphDef become operations, or none does.

What is checked, in which order and in which words is as in TensorFlow 1.15.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.errors import InvalidArgumentError, OpError
from retrograd.formats import node_check
from retrograd.formats.library import Library
from retrograd.formats.node import (
    attr_from_user,
    private_attr,
    shape_from,
    tensor_value,
)
from retrograd.graph import attributes, opdef
from retrograd.graph.graph import CALLEE, VERSION, Graph, unknown_op_type
from retrograd.graph.names import VALID_OP_NAME
from retrograd.graph.operation import Operation
from retrograd.graph.places import DeviceScope
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import kind_of, traits_of
from retrograd.ops.flow.named_call_ops import declare_callee
from retrograd.ops.traits import Kind, Passes
from retrograd.platform.versions import GRAPH_DEF_VERSION_MIN_PRODUCER
from retrograd.platform.versions import __version__ as VERSION_TEXT

if TYPE_CHECKING:
    from retrograd.typing import Message

#: up to this version an empty shape of a Placeholder meant that nothing is known
_LEGACY_PLACEHOLDERS = 21
#: readers of graphs with functions are at least of this version
_FUNCTIONS = 12
_COLOCATION = "loc:@"
_CONTROL = -1
_INDEXED = re.compile(r"(.+):([0-9]+)\Z", re.DOTALL)
#: names within a function may also start as TensorFlow's own do
_INNER_NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9_.\-/]*")


def input_of(text: str) -> tuple[str, int]:
    """Node and index of an input: `node`, `node:index`, or `^node` with index −1."""
    match = _INDEXED.match(text)
    if match is not None:  # an index has 32 bits; higher ones do not count
        return match[1], int(match[2][-32:]) & 0xFFFFFFFF
    return (text[1:], _CONTROL) if text[:1] == "^" else (text, 0)


class _Node:
    """A node of the GraphDef, with its inputs taken apart.

    Attributes:
      inputs: names and indices of data inputs.
      control: names of control inputs.
    """

    __slots__ = ("control", "inputs", "proto")

    def __init__(self, node: Message) -> None:
        self.proto = node
        found = [input_of(text) for text in node.input]
        self.inputs = [key for key in found if key[1] != _CONTROL]
        self.control = [name for name, index in found if index == _CONTROL]


class Import:
    """One import: which names nodes get, and the operations made for them.

    Args:
      graph: the graph that gets the operations.
      graph_def: the GraphDef.
      prefix: what comes before the names.
      input_map: what takes the place of inputs, by name and index in `graph_def`.
      library: the functions.
      defaults: values of unknown attributes that may be left out, by op type and name.
      strict: whether nodes must be colocated with nodes that are there.
      inner: whether the nodes are the body of a function.
    """

    def __init__(
        self,
        graph: Graph,
        graph_def: Message,
        prefix: str,
        input_map: dict[tuple[str, int], Any],
        library: Library,
        defaults: dict[tuple[str, str], Any] | None = None,
        strict: bool = False,
        inner: bool = False,
    ) -> None:
        self.graph = graph
        self.graph_def = graph_def
        self.prefix = prefix + "/" if prefix else ""
        self.map = input_map
        self.library = library
        self.defaults = defaults or {}
        self.strict = strict
        self.inner = inner
        self.used: set[tuple[str, int]] = set()
        self.nodes: dict[str, _Node] = {}
        self.names: dict[str, str] = {}
        self.made: dict[str, Operation] = {}
        #: operations, and the places of inputs that come after them
        self.open: list[tuple[Operation, _Node]] = []

    # ------------------------------------------------------------------ the whole

    def run(self) -> None:
        """Make all operations; none where one fails.

        Raises:
          ValueError: a node is not well formed.
          NotFoundError: an op type is unknown.
          UnimplementedError: one is not for graphs of this version.
        """
        graph, versions = self.graph, self.graph_def.versions
        graph._check_not_finalized()
        before = graph._producer, graph._min_consumer, graph._bad_consumers
        first = len(graph._ops)
        self._check_versions(versions)
        self._index()
        self._check_sources()
        if not self.inner:
            self.library.check()
        try:
            self._set_versions(versions)
            for name in self._order():
                self.made[name] = self._make(self.nodes[name])
            self._close_loops()
            self._apply_scopes(graph._ops[first:])
            if not self.inner:
                self._place_on_devices()
        except BaseException:
            _remove(graph, first)
            graph._producer, graph._min_consumer, graph._bad_consumers = before
            raise

    def _set_versions(self, versions: Message) -> None:
        graph = self.graph
        graph._producer = min(graph._producer, versions.producer)
        least = max(graph._min_consumer, versions.min_consumer)
        if not self.inner and self.library.names():
            least = max(least, _FUNCTIONS)
        graph._min_consumer = least
        found = {*graph._bad_consumers, *versions.bad_consumers}
        graph._bad_consumers = sorted(found)

    def unused(self) -> list[str]:
        """The mapped inputs that are not in the GraphDef."""
        missing = []
        for name, index in self.map.keys() - self.used:
            op = self.made.get(name)
            if index != _CONTROL and (op is None or index >= len(op.outputs)):
                missing.append(f"{name}:{index}")
        return sorted(missing)

    def element(self, name: str) -> Any:
        """The operation or tensor made for a name in the GraphDef."""
        op_name, index = input_of(name)
        op = self.made.get(op_name)
        if ":" not in name:
            if op is None:
                raise ValueError(
                    f"Requested return node '{name}' not found in graph def"
                )
            return op
        mapped = self.map.get((op_name, index))
        if mapped is not None:
            return mapped
        if op is None:
            raise ValueError(f"Requested return tensor '{name}' not found in graph def")
        if index >= len(op.outputs):
            raise ValueError(
                f"Invalid return output {index} of node '{op_name}', which has "
                f"{len(op.outputs)} output(s)"
            )
        return op.outputs[index]

    # ------------------------------------------------------------------ before

    def _check_versions(self, versions: Message) -> None:
        if versions.producer < GRAPH_DEF_VERSION_MIN_PRODUCER:
            raise ValueError(
                f"GraphDef producer version {versions.producer} below min producer "
                f"{GRAPH_DEF_VERSION_MIN_PRODUCER} supported by TensorFlow "
                f"{VERSION_TEXT}.  Please regenerate your graph."
            )
        if versions.min_consumer > VERSION:
            raise ValueError(
                f"GraphDef min consumer version {versions.min_consumer} above current "
                f"version {VERSION} for TensorFlow {VERSION_TEXT}.  Please upgrade "
                "TensorFlow."
            )
        if VERSION in versions.bad_consumers:
            raise ValueError(
                f"GraphDef disallows consumer version {VERSION}.  Please upgrade "
                "TensorFlow: this version is likely buggy."
            )

    def _index(self) -> None:
        """Find the nodes by name, and choose the names of their operations."""
        valid = _INNER_NAME if self.inner else VALID_OP_NAME
        for node in self.graph_def.node:
            name = node.name
            if not valid.fullmatch(name):
                raise ValueError(
                    f"Node '{name}': Node name contains invalid characters"
                )
            if name in self.nodes:
                raise ValueError(f"Node '{name}' is not unique")
            if not node.op:
                raise ValueError(f"Node '{name}' does not specify an operation")
            _check_control_last(node)
            self.nodes[name] = _Node(node)
        taken = _with_prefixes(op._name for op in self.graph._ops)
        own = _with_prefixes(self.prefix + name for name in self.nodes)
        for name in self.nodes:
            chosen = base = self.prefix + name
            count = 0
            while chosen in taken or (count and chosen in own):
                count += 1
                chosen = f"{base}_{count}"
            self.names[name] = chosen

    def _check_sources(self) -> None:
        """Check that there is a node, or a mapped tensor, for each input."""
        for name, node in self.nodes.items():
            for text in node.proto.input:
                key = input_of(text)
                if key[0] not in self.nodes and key not in self.map:
                    raise ValueError(f"Node '{name}': Unknown input node '{text}'")

    def _order(self) -> Iterator[str]:
        """Names of nodes, each after those it needs; else as in the GraphDef.

        A Merge that a loop feeds back to waits for one input only.
        """
        names = list(self.nodes)
        numbers = {name: i for i, name in enumerate(names)}
        fed_back = {
            name
            for name, node in self.nodes.items()
            if kind_of(node.proto.op) is Kind.NEXT_ITERATION
        }
        pending: dict[str, int] = {}
        after: dict[str, list[str]] = {name: [] for name in names}
        for name, node in self.nodes.items():
            inputs = [key for key in node.inputs if key not in self.map]
            control = [c for c in node.control if (c, _CONTROL) not in self.map]
            closes = kind_of(node.proto.op) is Kind.MERGE
            if closes and any(n in fed_back for n, _ in node.inputs):
                mapped = len(node.inputs) - len(inputs)
                pending[name] = max(0, len(control) + 1 - mapped)
            else:
                pending[name] = len(inputs) + len(control)
            for other in (*(n for n, _ in inputs), *control):
                if not (closes and other in fed_back):
                    after[other].append(name)
        ready = [numbers[name] for name, count in pending.items() if not count]
        heapq.heapify(ready)
        done = 0
        while ready:
            name = names[heapq.heappop(ready)]
            done += 1
            yield name
            for later in after[name]:
                pending[later] -= 1
                if not pending[later]:
                    heapq.heappush(ready, numbers[later])
        if done < len(names):
            raise ValueError(f"{len(names) - done} nodes in a cycle")

    # ------------------------------------------------------------------ a node

    def _make(self, node: _Node) -> Operation:
        """Add the operation of a node.

        Raises:
          ValueError, NotFoundError, UnimplementedError: see `run`.
        """
        try:
            return self._made(node)
        except InvalidArgumentError as error:
            raise ValueError(str(error.message)) from error
        except (ValueError, OpError):
            raise
        except Exception as error:  # no rule foresaw such a node
            name = self.names[node.proto.name]
            raise ValueError(f"{error} for '{name}' (op: '{node.proto.op}')") from error

    def _made(self, node: _Node) -> Operation:
        proto, graph = node.proto, self.graph
        self._check_colocation(proto)
        found = [self._tensor(proto.name, key) for key in node.inputs]
        control = [self._before(c) for c in node.control]
        waits = any(t is None for t in found)
        comes_later = waits or any(c is None for c in control)
        if comes_later and kind_of(proto.op) is not Kind.MERGE:
            raise ValueError(
                f"Node '{proto.name}' had a back edge, but only Merge nodes can have "
                "back edges."
            )
        name = self.names[proto.name]
        signature = self._signature(proto)
        attrs = self._attributes(proto, signature, name)
        node_check.check_lists(signature, attrs, name, len(found))
        if not self.inner:
            node_check.check_removed(signature, self.graph_def.versions.producer)
        inputs = _standing_in(found)
        node_check.check_types(signature, attrs, found, name)
        shown = attrs.pop("_output_shapes", None)
        op = object.__new__(Operation)
        types = attributes.output_types(signature, attrs)
        graph._place(op, proto.op, name, graph._own(inputs), types, attrs, signature)
        op._device = proto.device
        graph._finish_unscoped(op, [c for c in control if c is not None])
        if comes_later:
            self.open.append((op, node))
        if waits:  # what comes back around a loop is of any shape
            op._outputs[0]._shape_raw = None
        if shown is not None and not self.inner:
            self._set_shapes(op, shown)
        return op

    def _check_colocation(self, node: Message) -> None:
        if not self.strict or "_class" not in node.attr:
            return
        for group in node.attr["_class"].list.s:
            other = group.decode("utf-8", "replace").removeprefix(_COLOCATION)
            if group.startswith(b"loc:@") and other not in self.nodes:
                raise ValueError(
                    f"Node '{node.name}' expects to be colocated with unknown node "
                    f"'{other}'"
                )

    def _signature(self, node: Message) -> opdef.OpDef:
        found = opdef.lookup(node.op) or self.library.signature(node.op)
        if found is None:
            raise unknown_op_type(node.op)
        return found

    def _attributes(
        self, node: Message, signature: opdef.OpDef, name: str
    ) -> dict[str, Any]:
        """The attributes in memory form, checked and completed by defaults."""
        called = opdef.lookup(node.op) is None
        given: dict[str, Any] = {}
        for key, value in node.attr.items():
            attr = signature.attrs.get(key)
            if attr is None and self.inner and key[:1] != "_":
                continue  # nobody looks at it
            if attr is None:
                if key[:1] != "_" and self.defaults.get((node.op, key)) == value:
                    continue
            elif attr.has_default and not called and value.WhichOneof("value") is None:
                continue
            given[key] = value
        node_check.check_attrs(given, signature, name)
        attrs = {k: self._attribute(k, given, signature) for k in given}
        for key, attr in signature.attrs.items():
            if key not in attrs:
                attrs[key] = attr.default
        if "_class" in given and given["_class"].WhichOneof("value") is None:
            attrs["_class"] = []
        if isinstance(attrs.get("_class"), list):
            attrs["_class"] = [self._renamed_group(g) for g in attrs["_class"]]
        if (
            _has_shape_by_default(signature)
            and self.graph._producer <= _LEGACY_PLACEHOLDERS
            and attrs.get("shape") == ()
        ):
            attrs["shape"] = None
        if called:
            declare_callee(node.op)
            attrs[CALLEE] = self.library.get(node.op)
        return attrs

    def _attribute(
        self, key: str, given: dict[str, Any], signature: opdef.OpDef
    ) -> Any:
        """An attribute in memory form; one of no signature may be of any form."""
        value, attr = given[key], signature.attrs.get(key)
        which = value.WhichOneof("value")
        if attr is None:
            return value if key == "_output_shapes" else private_attr(value)
        if which == "tensor":
            return tensor_value(value.tensor, _dtype_beside(given))
        if which == "func":
            return self.library.get(value.func.name)
        if which == "list" and value.list.func:
            return [self.library.get(f.name) for f in value.list.func]
        if which is None:
            return []
        if which == "placeholder":
            return _nothing(attr)
        return attr_from_user(value)

    def _renamed_group(self, group: object) -> Any:
        """An entry of a colocation attribute; what names a node names its operation."""
        if isinstance(group, str):
            if group.startswith(_COLOCATION):
                other = group.removeprefix(_COLOCATION)
                group = _COLOCATION + (self.names.get(other) or self.prefix + other)
            group = group.encode()
        return group

    def _tensor(self, name: str, key: tuple[str, int]) -> Tensor | None:
        """An input of the node `name`; None where a loop feeds it back later."""
        mapped = self.map.get(key)
        if mapped is not None:
            self.used.add(key)
            return mapped
        source, index = key
        op = self.made.get(source)
        if op is None:
            return None
        if index >= len(op.outputs):
            raise ValueError(
                f"Node '{name}': Connecting to invalid output {index} of source node "
                f"{source} which has {len(op.outputs)} outputs."
            )
        return op.outputs[index]

    def _before(self, name: str) -> Operation | None:
        """A control input; None where a loop feeds it back later."""
        found = self.map.get((name, _CONTROL))
        return self.made.get(name) if found is None else found

    def _set_shapes(self, op: Operation, shown: Message) -> None:
        """Add what the file says about shapes to what is inferred."""
        which = shown.WhichOneof("value")
        if which not in (None, "list") or node_check.other_items(shown.list, "shape"):
            return
        given = shown.list.shape
        if len(given) < len(op.outputs):
            raise ValueError(
                f"Node '{op.name}' has {len(op.outputs)} outputs but the "
                f"_output_shapes attribute specifies shapes for {len(given)} outputs"
            )
        for place, (tensor, proto) in enumerate(zip(op.outputs, given, strict=False)):
            wrong = node_check.wrong_shape(proto)
            if wrong:
                raise ValueError(
                    f"Node '{op.name} has an invalid _output_shapes attribute (shape "
                    f"#{place} error:'{wrong}'"
                )
            try:
                tensor._shape_raw = shapes.merge(tensor._shape_raw, shape_from(proto))
            except ValueError as error:
                if not _is_lenient(op):
                    raise ValueError(
                        f"Node '{op.name}' has an _output_shapes attribute "
                        f"inconsistent with the GraphDef for output #{place}: {error}"
                    ) from None

    # ------------------------------------------------------------------ after

    def _close_loops(self) -> None:
        """Connect the inputs that come after the operations that take them."""
        for op, node in self.open:
            wanted = op._input_types
            for place, key in enumerate(node.inputs):
                tensor = self._tensor(node.proto.name, key)
                if tensor is not None and op.inputs[place] is not tensor:
                    node_check.check_type(wanted[place], tensor, place, op.name)
                    op._update_input(place, tensor)
            for before in map(self._before, node.control):
                if before is not None and before not in op._control_inputs:
                    op._add_control_input(before)

    def _apply_scopes(self, ops: list[Operation]) -> None:
        """All scopes of the graph but those of devices apply."""
        scopes = self.graph._scopes
        devices, scopes.devices = scopes.devices, []
        for op in ops:
            self.graph._apply_scopes(op)
        scopes.devices = devices

    def _place_on_devices(self) -> None:
        """Device blocks apply; an operation that is colocated goes with the other."""
        graph = self.graph
        together: list[tuple[Operation, list[str]]] = []
        for op in self.made.values():
            given, op._device = op._device, ""
            others = [other for other in _groups(op) if other != op.name]
            if others:
                together.append((op, others))
                continue
            if given:
                DeviceScope(given).apply(op)
            if graph._scopes.devices:
                graph._apply_devices(op)
        for op, others in together:
            devices = (graph._by_name[o]._device for o in others if o in graph._by_name)
            op._device = next(filter(None, devices), "")


def _has_shape_by_default(op_def: opdef.OpDef) -> bool:
    """Whether an op type is that of a placeholder which need not say its shape."""
    given = kind_of(op_def.name) is Kind.PARAMETER and not op_def.inputs
    return given and op_def.attrs["shape"].has_default


def _is_lenient(op: Operation) -> bool:
    """Whether the shapes that a file gives may contradict what is inferred.

    They may of what hands a reference on, and of the queues, tables and readers of
    version 1, whose handle is a reference to a string.
    """
    op_def = op._op_def
    if op_def is None:
        return False
    args = op_def.inputs + op_def.outputs
    if any(arg.is_ref and arg.type is dtypes.string for arg in args):
        return True
    traits = traits_of(op.type)
    hands_on = traits.passes is Passes.SAME or traits.kind is Kind.MERGE
    return hands_on and op_def.outputs[0].is_ref


#: what an attribute of each kind holds that holds nothing
_NOTHING = {"string": b"", "int": 0, "float": 0.0, "bool": False, "shape": ()}


def _nothing(attr: opdef.AttrDef) -> Any:
    """What an attribute holds whose message has a placeholder in place of a value.

    Raises:
      ValueError: it is a dtype, or another kind without such a value.
    """
    if attr.kind.startswith("list("):
        return []
    if attr.kind not in _NOTHING:
        raise ValueError(
            "AttrValue had value with unexpected type 'placeholder'\n\t for attr "
            f"'{attr.name}'"
        )
    return _NOTHING[attr.kind]


def _dtype_beside(given: dict[str, Any]) -> dtypes.DType | None:
    """The dtype that a node with a tensor as an attribute says it has."""
    return dtypes.as_dtype(given["dtype"].type) if "dtype" in given else None


def _check_control_last(node: Message) -> None:
    """Check that control inputs follow all others."""
    seen = False
    for text in node.input:
        if text[:1] == "^":
            seen = True
        elif seen:
            raise ValueError(
                f"Node '{node.name}': Control dependencies must come after regular "
                "dependencies"
            )


def _groups(op: Operation) -> list[str]:
    """The names of operations that one is to be colocated with.

    Raises:
      TypeError: the attribute that says so is no list of strings.
    """
    texts = []
    for group in op.attrs.get("_class", ()):
        if not isinstance(group, bytes):
            raise TypeError(f"Expected binary or unicode string, got {group!r}")
        texts.append(group.decode())
    return [t.removeprefix(_COLOCATION) for t in texts if t.startswith(_COLOCATION)]


def _with_prefixes(names: Iterable[str]) -> set[str]:
    """Names, and all that come before a slash in them."""
    found: set[str] = set()
    for name in names:
        while name and name not in found:
            found.add(name)
            name = name.rpartition("/")[0]
    return found


def _standing_in(inputs: list[Tensor | None]) -> list[Tensor]:
    """Inputs of a Merge, another one in the place of what a loop feeds back later."""
    known = [t for t in inputs if t is not None]
    if len(known) == len(inputs):
        return known
    return [known[0] if t is None else t for t in inputs]


def _remove(graph: Graph, first: int) -> None:
    """Take back the operations from a position on."""
    for op in reversed(graph._ops[first:]):
        for tensor in op._inputs:
            tensor._consumers.remove(op)
        for before in op._control_inputs:
            before._control_outputs.remove(op)
        del graph._by_name[op._name]
    del graph._ops[first:]
