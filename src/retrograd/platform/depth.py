"""Room for functions that call each other within many others."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

_LIMIT = 10_000


class _Deeper:
    """A context in which Python's calls may nest deeper than usual.

    Threads share it: the limit of before is back when the last one has left.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._before = sys.getrecursionlimit()
                if self._before < _LIMIT:
                    sys.setrecursionlimit(_LIMIT)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            # a function of the program may have set another one
            if not self._inside and sys.getrecursionlimit() == _LIMIT:
                sys.setrecursionlimit(self._before)


deeper = _Deeper()
