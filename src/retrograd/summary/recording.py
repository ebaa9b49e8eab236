"""Which summary writer is in force, whether it records, and at which step."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.defaults import device
from retrograd.graph.hooks import hooks
from retrograd.graph.tensor import Tensor
from retrograd.ops.math.compare import equal, logical_and

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

    #: whether to record: known, or to be found out
    Condition = TensorLike | Callable[[], TensorLike] | None


class _State(threading.local):
    """What a thread has chosen."""

    writer: Any = None
    recording: Any = None
    step: Any = None


state = _State()


def set_step(step: TensorLike | None) -> None:
    """Choose the step of summaries that are given none."""
    state.step = step


def get_step() -> Any:
    """The step of summaries that are given none; None if none was chosen."""
    return state.step


@contextlib.contextmanager
def record_if(condition: Condition) -> Iterator[None]:
    """A context in which summaries are recorded where a condition holds.

    Args:
      condition: a bool, a scalar bool tensor, or a function that returns one.
    """
    before, state.recording = state.recording, condition
    try:
        yield
    finally:
        state.recording = before


def always_record_summaries() -> contextlib.AbstractContextManager[None]:
    """A context in which summaries are recorded."""
    return record_if(True)


def never_record_summaries() -> contextlib.AbstractContextManager[None]:
    """A context in which no summaries are recorded."""
    return record_if(False)


def record_summaries_every_n_global_steps(
    n: int, global_step: Tensor | None = None
) -> contextlib.AbstractContextManager[None]:
    """A context in which summaries are recorded every `n` steps.

    Args:
      n: how often.
      global_step: counts the steps; the global step if not given.
    """
    step = hooks.get_or_create_global_step() if global_step is None else global_step
    with device("cpu:0"):

        def condition() -> Tensor:
            return equal(step % n, 0)

        chosen = condition if context.executing_eagerly() else condition()
    return record_if(chosen)


def should_record(default: bool) -> Tensor:
    """Whether summaries are recorded here, where nothing was chosen by `default`."""
    chosen = state.recording
    chosen = chosen() if callable(chosen) else chosen
    return logical_and(True, default if chosen is None else chosen)


def should_record_summaries() -> Tensor:
    """Whether summaries are recorded here."""
    return should_record(False)
