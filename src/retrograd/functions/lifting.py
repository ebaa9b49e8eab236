"""Copying operations, with all they depend on, from one graph to another."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import kind_of
from retrograd.ops.traits import Kind
from retrograd.util.identity import ObjectIdentityDictionary


class UnliftableError(Exception):
    """A tensor depends on a parameter, which has no counterpart in the other graph."""

    ag_pass_through = True


def _operation(element: Operation | Tensor) -> Operation:
    return element.op if isinstance(element, Tensor) else element


class _Lift:
    """What is copied, and what of it is done."""

    def __init__(
        self,
        source: Graph,
        target: Graph,
        sources: Iterable[Tensor],
        disallowed: Iterable[Operation] | None,
        add_sources: bool,
        done: MutableMapping[Any, Any],
    ) -> None:
        self.source, self.target = source, target
        self.sources = list(sources)
        self.known = {t.op for t in self.sources}
        self.disallowed = None if disallowed is None else set(disallowed)
        self.add_sources = add_sources
        self.done = done

    def ops(self, wanted: Sequence[Any]) -> list[Operation]:
        """What has to be copied, inputs first.

        Raises:
          UnliftableError: a placeholder is among it.
        """
        found: set[Operation] = set()
        for element in wanted:
            pending = [_operation(element)]
            while pending:
                op = pending.pop()
                if op in found or op in self.known or op in self.done:
                    continue
                given = kind_of(op.type) is Kind.PARAMETER and not op.inputs
                if given and (self._is_captured(op) or self._stops(op, element)):
                    continue
                found.add(op)
                pending.extend(t.op for t in op.inputs)
                pending.extend(op.control_inputs)
        return sorted(found, key=lambda op: op._id)

    def _is_captured(self, op: Operation) -> bool:
        """Whether a parameter stands for a tensor that the other graph can take."""
        if not isinstance(self.source, FuncGraph):
            return False
        inner = op.outputs[0]
        outer = self.source.outside(inner)
        if outer is None:
            return False
        if isinstance(self.target, FuncGraph):
            outer = self.target.capture(outer)
        elif getattr(outer, "_is_eager", False) or outer.graph is not self.target:
            return False
        self.done[inner], self.done[op] = outer, outer.op
        return True

    def _stops(self, op: Operation, wanted: Tensor | Operation) -> bool:
        if self.disallowed is not None and op not in self.disallowed:
            return False
        if not self.add_sources:
            raise UnliftableError(
                f"Unable to lift tensor {wanted} because it depends transitively on "
                f"placeholder {op!r}."
            )
        self.known.add(op)
        self.sources.append(op.outputs[0])
        return True

    def copy_source(self, tensor: Tensor, recapture: bool) -> None:
        """Give the other graph a parameter for one of this."""
        graph = self.target
        outer = None
        if isinstance(self.source, FuncGraph):
            outer = self.source.outside(tensor)
        if recapture and outer is not None and isinstance(graph, FuncGraph):
            made = graph.capture(outer, tensor.op.name)
        else:
            attrs = {"dtype": tensor.dtype, "shape": tensor._shape_raw}
            op = graph.add("Placeholder", (), attrs, tensor.op.name)
            op._device = tensor.op.device
            made = op._outputs[0]
        made._held = tensor._held
        self.done[tensor], self.done[tensor.op] = made, made.op

    def copy(self, op: Operation) -> None:
        """Add a copy of an operation."""
        graph = self.target
        inputs = [self.done[t] for t in op.inputs]
        attrs = {k: v for k, v in op.attrs.items() if k != "_class"}
        before = [self.done[o] for o in op.control_inputs if o in self.done]
        with graph.control_dependencies(before):
            made = graph.add(
                op.type, inputs, attrs, op.name, [t.dtype for t in op.outputs]
            )
        made._device = op.device
        self.done[op] = made
        for old, new in zip(op.outputs, made.outputs, strict=True):
            new._shape_raw = old._shape_raw
            self.done[old] = new


def lift_to_graph(
    tensors: Sequence[Any],
    graph: Graph,
    sources: Iterable[Tensor] | None = None,
    disallowed_placeholders: Iterable[Operation] | None = None,
    add_sources: bool = False,
    handle_captures: bool = False,
    base_graph: Graph | None = None,
    op_map: MutableMapping[Any, Any] | None = None,
) -> Any:
    """Copy tensors and operations, and what they depend on, to another graph.

    Args:
      tensors: what is wanted there; variables stand for themselves.
      graph: where to.
      sources: tensors to stop at: they become placeholders.
      disallowed_placeholders: placeholders that must not be reached, by default all.
      add_sources: whether those become placeholders, too.
      handle_captures: whether a captured tensor is captured there again.
      base_graph: the graph that holds `tensors`.
      op_map: what is there already.

    Returns:
      A mapping from tensors and operations to those of `graph`.

    Raises:
      UnliftableError: a placeholder is in the way.
    """
    variables = [t for t in tensors if getattr(t, "_is_resource_variable", False)]
    wanted = [t for t in tensors if not getattr(t, "_is_resource_variable", False)]
    done = ObjectIdentityDictionary() if op_map is None else op_map
    for variable in variables:
        done[variable] = variable
    if not wanted:
        return done
    source = wanted[0].graph if base_graph is None else base_graph
    given = list(sources or ())
    captured = source.internal_captures if isinstance(source, FuncGraph) else []
    lift = _Lift(source, graph, given, disallowed_placeholders, add_sources, done)
    ops = lift.ops(wanted)
    order = {id(t): i for i, t in enumerate(captured)}
    lift.sources.sort(key=lambda t: order.get(id(t), len(order)))
    with graph.as_default():
        for tensor in lift.sources:
            if tensor not in done:
                lift.copy_source(tensor, handle_captures)
        for op in ops:
            lift.copy(op)
    return done
