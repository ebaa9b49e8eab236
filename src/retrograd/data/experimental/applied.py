"""Functions for `Dataset.apply`: maps, batches, scans, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.data import elements, functions
from retrograd.data.base import int64
from retrograd.data.by_functions import a_dataset, with_state
from retrograd.data.functions import function_of, traced
from retrograd.data.padding import rows_of
from retrograd.data.seeds import get_seed
from retrograd.data.transformations import unbatched
from retrograd.graph.composite import SparseTensorSpec
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec
from retrograd.ops.array.tensor_values import constant_value_as_shape
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.typing import Structure, TensorLike

    #: makes a dataset of one
    Transformation = Callable[[DatasetV2], DatasetV2]


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: TensorLike,
    num_parallel_batches: TensorLike | None = None,
    drop_remainder: TensorLike = False,
    num_parallel_calls: TensorLike | None = None,
) -> Transformation:
    """What a function makes of each element, put together in batches.

    Args:
      map_func: the function.
      batch_size: how many elements a batch has.
      num_parallel_batches: how many batches are made at a time; or
      num_parallel_calls: how many elements.
      drop_remainder: whether to leave out a last batch that is smaller.

    Raises:
      ValueError: both ways to say how many are used.
    """
    if num_parallel_batches is not None and num_parallel_calls is not None:
        raise ValueError(
            "The `num_parallel_batches` and `num_parallel_calls` arguments are "
            "mutually exclusive."
        )
    calls: Any = batch_size if num_parallel_calls is None else num_parallel_calls
    if num_parallel_batches is not None:
        calls = batch_size * num_parallel_batches  # pyright: ignore[reportOperatorIssue]

    def apply(dataset: DatasetV2) -> Any:
        of = "tf.data.experimental.map_and_batch()"
        made = function_of(map_func, dataset.element_spec, "map_and_batch", of)
        extra = (
            int64(batch_size, "batch_size"),
            int64(calls, "num_parallel_calls"),
            convert_to_tensor(drop_remainder, dtypes.bool, "drop_remainder"),
        )
        specs = elements.batched(made.result, rows_of(batch_size, drop_remainder))
        return dataset._by_function(
            F.MapAndBatchDataset,
            made,
            extra,
            specs=specs,
            preserve_cardinality=True,
            f=made.graph,
        )

    return apply


map_and_batch_with_legacy_function = map_and_batch


def shuffle_and_repeat(
    buffer_size: TensorLike,
    count: TensorLike | None = None,
    seed: TensorLike | None = None,
) -> Transformation:
    """The elements in an order that is drawn, several times, for ever by default."""

    def apply(dataset: DatasetV2) -> Any:
        size = int64(buffer_size, "buffer_size")
        times = int64(-1 if count is None else count, "count")
        return dataset._of_this(F.ShuffleAndRepeatDataset, size, *get_seed(seed), times)

    return apply


def unbatch() -> Transformation:
    """The rows of each element, one after the other."""
    return unbatched


def enumerate_dataset(start: TensorLike = 0) -> Transformation:
    """Pairs of a number, counted up, and an element."""
    return lambda dataset: dataset.enumerate(start)


def ignore_errors() -> Transformation:
    """The elements that can be made without an error."""
    return lambda dataset: dataset._of_this(F.IgnoreErrorsDataset)


def unique() -> Transformation:
    """The elements that have not been there before."""

    def apply(dataset: DatasetV2) -> Any:
        kinds = dataset.element_spec
        allowed = (dtypes.int32, dtypes.int64, dtypes.string)
        if not isinstance(kinds, TensorSpec) or kinds.dtype not in allowed:
            raise TypeError(
                "`tf.data.experimental.unique()` only supports inputs with a single "
                "`tf.int32`, `tf.int64`, or `tf.string` component."
            )
        return dataset._of_this(F.UniqueDataset)

    return apply


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """The elements before the first for which a function gives False."""

    def refusal(found: object) -> Exception:
        del found
        return ValueError("`predicate` must return a scalar boolean tensor.")

    def apply(dataset: DatasetV2) -> Any:
        outputs = functions.scalar_of(dtypes.bool, refusal)
        made = traced(predicate, dataset.element_spec, "take_while", outputs)
        return dataset._by_function(F.TakeWhileDataset, made, predicate=made.graph)

    return apply


def scan(initial_state: Structure, scan_func: Callable[..., Any]) -> Transformation:
    """What a function makes of a state and each element, besides the next state.

    Args:
      initial_state: the first state.
      scan_func: takes a state and an element; returns a pair of the next state and
        what it makes.
    """

    def split(returned: Structure) -> tuple[Any, Any]:
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise TypeError(
                "The scan function must return a pair comprising the new state and the "
                "output value."
            )
        return returned[0], returned[1]

    def apply(dataset: DatasetV2) -> Any:
        first = elements.normalized(initial_state)
        of = "tf.data.experimental.scan()"
        made, state = with_state(dataset.element_spec, first, scan_func, of, split)
        after = dataset._of_this(
            F.ScanDataset,
            elements.tensors_of(state, first),
            made.others,
            specs=made.result,
            f=made.graph,
            preserve_cardinality=True,
        )
        after._captures = made.others
        return after

    return apply


def dense_to_sparse_batch(
    batch_size: TensorLike, row_shape: Structure
) -> Transformation:
    """Batches of elements of different shapes, as sparse tensors.

    Args:
      batch_size: how many elements.
      row_shape: what the shape of an element is at most; None where any.
    """

    def apply(dataset: DatasetV2) -> Any:
        spec = dataset.element_spec
        if not isinstance(spec, TensorSpec):
            raise TypeError(
                "DenseToSparseDataset requires an input with a single dense component"
            )
        if hasattr(row_shape, "dtype"):
            shape = int64(row_shape, "row_shape")
        else:
            sizes = getattr(row_shape, "as_list", lambda: list(row_shape))()
            shape = int64([-1 if s is None else s for s in sizes], "row_shape")
        whole = constant_value_as_shape(shape).as_list()
        return dataset._of_this(
            F.DenseToSparseBatchDataset,
            int64(batch_size, "batch_size"),
            shape,
            specs=SparseTensorSpec([None, *whole], spec.dtype),
        )

    return apply


def parallel_interleave(
    map_func: Callable[..., Any],
    cycle_length: TensorLike,
    block_length: TensorLike = 1,
    sloppy: TensorLike = False,
    buffer_output_elements: TensorLike | None = None,
    prefetch_input_elements: TensorLike | None = None,
) -> Transformation:
    """The elements of the datasets that a function makes, of several in turn.

    Args:
      map_func: makes a dataset of an element.
      cycle_length: how many datasets are open at a time.
      block_length: how many elements of one follow each other.
      sloppy: whether order does not matter; here it is always the same.
      buffer_output_elements, prefetch_input_elements: how many are read ahead.
    """

    def default(value: TensorLike | None, otherwise: Any) -> Any:
        return otherwise if value is None else value

    def apply(dataset: DatasetV2) -> Any:
        made = traced(map_func, dataset.element_spec, "parallel_interleave", a_dataset)
        twice = 2 * block_length  # pyright: ignore[reportOperatorIssue]
        ahead = 2 * cycle_length  # pyright: ignore[reportOperatorIssue]
        extra = (
            int64(cycle_length, "cycle_length"),
            int64(block_length, "block_length"),
            convert_to_tensor(sloppy, dtypes.bool, "sloppy"),
            int64(default(buffer_output_elements, twice), "buffer_output_elements"),
            int64(default(prefetch_input_elements, ahead), "prefetch_input_elements"),
        )
        return dataset._by_function(
            F.ParallelInterleaveDataset,
            made,
            extra,
            specs=made.result,
            f=made.graph,
        )

    return apply


def prefetch_to_device(
    device: str, buffer_size: TensorLike | None = None
) -> Transformation:
    """The same elements, some of them made ahead; `device` has no influence."""
    del device
    return lambda dataset: dataset.prefetch(buffer_size)


def copy_to_device(target_device: str, source_device: str = "/cpu:0") -> Transformation:
    """The same elements; the devices have no influence."""
    del target_device, source_device

    def apply(dataset: DatasetV2) -> Any:
        options = dataset.options()
        options.experimental_optimization.apply_default_optimizations = False
        options.experimental_optimization.autotune = False
        return dataset.with_options(options)

    return apply
