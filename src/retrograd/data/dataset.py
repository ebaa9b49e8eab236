"""`tf.data.Dataset`, as version 1 and version 2 have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.data import elements, iterator
from retrograd.data.base import DatasetBase, int64
from retrograd.data.base import DatasetSpec as DatasetSpec
from retrograd.data.base import from_variant as from_variant
from retrograd.data.base import to_variant as to_variant
from retrograd.data.by_functions import ByFunctions
from retrograd.data.options import AutotuneAlgorithm as AutotuneAlgorithm
from retrograd.data.options import Options as Options
from retrograd.data.sources import Sources
from retrograd.data.transformations import Transformations
from retrograd.graph.specs import CompositeTensor, TensorSpec
from retrograd.ops.declare import F
from retrograd.util.tracking import Trackable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure, TensorLike


class DatasetV2(Trackable, CompositeTensor, Sources, Transformations, ByFunctions):
    """A sequence of elements; each is a tensor, or a structure of tensors.

    Args:
      variant_tensor: the tensor that stands for it.
      element_spec: the specs of an element's parts.
    """

    _called = "Dataset"

    @property
    def _type_spec(self) -> DatasetSpec:
        return DatasetSpec(self.element_spec)


class DatasetV1(DatasetV2):
    """A dataset as version 1 has it. See `DatasetV2`."""

    _called = "DatasetV1Adapter"

    def __init__(
        self, variant_tensor: Tensor | None = None, element_spec: Structure = None
    ) -> None:
        made_of = None
        if isinstance(variant_tensor, DatasetV2):
            # one of version 2, taken for one of version 1
            made_of = variant_tensor
            element_spec = made_of.element_spec
            variant_tensor = made_of._variant_tensor
        handle = variant_tensor
        super().__init__(
            self._as_variant_tensor() if handle is None else handle, element_spec
        )
        if made_of is not None:
            self._made_of, self._own_options = (made_of,), made_of._own_options

    def _as_variant_tensor(self) -> Any:
        raise NotImplementedError("Dataset._as_variant_tensor")

    def make_one_shot_iterator(self) -> Any:
        """An iterator that begins by itself, and ends once."""
        return iterator.one_shot(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """An iterator that begins when its initializer is run."""
        return iterator.initializable(self, shared_name)

    _make_one_shot_iterator = make_one_shot_iterator
    _make_initializable_iterator = make_initializable_iterator

    def map_with_legacy_function(
        self, map_func: Callable[..., Any], num_parallel_calls: TensorLike | None = None
    ) -> Any:
        """As `map`."""
        return self.map(map_func, num_parallel_calls)

    def filter_with_legacy_function(self, predicate: Callable[..., Any]) -> Any:
        """As `filter`."""
        return self.filter(predicate)

    @property
    def output_classes(self) -> Any:
        """The Python types of an element's parts."""
        return elements.classes_of(self.element_spec)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of an element's parts."""
        return elements.shapes_of(self.element_spec)

    @property
    def output_types(self) -> Any:
        """The dtypes of an element's parts."""
        return elements.types_of(self.element_spec)


DatasetBase._kind = DatasetV2
DatasetV1._kind = DatasetV1
DatasetV1Adapter = DatasetV1


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
        int64(count, "num_replicas"),
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


def get_structure(dataset_or_iterator: Structure) -> Any:
    """What is known about the parts of its elements.

    Raises:
      TypeError: it is neither a dataset nor an iterator.
    """
    try:
        return dataset_or_iterator.element_spec
    except AttributeError:
        raise TypeError(
            "`dataset_or_iterator` must be a Dataset or Iterator object, but got "
            f"{type(dataset_or_iterator)}."
        ) from None


def get_legacy_output_types(dataset_or_iterator: Structure) -> Any:
    """The dtypes of the parts of its elements."""
    return elements.types_of(get_structure(dataset_or_iterator))


def get_legacy_output_shapes(dataset_or_iterator: Structure) -> Any:
    """The static shapes of the parts of its elements."""
    return elements.shapes_of(get_structure(dataset_or_iterator))


def get_legacy_output_classes(dataset_or_iterator: Structure) -> Any:
    """The Python types of the parts of its elements."""
    return elements.classes_of(get_structure(dataset_or_iterator))
