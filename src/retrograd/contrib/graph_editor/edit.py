"""Parts of a graph cut off, joined, and left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.contrib.graph_editor import reroute, select, subgraph, util
from retrograd.ops.array.constant import placeholder

if TYPE_CHECKING:
    #: a view, or operations
    Given = Any


def detach_control_inputs(sgv: Given) -> None:
    """Let the operations of a view run after none outside."""
    view = subgraph.view_of(sgv)
    inside = frozenset(view.ops)
    for op in view.ops:
        outside = [before for before in op.control_inputs if before not in inside]
        if outside:
            reroute.remove_control_inputs(op, outside)


def detach_control_outputs(sgv: Given, control_outputs: util.ControlOutputs) -> None:
    """Let no operations outside run after those of a view.

    Args:
      sgv: the view.
      control_outputs: which run after which.
    """
    view = subgraph.view_of(sgv)
    control_outputs.update()
    inside = frozenset(view.ops)
    for op in view.ops:
        for after in control_outputs.get(op):
            if after not in inside:
                reroute.remove_control_inputs(after, op)


def detach_inputs(sgv: Given, control_inputs: bool = False) -> tuple[Any, list[Any]]:
    """Give a view placeholders in place of its inputs.

    Args:
      sgv: the view.
      control_inputs: whether it is to run after nothing, too.

    Returns:
      The view, and the placeholders.
    """
    view = subgraph.view_of(sgv)
    with view.graph.as_default():
        made = [
            placeholder(dtype=t.dtype, name=util.placeholder_name(t))
            for t in view.inputs
        ]
    reroute.swap_inputs(view, made)
    view._input_ts = list(made)
    if control_inputs:
        detach_control_inputs(view)
    return view, made


def detach_outputs(
    sgv: Given, control_outputs: util.ControlOutputs | None = None
) -> tuple[Any, list[Any]]:
    """Give what takes the outputs of a view placeholders in their place.

    Args:
      sgv: the view.
      control_outputs: which operations run after which, if none is to run after it.

    Returns:
      The view, and the placeholders.
    """
    view = subgraph.view_of(sgv)
    taken = [i for i, t in enumerate(view.outputs) if t.consumers()]
    view = view.remap_outputs(taken)
    made = []
    with view.graph.as_default():
        for t in view.outputs:
            users = [op for op in t.consumers() if op not in view.ops]
            stand_in = util.make_placeholder_from_tensor(t)
            reroute.reroute_ts([stand_in], [t], can_modify=users)
            made.append(stand_in)
    if control_outputs is not None:
        detach_control_outputs(view, control_outputs)
    return view, made


def detach(
    sgv: Given,
    control_inputs: bool = False,
    control_outputs: util.ControlOutputs | None = None,
    control_ios: util.ControlOutputs | None = None,
) -> tuple[Any, list[Any], list[Any]]:
    """Both, `detach_inputs` and `detach_outputs`.

    Args:
      sgv: the view.
      control_inputs, control_outputs, control_ios: see `check_cios`.

    Returns:
      The view, and the placeholders of both.
    """
    control_inputs, control_outputs = select.check_cios(
        control_inputs, control_outputs, control_ios
    )
    view, inputs = detach_inputs(sgv, control_inputs)
    view, outputs = detach_outputs(view, control_outputs)
    return view, inputs, outputs


def connect(
    sgv0: Given, sgv1: Given, disconnect_first: bool = False
) -> tuple[Any, Any]:
    """Let a view have the outputs of another as inputs.

    Args:
      sgv0: the other.
      sgv1: the view.
      disconnect_first: whether what took these outputs gets placeholders.
    """
    view0, view1 = subgraph.view_of(sgv0), subgraph.view_of(sgv1)
    util.get_unique_graph([*view0.ops, *view1.ops])
    if disconnect_first:
        detach_outputs(view0)
    outputs = subgraph.SubGraphView(passthrough_ts=view0.outputs)
    reroute.reroute_inputs(outputs, view1)
    return view0, view1


def bypass(sgv: Given) -> tuple[Any, list[Any]]:
    """Let what takes the outputs of a view take its inputs.

    Args:
      sgv: the view, which gets placeholders as inputs.

    Returns:
      The view, and the placeholders.
    """
    view = subgraph.view_of(sgv)
    inputs = list(view.inputs)
    view, made = detach_inputs(view)
    reroute.reroute_ts(inputs, view.outputs)
    return view, made
