"""The weights of networks in checkpoints: as the variables of cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.cudnn_rnn.converters import (
    CudnnParamsFormatConverter,
    CudnnParamsFormatConverterGRU,
    CudnnParamsFormatConverterLSTM,
    CudnnParamsFormatConverterRelu,
    CudnnParamsFormatConverterTanh,
)
from retrograd.contrib.cudnn_rnn.parameters import (
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_RNN_UNIDIRECTION,
)
from retrograd.train.saveable import SaveableObject, SaveSpec
from retrograd.variables.scope import get_variable_scope
from retrograd.variables.updates import assign

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DynamicShape, VariableLike


class CudnnOpaqueParamsSaveable(SaveableObject):
    """The vector of a network's weights, saved as the variables of cells.

    Args:
      opaque_params: the variable of the vector.
      num_layers, num_units, input_size, input_mode, direction: those of the network.
      scope: the scope of the names; by default the current one.
      name: in the checkpoint.
    """

    _format_converter_cls: type[CudnnParamsFormatConverter]
    _rnn_cell_name: str
    #: the names of a cell's kernels, and of its biases
    _KERNELS: tuple[str, ...] = ("kernel",)
    _BIASES: tuple[str, ...] = ("bias",)

    def __init__(
        self,
        opaque_params: VariableLike,
        num_layers: int,
        num_units: int,
        input_size: int,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        scope: Any = None,
        name: str = "cudnn_rnn_saveable",
    ) -> None:
        self._num_layers = num_layers
        self._direction = direction
        self._scope = get_variable_scope() if scope is None else scope
        self._variables = opaque_params
        self._format_converter = self._format_converter_cls(
            num_layers,
            num_units,
            input_size,
            input_mode=input_mode,
            direction=direction,
        )
        kernels, biases = self._format_converter.opaque_to_tf_canonical(opaque_params)
        names = [*self._names(self._KERNELS), *self._names(self._BIASES)]
        scope_name = getattr(self._scope, "name", self._scope)
        prefix = f"{scope_name}/" if scope_name else ""
        specs = [
            SaveSpec(x, "", prefix + own)
            for x, own in zip([*kernels, *biases], names, strict=True)
        ]
        super().__init__(opaque_params, specs, name)

    @property
    def format_converter(self) -> CudnnParamsFormatConverter:
        """What changes between the vector and the variables."""
        return self._format_converter

    def _names(self, kinds: tuple[str, ...]) -> list[str]:
        ways = (True,) if self._direction == CUDNN_RNN_UNIDIRECTION else (True, False)
        return [
            f"{self._tf_canonical_name_prefix(layer, forward)}/{kind}"
            for layer in range(self._num_layers)
            for forward in ways
            for kind in kinds
        ]

    def _tf_canonical_name_prefix(self, layer: int, is_fwd: bool = True) -> str:
        """The scope of a layer's cell."""
        if self._direction == CUDNN_RNN_UNIDIRECTION:
            return f"rnn/multi_rnn_cell/cell_{layer}/{self._rnn_cell_name}"
        way = "fw" if is_fwd else "bw"
        return (
            f"stack_bidirectional_rnn/cell_{layer}/bidirectional_rnn/{way}/"
            f"{self._rnn_cell_name}"
        )

    def restore(
        self,
        restored_tensors: Sequence[Tensor],
        restored_shapes: Sequence[DynamicShape] | None,
    ) -> Any:
        """Assign the vector of the variables of a checkpoint."""
        del restored_shapes
        vector = self._format_converter.tf_canonical_to_opaque(restored_tensors)
        return assign(self._variables, vector, validate_shape=False)


class CudnnLSTMSaveable(CudnnOpaqueParamsSaveable):
    """As the variables of `CudnnCompatibleLSTMCell`."""

    _format_converter_cls = CudnnParamsFormatConverterLSTM
    _rnn_cell_name = "cudnn_compatible_lstm_cell"


class CudnnGRUSaveable(CudnnOpaqueParamsSaveable):
    """As the variables of `CudnnCompatibleGRUCell`."""

    _format_converter_cls = CudnnParamsFormatConverterGRU
    _rnn_cell_name = "cudnn_compatible_gru_cell"
    _KERNELS = (
        "gates/kernel",
        "candidate/input_projection/kernel",
        "candidate/hidden_projection/kernel",
    )
    _BIASES = (
        "gates/bias",
        "candidate/input_projection/bias",
        "candidate/hidden_projection/bias",
    )


class CudnnRNNTanhSaveable(CudnnLSTMSaveable):
    """As the variables of `BasicRNNCell`."""

    _format_converter_cls = CudnnParamsFormatConverterTanh
    _rnn_cell_name = "basic_rnn_cell"


class CudnnRNNReluSaveable(CudnnLSTMSaveable):
    """As the variables of `BasicRNNCell`."""

    _format_converter_cls = CudnnParamsFormatConverterRelu
    _rnn_cell_name = "basic_rnn_cell"
