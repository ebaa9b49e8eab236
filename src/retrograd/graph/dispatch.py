"""Applying an op: a new node of a graph, or, in eager mode, its outputs at once."""

from __future__ import annotations

import contextlib
import functools
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from retrograd.graph import context, opdef
from retrograd.graph.arguments import Arguments
from retrograd.graph.attributes import length
from retrograd.graph.graph import Graph, graph_of
from retrograd.graph.hooks import hooks
from retrograd.graph.name_scopes import name_scope as name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor


class SymbolicInput(Exception):
    """An op was applied in eager mode to a tensor of a graph that takes such ops."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph


def apply(op_type: str, *args: object, name: str | None = None, **attrs: object) -> Any:
    """Apply an op to inputs, which are converted to tensors as its signature says.

    Args:
      op_type: the op type, as in a GraphDef.
      *args: the inputs; a list where the signature has one.
      name: the name of the operation, made unique; by default its type.
      **attrs: attributes that no input determines.

    Returns:
      The outputs: a tensor; a list for a list output; a named tuple of these for
      several; in a graph, the operation where there is none.
    """
    op_def = opdef.lookup(op_type)
    if op_def is None:
        raise RuntimeError(f"Unrecognized Op name {op_type}")
    if len(args) > len(op_def.inputs):
        raise TypeError(f"{op_type}: {len(args)} inputs, {len(op_def.inputs)} wanted.")
    if context.executing_eagerly():
        resolved = Arguments(op_def, attrs, eager=True, name=name)
        resolved.convert(args)
        known = resolved.complete()
        try:
            found = hooks.execute(op_def, resolved.inputs, known, name, resolved.wrong)
            return structured(op_def, known, found, None)
        except SymbolicInput as symbolic:
            graph = symbolic.graph
        with graph.as_default():
            # the scope that the name stands for was opened outside of the graph
            op = _add(op_def, args, attrs, name and name.rstrip("/"))
            return structured(op_def, op.attrs, op._outputs, op)
    op = _add(op_def, args, attrs, name)
    return structured(op_def, op.attrs, op._outputs, op)


def _add(
    op_def: opdef.OpDef, args: Sequence[Any], attrs: dict[str, Any], name: str | None
) -> Operation:
    flat = [
        a
        for arg in args
        for a in (arg if isinstance(arg, (list, tuple)) and arg else (arg,))
    ]
    graph = graph_of(flat)
    resolved = Arguments(op_def, attrs, eager=False)
    name = name or op_def.name
    if _are_tensors(op_def, args):
        # nothing to convert inside the operation's scope: its name is taken at once
        try:
            resolved.convert(args)
        except (TypeError, ValueError):
            graph.unique_name(name)  # what fails has taken its name all the same
            raise
        return _placed(graph, resolved, name)
    entered = (
        contextlib.nullcontext()
        if graph is context.get_default_graph()
        else graph.as_default()
    )
    with entered, graph.name_scope(name) as scope:
        resolved.convert(args)
        return _placed(graph, resolved, scope)


def _are_tensors(op_def: opdef.OpDef, args: Sequence[Any]) -> bool:
    """Whether every input is a tensor, or a list of some where there is a list."""
    for arg, value in zip(op_def.inputs, args, strict=False):
        if isinstance(value, Tensor):
            continue
        if not (arg.is_list and isinstance(value, (list, tuple)) and value):
            return False
        if not all(isinstance(v, Tensor) for v in value):
            return False
    return True


def _placed(graph: Graph, resolved: Arguments, name: str) -> Operation:
    """Add the operation; one that takes a reference goes where the variable is."""
    op_def, inputs = resolved.op_def, resolved.inputs
    refs = [t for a, t in zip(op_def.inputs, inputs, strict=False) if a.is_ref]
    if not refs:
        return graph.add(op_def.name, inputs, resolved.complete(), name)
    with contextlib.ExitStack() as stack:
        for tensor in refs:
            stack.enter_context(graph.colocate_with(tensor._op))
        return graph.add(op_def.name, inputs, resolved.complete(), name)


@functools.cache
def _outputs_class(op_type: str, names: tuple[str, ...]) -> Any:
    return namedtuple(op_type, names, rename=True)


def structured(
    op_def: opdef.OpDef, attrs: dict[str, Any], outputs: list[Any], op: Operation | None
) -> Any:
    """The outputs in the shape that a caller expects (see `apply`)."""
    args = op_def.outputs
    if len(args) == 1 and not args[0].is_list:
        return outputs[0]
    if not args:
        return op
    parts: list[Any] = []
    position = 0
    for arg in args:
        size = length(arg, attrs)
        part = outputs[position : position + size]
        parts.append(part if arg.is_list else part[0])
        position += size
    if len(args) == 1:
        return parts[0]
    return _outputs_class(op_def.name, tuple(a.name for a in args))(*parts)
