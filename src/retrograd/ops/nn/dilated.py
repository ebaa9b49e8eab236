"""Convolutions with dilation, and what layers prepare convolutions with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.blocks import required_space_to_batch_paddings
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.declare import F
from retrograd.ops.nn.conv import channel_index, conv1d, conv2d, conv3d, for_each_axis
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.shapes import TensorShape
    from retrograd.typing import Array, Padding, Sizes, TensorLike

    #: one number for each axis
    Numbers: TypeAlias = Sequence[int] | Array
    from retrograd.typing import Operand


def strides_and_rates(
    n: int, strides: Numbers | None, rates: Numbers | None
) -> tuple[np.ndarray, np.ndarray]:
    """Strides and dilation rates of `n` spatial axes, by default ones.

    Raises:
      ValueError: of another length, not positive, or both larger than one.
    """
    found = []
    for name, each, values in (
        ("dilation_rate", "dilation_rate", rates),
        ("strides", "strides", strides),
    ):
        if values is None:
            values = [1] * n
        elif len(values) != n:
            raise ValueError(f"len({name})={len(values)} but should be {n}")
        found.append(np.array(values, np.int32))
        if np.any(found[-1] < 1):
            raise ValueError(f"all values of {each} must be positive")
    apart, steps = found
    if np.any(steps > 1) and np.any(apart > 1):
        raise ValueError(
            "strides > 1 not supported in conjunction with dilation_rate > 1"
        )
    return steps, apart


def with_space_to_batch(
    input: TensorLike,
    dilation_rate: TensorLike,
    padding: Padding,
    op: Callable[[Any, int, str], Any],
    filter_shape: TensorLike | None = None,
    spatial_dims: Iterable[int] | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Apply `op` as if its window's elements lay `dilation_rate` apart.

    The images are cut into interleaved smaller ones, a batch of them, `op` is applied
    with VALID padding, and the results are put together again.

    Args:
      input: [batch, *spatial, …], or as `data_format` says.
      dilation_rate: one number for each spatial axis.
      padding: SAME or VALID.
      op: `f(input, number of spatial axes, padding)`.
      filter_shape: the window's sizes; needed for SAME.
      spatial_dims: the spatial axes, in rising order.
      data_format: NC… if the channels come first.

    Raises:
      ValueError: rates that are not positive, a padding or axes there are not.
    """
    input = convert_to_tensor(input, name="input")
    dilated = _WithSpaceToBatch(
        input.shape,
        dilation_rate,
        padding,
        lambda n, padding: lambda x, _: op(x, n, padding),
        filter_shape,
        spatial_dims,
        data_format,
    )
    return dilated(input, None)


class _WithSpaceToBatch:
    """`with_space_to_batch` prepared for inputs of one shape, to be applied to many."""

    def __init__(
        self,
        input_shape: TensorShape,
        dilation_rate: TensorLike,
        padding: Padding,
        build_op: Callable[[int, Any], Callable[[Any, Any], Any]],
        filter_shape: TensorLike | None = None,
        spatial_dims: Iterable[int] | None = None,
        data_format: str | None = None,
    ) -> None:
        rate = convert_to_tensor(dilation_rate, dtypes.int32, "dilation_rate")
        n = _length(rate)
        self.first = data_format is not None and data_format.startswith("NC")
        self.axes = _spatial_axes(spatial_dims, n, 2 if self.first else 1)
        least = self.axes[-1] + (0 if self.first else 1)
        raw = shapes.raw(input_shape)
        if raw is not None and len(raw) < least:
            raise ValueError(f"input tensor must have rank {least} at least")
        known = constant(rate)
        if known is not None and np.any(known < 1):
            raise ValueError("dilation_rate must be positive")
        if known is not None and np.all(known == 1):
            self.call = build_op(n, padding)
            return
        self.rate, self.known, self.n = rate, known, n
        self.base = self._base_paddings(padding, filter_shape)
        self.raw = raw
        self.op = build_op(n, "VALID")
        self.call = self._dilated

    def _base_paddings(
        self, padding: Padding, filter_shape: TensorLike | None
    ) -> TensorLike | None:
        """The padding before any for the blocks; None if only the filter will tell."""
        if padding == "VALID":
            return np.zeros([self.n, 2], np.int32)
        if padding != "SAME":
            raise ValueError(f"Invalid padding method {padding!r}")
        if filter_shape is None:
            raise ValueError("filter_shape must be specified for SAME padding")
        window = constant(convert_to_tensor(filter_shape, name="filter_shape"))
        return None if window is None else self._around(window)

    def _around(self, window: Tensor | np.ndarray) -> Tensor:
        """SAME padding for a dilated window."""
        rate = self.rate if self.known is None else self.known
        inner = window[: self.n]
        extra = inner + (inner - 1) * (rate - 1) - 1
        before = extra // 2
        after = extra - before
        return stack([[before[i], after[i]] for i in range(self.n)])

    def _dilated(self, x: TensorLike, filter: Any) -> Tensor:
        sizes: Any = None if self.raw is None else [self.raw[i] for i in self.axes]
        if sizes is None or None in sizes:
            all_sizes = sizes_of(x)
            sizes = stack([all_sizes[i] for i in self.axes])
        base = self._around(sizes_of(filter)) if self.base is None else self.base
        paddings, crops = required_space_to_batch_paddings(
            input_shape=sizes, base_paddings=base, block_shape=self.rate
        )
        rate = _for_leading_axes(self.rate, 1, self.axes)
        paddings = _for_leading_axes(paddings, 0, self.axes)
        crops = _for_leading_axes(crops, 0, self.axes)
        small = F.SpaceToBatchND(x, rate, paddings)
        found = F.BatchToSpaceND(self.op(small, filter), rate, crops)
        raw = found._shape_raw
        if self.first and filter is not None and raw is not None and raw[1] is None:
            found.set_shape([raw[0], filter._shape_raw[-1], *raw[2:]])
        return found

    def __call__(self, inp: TensorLike, filter: TensorLike | None) -> Tensor:
        """Apply it."""
        return self.call(inp, filter)


def _length(rate: Tensor) -> int:
    """How many numbers a vector has.

    Raises:
      ValueError: it is no vector, or that is not known.
    """
    raw = rate._shape_raw
    if raw is not None and len(raw) != 1:
        raise ValueError("rate must be rank 1")
    if raw is None or raw[0] is None:
        raise ValueError("rate must have known shape")
    return raw[0]


def _spatial_axes(given: Iterable[int] | None, n: int, first: int) -> list[int]:
    wanted = list(range(first, first + n) if given is None else given)
    axes = sorted({int(axis) for axis in wanted})
    if axes != wanted or any(axis < 1 for axis in axes):
        raise ValueError(
            "spatial_dims must be a montonically increasing sequence of positive "
            "integers"
        )
    return axes


def _for_leading_axes(values: Tensor, neutral: int, axes: Sequence[int]) -> TensorLike:
    """Rows for spatial `axes` as rows for all from 1 on, `neutral` for the rest."""
    known = constant(values)
    rows: Any = values if known is None else known
    width = [d for d in values.shape.as_list()[1:] if d is not None]  # all known
    dtype = values.dtype.as_numpy_dtype
    parts: list[Any] = []
    done = start = 0
    while start < len(axes):
        if axes[start] > 1:
            gap = axes[start] - 1 - done
            parts.append(np.full([gap, *width], neutral, dtype))
        end = start
        while end + 1 < len(axes) and axes[end + 1] == axes[end] + 1:
            end += 1
        parts.append(rows[start : end + 1])
        done, start = axes[end], end + 1
    return np.concatenate(parts) if known is not None else concat(parts, 0)


class _NonAtrousConvolution:
    """A convolution without dilation, of known rank and attributes."""

    def __init__(
        self,
        input_shape: TensorShape,
        filter_shape: TensorShape,
        padding: Padding,
        data_format: str | None = None,
        strides: Numbers | None = None,
        name: str | None = None,
    ) -> None:
        filter_shape = filter_shape.with_rank(input_shape.ndims)
        rank = input_shape.with_rank(filter_shape.ndims).ndims
        if rank is None:
            raise ValueError("Rank of convolution must be known")
        if not 3 <= rank <= 5:
            raise ValueError(
                "`input` and `filter` must have rank at least 3 and at most 5"
            )
        n = rank - 2
        steps = [1] * n if strides is None else list(strides)
        if len(steps) != n:
            raise ValueError(f"len(strides)={len(steps)}, but should be {n}")
        self.padding, self.name, self.n = padding, name, n
        _check_format(data_format, n)
        self.data_format = data_format or (None, "NWC", "NHWC", None)[n]
        index = channel_index(data_format, n)
        self.strides = steps[0] if n == 1 else for_each_axis(steps, n, index, "")

    def __call__(self, inp: TensorLike, filter: TensorLike) -> Tensor:
        """Apply it."""
        function = (None, conv1d, conv2d, conv3d)[self.n]
        assert function is not None
        return function(
            inp,
            filter,
            self.strides,
            self.padding,
            data_format=self.data_format,
            name=self.name,
        )


def _check_format(data_format: str | None, n: int) -> None:
    accepted = {
        1: ("NWC", "NCW", "NHWC", "NCHW"),
        2: ("NHWC", "NCHW"),
        3: ("NDHWC", "NCDHW"),
    }[n]
    if data_format is not None and data_format not in accepted:
        found = f" Have: {data_format}" if n == 3 else ""
        raise ValueError(
            f'data_format must be "{accepted[0]}" or "{accepted[1]}".{found}'
        )


class Convolution:
    """A convolution prepared for inputs and filters of one shape: `convolution`."""

    def __init__(
        self,
        input_shape: shapes.TensorShape,
        filter_shape: shapes.TensorShape,
        padding: Padding,
        strides: Numbers | None = None,
        dilation_rate: Numbers | None = None,
        name: str | None = None,
        data_format: str | None = None,
    ) -> None:
        """Check and keep the arguments.

        Raises:
          ValueError: ranks, channels, strides or rates do not fit.
        """
        rank = filter_shape.ndims
        rank = input_shape.ndims if rank is None else rank
        if rank is None:
            raise ValueError("rank of input or filter must be known")
        n = rank - 2
        for what, shape in (("input", input_shape), ("filter", filter_shape)):
            if shape.ndims not in (None, rank):
                raise ValueError(f"{what} tensor must have rank {rank}")
        index = channel_index(data_format, n)
        channels = shapes.dimension_at_index(input_shape, index)
        wanted = shapes.dimension_at_index(filter_shape, n)
        if not channels.is_compatible_with(wanted):
            raise ValueError(
                "number of input channels does not match corresponding dimension of "
                f"filter, {channels} != {wanted}"
            )
        steps, rates = strides_and_rates(n, strides, dilation_rate)
        self.input_shape, self.filter_shape = input_shape, filter_shape
        self.data_format, self.padding, self.name = data_format, padding, name
        self.strides, self.dilation_rate = steps, rates
        start = 2 if index == 1 else 1
        self.conv_op = _WithSpaceToBatch(
            input_shape,
            rates,
            padding,
            self._plain,
            filter_shape,
            range(start, start + n),
            data_format,
        )

    def _plain(self, n: int, padding: Padding) -> _NonAtrousConvolution:
        del n
        return _NonAtrousConvolution(
            self.input_shape,
            self.filter_shape,
            padding,
            self.data_format,
            self.strides,
            self.name,
        )

    def __call__(self, inp: TensorLike, filter: TensorLike) -> Tensor:
        """The convolution of `inp` with `filter`."""
        return self.conv_op(inp, filter)


def convolution(
    input: Operand,
    filter: Operand,
    padding: Padding,
    strides: Sizes | None = None,
    dilation_rate: Sizes | Array | None = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Operand | None = None,
    dilations: Sizes | None = None,
) -> Tensor:
    """A convolution in one, two or three dimensions.

    Args:
      input: [batch, *spatial, in], or as `data_format` says.
      filter: [*window, in, out].
      padding: SAME or VALID.
      strides: one number for each spatial axis; 1 where rates are larger.
      dilation_rate: how far apart the window's elements lie.
      name: the name of the operations.
      data_format: NWC, NCW, NHWC, NCHW, NDHWC or NCDHW.
      filters, dilations: newer names of `filter` and `dilation_rate`.

    Raises:
      ValueError: ranks, channels, strides or rates do not fit.
    """
    filter = renamed("filters", filters, "filter", filter)
    rate = renamed("dilations", dilations, "dilation_rate", dilation_rate)
    return convolution_internal(
        input, filter, strides, padding, data_format, rate, name
    )


def convolution_v2(
    input: Operand,
    filters: Operand,
    strides: Sizes | None = None,
    padding: Padding = "VALID",
    data_format: str | None = None,
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """As `convolution`."""
    return convolution_internal(
        input, filters, strides, padding, data_format, dilations, name
    )


def _spatial_rank(input: Operand, filters: Operand) -> int:
    """How many spatial axes a convolution has.

    Raises:
      ValueError: not one to three, or not known.
    """
    for value in (input, filters):
        raw = shapes.raw(value.shape)
        if raw is not None:
            if not 3 <= len(raw) <= 5:
                raise ValueError(
                    f"Input tensor must be of rank 3, 4 or 5 but was {len(raw)}."
                )
            return len(raw) - 2
    raise ValueError("rank of input or filter must be known")


def convolution_internal(
    input: Operand,
    filters: Operand,
    strides: Sizes | None = None,
    padding: Padding = "VALID",
    data_format: str | None = None,
    dilations: Sizes | Array | None = None,
    name: str | None = None,
) -> Tensor:
    """As `convolution`; strides and dilations may be given for all axes."""
    n = _spatial_rank(input, filters)
    index = channel_index(data_format, n)
    strides = for_each_axis(strides, n, index, "strides")
    dilations = for_each_axis(dilations, n, index, "dilations")
    with name_scope(name, "convolution", [input, filters]) as scope:
        if all(d == 1 for d in dilations):
            return (conv1d, conv2d, conv3d)[n - 1](
                input,
                filters,
                strides,
                padding,
                data_format=data_format,
                dilations=dilations,
                name=scope,
            )
        inner = slice(2, None) if index == 1 else slice(1, -1)
        prepared = Convolution(
            shapes.as_shape(input.shape),
            shapes.as_shape(filters.shape),
            padding,
            strides=strides[inner],
            dilation_rate=dilations[inner],
            name=scope,
            data_format=data_format,
        )
        return prepared(input, filters)


def atrous_conv2d(
    value: Operand,
    filters: Operand,
    rate: Sizes,
    padding: str,
    name: str | None = None,
) -> Tensor:
    """A 2-D convolution whose window's elements lie `rate` apart."""
    return convolution(
        value,
        filters,
        padding,
        dilation_rate=np.broadcast_to(rate, (2,)),
        name=name,
    )
