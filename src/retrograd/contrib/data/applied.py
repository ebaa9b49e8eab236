"""Functions for `Dataset.apply` that only `tf.contrib.data` has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.data import elements
from retrograd.data.base import int64
from retrograd.data.dataset import DatasetV1
from retrograd.data.experimental import applied, grouping, readers
from retrograd.data.readers import TFRecordDatasetV1
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.data.experimental.applied import Transformation
    from retrograd.data.experimental.grouping import Reducer
    from retrograd.typing import Structure, TensorLike


def batch_and_drop_remainder(batch_size: TensorLike) -> Transformation:
    """Batches, without a last one that is smaller."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


def padded_batch_and_drop_remainder(
    batch_size: TensorLike,
    padded_shapes: Structure,
    padding_values: Structure = None,
) -> Transformation:
    """Batches of elements that are filled up, without a last one that is smaller."""
    return lambda dataset: dataset.padded_batch(
        batch_size, padded_shapes, padding_values, drop_remainder=True
    )


def sloppy_interleave(
    map_func: Callable[..., Any], cycle_length: TensorLike, block_length: TensorLike = 1
) -> Transformation:
    """As `parallel_interleave`; here the order is always the same."""
    return applied.parallel_interleave(map_func, cycle_length, block_length, True)


def sliding_window_batch(
    window_size: TensorLike,
    stride: TensorLike | None = None,
    window_shift: TensorLike | None = None,
    window_stride: TensorLike = 1,
) -> Transformation:
    """Batches of elements that follow each other.

    Args:
      window_size: how many elements.
      stride: another name of `window_shift`.
      window_shift: how far a window is from the next, by default 1.
      window_stride: how far its elements are from each other.

    Raises:
      ValueError: both names are used.
    """
    if stride is not None and window_shift is not None:
        raise ValueError("Cannot specify both `stride` and `window_shift`")
    given = stride if window_shift is None else window_shift
    shift: Any = 1 if given is None else given

    def apply(dataset: Any) -> Any:
        return dataset._of_this(
            F.SlidingWindowDataset,
            int64(window_size, "window_size"),
            int64(shift, "window_shift"),
            int64(window_stride, "window_stride"),
            specs=elements.batched(dataset.element_spec, None),
        )

    return apply


def assert_element_shape(expected_shapes: Structure) -> Transformation:
    """The same elements, whose shapes are known to be these.

    Raises:
      ValueError: they are known to be others.
    """

    def apply(dataset: Any) -> Any:
        wanted = elements.shapes_for(dataset.element_spec, expected_shapes)
        specs = elements.flat(dataset.element_spec)
        for spec, shape in zip(specs, wanted, strict=True):
            spec.shape.assert_is_compatible_with(shapes.TensorShape(shape))

        def checked(*parts: Structure) -> Any:
            element = parts if type(dataset.element_spec) is tuple else parts[0]
            tensors = [
                _of_shape(tensor, shapes.TensorShape(shape))
                for tensor, shape in zip(elements.flat(element), wanted, strict=True)
            ]
            return elements.replaced(element, tensors)

        return dataset.map(checked)

    return apply


def _of_shape(tensor: Structure, shape: shapes.TensorShape) -> Any:
    from retrograd.graph.defaults import control_dependencies
    from retrograd.ops.array.identity import identity
    from retrograd.ops.host.printing import Assert

    found = F.Shape(tensor, out_type=dtypes.int32)
    checks = []
    if shape.ndims is not None:
        known = [-1 if size is None else size for size in shape.as_list()]
        sizes = constant(known, dtypes.int32, [len(known)])
        either = F.LogicalOr(
            F.Equal(found, sizes), F.Equal(sizes, constant(-1, dtypes.int32))
        )
        holds = F.All(either, constant([0]))
        checks = [Assert(holds, [found])]
    with control_dependencies([c for c in checks if c is not None]):
        made = identity(tensor)
    made.set_shape(shape)
    return made


def reduce_dataset(dataset: DatasetV2, reducer: Reducer) -> Any:
    """What a reducer makes of all elements of a dataset.

    Raises:
      TypeError: it is no dataset.
    """
    from retrograd.data.experimental.elements_of import get_single_element

    if not hasattr(dataset, "element_spec"):
        raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
    grouped = dataset.apply(
        grouping.group_by_reducer(lambda *_: constant(0, dtypes.int64), reducer)
    )
    return get_single_element(grouped)


def read_batch_features(
    file_pattern: TensorLike,
    batch_size: TensorLike,
    features: Mapping[str, Any],
    reader: Callable[..., Any] = TFRecordDatasetV1,
    reader_args: Sequence[object] | None = None,
    randomize_input: bool = True,
    num_epochs: int | None = None,
    capacity: int = 10000,
) -> Any:
    """The next batch of the features of Examples in files.

    Args:
      file_pattern, batch_size, features, reader, reader_args, num_epochs: see
        `tf.data.experimental.make_batched_features_dataset`.
      randomize_input: whether to mix the Examples.
      capacity: from how many the next is drawn.
    """
    dataset = readers.make_batched_features_dataset_v1(
        file_pattern,
        batch_size,
        features,
        reader=reader,
        reader_args=reader_args,
        shuffle=randomize_input,
        num_epochs=num_epochs,
        shuffle_buffer_size=capacity,
    )
    return DatasetV1.make_one_shot_iterator(dataset).get_next()
