"""Where the weights of networks of cuDNN are: one vector, or a matrix a gate.

The vector holds, layer after layer and in each first forwards, the matrices of all
gates for the inputs, then those for the state; and behind all matrices the biases, in
the same order. A cell of TensorFlow has other matrices; see `converters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape
from retrograd.ops.random.seeds import get_seed

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

CUDNN_RNN_UNIDIRECTION = "unidirectional"
CUDNN_RNN_BIDIRECTION = "bidirectional"
CUDNN_LSTM, CUDNN_GRU = "lstm", "gru"
CUDNN_RNN_RELU, CUDNN_RNN_TANH = "rnn_relu", "rnn_tanh"
CUDNN_LSTM_PARAMS_PER_LAYER = 8
CUDNN_GRU_PARAMS_PER_LAYER = 6
CUDNN_RNN_TANH_PARAMS_PER_LAYER = 2
CUDNN_RNN_RELU_PARAMS_PER_LAYER = 2
CUDNN_INPUT_LINEAR_MODE = "linear_input"
CUDNN_INPUT_SKIP_MODE = "skip_input"
CUDNN_INPUT_AUTO_MODE = "auto_select"

PARAMS_PER_LAYER = {
    CUDNN_LSTM: CUDNN_LSTM_PARAMS_PER_LAYER,
    CUDNN_GRU: CUDNN_GRU_PARAMS_PER_LAYER,
    CUDNN_RNN_RELU: CUDNN_RNN_RELU_PARAMS_PER_LAYER,
    CUDNN_RNN_TANH: CUDNN_RNN_TANH_PARAMS_PER_LAYER,
}
_MODES = (CUDNN_LSTM, CUDNN_GRU, CUDNN_RNN_TANH, CUDNN_RNN_RELU)
_INPUTS = (CUDNN_INPUT_LINEAR_MODE, CUDNN_INPUT_SKIP_MODE, CUDNN_INPUT_AUTO_MODE)


def check_direction(direction: str) -> None:
    """Require one of the directions.

    Raises:
      ValueError: it is none.
    """
    known = (CUDNN_RNN_UNIDIRECTION, CUDNN_RNN_BIDIRECTION)
    if direction not in known:
        raise ValueError(
            f"Invalid direction: {direction}, expecting {' or '.join(known)}"
        )


def check_input_mode(input_mode: str) -> None:
    """Require one of the ways of taking inputs.

    Raises:
      ValueError: it is none.
    """
    if input_mode not in _INPUTS:
        raise ValueError(
            f"Invalid input_mode: {input_mode}, expect one of ({', '.join(_INPUTS)})"
        )


def check_rnn_mode(rnn_mode: str) -> None:
    """Require one of the kinds of networks.

    Raises:
      ValueError: it is none.
    """
    if rnn_mode not in _MODES:
        raise ValueError(
            f"Invalid rnn_mode: {rnn_mode}, expect one of ({', '.join(_MODES)})"
        )


class Plan:
    """The sizes of a network.

    Args:
      rnn_mode: lstm, gru, rnn_tanh or rnn_relu.
      num_layers: how many layers it has.
      num_units: the size of the state of each.
      input_size: the size of the inputs.
      input_mode: how the first layer takes them.
      direction: whether there are layers backwards too.
      num_proj: the size of projected outputs, which are not provided.

    Raises:
      ValueError: an argument is none of those that there are.
      NotImplementedError: outputs are projected, or the first layer takes the inputs as
        they are.
    """

    def __init__(
        self,
        rnn_mode: str,
        num_layers: int,
        num_units: int,
        input_size: int,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        num_proj: int | None = None,
    ) -> None:
        check_rnn_mode(rnn_mode)
        check_direction(direction)
        check_input_mode(input_mode)
        if num_proj:
            raise NotImplementedError("Projected outputs of cuDNN are not provided.")
        if input_mode == CUDNN_INPUT_SKIP_MODE:
            raise NotImplementedError("cuDNN's input mode skip_input is not provided.")
        self.rnn_mode = rnn_mode
        self.num_layers = num_layers
        self.num_units = num_units
        self.input_size = input_size
        self.directions = 1 if direction == CUDNN_RNN_UNIDIRECTION else 2
        self.per_layer = PARAMS_PER_LAYER[rnn_mode]

    @property
    def count(self) -> int:
        """How many matrices there are, and how many biases."""
        return self.per_layer * self.num_layers * self.directions

    def layer_shapes(self, layer: int) -> list[tuple[int, int]]:
        """The shapes of a layer's matrices, of all directions."""
        units, half = self.num_units, self.per_layer // 2
        width = units * self.directions if layer else self.input_size
        one = [(units, width)] * half + [(units, units)] * half
        return one * self.directions

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shapes of all matrices."""
        return [s for layer in range(self.num_layers) for s in self.layer_shapes(layer)]

    @property
    def size(self) -> int:
        """The length of the vector."""
        return sum(map(prod, self.shapes)) + self.count * self.num_units

    def matrices(self, vector: Any) -> tuple[list[Tensor], list[Tensor]]:
        """The matrices and biases that a vector holds."""
        weights, biases, at = [], [], 0
        for shape in self.shapes:
            weights.append(reshape(vector[at : at + prod(shape)], shape))
            at += prod(shape)
        for _ in range(self.count):
            biases.append(reshape(vector[at : at + self.num_units], [self.num_units]))
            at += self.num_units
        return weights, biases

    def vector(self, weights: Sequence[Any], biases: Sequence[Any]) -> Tensor:
        """The vector of matrices and biases.

        Raises:
          ValueError: there are not as many as it holds.
        """
        if not len(weights) == len(biases) == self.count:
            raise ValueError(
                f"Expected {self.count} weights and biases, got {len(weights)} and "
                f"{len(biases)}."
            )
        parts = [reshape(x, [-1]) for x in (*weights, *biases)]
        return concat(parts, 0)

    def places(self) -> list[tuple[int, int, slice]]:
        """Layers, directions, and which matrices and biases are theirs."""
        size = self.per_layer
        pairs = [(i, k) for i in range(self.num_layers) for k in range(self.directions)]
        return [
            (layer, way, slice(place * size, (place + 1) * size))
            for place, (layer, way) in enumerate(pairs)
        ]


def cudnn_rnn_opaque_params_size(
    rnn_mode: str,
    num_layers: int,
    num_units: int,
    input_size: int,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dtype: object = dtypes.float32,
    dropout: float = 0,
    seed: int = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> Tensor:
    """The length of the vector of a network's weights.

    Args:
      rnn_mode, …, num_proj: see `Plan`.
      dtype, dropout, seed: change nothing.
      name: of the operation.
    """
    del dtype, dropout, seed
    sizes = (num_layers, num_units, input_size, input_mode, direction, num_proj)
    found = Plan(rnn_mode, *sizes).size
    return constant(found, dtypes.int32, name=name or "Const")


def cudnn_rnn_canonical_to_opaque_params(
    rnn_mode: str,
    num_layers: int,
    num_units: int,
    input_size: int,
    weights: Sequence[TensorLike],
    biases: Sequence[TensorLike],
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0,
    seed: int = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> Tensor:
    """The vector of a network's weights, of its matrices and biases.

    Args:
      rnn_mode, …, num_proj: see `Plan`.
      weights, biases: those of `cudnn_rnn_opaque_params_to_canonical`.
      dropout, seed, name: change nothing.
    """
    del dropout, seed, name
    sizes = (num_layers, num_units, input_size, input_mode, direction, num_proj)
    return Plan(rnn_mode, *sizes).vector(weights, biases)


def cudnn_rnn_opaque_params_to_canonical(
    rnn_mode: str,
    num_layers: int,
    num_units: int,
    input_size: int,
    params: TensorLike,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0,
    seed: int = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """The matrices and biases in the vector of a network's weights.

    Args:
      rnn_mode, …, num_proj: see `Plan`.
      params: the vector.
      dropout, seed, name: change nothing.
    """
    del dropout, seed, name
    sizes = (num_layers, num_units, input_size, input_mode, direction, num_proj)
    return Plan(rnn_mode, *sizes).matrices(params)


_check_rnn_mode = check_rnn_mode


def _get_num_params(rnn_mode: str, num_layers: int, direction: str) -> int:
    """How many matrices a network has.

    Raises:
      ValueError: there is no such kind.
    """
    if rnn_mode not in PARAMS_PER_LAYER:
        raise ValueError(f"Invalid 'rnn_mode': {rnn_mode}")
    found = PARAMS_PER_LAYER[rnn_mode] * num_layers
    return found if direction == CUDNN_RNN_UNIDIRECTION else 2 * found


def _get_seed(seed: int | None) -> tuple[int, int]:
    """The two seeds of an operation, 0 where there is none."""
    first, second = get_seed(seed)
    return first or 0, second or 0
