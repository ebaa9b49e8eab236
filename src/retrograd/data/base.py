"""What all datasets have: the tensor that stands for one, its elements, its options."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from retrograd import dtypes, shapes
from retrograd.data import elements, iterator, kinds
from retrograd.data.functions import Traced
from retrograd.data.options import Options
from retrograd.graph import context
from retrograd.graph.composite import CompositeTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.specs import TensorSpec, TypeSpec
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import ShapeLike, Structure, TensorLike


class DatasetBase:
    """What all datasets have; `DatasetV2` has more bases.

    Args:
      variant_tensor: the tensor that stands for it.
      element_spec: the specs of an element's parts; a subclass may have a property
        `element_spec` instead.
    """

    #: what it is called in texts; a subclass of a program has its own name
    _called: str | None = None
    #: the class of the datasets that are made of this one
    _kind: ClassVar[Any] = None

    def __init__(self, variant_tensor: Tensor, element_spec: Structure = None) -> None:
        self._variant_tensor = variant_tensor
        self._known_spec = element_spec
        self._made_of: tuple[DatasetBase, ...] = ()
        self._captures: Sequence[Any] = ()
        self._own_options: Options | None = None

    @property
    def element_spec(self) -> Any:
        """What is known about the parts of an element."""
        return self._known_spec

    @property
    def _element_spec(self) -> Any:
        return self.element_spec

    def _inputs(self) -> list[Any]:
        return list(self._made_of)

    def __repr__(self) -> str:
        found = elements.mapped(str, elements.shapes_of(self.element_spec))
        types = elements.mapped(repr, elements.types_of(self.element_spec))
        texts = [str(part).replace("'", "") for part in (found, types)]
        called = self._called or type(self).__name__
        return f"<{called} shapes: {texts[0]}, types: {texts[1]}>"

    def __iter__(self) -> Iterator[Any]:
        inside = context.get_default_graph().building_function
        if not context.executing_eagerly() and not inside:
            raise RuntimeError(
                "__iter__() is only supported inside of tf.function or when eager "
                "execution is enabled."
            )
        return iterator.IteratorV2(self)  # pyright: ignore[reportArgumentType]

    # ------------------------------------------------------------------ of this one

    def _of_this(
        self,
        op: Callable[..., Any],
        *inputs: object,
        specs: Structure = None,
        **attrs: object,
    ) -> Any:
        """A dataset that an op makes of this one, by default with such elements."""
        specs = self.element_spec if specs is None else specs
        attrs.update(elements.attrs_of(specs))
        return self._next(op(self._variant_tensor, *inputs, **attrs), specs)

    def _next(
        self, variant_tensor: Tensor, specs: Structure, *others: DatasetBase
    ) -> Any:
        """A dataset that is made of this one, and of others."""
        made = self._kind(variant_tensor, specs)
        made._made_of = (self, *others)
        return made

    def _by_function(
        self,
        op: Callable[..., Any],
        made: Traced,
        extra: Iterable[Any] = (),
        specs: Structure = None,
        **attrs: object,
    ) -> Any:
        """A dataset that a function of the elements of this one makes."""
        found = self._of_this(op, made.others, *extra, specs=specs, **attrs)
        found._captures = made.others
        return found

    # ------------------------------------------------------------------ options

    def options(self) -> Options:
        """The options of this dataset and of those that it is made of."""
        found = Options()
        for source in self._inputs():
            found = found.merge(source.options())
        return found if self._own_options is None else found.merge(self._own_options)

    def with_options(self, options: Options) -> Any:
        """The same dataset, with options besides those that it has.

        Raises:
          ValueError: both say something, and not the same.
          TypeError: something else than options.
        """
        found = self._next(self._variant_tensor, self.element_spec)
        found._own_options = self.options().merge(options)
        return found

    @property
    def _has_captured_ref(self) -> bool:
        if any(t.dtype._is_ref_dtype for t in self._captures):
            return True
        return any(source._has_captured_ref for source in self._inputs())

    def _apply_options(self) -> Any:
        """The dataset as its options want it run."""
        options, made = self.options(), self
        threading = options.experimental_threading
        if threading is not None:
            most = threading.max_intra_op_parallelism
            size = threading.private_threadpool_size
            if most is not None:
                made = made._of_this(F.MaxIntraOpParallelismDataset, int64(most, None))
            if size is not None:
                made = made._of_this(F.PrivateThreadPoolDataset, int64(size, None))
        made = made._optimized(options)
        tuned, algorithm, budget = options._autotune()
        if tuned:
            made = made._of_this(F.ModelDataset, algorithm=algorithm, cpu_budget=budget)
        stats = options.experimental_stats
        if stats is not None and stats.aggregator is not None:
            made = made._of_this(
                F.SetStatsAggregatorDataset,
                stats.aggregator._resource,
                convert_to_tensor(stats.prefix, dtypes.string),
                convert_to_tensor(stats.counter_prefix, dtypes.string),
            )
        return made

    def _optimized(self, options: Options) -> Any:
        wanted = options._static_optimizations()
        if not wanted:
            return self
        if self._has_captured_ref:
            warnings.warn(
                "tf.data static optimizations are not compatible with tf.Variable. The "
                "following optimizations will be disabled: "
                f"{', '.join(wanted)}. To enable optimizations, use resource variables "
                "instead by calling `tf.enable_resource_variables()` at the start of "
                "the program.",
                stacklevel=2,
            )
            return self
        names = convert_to_tensor(wanted, dtypes.string, "optimizations")
        return self._of_this(F.OptimizeDataset, names)


class DatasetSpec(TypeSpec, kinds.Carried):
    """What is known about a dataset.

    Args:
      element_spec: what is known about its elements.
      dataset_shape: the shape of the tensor that stands for it, or for several.
    """

    def __init__(self, element_spec: Structure, dataset_shape: ShapeLike = ()) -> None:
        self._element_spec = element_spec
        self._dataset_shape = shapes.TensorShape(dataset_shape)

    @property
    def _variant_shape(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._dataset_shape

    @property
    def value_type(self) -> Any:
        """The class of datasets."""
        return DatasetBase._kind

    @property
    def _component_specs(self) -> Any:
        return kinds.carrier(self)

    def _to_legacy_output_types(self) -> Any:
        return self

    _to_legacy_output_shapes = _to_legacy_output_classes = _to_legacy_output_types

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec, self._dataset_shape)

    def _to_components(self, value: Structure) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Tensor) -> Any:
        if self._dataset_shape.ndims == 0:
            return from_variant(components, self._element_spec)
        return _Nested(components, self._element_spec, self._dataset_shape)

    @staticmethod
    def from_value(value: DatasetBase) -> DatasetSpec:
        """What is known about a dataset."""
        return DatasetSpec(value.element_spec)

    def _batch(self, batch_size: int | None) -> DatasetSpec:
        shape = shapes.TensorShape([batch_size]).concatenate(self._dataset_shape)
        return DatasetSpec(self._element_spec, shape)

    def _unbatch(self) -> DatasetSpec:
        if self._dataset_shape.ndims == 0:
            raise ValueError("Unbatching a dataset is only supported for rank >= 1")
        return DatasetSpec(self._element_spec, self._dataset_shape[1:])


class _Nested(CompositeTensor):
    """Several datasets in one tensor."""

    def __init__(self, variant: Tensor, specs: Structure, shape: Structure) -> None:
        self._variant_tensor = variant
        self._type = DatasetSpec(specs, shape)

    @property
    def _type_spec(self) -> DatasetSpec:
        return self._type


def from_variant(variant: Tensor, structure: Structure) -> Any:
    """The dataset that a variant tensor stands for.

    Args:
      variant: the tensor.
      structure: what is known about the elements.
    """
    return DatasetBase._kind(variant, structure)


def to_variant(dataset: DatasetBase) -> Tensor:
    """The variant tensor that stands for a dataset."""
    return dataset._variant_tensor


def int64(value: TensorLike, name: str | None) -> Any:
    """A number as an int64 tensor."""
    return convert_to_tensor(value, dtypes.int64, name)


NUMBER = TensorSpec([], dtypes.int64)
