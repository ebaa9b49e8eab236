"""`tf.profiler.profile`: parameters, float operations and times of a graph's nodes."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.formats import messages
from retrograd.graph import context
from retrograd.ops.declare import traits_of
from retrograd.ops.float_ops import IncompleteShape, float_operations
from retrograd.platform import files, logs
from retrograd.train.profile_options import ProfileOptionBuilder
from retrograd.variables.collections import trainable_variables

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.typing import Message

_ROOT = "_TFProfRoot"
_TRAINABLE = "_trainable_variables"
#: what can be shown: its field, how it is called in the report, and its unit
_FIELDS = {
    "bytes": ("requested_bytes", "output bytes", "B"),
    "micros": ("exec_micros", "total execution time", "us"),
    "params": ("parameters", "# parameters", " params"),
    "float_ops": ("float_ops", "# float_ops", " flops"),
}
_EXPLAINED = {
    "bytes": "bytes: The memory of what a node gives.",
    "micros": "total execution time: The time that a node took.",
    "params": "param: Number of parameters (in the Variable).",
    "float_ops": "flops: Number of float operations. Note: Please read the "
    "implementation for the math behind it.",
}
_MINIMUMS = {
    "min_params": "parameters",
    "min_float_ops": "float_ops",
    "min_micros": "exec_micros",
    "min_bytes": "requested_bytes",
}


class _Node:
    """A node of the graph, or a part of names that is none.

    Attributes:
      own: its numbers, by the names of fields.
      total: the same with those of what is shown below it.
      kinds: its op type, and others that it is known by.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.own: dict[str, int] = defaultdict(int)
        self.total: dict[str, int] = defaultdict(int)
        self.kinds: set[str] = set()
        self.op_type = ""
        self.shape: list[int] | None = None
        self.children: list[_Node] = []

    def message(self) -> Any:
        """The node as a GraphNodeProto."""
        made: Any = messages.GraphNodeProto(name=self.name)
        for field, _, _ in _FIELDS.values():
            setattr(made, field, self.own[field])
            setattr(made, f"total_{field}", self.total[field])
        made.children.extend(child.message() for child in self.children)
        return made


def profile(
    graph: Graph | None = None,
    run_meta: Message | None = None,
    op_log: Message | None = None,
    cmd: str = "scope",
    options: dict[str, Any] | int = 0,
) -> Any:
    """Count what a graph takes, print it as a tree, and return it.

    Args:
      graph: the graph, by default the default graph.
      run_meta: the RunMetadata of a run that was traced, for times and sizes.
      op_log: an OpLogProto: further types and counts of nodes.
      cmd: `scope`, by names; or `op`, by op types.
      options: see `ProfileOptionBuilder`.

    Returns:
      A GraphNodeProto; for `op` a MultiGraphNodeProto.

    Raises:
      InvalidArgumentError: another `cmd`.
      NotImplementedError: `graph` or `code`.
    """
    graph = graph or context.get_default_graph()
    chosen = ProfileOptionBuilder.trainable_variables_parameter()
    if isinstance(options, dict):
        chosen = options
    if cmd in ("graph", "code"):
        raise NotImplementedError(f"Profiles by {cmd} are not provided.")
    if cmd not in ("scope", "op"):
        raise errors.InvalidArgumentError(None, None, f"unknown cmd: {cmd}")
    nodes = _counted(graph, run_meta, op_log)
    if cmd == "op":
        return _by_op_type(nodes, chosen)
    root = _tree(nodes, chosen)
    _print(lambda: _report(root, chosen), chosen)
    return root.message()


def _counted(
    graph: Graph, run_meta: Message | None, op_log: Message | None
) -> list[_Node]:
    """All operations with their numbers."""
    nodes = {op.name: _Node(op.name) for op in graph.get_operations()}
    incomplete = 0
    for op in graph.get_operations():
        node = nodes[op.name]
        node.op_type = op.type
        node.kinds = {op.type, op.device or ""}
        try:
            node.own["float_ops"] = float_operations(op)
        except IncompleteShape:
            incomplete += 1
    if incomplete:
        logs.warning("%d ops no flops stats due to incomplete shapes.", incomplete)
    with graph.as_default():
        trainable = {v.op.name for v in trainable_variables()}
    for op in graph.get_operations():
        if traits_of(op.type).beside_variables or op.name in trainable:
            _count_variable(nodes[op.name], op, op.name in trainable)
    for device in run_meta.step_stats.dev_stats if run_meta is not None else ():
        for stats in device.node_stats:
            node = nodes.get(stats.node_name.partition(":")[0])
            if node is not None:
                node.own["exec_micros"] += max(1, stats.op_end_rel_micros)
                sizes = (
                    o.tensor_description.allocation_description.requested_bytes
                    for o in stats.output
                )
                node.own["requested_bytes"] += sum(sizes)
    for entry in op_log.log_entries if op_log is not None else ():
        if entry.name in nodes:
            nodes[entry.name].kinds.update(entry.types)
            nodes[entry.name].own["float_ops"] += entry.float_ops
    return list(nodes.values())


def _count_variable(node: _Node, op: Any, trainable: bool) -> None:
    shape = op.attrs.get("shape")
    sizes = getattr(shape, "raw", shape)
    if sizes is None or None in sizes:
        return
    node.shape = [int(size) for size in sizes]
    node.own["parameters"] = math.prod(node.shape)
    if trainable:
        node.kinds.add(_TRAINABLE)


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return any(re.match(f"(?:{pattern})\\Z", text) for pattern in patterns)


def _is_accounted(node: _Node, options: dict[str, Any]) -> bool:
    patterns = options["account_type_regexes"]
    return any(_matches(kind, patterns) for kind in node.kinds)


# --------------------------------------------------------------------- by names


def _tree(nodes: list[_Node], options: dict[str, Any]) -> _Node:
    """What is shown, as a tree of names."""
    root = _Node(_ROOT)
    known = {"": root, **{node.name: node for node in nodes}}
    for name in list(known):
        while name:
            parent = name.rpartition("/")[0]
            if parent in known:
                break
            known[parent] = _Node(parent)
            name = parent
    below: dict[str, list[_Node]] = defaultdict(list)
    for name, node in known.items():
        if name:
            below[name.rpartition("/")[0]].append(node)
    for name in sorted(known, key=lambda n: n.count("/") + bool(n), reverse=True):
        node = known[name]
        if not _is_accounted(node, options):
            node.own.clear()
        found: list[_Node] = []
        for child in below[name]:
            shown = _is_shown(child, options)
            found += [child] if shown else child.children
        node.children = _ordered(found, options)
        for field, _, _ in _FIELDS.values():
            node.total[field] = node.own[field] + sum(
                child.total[field] for child in node.children
            )
    return root


def _is_shown(node: _Node, options: dict[str, Any]) -> bool:
    if not _is_accounted(node, options) and not node.children:
        return False
    if not _reaches_minimums(node, options):
        return False
    if node.name.count("/") >= options["max_depth"]:
        return False
    return _matches(node.name, options["show_name_regexes"]) and not _matches(
        node.name, options["hide_name_regexes"]
    )


def _reaches_minimums(node: _Node, options: dict[str, Any]) -> bool:
    return all(node.own[f] >= options.get(key, 0) for key, f in _MINIMUMS.items())


def _ordered(nodes: list[_Node], options: dict[str, Any]) -> list[_Node]:
    field = _FIELDS.get(options["order_by"], ("",))[0]
    if not field:
        return sorted(nodes, key=lambda node: node.name)
    return sorted(nodes, key=lambda node: -node.total[field])


def _report(root: _Node, options: dict[str, Any]) -> Iterator[str]:
    """The tree as text."""
    shown = [name for name in options["select"] if name in _FIELDS]
    yield "Doc:"
    yield (
        "scope: The nodes in the model graph are organized by their names, which is "
        "hierarchical like filesystem."
    )
    yield from (_EXPLAINED[name] for name in shown)
    yield ""
    yield "Profile:"
    yield " | ".join(["node name", *(_FIELDS[name][1] for name in shown)])
    pending = [(root, 0)]
    while pending:
        node, depth = pending.pop()
        yield f"{'  ' * depth}{node.name} ({', '.join(_columns(node, shown))})"
        pending += [(child, depth + 1) for child in node.children[::-1]]


def _columns(node: _Node, shown: list[str]) -> Iterator[str]:
    for name in shown:
        field, _, unit = _FIELDS[name]
        own, total = node.own[field], node.total[field]
        if name == "params" and node.shape and own:
            yield "x".join(map(str, node.shape))
        left = _number(own) if own else "--"
        yield f"{left}/{_number(total)}{unit}"


def _number(value: int) -> str:
    for least, letter in ((1_000_000_000, "b"), (1_000_000, "m"), (1_000, "k")):
        if value >= least:
            return f"{value / least:.2f}{letter}"
    return str(value)


def _print(report: Callable[[], Iterator[str]], options: dict[str, Any]) -> None:
    """Print the report, or write it to a file, or neither."""
    kind, _, rest = options["output"].partition(":")
    if kind == "stdout":
        print("\n=========================Options=============================")
        for name in _SHOWN_OPTIONS:
            print(f"-{name:26} {_option(options, name)}")
        print("\n==================Model Analysis Report======================\n")
        print("\n".join(report()))
        print("\n======================End of Report==========================")
    elif kind == "file":
        text = "\n".join(["", *report(), ""])
        files.write_string_to_file(rest.removeprefix("outfile="), text)


_SHOWN_OPTIONS = (
    "max_depth min_bytes min_peak_bytes min_residual_bytes min_output_bytes min_micros "
    "min_accelerator_micros min_cpu_micros min_params min_float_ops min_occurrence "
    "step order_by account_type_regexes start_name_regexes trim_name_regexes "
    "show_name_regexes hide_name_regexes account_displayed_op_only select output"
).split()


def _option(options: dict[str, Any], name: str) -> str:
    value = options.get(name, 0)
    if name == "output":
        return f"{value}:"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


# ------------------------------------------------------------------ by op types


def _by_op_type(nodes: list[_Node], options: dict[str, Any]) -> Any:
    """Op types in order; each total counts what comes after."""
    sums: dict[str, _Node] = {}
    for node in nodes:
        if _is_accounted(node, options):
            whole = sums.setdefault(node.op_type, _Node(node.op_type))
            for field, value in node.own.items():
                whole.own[field] += value
            whole.total = whole.own
    ordered = _ordered(list(sums.values()), options)
    shown = [node for node in ordered if _reaches_minimums(node, options)]
    made: Any = messages.MultiGraphNodeProto(name=_ROOT)
    rest = {f: sum(n.own[f] for n in shown) for f, _, _ in _FIELDS.values()}
    inner = made
    for node in [None, *shown]:
        if node is not None:
            inner = inner.children.add(name=node.name)
        for field in rest:
            setattr(inner, f"total_{field}", rest[field])
            if node is not None:
                setattr(inner, field, node.own[field])
                rest[field] -= node.own[field]
    return made
