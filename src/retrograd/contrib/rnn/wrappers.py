"""Cells around another: projections, embeddings, shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.contrib.rnn.linear import Linears
from retrograd.contrib.rnn.sized import around_cell
from retrograd.graph.defaults import device as on_device
from retrograd.layers.rnn_cell_base import RNNCell, assert_like_rnncell
from retrograd.ops.array.shape import reshape
from retrograd.ops.declare import F
from retrograd.ops.nn.embedding import embedding_lookup
from retrograd.ops.nn.nn import xw_plus_b
from retrograd.platform import logs
from retrograd.variables.initializers import (
    constant_initializer,
    random_uniform_initializer,
)
from retrograd.variables.scope import get_variable, get_variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        InitializerLike,
        ScopeLike,
        Structure,
    )

Activation = Callable[[Any], Any]


def warn_of_input_size(cell: object, input_size: object) -> None:
    """Say that the argument `input_size` does nothing, where it is given."""
    if input_size is not None:
        logs.warn("%s: The input_size parameter is deprecated.", cell)


@around_cell
class OutputProjectionWrapper(RNNCell):
    """Projects the outputs of another cell.

    Args:
      cell: the other cell.
      output_size: the size of what comes out.
      activation: applied to it; by default none.
      reuse: whether variables that are there are used.

    Raises:
      TypeError: `cell` is none.
      ValueError: the size is not positive.
    """

    @property
    def output_size(self) -> Any:
        """The size that is projected to."""
        return self._output_size

    def __init__(
        self,
        cell: Any,
        output_size: int,
        activation: Activation | None = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._cell = cell
        self._output_size = output_size
        self._activation = activation
        self._linears = Linears()

    def call(self, inputs: Structure, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        output, state = self._cell(inputs, state)
        projected = self._linears(output, self._output_size)
        return activated(projected, self._activation), state


def activated(x: Tensor, activation: Activation | None) -> Any:
    """The activation of x, or x where there is none."""
    return x if activation is None else activation(x)


@around_cell
class InputProjectionWrapper(RNNCell):
    """Projects what another cell is given.

    Args:
      cell: the other cell.
      num_proj: the size of what it is given.
      activation: applied to it; by default none.
      input_size: does nothing.
      reuse: whether variables that are there are used.

    Raises:
      TypeError: `cell` is none.
    """

    def __init__(
        self,
        cell: Any,
        num_proj: int,
        activation: Activation | None = None,
        input_size: object = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        warn_of_input_size(self, input_size)
        assert_like_rnncell("cell", cell)
        self._cell = cell
        self._num_proj = num_proj
        self._activation = activation
        self._linears = Linears()

    def call(self, inputs: Structure, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        projected = self._linears(inputs, self._num_proj)
        return self._cell(activated(projected, self._activation), state)


@around_cell
class EmbeddingWrapper(RNNCell):
    """Gives another cell rows of a table, for numbers.

    Args:
      cell: the other cell.
      embedding_classes: the number of rows.
      embedding_size: the size of a row.
      initializer: the first values of the table; by default that of the scope, or
        uniform with a variance of one.
      reuse: whether variables that are there are used.

    Raises:
      TypeError: `cell` is none.
      ValueError: a size is not positive.
    """

    def __init__(
        self,
        cell: Any,
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

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, for inputs [batch] or [batch, 1], and the state."""
        first = self._initializer or get_variable_scope().initializer
        with on_device("/cpu:0"):
            if not first:
                limit = 3**0.5
                first = random_uniform_initializer(-limit, limit)
            part: Any = state[0] if type(state) is tuple else state
            dtype = nest.flatten(part)[0].dtype
            shape = [self._embedding_classes, self._embedding_size]
            table = get_variable("embedding", shape, initializer=first, dtype=dtype)
            rows = embedding_lookup(table, reshape(inputs, [-1]))
            return self._cell(rows, state)


@around_cell
class HighwayWrapper(RNNCell):
    """Lets a share of the inputs pass by another cell (Srivastava et al. 2015).

    outputs = c x + t y, with gates c and t = sigmoid(x · w + b) for the inputs x and
    the other cell's outputs y, which are of one size.

    Args:
      cell: the other cell.
      couple_carry_transform_gates: whether t is 1 − c.
      carry_bias_init: the first bias of c; that of t is its opposite.
    """

    def __init__(
        self,
        cell: Any,
        couple_carry_transform_gates: bool = True,
        carry_bias_init: float = 1.0,
    ) -> None:
        # it is no layer, and has no name: its variables are in the scope of the caller
        kept = self.__dict__
        kept["_cell"] = cell
        kept["_couple_carry_transform_gates"] = couple_carry_transform_gates
        kept["_carry_bias_init"] = carry_bias_init

    def __call__(
        self, inputs: Structure, state: Structure, scope: ScopeLike = None
    ) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: inputs and outputs differ in shape.
        """
        outputs, state = self._cell(inputs, state, scope=scope)
        nest.assert_same_structure(inputs, outputs)
        nest.map_structure(
            lambda x, y: x.shape.assert_is_compatible_with(y.shape), inputs, outputs
        )
        return nest.map_structure(self._mixed, inputs, outputs), state

    def _mixed(self, x: Tensor, y: Tensor) -> Tensor:
        carry = self._gate("carry", x, self._carry_bias_init)
        through = (
            1 - carry
            if self._couple_carry_transform_gates
            else self._gate("transform", x, -self._carry_bias_init)
        )
        return x * carry + y * through

    def _gate(self, name: str, x: Tensor, first: float) -> Tensor:
        size = x.shape.as_list()[1]
        kernel = get_variable(f"{name}_w", [size, size])
        start = constant_initializer(first)
        bias = get_variable(f"{name}_b", [size], initializer=start)
        return F.Sigmoid(xw_plus_b(x, kernel, bias))


@around_cell
class CompiledWrapper(RNNCell):
    """Calls another cell; everything is compiled here where that is faster.

    Args:
      cell: the other cell.
      compile_stateful: accepted.
    """

    def __init__(self, cell: Any, compile_stateful: bool = False) -> None:
        # as `HighwayWrapper`, no layer
        kept = self.__dict__
        kept["_cell"], kept["_compile_stateful"] = cell, compile_stateful

    def __call__(
        self, inputs: Structure, state: Structure, scope: ScopeLike = None
    ) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        return self._cell(inputs, state, scope=scope)
