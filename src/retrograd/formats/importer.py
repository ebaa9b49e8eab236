"""`tf.import_graph_def`: the nodes of a GraphDef become operations of a graph."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retrograd import shapes
from retrograd.errors import NotFoundError
from retrograd.formats.function_def import Library
from retrograd.formats.node import attr_from_user
from retrograd.graph import attributes, context, opdef
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.graph import VERSION, Graph, unknown_op_type
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.places import DeviceScope
from retrograd.graph.tensor import Tensor
from retrograd.platform.versions import GRAPH_DEF_VERSION_MIN_PRODUCER
from retrograd.platform.versions import __version__ as VERSION_TEXT
from retrograd.util import protos

#: ops whose shapes in a file may contradict what is inferred
_LENIENT = frozenset(
    "RandomShuffleQueue PaddingFIFOQueue FIFOQueue PriorityQueue QueueSize Stack "
    "Barrier BarrierReadySize BarrierIncompleteSize HashTable MutableHashTable "
    "MutableHashTableOfTensors Mutex CuckooTable IndexTable WholeFileReader "
    "TextLineReader FixedLengthRecordReader TFRecordReader IdentityReader LMDBReader "
    "RefSwitch RefEnter RefNextIteration RefMerge RefIdentity".split()
)
_MERGES, _BACK_EDGES = ("Merge", "RefMerge"), ("NextIteration", "RefNextIteration")
#: up to this version an empty shape of a Placeholder meant that nothing is known
_LEGACY_PLACEHOLDERS = 21
_COLOCATION = "loc:@"


def import_graph_def(
    graph_def: Any,
    input_map: Mapping[Any, Any] | None = None,
    return_elements: Sequence[Any] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Add the nodes of a GraphDef to the default graph.

    Args:
      graph_def: the GraphDef message.
      input_map: tensors that take the place of some in `graph_def`, by their names
        there; `^name` maps a control input.
      return_elements: names in `graph_def` of operations and tensors to return.
      name: a prefix for the names, by default "import"; made unique.
      op_dict: accepted.
      producer_op_list: an OpList of what made the GraphDef: attributes that are not
        known here are left out where they have the default it tells.

    Returns:
      The operations and tensors of `return_elements`, or None.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: a name is not in `graph_def`, or `graph_def` is not well formed.
      NotFoundError: it has an unknown op type.
    """
    del op_dict
    return _import(graph_def, input_map, return_elements, name, producer_op_list, True)


def import_graph_def_for_function(graph_def: Any, name: str | None = None) -> None:
    """As `import_graph_def`; a node may be colocated with one that is not there."""
    _import(graph_def, None, None, name, None, False)


def _import(
    graph_def: Any,
    input_map: Mapping[Any, Any] | None,
    return_elements: Sequence[Any] | None,
    name: str | None,
    producer_op_list: Any,
    strict: bool,
) -> list[Any] | None:
    graph_def = checked_graph_def(graph_def)
    mapped = _checked_map(input_map)
    wanted = None if return_elements is None else _checked_names(return_elements)
    graph = context.get_default_graph()
    with name_scope(name, "import", list(mapped.values())) as scope:
        prefix = scope[:-1] if scope else ""
        if not all(isinstance(v, (Tensor, Operation)) for v in mapped.values()):
            mapped = _converted(mapped, name)
    defaults = {} if producer_op_list is None else _defaults_of(producer_op_list)
    library = Library(graph_def.library, graph)
    job = _Import(graph, graph_def, prefix, mapped, defaults, library, strict)
    with graph._lock:
        job.run()
    for function in library.names():
        graph._add_function(library.get(function))
    missing = job.unused()
    if missing:
        raise ValueError(
            "Attempted to map inputs that were not found in graph_def: "
            f"[{', '.join(missing)}]"
        )
    return None if wanted is None else [job.element(e) for e in wanted]


def add_nodes(
    graph: Graph, graph_def: Any, input_map: dict[str, Tensor], library: Library
) -> dict[str, Operation]:
    """Add the nodes of a function's body to it; the operations by name."""
    job = _Import(graph, graph_def, "", input_map, {}, library, False)
    job.run()
    return job.made


def checked_graph_def(graph_def: Any) -> Any:
    """`graph_def` as a GraphDef message of ours.

    Raises:
      TypeError: it is something else.
    """
    GraphDef = protos.message("graph.GraphDef")
    if isinstance(graph_def, GraphDef):
        return graph_def
    kind = getattr(graph_def, "DESCRIPTOR", None)
    if kind is None or kind.name != "GraphDef":
        raise TypeError("graph_def must be a GraphDef proto.")
    return GraphDef.FromString(graph_def.SerializeToString())


def _text(name: Any) -> Any:
    return name.decode() if isinstance(name, bytes) else name


def _checked_map(input_map: Any) -> dict[str, Any]:
    if input_map is None:
        return {}
    if not isinstance(input_map, dict) or not all(
        isinstance(key, (str, bytes)) for key in input_map
    ):
        raise TypeError(
            "input_map must be a dictionary mapping strings to Tensor objects."
        )
    return {_text(key): value for key, value in input_map.items()}


def _checked_names(names: Sequence[Any]) -> list[str]:
    if not all(isinstance(name, (str, bytes)) for name in names):
        raise TypeError("return_elements must be a list of strings.")
    found = [_text(name) for name in names]
    for name in found:
        _tensor_name(name)
    return found


def _tensor_name(name: str) -> tuple[str, int]:
    """Operation and output index of a tensor's name.

    Raises:
      ValueError: it is no name of a tensor.
    """
    op_name, colon, index = name.partition(":")
    if colon and not index.isdigit():
        raise ValueError(f"Cannot convert {name!r} to a tensor name.")
    return op_name, int(index or 0)


def _converted(input_map: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The values of an input map as tensors, made in the import's scope."""
    if name == "":
        raise ValueError(
            "tf.import_graph_def() requires a non-empty `name` if `input_map` contains "
            "non-Tensor values. Try calling tf.convert_to_tensor() on `input_map` "
            "values before calling tf.import_graph_def()."
        )
    with name_scope("_inputs"):
        return {k: convert_to_tensor(v) for k, v in input_map.items()}


def _defaults_of(op_list: Any) -> dict[tuple[str, str], Any]:
    """The defaults in an OpList, by op type and attribute."""
    return {
        (op.name, attr.name): attr.default_value
        for op in op_list.op
        for attr in op.attr
        if attr.HasField("default_value")
    }


class _Node:
    """A node of the GraphDef, with its inputs taken apart.

    Attributes:
      inputs: names and output indices.
      control: names of control inputs.
    """

    def __init__(self, node: Any) -> None:
        self.proto = node
        self.inputs: list[tuple[str, int]] = []
        self.control: list[str] = []
        for text in node.input:
            if text.startswith("^"):
                self.control.append(text[1:])
                continue
            op_name, colon, index = text.rpartition(":")
            if colon and index.isdigit():
                self.inputs.append((op_name, int(index)))
            else:
                self.inputs.append((text, 0))


class _Import:
    """One import: which names nodes get, and the operations made for them."""

    def __init__(
        self,
        graph: Graph,
        graph_def: Any,
        prefix: str,
        input_map: dict[str, Any],
        defaults: dict[tuple[str, str], Any],
        library: Library,
        strict: bool,
    ) -> None:
        self.graph = graph
        self.graph_def = graph_def
        self.prefix = prefix + "/" if prefix else ""
        self.defaults = defaults
        self.library = library
        self.strict = strict
        self.map: dict[tuple[str, int], Tensor] = {}
        self.control_map: dict[str, Operation] = {}
        for key, value in input_map.items():
            if key.startswith("^"):
                self.control_map[key[1:]] = getattr(value, "op", value)
            else:
                self.map[_tensor_name(key)] = value
        self.used: set[tuple[str, int]] = set()
        self.nodes: dict[str, _Node] = {}
        self.names: dict[str, str] = {}
        self.made: dict[str, Operation] = {}

    # ------------------------------------------------------------------ the whole

    def run(self) -> None:
        """Make all operations; none where one fails."""
        graph, versions = self.graph, self.graph_def.versions
        graph._check_not_finalized()
        before = graph._producer, graph._min_consumer, graph._bad_consumers
        first = len(graph._ops)
        self._check_versions(versions)
        self._index()
        graph._producer = min(graph._producer, versions.producer)
        graph._min_consumer = max(graph._min_consumer, versions.min_consumer)
        found = {*graph._bad_consumers, *versions.bad_consumers}
        graph._bad_consumers = sorted(found)
        try:
            for name in self._order():
                self.made[name] = self._make(self.nodes[name])
            self._close_loops()
        except BaseException:
            _remove(graph, first)
            graph._producer, graph._min_consumer, graph._bad_consumers = before
            raise
        devices, graph._scopes.devices = graph._scopes.devices, []
        for op in graph._ops[first:]:
            graph._apply_scopes(op)
        graph._scopes.devices = devices
        self._place_on_devices()

    def unused(self) -> list[str]:
        """The mapped inputs that are not in the GraphDef."""
        missing = []
        for name, index in self.map.keys() - self.used:
            op = self.made.get(name)
            if op is None or index >= len(op.outputs):
                missing.append(f"{name}:{index}")
        return sorted(missing)

    def element(self, name: str) -> Any:
        """The operation or tensor made for a name in the GraphDef."""
        op_name, index = _tensor_name(name)
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

    def _check_versions(self, versions: Any) -> None:
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
        """Find the nodes by name; check what they refer to; choose their names."""
        for node in self.graph_def.node:
            if node.name in self.nodes:
                raise ValueError(f"Node '{node.name}' is not unique")
            self.nodes[node.name] = _Node(node)
        for node in self.nodes.values():
            self._check_inputs(node)
        taken = _with_prefixes(op._name for op in self.graph._ops)
        own = _with_prefixes(self.prefix + name for name in self.nodes)
        for name in self.nodes:
            chosen = base = self.prefix + name
            count = 0
            while chosen in taken or (count and chosen in own):
                count += 1
                chosen = f"{base}_{count}"
            self.names[name] = chosen

    def _check_inputs(self, node: _Node) -> None:
        name = node.proto.name
        for text in node.proto.input:
            if text.startswith("^"):
                known = text[1:] in self.nodes or text[1:] in self.control_map
            else:
                op_name, colon, index = text.rpartition(":")
                split = colon and index.isdigit()
                key = (op_name, int(index)) if split else (text, 0)
                known = key[0] in self.nodes or key in self.map
            if not known:
                raise ValueError(f"Node '{name}': Unknown input node '{text}'")
        if not self.strict or "_class" not in node.proto.attr:
            return
        for group in node.proto.attr["_class"].list.s:
            other = group.decode().removeprefix(_COLOCATION)
            if group.startswith(b"loc:@") and other not in self.nodes:
                raise ValueError(
                    f"Node '{name}' expects to be colocated with unknown node '{other}'"
                )

    def _order(self) -> Iterable[str]:
        """Names of nodes, each after those it needs; else as in the GraphDef.

        What a loop feeds back may come after the Merge that takes it.
        """
        numbers = {name: i for i, name in enumerate(self.nodes)}
        names = list(self.nodes)
        pending: dict[str, int] = {}
        after: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name, node in self.nodes.items():
            needed = {*self._sources(node), *(c for c in node.control if c in numbers)}
            if node.proto.op in _MERGES:
                needed -= {n for n in needed if self._feeds_back(n)}
            pending[name] = len(needed)
            for other in needed:
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
            raise ValueError(
                f"{len(names) - done} nodes in a cycle: "
                + ", ".join(name for name, count in pending.items() if count)
            )

    def _sources(self, node: _Node) -> list[str]:
        """The nodes whose outputs a node takes, mapped inputs left out."""
        return [name for name, index in node.inputs if (name, index) not in self.map]

    def _feeds_back(self, name: str) -> bool:
        return self.nodes[name].proto.op in _BACK_EDGES

    # ------------------------------------------------------------------ a node

    def _make(self, node: _Node) -> Operation:
        proto, graph = node.proto, self.graph
        signature = opdef.lookup(proto.op)
        if signature is None:
            raise unknown_op_type(proto.op)
        name = self.names[proto.name]
        attrs = self._attributes(proto, signature, name)
        inputs = _standing_in([self._tensor(proto.name, k) for k in node.inputs])
        shown = attrs.pop("_output_shapes", None)
        op = object.__new__(Operation)
        try:
            types = attributes.output_types(signature, attrs)
            _check_types(signature, attrs, inputs, name)
            graph._place(
                op, proto.op, name, graph._own(inputs), types, attrs, signature
            )
            op._device = proto.device
            graph._finish_unscoped(op, [self._before(c) for c in node.control])
        except NotFoundError:
            raise
        except TypeError as error:
            raise ValueError(str(error)) from error
        _set_shapes(op, shown)
        return op

    def _attributes(
        self, node: Any, signature: opdef.OpDef, name: str
    ) -> dict[str, Any]:
        attrs: dict[str, Any] = {}
        for key, value in node.attr.items():
            if key not in signature.attrs and not key.startswith("_"):
                if self.defaults.get((node.op, key)) == value:
                    continue
                raise ValueError(
                    f"NodeDef mentions attr '{key}' not in {opdef.summary(signature)}; "
                    f"NodeDef: {{{{node {name}}}}}. (Check whether your "
                    "GraphDef-interpreting binary is up to date with your "
                    "GraphDef-generating binary.)."
                )
            which = value.WhichOneof("value")
            if which == "func":
                attrs[key] = self._function(value.func.name)
            elif which == "list" and value.list.func:
                attrs[key] = [self._function(f.name) for f in value.list.func]
            elif which is not None:
                attrs[key] = attr_from_user(value)
        for key in attrs.keys() & signature.attrs.keys():
            attrs[key] = _checked_attr(signature, key, attrs[key], name)
        if "_class" in attrs:
            attrs["_class"] = [self._renamed_group(g) for g in attrs["_class"]]
        if (
            node.op == "Placeholder"
            and self.graph._producer <= _LEGACY_PLACEHOLDERS
            and attrs.get("shape") == ()
        ):
            attrs["shape"] = None
        return attributes.with_defaults(signature, attrs, name)

    def _function(self, name: str) -> Any:
        """The function that an attribute names; the name where there is none."""
        found = self.library.get(name) or self.graph._get_function(name)
        return name if found is None else found

    def _renamed_group(self, group: Any) -> bytes:
        text = _text(group)
        if not text.startswith(_COLOCATION):
            return text.encode()
        other = text.removeprefix(_COLOCATION)
        own = self.names.get(other) or self.prefix + other
        return f"{_COLOCATION}{own}".encode()

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
                f"{source} which has {len(op.outputs)} outputs"
            )
        return op.outputs[index]

    def _before(self, name: str) -> Operation:
        found = self.control_map.get(name)
        return self.made[name] if found is None else found

    # ------------------------------------------------------------------ after

    def _close_loops(self) -> None:
        for name, node in self.nodes.items():
            if node.proto.op not in _MERGES:
                continue
            for place, key in enumerate(node.inputs):
                tensor = self._tensor(name, key)
                op = self.made[name]
                if tensor is not None and op.inputs[place] is not tensor:
                    op._update_input(place, tensor)

    def _place_on_devices(self) -> None:
        """Device blocks apply; an operation that is colocated goes with the other."""
        graph = self.graph
        together: list[tuple[Operation, list[str]]] = []
        for op in self.made.values():
            given, op._device = op._device, ""
            others = [
                group.decode().removeprefix(_COLOCATION)
                for group in op.attrs.get("_class") or ()
                if group.startswith(b"loc:@")
            ]
            others = [other for other in others if other != op.name]
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


def _checked_attr(signature: opdef.OpDef, key: str, value: Any, name: str) -> Any:
    try:
        return attributes.normalize(signature.attrs[key], value, signature.name)
    except (TypeError, ValueError) as error:
        attr = signature.attrs[key]
        if attr.allowed is not None and attr.kind == "type":
            allowed = ", ".join(map(opdef.type_word, attr.allowed))
            raise ValueError(
                f"Value for attr '{key}' of {opdef.type_word(value)} is not in the "
                f"list of allowed values: {allowed}\n\t; NodeDef: {{{{node {name}}}}}; "
                f"{opdef.summary(signature)}"
            ) from None
        raise ValueError(
            f"{error}; NodeDef: {{{{node {name}}}}}; {opdef.summary(signature)}"
        ) from None


def _check_types(
    signature: opdef.OpDef, attrs: dict[str, Any], inputs: Any, name: str
) -> None:
    """Check number and dtypes of a node's inputs."""
    wanted = attributes.arg_types(signature.inputs, attrs)
    if len(wanted) != len(inputs):
        expected = ", ".join(map(opdef.type_word, wanted))
        raise ValueError(
            f"NodeDef expected inputs '{expected}' do not match {len(inputs)} inputs "
            f"specified; {opdef.summary(signature)}; NodeDef: {{{{node {name}}}}}"
        )
    for place, (dtype, tensor) in enumerate(zip(wanted, inputs, strict=True)):
        found = tensor.dtype
        if found is not dtype and (
            dtype._is_ref_dtype or found.base_dtype is not dtype
        ):
            has, wants = opdef.type_word(found), opdef.type_word(dtype)
            raise ValueError(
                f"Input {place} of node {name} was passed {has} from {tensor.name} "
                f"incompatible with expected {wants}."
            )


def _set_shapes(op: Operation, shown: list[Any] | None) -> None:
    """Add what the file says about shapes to what is inferred."""
    if shown is None:
        return
    if len(shown) < len(op.outputs):
        raise ValueError(
            f"Node '{op.name}' has {len(op.outputs)} outputs but the _output_shapes "
            f"attribute specifies shapes for {len(shown)} outputs"
        )
    for place, (tensor, raw) in enumerate(zip(op.outputs, shown, strict=False)):
        try:
            tensor._shape_raw = shapes.merge(tensor._shape_raw, raw)
        except ValueError as error:
            if op.type not in _LENIENT:
                raise ValueError(
                    f"Node '{op.name}' has an _output_shapes attribute inconsistent "
                    f"with the GraphDef for output #{place}: {error}"
                ) from None


def _remove(graph: Graph, first: int) -> None:
    """Take back the operations from a position on."""
    for op in reversed(graph._ops[first:]):
        for tensor in op._inputs:
            tensor._consumers.remove(op)
        for before in op._control_inputs:
            before._control_outputs.remove(op)
        del graph._by_name[op._name]
    del graph._ops[first:]
