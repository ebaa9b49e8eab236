"""The ops of readers: they take the names of files from a queue, and read records."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.host.text import bytes_of, text_of
from retrograd.ops.infer import nothing, scalar, scalars, with_rank
from retrograd.ops.io.lines import lines, pieces
from retrograd.platform.files import open_stream

if TYPE_CHECKING:
    from retrograd.ops.declare import _NotDifferentiable
    from retrograd.ops.queues.buffers import Queue
    from retrograd.run.store import Store
    from retrograd.typing import Array, Arrays

Item = tuple[bytes, bytes]


def _invalid(text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, text)


class Reader:
    """Reads records of the files, or other units of work, that a queue names.

    Attributes:
      produced, started, finished: how many records were read, and how many units of
        work begun and ended.
    """

    #: whether a unit of work is one record, and what was read of it can be noted
    whole = False

    def __init__(self, name: str, attrs: dict[str, Any]) -> None:
        self.name, self.attrs = name, attrs
        self._lock = threading.Lock()
        self.reset()

    def opened(self, work: bytes) -> Iterator[Item]:
        """The records of a unit of work, each with its key."""
        raise NotImplementedError

    def keyed(self, work: bytes, parts: Iterator[tuple[int, bytes]]) -> Iterator[Item]:
        """Parts of a file with keys that say where they are."""
        return ((b"%s:%d" % (work, place), part) for place, part in parts)

    def reset(self) -> None:
        """Begin anew."""
        self.produced = self.started = self.finished = 0
        self._work = b""
        self._items: Iterator[Item] | None = None
        self._error: Exception | None = None

    def _next(self) -> Item | None:
        """The next record of the work in progress; None at its end."""
        if self._error is not None:
            raise self._error
        assert self._items is not None
        try:
            item = next(self._items, None)
        except Exception as error:
            self._error = error  # it is met again whenever one reads on
            raise
        if item is None or self.whole:
            self.finished += 1
            self._items = None
        if item is not None:
            self.produced += 1
        return item

    def _begin(self, queue: Queue) -> None:
        (taken,) = queue.dequeue()
        self._work = bytes_of(taken)
        self._items, self._error = self.opened(self._work), None
        self.started += 1

    def read(self, queue: Queue) -> Item:
        """The next record, of the next file if need be."""
        with self._lock:
            while True:
                if self._items is None:
                    self._begin(queue)
                item = self._next()
                if item is not None:
                    return item

    def read_up_to(self, queue: Queue, count: int) -> list[Item]:
        """Several records of one file: fewer at its end."""
        found: list[Item] = []
        with self._lock:
            while len(found) < count:
                if self._items is None:
                    if found:
                        break
                    self._begin(queue)
                item = self._next()
                if item is not None:
                    found.append(item)
        return found

    def saved(self) -> bytes:
        """Where one is, as a message.

        Raises:
          UnimplementedError: what was read of a file is not noted.
        """
        if not self.whole:
            raise errors.UnimplementedError(None, None, "Reader SerializeState")
        with self._lock:
            return hooks.record_message("ReaderBaseState")(
                work_started=self.started,
                work_finished=self.finished,
                num_records_produced=self.produced,
                current_work=self._work,
            ).SerializeToString()

    def restore(self, state: bytes, kind: str) -> None:
        """Go back to where one was.

        Raises:
          UnimplementedError: what was read of a file is not noted.
          InvalidArgumentError: the message is none.
        """
        if not self.whole:
            raise errors.UnimplementedError(None, None, "Reader RestoreState")
        try:
            message = hooks.record_message("ReaderBaseState").FromString(state)
        except Exception:
            raise _invalid(
                f"Could not parse state for {kind} '{self.name}': {text_of(state)}"
            ) from None
        with self._lock:
            self.reset()
            self.started = message.work_started
            self.finished = message.work_finished
            self.produced = message.num_records_produced
            self._work = message.current_work


class TextLineReader(Reader):
    """Reads lines."""

    def opened(self, work: bytes) -> Iterator[Item]:
        """The lines of a file."""
        skip = self.attrs["skip_header_lines"]
        return self.keyed(work, lines(os.fsdecode(work), skip=skip))


class TFRecordReader(Reader):
    """Reads the records of TFRecord files."""

    def opened(self, work: bytes) -> Iterator[Item]:
        """The records of a file."""
        path = os.fsdecode(work)
        open_stream(path, "rb").close()
        return self.keyed(work, hooks.records(path, self.attrs["compression_type"]))


class FixedLengthRecordReader(Reader):
    """Reads pieces of one length."""

    def opened(self, work: bytes) -> Iterator[Item]:
        """The pieces of a file."""
        attrs = self.attrs
        length = attrs["record_bytes"]
        _, parts = pieces(
            os.fsdecode(work),
            length,
            attrs["header_bytes"],
            attrs["footer_bytes"],
            attrs["hop_bytes"] or length,
            attrs.get("encoding", ""),
        )
        return self.keyed(work, parts)


class WholeFileReader(Reader):
    """Reads whole files."""

    whole = True

    def opened(self, work: bytes) -> Iterator[Item]:
        """What a file holds."""
        with open_stream(os.fsdecode(work), "rb") as stream:
            return iter([(work, stream.read())])


class IdentityReader(Reader):
    """Gives the units of work themselves."""

    whole = True

    def opened(self, work: bytes) -> Iterator[Item]:
        """The work."""
        return iter([(work, work)])


_KINDS: tuple[type[Reader], ...] = (
    TextLineReader,
    TFRecordReader,
    FixedLengthRecordReader,
    WholeFileReader,
    IdentityReader,
)
_unnamed = itertools.count()


def _made(xp: Arrays, *, n: Operation, store: Store) -> Reader:
    """The reader of a session: made at first, then found."""
    del xp
    kind = next(k for k in _KINDS if k.__name__ == n.type.removesuffix("V2"))
    name = n.attrs["shared_name"] or n.name
    if isinstance(n, Record):  # not shared: it lives as long as its handle
        return kind(name, n.attrs)
    return store.resource("reader", n, functools.partial(kind, name, n.attrs))


def _two(n: Operation) -> RawShape:
    """Older handles hold the container and the name."""
    return (2,)


for _kind in _KINDS:
    op(_kind.__name__, infer=_two, host=True, grad=NOT_DIFFERENTIABLE)(_made)
    op(f"{_kind.__name__}V2", infer=scalar, host=True)(_made)


# ---------------------------------------------------------------------- using readers


def _checked(queue: Queue) -> Queue:
    kinds = [dtypes.as_dtype(kind) for kind in queue.components]
    if kinds != [dtypes.string]:
        raise _invalid("Expected queue with single string component")
    return queue


def _read(xp: Arrays, reader: Reader, queue: Queue) -> Item:
    """The next record and its key."""
    del xp
    return reader.read(_checked(queue))


def _read_up_to(
    xp: Arrays, reader: Reader, queue: Queue, num_records: Array
) -> tuple[np.ndarray, np.ndarray]:
    """Several records and their keys."""
    del xp
    found = reader.read_up_to(_checked(queue), int(num_records))
    keys, values = (np.empty(len(found), object) for _ in range(2))
    for i, item in enumerate(found):
        keys[i], values[i] = item
    return keys, values


def _produced(xp: Arrays, reader: Reader) -> np.int64:
    """How many records were read."""
    del xp
    return np.int64(reader.produced)


def _completed(xp: Arrays, reader: Reader) -> np.int64:
    """How many units of work are done."""
    del xp
    return np.int64(reader.finished)


def _reset(xp: Arrays, reader: Reader) -> tuple[()]:
    """Begin anew."""
    del xp
    reader.reset()
    return ()


def _serialize(xp: Arrays, reader: Reader) -> bytes:
    """Where a reader is."""
    del xp
    return reader.saved()


def _restore(xp: Arrays, reader: Reader, state: Array | bytes) -> tuple[()]:
    """Let a reader go back to where it was."""
    del xp
    reader.restore(bytes_of(state), type(reader).__name__)
    return ()


def _several(n: Operation) -> list[RawShape]:
    with_rank(n, 2, 0)
    return [(None,), (None,)]


def _state(n: Operation) -> list[RawShape]:
    with_rank(n, 1, 0)
    return nothing(n)


def _declare(
    name: str,
    kernel: Callable[..., Any],
    infer: Callable[[Operation], Any],
    handles: Sequence[str] = ("reader_handle",),
    older: _NotDifferentiable | None = NOT_DIFFERENTIABLE,
) -> None:
    """Declare both forms of an op: for the older handles, and for resources."""
    for form, grad in ((name, older), (f"{name}V2", None)):
        op(form, infer=infer, host=True, cells=handles, pure=False, grad=grad)(kernel)


_BOTH = ("reader_handle", "queue_handle")
_declare("ReaderRead", _read, scalars, _BOTH)
_declare("ReaderReadUpTo", _read_up_to, _several, _BOTH)
_declare("ReaderNumRecordsProduced", _produced, scalar)
_declare("ReaderNumWorkUnitsCompleted", _completed, scalar)
_declare("ReaderReset", _reset, nothing)
_declare("ReaderSerializeState", _serialize, scalar)
_declare("ReaderRestoreState", _restore, _state)
