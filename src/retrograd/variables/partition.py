"""Variables in several parts: how a shape is split, and the parts taken as one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import register_tensor_conversion_function
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import (
        DTypeLike,
        FullShape,
        Partitioner,
        TensorLike,
    )
    from retrograd.variables.variable import Variable

# ---------------------------------------------------------------------- splitting


def _sequence(value: object, name: str) -> None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(
            f"`{name}` must be a sequence (like tuple or list) instead of "
            f"{type(value).__name__}"
        )


class PartitionInfo:
    """Which part of a whole an initializer is asked for.

    Attributes:
      full_shape: the shape of the whole.
      var_offset: where the part begins along each axis.
    """

    def __init__(self, full_shape: Sequence[int], var_offset: Sequence[int]) -> None:
        _sequence(full_shape, "full_shape")
        _sequence(var_offset, "var_offset")
        if len(var_offset) != len(full_shape):
            raise ValueError(
                f"Expected equal length, but `var_offset` is of length "
                f"{len(var_offset)} while full_shape is of length {len(full_shape)}."
            )
        for offset, size in zip(var_offset, full_shape, strict=True):
            if offset < 0 or offset >= size:
                raise ValueError(
                    f"Expected 0 <= offset < shape but found offset={offset}, "
                    f"shape={size} for var_offset={var_offset}, "
                    f"full_shape={full_shape}"
                )
        self._full_shape = full_shape
        self._var_offset = var_offset

    @property
    def full_shape(self) -> Sequence[int]:
        """The shape of the whole."""
        return self._full_shape

    @property
    def var_offset(self) -> Sequence[int]:
        """Where the part begins along each axis."""
        return self._var_offset

    def single_offset(self, shape: Sequence[int]) -> int:
        """Where the part of that shape begins along the one axis that is split."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """The axis that is split; None where the part is the whole.

        Raises:
          TypeError, ValueError: `shape` is not that of such a part.
        """
        _sequence(shape, "shape")
        full, offset = self.full_shape, self.var_offset
        if len(shape) != len(full):
            raise ValueError(
                f"Expected equal length, but received shape={shape} of length "
                f"{len(shape)} while self.full_shape={full} is of length {len(full)}."
            )
        found = None
        for axis, size in enumerate(shape):
            if offset[axis] + size > full[axis]:
                raise ValueError(
                    f"With self.var_offset={offset}, a partition of shape={shape} "
                    f"would exceed self.full_shape={full} in dimension {axis}."
                )
        for axis, size in enumerate(shape):
            if size == full[axis]:
                continue
            if found is not None:
                raise ValueError(
                    f"Cannot use single_slice_dim() with shape={shape} and "
                    f"self.full_shape={full} since slice dim could be either dimension "
                    f"{axis} or {found}."
                )
            found = axis
        return found


def call_partitioner(
    partitioner: Partitioner, shape: shapes.TensorShape, dtype: DTypeLike
) -> Sequence[int]:
    """Into how many parts each axis is split.

    Raises:
      ValueError: the shape is not known, or the partitioner splits more than one axis.
    """
    if not shape.is_fully_defined():
        raise ValueError(
            "Shape of a new partitioned variable must be fully defined, but instead "
            f"was {shape}."
        )
    if len(shape) < 1:
        raise ValueError(
            f"A partitioned Variable must have rank at least 1, shape: {shape}"
        )
    counts = partitioner(shape=shape, dtype=dtype)
    if not isinstance(counts, Sequence):
        raise ValueError(f"Partitioner must return a sequence, but saw: {counts}")
    if len(counts) != shape.ndims:
        raise ValueError(
            "Partitioner returned a partition list that does not match the Variable's "
            f"rank: {counts} vs. {shape}"
        )
    if any(count < 1 for count in counts):
        raise ValueError(
            f"Partitioner returned zero partitions for some axes: {counts}"
        )
    if sum(count > 1 for count in counts) > 1:
        raise ValueError(
            f"Can only slice a variable along one dimension: shape: {shape}, "
            f"partitioning: {counts}"
        )
    return counts


def split_axis(counts: Sequence[int]) -> tuple[int, int]:
    """The axis that is split, and into how many parts."""
    return next(((a, count) for a, count in enumerate(counts) if count > 1), (0, 1))


def slices_of(
    full_shape: Sequence[int], count: int, axis: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Offset and shape of each part; the first ones are one larger if need be."""
    size, larger = divmod(full_shape[axis], count)
    start = 0
    for i in range(count):
        offset, shape = [0] * len(full_shape), list(full_shape)
        offset[axis] = start
        shape[axis] = size + (i < larger)
        start += shape[axis]
        yield offset, shape


# ---------------------------------------------------------------------- partitioners


def _element_size(dtype: dtypes.DType, bytes_per_string_element: int) -> int:
    if dtype.base_dtype is dtypes.string:
        return bytes_per_string_element
    return dtype.size


def variable_axis_size_partitioner(
    max_shard_bytes: int,
    axis: int = 0,
    bytes_per_string_element: int = 16,
    max_shards: int | None = None,
) -> Callable[..., list[int]]:
    """A partitioner that keeps parts below a number of bytes, where it can.

    Args:
      max_shard_bytes: how large a part may be.
      axis: the axis that is split.
      bytes_per_string_element: what a string is taken to need.
      max_shards: how many parts there may be.

    Raises:
      ValueError: a number is not positive.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError(
            "Both max_shard_bytes and bytes_per_string_element must be positive."
        )
    if max_shards and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def partitioner(shape: shapes.TensorShape, dtype: dtypes.DType) -> list[int]:
        if not isinstance(shape, shapes.TensorShape):
            raise ValueError(f"shape is not a TensorShape: {shape}")
        if not shape.is_fully_defined():
            raise ValueError(f"shape is not fully defined: {shape}")
        if not isinstance(dtype, dtypes.DType):
            raise ValueError(f"dtype is not a DType: {dtype}")
        sizes: list[Any] = shape.as_list()
        element = _element_size(dtype, bytes_per_string_element)
        slice_bytes = math.prod(sizes) / sizes[axis] * element
        slices_per_shard = max(1, math.floor(max_shard_bytes / slice_bytes))
        shards = math.ceil(sizes[axis] / slices_per_shard)
        counts = [1] * len(sizes)
        counts[axis] = min(max_shards, shards) if max_shards else shards
        return counts

    return partitioner


def min_max_variable_partitioner(
    max_partitions: int = 1,
    axis: int = 0,
    min_slice_size: int = 256 << 10,
    bytes_per_string_element: int = 16,
) -> Callable[..., list[int]]:
    """A partitioner with as many parts as have at least a number of bytes each.

    Args:
      max_partitions: how many parts there may be.
      axis: the axis that is split.
      min_slice_size: how many bytes a part must have.
      bytes_per_string_element: what a string is taken to need.
    """

    def partitioner(shape: shapes.TensorShape, dtype: dtypes.DType) -> list[int]:
        if axis >= len(shape):
            raise ValueError(
                f"Can not partition variable along axis {axis} when shape is only "
                f"{shape}"
            )
        sizes: list[Any] = shape.as_list()
        element = _element_size(dtype, bytes_per_string_element)
        wanted = math.ceil(math.prod(sizes) * element / min_slice_size)
        counts = [1] * len(sizes)
        counts[axis] = max(1, min(sizes[axis], max_partitions, wanted))
        return counts

    return partitioner


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Callable[..., list[int]]:
    """A partitioner that splits one axis into a number of parts."""

    def partitioner(shape: shapes.TensorShape, **unused: object) -> list[int]:
        sizes: list[Any] = shape.as_list()
        counts = [1] * len(shape)
        counts[axis] = min(num_shards, sizes[axis])
        return counts

    return partitioner


# ---------------------------------------------------------------------- the whole


class PartitionedVariable:
    """Variables that stand for one larger tensor, their concatenation.

    Args:
      name: the name of the whole.
      shape: its shape, a list of ints.
      dtype: the type of the elements.
      variable_list: the parts; each knows its place, `_save_slice_info`.
      partitions: into how many parts each axis is split.

    Raises:
      TypeError: the last two are not lists.
      ValueError: the parts do not make up the whole.
    """

    def __init__(
        self,
        name: str,
        shape: FullShape,
        dtype: DTypeLike,
        variable_list: Sequence[Variable],
        partitions: Sequence[int] | None,
    ) -> None:
        if not isinstance(variable_list, (list, tuple)):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"partitions is not a list or tuple: {partitions}")
        if not all(p >= 1 for p in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        places = [v._get_save_slice_info() for v in variable_list]
        if any(place is None for place in places):
            raise ValueError(
                "All variables must have a save_slice_info available: "
                f"{[v.name for v in variable_list]}"
            )
        if len(shape) != len(partitions):
            raise ValueError(f"len(shape) != len(partitions): {shape} vs. {partitions}")
        for place in places:
            if place.full_shape != shape:
                raise ValueError(
                    f"All variables' full shapes must match shape: {shape}; but full "
                    f"shapes were: {[place.full_shape]}"
                )
        self._variable_list = sorted(
            variable_list, key=lambda v: v._get_save_slice_info().var_offset
        )
        self._name = name
        self._shape = shape
        self._dtype = dtype
        self._partitions = partitions

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        axes = len(self._partition_axes())
        if axes > 1:
            raise ValueError(f"Cannot get a length for {axes} > 1 partition axes")
        return len(self._variable_list)

    def _partition_axes(self) -> list[int]:
        return [i for i, p in enumerate(self._partitions) if p > 1] or [0]

    def _one_axis(self, what: str, kind: str) -> int:
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(
                f"Cannot {what} along more than one dimension: {axes}.  Multi-axis "
                f"partition {kind} is not supported"
            )
        return axes[0]

    def _concat(self) -> Tensor:
        if len(self._variable_list) == 1:
            with dispatch.name_scope(None):
                return F.Identity(self._variable_list[0], name=self._name)
        from retrograd.ops.array.join import concat

        axis = self._one_axis("concatenate", "concat")
        with dispatch.name_scope(f"{self._name}/ConcatPartitions/"):
            joined = concat(self._variable_list, axis)
        with dispatch.name_scope(None):
            return F.Identity(joined, name=self._name)

    def as_tensor(self) -> Tensor:
        """The whole, read without the control dependencies around."""
        with context.get_default_graph().control_dependencies(None):
            return self._concat()

    @property
    def name(self) -> str:
        """The name of the whole."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return self._dtype

    @property
    def shape(self) -> Any:
        """The shape of the whole."""
        return self._shape

    def get_shape(self) -> Any:
        """The shape of the whole."""
        return self._shape

    @property
    def _distribute_strategy(self) -> None:
        return None

    def _get_variable_list(self) -> list[Any]:
        return self._variable_list

    def _get_partitions(self) -> Any:
        return self._partitions

    def _apply_assign_fn(
        self, assign: Callable[..., Any], value: TensorLike | PartitionedVariable
    ) -> list[Any]:
        """Assign to each part its part of `value`, a list or a whole."""
        axis = self._one_axis("do assign action", "assign action")
        if isinstance(value, list):
            values = value
        elif isinstance(value, PartitionedVariable):
            values = list(value)
        else:
            from retrograd.ops.array.join import split

            sizes = [v.shape.as_list()[axis] or 0 for v in self._variable_list]
            values = split(value, sizes, axis=axis)
        return [assign(v, x) for v, x in zip(self._variable_list, values, strict=True)]

    def _changed(
        self,
        method: str,
        value: TensorLike | PartitionedVariable,
        locking: bool,
        name: str | None,
        read_value: bool,
    ) -> list[Any]:
        def assign(variable: Variable, part: TensorLike) -> Any:
            return getattr(variable, method)(
                part, use_locking=locking, name=name, read_value=read_value
            )

        done = self._apply_assign_fn(assign, value)
        return done if read_value else [d.op for d in done]

    def assign(
        self,
        value: TensorLike | PartitionedVariable,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Make `value` the value of the whole; what each part's `assign` gives."""
        return self._changed("assign", value, use_locking, name, read_value)

    def assign_add(
        self,
        value: TensorLike | PartitionedVariable,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Add `value` to the whole; what each part's `assign_add` gives."""
        return self._changed("assign_add", value, use_locking, name, read_value)

    def assign_sub(
        self,
        value: TensorLike | PartitionedVariable,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Subtract `value` from the whole; what each part's `assign_sub` gives."""
        return self._changed("assign_sub", value, use_locking, name, read_value)


def _convert(
    value: PartitionedVariable,
    dtype: dtypes.DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    del name
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for "
            f"variable of type '{value.dtype.name}'"
        )
    if as_ref:
        raise NotImplementedError(
            "PartitionedVariable doesn't support being used as a reference."
        )
    return value.as_tensor()


register_tensor_conversion_function(PartitionedVariable, _convert)
