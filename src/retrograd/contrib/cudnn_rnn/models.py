"""The networks of `cudnn_rnn_ops`: sizes, which are given their weights when called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.contrib.cudnn_rnn.networks import cudnn_rnn
from retrograd.contrib.cudnn_rnn.parameters import (
    CUDNN_GRU,
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_LSTM,
    CUDNN_RNN_RELU,
    CUDNN_RNN_TANH,
    CUDNN_RNN_UNIDIRECTION,
    Plan,
)
from retrograd.ops.array.constant import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike


class _CudnnRNN:
    """A base: a network without its weights.

    Args:
      rnn_mode, num_layers, num_units, input_size, input_mode, direction, num_proj: see
        `Plan`.
      dtype: of the weights.
      dropout: the share of what goes from a layer to the next that is dropped.
      seed: of the random numbers.
    """

    def __init__(
        self,
        rnn_mode: str,
        num_layers: int,
        num_units: int,
        input_size: int,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        dtype: DTypeLike = dtypes.float32,
        dropout: float = 0.0,
        seed: int | None = 0,
        num_proj: int | None = None,
    ) -> None:
        sizes = (num_layers, num_units, input_size, input_mode, direction)
        self._plan = Plan(rnn_mode, *sizes, num_proj)
        self.rnn_mode = rnn_mode
        self.num_layers = num_layers
        self.num_units = num_units
        self.input_size = input_size
        self.input_mode = input_mode
        self.direction = direction
        self.num_proj = num_proj
        self._dtype, self._dropout, self._seed = dtype, dropout, seed

    def params_size(self) -> Tensor:
        """The length of the vector of the weights."""
        return constant(self._plan.size, dtypes.int32)

    def params_to_canonical(self, params: TensorLike) -> tuple[list[Any], list[Any]]:
        """The matrices and biases in a vector of weights."""
        return self._plan.matrices(params)

    def canonical_to_params(
        self, weights: Sequence[TensorLike], biases: Sequence[TensorLike]
    ) -> Tensor:
        """The vector of matrices and biases."""
        return self._plan.vector(weights, biases)

    def _run(
        self,
        inputs: TensorLike,
        h: TensorLike,
        c: TensorLike | None,
        params: TensorLike,
        options: tuple[bool, TensorLike | None, bool],
    ) -> tuple[Any, Any, Any]:
        training, lengths, time_major = options
        ways = (self.input_mode, self.direction, self._dropout, self._seed)
        given = (inputs, h, c, params, training, self.rnn_mode, lengths, time_major)
        return cudnn_rnn(*given, *ways, self.num_proj)


class CudnnLSTM(_CudnnRNN):
    """Layers of LSTMs.

    Args:
      num_layers, …, num_proj: those of `_CudnnRNN`.
    """

    def __init__(
        self,
        num_layers: int,
        num_units: int,
        input_size: int,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        dtype: DTypeLike = dtypes.float32,
        dropout: float = 0.0,
        seed: int | None = 0,
        num_proj: int | None = None,
    ) -> None:
        sizes = (num_layers, num_units, input_size, input_mode, direction)
        super().__init__(CUDNN_LSTM, *sizes, dtype, dropout, seed, num_proj)

    def __call__(
        self,
        input_data: TensorLike,
        input_h: TensorLike,
        input_c: TensorLike,
        params: TensorLike,
        sequence_lengths: TensorLike | None = None,
        time_major: bool = True,
        is_training: bool = True,
    ) -> tuple[Any, Any, Any]:
        """The outputs, and the last h and c; see `cudnn_rnn`."""
        options = (is_training, sequence_lengths, time_major)
        return self._run(input_data, input_h, input_c, params, options)


class _CudnnRNNNoInputC(_CudnnRNN):
    """A base: layers with one state; the arguments are those of `_CudnnRNN`."""

    _rnn_mode: str

    def __init__(
        self,
        num_layers: int,
        num_units: int,
        input_size: int,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        dtype: DTypeLike = dtypes.float32,
        dropout: float = 0.0,
        seed: int | None = 0,
    ) -> None:
        sizes = (num_layers, num_units, input_size, input_mode, direction)
        super().__init__(self._rnn_mode, *sizes, dtype, dropout, seed)

    def __call__(
        self,
        input_data: TensorLike,
        input_h: TensorLike,
        params: TensorLike,
        sequence_lengths: TensorLike | None = None,
        time_major: bool = True,
        is_training: bool = True,
    ) -> tuple[Any, Any]:
        """The outputs, and the last h; see `cudnn_rnn`."""
        options = (is_training, sequence_lengths, time_major)
        return self._run(input_data, input_h, None, params, options)[:2]


class CudnnGRU(_CudnnRNNNoInputC):
    """Layers of gated recurrent units."""

    _rnn_mode = CUDNN_GRU


class CudnnRNNTanh(_CudnnRNNNoInputC):
    """Layers of simple networks with tanh."""

    _rnn_mode = CUDNN_RNN_TANH


class CudnnRNNRelu(_CudnnRNNNoInputC):
    """Layers of simple networks with relu."""

    _rnn_mode = CUDNN_RNN_RELU
