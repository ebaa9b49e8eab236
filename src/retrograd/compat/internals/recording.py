"""What tapes are told, by name: for code that records its own operations."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.grad.tape import GradientTape
from retrograd.graph import context, opdef
from retrograd.graph.record import Record
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import TensorLike
    from retrograd.variables.variable import Variable

Tape = GradientTape


def push_new_tape(
    persistent: bool = False, watch_accessed_variables: bool = True
) -> GradientTape:
    """A new tape, recording."""
    tape = GradientTape(persistent, watch_accessed_variables)
    tape._start()
    return tape


def push_tape(tape: GradientTape) -> None:
    """Let a tape record."""
    tape._start()


def pop_tape(tape: GradientTape) -> None:
    """Stop a tape."""
    tape._stop()


def watch(tape: GradientTape, tensor: TensorLike) -> None:
    """Treat a tensor as a variable of differentiation on a tape."""
    tape.watch(tensor)


def watch_variable(tape: GradientTape, variable: Variable) -> None:
    """Treat a variable as one of differentiation on a tape."""
    tape.watch(variable)


@contextlib.contextmanager
def stop_recording() -> Iterator[None]:
    """A context that no tape sees."""
    before, context.local.tapes = context.local.tapes, []
    try:
        yield
    finally:
        context.local.tapes = before


def could_possibly_record() -> bool:
    """Whether any tape records."""
    return bool(context.local.tapes)


def should_record(tensors: Iterable[Tensor]) -> bool:
    """Whether a tape that records knows any of some tensors."""
    known = list(tensors)
    return any(tape.knows(t) for tape in context.local.tapes for t in known)


def record_operation(
    op_type: str,
    output_tensors: Sequence[Tensor],
    input_tensors: Sequence[Tensor],
    backward_function: Callable[..., Any],
) -> None:
    """Tell the tapes that some tensors were made of others.

    Args:
      op_type: what made them, for messages.
      output_tensors, input_tensors: the tensors.
      backward_function: takes the derivative with respect to each output, and returns
        that with respect to each input, or None.
    """
    op_def = opdef.lookup("IdentityN")
    assert op_def is not None
    record = Record(op_def, input_tensors, {"T": [t.dtype for t in input_tensors]})
    record.type = record.name = op_type
    record._outputs = list(output_tensors)
    if not context.executing_eagerly():
        record._graph = context.get_default_graph()
    record._gradient_function = lambda n, *dys: backward_function(*dys)
    for tape in context.local.tapes:
        tape.record(record)


def delete_trace(tensor_id: int) -> None:
    """Nothing: what tapes keep goes when they go."""
    del tensor_id
