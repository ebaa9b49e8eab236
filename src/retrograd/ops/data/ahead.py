"""Elements that are made ahead of when they are asked for, in threads of their own."""

from __future__ import annotations

import collections
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograd.ops.data.elements import Element

#: how many calls are made at once, and elements kept, where TensorFlow tunes that
AUTOTUNE = -1
_TUNED_CALLS, _TUNED_ELEMENTS = 4, 8
_MOST_CALLS = 16


def called_ahead(
    source: Iterator[Element], call: Callable[[Element], Any], calls: int
) -> Iterator[Any]:
    """The results of a function of elements, in their order.

    Args:
      source: the elements.
      call: the function.
      calls: how many of its calls may be under way at a time.
    """
    from concurrent.futures import ThreadPoolExecutor

    calls = min(_TUNED_CALLS if calls == AUTOTUNE else calls, _MOST_CALLS)
    if calls < 2:
        return map(call, source)
    pool = ThreadPoolExecutor(calls, thread_name_prefix="tf_data_map")
    under_way: collections.deque[Any] = collections.deque()
    failed: list[BaseException] = []
    ended = False

    def draw() -> Any:
        nonlocal ended
        while not ended and not failed and len(under_way) < calls:
            try:
                under_way.append(pool.submit(quiet, next(source)))
            except StopIteration:
                ended = True
            except Exception as error:  # is raised when its turn comes
                failed.append(error)
        if under_way:
            return under_way.popleft().result()
        if failed:
            raise failed.pop()
        raise StopIteration

    def quiet(element: Element) -> Any:
        with np.errstate(all="ignore"):
            return call(element)

    return iter(draw, under_way)


class _Buffer:
    """What a thread has made, and the consumer not yet taken."""

    def __init__(self, source: Iterator[Element], size: int) -> None:
        self.source, self.size = source, size
        self.made: collections.deque[tuple[bool, Any]] = collections.deque()
        self.changed = threading.Condition(threading.Lock())
        self.stopped = self.ended = False

    def fill(self) -> None:
        """Take elements from the source, until its end or until nobody wants them."""
        with np.errstate(all="ignore"):
            while not self.stopped:
                try:
                    found = True, next(self.source)
                except StopIteration:
                    break
                except BaseException as error:
                    found = False, error
                with self.changed:
                    self.made.append(found)
                    self.changed.notify_all()
                    while len(self.made) >= self.size and not self.stopped:
                        self.changed.wait()
        with self.changed:
            self.ended = True
            self.source = iter(())
            self.changed.notify_all()

    def take(self) -> Any:
        """The next element, or what was raised in its place."""
        with self.changed:
            while not self.made:
                if self.ended:
                    raise StopIteration
                self.changed.wait()
            good, found = self.made.popleft()
            self.changed.notify_all()
        if good:
            return found
        raise found

    def stop(self) -> None:
        """Let the thread end."""
        with self.changed:
            self.stopped = True
            self.made.clear()
            self.changed.notify_all()


class Prefetched:
    """Goes through elements that a thread of its own takes ahead.

    Args:
      begin: begins to go through them.
      size: how many are kept.
    """

    def __init__(self, begin: Callable[[], Iterator[Element]], size: int) -> None:
        self._begin = begin
        self._size = _TUNED_ELEMENTS if size == AUTOTUNE else size
        self._buffer: _Buffer | None = None

    def __iter__(self) -> Prefetched:
        return self

    def __next__(self) -> Element:
        buffer = self._buffer
        if buffer is None:
            buffer = self._buffer = _Buffer(self._begin(), self._size)
            thread = threading.Thread(
                target=buffer.fill, name="tf_data_prefetch", daemon=True
            )
            weakref.finalize(self, buffer.stop)
            thread.start()
        return buffer.take()
