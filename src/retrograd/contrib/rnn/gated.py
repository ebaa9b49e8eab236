"""Cells with gates of their own kind: UGRNN, +RNN, NAS, groups of LSTM, phases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.contrib.rnn.linear import Linears, linear
from retrograd.contrib.rnn.sized import keeps_sizes, known_width
from retrograd.contrib.rnn.steps import memory, shown
from retrograd.layers.rnn_cell_base import BIAS, KERNEL, LayerRNNCell, RNNCell
from retrograd.layers.rnn_cells import LSTMStateTuple
from retrograd.ops.array.join import concat, split
from retrograd.ops.array.slicing import slice_
from retrograd.ops.declare import F
from retrograd.ops.nn.nn import bias_add
from retrograd.variables.initializers import (
    constant_initializer,
    zeros_initializer,
)
from retrograd.variables.scope import get_variable, get_variable_scope, variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import InitializerLike, ShapeLike, Structure

Activation = Callable[[Any], Any]


@keeps_sizes
class UGRNNCell(RNNCell):
    """One update gate: h = g h + (1 − g) activation(…) (Collins et al. 2016).

    Args:
      num_units: the size of the state.
      initializer: the first values of the kernel.
      forget_bias: what is added to the input of the gate.
      activation: of the candidate; by default tanh.
      reuse: whether variables that are there are used.
    """

    def __init__(
        self,
        num_units: int,
        initializer: InitializerLike | None = None,
        forget_bias: float = 1.0,
        activation: Activation = F.Tanh,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = self._state_size = self._output_size = num_units
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._activation = activation
        self._linears = Linears()

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known.
        """
        known_width(inputs)
        outer = get_variable_scope()
        with variable_scope(outer, initializer=self._initializer):
            given = concat([inputs, state], 1)
            z = self._linears(given, 2 * self._num_units)
            parts = split(value=z, num_or_size_splits=2, axis=1)
            candidate = self._activation(parts[1])
            keep = F.Sigmoid(parts[0] + self._forget_bias)
            new = keep * state + (1.0 - keep) * candidate
        return new, new


@keeps_sizes
class IntersectionRNNCell(RNNCell):
    """The +RNN: gates for the state and for what comes out (Collins et al. 2016).

    Args:
      num_units: the size of the state.
      num_in_proj: the size that the inputs are projected to, which must be `num_units`.
      initializer: the first values of the kernels.
      forget_bias: what is added to the inputs of the gates.
      y_activation: of what may come out; by default relu.
      reuse: whether variables that are there are used.
    """

    def __init__(
        self,
        num_units: int,
        num_in_proj: int | None = None,
        initializer: InitializerLike | None = None,
        forget_bias: float = 1.0,
        y_activation: Activation = F.Relu,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = self._state_size = self._output_size = num_units
        self._num_input_proj = num_in_proj
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._y_activation = y_activation
        self._linears = Linears()

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known, or not that of the state.
        """
        width, units = known_width(inputs), self._num_units
        outer = get_variable_scope()
        with variable_scope(outer, initializer=self._initializer):
            if width != units:
                if not self._num_input_proj:
                    raise ValueError(
                        "Must have input size == output size for Intersection RNN. To "
                        "fix, num_in_proj should be set to num_units at cell init."
                    )
                with variable_scope("in_projection"):
                    inputs = self._linears(inputs, self._num_input_proj, key="in")
            given = concat([inputs, state], 1)
            z = self._linears(given, 4 * units)
            gate_h, new_h = z[:, :units], z[:, units : 2 * units]
            gate_y, new_y = z[:, 2 * units : 3 * units], z[:, 3 * units : 4 * units]
            keep_h = F.Sigmoid(gate_h + self._forget_bias)
            new_h = F.Tanh(new_h)
            keep_y = F.Sigmoid(gate_y + self._forget_bias)
            new_y = self._y_activation(new_y)
            state = keep_h * state + (1.0 - keep_h) * new_h
            output = keep_y * inputs + (1.0 - keep_y) * new_y
        return output, state


@keeps_sizes
class NASCell(LayerRNNCell):
    """The cell that a search over architectures found (Zoph & Le 2016).

    Args:
      num_units: the size of c, and of h without a projection.
      num_proj: the size of h, if it is projected.
      use_bias: whether there is a bias.
      reuse: whether variables that are there are used.
      **kwargs: those of `tf.layers.Layer`.
    """

    def __init__(
        self,
        num_units: int,
        num_proj: int | None = None,
        use_bias: bool = False,
        reuse: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, **kwargs)
        self._num_units = num_units
        self._num_proj = num_proj
        self._use_bias = use_bias
        self._reuse = reuse
        self._output_size = num_proj or num_units
        self._state_size = LSTMStateTuple(num_units, self._output_size)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n].

        Raises:
          ValueError: their size is not known.
        """
        width = shapes.TensorShape(input_shape).as_list()[1]
        if width is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        parts = 8 * self._num_units
        self.recurrent_kernel = self.add_variable(
            "recurrent_kernel", [self._output_size, parts]
        )
        self.kernel = self.add_variable(KERNEL, [width, parts])
        if self._use_bias:
            self.bias = self.add_variable(
                BIAS, [parts], initializer=zeros_initializer()
            )
        if self._num_proj is not None:
            self.projection_weights = self.add_variable(
                "projection_weights", [self._num_units, self._num_proj]
            )
        self.built = True

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        c, h = state
        z = F.MatMul(h, self.recurrent_kernel)
        if self._use_bias:
            z = bias_add(z, self.bias)
        m = split(value=z, num_or_size_splits=8, axis=1)
        x = split(F.MatMul(inputs, self.kernel), num_or_size_splits=8, axis=1)
        first = F.Sigmoid(x[0] + m[0]) * F.Relu(x[1] + m[1])
        second = F.Sigmoid(x[2] + m[2]) + F.Relu(x[3] * m[3])
        third = F.Tanh(x[4] + m[4]) * F.Sigmoid(x[5] + m[5])
        fourth = F.Tanh(x[6] + m[6]) + F.Sigmoid(x[7] + m[7])
        c = F.Tanh(F.Tanh(first) + c) * F.Tanh(second)
        h = F.Tanh(c * F.Tanh(F.Tanh(third) + F.Sigmoid(fourth)))
        if self._num_proj is not None:
            h = F.MatMul(h, self.projection_weights)
        return h, LSTMStateTuple(c, h)


@keeps_sizes
class GLSTMCell(RNNCell):
    """LSTM in groups, which see a part of inputs and state each.

    See Kuchaiev & Ginsburg 2017.

    Args:
      num_units: the size of c, and of h without a projection.
      initializer: the first values of the kernels.
      num_proj: the size of h, if it is projected.
      number_of_groups: how many groups there are.
      forget_bias: what is added to the input of the forget gate.
      activation: of what enters and of c; by default tanh.
      reuse: whether variables that are there are used.

    Raises:
      ValueError: a size cannot be divided by the number of groups.
    """

    def __init__(
        self,
        num_units: int,
        initializer: InitializerLike | None = None,
        num_proj: int | None = None,
        number_of_groups: int = 1,
        forget_bias: float = 1.0,
        activation: Activation = F.Tanh,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._initializer = initializer
        self._num_proj = num_proj
        self._forget_bias = forget_bias
        self._activation = activation
        self._number_of_groups = number_of_groups
        if num_units % number_of_groups != 0:
            raise ValueError("num_units must be divisible by number_of_groups")
        if num_proj and num_proj % number_of_groups != 0:
            raise ValueError("num_proj must be divisible by number_of_groups")
        self._output_size = num_proj or num_units
        self._state_size = LSTMStateTuple(num_units, self._output_size)
        self._linears = Linears()

    def _checked_width(self, inputs: Tensor) -> int:
        """The size of the inputs.

        Raises:
          ValueError: it is not known, or cannot be divided by the number of groups.
        """
        width, groups = inputs.shape.as_list()[1], self._number_of_groups
        if width is None:
            raise ValueError("input size must be statically known")
        if width % groups != 0:
            raise ValueError(
                f"input size ({width}) must be divisible by number_of_groups ({groups})"
            )
        return width

    def _group(self, place: int, inputs: Tensor, width: int, h: Tensor) -> list[Tensor]:
        """i, j, f and o of a group, without biases."""
        groups = self._number_of_groups
        parts = [
            slice_(x, [0, place * (size // groups)], [-1, size // groups])
            for x, size in ((inputs, width), (h, self._output_size))
        ]
        given, size = concat(parts, axis=1), 4 * (self._num_units // groups)
        z = self._linears(given, size, bias=False, key=place)
        return split(value=z, num_or_size_splits=4, axis=1)

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known, or does not fit.
        """
        c, h = state
        width, dtype = self._checked_width(inputs), inputs.dtype
        outer = get_variable_scope()
        with variable_scope(outer, initializer=self._initializer):
            groups = []
            for place in range(self._number_of_groups):
                with variable_scope(f"group{place}"):
                    groups.append(self._group(place, inputs, width, h))
            biases = [
                get_variable(
                    f"bias_{name}",
                    shape=[self._num_units],
                    dtype=dtype,
                    initializer=constant_initializer(0.0, dtype=dtype),
                )
                for name in "ijfo"
            ]
            gates = [
                bias_add(concat([group[place] for group in groups], axis=1), bias)
                for place, bias in enumerate(biases)
            ]
        c = memory(c, gates, self._forget_bias, self._activation)
        h = shown(c, gates, self._activation)
        if self._num_proj is not None:
            with variable_scope("projection"):
                h = linear(h, self._num_proj, bias=False)
        return h, LSTMStateTuple(c, h)
