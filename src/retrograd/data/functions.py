"""Functions of a program that are applied to the elements of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes, shapes
from retrograd.autograph import converted
from retrograd.data import elements, kinds
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import FuncGraph
from retrograd.ops.flow.auto_control_deps import AutomaticControlDependencies

if TYPE_CHECKING:
    from retrograd.typing import Structure


class Traced(NamedTuple):
    """A function as a graph.

    Attributes:
      graph: the graph.
      others: the outer tensors that it uses, which are inputs after the element's.
      result: what is kept of what it returned.
    """

    graph: FuncGraph
    others: list[Any]
    result: Any


#: of what a function returned, what is kept, and the tensors of it
Outputs = Callable[[Any], tuple[Any, list[Any]]]


def traced(
    function: Callable[..., Any],
    specs: Structure,
    called: str,
    outputs: Outputs,
    unpacked: bool = True,
) -> Traced:
    """A function of an element as a graph.

    Args:
      function: takes the parts of an element that is a tuple, else the element.
      specs: what is known of an element.
      called: the name of the graph.
      outputs: of what the function returns, what is kept and the tensors of it.
      unpacked: whether a tuple is its arguments.
    """
    graph = FuncGraph(called)
    carriers = [kinds.carrier(spec) for spec in elements.flat(specs)]
    args = [
        graph.add_input(spec.dtype, shapes.raw(spec.shape), f"args_{i}")
        for i, spec in enumerate(carriers)
    ]
    # what has an effect, such as printing, is run with the function
    manager = AutomaticControlDependencies()
    with graph.as_default(), manager:
        element = elements.packed(specs, args)
        spread = unpacked and type(element) is tuple
        function = converted(function)
        returned = function(*element) if spread else function(element)
        result, tensors = outputs(returned)
        graph.outputs.extend(graph.capture(t) for t in tensors)
    must_run = sorted(manager.ops_which_must_run, key=lambda op: op._id)
    graph.control_outputs.extend(must_run)
    if not context.executing_eagerly():
        context.get_default_graph()._add_function(graph)
    return Traced(graph, graph.external_captures, result)


def any_element(of: str) -> Outputs:
    """For functions that return an element: its specs are kept.

    Args:
      of: what the function was given to, for the error where it returns none.
    """

    def outputs(returned: Structure) -> tuple[Any, list[Any]]:
        # a list is most likely the results of an operation, not a tensor
        given: Any = tuple(returned) if isinstance(returned, list) else returned
        try:
            element = elements.normalized(given)
            specs = elements.specs_of(element)
        except (TypeError, ValueError):
            raise TypeError(
                f"Unsupported return value from function passed to {of}: {given}."
            ) from None
        return specs, elements.tensors_of(specs, element)

    return outputs


def scalar_of(dtype: dtypes.DType, refusal: Callable[[Any], Exception]) -> Outputs:
    """For functions that return a number.

    Args:
      dtype: its type.
      refusal: the error of what is returned instead.
    """

    def outputs(returned: Structure) -> tuple[Any, list[Any]]:
        if isinstance(returned, tuple | list | dict):
            raise refusal(returned)
        chosen = convert_to_tensor(returned)
        if chosen.dtype != dtype or chosen.shape.rank not in (None, 0):
            raise refusal(chosen)
        return None, [chosen]

    return outputs


def function_of(
    function: Callable[..., Any], specs: Structure, called: str, of: str
) -> Traced:
    """A function that makes an element of an element."""
    return traced(function, specs, called, any_element(of))
