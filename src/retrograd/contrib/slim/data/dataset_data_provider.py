"""The examples of a `Dataset`, read by several readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.contrib.slim.data import parallel_reader
from retrograd.contrib.slim.data.data_provider import DataProvider

if TYPE_CHECKING:
    from retrograd.contrib.slim.data.dataset import Dataset


class DatasetDataProvider(DataProvider):
    """Gives the tensors of a data set's examples.

    Args:
      dataset: the data set.
      num_readers: how many files are read at once.
      reader_kwargs: for the readers.
      shuffle: whether files and examples come in any order.
      num_epochs: how often all are read; None for no end.
      common_queue_capacity: how many examples wait.
      common_queue_min: how many of them at least, where they are shuffled.
      record_key: the name of the examples' keys.
      seed: of the order.
      scope: the name scope.

    Raises:
      ValueError: `record_key` is the name of something else.
    """

    def __init__(
        self,
        dataset: Dataset,
        num_readers: int = 1,
        reader_kwargs: dict[str, Any] | None = None,
        shuffle: bool = True,
        num_epochs: int | None = None,
        common_queue_capacity: int = 256,
        common_queue_min: int = 128,
        record_key: str = "record_key",
        seed: int | None = None,
        scope: str | None = None,
    ) -> None:
        key, data = parallel_reader.parallel_read(
            dataset.data_sources,
            reader_class=dataset.reader,
            num_epochs=num_epochs,
            num_readers=num_readers,
            reader_kwargs=reader_kwargs,
            shuffle=shuffle,
            capacity=common_queue_capacity,
            min_after_dequeue=common_queue_min,
            seed=seed,
            scope=scope,
        )
        items = dataset.decoder.list_items()
        tensors = dataset.decoder.decode(data, items)
        found = dict(zip(items, tensors, strict=True))
        if record_key in found:
            raise ValueError(
                "The item name used for `record_key` cannot also be used for a dataset "
                "item: %s",
                record_key,
            )
        found[record_key] = key
        super().__init__(items_to_tensors=found, num_samples=dataset.num_samples)
