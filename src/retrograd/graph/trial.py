"""Building on a graph for a moment: what is made inside a block is taken out again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation

Undo = Callable[[], None]


@contextlib.contextmanager
def trial(graph: Graph) -> Iterator[None]:
    """A context in which `graph` may be built on without a trace of it afterwards.

    Operations made inside are removed at the end, with the names they took, the numbers
    that seeds derive from, and what a gradient added to loops, branches and functions.
    A finalized graph may be built on as well.  Other threads that add operations wait.

    Args:
      graph: a graph, or the body of a function; the graphs around a body are not kept.
    """
    with graph._lock:
        undo = [_kept(graph)]
        undo += [_kept(body) for body in bodies(graph)]
        graph._finalized = False
        try:
            yield
        finally:
            for step in undo:
                step()


def bodies(graph: Graph) -> list[FuncGraph]:
    """The functions that operations of a graph call, and those that these call."""
    found: dict[FuncGraph, None] = {}
    pending = [graph]
    while pending:
        for op in pending.pop()._ops:
            for body in _called(op):
                if body not in found:
                    found[body] = None
                    pending.append(body)
    return list(found)


def _called(op: Operation) -> list[FuncGraph]:
    found: list[FuncGraph] = []
    for value in op.attrs.values():
        if isinstance(value, FuncGraph):
            found.append(value)
        elif isinstance(value, list):
            found.extend(v for v in value if isinstance(v, FuncGraph))
    return found


def _kept(graph: Graph) -> Undo:
    """What brings a graph back to how it is now."""
    before = {name: (value, _contents(value)) for name, value in graph.__dict__.items()}
    collections = {key: list(items) for key, items in graph._collections.items()}
    callers = [(op, _state(op)) for op in graph._ops if _called(op)]
    count = len(graph._ops)

    def undo() -> None:
        for op in reversed(graph._ops[count:]):
            _disconnect(op)
        for name in set(graph.__dict__) - set(before):
            del graph.__dict__[name]
        for name, (value, contents) in before.items():
            graph.__dict__[name] = value
            _refill(value, contents)
        for key, items in collections.items():
            graph._collections[key][:] = items
        for op, state in callers:
            _restore(op, state)

    return undo


def _contents(value: Any) -> Any:
    return type(value)(value) if type(value) in (list, dict, set) else None


def _refill(value: Any, contents: Any) -> None:
    if contents is None:
        return
    value.clear()
    if isinstance(value, list):
        value.extend(contents)
    else:
        value.update(contents)


def _disconnect(op: Operation) -> None:
    """Remove an operation, the newest of its graph, from what it depends on."""
    for tensor in op._inputs:
        _remove_last(tensor._consumers, op)
    for earlier in op._control_inputs:
        _remove_last(earlier._control_outputs, op)


def _remove_last(items: list[Any], item: object) -> None:
    for place in range(len(items) - 1, -1, -1):
        if items[place] is item:
            del items[place]
            return


def _state(op: Operation) -> Any:
    attrs = {k: list(v) if type(v) is list else v for k, v in op.attrs.items()}
    return attrs, op._inputs, list(op._outputs), list(op._control_inputs)


def _restore(op: Operation, state: Any) -> None:
    """Take away the inputs, outputs and attributes that an operation was given."""
    attrs, inputs, outputs, before = state
    for tensor in op._inputs[len(inputs) :]:
        _remove_last(tensor._consumers, op)
    for earlier in op._control_inputs[len(before) :]:
        _remove_last(earlier._control_outputs, op)
    op.attrs.clear()
    op.attrs.update(attrs)
    op._inputs = inputs
    op._outputs[:] = outputs
    op._control_inputs[:] = before
