"""Datasets: sequences of elements, made of tensors or of other datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.data import elements, iterator
from retrograd.data.functions import Traced, traced
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec
from retrograd.ops.declare import F
from retrograd.util.tracking import Trackable

if TYPE_CHECKING:
    from retrograd.graph.function import FuncGraph
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure, TensorLike


class DatasetV2(Trackable):
    """A sequence of elements; each is a tensor, or a structure of tensors.

    Args:
      variant_tensor: the tensor that stands for it.
      element_spec: the TensorSpecs of an element.
    """

    _called = "Dataset"

    def __init__(self, variant_tensor: Tensor, element_spec: Structure) -> None:
        self._variant_tensor = variant_tensor
        self._element_spec = element_spec

    @property
    def element_spec(self) -> Any:
        """What is known about the tensors of an element."""
        return self._element_spec

    def __repr__(self) -> str:
        found = elements.mapped(str, elements.shapes_of(self._element_spec))
        types = elements.mapped(repr, elements.types_of(self._element_spec))
        texts = [str(part).replace("'", "") for part in (found, types)]
        return f"<{self._called} shapes: {texts[0]}, types: {texts[1]}>"

    def __iter__(self) -> Iterator[Any]:
        if not context.executing_eagerly() and not _in_function():
            raise RuntimeError(
                "__iter__() is only supported inside of tf.function or when eager "
                "execution is enabled."
            )
        return iterator.IteratorV2(self)

    def _with(
        self, op: Callable[..., Any], *inputs: object, specs: Structure = None
    ) -> Any:
        """A dataset of this kind that an op makes, by default with such elements."""
        specs = self._element_spec if specs is None else specs
        kind = DatasetV1 if isinstance(self, DatasetV1) else DatasetV2
        return kind(op(*inputs, **elements.attrs_of(specs)), specs)

    def _of_this(
        self, op: Callable[..., Any], *inputs: object, specs: Structure = None
    ) -> Any:
        return self._with(op, self._variant_tensor, *inputs, specs=specs)

    # ------------------------------------------------------------------ sources

    @classmethod
    def from_tensors(cls, tensors: Structure) -> Any:
        """A dataset of one element."""
        element = elements.normalized(tensors)
        return cls._source(F.TensorDataset, element, elements.specs_of(element))

    @classmethod
    def from_tensor_slices(cls, tensors: Structure) -> Any:
        """A dataset with an element for each row of the tensors.

        Raises:
          ValueError: a tensor has no rows, or another number of them.
        """
        element = elements.normalized(tensors)
        rows = shapes.Dimension(None)
        for tensor in elements.flat(element):
            if tensor.shape.rank == 0:
                raise ValueError(f"Value {tensor} has insufficient rank for batching.")
            rows = rows.merge_with(tensor.shape[0] if tensor.shape.rank else None)
        specs = elements.mapped(lambda t: TensorSpec(t.shape[1:], t.dtype), element)
        return cls._source(F.TensorSliceDataset, element, specs)

    @classmethod
    def _source(
        cls, op: Callable[..., Any], element: Structure, specs: Structure
    ) -> Any:
        attrs = elements.attrs_of(specs)
        made = op(elements.flat(element), output_shapes=attrs["output_shapes"])
        return cls(made, specs)

    @classmethod
    def range(cls, *args: TensorLike) -> Any:
        """The int64 numbers `(stop)`, `(start, stop)` or `(start, stop, step)`."""
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid arguments to RangeDataset: {args}")
        start, stop, step = {1: (0, *args, 1), 2: (*args, 1)}.get(len(args), args)
        specs = TensorSpec([], dtypes.int64)
        inputs = [
            _int64(value, name)
            for name, value in (("start", start), ("stop", stop), ("step", step))
        ]
        return cls(F.RangeDataset(*inputs, **elements.attrs_of(specs)), specs)

    @classmethod
    def zip(cls, datasets: Structure) -> Any:
        """Elements side by side, in the structure that the datasets are given in.

        Raises:
          TypeError: something else among the datasets.
        """
        parts = elements.flat(datasets)
        if not all(isinstance(part, DatasetV2) for part in parts):
            raise TypeError(
                "The argument to `Dataset.zip()` must be a nested structure of "
                "`Dataset` objects."
            )
        specs = elements.mapped(lambda part: part.element_spec, datasets)
        inputs = [part._variant_tensor for part in parts]
        return cls(F.ZipDataset(inputs, **elements.attrs_of(specs)), specs)

    # ------------------------------------------------------------------ of this one

    def concatenate(self, dataset: DatasetV2) -> Any:
        """The elements of this dataset, then those of another.

        Raises:
          TypeError: the types of their elements differ.
        """
        mine, theirs = self._element_spec, dataset.element_spec
        types = elements.types_of(mine), elements.types_of(theirs)
        if types[0] != types[1]:
            raise TypeError(
                f"Two datasets to concatenate have different types {types[0]} and "
                f"{types[1]}"
            )
        rest = iter(elements.flat(theirs))
        specs = elements.mapped(
            lambda spec: spec.most_specific_compatible_type(next(rest)), mine
        )
        return self._of_this(F.ConcatenateDataset, dataset._variant_tensor, specs=specs)

    def prefetch(self, buffer_size: TensorLike) -> Any:
        """The same elements."""
        return self._of_this(F.PrefetchDataset, _int64(buffer_size, "buffer_size"))

    def repeat(self, count: TensorLike | None = None) -> Any:
        """The elements `count` times, by default for ever."""
        return self._of_this(F.RepeatDataset, _count(count))

    def take(self, count: TensorLike) -> Any:
        """The first `count` elements; all where it is −1."""
        return self._of_this(F.TakeDataset, _count(count))

    def skip(self, count: TensorLike) -> Any:
        """The elements but for the first `count`; none where it is −1."""
        return self._of_this(F.SkipDataset, _count(count))

    def shard(self, num_shards: TensorLike, index: TensorLike) -> Any:
        """Every `num_shards`-th element, from the one with the number `index` on."""
        return self._of_this(
            F.ShardDataset, _int64(num_shards, "num_shards"), _int64(index, "index")
        )

    def batch(self, batch_size: TensorLike, drop_remainder: TensorLike = False) -> Any:
        """Elements put together along a new first axis.

        Args:
          batch_size: how many.
          drop_remainder: whether to leave out a last batch that is smaller.
        """
        rows = None
        if drop_remainder is True and isinstance(batch_size, int):
            rows = batch_size
        specs = elements.mapped(
            lambda spec: TensorSpec(
                shapes.TensorShape([rows]).concatenate(spec.shape), spec.dtype
            ),
            self._element_spec,
        )
        return self._of_this(
            F.BatchDatasetV2,
            _int64(batch_size, "batch_size"),
            convert_to_tensor(drop_remainder, dtypes.bool, "drop_remainder"),
            specs=specs,
        )

    # -------------------------------------------------------------- by functions

    def map(
        self, map_func: Callable[..., Any], num_parallel_calls: TensorLike | None = None
    ) -> Any:
        """What a function makes of each element.

        Args:
          map_func: takes the parts of an element that is a tuple, else the element;
            returns the parts of the new one.
          num_parallel_calls: how many at once; the order stays.
        """

        def outputs(returned: Structure) -> tuple[Any, list[Any]]:
            element = elements.normalized(_as_element(returned))
            return elements.specs_of(element), elements.flat(element)

        made = traced(map_func, self._element_spec, "Dataset_map", outputs)
        op, extra = F.MapDataset, ()
        if num_parallel_calls is not None:
            count = convert_to_tensor(
                num_parallel_calls, dtypes.int32, "num_parallel_calls"
            )
            op, extra = F.ParallelMapDataset, (count,)
        return self._by_function(op, made, extra, specs=made.result, f=made.graph)

    def filter(self, predicate: Callable[..., Any]) -> Any:
        """The elements for which a function gives True.

        Raises:
          ValueError: it gives something else than one bool.
        """

        def outputs(returned: TensorLike) -> tuple[Any, list[Any]]:
            chosen = convert_to_tensor(returned)
            if chosen.dtype != dtypes.bool or chosen.shape.rank not in (None, 0):
                raise ValueError(
                    "`predicate` return type must be convertible to a scalar boolean "
                    f"tensor. Was {TensorSpec(chosen.shape, chosen.dtype)}."
                )
            return None, [chosen]

        made = traced(predicate, self._element_spec, "Dataset_filter", outputs)
        return self._by_function(F.FilterDataset, made, predicate=made.graph)

    def flat_map(self, map_func: Callable[..., Any]) -> Any:
        """The elements of the datasets that a function makes, one after another.

        Raises:
          TypeError: the function makes something else.
        """

        def outputs(returned: object) -> tuple[Any, list[Any]]:
            if not isinstance(returned, DatasetV2):
                raise TypeError(
                    f"`map_func` must return a `Dataset` object. Got {type(returned)}"
                )
            return returned.element_spec, [returned._variant_tensor]

        made = traced(map_func, self._element_spec, "Dataset_flat_map", outputs)
        return self._by_function(
            F.FlatMapDataset, made, specs=made.result, f=made.graph
        )

    def _by_function(
        self,
        op: Callable[..., Any],
        made: Traced,
        extra: tuple[Tensor, ...] = (),
        specs: Structure = None,
        **function: FuncGraph,
    ) -> Any:
        specs = self._element_spec if specs is None else specs
        kind = DatasetV1 if isinstance(self, DatasetV1) else DatasetV2
        attrs = elements.attrs_of(specs)
        inputs = (self._variant_tensor, made.others, *extra)
        return kind(op(*inputs, **function, **attrs), specs)

    def apply(self, transformation_func: Callable[[Any], Any]) -> Any:
        """What a function from a dataset to a dataset makes of this one.

        Raises:
          TypeError: it is no dataset.
        """
        made = transformation_func(self)
        if not isinstance(made, DatasetV2):
            raise TypeError(f"`transformation_func` must return a Dataset. Got {made}.")
        return made


class DatasetV1(DatasetV2):
    """A dataset as version 1 has it. See `DatasetV2`."""

    _called = "DatasetV1Adapter"

    def make_one_shot_iterator(self) -> Any:
        """An iterator that begins by itself, and ends once."""
        return iterator.one_shot(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """An iterator that begins when its initializer is run."""
        return iterator.initializable(self, shared_name)

    @property
    def output_classes(self) -> Any:
        """The Python types of an element's parts."""
        return elements.classes_of(self.element_spec)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of an element's tensors."""
        return elements.shapes_of(self.element_spec)

    @property
    def output_types(self) -> Any:
        """The dtypes of an element's tensors."""
        return elements.types_of(self.element_spec)


def _in_function() -> bool:
    return context.get_default_graph().building_function


def _int64(value: TensorLike, name: str) -> Any:
    return convert_to_tensor(value, dtypes.int64, name)


def _count(count: TensorLike | None) -> Any:
    return _int64(-1 if count is None else count, "count")


def rebatched(dataset: DatasetV2, count: int) -> Any:
    """Each batch of a dataset in `count` parts, one after the other.

    Raises:
      ValueError: the elements are no batches: a tensor has no rows.
    """

    def part(spec: TensorSpec) -> TensorSpec:
        if spec.shape.rank == 0:
            raise ValueError(
                "Input shape should have at least one dimension. Perhaps your input "
                "dataset is not batched?"
            )
        if spec.shape.rank is None:
            return TensorSpec(None, spec.dtype)
        rows, *others = spec.shape.as_list()
        if rows is not None:
            rows = None if rows % count else rows // count
        return TensorSpec([rows, *others], spec.dtype)

    return dataset._of_this(
        F.RebatchDataset,
        _int64(count, "num_replicas"),
        specs=elements.mapped(part, dataset.element_spec),
    )


# ---------------------------------------------------------------------- functions


def make_one_shot_iterator(dataset: DatasetV2) -> Any:
    """An iterator that begins by itself, and ends once."""
    return iterator.one_shot(dataset)


def make_initializable_iterator(
    dataset: DatasetV2, shared_name: str | None = None
) -> Any:
    """An iterator that begins when its initializer is run."""
    return iterator.initializable(dataset, shared_name)


def get_legacy_output_types(dataset_or_iterator: Any) -> Any:
    """The dtypes of the tensors of its elements."""
    return elements.types_of(dataset_or_iterator.element_spec)


def get_legacy_output_shapes(dataset_or_iterator: Any) -> Any:
    """The static shapes of the tensors of its elements."""
    return elements.shapes_of(dataset_or_iterator.element_spec)


def get_legacy_output_classes(dataset_or_iterator: Any) -> Any:
    """The Python types of the parts of its elements."""
    return elements.classes_of(dataset_or_iterator.element_spec)


def _as_element(returned: Structure) -> Any:
    """What a function returned; a list is the parts of an element."""
    return tuple(returned) if isinstance(returned, list) else returned
