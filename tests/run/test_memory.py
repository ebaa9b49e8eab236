"""Freed memory: what a run needs again stays, what was needed once goes."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from retrograd.run import memory

glibc = pytest.mark.skipif(memory.c_library() is None, reason="the C library is glibc")

_FAULTS = """
import ctypes, resource, sys
from retrograd.run import memory
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes = [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
size = int(sys.argv[1])
memory.keep(size)
def use():
    block = library.malloc(size)
    ctypes.memset(block, 1, size)
    library.free(block)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    use()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 5)
"""


def _faults(size: int) -> int:
    """Pages made anew by each use of a block of so many bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS, str(size)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@glibc
def test_blocks_that_each_run_needs_are_kept():
    assert _faults(40 << 20) < 100


@glibc
def test_very_large_blocks_go_back():
    pages = (80 << 20) // resource.getpagesize()
    assert _faults(80 << 20) > pages // 2


def test_elsewhere_nothing_is_done(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    memory.c_library.cache_clear()
    try:
        memory.keep(40 << 20)
        memory.give_back()
        assert memory.c_library() is None
    finally:
        memory.c_library.cache_clear()
