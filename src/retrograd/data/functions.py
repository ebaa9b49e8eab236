"""Functions of a program that are applied to the elements of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import shapes
from retrograd.autograph import converted
from retrograd.data import elements
from retrograd.graph import context
from retrograd.graph.function import FuncGraph

if TYPE_CHECKING:
    from retrograd.typing import Structure


class Traced(NamedTuple):
    """A function as a graph.

    Attributes:
      graph: the graph.
      others: the outer tensors that it uses, which are inputs after the element's.
      result: what it returned.
    """

    graph: FuncGraph
    others: list[Any]
    result: Any


def traced(
    function: Callable[..., Any],
    specs: Structure,
    called: str,
    outputs: Callable[[Any], tuple[Any, list[Any]]],
) -> Traced:
    """A function of an element as a graph.

    Args:
      function: takes the parts of an element that is a tuple, else the element.
      specs: what is known of an element.
      called: the name of the graph.
      outputs: of what the function returns, what is kept and the tensors of it.
    """
    graph = FuncGraph(called)
    args = [
        graph.add_input(spec.dtype, shapes.raw(spec.shape), f"args_{i}")
        for i, spec in enumerate(elements.flat(specs))
    ]
    element = elements.packed(specs, args)
    with graph.as_default():
        plain_tuple = isinstance(element, tuple)
        function = converted(function)
        returned = function(*element) if plain_tuple else function(element)
        result, tensors = outputs(returned)
        graph.outputs.extend(graph.capture(t) for t in tensors)
    if not context.executing_eagerly():
        context.get_default_graph()._add_function(graph)
    return Traced(graph, graph.external_captures, result)
