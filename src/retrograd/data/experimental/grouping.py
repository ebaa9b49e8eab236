"""Functions for `Dataset.apply` that put elements together by keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.data import elements, functions
from retrograd.data.base import NUMBER, DatasetSpec
from retrograd.data.by_functions import a_dataset, with_state
from retrograd.data.functions import any_element, traced
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.specs import TensorSpec
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.ops.host.printing import Assert

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.data.experimental.applied import Transformation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure, TensorLike


class Reducer:
    """How elements are taken into one value.

    Args:
      init_func: the first state, of a key.
      reduce_func: the next state, of a state and an element.
      finalize_func: the value, of the last state.
    """

    def __init__(
        self,
        init_func: Callable[..., Any],
        reduce_func: Callable[..., Any],
        finalize_func: Callable[..., Any],
    ) -> None:
        self._init_func = init_func
        self._reduce_func = reduce_func
        self._finalize_func = finalize_func

    @property
    def init_func(self) -> Callable[..., Any]:
        """Gives the first state."""
        return self._init_func

    @property
    def reduce_func(self) -> Callable[..., Any]:
        """Gives the next state."""
        return self._reduce_func

    @property
    def finalize_func(self) -> Callable[..., Any]:
        """Gives the value."""
        return self._finalize_func


def _key_of(key_func: Callable[..., Any], dataset: DatasetV2, called: str) -> Any:
    def refusal(found: Structure) -> Exception:
        shape, kind = getattr(found, "shape", None), getattr(found, "dtype", None)
        return ValueError(
            "`key_func` must return a single tf.int64 tensor. Got type="
            f"{kind} and shape={shape}"
        )

    outputs = functions.scalar_of(dtypes.int64, refusal)
    return traced(key_func, dataset.element_spec, called, outputs)


def group_by_reducer(key_func: Callable[..., Any], reducer: Reducer) -> Transformation:
    """What a reducer makes of all elements with one key, for each key."""

    def apply(dataset: DatasetV2) -> Any:
        of = "tf.data.experimental.group_by_reducer()"
        key = _key_of(key_func, dataset, "group_by_reducer")
        first = traced(reducer.init_func, NUMBER, "init", any_element(of))
        placed = elements.mapped(_zeros, first.result)
        reduce, state = with_state(
            dataset.element_spec, placed, reducer.reduce_func, of, None
        )
        final = traced(reducer.finalize_func, state, "finalize", any_element(of), False)
        return dataset._of_this(
            F.GroupByReducerDataset,
            key.others,
            first.others,
            reduce.others,
            final.others,
            key_func=key.graph,
            init_func=first.graph,
            reduce_func=reduce.graph,
            finalize_func=final.graph,
            specs=final.result,
        )

    return apply


class _Example:
    """Stands for a state of which only the spec is known."""

    def __init__(self, spec: Structure) -> None:
        self._type_spec = spec


def _zeros(spec: Structure) -> Any:
    """A value with a spec, where every size that is not known is 0."""
    if not isinstance(spec, TensorSpec):
        return _Example(spec)
    shape = [0 if s is None else s for s in shapes.raw(spec.shape) or ()]
    kind = "" if spec.dtype == dtypes.string else 0
    value = np.full(shape, kind, spec.dtype.as_numpy_dtype)
    return convert_to_tensor(value, spec.dtype)


def group_by_window(
    key_func: Callable[..., Any],
    reduce_func: Callable[..., Any],
    window_size: TensorLike | None = None,
    window_size_func: Callable[..., Any] | None = None,
) -> Transformation:
    """What a function makes of so many elements with one key.

    Args:
      key_func: the int64 key of an element.
      reduce_func: makes a dataset of a key and a dataset of elements.
      window_size: how many elements; or
      window_size_func: how many of a key.

    Raises:
      ValueError: neither or both say how many.
    """
    if (window_size is None) == (window_size_func is None):
        raise ValueError("Must pass either window_size or window_size_func.")

    def size_of(key: Tensor) -> Any:
        if window_size_func is None:
            given: Any = window_size
            return convert_to_tensor(given, dtypes.int64)
        return F.Cast(convert_to_tensor(window_size_func(key)), DstT=dtypes.int64)

    def refusal(found: object) -> Exception:
        del found
        return ValueError(
            "`window_size_func` must return a single tf.int64 scalar tensor."
        )

    def reduced(returned: Structure) -> tuple[Any, list[Any]]:
        try:
            return a_dataset(returned)
        except TypeError:
            raise TypeError("`reduce_func` must return a `Dataset` object.") from None

    def apply(dataset: DatasetV2) -> Any:
        key = _key_of(key_func, dataset, "group_by_window")
        window = (NUMBER, DatasetSpec(dataset.element_spec))
        reduce = traced(reduce_func, window, "reduce", reduced)
        size = traced(
            size_of, NUMBER, "size", functions.scalar_of(dtypes.int64, refusal)
        )
        return dataset._of_this(
            F.GroupByWindowDataset,
            key.others,
            reduce.others,
            size.others,
            key_func=key.graph,
            reduce_func=reduce.graph,
            window_size_func=size.graph,
            specs=reduce.result,
        )

    return apply


def bucket_by_sequence_length(
    element_length_func: Callable[..., Any],
    bucket_boundaries: Sequence[int],
    bucket_batch_sizes: Sequence[int],
    padded_shapes: Structure = None,
    padding_values: Structure = None,
    pad_to_bucket_boundary: bool = False,
    no_padding: bool = False,
    drop_remainder: bool = False,
) -> Transformation:
    """Batches of elements of like length, filled up.

    Args:
      element_length_func: the int32 length of an element.
      bucket_boundaries: where a bucket ends and the next begins.
      bucket_batch_sizes: how many elements a batch of each bucket has, one more.
      padded_shapes: what elements are filled up to; by default what is not known.
      padding_values: what with.
      pad_to_bucket_boundary: whether up to the end of the bucket.
      no_padding: whether not at all.
      drop_remainder: whether to leave out batches that are smaller.

    Raises:
      ValueError: there is not one size more than boundaries.
    """
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError(
            "len(bucket_batch_sizes) must equal len(bucket_boundaries) + 1"
        )
    least = [np.iinfo(np.int32).min, *bucket_boundaries]
    most = [*bucket_boundaries, np.iinfo(np.int32).max]

    def bucket_of(*element: Structure) -> Any:
        length = convert_to_tensor(element_length_func(*element))
        inside = F.LogicalAnd(
            F.LessEqual(convert_to_tensor(least, dtypes.int32), length),
            F.Less(length, convert_to_tensor(most, dtypes.int32)),
        )
        return F.Min(F.Where(inside), [0, 1])

    def size_of(bucket: Tensor) -> Any:
        sizes = convert_to_tensor(bucket_batch_sizes, dtypes.int64)
        return F.GatherV2(sizes, bucket, convert_to_tensor(0))

    def filled_to(grouped: DatasetV2, end: Tensor | None) -> Any:
        def shape_of(spec: Structure, given: Structure) -> Any:
            sizes: list[Any] = [
                end if size is None and pad_to_bucket_boundary else size
                for size in shapes.TensorShape(given).as_list()
            ]
            if end is not None and any(size is end for size in sizes):
                parts = [
                    s
                    if s is end
                    else convert_to_tensor(-1 if s is None else s, dtypes.int64)
                    for s in sizes
                ]
                return F.Pack(parts)
            return shapes.TensorShape(sizes)

        specs = grouped.element_spec
        wanted = padded_shapes
        given = (
            [spec.shape for spec in elements.flat(specs)]
            if wanted is None
            else elements.shapes_for(specs, wanted)
        )
        pairs = zip(elements.flat(specs), given, strict=True)
        return elements.replaced(specs, [shape_of(*pair) for pair in pairs])

    def batches(bucket: Tensor, grouped: DatasetV2) -> Any:
        size = size_of(bucket)
        if no_padding:
            return grouped.batch(size, drop_remainder=drop_remainder)
        end = None
        if pad_to_bucket_boundary:
            last = convert_to_tensor(len(bucket_boundaries), dtypes.int64)
            check = Assert(
                F.Less(bucket, last),
                [
                    "When pad_to_bucket_boundary=True, elements must have length < "
                    "max(bucket_boundaries)."
                ],
            )
            with control_dependencies([] if check is None else [check]):
                bucket = identity(bucket)
            ends = convert_to_tensor(bucket_boundaries, dtypes.int64)
            end = F.Sub(F.GatherV2(ends, bucket, convert_to_tensor(0)), _one())
        wanted = filled_to(grouped, end)
        return grouped.padded_batch(
            size, wanted, padding_values, drop_remainder=drop_remainder
        )

    return lambda dataset: dataset.apply(
        group_by_window(bucket_of, batches, window_size_func=size_of)
    )


def _one() -> Any:
    return convert_to_tensor(1, dtypes.int64)
