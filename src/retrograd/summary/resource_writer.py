"""Summary writers in graphs: what writes events when operations run."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import (
    add_to_collection,
    control_dependencies,
    device,
    get_collection,
)
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.flow.control import no_op
from retrograd.platform import logs
from retrograd.summary.recording import state

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

_INITIALIZERS = "_SUMMARY_WRITER_V2"
_TWO_MINUTES = 2 * 60 * 1000


class SummaryWriter:
    """What summaries are written by."""

    def set_as_default(self) -> None:
        """Let summaries of this thread be written by this from now on."""
        raise NotImplementedError

    def as_default(self) -> contextlib.AbstractContextManager[Any]:
        """A context in which summaries are written by this."""
        raise NotImplementedError

    def init(self) -> Any:
        """The operation that begins the file."""
        raise NotImplementedError

    def flush(self) -> Any:
        """An operation that waits until all is in the file."""
        raise NotImplementedError

    def close(self) -> Any:
        """An operation that closes the file."""
        raise NotImplementedError


class ResourceSummaryWriter(SummaryWriter):
    """A writer that a graph or, executing eagerly, the program holds.

    Args:
      shared_name: what makes two writers one.
      init_op_fn: makes the operation that begins the file.
      name: the name of its operation.
      v2: whether `init` gives the operation that there is.
    """

    def __init__(
        self,
        shared_name: str | None,
        init_op_fn: Callable[[Tensor], Any],
        name: str | None = None,
        v2: bool = False,
    ) -> None:
        self._resource = F.SummaryWriter(shared_name=shared_name or "", name=name)
        self._init_op_fn = init_op_fn
        self._init_op = init_op_fn(self._resource)
        self._v2 = v2
        self._closed = False
        if not context.executing_eagerly():
            add_to_collection(_INITIALIZERS, self._init_op)

    def _refuse_closed(self) -> None:
        if context.executing_eagerly() and self._closed:
            raise RuntimeError("SummaryWriter is already closed")

    def set_as_default(self) -> None:
        """Let summaries of this thread be written by this from now on."""
        self._refuse_closed()
        state.writer = self

    @contextlib.contextmanager
    def as_default(self) -> Iterator[ResourceSummaryWriter]:
        """A context in which summaries are written by this."""
        self._refuse_closed()
        before, state.writer = state.writer, self
        try:
            yield self
            # not after an error of the block: one of writing would hide it
            self.flush()
        finally:
            state.writer = before

    def init(self) -> Any:
        """The operation that begins the file."""
        self._refuse_closed()
        return self._init_op if self._v2 else self._init_op_fn(self._resource)

    def flush(self) -> Any:
        """An operation that waits until all is in the file."""
        if context.executing_eagerly() and self._closed:
            return None
        return flush(writer=self)

    def close(self) -> Any:
        """An operation that closes the file."""
        if context.executing_eagerly() and self._closed:
            return None
        try:
            with control_dependencies([self.flush()]), device("cpu:0"):
                return F.CloseSummaryWriter(self._resource)
        finally:
            if context.executing_eagerly():
                self._closed = True


class NoopSummaryWriter(SummaryWriter):
    """A writer that writes nothing."""

    def set_as_default(self) -> None:
        """Nothing."""

    @contextlib.contextmanager
    def as_default(self) -> Iterator[None]:
        """A context in which nothing changes."""
        yield

    def init(self) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def create_noop_writer() -> NoopSummaryWriter:
    """A writer that writes nothing."""
    return NoopSummaryWriter()


def _create(resource: Tensor, logdir: TensorLike, options: list[TensorLike]) -> Any:
    return F.CreateSummaryFileWriter(resource, logdir, *options)


def _options(
    max_queue: TensorLike | None,
    flush_millis: TensorLike | None,
    filename_suffix: TensorLike | None,
) -> list[Any]:
    pairs = (
        (max_queue, 10, dtypes.int32),
        (flush_millis, _TWO_MINUTES, dtypes.int32),
        (filename_suffix, ".v2", dtypes.string),
    )
    return [constant(d, dtype=t) if v is None else v for v, d, t in pairs]


def create_file_writer(
    logdir: str | None,
    max_queue: TensorLike | None = None,
    flush_millis: TensorLike | None = None,
    filename_suffix: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """A writer of an event file, which begins when its initializer runs.

    Args:
      logdir: the folder of the file; None for a writer that writes nothing.
      max_queue: how many events may wait to be written; 10 by default.
      flush_millis: how long they may; two minutes by default.
      filename_suffix: the end of the file's name; ".v2" by default.
      name: what makes two writers one; by default the folder.
    """
    if logdir is None:
        return NoopSummaryWriter()
    logdir = str(logdir)
    with device("cpu:0"):
        options = _options(max_queue, flush_millis, filename_suffix)
        make = functools.partial(_create, logdir=logdir, options=options)
        return ResourceSummaryWriter(name or f"logdir:{logdir}", make)


def create_summary_file_writer(*args: object, **kwargs: object) -> Any:
    """The older name of `create_file_writer`."""
    logs.warning(
        "Deprecation Warning: create_summary_file_writer was renamed to "
        "create_file_writer"
    )
    renamed: Callable[..., Any] = create_file_writer
    return renamed(*args, **kwargs)


def create_file_writer_v2(
    logdir: TensorLike,
    max_queue: TensorLike | None = None,
    flush_millis: TensorLike | None = None,
    filename_suffix: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """A writer of an event file of its own.

    Args:
      logdir: the folder of the file.
      max_queue, flush_millis, filename_suffix: see `create_file_writer`.
      name: the name scope.

    Raises:
      ValueError: there is no folder.
    """
    if logdir is None:
        raise ValueError("logdir cannot be None")
    with name_scope(name, "create_file_writer"), device("cpu:0"):
        folder = convert_to_tensor(logdir, dtypes.string)
        options = _options(max_queue, flush_millis, filename_suffix)
        make = functools.partial(_create, logdir=folder, options=options)
        return ResourceSummaryWriter(None, make, v2=True)


def flush(writer: SummaryWriter | Tensor | None = None, name: str | None = None) -> Any:
    """An operation that waits until all that was written is in the file.

    Args:
      writer: the writer, or the tensor that stands for it; by default the one in force.
      name: the name of the operation.
    """
    writer = state.writer if writer is None else writer
    if writer is None:
        return no_op()
    if isinstance(writer, NoopSummaryWriter):
        return no_op()
    with device("cpu:0"):
        return F.FlushSummaryWriter(getattr(writer, "_resource", writer), name=name)


def summary_writer_initializer_op() -> list[Any]:
    """The operations that begin the files of all writers of the graph.

    Raises:
      RuntimeError: the program executes eagerly.
    """
    if context.executing_eagerly():
        raise RuntimeError(
            "tf.contrib.summary.summary_writer_initializer_op is only supported in "
            "graph mode."
        )
    return get_collection(_INITIALIZERS)
