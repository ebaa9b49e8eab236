"""The thread that compiles does not keep a process from ending.

Whole programs are ended at random instants by `python -m tests.run.endings 200`: a rare
one still ends by a signal, so that here are the parts that are certain.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
import time

import pytest

from retrograd.run import background


def test_what_runs_python_is_stopped() -> None:
    worker, started, seen = background.Worker(), threading.Event(), []
    worker.loaded()

    def task() -> None:
        started.set()
        try:
            while True:
                seen[:] = ["at work"]
        finally:
            seen.append("cleaned up")

    worker.submit(task)
    worker.submit(lambda: seen.append("the next task"))
    assert started.wait(10)
    worker.end()
    assert worker._thread is not None and not worker._thread.is_alive()
    assert seen == ["at work", "cleaned up"]
    worker.submit(lambda: seen.append("after the end"))
    assert len(seen) == 2


def test_what_imports_is_stopped_at_the_next_module() -> None:
    worker, started = background.Worker(), threading.Event()

    def task() -> None:
        started.set()
        while True:
            with contextlib.suppress(ImportError):
                importlib.import_module("retrograd.no_such_module")

    worker.submit(task)
    assert started.wait(10)
    worker.end()
    assert worker._thread is not None and not worker._thread.is_alive()
    with pytest.raises(ImportError):  # other threads import as always
        importlib.import_module("retrograd.no_such_module")


def test_what_is_in_c_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, started, left = background.Worker(), threading.Event(), []
    worker.loaded()
    go_on = threading.Lock()
    go_on.acquire()

    def task() -> None:
        started.set()
        go_on.acquire()

    monkeypatch.setattr(background, "_leave_behind", lambda: left.append(1) or True)
    worker.submit(task)
    assert started.wait(10)
    before = time.monotonic()
    worker.end()
    assert left and time.monotonic() - before < 5  # it would wait for ever
    go_on.release()
    assert worker._thread is not None
    worker._thread.join(10)
    assert not worker._thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
# JAX warns of it where another test has loaded it
@pytest.mark.filterwarnings("ignore:os.fork")
def test_a_forked_process_compiles_nothing() -> None:
    worker, done = background.Worker(), threading.Event()
    worker.submit(done.set)
    assert done.wait(10)
    worker._lock.acquire()  # as another thread may have at that moment
    child = os.fork()
    if not child:
        worker.submit(lambda: os._exit(1))
        time.sleep(0.1)
        worker.end()
        os._exit(0)
    worker._lock.release()
    assert os.waitpid(child, 0)[1] == 0
    worker.end()
