"""`CuDNNLSTM` and `CuDNNGRU`: the arithmetic of cuDNN, without its library."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.layers import initializers, regularizers
from retrograd.layers.base import Layer
from retrograd.layers.configured import Configured
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.recurrent import RNN
from retrograd.layers.recurrent_cells import (
    CONSTRAINTS,
    DEFAULTS,
    INITIALIZERS,
    REGULARIZERS,
)
from retrograd.layers.recurrent_layers import with_loss_of_outputs
from retrograd.layers.signatures import constructor
from retrograd.ops.array.join import concat, split
from retrograd.ops.declare import F
from retrograd.ops.nn.nn import bias_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, ShapeLike, Structure, Training

_SEQUENCES = "return_sequences return_state go_backwards stateful"
_WEIGHTS = with_loss_of_outputs(f"{REGULARIZERS} {CONSTRAINTS}")
_LSTM = f"units {INITIALIZERS} unit_forget_bias {_WEIGHTS}"
_GRU = f"units {INITIALIZERS} {_WEIGHTS}"

_Sizes = namedtuple("cell", "state_size")


class CuDNNRNN(RNN, Configured):
    """A base: a kernel, a recurrent kernel, and a bias for each of the two products."""

    _parts = 4
    bias: Any

    def _begin(self, given: dict[str, Any]) -> None:
        own = {name: given.pop(name) for name in self._ARGUMENTS if name in given}
        flags = {name: given.pop(name) for name in _SEQUENCES.split()}
        flags["time_major"] = given.pop("time_major", False)
        activity = regularizers.get(own.pop("activity_regularizer"))
        Layer.__init__(self, **given)
        self._set_up(zero_output=False, unroll=False, **flags)
        self.supports_masking = False
        self._keep(**own)
        self.activity_regularizer = activity
        self.input_spec = [InputSpec(ndim=3)]

    @property
    def cell(self) -> Any:
        """What there is of a cell: `state_size`."""
        return _Sizes(self._state_size())

    def _state_size(self) -> Any:
        return self.units

    def build(self, input_shape: Structure) -> None:
        """Make the weights, for inputs [batch, steps, n]."""
        super().build(input_shape)
        one = input_shape[0] if isinstance(input_shape, list) else input_shape
        inner, width = shapes.TensorShape(one).as_list()[-1], self._parts * self.units
        self.kernel = self._weight("kernel", (inner, width))
        self.recurrent_kernel = self._weight(
            "recurrent_kernel", (self.units, width), of="recurrent"
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(2 * width,),
            initializer=self._bias_initializer(),
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def _bias_initializer(self) -> Any:
        return self.bias_initializer

    def call(  # pyright: ignore[reportIncompatibleMethodOverride] - without constants
        self,
        inputs: Structure,
        mask: Structure = None,
        training: Training | None = None,
        initial_state: Structure = None,
    ) -> Any:
        """The outputs for inputs; see `RNN`.

        Raises:
          ValueError: a mask is given.
        """
        del training
        if isinstance(mask, list):
            mask = mask[0]
        if mask is not None:
            raise ValueError("Masking is not supported for CuDNN RNNs.")
        inputs, initial_state, _ = self._process_inputs(inputs, initial_state, None)
        return self._run(self._step_of(), inputs, initial_state, None)

    def _step_of(self) -> Any:
        """What makes a step, for `rnn`."""
        biases = split(self.bias, 2)

        def step(inputs: Tensor, states: Sequence[Tensor]) -> tuple[Any, list[Any]]:
            x = bias_add(F.MatMul(inputs, self.kernel), biases[0])
            h = bias_add(F.MatMul(states[0], self.recurrent_kernel), biases[1])
            return self._next(x, h, states)

        return step

    def _next(
        self, x: Tensor, h: Tensor, states: Sequence[Tensor]
    ) -> tuple[Any, list[Any]]:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = Configured.get_config(self)
        config.update((name, getattr(self, name)) for name in _SEQUENCES.split())
        config["time_major"] = self.time_major
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The layer with the arguments that `get_config` gave."""
        del custom_objects
        return cls(**config)


class CuDNNGRU(CuDNNRNN):
    """GRU with the sigmoid and `reset_after`, its two biases in one row.

    Args:
      units, kernel_initializer, …, bias_constraint: see `GRUCell`.
      activity_regularizer: the loss of the outputs.
      return_sequences, return_state, go_backwards, stateful: see `RNN`.
      **kwargs: those of `Layer`; `time_major`.

    Inputs [batch, steps, n]; outputs [batch, units], or with the steps.
    """

    _parts = 3
    _ARGUMENTS = tuple(_GRU.split())
    __init__ = constructor(f"{_GRU} {_SEQUENCES}", DEFAULTS)

    def _next(
        self, x: Tensor, h: Tensor, states: Sequence[Tensor]
    ) -> tuple[Any, list[Any]]:
        given, kept = split(x, 3, axis=1), split(h, 3, axis=1)
        update = F.Sigmoid(given[0] + kept[0])
        reset = F.Sigmoid(given[1] + kept[1])
        candidate = F.Tanh(given[2] + reset * kept[2])
        output = update * states[0] + (1 - update) * candidate
        return output, [output]


class CuDNNLSTM(CuDNNRNN):
    """LSTM with the sigmoid, its two biases in one row.

    Args:
      units, kernel_initializer, …, bias_constraint: see `LSTMCell`.
      activity_regularizer: the loss of the outputs.
      return_sequences, return_state, go_backwards, stateful: see `RNN`.
      **kwargs: those of `Layer`; `time_major`.

    Inputs [batch, steps, n]; outputs [batch, units], or with the steps.
    """

    _ARGUMENTS = tuple(_LSTM.split())
    __init__ = constructor(f"{_LSTM} {_SEQUENCES}", DEFAULTS)

    def _state_size(self) -> Any:
        return self.units, self.units

    def _bias_initializer(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer

        def initial(
            shape: ShapeLike = None, dtype: DTypeLike | None = None, **kwargs: Any
        ) -> Any:
            del shape, dtype
            units = self.units
            parts = [
                self.bias_initializer((5 * units,), **kwargs),
                initializers.ones()((units,), **kwargs),
                self.bias_initializer((2 * units,), **kwargs),
            ]
            return concat(parts, 0)

        return initial

    def _next(
        self, x: Tensor, h: Tensor, states: Sequence[Tensor]
    ) -> tuple[Any, list[Any]]:
        z = split(x + h, 4, axis=1)
        carry = F.Sigmoid(z[1]) * states[1] + F.Sigmoid(z[0]) * F.Tanh(z[2])
        output = F.Sigmoid(z[3]) * F.Tanh(carry)
        return output, [output, carry]
