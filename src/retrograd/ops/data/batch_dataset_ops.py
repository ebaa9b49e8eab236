"""Datasets whose elements are several of another's, or parts of one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.ops.data.elements import (
    Element,
    Elements,
    Scope,
    array_of,
    declare,
    drawn,
    invalid_argument,
    shape_text,
)
from retrograd.ops.sparse.parts import packed, rows_of

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

Combine = Callable[[Sequence[Element]], Element]


def _in_batches(
    dataset: Elements, size: int, whole_only: bool, name: str, combine: Combine
) -> Elements:
    """The elements, `size` of them as one."""
    if size < 1:
        raise invalid_argument("Batch size must be greater than zero.")

    def start(scope: Scope) -> Iterator[Element]:
        fused = dataset.mapped and "map_and_batch_fusion" in scope.optimizations
        if fused and combine is stacked:
            return in_whole_batches(dataset, size, whole_only).begin(scope)
        source, ended = dataset.begin(scope.at(name)), False

        def draw() -> Element:
            nonlocal ended
            rows: list[Element] = []
            while not ended and len(rows) < size:
                for element in source:
                    rows.append(element)
                    break
                else:
                    ended = True
            if not rows or (len(rows) < size and whole_only):
                raise StopIteration
            return combine(rows)

        return drawn(draw)

    return Elements(start, _batches(dataset.count, size, whole_only))


def _batches(count: int, size: int, whole_only: bool) -> int:
    """How many batches there are of so many elements."""
    if count < 0:
        return count
    return count // size if whole_only else -(-count // size)


def in_whole_batches(dataset: Elements, size: int, whole_only: bool) -> Elements:
    """The elements, `size` of them as one; where one fails its whole batch does."""

    def start(scope: Scope) -> Iterator[Element]:
        source = dataset.begin(scope)

        def draw() -> Element:
            rows: list[Element] = []
            failed: Exception | None = None
            taken = 0
            while taken < size:
                try:
                    rows.append(next(source))
                except StopIteration:
                    break
                except Exception as error:
                    failed = failed or error
                taken += 1
            if failed is not None:
                raise failed
            if not rows or (whole_only and len(rows) < size):
                raise StopIteration
            return stacked(rows, _not_added)

        return drawn(draw)

    return Elements(start, _batches(dataset.count, size, whole_only))


def _batch(
    xp: Arrays,
    input_dataset: Elements,
    batch_size: Array,
    drop_remainder: Array | bool = False,
    **unused: Any,
) -> Elements:
    """Elements put together along a new first axis; the last batch may be smaller."""
    del xp, unused
    whole = bool(drop_remainder)
    return _in_batches(input_dataset, int(batch_size), whole, "Batch", stacked)


def _different(component: int, number: int, shape: Any, first: Any) -> str:
    return (
        f"Cannot batch tensors with different shapes in component {component}. First "
        f"element had shape {shape_text(first)} and element {number} had shape "
        f"{shape_text(shape)}."
    )


def _not_added(component: int, number: int, shape: Any, first: Any) -> str:
    del component, number
    return (
        "Cannot add tensor to the batch: number of elements does not match. Shapes "
        f"are: [tensor]: {shape_text(shape)}, [batch]: {shape_text(first)}"
    )


def stacked(
    rows: Sequence[Element], refusal: Callable[[int, int, Any, Any], str] = _different
) -> Element:
    """Elements as one, each component with an axis for the elements.

    Args:
      rows: the elements.
      refusal: the text of the error, of a component, the number of an element, its
        shape, and that of the first.

    Raises:
      InvalidArgumentError: their shapes differ.
    """
    columns = list(zip(*rows, strict=True))
    for i, column in enumerate(columns):
        first = np.shape(column[0])
        for number, value in enumerate(column):
            if np.shape(value) != first:
                raise invalid_argument(refusal(i, number, np.shape(value), first))
    return tuple(np.stack([array_of(v) for v in column]) for column in columns)


def _rebatch(
    xp: Arrays, input_dataset: Elements, num_replicas: Array, *, use_fallback: bool
) -> Elements:
    """Each batch in as many parts as there are replicas, one after the other."""
    del xp, use_fallback
    count = int(num_replicas)

    def start(scope: Scope) -> Iterator[Element]:
        for batch in input_dataset.begin(scope.at("Rebatch")):
            size = -(-len(batch[0]) // count)
            for i in range(count):
                yield tuple(column[i * size : (i + 1) * size] for column in batch)

    return Elements(start)


declare("BatchDataset", _batch)
declare("BatchDatasetV2", _batch)
declare("RebatchDataset", _rebatch)
declare("ExperimentalRebatchDataset", _rebatch)

# ---------------------------------------------------------------------- padding


def _padded(
    xp: Arrays,
    input_dataset: Elements,
    batch_size: Array,
    *others: Array,
    N: int,
    **unused: Any,
) -> Elements:
    """Elements put together, each component filled up to one shape."""
    del xp, unused
    wanted = [[int(size) for size in shape] for shape in others[:N]]
    values = others[N : 2 * N]
    whole = bool(others[2 * N]) if len(others) > 2 * N else False

    def combine(rows: Sequence[Element]) -> Element:
        columns = zip(*rows, strict=True)
        return tuple(
            _filled_up([array_of(v) for v in column], wanted[i], values[i], i)
            for i, column in enumerate(columns)
        )

    return _in_batches(input_dataset, int(batch_size), whole, "PaddedBatch", combine)


def _filled_up(
    column: Sequence[np.ndarray], wanted: Sequence[int], filler: Array, component: int
) -> np.ndarray:
    sizes = _largest(
        column,
        wanted,
        lambda value: (
            "All elements in a batch must have the same rank as the padded shape for "
            f"component{component}: expected rank {len(wanted)} but got element with "
            f"rank {value.ndim}"
        ),
        lambda _: "Attempted to pad to a smaller size than the input element.",
    )
    made = np.full([len(column), *sizes], filler, column[0].dtype)
    for i, value in enumerate(column):
        made[(i, *map(slice, value.shape))] = value
    return made


def _largest(
    values: Sequence[np.ndarray],
    wanted: Sequence[int],
    wrong_rank: Callable[[np.ndarray], str],
    too_large: Callable[[np.ndarray], str],
) -> list[int]:
    """The sizes that are wanted; those that are −1 as large as the values need.

    Args:
      values: the values.
      wanted: the sizes.
      wrong_rank, too_large: the text of the error where a value is.

    Raises:
      InvalidArgumentError: a value has another rank.
      DataLossError: a value is larger than is wanted.
    """
    sizes = [max(size, 0) for size in wanted]
    for value in values:
        if value.ndim != len(wanted):
            raise invalid_argument(wrong_rank(value))
        for axis, size in enumerate(value.shape):
            if wanted[axis] == -1:
                sizes[axis] = max(sizes[axis], size)
            elif size > wanted[axis]:
                raise errors.DataLossError(None, None, too_large(value))
    return sizes


declare("PaddedBatchDataset", _padded)
declare("PaddedBatchDatasetV2", _padded)

# ---------------------------------------------------------------------- windows


def _window(
    xp: Arrays,
    input_dataset: Elements,
    size: Array,
    shift: Array,
    stride: Array,
    drop_remainder: Array,
    **unused: Any,
) -> Elements:
    """Datasets of elements that follow each other."""
    del xp, unused
    span, step, apart = _measures(size, shift, stride)
    whole = bool(drop_remainder)

    def start(scope: Scope) -> Iterator[Element]:
        for rows in _windows(input_dataset.begin(scope.at("Window")), span, step):
            if len(rows) < span and whole:
                return
            chosen = rows[::apart]
            yield tuple(
                _of_rows([(value,) for value in column])
                for column in zip(*chosen, strict=True)
            )

    count = input_dataset.count
    if count >= 0:
        count = max(0, (count - span) // step + 1) if whole else -(-count // step)
    return Elements(start, count)


def _measures(size: Array, shift: Array, stride: Array) -> tuple[int, int, int]:
    """Of windows the span, how far they are apart, and how far their elements are."""
    for name, value in (("size", size), ("shift", shift), ("stride", stride)):
        if value <= 0:
            raise invalid_argument(f"Window {name} must be greater than zero.")
    return (int(size) - 1) * int(stride) + 1, int(shift), int(stride)


def _windows(
    source: Iterator[Element], span: int, step: int
) -> Iterator[list[Element]]:
    """Lists of `span` elements, beginning `step` apart; at the end of fewer."""
    rows: list[Element] = []
    while True:
        rows += itertools.islice(source, span - len(rows))
        if not rows:
            return
        yield rows
        for _ in itertools.islice(source, max(step - len(rows), 0)):
            pass
        rows = rows[step:]


def _of_rows(rows: list[Element]) -> Elements:
    return Elements(lambda _: rows, len(rows))


def _sliding(
    xp: Arrays,
    input_dataset: Elements,
    window_size: Array,
    window_shift: Array,
    window_stride: Array,
) -> Elements:
    """Batches of elements that follow each other; only whole ones."""
    del xp
    span, step, apart = _measures(window_size, window_shift, window_stride)

    def start(scope: Scope) -> Iterator[Element]:
        for rows in _windows(
            input_dataset.begin(scope.at("SlidingWindow")), span, step
        ):
            if len(rows) < span:
                return
            yield stacked(rows[::apart])

    return Elements(start)


declare("WindowDataset", _window)
declare("SlidingWindowDataset", _sliding)
declare("ExperimentalSlidingWindowDataset", _sliding)

# ---------------------------------------------------------------------- rows


def _unbatch(xp: Arrays, input_dataset: Elements) -> Elements:
    """The rows of each element, one after the other."""
    del xp

    def start(scope: Scope) -> Iterator[Element]:
        source = input_dataset.begin(scope.at("Unbatch"))
        rows: Iterator[Element] = iter(())

        def draw() -> Element:
            nonlocal rows
            while True:
                for row in rows:
                    return row
                rows = _rows(next(source))

        return drawn(draw)

    return Elements(start)


def _rows(batch: Element) -> Iterator[Element]:
    columns = [np.asarray(column) for column in batch]
    if any(not column.ndim for column in columns):
        raise invalid_argument(
            "Input element must have a non-scalar value in each component."
        )
    sizes = [len(column) for column in columns]
    for i, size in enumerate(sizes):
        if size != sizes[0]:
            raise invalid_argument(
                "Input element must have the same batch size in each component. "
                f"Component 0 had size {sizes[0]} but component {i} had size, {size}."
            )
    return zip(*columns, strict=True)


declare("UnbatchDataset", _unbatch)
declare("ExperimentalUnbatchDataset", _unbatch)


def _dense_to_sparse(
    xp: Arrays, input_dataset: Elements, batch_size: Array, row_shape: Array
) -> Elements:
    """Batches of rows of different sizes, as sparse tensors."""
    del xp
    wanted = [int(size) for size in row_shape]

    def combine(rows: Sequence[Element]) -> Element:
        values = [array_of(row[0]) for row in rows]
        sizes = _largest(
            values,
            wanted,
            lambda value: (
                f"Input element had shape ({shape_text(value.shape)}) that is "
                f"incompatible with the row shape ({shape_text(wanted)})."
            ),
            lambda value: (
                f"Input element had shape ({shape_text(value.shape)}) that is larger "
                f"than the row shape ({shape_text(wanted)})."
            ),
        )
        places = [
            np.concatenate([np.full([value.size, 1], i), _places(value.shape)], 1)
            for i, value in enumerate(values)
        ]
        flat = [value.reshape(-1) for value in values]
        shape = np.array([len(rows), *sizes], np.int64)
        found = np.concatenate(places).astype(np.int64)
        return (packed((found, np.concatenate(flat), shape)),)

    size = int(batch_size)
    return _in_batches(input_dataset, size, False, "DenseToSparseBatch", combine)


def _places(shape: Sequence[int]) -> np.ndarray:
    """The indices of all elements of an array, in order."""
    return np.argwhere(np.ones(shape, bool))


declare("DenseToSparseBatchDataset", _dense_to_sparse)
declare("ExperimentalDenseToSparseBatchDataset", _dense_to_sparse)


def _sparse_slices(
    xp: Arrays, indices: Array, values: Array, dense_shape: Array
) -> Elements:
    """The rows of a sparse tensor, each as indices, values and a shape."""
    del xp
    numbers = indices[:, 0]
    if np.any(numbers[1:] < numbers[:-1]):
        raise errors.UnimplementedError(
            None,
            None,
            "The SparseTensor must be ordered in the batch dimension; handling "
            "arbitrarily ordered input is not currently supported.",
        )
    count = int(dense_shape[0]) if len(dense_shape) else 0

    def start(_: Scope) -> Iterator[Element]:
        return rows_of(indices, values, dense_shape) if count else iter(())

    return Elements(start, count)


declare("SparseTensorSliceDataset", _sparse_slices)
