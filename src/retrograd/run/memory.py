"""What the C library does with memory that was freed: kept for the next run, or not.

glibc is asked where it is there; other libraries do as they do.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

#: glibc's largest limit of its own: blocks beyond it go back to the system when freed,
#: and every page of the next one is made anew, which takes as long as the work on it
_OWN_LIMIT = 32 << 20
#: the size of a heap of a thread, from which larger blocks cannot come
_HEAP = 64 << 20
#: parameters of `mallopt`
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


@functools.cache
def c_library() -> Any:
    """The C library, if it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def keep(size: int) -> None:
    """Keep blocks of `size` bytes, which each run needs anew, in the process.

    Nothing is done where the library keeps them by itself or cannot, nor for blocks of
    64 MiB or more: what else is put where they were would cost as much again.
    """
    library = c_library()
    if library is not None and _OWN_LIMIT <= size < _HEAP:
        library.mallopt(_MMAP_THRESHOLD, _HEAP)
        library.mallopt(_TRIM_THRESHOLD, 2 * _HEAP)


def give_back() -> None:
    """Give freed memory back to the system, after work that took much of it once."""
    library = c_library()
    if library is not None:
        library.malloc_trim(0)
