"""A part of a graph, with inputs and outputs in an order of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.graph_editor import select, util
from retrograd.graph.graph import Graph

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor


def _checked(indices: Iterable[Any], ts: Sequence[Any]) -> list[int]:
    """Places in a list, given as such or by what is there.

    Raises:
      ValueError: there is no such place.
    """
    found = [i if isinstance(i, int) else list(ts).index(i) for i in indices]
    for i in found:
        if not 0 <= i < len(ts):
            raise ValueError(f"Out of [0, {len(ts)}[ range: {i}")
    return found


class SubGraphView:
    """Operations of a graph, and tensors that go in and out.

    A view does not keep the graph from changing. Tensors that no operation of the view
    makes or takes may be among inputs and outputs: they pass through.

    Args:
      inside_ops: the operations.
      passthrough_ts: tensors that pass through.
    """

    def __init__(self, inside_ops: Any = (), passthrough_ts: Any = ()) -> None:
        self._ops = util.make_list_of_op(inside_ops)
        through = util.make_list_of_t(passthrough_ts)
        self._graph = util.get_unique_graph(self._ops + through, none_if_empty=True)
        inputs, outputs, inside = select.compute_boundary_ts(self._ops)
        known = frozenset([*inputs, *outputs, *inside])
        self._passthrough_ts = [t for t in through if t not in known]
        self._input_ts = inputs + self._passthrough_ts
        self._output_ts = outputs + self._passthrough_ts

    def __copy__(self) -> SubGraphView:
        made = type(self).__new__(type(self))
        made._assign_from(self)
        return made

    def _assign_from(self, other: SubGraphView) -> None:
        if not isinstance(other, SubGraphView):
            raise TypeError(f"Expected SubGraphView, got: {type(other)}")
        self._graph = other._graph
        self._ops = list(other._ops)
        self._passthrough_ts = list(other._passthrough_ts)
        self._input_ts = list(other._input_ts)
        self._output_ts = list(other._output_ts)

    def copy(self) -> Any:
        """Another view of the same."""
        return copy.copy(self)

    # -------------------------------------------------------------------- what it has

    @property
    def graph(self) -> Any:
        """The graph; None of nothing."""
        return self._graph

    @property
    def ops(self) -> list[Any]:
        """The operations."""
        return self._ops

    @property
    def inputs(self) -> list[Any]:
        """The tensors that go in."""
        return list(self._input_ts)

    @property
    def connected_inputs(self) -> list[Any]:
        """Those that do not pass through."""
        return [t for t in self._input_ts if not self.is_passthrough(t)]

    @property
    def outputs(self) -> list[Any]:
        """The tensors that go out."""
        return list(self._output_ts)

    @property
    def connected_outputs(self) -> list[Any]:
        """Those that do not pass through."""
        return [t for t in self._output_ts if not self.is_passthrough(t)]

    @property
    def passthroughs(self) -> list[Any]:
        """The tensors that pass through."""
        return list(self._passthrough_ts)

    def __bool__(self) -> bool:
        return self._graph is not None

    def op(self, op_id: int) -> Any:
        """An operation, by its place."""
        return self._ops[op_id]

    def is_passthrough(self, t: Tensor) -> bool:
        """Whether a tensor passes through."""
        return t in self._passthrough_ts

    def find_op_by_name(self, op_name: str) -> Any:
        """The operation of that name.

        Raises:
          ValueError: there is none.
        """
        found = [op for op in self._ops if op.name == op_name]
        if not found:
            raise ValueError(f"{op_name} not found in subgraph.")
        if len(found) > 1:
            raise AssertionError("More than one op named: {}!", op_name)
        return found[0]

    def input_index(self, t: Tensor) -> int:
        """The place of an input.

        Raises:
          ValueError: it is none.
        """
        return _place(t, self._input_ts, "input")

    def output_index(self, t: Tensor) -> int:
        """The place of an output; see `input_index`."""
        return _place(t, self._output_ts, "output")

    def consumers(self) -> list[Any]:
        """The operations that take the outputs."""
        return util.get_consuming_ops(self._output_ts)

    # ------------------------------------------------------------------ another order

    def _remap_inputs(self, new_input_indices: Iterable[Any]) -> None:
        places = _checked(new_input_indices, self._input_ts)
        self._input_ts = [self._input_ts[i] for i in places]

    def _remap_outputs(self, new_output_indices: Iterable[Any]) -> None:
        places = _checked(new_output_indices, self._output_ts)
        self._output_ts = [self._output_ts[i] for i in places]

    def remap_inputs(self, new_input_indices: Iterable[Any]) -> Any:
        """A view with some of the inputs, in another order.

        Args:
          new_input_indices: their places, or the tensors.

        Raises:
          ValueError: there is no such place.
        """
        return self.remap(new_input_indices=new_input_indices)

    def remap_outputs(self, new_output_indices: Iterable[Any]) -> Any:
        """The same of outputs, each as often as it is given."""
        return self.remap(new_output_indices=new_output_indices)

    def remap(
        self,
        new_input_indices: Iterable[Any] | None = None,
        new_output_indices: Iterable[Any] | None = None,
    ) -> Any:
        """Both; see `remap_inputs` and `remap_outputs`."""
        made = self.copy()
        if new_input_indices is not None:
            made._remap_inputs(new_input_indices)
        if new_output_indices is not None:
            made._remap_outputs(new_output_indices)
        return made

    def remap_default(
        self, remove_input_map: bool = True, remove_output_map: bool = True
    ) -> Any:
        """A view with the inputs and outputs that it would have had at first.

        Args:
          remove_input_map, remove_output_map: whether this holds for them.
        """
        made = self.copy()
        inputs, outputs, _ = select.compute_boundary_ts(self._ops)
        if remove_input_map:
            made._input_ts = inputs + self._passthrough_ts
        if remove_output_map:
            made._output_ts = outputs + self._passthrough_ts
        return made

    def remap_outputs_make_unique(self) -> Any:
        """A view with each output once."""
        made = self.copy()
        made._output_ts = util.concatenate_unique([], self._output_ts)
        return made

    def remap_outputs_to_consumers(self) -> Any:
        """A view with each output as often as it is taken."""
        made = self.remap_outputs_make_unique()
        made._output_ts = [t for t in made._output_ts for _ in t.consumers()]
        return made

    def remove_unused_ops(self, control_inputs: bool = True) -> Any:
        """A view without operations that no output depends on.

        Args:
          control_inputs: whether what runs before counts.
        """
        made = self.copy()
        used = set(
            select.get_walks_union_ops(
                self.connected_inputs,
                self.connected_outputs,
                within_ops=self._ops,
                control_inputs=control_inputs,
            )
        )
        made._ops = [op for op in self._ops if op in used]
        return made

    def __str__(self) -> str:
        if not self:
            return "SubGraphView: empty"
        lines = [f"SubGraphView (graphid={id(self._graph)}):", "** ops:"]
        lines += [f"[{i}] {op.name}" for i, op in enumerate(self._ops)]
        for what, ts in (("inputs", self._input_ts), ("outputs", self._output_ts)):
            lines.append(f"** {what}:")
            lines += [
                f"[{i}] {t.name}" + (" *" if self.is_passthrough(t) else "")
                for i, t in enumerate(ts)
            ]
        return "\n".join(lines)

    def __enter__(self) -> SubGraphView:
        return self

    def __exit__(self, *details: object) -> None:
        return None


def _place(t: Tensor, ts: Sequence[Any], what: str) -> int:
    if t not in ts:
        raise ValueError(f"Can't find {t.name} in {what} list of this subgraph.")
    return list(ts).index(t)


def make_view(*args: object, **kwargs: Any) -> Any:
    """A view of operations and tensors.

    Args:
      *args: views, operations, tensors, lists of these, or regular expressions of
        names; of tensors those begin with `(?#ts)`.
      **kwargs: `graph`, whose names are meant.
    """
    if len(args) == 1 and isinstance(args[0], SubGraphView):
        return args[0]
    plain = [a.get_operations() if isinstance(a, Graph) else a for a in args]
    ops, ts = select.select_ops_and_ts(*plain, **kwargs)
    return SubGraphView(ops, ts)


def make_view_from_scope(scope: str, graph: Graph) -> Any:
    """A view of the operations of a name scope."""
    return SubGraphView(select.get_name_scope_ops(graph, scope))


sgv = make_view
sgv_scope = make_view_from_scope


def view_of(given: SubGraphView | Operation | Tensor | Sequence[Any]) -> Any:
    """A view, of itself or of operations; tensors pass through one."""
    return given if isinstance(given, SubGraphView) else make_view(given)
