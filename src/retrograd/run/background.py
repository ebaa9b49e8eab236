"""The thread that compiles while runs go on, and the end of a process in its midst.

XLA compiles for up to a minute and cannot be told to stop. A process must not wait for
it, nor end as if it were not there: Python ends a thread that comes back from XLA while
the interpreter is torn down by unwinding its stack, which C++ answers by aborting the
process, and the destructors of XLA's static objects free what the compiler works on.

So the thread is a daemon, and at the end of the process

1. what waits is dropped;
2. while the thread imports XLA, it is stopped by an exception at the next module: an
   exception within one that is written in C++ can abort the process;
3. while it traces, it is stopped by an exception wherever it is;
4. while it is in XLA, whatever ends it from now on puts it to sleep instead;
5. Python is torn down as always: buffers are written, finalizers run;
6. the C library's `exit` ends the process before any destructor, with its own status.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from retrograd.platform import imports
from retrograd.run import memory

#: seconds that a thread runs Python while another one compiles
_TURN = 1e-4
#: seconds after which a process looks again, at its end, whether the thread has stopped
_LOOK = 0.01
#: seconds for which it waits for one that runs Python: a few milliseconds are enough
#: where the machine has time for it
_PATIENCE = 5.0
#: seconds of work, or of waiting, in one place that show that a thread is in C
_AT_WORK, _AT_REST = 0.003, 0.1
#: how much later than the end of the process XLA's threads have their turn; those of
#: the lowest priority would have to wait, on a busy machine, for their turn to end
_YIELDING = 10
#: std::set_terminate, as C++ names it
_SET_TERMINATE = "_ZSt13set_terminatePFvvE"
_SIGABRT = 6


class Worker:
    """One thread that does one thing after the other."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._over = self._can_raise = False

    def submit(self, task: Callable[[], None]) -> None:
        """Do something after all that was submitted before, unless the process ends."""
        with self._lock:
            if self._over:
                return
            self._tasks.put(task)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="retrograd-compile", daemon=True
                )
                self._thread.start()
                imports.import_apart()
                imports.before_import.append(self._stop_if_over)
                atexit.register(self.end)
                if hasattr(os, "register_at_fork"):
                    os.register_at_fork(after_in_child=self._leave)

    def loaded(self) -> None:
        """Say that XLA is imported: exceptions may come from now on.

        At the end of the process what compiles is now stopped before JAX, which has
        asked for that as well, lets go of what it uses.
        """
        self._can_raise = True
        atexit.register(self.end)

    def _work(self) -> None:
        with contextlib.suppress(SystemExit):
            while (task := self._tasks.get()) is not None:
                task()
                del task  # what it holds may be large

    def _stop_if_over(self) -> None:
        if self._over and threading.current_thread() is self._thread:
            raise SystemExit

    def _leave(self) -> None:
        """In a forked process: the thread is not there, and XLA cannot be used."""
        self._over, self._thread = True, None
        self._lock = threading.Lock()
        self._tasks = queue.SimpleQueue()

    def end(self) -> None:
        """Stop, at the end of the process; what cannot be stopped is left behind."""
        with self._lock:
            over, self._over, thread = self._over, True, self._thread
        if thread is None or over:
            return
        with contextlib.suppress(queue.Empty):
            while True:
                self._tasks.get_nowait()
        self._tasks.put(None)
        thread.join(_LOOK)  # it may wait for something to do
        if thread.is_alive():
            _leave_unsaid()
            _make_way()
        if not self._stopped(thread) and not _leave_behind():
            thread.join()
        _remember_interrupt()

    def _stopped(self, thread: threading.Thread) -> bool:
        """Stop a thread; whether it has ended, False at once where it is in XLA.

        The interpreter is free for it meanwhile. So where it does not leave a place in
        Python although it works, that is the call of a function in C.
        """
        until = time.monotonic() + _PATIENCE
        place, since, worked, raised = None, 0.0, 0.0, 0.0
        while thread.is_alive() and time.monotonic() < until:
            now, work = time.monotonic(), _time_of(thread)
            if _place(thread) != place:
                place, since, worked = _place(thread), now, work
            elif work - worked > _AT_WORK or now - since > _AT_REST:
                if self._can_raise:
                    break
            if self._can_raise and now - raised > _AT_REST:
                _raise_in(thread)  # and again: in a finalizer it would be lost
                raised = now
            thread.join(_LOOK)
        return not thread.is_alive()


def _remember_interrupt() -> None:
    """Let Python end by the signal where Ctrl-C has ended the program.

    Any `exec` of text makes Python forget it, in whichever thread: the one that
    compiles, as it imports and traces.
    """
    if getattr(sys, "last_type", None) is KeyboardInterrupt:
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")


def _place(thread: threading.Thread) -> tuple[int, int] | None:
    """Where a thread is in Python; in a function in C that is the call of it."""
    frame = sys._current_frames().get(thread.ident or 0)
    return None if frame is None else (id(frame), frame.f_lasti)


def _time_of(thread: threading.Thread) -> float:
    """Seconds that a thread has worked."""
    if hasattr(time, "pthread_getcpuclockid"):
        with contextlib.suppress(OSError):  # it has ended
            return time.clock_gettime(time.pthread_getcpuclockid(thread.ident or 0))
    return 0.0


def _raise_in(thread: threading.Thread) -> None:
    """Let a thread raise SystemExit, which ends it without a word, in Python."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        )


def _leave_unsaid() -> None:
    """Say nothing where SystemExit comes in a finalizer, which Python reports."""
    report = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is not SystemExit:
            report(unraisable)

    sys.unraisablehook = hook


def _make_way() -> None:
    """Let this thread, which ends the process, run before all others."""
    if not sys.platform.startswith("linux"):
        return
    own = threading.get_native_id()
    lower = min(os.getpriority(os.PRIO_PROCESS, 0) + _YIELDING, 19)
    for number in map(int, os.listdir("/proc/self/task")):
        if number != own:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                os.setpriority(os.PRIO_PROCESS, number, lower)


def _leave_behind() -> bool:
    """Let the process end while a thread is in XLA; whether that can be done here."""
    library = memory.c_library()
    if library is None:
        return False

    def address(name: str) -> ctypes.c_void_p:
        return ctypes.cast(library[name], ctypes.c_void_p)

    # `exit(status)` calls what was registered last first: `_exit(status)`
    library.on_exit(address("_exit"), None)
    # a thread that C++ or the C library wants to abort the process for sleeps instead
    library.signal(_SIGABRT, address("pause"))
    with contextlib.suppress(OSError, AttributeError):
        set_terminate = ctypes.CDLL("libstdc++.so.6")[_SET_TERMINATE]
        set_terminate.restype = ctypes.c_void_p
        set_terminate(address("pause"))
    return True


worker = Worker()


def in_background(work: Callable[..., Any], *arguments: object) -> None:
    """Compile something while runs go on; a failure leaves them in tier 0."""

    def task() -> None:
        try:
            with _frequent_switches():
                work(*arguments)
        except Exception:
            if os.environ.get("RETROGRAD_DEBUG"):
                traceback.print_exc()

    worker.submit(task)


@contextlib.contextmanager
def _frequent_switches() -> Iterator[None]:
    """A context in which a thread does not wait long for its turn to run Python.

    Tracing lets go of the interpreter in every call of XLA. Beside a thread that
    interprets, it would wait for the whole of Python's 5 ms each time to go on, and a
    compile of one second would take ten. What the program sets meanwhile stays.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _TURN))
    ours = sys.getswitchinterval()
    try:
        yield
    finally:
        if sys.getswitchinterval() == ours:
            sys.setswitchinterval(before)
