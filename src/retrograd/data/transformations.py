"""Datasets that are made of others without a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.data import elements, kinds, padding
from retrograd.data.base import DatasetBase, DatasetSpec, int64
from retrograd.data.seeds import get_seed
from retrograd.graph.composite import SparseTensorSpec
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.hooks import hooks
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike


class Transformations(DatasetBase):
    """The part of a dataset class that makes other datasets of one."""

    def concatenate(self, dataset: DatasetBase) -> Any:
        """The elements of this dataset, then those of another.

        Raises:
          TypeError: the types of their elements differ.
        """
        mine, theirs = self.element_spec, dataset.element_spec
        types = elements.types_of(mine), elements.types_of(theirs)
        if types[0] != types[1]:
            raise TypeError(
                f"Two datasets to concatenate have different types {types[0]} and "
                f"{types[1]}"
            )
        classes = elements.classes_of(mine), elements.classes_of(theirs)
        if classes[0] != classes[1]:
            raise TypeError(
                f"Two datasets to concatenate have different classes {classes[0]} and "
                f"{classes[1]}"
            )
        rest = iter(elements.flat(theirs))
        specs = elements.mapped(
            lambda spec: spec.most_specific_compatible_type(next(rest)), mine
        )
        inputs = self._variant_tensor, dataset._variant_tensor
        made = F.ConcatenateDataset(*inputs, **elements.attrs_of(specs))
        return self._next(made, specs, dataset)

    def prefetch(self, buffer_size: TensorLike | None) -> Any:
        """The same elements, some of them made ahead.

        Args:
          buffer_size: how many at most; `tf.data.experimental.AUTOTUNE` or None to
            leave it to the library.
        """
        size = -1 if buffer_size is None else buffer_size
        return self._of_this(F.PrefetchDataset, int64(size, "buffer_size"))

    def repeat(self, count: TensorLike | None = None) -> Any:
        """The elements `count` times, by default for ever."""
        return self._of_this(F.RepeatDataset, _count(count))

    def enumerate(self, start: TensorLike = 0) -> Any:
        """Pairs of a number, counted up, and an element."""
        numbers = self._kind.range(start, dtypes.int64.max)
        return self._kind.zip((numbers, self))

    def shuffle(
        self,
        buffer_size: TensorLike,
        seed: TensorLike | None = None,
        reshuffle_each_iteration: bool | None = None,
    ) -> Any:
        """The elements in an order that is drawn.

        Args:
          buffer_size: from how many elements the next is drawn; with as many as there
            are all orders are equally likely.
          seed: the seed of the order.
          reshuffle_each_iteration: whether a dataset that is repeated has another order
            each time, as by default.
        """
        size = int64(buffer_size, "buffer_size")
        seeds = get_seed(seed)
        anew = True if reshuffle_each_iteration is None else reshuffle_each_iteration
        if anew and hooks.version_2_enabled():
            handle, deleter = F.AnonymousRandomSeedGenerator(*seeds)
            made = self._of_this(F.ShuffleDatasetV2, size, handle)
            made._seed_generator = handle, deleter
            return made
        return self._of_this(
            F.ShuffleDataset, size, *seeds, reshuffle_each_iteration=anew
        )

    def cache(self, filename: TensorLike = "") -> Any:
        """The same elements, kept when they are first made.

        Args:
          filename: the file that they are kept in; by default memory.
        """
        path = convert_to_tensor(filename, dtypes.string, "filename")
        if hooks.version_2_enabled():
            handle, deleter = F.AnonymousMemoryCache()
            made = self._of_this(F.CacheDatasetV2, path, handle)
            made._cache = handle, deleter
            return made
        return self._of_this(F.CacheDataset, path)

    def take(self, count: TensorLike) -> Any:
        """The first `count` elements; all where it is −1."""
        return self._of_this(F.TakeDataset, _count(count))

    def skip(self, count: TensorLike) -> Any:
        """The elements but for the first `count`; none where it is −1."""
        return self._of_this(F.SkipDataset, _count(count))

    def shard(self, num_shards: TensorLike, index: TensorLike) -> Any:
        """Every `num_shards`-th element, from the one with the number `index` on."""
        return self._of_this(
            F.ShardDataset, int64(num_shards, "num_shards"), int64(index, "index")
        )

    def batch(self, batch_size: TensorLike, drop_remainder: TensorLike = False) -> Any:
        """Elements put together along a new first axis.

        Args:
          batch_size: how many.
          drop_remainder: whether to leave out a last batch that is smaller.
        """
        rows = padding.rows_of(batch_size, drop_remainder)
        return self._of_this(
            F.BatchDatasetV2,
            int64(batch_size, "batch_size"),
            convert_to_tensor(drop_remainder, dtypes.bool, "drop_remainder"),
            specs=elements.batched(self.element_spec, rows),
        )

    def padded_batch(
        self,
        batch_size: TensorLike,
        padded_shapes: Structure,
        padding_values: Structure = None,
        drop_remainder: TensorLike = False,
    ) -> Any:
        """Elements put together, each filled up to the shape of the largest.

        Args:
          batch_size: how many.
          padded_shapes: for each part of an element its shape when filled up; None or
            −1 is the largest of a batch.
          padding_values: for each part what it is filled up with; by default 0 or "".
          drop_remainder: whether to leave out a last batch that is smaller.

        Raises:
          TypeError: a part is no tensor, or a value of another type.
          ValueError: a shape does not go with a part's.
        """
        size = int64(batch_size, "batch_size")
        wanted = padding.padded(self.element_spec, padded_shapes, padding_values)
        rows = padding.rows_of(batch_size, drop_remainder)
        specs = padding.specs_of(self.element_spec, wanted.shapes, rows)
        made = F.PaddedBatchDatasetV2(
            self._variant_tensor,
            size,
            wanted.shapes,
            wanted.values,
            convert_to_tensor(drop_remainder, dtypes.bool, "drop_remainder"),
            output_shapes=elements.attrs_of(specs)["output_shapes"],
        )
        return self._next(made, specs)

    def window(
        self,
        size: TensorLike,
        shift: TensorLike | None = None,
        stride: TensorLike = 1,
        drop_remainder: TensorLike = False,
    ) -> Any:
        """Datasets of elements that follow each other, one for each part of an element.

        Args:
          size: how many elements.
          shift: how far a window is from the next, by default its size.
          stride: how far its elements are from each other.
          drop_remainder: whether to leave out windows that are smaller.
        """
        specs = elements.mapped(DatasetSpec, self.element_spec)
        return self._of_this(
            F.WindowDataset,
            int64(size, "size"),
            int64(size if shift is None else shift, "shift"),
            int64(stride, "stride"),
            convert_to_tensor(drop_remainder, dtypes.bool, "drop_remainder"),
            specs=specs,
        )

    def unbatch(self) -> Any:
        """The rows of each element, one after the other.

        Raises:
          ValueError: a part has no rows, or another number of them.
        """
        made = unbatched(self)
        made._called = "_UnbatchDataset"
        return made


def unbatched(dataset: DatasetBase) -> Any:
    """See `Transformations.unbatch`."""
    specs = elements.unbatched(dataset.element_spec)
    sizes = [spec.shape[:1] for spec in elements.flat(dataset.element_spec)]
    if any(not size.is_compatible_with(sizes[0]) for size in sizes):
        raise ValueError(
            "Cannot unbatch an input whose components have different batch sizes."
        )
    return _in_rows(dataset)._of_this(F.UnbatchDataset, specs=specs)


def _in_rows(dataset: Structure) -> Any:
    """A dataset whose sparse parts are carried by a row of variants for each of theirs.

    It says nothing else of its elements than the tensors that carry them.
    """
    specs = dataset.element_spec
    leaves = elements.flat(specs)
    if not any(isinstance(spec, SparseTensorSpec) for spec in leaves):
        return dataset
    carriers = elements.mapped(kinds.carrier, specs)

    def rows(*parts: Structure) -> Any:
        element = parts if type(specs) is tuple else parts[0]
        tensors = [
            kinds.rows_carried(spec, value)
            for spec, value in zip(leaves, elements.flat(element), strict=True)
        ]
        return elements.replaced(carriers, tensors)

    return dataset.map(rows)


def _count(count: TensorLike | None) -> Any:
    return int64(-1 if count is None else count, "count")
