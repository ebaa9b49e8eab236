"""Threads whose failures fail the test that started them."""

from __future__ import annotations

import threading
import unittest
from collections.abc import Callable
from typing import Any


class CheckedThread:
    """A thread that hands an exception of its target to the test, on `join`.

    Made by `TestCase.checkedThread`; the test has to `join` each of them.
    """

    def __init__(
        self,
        testcase: unittest.TestCase,
        target: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        self._testcase = testcase
        self._work = (target, args or (), kwargs or {})
        self._thread = threading.Thread(target=self._run)
        self._exception: Exception | None = None
        self._joined = False

    def _run(self) -> None:
        target, args, kwargs = self._work
        try:
            target(*args, **kwargs)
        except Exception as e:  # whatever it is, it is the test's failure
            self._exception = e

    def start(self) -> None:
        """Start the thread; at most once."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread's end; fail the test if its target raised."""
        self._joined = True
        self._thread.join()
        if self._exception is not None:
            self._testcase.fail(f"Error in checkedThread: {self._exception}")

    def is_alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def check_termination(self) -> None:
        """Fail the test unless it joined this thread.

        Raises:
          RuntimeError: the thread is running still.
        """
        if not self._joined:
            self._testcase.fail("A checked thread was not joined.")
        if self.is_alive():
            raise RuntimeError(
                "Thread was not joined with main thread, and is still running "
                "when the test finished."
            )
