"""Function bodies: graphs of their own that take what they use from outside as inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrograd.graph import context
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape, Tensor


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

    building_function = True

    def __init__(self, name: str) -> None:
        super().__init__()
        self.outer_graph = context.get_default_graph()
        self.name = name
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.control_outputs: list[Operation] = []
        self.structured_outputs: Any = None
        self._captures: dict[int, tuple[Any, Tensor]] = {}
        #: kept so that the ids above stay theirs
        self._captured: list[Any] = []
        self.seed = self.outer_graph.seed
        self._collections = self.outer_graph._collections
        self._gradient_override_map = self.outer_graph._gradient_override_map

    @property
    def captures(self) -> list[tuple[Any, Tensor]]:
        """(outer tensor, input inside), in the order they were first used."""
        return list(self._captures.values())

    @property
    def external_captures(self) -> list[Any]:
        """The outer tensors that a call passes after its own arguments."""
        return [outer for outer, _ in self._captures.values()]

    @property
    def internal_captures(self) -> list[Tensor]:
        """The inputs that stand for outer tensors."""
        return [inner for _, inner in self._captures.values()]

    def add_input(self, dtype: Any, shape: RawShape, name: str) -> Tensor:
        """Add a parameter."""
        with self.as_default(), self.name_scope(None), self.control_dependencies(None):
            op = self.add("Placeholder", (), {"dtype": dtype, "shape": shape}, name)
        tensor = op._outputs[0]
        self.inputs.append(tensor)
        return tensor

    def capture(self, tensor: Any, name: str | None = None) -> Tensor:
        """The input that stands for a tensor of an outer graph."""
        known = self._captures.get(id(tensor))
        if known is not None:
            return known[1]
        if tensor.graph is not self.outer_graph and isinstance(
            self.outer_graph, FuncGraph
        ):
            # through every level in between, so that each call passes it on
            tensor_outside = self.outer_graph.capture(tensor)
        else:
            tensor_outside = tensor
        label = name or tensor.op.name.rsplit("/", 1)[-1]
        inner = self.add_input(tensor.dtype, tensor._shape_raw, label)
        self._captures[id(tensor)] = (tensor_outside, inner)
        self._captured.append(tensor)
        return inner

    def _own(self, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        if all(t._op._graph is self for t in inputs):
            return inputs
        return [t if t._op._graph is self else self.capture(t) for t in inputs]
