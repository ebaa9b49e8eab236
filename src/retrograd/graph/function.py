"""Function bodies: graphs that take what they use from outside as inputs."""

from __future__ import annotations

import contextlib
import itertools
import math
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest
from retrograd.errors import InaccessibleTensorError
from retrograd.graph import context, opdef
from retrograd.graph.graph import CALLEE as CALLEE
from retrograd.graph.graph import Graph
from retrograd.graph.names import GraphKeys
from retrograd.graph.operation import Operation
from retrograd.graph.scopes import ControlDependencies
from retrograd.graph.tensor import Held, RawShape, Tensor

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Structure
    from retrograd.variables.variable import Variable

#: collections that a function shares with the graph around it; it has copies of others
_SHARED_COLLECTIONS = (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    ("__variable_store",),
    ("__varscope",),
)
#: eager tensors of at most as many elements are captured as constants
_LARGEST_CONSTANT = 128

#: the static shape of a tensor, and what a handle stands for
Known = tuple[RawShape, Held | None]

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
      name: what it is called in messages.
      function_name: its name in a library of functions, which is unique there.
      inputs: placeholders, those of captured tensors last.
      outputs: the tensors that a call returns.
      control_outputs: operations that a call runs besides.
      outer_graph: the graph that was the default when this one was made.
    """

    _building_function = True
    #: the function that differentiates this one, once it is known
    derivative: FuncGraph | None = None
    #: whether a program said so
    declares_derivative = False
    #: the FunctionDef that the function was read from, if it was
    definition: Any = None
    #: gives what is known of the outputs of a call with some tensors, for `results_of`
    results_for: Callable[[Sequence[Tensor]], list[Known]] | None = None

    def __init__(
        self,
        name: str,
        collections: dict[Any, list[Any]] | None = None,
        capture_by_value: bool | None = None,
    ) -> None:
        super().__init__()
        self.outer_graph: Graph = context.get_default_graph()
        self.depth = self.outer_graph.depth + 1
        self.name = self.function_name = name
        #: tells the hidden state of its operations from that of others of the same name
        self.number = uid()
        #: the graph that holds the operations: another one where this is a copy
        self.base: FuncGraph = self
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.control_outputs: list[Operation] = []
        self.structured_input_signature: Any = None
        self.structured_outputs: Any = None
        self._captures: dict[Any, Tensor] = {}
        #: the same for tensors further out, which come through those
        self._captured: dict[Any, Tensor] = {}
        self._outside: dict[Tensor, Any] = {}
        self._deferred: dict[Any, tuple[Callable[[], list[Any]], Any]] = {}
        self._input_names: dict[str, int] = {}
        self._watched: dict[int, Any] = {}
        self._variables: list[Any] = []
        self._saving_errors: set[str] = set()
        if capture_by_value is None:
            capture_by_value = getattr(self.outer_graph, "capture_by_value", False)
        self.capture_by_value = capture_by_value
        if context.executing_eagerly():
            self.seed = context.shared.eager_seed
        else:
            self.seed = self.outer_graph.seed
            self._scopes.colocation = list(self.outer_graph._scopes.colocation)
        self._collections = self._own_collections(collections)
        self._gradient_override_map = self.outer_graph._gradient_override_map
        self._override_scopes = self.outer_graph._override_scopes

    def _own_collections(self, given: dict[Any, list[Any]] | None) -> Any:
        """Copies of the collections around the function, but for those of variables."""
        if given is not None:
            return given
        outer = self.outer_graph
        for key in _SHARED_COLLECTIONS:
            outer.get_collection_ref(key)
        return {
            key: items if key in _SHARED_COLLECTIONS else list(items)
            for key, items in outer._collections.items()
        }

    def as_default(self) -> contextlib.AbstractContextManager[FuncGraph]:
        """A context in which new operations are added to this function.

        Variable creators and what optimizers know the graph by come from the graph
        around; its devices do not, unless a function chooses them.
        """
        return self._entered()

    @contextlib.contextmanager
    def _entered(self) -> Iterator[FuncGraph]:
        around, mine = context.get_default_graph(), self._scopes
        theirs = around._scopes
        before = mine.creators, mine.distribution, mine.devices, self._graph_key
        cast = self._auto_cast_variable_read_dtype
        mine.creators, mine.distribution = theirs.creators, theirs.distribution
        if not context.executing_eagerly() and any(d.function for d in theirs.devices):
            mine.devices = list(theirs.devices)
        self._graph_key = around._graph_key
        self._auto_cast_variable_read_dtype = around._auto_cast_variable_read_dtype
        try:
            with context.default_graph(self):
                yield self
        finally:
            mine.creators, mine.distribution, mine.devices, self._graph_key = before
            self._auto_cast_variable_read_dtype = cast

    @property
    def output_types(self) -> list[Any]:
        """The dtypes of the outputs."""
        return [t.dtype for t in self.outputs]

    @property
    def output_shapes(self) -> list[Any]:
        """The static shapes of the outputs."""
        return [t.shape for t in self.outputs]

    def results_of(self, given: Sequence[Tensor]) -> list[Known]:
        """What is known of the outputs of a call with these arguments."""
        if self.results_for is None:
            return [(t._shape_raw, t._held) for t in self.outputs]
        return self.results_for(given)

    @property
    def op_def(self) -> opdef.OpDef:
        """The signature of operations that call this function by its name."""

        def args(tensors: Iterable[Tensor], label: str) -> tuple[opdef.ArgDef, ...]:
            return tuple(
                opdef.ArgDef(f"{label}{i}", t.dtype.base_dtype)
                for i, t in enumerate(tensors)
            )

        return opdef.OpDef(
            self.function_name,
            args(self.inputs, "input"),
            args(self.outputs, "output"),
            {},
            is_stateful=any(op._is_stateful for op in self._ops),
            calls=True,
        )

    # ------------------------------------------------------------------ variables

    def watch_variable(self, variable: Variable) -> None:
        """Note that a variable is used here, and so in the functions around."""
        graph: Any = self
        while isinstance(graph, FuncGraph):
            graph._watched.setdefault(id(variable), weakref.ref(variable))
            graph = graph.outer_graph

    @property
    def watched_variables(self) -> list[Any]:
        """The variables used so far that still exist, in the order of first use."""
        return [v for ref in self._watched.values() if (v := ref()) is not None]

    @property
    def variables(self) -> Iterator[Any]:
        """The variables that the function uses besides its arguments.

        Raises:
          AssertionError: one of them does not exist any more.
        """
        for ref in self._variables:
            variable = ref()
            if variable is None:
                raise AssertionError(
                    "Called a function referencing variables which have been deleted. "
                    "This likely means that function-local variables were created and "
                    "not referenced elsewhere in the program. This is generally a "
                    "mistake; consider storing variables in an object attribute on "
                    "first call."
                )
            yield variable

    @variables.setter
    def variables(self, variables: Iterable[Any]) -> None:
        self._variables = [weakref.ref(v) for v in variables]

    @property
    def variable_captures(self) -> dict[Tensor, Any]:
        """The variables whose handles are captured, by the inputs they are."""
        known = self._captures
        return {known[v.handle]: v for v in self.variables if v.handle in known}

    # ------------------------------------------------------------------ exporting

    def mark_as_unsaveable(self, error_message: str | Iterable[str]) -> None:
        """Say why the function cannot be saved."""
        given = error_message
        self._saving_errors.update([given] if isinstance(given, str) else given)

    @property
    def saveable(self) -> bool:
        """Whether the function can be saved."""
        return not self._saving_errors

    @property
    def saving_errors(self) -> set[str]:
        """Why the function cannot be saved."""
        return self._saving_errors

    # ------------------------------------------------------------------ captures

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

    def declare_derivative(self, derivative: FuncGraph) -> None:
        """Say which function differentiates this one, in place of one that is made."""
        self.derivative, self.declares_derivative = derivative, True

    def copy(self) -> FuncGraph:
        """The same function with lists of inputs and outputs of its own."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.inputs, made.outputs = list(self.inputs), list(self.outputs)
        return made

    def add_input(
        self, dtype: DTypeLike, shape: RawShape, name: str, held: Held | None = None
    ) -> Tensor:
        """Add a parameter; `held` is what is known of the handle that it is."""
        count = self._input_names.get(name, 0)
        self._input_names[name] = count + 1
        label = f"{name}_{count}/" if count else f"{name}/"
        with self.as_default(), self.control_dependencies(None):
            op = self.add("Placeholder", (), {"dtype": dtype, "shape": shape}, label)
        tensor = op._outputs[0]
        if held is not None:
            tensor._held = held
        self.inputs.append(tensor)
        return tensor

    def capture(self, tensor: Tensor, name: str | None = None) -> Tensor:
        """The input that stands for a tensor from outside.

        Raises:
          InaccessibleTensorError: the tensor belongs to a function inside this one.
        """
        if not getattr(tensor, "_is_eager", False) and tensor._op._graph is self:
            return tensor
        inner = self._captured.get(tensor)
        if inner is None:
            outer = self._to_outer_graph(tensor)
            inner = self._captured.get(outer)
            if inner is None:
                inner = self._input_for(outer, name or self._capture_name(outer))
                self.add_capture(outer, inner, listed=True)
            self._captured[tensor] = inner
        for tape in context.local.tapes:
            tape.record_capture(tensor, inner)
        return inner

    def _capture_name(self, tensor: Tensor) -> str:
        return str(uid()) if getattr(tensor, "_is_eager", False) else tensor.op.name

    def _input_for(self, outer: Any, name: str) -> Tensor:
        """A new input for a tensor outside; a constant for a small value."""
        if getattr(outer, "_is_eager", False) and _is_constant(outer):
            value = {"value": np.asarray(outer._value), "dtype": outer.dtype}
            with self.as_default(), self.control_dependencies(None):
                inner = self.add("Const", (), value, name)._outputs[0]
            self.inputs.append(inner)
        else:
            inner = self.add_input(outer.dtype, outer._shape_raw, name, outer._held)
        return inner

    def add_capture(self, outer: Tensor, inner: Tensor, listed: bool = False) -> None:
        """Let a tensor of this function stand for one outside.

        Args:
          outer: the tensor outside.
          inner: the one here.
          listed: whether it is among the inputs already.
        """
        self._captures[outer] = self._captured[outer] = inner
        self._outside[inner] = outer
        if not listed:
            self.inputs.append(inner)

    def pop_capture(self, tensor: Tensor) -> Tensor | None:
        """Forget that a tensor outside is captured; the input that stood for it."""
        inner = self._captures.pop(tensor, None)
        if inner is not None:
            del self._captured[tensor], self._outside[inner]
        return inner

    def clear_captures(self) -> None:
        """Forget what is captured."""
        self.reset_captures(())
        self._deferred.clear()

    def capture_call_time_value(
        self, closure: Callable[[], Any], spec: Structure, key: Hashable | None = None
    ) -> Any:
        """Placeholders for what `closure()` returns each time the function is called.

        Args:
          closure: gives tensors or a nested structure of them.
          spec: their TensorSpecs, in the same structure.
          key: a second call with an equal key gives the same placeholders.
        """
        key = object() if key is None else key
        known = self._deferred.get(key)
        if known is None:

            def found() -> list[Any]:
                value = closure()
                nest.assert_same_structure(spec, value, expand_composites=True)
                parts = nest.map_structure(
                    lambda s, v: s._to_components(v), spec, value
                )
                return nest.flatten(parts, expand_composites=True)

            inside = nest.map_structure(self._parameter, spec, expand_composites=True)
            known = self._deferred[key] = (found, inside)
        return known[1]

    def _parameter(self, spec: Any) -> Tensor:
        inner = self.add_input(spec.dtype, spec.shape.raw, spec.name or "Placeholder")
        self.inputs.pop()  # it comes after those that are captured
        return inner

    @property
    def deferred_external_captures(self) -> list[Callable[[], list[Any]]]:
        """The functions that give values at call time."""
        return [found for found, _ in self._deferred.values()]

    @property
    def deferred_internal_captures(self) -> list[Any]:
        """The placeholders of values that are given at call time."""
        return [inside for _, inside in self._deferred.values()]

    def _to_outer_graph(self, tensor: Tensor) -> Any:
        """What a call passes for a tensor outside: the tensor itself.

        Raises:
          InaccessibleTensorError: it belongs to a function inside this one.
        """
        if getattr(tensor, "_is_eager", False):
            return tensor
        graph = tensor.graph
        while graph is not None:
            if graph is self:
                raise InaccessibleTensorError(
                    f"The tensor '{tensor}' cannot be accessed here: it is defined in "
                    "another function or code block. Use return values, explicit "
                    "Python locals or TensorFlow collections to access it. Defined in: "
                    f"{tensor.graph}; accessed from: {self}.\n"
                )
            graph = graph.outer_graph
        return tensor

    def control_dependencies(
        self, control_inputs: Iterable[Any] | None
    ) -> ControlDependencies:
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
                found = item._as_graph_element()
                element = item if found is None else found
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
        return [self.capture(t) for t in inputs]

    def __str__(self) -> str:
        return f"FuncGraph(name={self.name}, id={id(self)})"


class BodyGraph(FuncGraph):
    """The body of a branch or a loop.

    Its operations are named and counted as if they were made in the outer graph, which
    is where TensorFlow 1 made them: names of variables and seeds depend on it.

    Attributes:
      starts: of a loop, the tensors outside that its loop variables start with, by the
        inputs that stand for these.
      beside: bodies that run in turn with this one, for what it takes from outside.
    """

    def __init__(self, name: str) -> None:
        self._counts_outside = False
        self.starts: dict[Tensor, Tensor] = {}
        self.beside: tuple[FuncGraph, ...] = ()
        collections = context.get_default_graph()._collections
        super().__init__(name, collections)
        self._counts_outside = True
        outer = self.outer_graph
        self._names_in_use = outer._names_in_use
        self._functions = outer._functions
        self._lock = outer._lock
        self._container = outer._container
        mine, theirs = self._scopes, outer._scopes
        mine.name = theirs.name
        mine.devices = list(theirs.devices)
        mine.colocation = list(theirs.colocation)
        mine.distribution = list(theirs.distribution)
        mine.creators = list(theirs.creators)

    def as_default(self) -> contextlib.AbstractContextManager[Any]:
        """A context in which new operations are added to this body."""
        return Graph.as_default(self)

    def _to_outer_graph(self, tensor: Tensor) -> Any:
        """The tensor as the outer graph knows it: captured by each level in between."""
        eager = getattr(tensor, "_is_eager", False)
        if not eager and tensor.graph is self.outer_graph:
            return tensor
        super()._to_outer_graph(tensor)
        if isinstance(self.outer_graph, FuncGraph):
            return self.outer_graph.capture(tensor)
        if eager:
            raise RuntimeError(
                "Attempting to capture an EagerTensor without building a function."
            )
        return tensor

    def add_input(
        self, dtype: DTypeLike, shape: RawShape, name: str, held: Held | None = None
    ) -> Tensor:
        """Add a parameter; it does not count."""
        with uncounted(self):
            return super().add_input(dtype, shape, name, held)

    def capture(self, tensor: Tensor, name: str | None = None) -> Tensor:
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


def _is_constant(tensor: Any) -> bool:
    """Whether an eager tensor is captured as a constant: it is a small value."""
    if not tensor.dtype.is_numpy_compatible:
        return False
    return math.prod(tensor._shape_raw) <= _LARGEST_CONSTANT


def function_body_of(graph: Graph) -> FuncGraph | None:
    """The innermost function that a graph lies in, branches and loops left aside."""
    found: Any = graph
    while isinstance(found, BodyGraph):
        found = found.outer_graph
    return found if isinstance(found, FuncGraph) else None
