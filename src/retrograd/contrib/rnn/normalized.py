"""LSTM cells whose gates are normalized, by layer or by weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.contrib.layers.normalization import layer_norm
from retrograd.contrib.rnn.linear import joined, linear, weighted
from retrograd.contrib.rnn.sized import concat_variable, keeps_sizes, known_width
from retrograd.contrib.rnn.steps import Peepholes, memory, shown
from retrograd.contrib.rnn.wrappers import warn_of_input_size
from retrograd.layers.rnn_cell_base import BIAS, KERNEL, RNNCell
from retrograd.layers.rnn_cells import (
    LSTMStateTuple,
    apart,
    clipped,
    joined_state,
    warn_of_joined,
)
from retrograd.ops.array.join import concat, split
from retrograd.ops.declare import F
from retrograd.ops.nn.nn import bias_add, dropout, l2_normalize
from retrograd.variables.initializers import constant_initializer, zeros_initializer
from retrograd.variables.scope import get_variable, get_variable_scope, variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, InitializerLike, Operand, Structure

Activation = Callable[[Any], Any]


GATES = ("input", "transform", "forget", "output")
WEIGHT_NORM_SCOPE = "wn_lstm_cell"


def _norm(
    g: float, b: float, inp: Tensor, scope: str, dtype: DTypeLike | None = None
) -> Tensor:
    """`inp`, normalized with variables `gamma` and `beta` below a scope.

    Args:
      g, b: the first values of the variables.
      inp: [batch, n].
      scope: the name of the scope.
      dtype: of the variables, by default float32.
    """
    shape = inp.shape[-1:]
    with variable_scope(scope):
        for name, first in (("gamma", g), ("beta", b)):
            start = constant_initializer(first)
            get_variable(name, shape=shape, initializer=start, dtype=dtype)
    return layer_norm(inp, reuse=True, scope=scope)


def _normed(cell: Any, x: Tensor, scope: str, dtype: DTypeLike | None = None) -> Tensor:
    """x, normalized if the cell says so."""
    if not cell._layer_norm:
        return x
    return _norm(cell._norm_gain, cell._norm_shift, x, scope, dtype)


def _normed_gates(
    cell: Any,
    gates: list[Tensor],
    names: tuple[str, ...] = GATES,
    dtype: DTypeLike | None = None,
) -> list[Tensor]:
    pairs = zip(gates, names, strict=True)
    return [_normed(cell, x, name, dtype) for x, name in pairs]


@keeps_sizes
class LayerNormBasicLSTMCell(RNNCell):
    """LSTM with normalized gates and dropout of what enters (Ba et al. 2016).

    Args:
      num_units: the size of c and h.
      forget_bias: what is added to the input of the forget gate.
      input_size: does nothing.
      activation: of what enters and of c; by default tanh.
      layer_norm: whether gates and c are normalized.
      norm_gain, norm_shift: the first values of `gamma` and `beta`.
      dropout_keep_prob: the share of what enters that is kept (Semeniuta et al. 2016).
      dropout_prob_seed: of the random numbers.
      reuse: whether variables that are there are used.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        input_size: object = None,
        activation: Activation = F.Tanh,
        layer_norm: bool = True,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dropout_keep_prob: Operand | float = 1.0,
        dropout_prob_seed: int | None = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        warn_of_input_size(self, input_size)
        self._num_units = num_units
        self._activation = activation
        self._forget_bias = forget_bias
        self._keep_prob = dropout_keep_prob
        self._seed = dropout_prob_seed
        self._layer_norm = layer_norm
        self._norm_gain = norm_gain
        self._norm_shift = norm_shift
        self._state_size = LSTMStateTuple(num_units, num_units)
        self._output_size = num_units

    def _linear(self, args: Tensor) -> Tensor:
        """args · kernel, and the bias where nothing is normalized."""
        width, dtype = args.shape.as_list()[-1], args.dtype
        kernel = get_variable(KERNEL, [width, 4 * self._num_units], dtype=dtype)
        found = F.MatMul(args, kernel)
        if self._layer_norm:
            return found
        return bias_add(found, get_variable(BIAS, [4 * self._num_units], dtype=dtype))

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        c, h = state
        given = concat([inputs, h], 1)
        gates = split(value=self._linear(given), num_or_size_splits=4, axis=1)
        dtype = given.dtype
        i, j, f, o = _normed_gates(self, gates, dtype=dtype)
        entering = self._activation(j)
        if not isinstance(self._keep_prob, float) or self._keep_prob < 1:
            entering = dropout(entering, self._keep_prob, seed=self._seed)
        c = c * F.Sigmoid(f + self._forget_bias) + F.Sigmoid(i) * entering
        c = _normed(self, c, "state", dtype)
        h = self._activation(c) * F.Sigmoid(o)
        return h, LSTMStateTuple(c, h)


@keeps_sizes
class LayerNormLSTMCell(RNNCell):
    """`LSTMCell` with normalized gates.

    Args:
      num_units: the size of c, and of h without a projection.
      use_peepholes: whether the gates also see c.
      cell_clip: the largest absolute value of c.
      initializer: the first values of the kernels and peepholes.
      num_proj: the size of h, if it is projected.
      proj_clip: the largest absolute value of what is projected.
      forget_bias: what is added to the input of the forget gate.
      activation: of what enters and of c; by default tanh.
      layer_norm: whether gates and c are normalized.
      norm_gain, norm_shift: the first values of `gamma` and `beta`.
      reuse: whether variables that are there are used.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: InitializerLike | None = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1.0,
        activation: Activation | None = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._activation = activation or F.Tanh
        self._layer_norm = layer_norm
        self._norm_gain = norm_gain
        self._norm_shift = norm_shift
        self._output_size = num_proj or num_units
        self._state_size = LSTMStateTuple(num_units, self._output_size)

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known.
        """
        c, h = state
        known_width(inputs)
        outer = get_variable_scope()
        with variable_scope(outer, initializer=self._initializer):
            # there is a bias even where it is not used
            z, bias = weighted([inputs, h], 4 * self._num_units)
            z = z if self._layer_norm else bias_add(z, bias)
            gates = split(value=z, num_or_size_splits=4, axis=1)
            gates = _normed_gates(self, gates)
            peepholes = None
            if self._use_peepholes:
                peepholes = Peepholes.made(self._num_units, inputs.dtype)
            c = memory(c, gates, self._forget_bias, self._activation, peepholes)
            c = clipped(_normed(self, c, "state"), self._cell_clip)
            h = shown(c, gates, self._activation, peepholes)
            if self._num_proj is not None:
                with variable_scope("projection"):
                    h = linear(h, self._num_proj, bias=False)
                h = clipped(h, self._proj_clip)
        return h, LSTMStateTuple(c, h)


@keeps_sizes
class CoupledInputForgetGateLSTMCell(RNNCell):
    """LSTM whose input gate is one minus the forget gate (Greff et al. 2015).

    Args:
      num_units: the size of c, and of h without a projection.
      use_peepholes: whether the gates also see c.
      initializer: the first values of the kernels and peepholes.
      num_proj: the size of h, if it is projected.
      proj_clip: the largest absolute value of what is projected.
      num_unit_shards, num_proj_shards: in how many variables the kernels are.
      forget_bias: what is added to the input of the forget gate.
      state_is_tuple: whether the state is an `LSTMStateTuple`; else c and h in one.
      activation: of what enters and of c; by default tanh.
      reuse: whether variables that are there are used.
      layer_norm: whether gates and c are normalized.
      norm_gain, norm_shift: the first values of `gamma` and `beta`.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        initializer: InitializerLike | None = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int = 1,
        num_proj_shards: int = 1,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Activation = F.Tanh,
        reuse: bool | None = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
    ) -> None:
        super().__init__(_reuse=reuse)
        warn_of_joined(self, state_is_tuple)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._initializer = initializer
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._num_unit_shards = num_unit_shards
        self._num_proj_shards = num_proj_shards
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation
        self._layer_norm = layer_norm
        self._norm_gain = norm_gain
        self._norm_shift = norm_shift
        self._output_size = num_proj or num_units
        sizes = LSTMStateTuple(num_units, self._output_size)
        self._state_size = sizes if state_is_tuple else sum(sizes)

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known.
        """
        units, width, dtype = self._num_units, self._output_size, inputs.dtype
        c, h = apart(state, units, width, self._state_is_tuple)
        rows = known_width(inputs) + width
        shards = self._num_unit_shards
        kernel = concat_variable("W", [rows, 3 * units], dtype, shards)
        blank = zeros_initializer()
        bias = get_variable("B", shape=[3 * units], dtype=dtype, initializer=blank)
        z = F.MatMul(concat([inputs, h], 1), kernel)
        z = z if self._layer_norm else bias_add(z, bias)
        gates = split(value=z, num_or_size_splits=3, axis=1)
        j, f, o = _normed_gates(self, gates, GATES[1:])
        w_f = w_o = None
        if self._use_peepholes:
            w_f = get_variable("W_F_diag", shape=[units], dtype=dtype)
            w_o = get_variable("W_O_diag", shape=[units], dtype=dtype)
        f = f + self._forget_bias
        keep = F.Sigmoid(f if w_f is None else f + w_f * c)
        c = keep * c + (1 - keep) * self._activation(j)
        c = _normed(self, c, "state")
        h = F.Sigmoid(o if w_o is None else o + w_o * c) * self._activation(c)
        if self._num_proj is not None:
            shape, shards = [units, self._num_proj], self._num_proj_shards
            h = F.MatMul(h, concat_variable("W_P", shape, dtype, shards))
            h = clipped(h, self._proj_clip)
        return h, joined_state(c, h, self._state_is_tuple)


@keeps_sizes
class WeightNormLSTMCell(RNNCell):
    """LSTM whose kernels have columns of lengths that are learned.

    See Salimans & Kingma 2016.

    Args:
      num_units: the size of c, and of h without a projection.
      norm: whether the kernels are normalized.
      use_peepholes: whether the gates also see c.
      cell_clip: the largest absolute value of c.
      initializer: the first values of the variables.
      num_proj: the size of h, if it is projected.
      proj_clip: the largest absolute value of what is projected.
      forget_bias: what is added to the input of the forget gate.
      activation: of what enters and of c; by default tanh.
      reuse: whether variables that are there are used.
    """

    def __init__(
        self,
        num_units: int,
        norm: bool = True,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: InitializerLike | None = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1,
        activation: Activation | None = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        # one name for the scope of all such cells, wherever they are called
        self.__dict__["_scope_of_variables"] = WEIGHT_NORM_SCOPE
        self._num_units = num_units
        self._norm = norm
        self._initializer = initializer
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._forget_bias = forget_bias
        self._activation = activation or F.Tanh
        self._reuse = reuse
        self._output_size = num_proj or num_units
        self._state_size = LSTMStateTuple(num_units, self._output_size)

    def _linear(self, args: list[Any], size: int, bias: bool) -> Tensor:
        """The tensors times kernels of normalized columns."""
        sizes, dtype = [x.shape.as_list()[1] for x in args], args[0].dtype
        kernel = get_variable(KERNEL, [sum(sizes), size], dtype=dtype)
        if self._norm:
            parts, at = [], 0
            for place, rows in enumerate(sizes):
                part = kernel[at : at + rows, :]
                at += rows
                length = get_variable(f"norm_{place}", [size], dtype=dtype)
                parts.append(l2_normalize(part, axis=0) * length)
            kernel = concat(parts, 0)
        found = F.MatMul(joined(args, 1), kernel)
        if not bias:
            return found
        blank = constant_initializer(0.0, dtype=dtype)
        own = get_variable(BIAS, [size], dtype=dtype, initializer=blank)
        return bias_add(found, own)

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known.
        """
        c, h = state
        known_width(inputs)
        with variable_scope(WEIGHT_NORM_SCOPE, initializer=self._initializer):
            z = self._linear([inputs, h], 4 * self._num_units, bias=True)
            gates = split(value=z, num_or_size_splits=4, axis=1)
            peepholes = None
            if self._use_peepholes:
                peepholes = Peepholes.made(self._num_units, inputs.dtype)
            c = memory(c, gates, self._forget_bias, self._activation, peepholes)
            c = clipped(c, self._cell_clip)
            h = shown(c, gates, self._activation, peepholes)
            if self._num_proj is not None:
                with variable_scope("projection"):
                    h = self._linear([h], self._num_proj, bias=False)
                h = clipped(h, self._proj_clip)
        return h, LSTMStateTuple(c, h)
