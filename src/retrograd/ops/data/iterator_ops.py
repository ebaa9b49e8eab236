"""Iterators: places in datasets, and the ops that take the next element."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.ops.declare import op
from retrograd.ops.infer import from_attr_of_each, nothing, scalar, scalars

if TYPE_CHECKING:
    from retrograd.ops.data.elements import Elements
    from retrograd.run.store import Store
    from retrograd.typing import Array, Arrays


class Iteration:
    """A place in a dataset.

    Args:
      name: the key that `from_string_handle` finds it by.
      factory: makes the dataset when the first element is asked for; without it the
        place is set by `start`.
    """

    def __init__(
        self, name: str = "", factory: Callable[[], Iterable[Any]] | None = None
    ) -> None:
        self.name = name
        self._factory = factory
        self._place: Iterator[Any] | None = None
        self._lock = threading.Lock()

    def start(self, elements: Iterable[Any]) -> None:
        """Go to the first element of a dataset."""
        with self._lock:
            self._place = iter(elements)

    def cancel(self) -> None:
        """Let go of the dataset, and so of the threads that make elements ahead."""
        self._place = self._factory = None

    def saved(self) -> Callable[[], None]:
        """A function that goes back to the place where this is now.

        Elements that are taken until then are kept, to be given again.
        """
        with self._lock:
            kept = None
            if self._place is not None:
                self._place, kept = itertools.tee(self._place)

        def put_back() -> None:
            with self._lock:
                self._place = kept

        return put_back

    def next(self) -> tuple[Array, ...]:
        """The next element.

        Raises:
          FailedPreconditionError: there is no dataset yet.
          OutOfRangeError: there is none left.
        """
        with self._lock:
            if self._place is None and self._factory is not None:
                self._place = iter(self._factory())
            if self._place is None:
                raise errors.FailedPreconditionError(
                    None,
                    None,
                    "GetNext() failed because the iterator has not been initialized. "
                    "Ensure that you have run the initializer operation for this "
                    "iterator before getting the next element.",
                )
            for element in self._place:
                return element
        raise errors.OutOfRangeError(None, None, "End of sequence")


def _declare(
    name: str, infer: Callable[..., Any], kernel: Callable[..., Any], **options: Any
) -> None:
    op(name, infer=infer, host=True, pure=False, **options)(kernel)


def _shared(n: Operation, store: Store, make: Callable[[str], Iteration]) -> Iteration:
    if isinstance(n, Record):  # not shared: it lives as long as its handle
        return make("")
    name = n.attrs.get("shared_name") or n.name
    return store.resource("iterator", n, functools.partial(make, name))


def _iterator(xp: Arrays, *, n: Operation, store: Store) -> Iteration:
    """The iterator of a session: made at first, then found."""
    del xp
    return _shared(n, store, Iteration)


def _one_shot(
    xp: Arrays, *, dataset_factory: Callable[[], Any], n: Operation, store: Store
) -> Iteration:
    """An iterator over the dataset that a function makes."""
    del xp

    def elements() -> Iterable[Any]:
        (dataset,) = dataset_factory()
        return dataset

    return _shared(n, store, lambda name: Iteration(name, elements))


def _anonymous(xp: Arrays) -> tuple[Iteration, Iteration | None]:
    """An iterator that lives as long as its handle, and what would delete it."""
    del xp
    return Iteration(), None


def _make(xp: Arrays, dataset: Elements, iterator: Iteration) -> tuple[()]:
    """Let an iterator begin at the first element of a dataset."""
    del xp
    iterator.start(dataset)
    return ()


def _next(xp: Arrays, iterator: Iteration) -> Array | tuple[Array, ...]:
    """The next element of an iterator."""
    del xp
    element = iterator.next()
    return element[0] if len(element) == 1 else element


_declare("Iterator", scalar, _iterator)
_declare("IteratorV2", scalar, _iterator)
_declare("OneShotIterator", scalar, _one_shot)
_declare("AnonymousIteratorV2", scalars, _anonymous)
_declare("MakeIterator", nothing, _make, cells="iterator")
_declare("IteratorGetNext", from_attr_of_each, _next, cells="iterator")
_declare("IteratorGetNextSync", from_attr_of_each, _next, cells="iterator")


def _string_handle(xp: Arrays, resource_handle: Iteration) -> bytes:
    """The text that stands for an iterator of a session."""
    del xp
    return resource_handle.name.encode()


def _from_string_handle(
    xp: Arrays, string_handle: Array | bytes, *, store: Store
) -> Iteration:
    """The iterator of a session that a text stands for."""
    del xp
    held: Any = string_handle
    text: bytes = held.item() if hasattr(held, "item") else held
    for (kind, _, name), found in store.resources.items():
        if kind == "iterator" and name == text.decode():
            return found
    raise errors.NotFoundError(None, None, f"Resource {text.decode()} does not exist.")


_declare("IteratorToStringHandle", scalar, _string_handle, cells="resource_handle")
_declare("IteratorFromStringHandleV2", scalar, _from_string_handle)
