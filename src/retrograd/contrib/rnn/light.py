"""Cells with few products: SRU, MinimalRNN, CFN, and those with independent units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.contrib.rnn.sized import keeps_sizes, known_columns, one_state
from retrograd.layers import activations, initializers
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.rnn_cell_base import BIAS, KERNEL, LayerRNNCell
from retrograd.layers.rnn_cells import LSTMStateTuple
from retrograd.ops.array.join import concat, split
from retrograd.ops.array.reorder import tile
from retrograd.ops.declare import F
from retrograd.ops.nn.nn import bias_add
from retrograd.variables.initializers import (
    constant_initializer,
    random_uniform_initializer,
    zeros_initializer,
)

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, Named, ShapeLike, Structure


@one_state
class SRUCell(LayerRNNCell):
    """Simple recurrent units: gates that see the inputs only (Lei et al. 2017).

    Args:
      num_units: the size of the state.
      activation: a function or its name; by default tanh.
      reuse: whether variables that are there are used.
      name: of the layer.
      **kwargs: those of `tf.layers.Layer`.
    """

    def __init__(
        self,
        num_units: int,
        activation: Named = None,
        reuse: bool | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        dtype = kwargs.pop("dtype", None)
        self._begin(num_units, activation, reuse, name, dtype, kwargs)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        width, units = known_columns(input_shape), self._num_units
        self._kernel = self.add_variable(KERNEL, shape=[width, 4 * units])
        first = zeros_initializer(dtype=self.dtype)
        self._bias = self.add_variable(BIAS, shape=[2 * units], initializer=first)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        z = F.MatMul(inputs, self._kernel)
        x, f, r, passing = split(value=z, num_or_size_splits=4, axis=1)
        gates = F.Sigmoid(bias_add(concat([f, r], 1), self._bias))
        f, r = split(value=gates, num_or_size_splits=2, axis=1)
        c = f * state + (1.0 - f) * x
        h = r * self._activation(c) + (1.0 - r) * passing
        return h, c


def _own_weights(cell: LayerRNNCell, name: str, size: int) -> Any:
    """Weights [1, n] for each unit's own state, between −1 and 1."""
    first = random_uniform_initializer(minval=-1, maxval=1, dtype=cell.dtype)
    return cell.add_variable(name, shape=[1, size], initializer=first)


@one_state
class IndRNNCell(LayerRNNCell):
    """h = activation(x · W + u h + b) (Li et al. 2018).

    Args:
      num_units: the size of the state.
      activation: a function or its name; by default tanh.
      reuse: whether variables that are there are used.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
    """

    def __init__(
        self,
        num_units: int,
        activation: Named = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self._begin(num_units, activation, reuse, name, dtype, {})

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        width, units = known_columns(input_shape), self._num_units
        self._kernel_w = self.add_variable(f"{KERNEL}_w", shape=[width, units])
        self._kernel_u = _own_weights(self, f"{KERNEL}_u", units)
        first = zeros_initializer(dtype=self.dtype)
        self._bias = self.add_variable(BIAS, shape=[units], initializer=first)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        z = F.MatMul(inputs, self._kernel_w) + state * self._kernel_u
        output = self._activation(bias_add(z, self._bias))
        return output, output


@one_state
class IndyGRUCell(LayerRNNCell):
    """`GRUCell` with independent units.

    Args:
      num_units: the size of the state.
      activation: a function or its name; by default tanh.
      reuse: whether variables that are there are used.
      kernel_initializer, bias_initializer: the first values of the weights for the
        inputs and of the biases; by default those of the gates are 1, the others 0.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
    """

    def __init__(
        self,
        num_units: int,
        activation: Named = None,
        reuse: bool | None = None,
        kernel_initializer: Named = None,
        bias_initializer: Named = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self._begin(num_units, activation, reuse, name, dtype, {})
        self._kernel_initializer = initializers.get(kernel_initializer)
        self._bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        width, units = known_columns(input_shape), self._num_units
        given, own = self._kernel_initializer, self._bias_initializer
        ones = constant_initializer(1.0, dtype=self.dtype)
        blank = zeros_initializer(dtype=self.dtype)
        self._gate_kernel_w = self.add_variable(
            f"gates/{KERNEL}_w", shape=[width, 2 * units], initializer=given
        )
        self._gate_kernel_u = _own_weights(self, f"gates/{KERNEL}_u", 2 * units)
        self._gate_bias = self.add_variable(
            f"gates/{BIAS}", shape=[2 * units], initializer=own or ones
        )
        self._candidate_kernel_w = self.add_variable(
            f"candidate/{KERNEL}", shape=[width, units], initializer=given
        )
        self._candidate_kernel_u = _own_weights(self, f"candidate/{KERNEL}_u", units)
        self._candidate_bias = self.add_variable(
            f"candidate/{BIAS}", shape=[units], initializer=own or blank
        )
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        z = F.MatMul(inputs, self._gate_kernel_w)
        z = z + tile(state, [1, 2]) * self._gate_kernel_u
        gates = F.Sigmoid(bias_add(z, self._gate_bias))
        reset, update = split(value=gates, num_or_size_splits=2, axis=1)
        z = F.MatMul(inputs, self._candidate_kernel_w)
        z = z + (reset * state) * self._candidate_kernel_u
        candidate = self._activation(bias_add(z, self._candidate_bias))
        output = update * state + (1 - update) * candidate
        return output, output


@keeps_sizes
class IndyLSTMCell(LayerRNNCell):
    """`BasicLSTMCell` with independent units (Gonnet & Deselaers 2019).

    Args:
      num_units: the size of c and h.
      forget_bias: what is added to the input of the forget gate.
      activation: a function or its name; by default tanh.
      reuse: whether variables that are there are used.
      kernel_initializer, bias_initializer: the first values of the weights for the
        inputs and of the bias; by default 0.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        activation: Named = None,
        reuse: bool | None = None,
        kernel_initializer: Named = None,
        bias_initializer: Named = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self._begin(num_units, activation, reuse, name, dtype, {})
        self._kernel_initializer = initializers.get(kernel_initializer)
        self._bias_initializer = initializers.get(bias_initializer)
        self._forget_bias = forget_bias
        self._state_size = LSTMStateTuple(num_units, num_units)
        self._output_size = num_units

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        width, parts = known_columns(input_shape), 4 * self._num_units
        self._kernel_w = self.add_variable(
            f"{KERNEL}_w", shape=[width, parts], initializer=self._kernel_initializer
        )
        self._kernel_u = _own_weights(self, f"{KERNEL}_u", parts)
        first = self._bias_initializer or zeros_initializer(dtype=self.dtype)
        self._bias = self.add_variable(BIAS, shape=[parts], initializer=first)
        self.built = True

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        c, h = state
        z = F.MatMul(inputs, self._kernel_w) + tile(h, [1, 4]) * self._kernel_u
        gates = split(value=bias_add(z, self._bias), num_or_size_splits=4, axis=1)
        i, j, f, o = gates
        kept = c * F.Sigmoid(f + self._forget_bias)
        c = kept + F.Sigmoid(i) * self._activation(j)
        h = self._activation(c) * F.Sigmoid(o)
        return h, LSTMStateTuple(c, h)


class _PlainCell(LayerRNNCell):
    """A base: cells that name their initializers as layers of Keras do."""

    def __init__(
        self,
        units: int,
        activation: Named = "tanh",
        kernel_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "ones",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self.units = units
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    @property
    def state_size(self) -> Any:
        """The number of units."""
        return self.units

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self.units

    def _kernel_of(self, name: str, shape: list[Any]) -> Any:
        return self.add_weight(name, shape=shape, initializer=self.kernel_initializer)

    def _bias_of(self, size: int) -> Any:
        return self.add_weight(BIAS, shape=[size], initializer=self.bias_initializer)


class MinimalRNNCell(_PlainCell):
    """z = activation(x · W); h = u h + (1 − u) z, with one gate u (Chen 2017).

    Args:
      units: the size of the state.
      activation: a function or its name.
      kernel_initializer, bias_initializer: the first values of the weights.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
      **kwargs: those of `tf.layers.Layer`.
    """

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        width = shapes.TensorShape(input_shape).as_list()[-1]
        rows = None if width is None else width + 2 * self.units
        self.kernel = self._kernel_of(KERNEL, [rows, self.units])
        self.bias = self._bias_of(self.units)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        width: Any = inputs.shape.as_list()[1]
        parts = split(self.kernel, [width, 2 * self.units], axis=0)
        z = self.activation(F.MatMul(inputs, parts[0]))
        seen = F.MatMul(concat([z, state], axis=1), parts[1])
        gate = F.Sigmoid(bias_add(seen, self.bias))
        output = gate * state + (1 - gate) * z
        return output, output


class CFNCell(_PlainCell):
    """h = f activation(h) + (1 − g) activation(x · W) (Laurent & von Brecht 2016).

    Args:
      units: the size of the state.
      activation: a function or its name.
      kernel_initializer, bias_initializer: the first values of the weights.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
      **kwargs: those of `tf.layers.Layer`.
    """

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        width, units = shapes.TensorShape(input_shape).as_list()[-1], self.units
        self.kernel = self._kernel_of(KERNEL, [width, 3 * units])
        self.recurrent_kernel = self._kernel_of("recurrent_kernel", [units, 2 * units])
        self.bias = self._bias_of(2 * units)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        parts = split(self.kernel, [2 * self.units, self.units], axis=1)
        z = F.MatMul(state, self.recurrent_kernel) + F.MatMul(inputs, parts[0])
        gates = F.Sigmoid(bias_add(z, self.bias))
        forget, enter = split(value=gates, num_or_size_splits=2, axis=1)
        entering = self.activation(F.MatMul(inputs, parts[1]))
        output = forget * self.activation(state) + (1 - enter) * entering
        return output, output
