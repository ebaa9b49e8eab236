"""Convolutions whose kernel is another one at each place."""

from __future__ import annotations

import itertools
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import shapes
from retrograd.layers import regularizers
from retrograd.layers.configured import Configured
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.sizes import (
    conv_output_length,
    normalize_data_format,
    normalize_padding,
    normalize_tuple,
    spatial,
    with_spatial,
)
from retrograd.layers.tensor_functions import add_bias, batch_dot, concatenate
from retrograd.ops.array.shape import reshape, shape, transpose
from retrograd.ops.declare import F
from retrograd.ops.math.reduce import reduce_prod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, ShapeLike, Sizes


def local_products(
    inputs: Any,
    kernel: Any,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    space: Sequence[int],
    data_format: str,
) -> Tensor:
    """The product of each window of the inputs with a kernel of its own.

    Args:
      inputs: [batch, *space in, in], or channels second.
      kernel: [places, window · in, out].
      kernel_size: the size of the window.
      strides: how far it moves.
      space: how many places there are along each axis.
      data_format: `channels_last` or `channels_first`.
    """
    features, filters = kernel.shape.as_list()[1:]
    first, every = data_format == "channels_first", slice(None)
    windows = []
    for place in itertools.product(*map(range, space)):
        window = [
            slice(at * stride, at * stride + size)
            for at, stride, size in zip(place, strides, kernel_size, strict=True)
        ]
        part = inputs[tuple([every] * (1 + first) + window + [every] * (not first))]
        windows.append(reshape(part, (1, -1, features)))
    products = batch_dot(concatenate(windows, axis=0), kernel)
    rank = len(space)
    outputs = reshape(products, (*space, -1, filters))
    order = list(range(rank))
    order = [rank, rank + 1, *order] if first else [rank, *order, rank + 1]
    return transpose(outputs, order)


class LocallyConnected(Configured):
    """activation(inputs ∗ kernels + bias), with a kernel for each place; a base.

    Args:
      filters: how many channels come out.
      kernel_size: of the window: a number, or one for each axis.
      strides: how far it moves.
      padding: `valid`; `same` too unless `implementation` is 1.
      data_format: `channels_last` or `channels_first`.
      activation: a function or its name; by default none.
      use_bias: whether there is a bias, [*space, filters].
      kernel_initializer, bias_initializer: the first values of the weights.
      kernel_regularizer, bias_regularizer: the losses of the weights.
      activity_regularizer: the loss of the outputs.
      kernel_constraint, bias_constraint: what the weights must satisfy.
      implementation: 1, the places one by one: little memory; 2, one product with a
        matrix of which most is masked: small models; 3, one product with a sparse
        matrix: large models of small windows. The kernel has another shape in each.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: sizes, formats or implementations that there are not; sizes of space
        that are not known.
    """

    _ARGUMENTS = tuple(
        "filters kernel_size strides padding data_format activation use_bias "
        "kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
        "activity_regularizer kernel_constraint bias_constraint implementation".split()
    )
    rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Named = None,
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        bias_constraint: Named = None,
        implementation: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activity_regularizer=regularizers.get(activity_regularizer), **kwargs
        )
        self.padding = normalize_padding(padding)
        if self.padding != "valid" and implementation == 1:
            raise ValueError(
                f"Invalid border mode for LocallyConnected{self.rank}D (only "
                f'"valid" is supported if implementation is 1): {padding}'
            )
        self.data_format = normalize_data_format(data_format)
        self._keep(
            filters=filters,
            kernel_size=normalize_tuple(kernel_size, self.rank, "kernel_size"),
            strides=normalize_tuple(strides, self.rank, "strides"),
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            implementation=implementation,
        )
        self.input_spec = InputSpec(ndim=self.rank + 2)

    # ------------------------------------------------------------------ weights

    def build(self, input_shape: ShapeLike) -> None:
        """Make the kernels and the bias."""
        given = shapes.TensorShape(input_shape).as_list()
        axis = 1 if self.data_format == "channels_first" else -1
        self._check_known(given[axis], spatial(given, self.data_format), given)
        channels: Any = given[axis]
        space: Any = spatial(given, self.data_format)
        self.__dict__["_space"] = self._lengths(space)
        sizes = self._kernel_sizes(channels, space)
        if self.implementation == 3:
            self.kernel_shape = sizes
            connected = self._connected_matrix(channels, space)
            self.__dict__["_places"] = np.argwhere(connected)
            sizes = (len(self._places),)
        elif self.implementation == 2:
            self.kernel_mask = self._mask(space)
        self.kernel = self._weight("kernel", sizes)
        self.bias = None
        if self.use_bias:
            self.bias = self._weight("bias", (*self._space, self.filters))
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        self.built = True

    def _check_known(
        self, channels: int | None, space: Sequence[int | None], given: list[int | None]
    ) -> None:
        raise NotImplementedError

    def _kernel_sizes(self, channels: int, space: Sequence[int]) -> tuple[int, ...]:
        """The shape of the kernel; for implementation 3, of the matrix it is part of.

        Raises:
          ValueError: another implementation.
        """
        out = self._space
        if self.implementation == 1:
            return (prod(out), prod(self.kernel_size) * channels, self.filters)
        if self.implementation == 2 and self.data_format == "channels_first":
            return (channels, *space, self.filters, *out)
        if self.implementation == 2:
            return (*space, channels, *out, self.filters)
        if self.implementation == 3:
            return (prod(out) * self.filters, prod(space) * channels)
        raise ValueError(f"Unrecognized implementation mode: {self.implementation}.")

    # ------------------------------------------------------------------ connections

    def _connected_places(self, space: Sequence[int]) -> np.ndarray:
        """[*space in, *space out] bool: which inputs each output sees."""
        found = np.ones((), bool)
        each = zip(space, self._space, self.kernel_size, self.strides, strict=True)
        for length, out, kernel, stride in each:
            left = kernel // 2
            center = np.arange(out) * stride + (left if self.padding == "valid" else 0)
            at = np.arange(length)[:, None]
            seen = (at >= center - left) & (at < center + kernel - left)
            found = np.multiply.outer(found, seen)
        # in, out, in, out, … → in, in, …, out, out, …
        order = [*range(0, 2 * self.rank, 2), *range(1, 2 * self.rank, 2)]
        return found.transpose(order)

    def _mask(self, space: Sequence[int]) -> np.ndarray:
        """`_connected_places` with axes of size 1 for the channels in and out."""
        places = self._connected_places(space)
        if self.data_format == "channels_first":
            return np.expand_dims(places, (0, self.rank + 1))
        return np.expand_dims(places, (self.rank, 2 * self.rank + 1))

    def _connected_matrix(self, channels: int, space: Sequence[int]) -> np.ndarray:
        """[all out, all in] bool: which inputs each output sees."""
        first = self.data_format == "channels_first"
        n = self.rank
        ones = np.ones((channels, self.filters), bool)
        whole = np.multiply.outer(self._connected_places(space), ones)
        places_in, places_out = [*range(n)], [*range(n, 2 * n)]
        both = [
            [channel, *places] if first else [*places, channel]
            for channel, places in ((2 * n + 1, places_out), (2 * n, places_in))
        ]
        size = prod(self._space) * self.filters
        return whole.transpose(both[0] + both[1]).reshape(size, -1)

    # ------------------------------------------------------------------ call

    def call(self, inputs: Tensor) -> Tensor:
        """The outputs for inputs."""
        way = {1: self._one_by_one, 2: self._as_product, 3: self._as_sparse_product}
        outputs = way[self.implementation](inputs)
        if self.use_bias:
            outputs = add_bias(outputs, self.bias, self.data_format)
        return self.activation(outputs)

    def _one_by_one(self, inputs: Tensor) -> Tensor:
        how = (self.kernel_size, self.strides, self._space, self.data_format)
        return local_products(inputs, self.kernel, *how)

    def _as_product(self, inputs: Tensor) -> Tensor:
        flat = reshape(inputs, (shape(inputs)[0], -1))
        kernel = self.kernel_mask * self.kernel
        sizes, half = shape(kernel), self.rank + 1
        before, after = sizes[:half], sizes[half:]
        matrix = reshape(kernel, (reduce_prod(before), reduce_prod(after)))
        products = F.SparseMatMul(flat, matrix, b_is_sparse=True)
        return self._unflattened(products, inputs)

    def _as_sparse_product(self, inputs: Tensor) -> Tensor:
        flat = reshape(inputs, (shape(inputs)[0], -1))
        products = F.SparseTensorDenseMatMul(
            self._places, self.kernel, self.kernel_shape, flat, adjoint_b=True
        )
        return self._unflattened(transpose(products), inputs)

    def _unflattened(self, products: Tensor, inputs: Tensor) -> Tensor:
        sizes = self.compute_output_shape(inputs.shape).as_list()
        return reshape(products, [shape(products)[0], *sizes[1:]])

    def _lengths(self, space: Sequence[int | None]) -> list[int | None]:
        return [
            conv_output_length(length, kernel, self.padding, stride)
            for length, kernel, stride in zip(
                space, self.kernel_size, self.strides, strict=True
            )
        ]

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, *space, filters]."""
        given = shapes.TensorShape(input_shape).as_list()
        space = self._lengths(spatial(given, self.data_format))
        return shapes.TensorShape(
            with_spatial(given, self.data_format, space, self.filters)
        )


class LocallyConnected1D(LocallyConnected):
    """Over [batch, steps, channels]; see `LocallyConnected` for the arguments."""

    def _check_known(
        self, channels: int | None, space: Sequence[int | None], given: list[int | None]
    ) -> None:
        if channels is None:
            raise ValueError(
                "Axis 2 of input should be fully-defined. Found shape:", tuple(given)
            )


class LocallyConnected2D(LocallyConnected):
    """Over [batch, rows, columns, channels]; see `LocallyConnected`."""

    rank = 2

    def _check_known(
        self, channels: int | None, space: Sequence[int | None], given: list[int | None]
    ) -> None:
        if None in space:
            raise ValueError(
                "The spatial dimensions of the inputs to  a LocallyConnected2D layer "
                "should be fully-defined, but layer received the inputs shape "
                f"{tuple(given)}"
            )
