"""`retrograd.overrides`: what each gradient override of a graph hit, and missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.trace import place_at
from retrograd.graph import context, opdef
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.places import OverrideScope
from retrograd.graph.trial import bodies
from retrograd.ops.declare import gradient_registry

#: names that `tf.custom_gradient` registers for itself, one for each call
_OWN = "CustomGradient-"
_MOST_NAMED = 4


def overrides(graph: Graph | None = None) -> Report:
    """What each `gradient_override_map` and each registered gradient applies to.

        @tf.RegisterGradient("Through")
        def _through(op, dy):
            return dy

        with graph.gradient_override_map({"sign": "Through"}):
            y = tf.sign(x)
        print(retrograd.overrides(graph))  # `sign`: did you mean `Sign`?

    Args:
      graph: the graph, bodies of its functions included; the default graph by default.

    Returns:
      A report; its `data` has a dictionary for each op type of each map that was
      entered: `op_type`, `name`, `registered`, `where`, `operations` (their names).
      It has findings for maps that matched nothing, and for names that no gradient is
      registered under, which `tf.gradients` would refuse.
    """
    graph = context.get_default_graph() if graph is None else graph
    made = _Made(graph)
    entries = [
        _Entry(op_type, name, scope, made.hit(op_type, name, scope))
        for scope in graph._override_scopes
        for op_type, name in scope.names.items()
        if not name.startswith(_OWN)
    ]
    findings = [f for e in entries if (f := _missed(e, made)) is not None]
    findings += _unregistered(entries, made)
    return Report(
        "overrides: what gradient overrides apply to",
        _verdict(entries, findings, made),
        findings,
        [t for t in (_maps(entries, made), _registered(made)) if t.rows],
        [entry.data for entry in entries],
    )


@dataclass(slots=True)
class _Entry:
    """One op type of one map that was entered."""

    op_type: str
    name: str
    scope: OverrideScope
    operations: list[Operation]

    @property
    def place(self) -> dict[str, Any] | None:
        """The line at which the map was entered."""
        traced = self.scope.traced
        return place_at(traced.filename, traced.lineno)

    @property
    def data(self) -> dict[str, Any]:
        """The entry for programs; see `overrides`."""
        return {
            "op_type": self.op_type,
            "name": self.name,
            "registered": _is_registered(self.name),
            "where": self.place,
            "operations": [op.name for op in self.operations],
        }


class _Made:
    """The operations of a graph and of the functions that it calls."""

    def __init__(self, graph: Graph) -> None:
        self.ops = [op for g in (graph, *bodies(graph)) for op in g._ops]
        self.overridden: dict[tuple[str, str], list[Operation]] = {}
        for op in self.ops:
            name = override_of(op)
            if name and not name.startswith(_OWN):
                self.overridden.setdefault((op.type, name), []).append(op)

    def hit(self, op_type: str, name: str, scope: OverrideScope) -> list[Operation]:
        """The operations that took their gradient from an entry of a map."""
        found = self.overridden.get((op_type, name), ())
        return [op for op in found if scope.first < op._id < scope.last]

    def inside(self, scope: OverrideScope) -> Iterator[Operation]:
        """The operations that were made while a map held."""
        return (op for op in self.ops if scope.first < op._id < scope.last)

    def users(self, name: str) -> list[Operation]:
        """The operations that take a registered gradient."""
        found = [ops for (_, taken), ops in self.overridden.items() if taken == name]
        own = [op for op in self.ops if op.type == name and not override_of(op)]
        return [*own, *(op for ops in found for op in ops)]


def override_of(op: Operation) -> str:
    """The name of the gradient that an override gave an operation; "" for others."""
    given = op.attrs.get("_gradient_op_type", "")
    return given.decode() if isinstance(given, bytes) else given


def _is_registered(name: str) -> bool:
    return name in gradient_registry.list()


# ---------------------------------------------------------------------- findings


def _missed(entry: _Entry, made: _Made) -> Finding | None:
    """What is wrong with an entry that no operation has taken."""
    if entry.operations:
        return None
    inside = list(made.inside(entry.scope))
    types = list(dict.fromkeys(op.type for op in inside))
    what = f"`{entry.op_type}` matched nothing"
    details, fix = [], ""
    taken = [op for op in inside if op.type == entry.op_type]
    elsewhere = [op for op in made.ops if op.type == entry.op_type]
    near = _nearest(entry.op_type, types)
    if taken:
        what += ": a map inside this one took its place."
        details.append(f"{_named(taken)} took `{override_of(taken[0])}`")
        fix = "leave one of the two maps out"
    elif elsewhere:
        what += ": no such operation was made inside the block."
        when = "before" if elsewhere[0]._id < entry.scope.first else "after"
        details.append(f"made {when} it: {_named(elsewhere)}")
        fix = "make the operation inside: an override holds from an op's creation on"
    elif near:
        what += f"; did you mean `{near}`?"
        fix = f'gradient_override_map({{"{near}": "{entry.name}"}})'
    else:
        what += "."
    if not taken:
        made_inside = ", ".join(types[:8]) + (", …" if len(types) > 8 else "")
        details.append(f"op types made inside: {made_inside or 'none'}")
    return Finding(what, details, None, fix, entry.place)


def _nearest(op_type: str, inside: Sequence[str]) -> str:
    """The op type that was meant: one made inside the block, or one that exists."""
    known = [] if opdef.lookup(op_type) is not None else opdef.names()
    for types in (inside, known):
        by_lower = {t.lower(): t for t in types}
        near = get_close_matches(op_type.lower(), by_lower, 1, 0.7)
        if near:
            return by_lower[near[0]]
    return ""


def _unregistered(entries: Sequence[_Entry], made: _Made) -> list[Finding]:
    """Names that operations or maps have and the registry has not."""
    found: dict[str, Finding] = {}
    names = [(e.name, e.operations, e.place) for e in entries]
    names += [(name, ops, None) for (_, name), ops in made.overridden.items()]
    for name, ops, place in names:
        if _is_registered(name) or name in found:
            continue
        own = [n for n, _ in _programs_own()]
        near = get_close_matches(name, own, 1, 0.7)
        what = f'No gradient is registered as "{name}"'
        what += f'; did you mean "{near[0]}"?' if near else "."
        details = [f"tf.gradients raises LookupError at {_named(ops)}"] if ops else []
        fix = f'@tf.RegisterGradient("{name}")'
        op = ops[0] if ops and place is None else None
        found[name] = Finding(what, details, op, fix, place)
    return list(found.values())


def _named(ops: Sequence[Operation]) -> str:
    """`mul (train.py:4), mul_1 (train.py:5)`, and how many more."""
    names = ", ".join(f"{op.name} ({op.where})" for op in ops[:_MOST_NAMED])
    more = len(ops) - _MOST_NAMED
    return f"{names} and {more} more" if more > 0 else names


# ---------------------------------------------------------------------- tables


def _programs_own() -> list[tuple[str, dict[str, Any]]]:
    """The gradients that programs registered: names and entries of the registry."""
    entries = gradient_registry._registry
    return [
        (name, entries[name])
        for name in gradient_registry.list()
        if entries[name]["location"][0]
    ]


def _maps(entries: Sequence[_Entry], made: _Made) -> Table:
    rows: list[Sequence[str]] = []
    seen: set[Operation] = set()
    for entry in entries:
        seen.update(entry.operations)
        place = entry.place
        at = f"{Path(place['file']).name}:{place['line']}" if place else ""
        names = _named(entry.operations) or "nothing"
        rows.append((entry.op_type, entry.name, at, names))
    for (op_type, name), ops in made.overridden.items():
        rest = [op for op in ops if op not in seen]
        if rest:
            rows.append((op_type, name, "imported", _named(rest)))
    return Table(("op type", "gradient", "map entered at", "operations"), rows)


def _registered(made: _Made) -> Table:
    rows = []
    for name, entry in _programs_own():
        file, line, *_ = entry["location"]
        function = entry["type"]
        title = "no gradient" if function is None else _title(function)
        users = made.users(name)
        at = f"{Path(file).name}:{line}"
        rows.append((name, title, at, _named(users) or "none here"))
    return Table(("registered", "function", "at", "operations"), rows)


def _title(function: object) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _verdict(
    entries: Sequence[_Entry], findings: Sequence[Finding], made: _Made
) -> str:
    if findings:
        return findings[0].what
    count = sum(len(ops) for ops in made.overridden.values())
    if not entries and not count:
        return "No gradient is overridden in this graph."
    return f"Every override applies: {count} operation{'s' * (count != 1)}."
