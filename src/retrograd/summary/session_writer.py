"""An event writer that writes by operations of a session's graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.constant import constant, placeholder_with_default
from retrograd.platform.files import recursive_create_dir
from retrograd.platform.text import as_str_any
from retrograd.summary.resource_writer import create_file_writer
from retrograd.summary.written import import_event

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Message, PathLike


class EventFileWriterV2:
    """Writes events by a session: several writers of a folder share one file.

    Args:
      session: the session.
      logdir: the folder for the file, made if need be.
      max_queue: how many events may wait to be written.
      flush_secs: how long they may.
      filename_suffix: the end of the file's name.
    """

    def __init__(
        self,
        session: BaseSession,
        logdir: PathLike,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str | None = "",
    ) -> None:
        self._session = session
        self._logdir = as_str_any(logdir)
        self._closed = False
        recursive_create_dir(self._logdir)
        with session.graph.as_default(), name_scope("filewriter"):
            writer = create_file_writer(
                self._logdir, max_queue, int(flush_secs * 1000), filename_suffix
            )
            with writer.as_default():
                self._event = placeholder_with_default(constant("unused"), shape=[])
                self._add_event_op = import_event(self._event)
            self._init_op = writer.init()
            self._flush_op = writer.flush()
            self._close_op = writer.close()
        session.run(self._init_op)

    def get_logdir(self) -> str:
        """The folder of the file."""
        return self._logdir

    def reopen(self) -> None:
        """Go on, in a new file, after `close`."""
        if self._closed:
            self._closed = False
            self._session.run(self._init_op)

    def add_event(self, event: Message) -> None:
        """Have an event written; nothing if the writer is closed."""
        if not self._closed:
            data = event.SerializeToString()
            self._session.run(self._add_event_op, feed_dict={self._event: data})

    def flush(self) -> None:
        """Wait until all events are in the file."""
        self._session.run(self._flush_op)

    def close(self) -> None:
        """Write what is waiting, and close the file."""
        if not self._closed:
            self.flush()
            self._session.run(self._close_op)
            self._closed = True
