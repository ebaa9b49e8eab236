"""Datasets that begin a pipeline: of tensors, numbers, other datasets, file names."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.data import elements, generator, kinds
from retrograd.data.base import NUMBER, DatasetBase, int64
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.graph.specs import TensorSpec
from retrograd.ops.array.identity import identity
from retrograd.ops.array.tensor_values import constant_value
from retrograd.ops.declare import F
from retrograd.ops.host.printing import Assert
from retrograd.ops.io.files import matching_files

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import ShapeLike, Structure, TensorLike


class Sources(DatasetBase):
    """The part of a dataset class that makes datasets of no other."""

    @classmethod
    def from_tensors(cls, tensors: Structure) -> Any:
        """A dataset of one element."""
        element = elements.normalized(tensors)
        specs = elements.specs_of(element)
        carried = elements.tensors_of(specs, element)
        return cls._source(F.TensorDataset, carried, specs)

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
        whole = elements.specs_of(element)
        specs = elements.unbatched(whole)
        pairs = zip(elements.flat(whole), elements.flat(element), strict=True)
        carried = [kinds.rows_carried(*pair) for pair in pairs]
        return cls._source(F.TensorSliceDataset, carried, specs)

    @classmethod
    def _source(
        cls, op: Callable[..., Any], tensors: list[Any], specs: Structure
    ) -> Any:
        attrs = elements.attrs_of(specs)
        made = op(tensors, output_shapes=attrs["output_shapes"])
        return cls._kind(made, specs)

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Any],
        output_types: Structure,
        output_shapes: Structure = None,
        args: tuple[Any, ...] | None = None,
    ) -> Any:
        """The elements that a Python generator gives, anew for each iterator.

        Args:
          generator: makes something to iterate over.
          output_types: the dtypes of an element's parts, in its structure.
          output_shapes: their shapes; by default unknown.
          args: tensors, whose values the generator is given.

        Raises:
          TypeError: the generator cannot be called, or `args` is no sequence; when
            run, an element has another structure.
        """
        return _generated(cls._kind, generator, output_types, output_shapes, args)

    @classmethod
    def range(cls, *args: TensorLike) -> Any:
        """The int64 numbers `(stop)`, `(start, stop)` or `(start, stop, step)`."""
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid arguments to RangeDataset: {args}")
        start, stop, step = {1: (0, *args, 1), 2: (*args, 1)}.get(len(args), args)
        inputs = [
            int64(value, name)
            for name, value in (("start", start), ("stop", stop), ("step", step))
        ]
        made = F.RangeDataset(*inputs, **elements.attrs_of(NUMBER))
        return cls._kind(made, NUMBER)

    @classmethod
    def zip(cls, datasets: Structure) -> Any:
        """Elements side by side, in the structure that the datasets are given in.

        Raises:
          TypeError: something else among the datasets.
        """
        parts = elements.flat(datasets)
        if not all(isinstance(part, DatasetBase) for part in parts):
            text = (
                "The argument to `Dataset.zip()` must be a nested structure of "
                "`Dataset` objects."
            )
            if any(isinstance(part, list) for part in parts):
                text += (
                    " Nested structures do not support Python lists; please use a "
                    "tuple instead."
                )
            raise TypeError(text)
        specs = elements.mapped(lambda part: part.element_spec, datasets)
        inputs = [part._variant_tensor for part in parts]
        made = cls._kind(F.ZipDataset(inputs, **elements.attrs_of(specs)), specs)
        made._made_of = tuple(parts)
        return made

    @classmethod
    def list_files(
        cls,
        file_pattern: TensorLike,
        shuffle: TensorLike | None = None,
        seed: int | None = None,
    ) -> Any:
        """The names of the files that match a pattern, or several.

        Args:
          file_pattern: the pattern.
          shuffle: whether in another order for each iteration, as by default.
          seed: the seed of that order.

        Raises:
          InvalidArgumentError: (when run) there are no such files.
        """
        shuffle = True if shuffle is None else shuffle
        pattern = convert_to_tensor(file_pattern, dtypes.string, "file_pattern")
        with name_scope(None, "list_files"):
            found = matching_files(pattern)
            count = F.Size(found, out_type=dtypes.int64)
            with name_scope(None, "assert_not_empty"):
                texts = _refusal(pattern)
                check = Assert(F.Greater(count, _zero()), texts, summarize=1)
            with control_dependencies([] if check is None else [check]):
                found = identity(found)
        dataset = cls._kind.from_tensor_slices(found)
        if shuffle:
            dataset = dataset.shuffle(F.Maximum(count, _zero() + 1), seed=seed)
        return dataset

    @classmethod
    def from_sparse_tensor_slices(cls, sparse_tensor: SparseTensor) -> Any:
        """The rows of a sparse tensor: indices, values and shape of each.

        Raises:
          TypeError: it is no sparse tensor.
        """
        if not isinstance(sparse_tensor, SparseTensor):
            raise TypeError(
                "`sparse_tensor` must be a `tf.SparseTensor` object. Was "
                f"{sparse_tensor}."
            )
        sizes = shapes.raw(sparse_tensor.dense_shape.shape) or (None,)
        rank = None if sizes[0] is None else sizes[0] - 1
        specs = (
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], sparse_tensor.dtype),
            TensorSpec([rank], dtypes.int64),
        )
        made = F.SparseTensorSliceDataset(
            sparse_tensor.indices, sparse_tensor.values, sparse_tensor.dense_shape
        )
        return cls._kind(made, specs)


def _zero() -> Any:
    return convert_to_tensor(0, dtypes.int64)


def _refusal(pattern: Tensor) -> list[Any]:
    """What is said where no file matches."""
    first = "No files matched pattern: "
    known = constant_value(pattern)
    if known is None:
        return [first, pattern]
    names = [os.fsdecode(name) for name in np.asarray(known, object).ravel()]
    return [first + ", ".join(names)]


def _generated(
    kind: type[DatasetV2],
    function: Callable[..., Any],
    output_types: Structure,
    output_shapes: ShapeLike | Structure,
    args: tuple[Any, ...] | None,
) -> Any:
    if not callable(function):
        raise TypeError("`generator` must be callable.")
    types = elements.mapped(dtypes.as_dtype, output_types)
    specs = elements.specs_from(types, output_shapes)
    given = () if args is None else args
    if not isinstance(given, tuple | list):
        raise TypeError("values must be a sequence.")
    arguments = tuple(
        convert_to_tensor(value, name=f"args_{i}") for i, value in enumerate(given)
    )
    states = generator.States(function, specs)
    one = kind.from_tensors(0)
    made = one.flat_map(lambda dummy: generator.dataset(kind, states, arguments, dummy))
    made._states = states
    return made
