"""`function`: part of a graph as a Python function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest
from retrograd.functions.concrete import ConcreteFunction
from retrograd.functions.lifting import lift_to_graph
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.layers.values import get_session
from retrograd.ops.array.identity import identity
from retrograd.ops.array.tensor_values import is_tensor
from retrograd.ops.declare import kind_of
from retrograd.ops.flow.control import group
from retrograd.ops.math.casts import cast
from retrograd.ops.static import constant
from retrograd.ops.traits import Kind
from retrograd.variables.updates import assign
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.typing import FeedDict, Message, Structure

#: an operation, or a variable and its new value
Update = Any


def function(
    inputs: Structure,
    outputs: Structure,
    updates: Sequence[Update] | None = None,
    name: str | None = None,
    **kwargs: Any,
) -> Callable[..., Any]:
    """A function of arrays that runs part of a graph and returns arrays.

    Args:
      inputs: the tensors to feed, in any structure.
      outputs: the tensors to return.
      updates: operations to run besides; or pairs of a variable and its new value.
      name: what to call it.
      **kwargs: of `Session.run`: `feed_dict`, `fetches`, `options`, `run_metadata`; in
        graphs only.

    Raises:
      ValueError: other arguments.
      TypeError: updates in no list or tuple.

    Example:
      >>> x = K.placeholder((2,))
      >>> double = K.function([x], [x * 2])
      >>> double([np.array([1.0, 2.0])])
    """
    if context.executing_eagerly():
        if kwargs:
            raise ValueError(
                "Session keyword arguments are not support during eager execution. "
                f"You passed: {kwargs}"
            )
        return EagerExecutionFunction(inputs, outputs, updates=updates, name=name)
    for key in kwargs:
        if key not in ("fetches", "feed_dict", "options", "run_metadata"):
            raise ValueError(
                f'Invalid argument "{key}" passed to K.function with TensorFlow backend'
            )
    return GraphExecutionFunction(inputs, outputs, updates=updates, name=name, **kwargs)


def _checked(updates: Sequence[Update] | None) -> Sequence[Update]:
    """The updates in a list or tuple.

    Raises:
      TypeError: something else.
    """
    updates = updates or []
    if not isinstance(updates, (list, tuple)):
        raise TypeError(
            "`updates` in a Keras backend function should be a list or tuple."
        )
    return updates


def as_tensors(values: Iterable[Any]) -> list[Any]:
    """The values of variables; tensors as they are."""
    return [identity(x) if isinstance(x, Variable) else x for x in values]


class GraphExecutionFunction:
    """What `function` makes in a graph: it runs the session of Keras.

    Args as for `function`.
    """

    def __init__(
        self,
        inputs: Structure,
        outputs: Structure,
        updates: Sequence[Update] | None = None,
        name: str | None = None,
        **session_kwargs: Any,
    ) -> None:
        updates = _checked(updates)
        self._inputs_structure, self._outputs_structure = inputs, outputs
        self.inputs: list[Any] = nest.flatten(inputs, expand_composites=True)
        flat = nest.flatten(outputs, expand_composites=True)
        self.outputs: list[Any] = as_tensors(flat)
        with context.get_default_graph().control_dependencies([self.outputs[0]]):
            made = [assign(*u) if isinstance(u, tuple) else u for u in updates]
            self.updates_op = group(*made)
        self.name = name
        self.feed_dict: FeedDict = session_kwargs.pop("feed_dict", None) or {}
        self.run_options: Message | None = session_kwargs.pop("options", None)
        self.run_metadata: Message | None = session_kwargs.pop("run_metadata", None)
        fetches = session_kwargs.pop("fetches", [])
        if not isinstance(fetches, list):
            fetches = [fetches]
        self.fetches: list[Any] = [identity(x) for x in fetches]
        #: functions that are called with the value of one of `fetches`
        self.fetch_callbacks: dict[Any, Callable[[Any], object]] = {}
        if session_kwargs:
            raise ValueError(
                "Some keys in session_kwargs are not supported at this time: %s",
                (session_kwargs.keys(),),
            )

    def __call__(self, inputs: Structure) -> Any:
        """Run it.

        Args:
          inputs: values in the structure of the inputs; None for one that has a default
            or needs none.

        Returns:
          Arrays in the structure of the outputs.
        """
        values = nest.flatten(inputs, expand_composites=True)
        session = get_session(values)
        feeds = dict(self.feed_dict)
        for tensor, value in zip(self.inputs, values, strict=False):
            if is_tensor(value):
                feeds[tensor] = session.run(value)
            elif value is not None:
                kind = tensor.dtype.base_dtype.as_numpy_dtype
                feeds[tensor] = np.asarray(value, dtype=kind)
        found = session.run(
            [self.outputs, self.updates_op, self.fetches],
            feed_dict=feeds,
            options=self.run_options,
            run_metadata=self.run_metadata,
        )
        for fetch, value in zip(self.fetches, found[2], strict=True):
            if fetch in self.fetch_callbacks:
                self.fetch_callbacks[fetch](value)
        return nest.pack_sequence_as(
            self._outputs_structure, found[0], expand_composites=True
        )


class EagerExecutionFunction:
    """What `function` makes in eager mode: a copy of part of the graph of layers.

    Args:
      inputs, outputs, updates, name: as for `function`.

    Raises:
      ValueError: updates without outputs; tensors of several graphs.
    """

    def __init__(
        self,
        inputs: Structure,
        outputs: Structure,
        updates: Sequence[Update] | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name
        self._inputs_structure, self._outputs_structure = inputs, outputs
        self.inputs: list[Any] = nest.flatten(inputs, expand_composites=True)
        flat = nest.flatten(outputs, expand_composites=True)
        updates = _checked(updates)
        if updates and not flat:
            # an update is made before an output is returned
            raise ValueError(
                "Cannot create a Keras backend function with updates but no outputs "
                "during eager execution."
            )
        self._graph = FuncGraph(name or "keras_function")
        self._lift(as_tensors(flat), updates)
        self._function = ConcreteFunction(self._graph)
        self._function._num_positional_args = len(self.inputs)
        self._function._arg_keywords = []
        self._defaults = {
            id(x): constant(x.op.inputs[0])
            for x in self.inputs
            if kind_of(x.op.type) is Kind.PARAMETER and x.op.inputs
        }

    def _lift(self, outputs: list[Any], updates: Sequence[Update]) -> None:
        """Copy the part of the graph that the outputs and updates need."""
        pairs = [u for u in updates if isinstance(u, tuple)]
        ops = [getattr(u, "op", u) for u in updates if not isinstance(u, tuple)]
        news = as_tensors(new for _, new in pairs)
        wanted = [*self.inputs, *outputs, *ops, *news]
        graphs = {id(x.graph): x.graph for x in wanted if _is_symbolic(x)}
        if len(graphs) != 1:
            raise ValueError(
                "Cannot create an execution function which is comprised of elements "
                "from multiple graphs."
            )
        (source,) = graphs.values()
        graph = self._graph
        symbolic = [x for x in wanted if _is_symbolic(x)]
        done = lift_to_graph(
            symbolic,
            graph,
            sources=self.inputs,
            add_sources=True,
            handle_captures=True,
            base_graph=source,
        )
        with graph.as_default():
            made = [done[op] for op in ops]
            made += [
                assign(variable, done[new] if _is_symbolic(new) else new)
                for (variable, _), new in zip(pairs, news, strict=True)
            ]
            given = [done[x] for x in self.inputs]
            captured = [x for x in graph.internal_captures if x not in given]
            found = [done[x] if _is_symbolic(x) else graph.capture(x) for x in outputs]
            with graph.control_dependencies([op for op in made if op is not None]):
                found = [identity(x) for x in found]
        graph.inputs = [*given, *captured]
        graph.outputs = found
        graph.structured_outputs = list(found)

    def __call__(self, inputs: Structure) -> Any:
        """Run it.

        Args:
          inputs: values in the structure of the inputs; None for one with a default.

        Raises:
          ValueError: None where there is no default.
        """
        values = nest.flatten(inputs, expand_composites=True)
        given = []
        for tensor, value in zip(self.inputs, values, strict=False):
            if value is None:
                value = self._defaults.get(id(tensor))
            if value is None:
                raise ValueError(f"You must feed a value for placeholder {tensor}")
            if not isinstance(value, Tensor):
                value = convert_to_tensor(value, dtype=tensor.dtype)
            given.append(
                value if value.dtype == tensor.dtype else cast(value, tensor.dtype)
            )
        found = self._function._call_flat(given, self._function.captured_inputs)
        return nest.pack_sequence_as(
            self._outputs_structure, [x.numpy() for x in found], expand_composites=True
        )


def _is_symbolic(x: Any) -> bool:
    return isinstance(x, (Tensor, Operation)) and not getattr(x, "_is_eager", False)
