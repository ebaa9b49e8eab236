"""Stopping threads together: `tf.train.Coordinator` and a thread that repeats."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from retrograd import errors
from retrograd.platform import logs
from retrograd.platform.text import as_str_any


class Coordinator:
    """Tells a set of threads when to stop, and passes on what went wrong in one.

    Threads ask `should_stop()`, any of them calls `request_stop()`, and the program
    waits for all in `join()`.

    Args:
      clean_stop_exception_types: errors that mean a regular end, by default
        OutOfRangeError: the end of input.
    """

    def __init__(
        self, clean_stop_exception_types: tuple[type[BaseException], ...] | None = None
    ) -> None:
        if clean_stop_exception_types is None:
            clean_stop_exception_types = (errors.OutOfRangeError,)
        self._clean_stop_exception_types = tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._exc_info_to_raise: Any = None
        self._joined = False
        self._registered_threads: set[threading.Thread] = set()

    def request_stop(self, ex: BaseException | tuple[Any, ...] | None = None) -> None:
        """Ask the threads to stop.

        Args:
          ex: the error that is the reason, or what `sys.exc_info()` gave for it; the
            first is raised by `join`. It must be the one that is being handled.

        Raises:
          Exception: `ex`, where `join` is over already.
        """
        with self._lock:
            error = ex[1] if isinstance(ex, tuple) else ex
            if isinstance(error, self._clean_stop_exception_types):
                ex = error = None
            if self._joined and ex is not None:
                found: Any = error if isinstance(ex, tuple) else _handled()[1]
                raise found
            if self._stop_event.is_set():
                return
            if ex:
                self._report(ex)
            self._stop_event.set()

    def _report(self, ex: Any) -> None:
        """Keep the first error, for `join`."""
        if isinstance(ex, tuple):
            logs.info(
                "Error reported to Coordinator: %s", as_str_any(ex[1]), exc_info=ex
            )
            found = ex
        else:
            text = as_str_any(ex)
            logs.info("Error reported to Coordinator: %s, %s", type(ex), text)
            found = sys.exc_info()
        if self._exc_info_to_raise is None:
            self._exc_info_to_raise = found if _is_complete(found) else _no_error(found)

    def clear_stop(self) -> None:
        """Forget the stop, and its error."""
        with self._lock:
            self._joined = False
            self._exc_info_to_raise = None
            self._stop_event.clear()

    def should_stop(self) -> bool:
        """Whether a stop was requested."""
        return self._stop_event.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """A context that ends with a requested stop where an error is raised in it."""
        try:
            yield
        except:  # noqa: E722  a thread that exits stops the others too
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Wait until a stop is requested, at most `timeout` seconds; whether it is."""
        return self._stop_event.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Add a thread that `join` waits for."""
        with self._lock:
            self._registered_threads.add(thread)

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Wait until the threads have ended.

        Args:
          threads: started threads, besides those that are registered.
          stop_grace_period_secs: how long they may take after a stop is requested.
          ignore_live_threads: whether those that take longer are no error.

        Raises:
          RuntimeError: a thread took longer.
          Exception: the error that was reported to `request_stop`.
        """
        with self._lock:
            waiting = list(self._registered_threads.union(threads or ()))
        while any(t.is_alive() for t in waiting) and not self.wait_for_stop(1.0):
            pass
        pause = 0.001
        while any(t.is_alive() for t in waiting) and stop_grace_period_secs >= 0.0:
            time.sleep(pause)
            stop_grace_period_secs -= pause
            pause = max(min(2 * pause, stop_grace_period_secs), 0.001)
        late = " ".join(t.name for t in waiting if t.is_alive())
        with self._lock:
            self._joined = True
            self._registered_threads = set()
            self._raise()
            text = f"Coordinator stopped with threads still running: {late}"
            if late and not ignore_live_threads:
                raise RuntimeError(text)
            if late:
                logs.info("%s", text)

    @property
    def joined(self) -> bool:
        """Whether `join` is over."""
        return self._joined

    def _raise(self) -> None:
        if self._exc_info_to_raise:
            raise self._exc_info_to_raise[1].with_traceback(self._exc_info_to_raise[2])

    def raise_requested_exception(self) -> None:
        """Raise the error that was reported to `request_stop`, if any."""
        with self._lock:
            self._raise()


def _is_complete(found: Any) -> bool:
    return len(found) == 3 and bool(found[0]) and bool(found[1])


def _no_error(found: object) -> Any:
    """Stands for an error that is not being handled."""
    try:
        raise ValueError(
            "ex must be a tuple or sys.exc_info must return the current exception: "
            f"{found}"
        )
    except ValueError:
        return sys.exc_info()


def _handled() -> Any:
    """The error that is being handled now."""
    found = sys.exc_info()
    return found if _is_complete(found) else _no_error(found)


class LooperThread(threading.Thread):
    """A thread that calls something again and again until a coordinator says stop.

    An error in it is reported to the coordinator and ends it. Subclasses may replace
    `run_loop`, `start_loop` and `stop_loop` instead of giving a target.

    Args:
      coord: the coordinator.
      timer_interval_secs: how far apart the calls begin; None for one after another.
      target: what to call.
      args, kwargs: its arguments.

    Raises:
      ValueError: `coord` is no coordinator, or there are arguments but no target.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__()
        self.daemon = True
        self._coord = coord
        self._timer_interval_secs = timer_interval_secs
        if not target and (args or kwargs):
            raise ValueError(
                "'args' and 'kwargs' argument require that you also pass 'target'"
            )
        self._loop_target = target
        self._loop_arguments = (args or (), kwargs or {})
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> LooperThread:
        """Start such a thread."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        """Call until told to stop."""
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._timer_interval_secs is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                due = time.time()
                while not self._coord.wait_for_stop(due - time.time()):
                    due += self._timer_interval_secs
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called as the thread starts."""

    def stop_loop(self) -> None:
        """Called when it was told to stop."""

    def run_loop(self) -> None:
        """Called each time: calls the target."""
        if self._loop_target:
            args, kwargs = self._loop_arguments
            self._loop_target(*args, **kwargs)
