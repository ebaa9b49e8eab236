"""A linear map of several inputs, and cells with one before or behind another cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.graph.defaults import device
from retrograd.layers.rnn_cell_base import (
    BIAS,
    KERNEL,
    RNNCell,
    assert_like_rnncell,
    zero_scope,
)
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape
from retrograd.ops.declare import F
from retrograd.ops.nn.embedding import embedding_lookup
from retrograd.ops.nn.nn import bias_add
from retrograd.variables.initializers import (
    RandomUniform,
    constant_initializer,
)
from retrograd.variables.scope import get_variable, get_variable_scope, variable_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import InitializerLike, Structure, TensorLike


class Linear:
    """y = [x₁, x₂, …] · kernel + bias, with variables of the current scope.

    Args:
      args: the inputs, or one: [batch, n].
      output_size: the size of y.
      build_bias: whether there is a bias.
      bias_initializer: its first value; by default 0.
      kernel_initializer: the first value of the kernel.

    Raises:
      ValueError: there are no inputs, or they are no matrices of known width.
    """

    def __init__(
        self,
        args: Structure,
        output_size: int,
        build_bias: bool,
        bias_initializer: InitializerLike | None = None,
        kernel_initializer: InitializerLike | None = None,
    ) -> None:
        flat = _listed(args)
        self._build_bias = build_bias
        self._is_sequence = nest.is_sequence(args)
        rows, dtype = _width(flat), flat[0].dtype
        with variable_scope(get_variable_scope()) as own:
            self._weights = get_variable(
                KERNEL,
                [rows, output_size],
                dtype=dtype,
                initializer=kernel_initializer,
            )
            if build_bias:
                with variable_scope(own) as inner:
                    inner.set_partitioner(None)
                    if bias_initializer is None:
                        bias_initializer = constant_initializer(0.0, dtype=dtype)
                    self._biases = get_variable(
                        BIAS, [output_size], dtype=dtype, initializer=bias_initializer
                    )

    def __call__(self, args: Structure) -> Tensor:
        """y for inputs like those that it was made for."""
        flat = args if self._is_sequence else [args]
        x = flat[0] if len(flat) == 1 else concat(flat, constant(1))
        y = F.MatMul(x, self._weights)
        return bias_add(y, self._biases) if self._build_bias else y


def _listed(args: Structure) -> Sequence[Tensor]:
    if args is None or (nest.is_sequence(args) and not args):
        raise ValueError("`args` must be specified")
    return args if nest.is_sequence(args) else [args]


def _width(inputs: Sequence[Tensor]) -> int:
    """The widths of matrices together."""
    found = [x.shape for x in inputs]
    total = 0
    for static in found:
        if static.ndims != 2:
            raise ValueError(f"linear is expecting 2D arguments: {found}")
        size = static.as_list()[1]
        if size is None:
            raise ValueError(
                f"linear expects shape[1] to be provided for shape {static}, "
                f"but saw {static[1]}"
            )
        total += size
    return total


def linear(
    args: Structure,
    output_size: int,
    bias: bool,
    bias_initializer: InitializerLike | None = None,
    kernel_initializer: InitializerLike | None = None,
) -> Tensor:
    """A `Linear` that is made and called at once; see there for the arguments."""
    made = Linear(args, output_size, bias, bias_initializer, kernel_initializer)
    return made(args)


_Linear, _linear = Linear, linear


class OutputProjectionWrapper(RNNCell):
    """Another cell, whose outputs go through a linear map.

    Args:
      cell: the other cell.
      output_size: the size of the outputs.
      activation: applied to them; by default nothing.
      reuse: whether variables that are there are used.

    Raises:
      TypeError: `cell` is no cell.
      ValueError: `output_size` is below 1.
    """

    def __init__(
        self,
        cell: RNNCell,
        output_size: int,
        activation: Callable[[Tensor], Tensor] | None = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._cell = cell
        self._output_size = output_size
        self._activation = activation
        self._linear: Linear | None = None

    @property
    def state_size(self) -> Any:
        """That of the other cell."""
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        """The size of the outputs."""
        return self._output_size

    def zero_state(self, batch_size: TensorLike, dtype: Any) -> Any:
        """That of the other cell."""
        with zero_scope(self, batch_size):
            return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs: Structure, state: Structure) -> tuple[Tensor, Any]:
        """The outputs of a step, and the next state."""
        output, new = self._cell(inputs, state)
        if self._linear is None:
            self._linear = Linear(output, self._output_size, True)
        projected = self._linear(output)
        if self._activation:
            projected = self._activation(projected)
        return projected, new


class EmbeddingWrapper(RNNCell):
    """Another cell, whose inputs are ids of the rows of a table.

    Args:
      cell: the other cell.
      embedding_classes: how many rows the table has.
      embedding_size: the size of a row.
      initializer: the first value of the table; by default that of the scope, or
        uniform in ±√3.
      reuse: whether variables that are there are used.

    Raises:
      TypeError: `cell` is no cell.
      ValueError: a size is below 1.
    """

    def __init__(
        self,
        cell: RNNCell,
        embedding_classes: int,
        embedding_size: int,
        initializer: InitializerLike | None = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                "Both embedding_classes and embedding_size must be > 0: "
                f"{embedding_classes}, {embedding_size}."
            )
        self._cell = cell
        self._embedding_classes = embedding_classes
        self._embedding_size = embedding_size
        self._initializer = initializer

    @property
    def state_size(self) -> Any:
        """That of the other cell."""
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        """That of the other cell."""
        return self._cell.output_size

    def zero_state(self, batch_size: TensorLike, dtype: Any) -> Any:
        """That of the other cell."""
        with zero_scope(self, batch_size):
            return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs: TensorLike, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        with device("/cpu:0"):
            initializer = self._initializer or get_variable_scope().initializer
            if not initializer:
                bound = math.sqrt(3)
                initializer = RandomUniform(-bound, bound)
            of = state[0] if isinstance(state, tuple) else state
            embedding = get_variable(
                "embedding",
                [self._embedding_classes, self._embedding_size],
                initializer=initializer,
                dtype=dtypes.as_dtype(of.dtype),
            )
            embedded = embedding_lookup(embedding, reshape(inputs, [-1]))
        return self._cell(embedded, state)
