"""The ops of summary writers: they put events into files while a graph runs."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.ops.declare import op
from retrograd.ops.host.text import bytes_of, text_of
from retrograd.ops.infer import nothing, scalar
from retrograd.ops.parsing.decode_ops import tensor_message
from retrograd.ops.summary import histograms
from retrograd.ops.summary.summary_ops import add_images, add_sounds, set_metadata
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.run.store import Store
    from retrograd.typing import Array, Arrays, Message


class Writer:
    """What stands for a summary writer: its file, once it has one.

    Attributes:
      name: what it is found by.
      file: takes the events; None until the writer is created, and after it is closed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.file: Any = None

    def add(self, event: Message, step: Array | int | None = None) -> None:
        """Have an event written.

        Raises:
          NotFoundError: there is no file.
        """
        event.wall_time = time.time()
        if step is not None:
            event.step = int(step)
        self.opened().add_event(event)

    def opened(self) -> Any:
        """The file.

        Raises:
          NotFoundError: there is none.
        """
        if self.file is None:
            raise errors.NotFoundError(
                None,
                None,
                f"Resource localhost/{self.name}/"
                "N10tensorflow22SummaryWriterInterfaceE does not exist.",
            )
        return self.file


def _writer(xp: Arrays, *, n: Operation, store: Store) -> Writer:
    """The writer of a session: made at first, then found."""
    del xp
    name = n.attrs["shared_name"] or n.name
    if isinstance(n, Record) and not n.attrs["shared_name"]:
        return Writer(name)  # not shared: it lives as long as its handle
    return store.resource("summary writer", n, functools.partial(Writer, name))


def _create(
    xp: Arrays,
    writer: Writer,
    logdir: Array | bytes,
    max_queue: Array,
    flush_millis: Array,
    filename_suffix: Array | bytes,
) -> tuple[()]:
    """Begin a file, unless the writer has one."""
    del xp
    if writer.file is None:
        writer.file = hooks.event_writer(
            text_of(logdir),
            int(max_queue),
            int(flush_millis) / 1000,
            text_of(filename_suffix),
        )
    return ()


def _flush(xp: Arrays, writer: Writer) -> tuple[()]:
    """Wait until all events are in the file."""
    del xp
    writer.opened().flush()
    return ()


def _close(xp: Arrays, writer: Writer) -> tuple[()]:
    """Write what is waiting, and close the file."""
    del xp
    writer.opened().close()
    writer.file = None
    return ()


def _event() -> Any:
    return protos.message("event.Event")()


def _write_scalar(
    xp: Arrays, writer: Writer, step: Array, tag: Array | bytes, value: Array
) -> tuple[()]:
    """Write a number."""
    del xp
    event = _event()
    number = float(np.asarray(value).item())
    event.summary.value.add(tag=text_of(tag), simple_value=number)
    writer.add(event, step)
    return ()


def _write_histogram(
    xp: Arrays,
    writer: Writer,
    step: Array,
    tag: Array | bytes,
    values: Array,
    *,
    n: Operation,
) -> tuple[()]:
    """Write how numbers are distributed."""
    del xp
    event = _event()
    value = event.summary.value.add(tag=text_of(tag))
    histograms.fill(value.histo, values, n.name)
    writer.add(event, step)
    return ()


def _write_images(
    xp: Arrays,
    writer: Writer,
    step: Array,
    tag: Array | bytes,
    tensor: Array,
    bad_color: Array,
    *,
    max_images: int,
) -> tuple[()]:
    """Write images."""
    del xp
    event = _event()
    add_images(event.summary, text_of(tag), tensor, max_images, bad_color)
    writer.add(event, step)
    return ()


def _write_sounds(
    xp: Arrays,
    writer: Writer,
    step: Array,
    tag: Array | bytes,
    tensor: Array,
    sample_rate: Array,
    *,
    max_outputs: int,
) -> tuple[()]:
    """Write sounds."""
    del xp
    event = _event()
    rate = float(np.asarray(sample_rate).item())
    add_sounds(event.summary, text_of(tag), tensor, rate, max_outputs)
    writer.add(event, step)
    return ()


def _write_tensor(
    xp: Arrays,
    writer: Writer,
    step: Array,
    tensor: Array,
    tag: Array | bytes,
    summary_metadata: Array | bytes,
) -> tuple[()]:
    """Write a tensor, with what says how to show it."""
    del xp
    event = _event()
    value = event.summary.value.add(tag=text_of(tag), tensor=tensor_message(tensor))
    if bytes_of(summary_metadata):
        set_metadata(value, summary_metadata)
    writer.add(event, step)
    return ()


def _merged(message: Message, serialized: bytes, what: str) -> None:
    try:
        message.MergeFromString(serialized)
    except Exception:
        raise errors.DataLossError(
            None, None, f"Bad tf.compat.v1.{what} binary proto tensor string."
        ) from None


def _write_raw(
    xp: Arrays, writer: Writer, step: Array, tensor: Array | bytes
) -> tuple[()]:
    """Write summaries that are given as bytes."""
    del xp
    event = _event()
    for text in np.asarray(tensor, object).ravel():
        _merged(event.summary, text, "Summary")
    writer.add(event, step)
    return ()


def _write_graph(
    xp: Arrays, writer: Writer, step: Array, tensor: Array | bytes
) -> tuple[()]:
    """Write a graph that is given as bytes."""
    del xp
    _merged(protos.message("graph.GraphDef")(), bytes_of(tensor), "GraphDef")
    event = _event()
    event.graph_def = bytes_of(tensor)
    writer.add(event, step)
    return ()


def _import_event(xp: Arrays, writer: Writer, event: Array | bytes) -> tuple[()]:
    """Write an event that is given as bytes."""
    del xp
    message = _event()
    _merged(message, bytes_of(event), "Event")
    writer.opened().add_event(message)
    return ()


def _declare(name: str, kernel: Callable[..., Any]) -> None:
    op(name, infer=nothing, host=True, pure=False, cells="writer")(kernel)


op("SummaryWriter", infer=scalar, host=True, pure=False)(_writer)
_declare("CreateSummaryFileWriter", _create)
_declare("FlushSummaryWriter", _flush)
_declare("CloseSummaryWriter", _close)
_declare("WriteScalarSummary", _write_scalar)
_declare("WriteHistogramSummary", _write_histogram)
_declare("WriteImageSummary", _write_images)
_declare("WriteAudioSummary", _write_sounds)
_declare("WriteSummary", _write_tensor)
_declare("WriteRawProtoSummary", _write_raw)
_declare("WriteGraphSummary", _write_graph)
_declare("ImportEvent", _import_event)
