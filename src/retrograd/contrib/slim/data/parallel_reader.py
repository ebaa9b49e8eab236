"""Readers that read several files at once into a queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes as types
from retrograd.graph.dispatch import name_scope
from retrograd.ops.declare import F
from retrograd.ops.io.readers import ReaderBase
from retrograd.ops.math.casts import cast
from retrograd.ops.queues.queue import FIFOQueue, RandomShuffleQueue
from retrograd.platform.files import get_matching_files
from retrograd.summary.summary import scalar
from retrograd.train.input import string_input_producer
from retrograd.train.queue_runner import QueueRunner, add_queue_runner

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.ops.queues.queue import QueueBase
    from retrograd.typing import DTypeLike, TensorLike


class ParallelReader(ReaderBase):
    """Several readers whose records come out of one queue.

    Args:
      reader_class: their class.
      common_queue: takes pairs of strings, keys and values.
      num_readers: how many there are.
      reader_kwargs: for each.
    """

    def __init__(
        self,
        reader_class: type[Any],
        common_queue: QueueBase,
        num_readers: int = 4,
        reader_kwargs: dict[str, Any] | None = None,
    ) -> None:
        kwargs = reader_kwargs or {}
        self._readers = [reader_class(**kwargs) for _ in range(num_readers)]
        self._common_queue = common_queue

    @property
    def num_readers(self) -> int:
        """How many readers there are."""
        return len(self._readers)

    @property
    def common_queue(self) -> Any:
        """The queue."""
        return self._common_queue

    def read(self, queue: QueueBase | Tensor, name: str | None = None) -> Any:
        """The next record: a key and a value.

        Args:
          queue: the names of the files.
          name: of the operation.
        """
        self._run([self._common_queue.enqueue(r.read(queue)) for r in self._readers])
        return self._common_queue.dequeue(name=name)

    def read_up_to(
        self,
        queue: QueueBase | Tensor,
        num_records: TensorLike,
        name: str | None = None,
    ) -> Any:
        """So many records, or less at the end of a file: keys and values.

        Args:
          queue: the names of the files.
          num_records: how many are wanted.
          name: of the operation.
        """
        self._run(
            [
                self._common_queue.enqueue_many(r.read_up_to(queue, num_records))
                for r in self._readers
            ]
        )
        return self._common_queue.dequeue_up_to(num_records, name)

    def _run(self, enqueues: list[Any]) -> None:
        add_queue_runner(QueueRunner(self._common_queue, enqueues))

    def num_records_produced(self, name: str | None = None) -> Any:
        """How many records all readers have read."""
        return F.AddN([r.num_records_produced() for r in self._readers], name=name)

    def num_work_units_completed(self, name: str | None = None) -> Any:
        """How many files all readers have read."""
        return F.AddN([r.num_work_units_completed() for r in self._readers], name=name)


def parallel_read(
    data_sources: str | Sequence[str],
    reader_class: type[Any],
    num_epochs: int | None = None,
    num_readers: int = 4,
    reader_kwargs: dict[str, Any] | None = None,
    shuffle: bool = True,
    dtypes: Sequence[DTypeLike] | None = None,
    capacity: int = 256,
    min_after_dequeue: int = 128,
    seed: int | None = None,
    scope: str | None = None,
) -> Any:
    """The next record of several files: a key and a value.

    Args:
      data_sources: files, or patterns of their names.
      reader_class: the class of what reads a file.
      num_epochs: how often all are read; None for no end.
      num_readers: how many are read at once.
      reader_kwargs: for the readers.
      shuffle: whether files and records come in any order.
      dtypes: of what is read; by default two strings.
      capacity: how many records wait.
      min_after_dequeue: how many of them at least, where they are shuffled.
      seed: of the order.
      scope: the name scope.
    """
    names = get_data_files(data_sources)
    with name_scope(scope, "parallel_read"):
        filenames = string_input_producer(
            names, num_epochs=num_epochs, shuffle=shuffle, seed=seed, name="filenames"
        )
        kinds = list(dtypes or [types.string, types.string])
        if shuffle:
            queue: Any = RandomShuffleQueue(
                capacity=capacity,
                min_after_dequeue=min_after_dequeue,
                dtypes=kinds,
                seed=seed,
                name="common_queue",
            )
        else:
            queue = FIFOQueue(capacity=capacity, dtypes=kinds, name="common_queue")
        part = cast(queue.size(), types.float32) * (1.0 / capacity)
        scalar(f"fraction_of_{capacity}_full", part)
        readers = ParallelReader(reader_class, queue, num_readers, reader_kwargs)
        return readers.read(filenames)


def single_pass_read(
    data_sources: str | Sequence[str],
    reader_class: type[Any],
    reader_kwargs: dict[str, Any] | None = None,
    scope: str | None = None,
) -> Any:
    """The next record of several files, all read once, in order.

    Args:
      data_sources, reader_class, reader_kwargs, scope: as of `parallel_read`.
    """
    names = get_data_files(data_sources)
    with name_scope(scope, "single_pass_read"):
        filenames = string_input_producer(
            names, num_epochs=1, shuffle=False, capacity=1, name="filenames"
        )
        return reader_class(**(reader_kwargs or {})).read(filenames)


def get_data_files(data_sources: str | Sequence[str] | Tensor) -> Any:
    """The names of files.

    Args:
      data_sources: files, or patterns of their names.

    Raises:
      ValueError: there are none.
    """
    if isinstance(data_sources, list | tuple):
        found = [name for each in data_sources for name in get_data_files(each)]
    elif isinstance(data_sources, str) and any(c in data_sources for c in "*?["):
        found = get_matching_files(data_sources)
    else:
        found = [data_sources]
    if not found:
        raise ValueError(f"No data files found in {data_sources}")
    return found
