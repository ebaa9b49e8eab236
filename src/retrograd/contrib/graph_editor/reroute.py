"""Other inputs for operations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from retrograd.contrib.graph_editor import subgraph, util

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor

    #: operations, a view of them, or a graph
    Given = Any


def _give(t0: Tensor, t1: Tensor, consumers: Iterable[Operation]) -> int:
    """Let operations take t0 in place of t1; how many inputs this changes."""
    count = 0
    for op in consumers:
        for i, t in enumerate(op.inputs):
            if t is t1:
                op._update_input(i, t0)
                count += 1
    return count


def _reroute(
    ts0: Given, ts1: Given, both: bool, can_modify: Given, cannot_modify: Given
) -> int:
    first, second = _tensors(ts0), _tensors(ts1)
    util.checked_lengths(first, second)
    can = None if can_modify is None else frozenset(_ops(can_modify))
    cannot = frozenset() if cannot_modify is None else frozenset(_ops(cannot_modify))

    def changeable(t: Tensor) -> list[Any]:
        users = list(dict.fromkeys(t.consumers()))
        return [op for op in users if (can is None or op in can) and op not in cannot]

    count = 0
    for t0, t1 in zip(first, second, strict=True):
        if t0 is t1:
            continue
        takers0, takers1 = changeable(t0), changeable(t1)
        count += _give(t0, t1, takers1)
        if both:
            # an operation that now takes t0 took t1 before
            count += _give(t1, t0, [op for op in takers0 if op not in takers1])
    return count


def _tensors(given: Given) -> list[Any]:
    if isinstance(given, subgraph.SubGraphView):
        return given.outputs
    return util.make_list_of_t(given)


def _ops(given: Given) -> list[Any]:
    if isinstance(given, subgraph.SubGraphView):
        return given.ops
    return util.make_list_of_op(given)


def reroute_ts(
    ts0: Given, ts1: Given, can_modify: Given = None, cannot_modify: Given = None
) -> int:
    """Let what takes one tensor take another.

    Args:
      ts0: the others.
      ts1: the tensors.
      can_modify: the operations that may be changed; None for all.
      cannot_modify: those that may not.

    Returns:
      How many inputs were changed.

    Raises:
      ValueError: there are not as many tensors of both.
    """
    return _reroute(ts0, ts1, False, can_modify, cannot_modify)


def swap_ts(
    ts0: Given, ts1: Given, can_modify: Given = None, cannot_modify: Given = None
) -> int:
    """Let what takes one tensor take another, and the reverse; see `reroute_ts`."""
    return _reroute(ts0, ts1, True, can_modify, cannot_modify)


def _check_graphs(*views: subgraph.SubGraphView) -> None:
    util.get_unique_graph([op for view in views for op in view.ops], None, True)


def _inputs(sgv0: Given, sgv1: Given, both: bool) -> tuple[Any, Any]:
    view0, view1 = subgraph.view_of(sgv0), subgraph.view_of(sgv1)
    _check_graphs(view0, view1)
    inputs0, inputs1 = view0.inputs, view1.inputs
    util.checked_lengths(inputs0, inputs1)
    for t0, t1 in zip(inputs0, inputs1, strict=True):
        takers0 = [op for op in dict.fromkeys(t0.consumers()) if op in view0.ops]
        takers1 = [op for op in dict.fromkeys(t1.consumers()) if op in view1.ops]
        _give(t0, t1, takers1)
        if both:
            _give(t1, t0, takers0)
    view1._input_ts = inputs0
    if both:
        view0._input_ts = inputs1
    return view0, view1


def _outputs(sgv0: Given, sgv1: Given, both: bool) -> tuple[Any, Any]:
    view0, view1 = subgraph.view_of(sgv0), subgraph.view_of(sgv1)
    _check_graphs(view0, view1)
    outputs0, outputs1 = view0.outputs, view1.outputs
    inside = frozenset([*view0.ops, *view1.ops])
    _reroute(outputs0, outputs1, both, None, inside)
    return view0, view1


def swap_inputs(sgv0: Given, sgv1: Given) -> tuple[Any, Any]:
    """Let each of two views have the inputs of the other."""
    return _inputs(sgv0, sgv1, True)


def reroute_inputs(sgv0: Given, sgv1: Given) -> tuple[Any, Any]:
    """Let a view have the inputs of another.

    Args:
      sgv0: the other.
      sgv1: the view.
    """
    return _inputs(sgv0, sgv1, False)


def swap_outputs(sgv0: Given, sgv1: Given) -> tuple[Any, Any]:
    """Let what takes the outputs of one view take those of the other."""
    return _outputs(sgv0, sgv1, True)


def reroute_outputs(sgv0: Given, sgv1: Given) -> tuple[Any, Any]:
    """Let what takes the outputs of a view take those of another.

    Args:
      sgv0: the other.
      sgv1: the view.
    """
    return _outputs(sgv0, sgv1, False)


def swap_ios(sgv0: Given, sgv1: Given) -> tuple[Any, Any]:
    """`swap_inputs` and `swap_outputs`."""
    swap_inputs(sgv0, sgv1)
    return swap_outputs(sgv0, sgv1)


def reroute_ios(sgv0: Given, sgv1: Given) -> tuple[Any, Any]:
    """`reroute_inputs` and `reroute_outputs`."""
    reroute_inputs(sgv0, sgv1)
    return reroute_outputs(sgv0, sgv1)


def remove_control_inputs(op: Operation, cops: Given) -> None:
    """Let an operation no longer run after others.

    Args:
      op: the operation.
      cops: the others.

    Raises:
      ValueError: it does not run after one of them.
    """
    others = util.make_list_of_op(cops, allow_graph=False)
    for other in others:
        if other not in op.control_inputs:
            raise ValueError(f"{op.name} is not a control_input of {other.name}")
    kept = [before for before in op.control_inputs if before not in others]
    op._remove_all_control_inputs()
    op._add_control_inputs(kept)


def add_control_inputs(op: Operation, cops: Given) -> None:
    """Let an operation run after others.

    Args:
      op: the operation.
      cops: the others.

    Raises:
      ValueError: it runs after one of them already.
    """
    others = util.make_list_of_op(cops, allow_graph=False)
    for other in others:
        if other in op.control_inputs:
            raise ValueError(f"{op.name} is already a control_input of {other.name}")
    op._add_control_inputs(others)
