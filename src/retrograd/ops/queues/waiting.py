"""Shared objects of a session that calls wait for: queues, accumulators.

A call that cannot go on stands in line, and only the first of a line is tried. Whatever
happens to the object lets the lines move.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from retrograd import errors
from retrograd.graph import context

#: how far a call came
STUCK, MOVED, FINISHED = range(3)


class Attempt:
    """A call in line: `step` tries to go on, and says how far it came."""

    def __init__(self, wanted: int, step: Callable[[Attempt], int]) -> None:
        self.wanted = wanted
        self.step = step
        self.taken: list[Any] = []
        self.error: Exception | None = None
        self.done = False

    def fail(self, error: Exception) -> int:
        """End with an error."""
        self.error = error
        return FINISHED


class Lines:
    """The lines of an object, by what the calls in them do."""

    #: the attributes that say what the object holds
    _contents: tuple[str, ...] = ()

    def __init__(self, *verbs: str) -> None:
        self._lock = threading.Condition()
        self._lines: dict[str, deque[Attempt]] = {verb: deque() for verb in verbs}
        self._cancelled = False

    def cancel(self) -> None:
        """End all calls that wait: the session is closed."""
        with self._lock:
            self._cancelled = True
            for verb in self._lines:
                self._cancel(verb)
            self._lock.notify_all()

    def saved(self) -> Callable[[], None]:
        """A function that puts back what the object holds now."""
        with self._lock:
            held = {n: copy.copy(getattr(self, n)) for n in self._contents}

        def put_back() -> None:
            with self._lock:
                for name, value in held.items():
                    setattr(self, name, copy.copy(value))
                self._flush()

        return put_back

    def _wait(self, verb: str, attempt: Attempt) -> None:
        """Stand in line until done.

        Raises:
          CancelledError: the session is closed.
          DeadlineExceededError: it took longer than the run may.
          Exception: what the attempt failed with.
        """
        limit = context.local.deadline
        with self._lock:
            if self._cancelled:
                raise _was_cancelled(verb)
            self._lines[verb].append(attempt)
            self._flush()
            while not attempt.done:
                left = None if limit is None else limit - time.monotonic()
                if left is not None and left <= 0:
                    self._lines[verb].remove(attempt)
                    self._undo(attempt)
                    self._flush()
                    raise errors.DeadlineExceededError(
                        None, None, "Timed out waiting for notification"
                    )
                self._lock.wait(left)
        if attempt.error is not None:
            raise attempt.error

    def _undo(self, attempt: Attempt) -> None:
        """Give back what an attempt took that will not finish."""

    def _flush(self) -> None:
        """Let the first of each line go on, until none can."""
        moved = True
        while moved:
            moved = False
            for line in self._lines.values():
                while line:
                    how = line[0].step(line[0])
                    moved |= how != STUCK
                    if how != FINISHED:
                        break
                    line.popleft().done = True
        self._lock.notify_all()

    def _cancel(self, verb: str) -> None:
        """End the calls of one line."""
        for attempt in self._lines[verb]:
            attempt.error, attempt.done = _was_cancelled(verb), True
        self._lines[verb].clear()


def _was_cancelled(verb: str) -> errors.CancelledError:
    return errors.CancelledError(None, None, f"{verb} operation was cancelled")
