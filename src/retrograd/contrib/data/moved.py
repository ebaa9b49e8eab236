"""Names of `tf.contrib.data` for what is in `tf.data.experimental`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd.data.experimental import (
    applied,
    choosing,
    elements_of,
    grouping,
    readers,
)
from retrograd.util.decorators import make_decorator


def _moved(function: Callable[..., Any]) -> Any:
    """Another function that does the same."""

    def moved(*args: object, **kwargs: object) -> Any:
        return function(*args, **kwargs)

    return make_decorator(function, moved)


copy_to_device = _moved(applied.copy_to_device)
dense_to_sparse_batch = _moved(applied.dense_to_sparse_batch)
enumerate_dataset = _moved(applied.enumerate_dataset)
ignore_errors = _moved(applied.ignore_errors)
map_and_batch = _moved(applied.map_and_batch)
parallel_interleave = _moved(applied.parallel_interleave)
prefetch_to_device = _moved(applied.prefetch_to_device)
scan = _moved(applied.scan)
shuffle_and_repeat = _moved(applied.shuffle_and_repeat)
unbatch = _moved(applied.unbatch)
unique = _moved(applied.unique)
group_by_reducer = _moved(grouping.group_by_reducer)
group_by_window = _moved(grouping.group_by_window)
Counter = _moved(choosing.CounterV1)
choose_from_datasets = _moved(choosing.choose_from_datasets_v1)
rejection_resample = _moved(choosing.rejection_resample)
sample_from_datasets = _moved(choosing.sample_from_datasets_v1)
get_single_element = _moved(elements_of.get_single_element)
parse_example_dataset = _moved(readers.parse_example_dataset)
make_batched_features_dataset = _moved(readers.make_batched_features_dataset_v1)


class CsvDataset(readers.CsvDatasetV1):
    """See `tf.data.experimental.CsvDataset`."""


class SqlDataset(readers.SqlDatasetV1):
    """See `tf.data.experimental.SqlDataset`."""


class RandomDataset(choosing.RandomDatasetV1):
    """See `tf.data.experimental.RandomDataset`."""


class Reducer(grouping.Reducer):
    """See `tf.data.experimental.Reducer`."""
