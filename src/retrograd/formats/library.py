"""A library of functions, built from their messages when they are first used."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.errors import InvalidArgumentError, OpError
from retrograd.formats.function_body import AddNodes, Body
from retrograd.formats.function_def import BODY
from retrograd.formats.node import op_def_from
from retrograd.graph import opdef
from retrograd.graph.function import FuncGraph, Known
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from retrograd.graph.unbuilt import UnbuiltFunction

if TYPE_CHECKING:
    from retrograd.typing import Message

#: so many calls within each other are looked into for the shapes of their results …
_DEPTH = 20
#: … as long as this many operations are made for it
_OPERATIONS = 100_000


class Library:
    """The functions of a FunctionDefLibrary, and those that a graph has already.

    Args:
      library: the message.
      graph: the graph that nodes are imported into.

    Attributes:
      add_nodes: makes the operations of a body; to be set.
    """

    add_nodes: AddNodes

    def __init__(self, library: Message, graph: Graph) -> None:
        self._library = library
        self._graph = graph
        self._defs: dict[str, Any] = {}
        for definition in library.function:
            self._defs.setdefault(definition.signature.name, definition)
        self._gradients = {
            entry.function_name: entry.gradient_func for entry in library.gradient
        }
        self._signatures: dict[str, opdef.OpDef] = {}
        self._bodies: dict[str, Body] = {}
        self._built: dict[str, Any] = {}
        self._building = False
        self._results: dict[Any, list[Known]] = {}
        self._depth = self._operations = 0

    def names(self) -> list[str]:
        """The names of the functions in the message."""
        return list(self._defs)

    # ------------------------------------------------------------------ checks

    def check(self) -> None:
        """Check the functions' names, and which are whose gradients.

        Raises:
          ValueError: a name is taken by an op type or another function (for a body, by
            one of the same library), or a function has two gradients.
        """
        for definition in self._library.function:
            name = definition.signature.name
            known = getattr(self._graph._get_function(name), "definition", None)
            taken = known not in (None, definition) and BODY not in definition.attr
            if definition != self._defs[name] or taken:
                raise ValueError(
                    f"Cannot add function '{name}' because a different function with "
                    "the same name already exists."
                )
            if opdef.lookup(name) is not None:
                raise ValueError(
                    f"Cannot add function '{name}' because an op with the same name "
                    "already exists."
                )
        gradients: dict[str, str] = {}
        for entry in self._library.gradient:
            known = gradients.setdefault(entry.function_name, entry.gradient_func)
            if known and known != entry.gradient_func:
                raise ValueError(
                    f"Cannot assign gradient function '{entry.gradient_func}' to "
                    f"'{entry.function_name}' because it already has gradient function "
                    f"'{known}'"
                )

    def check_for_python(self) -> None:
        """Check what TensorFlow's Python side asks of functions, once nodes are made.

        Raises:
          ValueError: a gradient is no function here, or each is of one.
          TypeError: an argument has no dtype of its own.
        """
        gradients = self._gradients
        for name in (name for pair in gradients.items() for name in pair):
            if name not in self._defs:
                raise ValueError(
                    f"FunctionDefLibrary missing '{name}' FunctionDef\n{self._library}"
                )
        if self._defs and all(gradients.get(name) for name in self._defs):
            raise ValueError(
                "FunctionDefLibrary contains cyclic gradient functions!\n"
                f"{self._library}"
            )
        for definition in self._defs.values():
            for arg in definition.signature.input_arg:
                dtypes.as_dtype(arg.type)

    # ------------------------------------------------------------------ functions

    def signature(self, name: str) -> opdef.OpDef | None:
        """The signature of nodes that call a function by its name, or None."""
        found = self._signatures.get(name)
        if found is None and name in self._defs:
            op_def = op_def_from(self._defs[name].signature)
            found = self._signatures[name] = op_def
        if found is None:
            found = getattr(self._graph._get_function(name), "op_def", None)
        return found if isinstance(found, opdef.OpDef) else None

    def get(self, name: str) -> Any:
        """The function of that name; an UnbuiltFunction where there is none to call."""
        if name not in self._built and name in self._defs:
            if self._building:  # it waits for the one that asks
                return self._unbuilt(name, f"Function '{name}' calls itself.")
            self._build(name)
        found = self._built.get(name) or self._graph._get_function(name)
        if found is None:
            text = f'Failed to find function "{name}" in function library: '
            found = UnbuiltFunction(name, InvalidArgumentError(None, None, text))
        return found

    def _unbuilt(self, name: str, problem: str | OpError) -> UnbuiltFunction:
        if isinstance(problem, str):
            problem = InvalidArgumentError(None, None, problem)
        return UnbuiltFunction(name, problem, self._defs[name])

    def _build(self, name: str) -> None:
        """Build a function and those it calls, callees before callers."""
        self._building = True
        try:
            for each in self._needed_first(name):
                found = self._graph._get_function(each)
                if getattr(found, "definition", None) != self._defs[each]:
                    found = self._made(each)
                if isinstance(found, FuncGraph):
                    found.results_for = functools.partial(self._results_for, found)
                self._built[each] = found
                derivative = self._built.get(self._gradients.get(each, ""))
                if isinstance(found, FuncGraph) and isinstance(derivative, FuncGraph):
                    found.declare_derivative(derivative)
        finally:
            self._building = False

    def _needed_first(self, name: str) -> Iterator[str]:
        path = {name: iter(self._called(name))}
        while path:
            top = next(reversed(path))
            for callee in path[top]:
                if callee not in self._built and callee not in path:
                    path[callee] = iter(self._called(callee))
                    break
            else:
                del path[top]
                yield top

    def _called(self, name: str) -> list[str]:
        """The functions of the library that a function names, and its derivative."""
        found: dict[str, None] = {self._gradients.get(name, ""): None}
        for node in self._defs[name].node_def:
            found[node.op] = None
            for value in node.attr.values():
                found[value.func.name] = None
                found.update((f.name, None) for f in value.list.func)
        return [callee for callee in found if callee in self._defs]

    def _made(self, name: str) -> FuncGraph | UnbuiltFunction:
        try:
            graph = self._filled(name, None)
        except OpError as error:
            return self._unbuilt(name, error)
        except (TypeError, ValueError) as error:
            return self._unbuilt(name, str(error))
        graph.definition = self._defs[name]
        return graph

    def _filled(self, name: str, given: Sequence[Tensor] | None) -> FuncGraph:
        """The graph of a function, for a call with some tensors if they are given."""
        if name not in self._bodies:
            self._bodies[name] = Body(self._defs[name], self.signature)
        body = self._bodies[name]
        graph = FuncGraph(name)
        graph._producer = self._graph._producer
        with graph.as_default():
            body.fill(graph, given, self.add_nodes)
        return graph

    def _results_for(self, function: FuncGraph, given: Sequence[Tensor]) -> list[Known]:
        """What is known of the results of a call with these tensors."""
        own = function.inputs
        if len(given) == len(own) and not all(map(_says_less, given, own)):
            key = (function, *((t._shape_raw, t._held) for t in given))
            if key in self._results:
                return self._results[key]
            self._operations += len(function._ops)
            if self._depth < _DEPTH and self._operations <= _OPERATIONS:
                self._depth += 1
                try:
                    function = self._filled(function.name, given)
                finally:
                    self._depth -= 1
                self._results[key] = _known(function)
        return _known(function)

    def close(self) -> None:
        """Look no further into calls of the functions: the import is over."""
        for function in self._built.values():
            if isinstance(function, FuncGraph):
                function.results_for = None


def _known(function: FuncGraph) -> list[Known]:
    return [(t._shape_raw, t._held) for t in function.outputs]


def _says_less(given: Tensor, own: Tensor) -> bool:
    """Whether a tensor tells no more than another, which it agrees with."""
    x, y = given._shape_raw, own._shape_raw
    fits = x is None or (shapes.compatible(x, y) and shapes.merge(x, y) == y)
    return fits and given._held in (None, own._held)
