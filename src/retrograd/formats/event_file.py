"""Event files: what TensorBoard reads, written in the background.

An event file is a file of records, each an Event; the first one names the format.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.formats.records import framed, records
from retrograd.graph.hooks import hooks
from retrograd.platform import logs
from retrograd.platform.files import open_stream, recursive_create_dir
from retrograd.platform.text import as_str_any
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message, PathLike

Event = protos.message("event.Event")
_VERSION = "brain.Event:2"
#: seconds between tries to write what could not be written
_PAUSE = 5


def summary_iterator(path: PathLike) -> Iterator[Any]:
    """The events of an event file, in order.

    Raises:
      DataLossError: the file is cut off in an event, or a checksum is wrong.
    """
    for _, record in records(path):
        yield Event.FromString(record)


class EventsFile:
    """One event file, written to at once.

    Args:
      prefix: folder and beginning of the name; time, host and suffix follow.
      suffix: the end of the name.
    """

    def __init__(self, prefix: str, suffix: str = "") -> None:
        self.path, self._stream = _new_file(prefix, suffix)
        self._size = 0
        first = Event(wall_time=time.time(), file_version=_VERSION)
        self.write(framed(first.SerializeToString()))

    def write(self, block: bytes) -> None:
        """Append records; what fails in the middle leaves nothing behind."""
        try:
            self._stream.write(block)
            self._stream.flush()
        except OSError:
            self._stream.truncate(self._size)
            self._stream.seek(self._size)
            raise
        self._size += len(block)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def _new_file(prefix: str, suffix: str) -> tuple[str, Any]:
    """A file that was not there: of one second there can be only one of a name."""
    host, now = socket.gethostname(), int(time.time())
    while True:
        path = f"{prefix}.out.tfevents.{now:010d}.{host}{suffix}"
        try:
            return path, open_stream(path, "xb", buffering=0)
        except errors.AlreadyExistsError:
            now += 1


class EventFileWriter:
    """Writes events to a new file of a folder, in a thread of its own.

    What was added is in the file shortly afterwards, and when the process ends, unless
    it is killed.

    Args:
      logdir: the folder, made if need be.
      max_queue: how many events may wait before adding one does.
      flush_secs: taken for TensorFlow's sake: nothing waits longer than it must.
      filename_suffix: the end of the file's name.
    """

    def __init__(
        self,
        logdir: PathLike,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str | bytes | None = None,
    ) -> None:
        del flush_secs
        self._logdir = as_str_any(logdir)
        recursive_create_dir(self._logdir)
        self._suffix = as_str_any(filename_suffix) if filename_suffix else ""
        # as for Python's queues, none or fewer is no limit
        self._limit = max_queue if max_queue > 0 else None
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._writes = self._closed = self._failed = False
        self._start()

    def _start(self) -> None:
        prefix = os.path.join(self._logdir, "events")
        self._file = EventsFile(prefix, self._suffix)
        self._closed = self._failed = False
        self._worker = threading.Thread(
            target=_write_all, args=(self,), name="EventLoggerThread", daemon=True
        )
        _open_writers.add(self)
        self._worker.start()

    def get_logdir(self) -> str:
        """The folder of the file."""
        return self._logdir

    def reopen(self) -> None:
        """Go on, in a new file, after `close`."""
        if self._closed:
            self._start()

    def add_event(self, event: Message) -> None:
        """Have an event written; nothing if the writer is closed."""
        if self._closed:
            return
        # made a string here: the caller may go on to change the event
        record = framed(event.SerializeToString())
        with self._changed:
            while self._limit is not None and len(self._waiting) >= self._limit:
                if not self._worker.is_alive() or self._failed:
                    break
                self._changed.wait(1)
            self._waiting.append(record)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all events are in the file."""
        with self._changed:
            while self._waiting or self._writes:
                if not self._worker.is_alive() or self._failed:
                    break
                self._changed.wait(1)
        self._write_waiting()

    def close(self) -> None:
        """Write what is waiting, and close the file."""
        if self._closed:
            return
        self.flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join()
        self._file.close()
        _open_writers.discard(self)

    def _write_waiting(self) -> None:
        """Write what is waiting, in this thread."""
        with self._changed:
            if self._writes or not self._waiting:
                return
            self._writes = True
            taken = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        try:
            self._file.write(b"".join(taken))
            self._failed = False
        except OSError as error:
            self._keep(taken, error)
        finally:
            with self._changed:
                self._writes = False
                self._changed.notify_all()

    def _keep(self, taken: list[bytes], error: OSError) -> None:
        """Let what could not be written wait for another try."""
        if not self._failed:
            logs.error("Failed to write events to %s: %s", self._file.path, error)
        self._failed = True
        with self._changed:
            self._waiting.extendleft(reversed(taken))


def _write_all(writer: EventFileWriter) -> None:
    """Write events as they come, until the writer is closed."""
    changed = writer._changed
    while True:
        with changed:
            while not writer._closed and not writer._waiting:
                changed.wait()
            if writer._failed and not writer._closed:
                changed.wait(_PAUSE)
            if writer._closed:
                return
        writer._write_waiting()


_open_writers: weakref.WeakSet[EventFileWriter] = weakref.WeakSet()
_process = os.getpid()


def _flush_at_exit() -> None:
    if os.getpid() == _process:
        for writer in list(_open_writers):
            writer.flush()


atexit.register(_flush_at_exit)
hooks.provide(event_writer=EventFileWriter)
