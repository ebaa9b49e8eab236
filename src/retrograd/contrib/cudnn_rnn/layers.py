"""The layers of `tf.contrib.cudnn_rnn`: networks with all their weights in a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.contrib.cudnn_rnn.networks import cudnn_rnn
from retrograd.contrib.cudnn_rnn.parameters import (
    CUDNN_GRU,
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_LSTM,
    CUDNN_RNN_BIDIRECTION,
    CUDNN_RNN_RELU,
    CUDNN_RNN_TANH,
    CUDNN_RNN_UNIDIRECTION,
    PARAMS_PER_LAYER,
    Plan,
    check_direction,
    check_input_mode,
)
from retrograd.contrib.cudnn_rnn.saveables import (
    CudnnGRUSaveable,
    CudnnLSTMSaveable,
    CudnnOpaqueParamsSaveable,
    CudnnRNNReluSaveable,
    CudnnRNNTanhSaveable,
)
from retrograd.graph.defaults import add_to_collection
from retrograd.graph.names import GraphKeys
from retrograd.layers import scoped
from retrograd.layers.input_spec import InputSpec
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.shape import size_along
from retrograd.variables.initializers import (
    constant_initializer,
    glorot_uniform_initializer,
)
from retrograd.variables.scope import get_variable, variable_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        DTypeLike,
        InitializerLike,
        ShapeLike,
        Structure,
        TensorLike,
    )


class _CudnnRNN(scoped.Layer):
    """A base: layers of recurrent networks over sequences.

    Args:
      num_layers: how many there are.
      num_units: the size of the state of each.
      input_mode: how the first one takes the inputs.
      direction: whether there are layers backwards too.
      dropout: the share of what goes from a layer to the next that is dropped.
      seed: of the random numbers.
      dtype: of the weights.
      kernel_initializer, bias_initializer: the first values of each matrix and bias; by
        default Glorot's uniform ones, and 0.
      name: of the layer.

    Raises:
      ValueError: an argument is none of those that there are.
    """

    _rnn_mode: str
    _saveable_cls: type[CudnnOpaqueParamsSaveable]

    def __init__(
        self,
        num_layers: int,
        num_units: int,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        dropout: float = 0.0,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
        kernel_initializer: InitializerLike | None = None,
        bias_initializer: InitializerLike | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        check_direction(direction)
        check_input_mode(input_mode)
        kind = dtypes.as_dtype(dtype)
        if kind not in (dtypes.float16, dtypes.float32, dtypes.float64):
            raise ValueError(
                f"Only support float16, float32, float64, provided {kind.name}"
            )
        self._plain_dtype = kind
        self._num_layers = num_layers
        self._num_units = num_units
        self._input_mode = input_mode
        self._direction = direction
        self._dropout = dropout
        self._seed = seed
        self._num_params_per_layer = PARAMS_PER_LAYER[self._rnn_mode]
        self._kernel_initializer: Any = kernel_initializer
        self._bias_initializer: Any = bias_initializer
        if kernel_initializer is None:
            self._kernel_initializer = glorot_uniform_initializer(seed=seed, dtype=kind)
        if bias_initializer is None:
            self._bias_initializer = constant_initializer(0.0, dtype=kind)
        self._input_size: int | None = None
        self._saveable: Any = None

    @property
    def num_layers(self) -> int:
        """How many layers there are."""
        return self._num_layers

    @property
    def num_units(self) -> int:
        """The size of the state of each."""
        return self._num_units

    @property
    def input_mode(self) -> str:
        """How the first layer takes the inputs."""
        return self._input_mode

    @property
    def input_size(self) -> int:
        """The size of the inputs.

        Raises:
          ValueError: the layer has not been built.
        """
        if not self._input_size:
            raise ValueError("'input_size' is unknown since layer has not been built.")
        return self._input_size

    @property
    def rnn_mode(self) -> str:
        """Which network it is."""
        return self._rnn_mode

    @property
    def direction(self) -> str:
        """Whether there are layers backwards too."""
        return self._direction

    @property
    def num_dirs(self) -> int:
        """In how many directions layers go."""
        return 2 if self._direction == CUDNN_RNN_BIDIRECTION else 1

    @property
    def saveable(self) -> Any:
        """What saves the weights as the variables of cells."""
        return self._saveable

    @property
    def canonical_weight_shapes(self) -> list[tuple[int, int]]:
        """The shapes of the matrices.

        Raises:
          RuntimeError: the size of the inputs is not known.
        """
        if not self._input_size:
            raise RuntimeError(
                f"{type(self).__name__}.canonical_weight_shapes invoked before input "
                "shape is known"
            )
        return self._plan().shapes

    @property
    def canonical_bias_shapes(self) -> list[list[int]]:
        """The shapes of the biases."""
        count = self._num_params_per_layer * self._num_layers * self.num_dirs
        return [[self._num_units] for _ in range(count)]

    def _plan(self) -> Plan:
        sizes = (self._num_layers, self._num_units, self.input_size)
        return Plan(self._rnn_mode, *sizes, self._input_mode, self._direction)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [steps, batch, n].

        Raises:
          ValueError: there are not three axes, or the size is not known.
        """
        static = shapes.TensorShape(input_shape)
        if static.ndims != 3:
            raise ValueError(f"Expecting input_shape with 3 dims, got {static.ndims}")
        width = static.as_list()[-1]
        if width is None:
            raise ValueError(
                "The last dimension of the inputs to `CudnnRNN` should be defined. "
                "Found `None`."
            )
        self._input_size = width
        self.input_spec = InputSpec(ndim=3, axes={-1: width})
        kind, plan = self._plain_dtype, self._plan()
        with variable_scope(
            self._scope, reuse=self.built, custom_getter=self._kept
        ) as scope:
            weights = [self._kernel_initializer(s, dtype=kind) for s in plan.shapes]
            biases = [
                self._bias_initializer(s, dtype=kind)
                for s in self.canonical_bias_shapes
            ]
            vector = plan.vector(weights, biases)
            self.kernel = get_variable(
                "opaque_kernel", initializer=vector, validate_shape=False
            )
            self._saveable = self._saveable_cls(
                self.kernel,
                self._num_layers,
                self._num_units,
                width,
                self._input_mode,
                self._direction,
                scope=scope,
                name=f"{self.kernel.name.split(':')[0]}_saveable",
            )
        add_to_collection(GraphKeys.SAVEABLE_OBJECTS, self._saveable)
        self.built = True

    def _kept(self, getter: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A variable, which becomes a weight."""
        variable = getter(*args, **kwargs)
        if not any(variable is known for known in self._trainable_weights):
            self._trainable_weights.append(variable)
        return variable

    def call(
        self,
        inputs: Tensor,
        initial_state: Structure = None,
        sequence_lengths: TensorLike | None = None,
        time_major: bool = True,
        training: bool = True,
    ) -> tuple[Any, tuple[Any, ...]]:
        """The outputs for inputs, and the last states.

        Args:
          inputs: [steps, batch, n], or with the first two exchanged.
          initial_state: a tuple of h, and of c for an LSTM, [layers, batch, units]; by
            default zeros.
          sequence_lengths: [batch], how many steps each has; behind them outputs are 0.
          time_major: whether steps are the first axis.
          training: whether something is dropped.

        Raises:
          TypeError: the states are no tuple.
        """
        if initial_state is not None and not isinstance(initial_state, tuple):
            raise TypeError(
                f"Invalid initial_state type: {initial_state}, expecting tuple."
            )
        kind = self._plain_dtype
        if initial_state is None:
            batch = size_along(inputs, 1 if time_major else 0)
            initial_state = tuple(zeros(s, kind) for s in self.state_shape(batch))
        h, c = self._pair(initial_state)
        y, h, c = cudnn_rnn(
            inputs,
            h,
            c,
            self.kernel,
            training,
            self._rnn_mode,
            sequence_lengths,
            time_major,
            self._input_mode,
            self._direction,
            self._dropout,
            self._seed,
        )
        return y, (h,) if c is None else (h, c)

    def _pair(self, state: tuple[Any, ...]) -> tuple[Any, Any]:
        """h and c."""
        (h,) = state
        return h, None

    def state_shape(self, batch_size: TensorLike) -> tuple[list[Any], ...]:
        """The shapes of the states."""
        return ([self._num_layers * self.num_dirs, batch_size, self._num_units],)


class CudnnLSTM(_CudnnRNN):
    """Layers of LSTMs; see `_CudnnRNN`."""

    _rnn_mode = CUDNN_LSTM
    _saveable_cls = CudnnLSTMSaveable

    def _pair(self, state: tuple[Any, ...]) -> tuple[Any, Any]:
        """h and c."""
        h, c = state
        return h, c

    def state_shape(self, batch_size: TensorLike) -> tuple[list[Any], ...]:
        """The shapes of h and c."""
        return super().state_shape(batch_size) * 2


class CudnnGRU(_CudnnRNN):
    """Layers of gated recurrent units; see `_CudnnRNN`."""

    _rnn_mode = CUDNN_GRU
    _saveable_cls = CudnnGRUSaveable


class CudnnRNNTanh(_CudnnRNN):
    """Layers of simple networks with tanh; see `_CudnnRNN`."""

    _rnn_mode = CUDNN_RNN_TANH
    _saveable_cls = CudnnRNNTanhSaveable


class CudnnRNNRelu(_CudnnRNN):
    """Layers of simple networks with relu; see `_CudnnRNN`."""

    _rnn_mode = CUDNN_RNN_RELU
    _saveable_cls = CudnnRNNReluSaveable
