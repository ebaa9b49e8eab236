"""Networks over whole sequences: LSTM as one op, and cells made into such."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.contrib.rnn.blocks import lstm_variables, peepholes
from retrograd.graph.convert import convert_to_tensor
from retrograd.layers import scoped
from retrograd.layers.dynamic_rnn import dynamic_rnn
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.rnn_cells import LSTMStateTuple
from retrograd.layers.rnn_steps import backwards
from retrograd.layers.static_rnn import static_rnn
from retrograd.ops.array.fill import range_, zeros
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.grids import sequence_mask
from retrograd.ops.array.join import concat, stack, unstack
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.shape import expand_dims, size_along, transpose
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_max

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        DTypeLike,
        ScopeLike,
        ShapeLike,
        Structure,
        TensorLike,
    )


class FusedRNNCell(abc.ABC):
    """A base: a network over whole sequences, called once."""

    @abc.abstractmethod
    def __call__(
        self,
        inputs: Structure,
        initial_state: Structure = None,
        dtype: DTypeLike | None = None,
        sequence_length: TensorLike | None = None,
        scope: ScopeLike = None,
    ) -> tuple[Any, Any]:
        """The outputs of all steps, and the last state.

        Args:
          inputs: [steps, batch, n], or a list of tensors [batch, n].
          initial_state: the state before the first step.
          dtype: of that state, where it is not given.
          sequence_length: [batch], how many steps each has.
          scope: the variable scope.
        """


class FusedRNNCellAdaptor(FusedRNNCell):
    """A cell over whole sequences.

    Args:
      cell: a cell of `tf.nn.rnn_cell`.
      use_dynamic_rnn: whether it is called in a loop.
    """

    def __init__(self, cell: Any, use_dynamic_rnn: bool = False) -> None:
        self._cell = cell
        self._use_dynamic_rnn = use_dynamic_rnn

    def __call__(
        self,
        inputs: Structure,
        initial_state: Structure = None,
        dtype: DTypeLike | None = None,
        sequence_length: TensorLike | None = None,
        scope: ScopeLike = None,
    ) -> tuple[Any, Any]:
        """See `FusedRNNCell`; outputs are a list where inputs are one."""
        listed = isinstance(inputs, list)
        if self._use_dynamic_rnn:
            outputs, state = dynamic_rnn(
                self._cell,
                stack(inputs) if listed else inputs,
                sequence_length=sequence_length,
                initial_state=initial_state,
                dtype=dtype,
                time_major=True,
                scope=scope,
            )
            return unstack(outputs, axis=0) if listed else outputs, state
        steps: Any = inputs if listed else unstack(inputs, axis=0)
        outputs, state = static_rnn(
            self._cell,
            steps,
            initial_state=initial_state,
            dtype=dtype,
            sequence_length=sequence_length,
            scope=scope,
        )
        return outputs if listed else stack(outputs), state


class TimeReversedFusedRNN(FusedRNNCell):
    """Another network, from the last step to the first.

    Args:
      cell: the other one.
    """

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    def __call__(
        self,
        inputs: Structure,
        initial_state: Structure = None,
        dtype: DTypeLike | None = None,
        sequence_length: TensorLike | None = None,
        scope: ScopeLike = None,
    ) -> tuple[Any, Any]:
        """See `FusedRNNCell`; the last state is that of the first step."""
        steps: Any = inputs
        outputs, state = self._cell(
            backwards(steps, sequence_length),
            initial_state=initial_state,
            dtype=dtype,
            sequence_length=sequence_length,
            scope=scope,
        )
        return backwards(outputs, sequence_length), state


def _block_lstm(
    seq_len_max: TensorLike,
    x: Structure,
    w: TensorLike,
    b: TensorLike,
    cs_prev: TensorLike | None = None,
    h_prev: TensorLike | None = None,
    wci: TensorLike | None = None,
    wcf: TensorLike | None = None,
    wco: TensorLike | None = None,
    forget_bias: float | None = None,
    cell_clip: float | None = None,
    use_peephole: bool | None = None,
    name: str | None = None,
) -> list[Any]:
    """An LSTM over a list of steps [batch, n]: what each step gives, in lists.

    Raises:
      ValueError: a size is not known.
    """
    batch: Any = convert_to_tensor(x[0]).shape.with_rank(2).as_list()[0]
    if batch is None:
        raise ValueError("batch_size from `x[0]` should not be None.")
    size: Any = convert_to_tensor(b).shape.with_rank(1).as_list()[0]
    if size is None:
        raise ValueError("cell_size from `b` should not be None.")
    kind = convert_to_tensor(x[0]).dtype
    if cs_prev is None or h_prev is None:
        blank = zeros([batch, size // 4], kind)
        cs_prev = blank if cs_prev is None else cs_prev
        h_prev = blank if h_prev is None else h_prev
    if wci is None:
        wci = wcf = wco = zeros([size // 4], kind)
    found = F.BlockLSTM(
        seq_len_max,
        stack(x),
        cs_prev,
        h_prev,
        w,
        wci,
        wcf,
        wco,
        b,
        forget_bias=1.0 if forget_bias is None else forget_bias,
        cell_clip=-1.0 if cell_clip is None else cell_clip,
        use_peephole=bool(use_peephole),
        name=name,
    )
    return [unstack(y) for y in found]


class LSTMBlockWrapper(scoped.Layer):
    """A base: an LSTM over whole sequences, made of `_call_cell`."""

    @property
    @abc.abstractmethod
    def num_units(self) -> int:
        """The number of units."""

    @abc.abstractmethod
    def _call_cell(
        self,
        inputs: Tensor,
        initial_cell_state: Tensor,
        initial_output: Tensor,
        dtype: dtypes.DType,
        sequence_length: Tensor | None,
    ) -> tuple[Any, Any]:
        """c and h of all steps, each [steps, batch, units]."""

    def call(
        self,
        inputs: Tensor,
        initial_state: Structure = None,
        dtype: DTypeLike | None = None,
        sequence_length: TensorLike | None = None,
    ) -> tuple[Any, Any]:
        """The outputs of all steps, and the last state.

        Args:
          inputs: [steps, batch, n].
          initial_state: c and h before the first step; by default zeros.
          dtype: of these, where they are not given.
          sequence_length: [batch], how many steps each has; behind them outputs are 0.

        Raises:
          ValueError: neither state nor dtype is given, or the state is no pair.
        """
        inputs.shape.assert_has_rank(3)
        batch, steps = size_along(inputs, 1), size_along(inputs, 0)
        kind: Any = dtype
        if initial_state is None:
            if kind is None:
                raise ValueError("Either initial_state or dtype needs to be specified")
            blank = zeros(stack([batch, self.num_units]), dtype=kind)
            initial_state = blank, blank
        else:
            if len(initial_state) != 2:
                raise ValueError(
                    "Expecting initial_state to be a tuple with length 2 or None"
                )
            kind = initial_state[0].dtype
        if sequence_length is not None:
            sequence_length = convert_to_tensor(sequence_length)
        c, h = initial_state
        memories, outputs = self._call_cell(inputs, c, h, kind, sequence_length)
        if sequence_length is None:
            return outputs, LSTMStateTuple(memories[-1], outputs[-1])
        outputs = until_ends(outputs, sequence_length, steps, self.num_units)
        last = [
            at_ends(before, x, sequence_length, batch)
            for before, x in ((c, memories), (h, outputs))
        ]
        return outputs, LSTMStateTuple(*last)


def until_ends(x: Tensor, lengths: TensorLike, steps: TensorLike, units: int) -> Tensor:
    """x [steps, batch, units] with zeros behind the end of each sequence."""
    mask = transpose(sequence_mask(lengths, steps, dtype=x.dtype), [1, 0])
    return x * tile(expand_dims(mask, -1), [1, 1, units])


def at_ends(
    before: TensorLike, x: Tensor, lengths: TensorLike, batch: TensorLike
) -> Any:
    """Of x [steps, batch, units] what is at the end of each sequence.

    Args:
      before: [batch, units], for sequences without steps.
      x: what is looked at.
      lengths: [batch].
      batch: how many sequences there are.
    """
    whole = concat([expand_dims(before, [0]), x], 0)
    return gather_nd(whole, stack([lengths, range_(batch)], axis=1))


class LSTMBlockFusedCell(LSTMBlockWrapper):
    """An LSTM over whole sequences as one op.

    Args:
      num_units: the size of c and h.
      forget_bias: what is added to the input of the forget gate.
      cell_clip: the largest absolute value of c.
      use_peephole: whether the gates also see c.
      reuse: whether variables that are there are used.
      dtype: of the weights; by default that of the inputs.
      name: of the layer.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        reuse: bool | None = None,
        dtype: DTypeLike | None = None,
        name: str = "lstm_fused_cell",
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._cell_clip = -1 if cell_clip is None else cell_clip
        self._use_peephole = use_peephole
        self.input_spec = InputSpec(ndim=3)

    @property
    def num_units(self) -> int:
        """The number of units."""
        return self._num_units

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [steps, batch, n]."""
        sizes: Any = input_shape
        lstm_variables(self, sizes[2].value)
        self.built = True

    def _call_cell(
        self,
        inputs: Tensor,
        initial_cell_state: Tensor,
        initial_output: Tensor,
        dtype: dtypes.DType,
        sequence_length: Tensor | None,
    ) -> tuple[Any, Any]:
        """c and h of all steps, each [steps, batch, units]."""
        seen = peepholes(self, dtype)
        if sequence_length is None:
            count = size_along(inputs, 0)
        else:
            count = reduce_max(sequence_length)
        _, memories, _, _, _, _, outputs = F.BlockLSTM(
            cast(count, dtypes.int64),
            inputs,
            initial_cell_state,
            initial_output,
            self._kernel,
            *seen,
            self._bias,
            forget_bias=self._forget_bias,
            cell_clip=self._cell_clip,
            use_peephole=self._use_peephole,
        )
        return memories, outputs
