"""Weights of cuDNN, and those of the cells of TensorFlow that compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.cudnn_rnn.parameters import (
    CUDNN_GRU,
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_LSTM,
    CUDNN_RNN_RELU,
    CUDNN_RNN_TANH,
    CUDNN_RNN_UNIDIRECTION,
    Plan,
)
from retrograd.contrib.rnn.linear import joined
from retrograd.ops.array.join import concat, split
from retrograd.ops.array.shape import transpose

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


class CudnnParamsFormatConverter:
    """Changes between the vector of cuDNN and the variables of cells.

    Args:
      num_layers: how many layers the network has.
      num_units: the size of the state of each.
      input_size: the size of the inputs.
      num_proj: the size of projected outputs, which are not provided.
      input_mode: how the first layer takes the inputs.
      direction: whether there are layers backwards too.
    """

    _rnn_mode: str

    def __init__(
        self,
        num_layers: int,
        num_units: int,
        input_size: int,
        num_proj: int | None = None,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
    ) -> None:
        self._plan = Plan(
            self._rnn_mode,
            num_layers,
            num_units,
            input_size,
            input_mode,
            direction,
            num_proj,
        )

    def opaque_to_tf_canonical(
        self, opaque_param: TensorLike
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The kernels and the biases of cells, of the vector."""
        return self._cu_canonical_to_tf_canonical(*self._plan.matrices(opaque_param))

    def _cu_canonical_to_tf_canonical(
        self, weights: Sequence[Any], biases: Sequence[Any]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The kernels and the biases of cells, of matrices and biases."""
        found = [
            self._to_cell(weights[part], biases[part])
            for _, _, part in self._plan.places()
        ]
        kernels = [x for kernels, _ in found for x in kernels]
        return kernels, [x for _, biases in found for x in biases]

    def tf_canonical_to_opaque(
        self, tf_canonicals: Sequence[Any], weights_proj: object = None
    ) -> Tensor:
        """The vector, of the kernels of all cells, and then of their biases."""
        found = self._tf_canonical_to_cu_canonical(tf_canonicals, weights_proj)
        return self._plan.vector(*found)

    def _tf_canonical_to_cu_canonical(
        self, tf_canonicals: Sequence[Any], weights_proj: object = None
    ) -> tuple[list[Any], list[Any]]:
        """The matrices and biases, of the kernels of all cells and their biases."""
        del weights_proj
        half = len(tf_canonicals) // 2
        kernels, biases = tf_canonicals[:half], tf_canonicals[half:]
        found_w: list[Any] = []
        found_b: list[Any] = []
        places = self._plan.places()
        each = half // len(places)
        for place, (layer, _, _) in enumerate(places):
            own = slice(place * each, (place + 1) * each)
            more_w, more_b = self._from_cell(layer, kernels[own], biases[own])
            found_w += more_w
            found_b += more_b
        return found_w, found_b

    def _to_cell(
        self, weights: Sequence[Any], biases: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """The kernels and biases of the cell of a layer and direction."""
        raise NotImplementedError

    def _from_cell(
        self, layer: int, kernels: Sequence[Any], biases: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """Its matrices and biases."""
        raise NotImplementedError

    def _rows(self, layer: int) -> list[int]:
        """How many rows of a kernel are for the inputs, and for the state."""
        (_, width), *_, (_, units) = self._plan.layer_shapes(layer)
        return [width, units]


def _kernel(weights: Sequence[Any], order: Sequence[int], count: int) -> Any:
    """A kernel [n + units, …] of the gates in an order."""
    rows = [concat([weights[k], weights[k + count]], axis=1) for k in order]
    return transpose(joined(rows, 0))


def _summed(biases: Sequence[Any], order: Sequence[int], count: int) -> Any:
    """The bias of the gates in an order: the sum of the two that cuDNN has."""
    return joined([biases[k] + biases[k + count] for k in order], 0)


def _parts(x: Any, count: int, axis: int) -> list[Any]:
    """Equal parts along an axis; one is all as it is."""
    return [x] if count == 1 else split(x, count, axis=axis)


def to_one_kernel(
    weights: Sequence[Any], biases: Sequence[Any], order: Sequence[int]
) -> tuple[Any, Any]:
    """The kernel and bias of a cell that has one, with the gates in an order."""
    count = len(order)
    return _kernel(weights, order, count), _summed(biases, order, count)


class _Joined(CudnnParamsFormatConverter):
    """A base: networks whose cell has one kernel."""

    _order: tuple[int, ...]

    def _to_cell(
        self, weights: Sequence[Any], biases: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        kernel, bias = to_one_kernel(weights, biases, self._order)
        return [kernel], [bias]

    def _from_cell(
        self, layer: int, kernels: Sequence[Any], biases: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        # the order is its own inverse
        count, weights = len(self._order), []
        for rows in split(kernels[0], self._rows(layer), axis=0):
            own = [transpose(x) for x in _parts(rows, count, 1)]
            weights += [own[k] for k in self._order]
        own = _parts(biases[0], count, 0)
        halves = [own[k] * 0.5 for k in self._order]
        return weights, halves + halves


#: where i, j, f and o are in cuDNN's order, which is i, f, j and o
LSTM_ORDER = (0, 2, 1, 3)


class CudnnParamsFormatConverterLSTM(_Joined):
    """For `CudnnCompatibleLSTMCell`, whose kernel has the parts of i, j, f and o."""

    _rnn_mode = CUDNN_LSTM
    _order = LSTM_ORDER


class CudnnParamsFormatConverterBasic(CudnnParamsFormatConverterLSTM):
    """For `BasicRNNCell`."""

    _order = (0,)


class CudnnParamsFormatConverterTanh(CudnnParamsFormatConverterBasic):
    """For `BasicRNNCell` with tanh."""

    _rnn_mode = CUDNN_RNN_TANH


class CudnnParamsFormatConverterRelu(CudnnParamsFormatConverterBasic):
    """For `BasicRNNCell` with relu."""

    _rnn_mode = CUDNN_RNN_RELU


class CudnnParamsFormatConverterGRU(CudnnParamsFormatConverter):
    """For `CudnnCompatibleGRUCell`."""

    _rnn_mode = CUDNN_GRU

    def _to_cell(
        self, weights: Sequence[Any], biases: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        kernels = [
            _kernel(weights, (0, 1), 3),
            *map(transpose, (weights[2], weights[5])),
        ]
        return kernels, [_summed(biases, (0, 1), 3), biases[2], biases[5]]

    def _from_cell(
        self, layer: int, kernels: Sequence[Any], biases: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        gates, of_x, of_h = kernels
        x, h = split(gates, self._rows(layer), axis=0)
        (x_r, x_u), (h_r, h_u) = split(x, 2, axis=1), split(h, 2, axis=1)
        weights = [transpose(w) for w in (x_r, x_u, of_x, h_r, h_u, of_h)]
        halves = [b * 0.5 for b in split(biases[0], 2, axis=0)]
        return weights, [*halves, biases[1], *halves, biases[2]]
