"""`tf.summary.FileWriter`: summaries and graphs into event files."""

from __future__ import annotations

import os
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from retrograd.formats.event_file import EventFileWriter
from retrograd.formats.meta_graph import create_meta_graph_def
from retrograd.graph import context
from retrograd.graph.graph import Graph
from retrograd.platform import logs
from retrograd.platform.files import recursive_create_dir, write_string_to_file
from retrograd.summary.plugin_asset import get_all_plugin_assets
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Message, PathLike


Event = protos.message("event.Event")
TaggedRunMetadata = protos.message("event.TaggedRunMetadata")
GraphDef = protos.message("graph.GraphDef")
MetaGraphDef = protos.message("meta_graph.MetaGraphDef")
Summary = protos.message("summary.Summary")


class EventWriter(Protocol):
    """What events are given to."""

    def get_logdir(self) -> Any:
        """The folder of the file."""

    def add_event(self, event: Message) -> None:
        """Have an event written."""

    def flush(self) -> None:
        """Wait until all events are in the file."""

    def close(self) -> None:
        """Close the file."""

    def reopen(self) -> None:
        """Go on, in a new file."""


class SummaryToEventTransformer:
    """Makes events out of summaries, graphs and the like, and hands them on.

    Args:
      event_writer: what the events are given to.
      graph: a graph that is written at once.
      graph_def: the same as a message; the older way.
    """

    def __init__(
        self,
        event_writer: EventWriter,
        graph: Graph | None = None,
        graph_def: Message | None = None,
    ) -> None:
        self.event_writer = event_writer
        self._session_run_tags: set[str] = set()
        self._seen_summary_tags: set[str] = set()
        if graph is not None or graph_def is not None:
            self.add_graph(graph=graph, graph_def=graph_def)
            made: Any = graph_def if graph is None else graph
            if isinstance(made, Graph):
                made = made.as_graph_def(add_shapes=True)
            meta = create_meta_graph_def(graph_def=made)
            self.add_meta_graph(meta)

    def add_summary(
        self, summary: Message | bytes, global_step: int | None = None
    ) -> None:
        """Write a summary.

        How a value is to be shown is written with the first value of its tag only.

        Args:
          summary: a Summary, or its bytes: what running a summary operation gives.
          global_step: the number of the step.
        """
        given: Any = summary
        if isinstance(given, bytes):
            given = Summary.FromString(given)
        for value in given.value:
            if value.tag in self._seen_summary_tags:
                value.ClearField("metadata")
            else:
                self._seen_summary_tags.add(value.tag)
        self._add_event(Event(summary=given), global_step)

    def add_session_log(
        self, session_log: Message, global_step: int | None = None
    ) -> None:
        """Write a SessionLog: that a session starts, or saved a checkpoint."""
        self._add_event(Event(session_log=session_log), global_step)

    def _add_graph_def(
        self, graph_def: Message, global_step: int | None = None
    ) -> None:
        self._add_event(Event(graph_def=graph_def.SerializeToString()), global_step)

    def add_graph(
        self,
        graph: Graph | None,
        global_step: int | None = None,
        graph_def: Message | None = None,
    ) -> None:
        """Write a graph.

        Args:
          graph: the graph.
          global_step: the number of the step.
          graph_def: the graph as a message, instead; the older way.

        Raises:
          ValueError: both are given.
          TypeError: it is no graph.
        """
        if graph is not None and graph_def is not None:
            raise ValueError(
                "Please pass only graph, or graph_def (deprecated), but not both."
            )
        given: Any = graph if graph is not None else graph_def
        if isinstance(given, Graph):
            message = given.as_graph_def(add_shapes=True)
            self._write_plugin_assets(given)
        elif isinstance(given, GraphDef):
            logs.warning(
                "Passing a `GraphDef` to the SummaryWriter is deprecated. Pass a "
                "`Graph` object instead, such as `sess.graph`."
            )
            message = given
        else:
            raise TypeError(
                "The passed graph must be an instance of `Graph` or the deprecated "
                "`GraphDef`"
            )
        self._add_graph_def(message, global_step)

    def _write_plugin_assets(self, graph: Graph) -> None:
        for asset in get_all_plugin_assets(graph):
            logdir = self.event_writer.get_logdir()
            folder = os.path.join(logdir, "plugins", asset.plugin_name)
            recursive_create_dir(folder)
            for name, content in asset.assets().items():
                write_string_to_file(os.path.join(folder, name), content)

    def add_meta_graph(
        self, meta_graph_def: Message, global_step: int | None = None
    ) -> None:
        """Write a MetaGraphDef.

        Raises:
          TypeError: it is none.
        """
        if not isinstance(meta_graph_def, MetaGraphDef):
            raise TypeError(
                f"meta_graph_def must be type MetaGraphDef, saw type: "
                f"{type(meta_graph_def)}"
            )
        data = meta_graph_def.SerializeToString()
        self._add_event(Event(meta_graph_def=data), global_step)

    def add_run_metadata(
        self, run_metadata: Message, tag: str, global_step: int | None = None
    ) -> None:
        """Write what a run told about itself.

        Args:
          run_metadata: a RunMetadata.
          tag: a name for it.
          global_step: the number of the step.

        Raises:
          ValueError: the name was used before.
        """
        if tag in self._session_run_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._session_run_tags.add(tag)
        tagged = TaggedRunMetadata(tag=tag)
        tagged.run_metadata = run_metadata.SerializeToString()
        self._add_event(Event(tagged_run_metadata=tagged), global_step)

    def _add_event(self, event: Message, step: int | None) -> None:
        event.wall_time = time.time()
        if step is not None:
            event.step = int(step)
        self.event_writer.add_event(event)


class FileWriter(SummaryToEventTransformer):
    """Writes summaries to an event file, which TensorBoard reads.

    Args:
      logdir: the folder for the file, made if need be.
      graph: a graph to write at once.
      max_queue: how many events may wait to be written.
      flush_secs: how long they may.
      graph_def: the graph as a message; the older way.
      filename_suffix: the end of the file's name.
      session: events are written by operations of its graph.

    Raises:
      RuntimeError: the program executes eagerly.

    Example:
      >>> import tempfile
      >>> import retrograd as tf
      >>> folder = tempfile.mkdtemp()
      >>> with tf.Graph().as_default(), tf.Session() as session:
      ...     loss = tf.summary.scalar("loss", 0.5)
      ...     with FileWriter(folder) as writer:
      ...         writer.add_summary(session.run(loss), global_step=1)
    """

    def __init__(
        self,
        logdir: PathLike,
        graph: Graph | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Message | None = None,
        filename_suffix: str | None = None,
        session: BaseSession | None = None,
    ) -> None:
        if context.executing_eagerly():
            raise RuntimeError(
                "tf.summary.FileWriter is not compatible with eager execution. Use "
                "tf.contrib.summary instead."
            )
        options = (logdir, max_queue, flush_secs, filename_suffix)
        event_writer: EventWriter = (
            EventFileWriter(*options)
            if session is None
            else _writer_of(session, *options)
        )
        self._closed = False
        super().__init__(event_writer, graph, graph_def)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def get_logdir(self) -> Any:
        """The folder of the file."""
        return self.event_writer.get_logdir()

    def _warn_if_event_writer_is_closed(self) -> None:
        if self._closed:
            warnings.warn(
                "Attempting to use a closed FileWriter. The operation will be a noop "
                "unless the FileWriter is explicitly reopened.",
                stacklevel=3,
            )

    def _add_event(self, event: Message, step: int | None) -> None:
        self._warn_if_event_writer_is_closed()
        super()._add_event(event, step)

    def add_event(self, event: Message) -> None:
        """Write an Event as it is."""
        self._warn_if_event_writer_is_closed()
        self.event_writer.add_event(event)

    def flush(self) -> None:
        """Wait until all events are in the file."""
        self._warn_if_event_writer_is_closed()
        self.event_writer.flush()

    def close(self) -> None:
        """Write what is waiting, and close the file."""
        self.event_writer.close()
        self._closed = True

    def reopen(self) -> None:
        """Go on, in a new file, after `close`."""
        self.event_writer.reopen()
        self._closed = False


def _writer_of(session: BaseSession, *options: Any) -> EventWriter:
    """A writer that writes by a session; few programs need what it takes."""
    from retrograd.summary.session_writer import EventFileWriterV2

    return EventFileWriterV2(session, *options)


class FileWriterCache:
    """The writers of a program by folder, one for each."""

    _cache: ClassVar[dict[str, Any]] = {}
    _lock: ClassVar = threading.RLock()

    @staticmethod
    def clear() -> None:
        """Forget all writers, after writing what waits in them."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._cache.values():
                writer.close()
            FileWriterCache._cache = {}

    @staticmethod
    def get(logdir: str) -> Any:
        """The writer of a folder, made if there is none yet."""
        with FileWriterCache._lock:
            if logdir not in FileWriterCache._cache:
                graph = context.get_default_graph()
                FileWriterCache._cache[logdir] = FileWriter(logdir, graph=graph)
            return FileWriterCache._cache[logdir]
