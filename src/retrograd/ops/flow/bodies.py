"""Turning Python functions into function bodies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.graph import context
from retrograd.graph.composite import convert_to_tensor_or_composite
from retrograd.graph.function import FuncGraph, uid, uncounted
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.declare import F
from retrograd.ops.flow.auto_control_deps import AutomaticControlDependencies
from retrograd.ops.flow.demand import demand
from retrograd.ops.lists.flow import Flowing

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike


def unique_name(scope: str, label: str) -> str:
    """A name for a function made in a name scope."""
    return f"{scope}{label}_{uid()}".replace("/", "_")


def to_flow(value: object) -> Any:
    """A TensorArray as the tensor that holds its elements; anything else as it is."""
    return value.flow if isinstance(value, Flowing) else value


def flows(structure: Structure) -> Structure:
    """A structure with TensorArrays as tensors."""
    return nest.map_structure(to_flow, structure, expand_composites=True)


def repacked(structure: Structure, tensors: Iterable[Any]) -> Structure:
    """Tensors in the form of a structure, TensorArrays where it has them."""
    leaves = nest.flatten(structure, expand_composites=True)
    values = [
        leaf._with(tensor) if isinstance(leaf, Flowing) else tensor
        for leaf, tensor in zip(leaves, tensors, strict=True)
    ]
    return nest.pack_sequence_as(structure, values, expand_composites=True)


def packed_like(structure: Structure, tensors: Sequence[Tensor]) -> Structure:
    """As `repacked`; None where the structure has it, which no tensor stands for."""
    rest = iter(tensors)
    leaves = nest.flatten(structure, expand_composites=True)
    return repacked(structure, [None if v is None else next(rest) for v in leaves])


def flat_tensors(structure: Structure) -> list[Any]:
    """The tensors that a structure consists of."""
    return [to_flow(v) for v in nest.flatten(structure, expand_composites=True)]


def trace(
    graph: FuncGraph,
    function: Callable[..., Any],
    args: Sequence[Any] = (),
    operation_value: Callable[..., Any] | None = None,
) -> Any:
    """Call `function` with the body as the default graph; its results are the outputs.

    Args:
      graph: the body.
      function: makes operations.
      args: its arguments.
      operation_value: makes the tensor that stands for a result that is an operation.

    Returns:
      What `function` returned, as it is.

    Raises:
      TypeError: a result can be no tensor.
    """

    def converted(value: object) -> Any:
        if value is None or isinstance(value, Flowing):
            return value
        if operation_value is not None and isinstance(value, Operation):
            return operation_value(value)
        try:
            given: Any = value
            return convert_to_tensor_or_composite(given)
        except (TypeError, ValueError):
            raise TypeError(
                "To be compatible with tf.contrib.eager.defun, Python functions must "
                "return zero or more Tensors; in compilation of "
                f"{function}, found return value of type {type(value)}, which is not a "
                "Tensor."
            ) from None

    ordered = context.get_default_graph()._add_control_dependencies
    manager = AutomaticControlDependencies() if ordered else None
    with graph.as_default(), manager or contextlib.nullcontext():
        result = function(*args)
        structured = nest.map_structure(converted, result, expand_composites=True)
        graph.structured_outputs = structured
        found = [t for t in flat_tensors(structured) if t is not None]
        graph.outputs.extend(graph.capture(t) for t in found)
    if manager is not None:
        graph.control_outputs.extend(manager.ops_which_must_run)
    return result


def match_inputs(
    graphs: Sequence[FuncGraph], given: Sequence[Sequence[Any]]
) -> list[Tensor]:
    """Give functions the same inputs.

    Args:
      graphs: the functions; each gets inputs that it does not use.
      given: for each, the tensors of the outer graph that its inputs stand for.

    Returns:
      The tensors that all are called with.
    """
    union: dict[int, Any] = {id(t): t for tensors in given for t in tensors}
    for graph, tensors in zip(graphs, given, strict=True):
        known = dict(zip(map(id, tensors), graph.inputs, strict=True))
        inputs = []
        for key, tensor in union.items():
            inner = known.get(key)
            if inner is None:
                inner = graph.add_input(
                    tensor.dtype, tensor._shape_raw, f"unused_{tensor.op.name}"
                )
            inputs.append(inner)
        graph.inputs = inputs
        graph.reset_captures(zip(union.values(), inputs, strict=True))
    return list(union.values())


def widest(shapes: Iterable[RawShape]) -> RawShape:
    """What is known of a tensor that has one of several shapes."""
    first, *rest = shapes
    for other in rest:
        if first is None or other is None or len(first) != len(other):
            return None
        first = tuple(a if a == b else None for a, b in zip(first, other, strict=True))
    return first


def is_stateful(graphs: Iterable[FuncGraph]) -> bool:
    """Whether an operation of some functions has state."""
    return any(op._is_stateful for graph in graphs for op in graph._ops)


def call(
    op_type: str,
    graphs: Sequence[FuncGraph],
    *args: TensorLike,
    name: str,
    **attrs: Any,
) -> Operation:
    """Add the operation that calls some functions; it does not count for seeds.

    Args:
      op_type: the op type.
      graphs: the functions, which enter the graph's library.
      *args: the inputs.
      name: the name of the operation.
      **attrs: its attributes.
    """
    outer: Any = context.get_default_graph()
    waits: dict[Operation, None] = {}
    for graph in graphs:
        used = demand(graph.outputs, graph.control_outputs, graph.inputs).ops
        waits.update(dict.fromkeys(graph.control_captures(used)))
    for graph in graphs:
        outer._add_function(graph)
    with outer.control_dependencies(list(waits)), uncounted(outer):
        made = getattr(F, op_type)(*args, name=name, **attrs)
    return operation_of(made, outer)


def operation_of(made: Sequence[Tensor], graph: Graph) -> Operation:
    """The operation that was just added to a graph, by its outputs if it has any.

    Where something records operations, others may have been added since.
    """
    return made[0]._op if made else graph._ops[-1]


def results_of(op: Operation) -> list[Tensor]:
    """An identity of each output: what a program gets to see."""
    return [F.Identity(t) for t in op._outputs]
