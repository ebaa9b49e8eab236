"""Networks of several layers over whole sequences, as functions of their weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.contrib.cudnn_rnn.converters import LSTM_ORDER, to_one_kernel
from retrograd.contrib.cudnn_rnn.parameters import (
    CUDNN_GRU,
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_LSTM,
    CUDNN_RNN_BIDIRECTION,
    CUDNN_RNN_RELU,
    CUDNN_RNN_TANH,
    CUDNN_RNN_UNIDIRECTION,
    Plan,
    check_direction,
    check_rnn_mode,
)
from retrograd.contrib.rnn.fused import at_ends, until_ends
from retrograd.contrib.rnn.linear import joined
from retrograd.graph.convert import convert_to_tensor
from retrograd.layers.rnn_loop import rnn
from retrograd.layers.rnn_steps import backwards
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import split, stack
from retrograd.ops.array.shape import shape, transpose
from retrograd.ops.declare import F
from retrograd.ops.linalg.einsum import tensordot
from retrograd.ops.math.casts import cast
from retrograd.ops.nn.nn import dropout as dropped

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


class _Run:
    """A network that is run over sequences.

    Args:
      plan: its sizes.
      params: its weights as a vector.
      lengths: how many steps each sequence has, or None where it is all.
    """

    def __init__(self, plan: Plan, params: Any, lengths: Tensor | None) -> None:
        self.plan, self.lengths = plan, lengths
        self.weights, self.biases = plan.matrices(params)

    def layers(
        self, x: Tensor, h: Tensor, c: Tensor | None, keep: float, seed: int | None
    ) -> tuple[Any, Any, Any]:
        """The outputs, and the last h and c, [layers, batch, units]."""
        last_h, last_c, outputs = [], [], []
        for layer, way, part in self.plan.places():
            place = len(last_h)
            if way == 0 and layer > 0:
                x = joined(outputs, 2)
                outputs = []
                if keep < 1:
                    x = dropped(x, rate=1 - keep, seed=seed)
            given = x if way == 0 else backwards(x, self.lengths)
            states = [h[place]] + ([] if c is None else [c[place]])
            found, *last = self._direction(part, given, states)
            outputs.append(found if way == 0 else backwards(found, self.lengths))
            last_h.append(last[0])
            last_c += last[1:]
        return joined(outputs, 2), stack(last_h), stack(last_c) if last_c else None

    def _direction(self, part: slice, x: Tensor, states: list[Any]) -> list[Any]:
        """The outputs of a layer in one direction, and its last states."""
        weights, biases = self.weights[part], self.biases[part]
        if self.plan.rnn_mode == CUDNN_LSTM:
            c, h = self._lstm(x, states, weights, biases)
            whole = [h, c]
        else:
            whole = [self._loop(x, states[0], weights, biases)]
        if self.lengths is None:
            return [whole[0], *[y[-1] for y in whole]]
        batch = shape(x)[1]
        last = [
            at_ends(before, y, self.lengths, batch)
            for before, y in zip(states, whole, strict=True)
        ]
        units = self.plan.num_units
        return [until_ends(whole[0], self.lengths, shape(x)[0], units), *last]

    def _lstm(
        self, x: Tensor, states: list[Any], weights: list[Any], biases: list[Any]
    ) -> tuple[Any, Any]:
        """c and h of all steps."""
        kernel, bias = to_one_kernel(weights, biases, LSTM_ORDER)
        seen = zeros([self.plan.num_units], x.dtype)
        h, c = states
        _, c, _, _, _, _, h = F.BlockLSTM(
            cast(shape(x)[0], dtypes.int64),
            *(x, c, h, kernel, seen, seen, seen, bias),
            forget_bias=0.0,
            cell_clip=-1.0,
            use_peephole=False,
        )
        return c, h

    def _loop(
        self, x: Tensor, h: Tensor, weights: list[Any], biases: list[Any]
    ) -> Tensor:
        """h of all steps; what the inputs add is worked out before."""
        half = len(weights) // 2
        of_x, of_h = joined(weights[:half], 0), transpose(joined(weights[half:], 0))
        bias_x, bias_h = joined(biases[:half], 0), joined(biases[half:], 0)
        given = tensordot(x, of_x, [[2], [1]]) + bias_x
        step = self._gated if self.plan.rnn_mode == CUDNN_GRU else self._plain

        def following(inputs: Tensor, states: Sequence[Tensor]) -> Any:
            new = step(inputs, F.MatMul(states[0], of_h) + bias_h, states[0])
            return new, [new]

        _, found, _ = rnn(following, given, [h], time_major=True)
        return found

    def _gated(self, x: Tensor, own: Tensor, h: Tensor) -> Tensor:
        x_r, x_u, x_c = split(x, 3, axis=1)
        h_r, h_u, h_c = split(own, 3, axis=1)
        update = F.Sigmoid(x_u + h_u)
        candidate = F.Tanh(x_c + F.Sigmoid(x_r + h_r) * h_c)
        return (1 - update) * candidate + update * h

    def _plain(self, x: Tensor, own: Tensor, h: Tensor) -> Tensor:
        del h
        relu = self.plan.rnn_mode == CUDNN_RNN_RELU
        return F.Relu(x + own) if relu else F.Tanh(x + own)


def cudnn_rnn(
    inputs: TensorLike,
    input_h: TensorLike,
    input_c: TensorLike | None,
    params: TensorLike,
    is_training: bool,
    rnn_mode: str,
    sequence_lengths: TensorLike | None = None,
    time_major: bool = True,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0.0,
    seed: int | None = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> tuple[Any, Any, Any]:
    """A network over sequences.

    Args:
      inputs: [steps, batch, n], or with the first two exchanged.
      input_h, input_c: the states to begin with, [layers, batch, units]; c of an LSTM.
      params: the weights, as `cudnn_rnn_canonical_to_opaque_params` gives them.
      is_training: whether something is dropped.
      rnn_mode: lstm, gru, rnn_tanh or rnn_relu.
      sequence_lengths: [batch], how many steps each has.
      time_major: whether steps are the first axis.
      input_mode, direction, num_proj: see `Plan`.
      dropout: the share of what goes from a layer to the next that is dropped.
      seed: of the random numbers.
      name: does nothing.

    Returns:
      The outputs, and the last h and c; c is None where there is none.

    Raises:
      ValueError: sizes are not known, or there is no such network.
    """
    del name
    check_rnn_mode(rnn_mode)
    check_direction(direction)
    x, h = convert_to_tensor(inputs), convert_to_tensor(input_h)
    c = None
    if rnn_mode == CUDNN_LSTM:
        if input_c is None:
            raise ValueError("An LSTM needs input_c.")
        c = convert_to_tensor(input_c)
    if not time_major:
        x = transpose(x, [1, 0, 2])
    count, _, units = h.shape.as_list()
    width = x.shape.as_list()[2]
    if count is None or units is None or width is None:
        raise ValueError("The sizes of layers, states and inputs must be known.")
    ways = 2 if direction == CUDNN_RNN_BIDIRECTION else 1
    layers = count // ways
    plan = Plan(rnn_mode, layers, units, width, input_mode, direction, num_proj)
    lengths = None
    if sequence_lengths is not None:
        lengths = cast(convert_to_tensor(sequence_lengths), dtypes.int32)
    keep = 1 - dropout if is_training else 1
    y, h, c = _Run(plan, params, lengths).layers(x, h, c, keep, seed or None)
    return y if time_major else transpose(y, [1, 0, 2]), h, c


_cudnn_rnn = cudnn_rnn


def cudnn_lstm(
    inputs: TensorLike,
    input_h: TensorLike,
    input_c: TensorLike,
    params: TensorLike,
    is_training: bool,
    sequence_lengths: TensorLike | None = None,
    time_major: bool = True,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0.0,
    seed: int | None = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> tuple[Any, Any, Any]:
    """`cudnn_rnn` of LSTMs."""
    return cudnn_rnn(
        inputs,
        input_h,
        input_c,
        params,
        is_training,
        CUDNN_LSTM,
        sequence_lengths,
        time_major,
        input_mode,
        direction,
        dropout,
        seed,
        num_proj,
        name,
    )


def _cudnn_rnn_no_input_c(
    inputs: TensorLike,
    input_h: TensorLike,
    params: TensorLike,
    is_training: bool,
    rnn_mode: str,
    sequence_lengths: TensorLike | None = None,
    time_major: bool = True,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0.0,
    seed: int | None = 0,
    name: str | None = None,
) -> tuple[Any, Any]:
    """`cudnn_rnn` of what has one state."""
    given = (sequence_lengths, time_major, input_mode, direction, dropout, seed)
    found = cudnn_rnn(
        inputs, input_h, None, params, is_training, rnn_mode, *given, None, name
    )
    return found[:2]


def _of_one_state(rnn_mode: str, called: str) -> Callable[..., tuple[Any, Any]]:
    """`cudnn_rnn` of a kind that has one state."""

    def network(
        inputs: TensorLike,
        input_h: TensorLike,
        params: TensorLike,
        is_training: bool,
        sequence_lengths: TensorLike | None = None,
        time_major: bool = True,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        dropout: float = 0.0,
        seed: int | None = 0,
        name: str | None = None,
    ) -> tuple[Any, Any]:
        given = (sequence_lengths, time_major, input_mode, direction, dropout, seed)
        return _cudnn_rnn_no_input_c(
            inputs, input_h, params, is_training, rnn_mode, *given, name
        )

    network.__name__ = network.__qualname__ = called
    network.__doc__ = f"`cudnn_rnn` of the kind {rnn_mode}."
    return network


cudnn_gru = _of_one_state(CUDNN_GRU, "cudnn_gru")
cudnn_rnn_tanh = _of_one_state(CUDNN_RNN_TANH, "cudnn_rnn_tanh")


def cudnn_rnn_relu(
    inputs: TensorLike,
    input_h: TensorLike,
    params: TensorLike,
    is_training: bool,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0.0,
    seed: int | None = 0,
    sequence_lengths: TensorLike | None = None,
    time_major: bool = True,
    name: str | None = None,
) -> tuple[Any, Any]:
    """`cudnn_rnn` with relu."""
    given = (sequence_lengths, time_major, input_mode, direction, dropout, seed, name)
    return _cudnn_rnn_no_input_c(
        inputs, input_h, params, is_training, CUDNN_RNN_RELU, *given
    )
