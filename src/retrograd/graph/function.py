"""Function bodies: graphs that take what they use from outside as inputs."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from retrograd.graph import context
from retrograd.graph.graph import ControlDependencies, Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape, Tensor

_numbers = itertools.count(1)


def uid() -> int:
    """A number that no other call in this process gives."""
    return next(_numbers)


@contextlib.contextmanager
def uncounted(graph: Graph) -> Iterator[None]:
    """A context whose operations do not count: seeds derive from the number of others.

    It is for operations of functions that TensorFlow 1's control flow does not have.
    """
    before = graph._last_id
    try:
        yield
    finally:
        graph._last_id = before


class FuncGraph(Graph):
    """The body of a function, a branch or a loop.

    A tensor of an outer graph that is used inside is *captured*: it becomes an input.

    Attributes:
      name: the function's name, unique among those of the outermost graph.
      inputs: placeholders, those of captured tensors last.
      outputs: the tensors that a call returns.
      control_outputs: operations that a call runs besides.
      outer_graph: the graph that was the default when this one was made.
    """

    _building_function = True
    #: whether an output that refers to a variable gives the variable, not its value
    carries_cells = False

    def __init__(self, name: str) -> None:
        super().__init__()
        self.outer_graph: Graph = context.get_default_graph()
        self.depth = self.outer_graph.depth + 1
        self.name = name
        #: the graph that holds the operations: another one where this is a copy
        self.base: FuncGraph = self
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.control_outputs: list[Operation] = []
        self.structured_outputs: Any = None
        self._captures: dict[Any, Tensor] = {}
        #: the same for tensors further out, which come through those
        self._captured: dict[Any, Tensor] = {}
        self._outside: dict[Tensor, Any] = {}
        self._input_names: dict[str, int] = {}
        self.seed = self.outer_graph.seed
        self._collections = self.outer_graph._collections
        self._gradient_override_map = self.outer_graph._gradient_override_map

    @property
    def captures(self) -> list[tuple[Any, Tensor]]:
        """(outer tensor, input inside), in the order they were first used."""
        return list(self._captures.items())

    @property
    def external_captures(self) -> list[Any]:
        """The outer tensors that a call passes after its own arguments."""
        return list(self._captures)

    @property
    def internal_captures(self) -> list[Tensor]:
        """The inputs that stand for outer tensors."""
        return list(self._captures.values())

    def outside(self, inner: Tensor) -> Any:
        """The tensor of the outer graph that an input stands for; None for others."""
        return self._outside.get(inner)

    def reset_captures(self, pairs: Iterable[tuple[Any, Tensor]]) -> None:
        """Replace what is captured by pairs of outer tensor and input inside."""
        self._captures.clear()
        self._captured.clear()
        self._outside.clear()
        for outer, inner in pairs:
            self._captures[outer] = self._captured[outer] = inner
            self._outside[inner] = outer

    def copy(self) -> FuncGraph:
        """The same function with lists of inputs and outputs of its own."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.inputs, made.outputs = list(self.inputs), list(self.outputs)
        return made

    def add_input(self, dtype: Any, shape: RawShape, name: str) -> Tensor:
        """Add a parameter."""
        count = self._input_names.get(name, 0)
        self._input_names[name] = count + 1
        label = f"{name}_{count}/" if count else f"{name}/"
        with self.as_default(), self.control_dependencies(None):
            op = self.add("Placeholder", (), {"dtype": dtype, "shape": shape}, label)
        tensor = op._outputs[0]
        self.inputs.append(tensor)
        return tensor

    def capture(self, tensor: Any, name: str | None = None) -> Tensor:
        """The input that stands for a tensor of an outer graph.

        Raises:
          ValueError: the tensor belongs to a function inside this one.
        """
        if tensor._op._graph is self:
            return tensor
        known = self._captured.get(tensor)
        if known is not None:
            return known
        outer = self._to_outer_graph(tensor)
        inner = self._captured.get(outer)
        if inner is None:
            label = name or tensor.op.name
            inner = self.add_input(tensor.dtype, tensor._shape_raw, label)
            self._captures[outer] = inner
            self._captured[outer] = inner
            self._outside[inner] = outer
        self._captured[tensor] = inner
        return inner

    def _to_outer_graph(self, tensor: Any) -> Any:
        """The tensor as the outer graph knows it: captured by each level in between."""
        home = tensor.graph
        if home is self.outer_graph:
            return tensor
        graph = home
        while graph is not None:
            if graph is self:
                raise ValueError(
                    "Trying to capture a tensor from an inner function. This can be "
                    "caused by accessing a tensor defined inside a loop or conditional "
                    "body, or a subfunction, from a calling function, without going "
                    "through the proper return value mechanism. Consider using "
                    "TensorFlow mechanisms such as TensorArrays to return tensors from "
                    f"inner functions or loop / conditional bodies. Tensor: {tensor}; "
                    f"tensor graph: {home}; this graph: {self}"
                )
            graph = graph.outer_graph
        if isinstance(self.outer_graph, FuncGraph):
            return self.outer_graph.capture(tensor)
        return tensor

    def control_dependencies(self, control_inputs: Any) -> ControlDependencies:
        """As `Graph.control_dependencies`; operations outside, the call waits for."""
        if control_inputs is None:
            return super().control_dependencies(None)
        inside: list[Any] = []
        outside: list[Operation] = []
        for item in control_inputs:
            element = item
            if hasattr(item, "_handle") and hasattr(item, "op"):
                element = item.op
            elif hasattr(item, "_as_graph_element"):
                element = item._as_graph_element() or item
            op = getattr(element, "op", element)
            if isinstance(op, Operation) and op._graph is not self:
                outside.append(op)
            else:
                inside.append(item)
        block = super().control_dependencies(inside)
        block.outside = outside
        return block

    def _apply_scopes(self, op: Operation) -> None:
        super()._apply_scopes(op)
        waits = [o for block in self._scopes.control for o in block.outside]
        if waits:
            op.__dict__["_waits_outside"] = waits

    def control_captures(self, ops: Iterable[Operation]) -> list[Operation]:
        """The operations outside that some operations here wait for."""
        found = (o for op in ops for o in op.__dict__.get("_waits_outside", ()))
        return list(dict.fromkeys(found))

    def _rewired(self) -> None:
        super()._rewired()
        self.outer_graph._rewired()

    def _own(self, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        if all(t._op._graph is self for t in inputs):
            return inputs
        return [t if t._op._graph is self else self.capture(t) for t in inputs]

    def __str__(self) -> str:
        return f"FuncGraph(name={self.name}, id={id(self)})"


class BodyGraph(FuncGraph):
    """The body of a branch or a loop.

    Its operations are named and counted as if they were made in the outer graph, which
    is where TensorFlow 1 made them: names of variables and seeds depend on it.
    """

    def __init__(self, name: str) -> None:
        self._counts_outside = False
        super().__init__(name)
        self._counts_outside = True
        outer = self.outer_graph
        self._names_in_use = outer._names_in_use
        self._functions = outer._functions
        self._container = outer._container
        mine, theirs = self._scopes, outer._scopes
        mine.name = theirs.name
        mine.devices = list(theirs.devices)
        mine.colocation = list(theirs.colocation)
        mine.distribution = list(theirs.distribution)
        mine.creators = list(theirs.creators)

    def add_input(self, dtype: Any, shape: RawShape, name: str) -> Tensor:
        """Add a parameter; it does not count."""
        with uncounted(self):
            return super().add_input(dtype, shape, name)

    def capture(self, tensor: Any, name: str | None = None) -> Tensor:
        """As `FuncGraph.capture`; counts as the op that TensorFlow 1 makes for it."""
        known = len(self._captures)
        inner = super().capture(tensor, name)
        self._last_id += len(self._captures) - known
        return inner

    @property
    def _last_id(self) -> int:
        return self.outer_graph._last_id if self._counts_outside else 0

    @_last_id.setter
    def _last_id(self, value: int) -> None:
        if self._counts_outside:
            self.outer_graph._last_id = value


def function_body_of(graph: Graph) -> FuncGraph | None:
    """The innermost function that a graph lies in, branches and loops left aside."""
    found: Any = graph
    while isinstance(found, BodyGraph):
        found = found.outer_graph
    return found if isinstance(found, FuncGraph) else None
