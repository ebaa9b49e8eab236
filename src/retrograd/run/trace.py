"""What a traced run says of itself: a RunMetadata message."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import Declaration
from retrograd.run.devices import CPU
from retrograd.run.plan import Plan
from retrograd.run.results import ResultProgram
from retrograd.run.store import Store

if TYPE_CHECKING:
    from retrograd.typing import Array, Message

NO_TRACE = 0
#: (operation, start and end in ns, the values it gave)
Step = tuple[Operation, int, int, Any]


class TracedProgram(ResultProgram):
    """A plan that is interpreted and times each operation.

    Attributes:
      steps: what the last run did, in order.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self.steps: list[Step] = []
        super().__init__(plan, store)

    def __call__(self, feeds: Sequence[Any]) -> Sequence[Any]:
        """See `Program`."""
        self.steps.clear()
        return super().__call__(feeds)

    def _expression(self, op: Operation, declaration: Declaration) -> None:
        """Nothing: every operation is a call, which is timed."""

    def _kernel(self, op: Operation, declaration: Declaration) -> Any:
        kernel = super()._kernel(op, declaration)

        def timed(*arguments: object) -> Any:
            start = time.time_ns()
            value = kernel(*arguments)
            self.steps.append((op, start, time.time_ns(), value))
            return value

        return timed


def fill(
    metadata: Message,
    plan: Plan,
    steps: Sequence[Step] | None,
    partition: bool = False,
    cost: bool = False,
) -> None:
    """Write a RunMetadata message anew.

    Args:
      metadata: the message.
      plan: what was run.
      steps: the timed operations, or None where they were not asked for.
      partition: whether to add the graph that was run.
      cost: whether to add sizes and times for each operation.
    """
    metadata.Clear()
    if steps is not None:
        _step_stats(metadata.step_stats.dev_stats.add(), steps)
    if partition:
        _graph(metadata.partition_graphs.add(), plan)
    if cost:
        _costs(metadata.cost_graph, plan, steps or ())


def _step_stats(device: Message, steps: Sequence[Step]) -> None:
    device.device = CPU
    thread = threading.get_ident() & 0xFFFFFFFF
    for op, start, end, value in steps:
        node = device.node_stats.add(node_name=op.name, thread_id=thread)
        inputs = ", ".join(t._as_node_def_input() for t in op.inputs)
        node.timeline_label = f"{op.name} = {op.type}({inputs})"
        node.all_start_micros = start // 1000
        node.all_start_nanos = start
        node.op_end_rel_micros = node.all_end_rel_micros = (end - start) // 1000
        node.op_end_rel_nanos = node.all_end_rel_nanos = end - start
        for slot, array in enumerate(_arrays(op, value)):
            _describe(node.output.add(slot=slot).tensor_description, array)


def _arrays(op: Operation, value: Array | None) -> list[Any]:
    """The values of the outputs; the new ones of variables and state come before."""
    values = value if isinstance(value, tuple) else (value,)
    values = values[len(values) - len(op.outputs) :] if op.outputs else ()
    return [v for v in values if hasattr(v, "dtype")]


def _describe(target: Any, array: Any) -> None:
    target.dtype = dtypes.as_dtype(array.dtype).as_datatype_enum
    for size in np.shape(array):
        target.shape.dim.add(size=size)
    target.allocation_description.requested_bytes = int(np.asarray(array).nbytes)
    target.allocation_description.allocator_name = "cpu"


def _graph(target: Message, plan: Plan) -> None:
    if plan.ops:
        target.versions.CopyFrom(hooks.versions(plan.ops[0].graph))
    for op in plan.ops:
        target.node.add().CopyFrom(hooks.node_def(op))


def _costs(target: Message, plan: Plan, steps: Sequence[Step]) -> None:
    numbers = {op: i for i, op in enumerate(plan.ops)}
    times = {op: (end - start) // 1000 for op, start, end, _ in steps}
    sizes = {
        op: [int(np.asarray(a).nbytes) for a in _arrays(op, value)]
        for op, _, _, value in steps
    }
    for op, number in numbers.items():
        node = target.node.add(name=op.name, id=number, device=CPU)
        node.compute_cost = times.get(op, 0)
        for tensor in op.inputs:
            if tensor.op in numbers:
                node.input_info.add(
                    preceding_node=numbers[tensor.op], preceding_port=tensor.value_index
                )
        node.control_input.extend(numbers[c] for c in op.control_inputs if c in numbers)
        found = sizes.get(op) or [_static_size(t) for t in op.outputs]
        for tensor, size in zip(op.outputs, found, strict=False):
            node.output_info.add(size=size, dtype=tensor.dtype.as_datatype_enum)


def _static_size(tensor: Tensor) -> int:
    """Bytes of a constant that was computed before the run; 0 where not known."""
    count = shapes.size(tensor._shape_raw)
    return (count or 0) * tensor.dtype.base_dtype.size
