"""LSTM that is open at times only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.contrib.rnn.linear import Linears
from retrograd.contrib.rnn.sized import keeps_sizes
from retrograd.layers.rnn_cell_base import RNNCell
from retrograd.layers.rnn_cells import LSTMStateTuple
from retrograd.ops.array.identity import stop_gradient
from retrograd.ops.array.join import split
from retrograd.ops.array.selection import where
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.random.random import random_uniform
from retrograd.variables.initializers import (
    constant_initializer,
    random_uniform_initializer,
)
from retrograd.variables.scope import get_variable, variable_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, DynamicShape, Structure, TensorLike


def _random_exp_initializer(
    minval: float,
    maxval: float,
    seed: int | None = None,
    dtype: DTypeLike = dtypes.float32,
) -> Callable[..., Tensor]:
    """An initializer of exp u, with u uniform between the logarithms of two numbers."""

    def made(
        shape: DynamicShape,
        dtype: DTypeLike = dtype,
        partition_info: object = None,
    ) -> Tensor:
        del partition_info
        low, high = F.Log(minval), F.Log(maxval)
        return F.Exp(random_uniform(shape, low, high, dtype, seed=seed))

    return made


@keeps_sizes
class PhasedLSTMCell(RNNCell):
    """LSTM whose units are open for a share of a period each has (Neil et al. 2016).

    It is given a pair: the times [batch, 1], and the inputs [batch, n].

    Args:
      num_units: the size of c and h.
      use_peepholes: whether the gates also see c.
      leak: what passes while a unit is closed.
      ratio_on: the share of the period in which a unit is open.
      trainable_ratio_on: whether that share is trained.
      period_init_min, period_init_max: between which periods begin.
      reuse: whether variables that are there are used.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        leak: float = 0.001,
        ratio_on: float = 0.1,
        trainable_ratio_on: bool = True,
        period_init_min: float = 1.0,
        period_init_max: float = 1000.0,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._leak = leak
        self._ratio_on = ratio_on
        self._trainable_ratio_on = trainable_ratio_on
        self._period_init_min = period_init_min
        self._period_init_max = period_init_max
        self._state_size = LSTMStateTuple(num_units, num_units)
        self._output_size = num_units
        self._linears = Linears()

    def call(self, inputs: Structure, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        c, h = state
        time, x = inputs
        given, units = [x, h], self._num_units
        seen = [*given, c] if self._use_peepholes else given
        with variable_scope("mask_gates"):
            gates = F.Sigmoid(self._linears(seen, 2 * units, key="mask_gates"))
            enter, keep = split(gates, axis=1, num_or_size_splits=2)
        with variable_scope("new_input"):
            entering = F.Tanh(self._linears(given, units, key="new_input"))
        new_c = c * keep + enter * entering
        seen = [*given, new_c] if self._use_peepholes else given
        with variable_scope("output_gate"):
            gate = F.Sigmoid(self._linears(seen, units, key="output_gate"))
        new_h = F.Tanh(new_c) * gate
        k = self._openness(time, x.dtype)
        new_c = k * new_c + (1 - k) * c
        new_h = k * new_h + (1 - k) * h
        return new_h, LSTMStateTuple(c=new_c, h=new_h)

    def _openness(self, time: Tensor, dtype: dtypes.DType) -> Tensor:
        """How far each unit is open: up, down again, then closed but for a leak."""
        shape = [self._num_units]
        first = _random_exp_initializer(self._period_init_min, self._period_init_max)
        period = get_variable("period", shape, initializer=first)
        first = random_uniform_initializer(0.0, period.initial_value)
        phase = get_variable("phase", shape, initializer=first)
        ratio_on = get_variable(
            "ratio_on",
            shape,
            initializer=constant_initializer(self._ratio_on),
            trainable=self._trainable_ratio_on,
        )
        at = cast(_ratio(time, phase, period), dtype)
        up = 2 * at / ratio_on
        down = 2 - up
        leaking = self._leak * at
        k = where(F.Less(at, ratio_on), down, leaking)
        return where(F.Less(at, 0.5 * ratio_on), up, k)


def _ratio(time: Tensor, phase: TensorLike, period: TensorLike) -> Tensor:
    """Where in its period each unit is; of rest modulo the derivative is that of x."""
    shifted = time - cast(phase, time.dtype)
    period = cast(period, time.dtype)
    rest = stop_gradient(F.FloorMod(shifted, period) - shifted) + shifted
    return rest / period
