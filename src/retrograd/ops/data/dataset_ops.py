"""Datasets as values: the ops that make one, and those that make one of another.

The value of a variant tensor that stands for a dataset is an `Elements`: something to
go through, any number of times, that gives an element after the other. An element is a
tuple with an array for each component.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.ops.declare import op
from retrograd.ops.infer import scalar
from retrograd.ops.traits import NONE, Traits

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


Element = tuple[Any, ...]


class Elements:
    """The elements of a dataset.

    Args:
      start: begins to go through them.
    """

    __slots__ = ("_start",)

    def __init__(self, start: Callable[[], Iterable[Element]]) -> None:
        self._start = start

    def __iter__(self) -> Iterator[Element]:
        return iter(self._start())


def _declare(name: str, kernel: Callable[..., Any], traits: Traits = NONE) -> None:
    op(
        name,
        infer=scalar,
        host=True,
        pure=False,
        traits=traits,
    )(kernel)


def invalid_argument(text: str) -> errors.InvalidArgumentError:
    """An InvalidArgumentError."""
    return errors.InvalidArgumentError(None, None, text)


def _up_to(elements: Iterable[Element], count: int) -> Iterator[Element]:
    """The first elements; all where `count` is negative."""
    return itertools.islice(elements, None if count < 0 else count)


# ---------------------------------------------------------------------- sources


def _tensors(xp: Arrays, *components: Array) -> Elements:
    """One element: the tensors."""
    del xp
    return Elements(lambda: [components])


def _slices(xp: Arrays, *components: Array) -> Elements:
    """An element for each row of the tensors."""
    del xp
    rows = {len(c) for c in components}
    if len(rows) > 1:
        raise invalid_argument(f"Dimensions of the components differ: {sorted(rows)}")
    return Elements(lambda: zip(*components, strict=True))


def _range(xp: Arrays, start: Array, stop: Array, step: Array) -> Elements:
    """Numbers from `start` to below `stop`."""
    del xp
    if not step:
        raise invalid_argument("step must be a non-zero integer.")
    numbers = range(int(start), int(stop), int(step))
    return Elements(lambda: ((np.int64(i),) for i in numbers))


_declare("TensorDataset", _tensors, Traits(keeps=True))
_declare("TensorSliceDataset", _slices, Traits(keeps=True))
_declare("RangeDataset", _range)

# ---------------------------------------------------------------------- of another


def _repeat(xp: Arrays, input_dataset: Elements, count: Array) -> Elements:
    """The elements `count` times; for ever where it is negative."""
    del xp

    def start() -> Iterator[Element]:
        rounds = itertools.count() if count < 0 else range(int(count))
        for _ in rounds:
            empty = True
            for element in input_dataset:
                empty = False
                yield element
            if empty:
                return

    return Elements(start)


def _take(xp: Arrays, input_dataset: Elements, count: Array) -> Elements:
    """The first elements."""
    del xp
    return Elements(lambda: _up_to(input_dataset, int(count)))


def _skip(xp: Arrays, input_dataset: Elements, count: Array) -> Elements:
    """The elements without the first; none where `count` is negative."""
    del xp
    first = int(count)
    if first < 0:
        return Elements(tuple)
    return Elements(lambda: itertools.islice(input_dataset, first, None))


def _shard(
    xp: Arrays,
    input_dataset: Elements,
    num_shards: Array,
    index: Array,
    *,
    require_non_empty: bool,
) -> Elements:
    """Every `num_shards`-th element, from the one with the number `index` on."""
    del xp, require_non_empty
    if num_shards < 1:
        raise invalid_argument(
            "Number of shards must be greater than zero (currently num_shards = "
            f"{num_shards})."
        )
    if not 0 <= index < num_shards:
        raise invalid_argument(
            f"Index must be between 0 and {num_shards - 1} (currently index = {index})."
        )
    first, step = int(index), int(num_shards)
    return Elements(lambda: itertools.islice(input_dataset, first, None, step))


def _concatenate(
    xp: Arrays, input_dataset: Elements, another_dataset: Elements
) -> Elements:
    """The elements of one, then those of the other."""
    del xp
    return Elements(lambda: itertools.chain(input_dataset, another_dataset))


def _zip(xp: Arrays, *input_datasets: Elements) -> Elements:
    """Elements side by side, until one dataset ends."""
    del xp

    def start() -> Iterator[Element]:
        for parts in zip(*input_datasets, strict=False):
            yield tuple(itertools.chain(*parts))

    return Elements(start)


def _prefetch(xp: Arrays, input_dataset: Elements, buffer_size: Array) -> Elements:
    """The same elements; they are made when they are asked for."""
    del xp
    if buffer_size < -1:
        raise invalid_argument("buffer_size must be >= 0 or set buffer_size to be -1")
    return input_dataset


_declare("RepeatDataset", _repeat)
_declare("TakeDataset", _take)
_declare("SkipDataset", _skip)
_declare("ShardDataset", _shard)
_declare("ConcatenateDataset", _concatenate)
_declare("ZipDataset", _zip)
_declare("PrefetchDataset", _prefetch)

# -------------------------------------------------------------------- by functions


def _map(
    xp: Arrays,
    input_dataset: Elements,
    *other_arguments: Array,
    f: Callable[..., Sequence[Any]],
    **unused: object,
) -> Elements:
    """What a function makes of each element."""
    del xp, unused
    return Elements(lambda: (tuple(f(*e, *other_arguments)) for e in input_dataset))


def _parallel_map(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    f: Callable[..., Any],
    **unused: object,
) -> Elements:
    """As `_map`, one element after another; the last input says how many at once."""
    return _map(xp, input_dataset, *others[:-1], f=f, **unused)


def _filter(
    xp: Arrays,
    input_dataset: Elements,
    *other_arguments: Array,
    predicate: Callable[..., Sequence[Any]],
    **unused: object,
) -> Elements:
    """The elements for which a function gives True."""
    del xp, unused

    def start() -> Iterator[Element]:
        for element in input_dataset:
            (chosen,) = predicate(*element, *other_arguments)
            if chosen:
                yield element

    return Elements(start)


def _flat_map(
    xp: Arrays,
    input_dataset: Elements,
    *other_arguments: Array,
    f: Callable[..., Sequence[Any]],
    **unused: object,
) -> Elements:
    """The elements of the datasets that a function makes, one after another."""
    del xp, unused

    def start() -> Iterator[Element]:
        for element in input_dataset:
            (inner,) = f(*element, *other_arguments)
            yield from inner

    return Elements(start)


_declare("MapDataset", _map)
_declare("ParallelMapDataset", _parallel_map)
_declare("FilterDataset", _filter)
_declare("FlatMapDataset", _flat_map)

# ---------------------------------------------------------------------- batches


def _batch(
    xp: Arrays,
    input_dataset: Elements,
    batch_size: Array,
    drop_remainder: Array,
    **unused: Any,
) -> Elements:
    """Elements put together along a new first axis; the last batch may be smaller."""
    del xp, unused
    size = int(batch_size)
    if size < 1:
        raise invalid_argument("Batch size must be greater than zero.")

    def start() -> Iterator[Element]:
        elements = iter(input_dataset)
        while rows := list(itertools.islice(elements, size)):
            if len(rows) < size and drop_remainder:
                return
            yield _stacked(rows)

    return Elements(start)


def _stacked(rows: Sequence[Element]) -> Element:
    """Elements as one, each component with an axis for the elements.

    Raises:
      InvalidArgumentError: their shapes differ.
    """
    columns = list(zip(*rows, strict=True))
    for i, column in enumerate(columns):
        first = np.shape(column[0])
        for value in column:
            if np.shape(value) != first:
                raise invalid_argument(
                    "Cannot batch tensors with different shapes in component "
                    f"{i}. First element had shape {_text(first)} and element "
                    f"{next(j for j, v in enumerate(column) if v is value)} had shape "
                    f"{_text(np.shape(value))}."
                )
    return tuple(np.stack([np.asarray(v) for v in column]) for column in columns)


def _text(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _rebatch(
    xp: Arrays, input_dataset: Elements, num_replicas: Array, *, use_fallback: bool
) -> Elements:
    """Each batch in as many parts as there are replicas, one after the other."""
    del xp, use_fallback
    count = int(num_replicas)

    def start() -> Iterator[Element]:
        for batch in input_dataset:
            size = -(-len(batch[0]) // count)
            for i in range(count):
                yield tuple(column[i * size : (i + 1) * size] for column in batch)

    return Elements(start)


_declare("BatchDatasetV2", _batch)
_declare("RebatchDataset", _rebatch)
