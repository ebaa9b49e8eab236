"""Cells of which a step is one op."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.contrib.rnn.sized import keeps_sizes, one_state
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.rnn_cell_base import BIAS, KERNEL, LayerRNNCell
from retrograd.layers.rnn_cells import LSTMStateTuple
from retrograd.ops.array.fill import zeros
from retrograd.ops.declare import F
from retrograd.variables.initializers import constant_initializer

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, ShapeLike, Structure, TensorLike


def _lstm_block_cell(
    x: TensorLike,
    cs_prev: TensorLike,
    h_prev: TensorLike,
    w: TensorLike,
    b: TensorLike,
    wci: TensorLike | None = None,
    wcf: TensorLike | None = None,
    wco: TensorLike | None = None,
    forget_bias: float | None = None,
    cell_clip: float | None = None,
    use_peephole: bool | None = None,
    name: str | None = None,
) -> Any:
    """A step of an LSTM: i, c, f, o, j, tanh c and h.

    Raises:
      ValueError: the sizes of c are not known and peepholes are not given.
    """
    if wci is None:
        shape: Any = getattr(cs_prev, "shape", None)
        size = None if shape is None else shape.with_rank(2).as_list()[1]
        if size is None:
            raise ValueError("cell_size from `cs_prev` should not be None.")
        wci = zeros([size])
        wcf = wco = wci
    return F.LSTMBlockCell(
        x,
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


def lstm_variables(cell: Any, width: int) -> None:
    """Make the variables of an LSTM for inputs of a size, as attributes of a cell."""
    units = cell._num_units
    first = constant_initializer(0.0)
    cell._kernel = cell.add_variable(KERNEL, [width + units, 4 * units])
    cell._bias = cell.add_variable(BIAS, [4 * units], initializer=first)
    if cell._use_peephole:
        for gate in "ifo":
            name = f"w_{gate}_diag"
            setattr(cell, f"_{name}", cell.add_variable(name, [units]))


def peepholes(cell: Any, dtype: DTypeLike = dtypes.float32) -> tuple[Any, Any, Any]:
    """By what i, f and o of such a cell see the memory; zeros where they do not."""
    if cell._use_peephole:
        return cell._w_i_diag, cell._w_f_diag, cell._w_o_diag
    blank = zeros([cell._num_units], dtype)
    return blank, blank, blank


@keeps_sizes
class LSTMBlockCell(LayerRNNCell):
    """`LSTMCell` as one op, which has the parts of i, j, f and o in its kernel.

    Args:
      num_units: the size of c and h.
      forget_bias: what is added to the input of the forget gate.
      cell_clip: the largest absolute value of c.
      use_peephole: whether the gates also see c.
      dtype: of the weights; by default that of the inputs.
      reuse: whether variables that are there are used.
      name: of the layer, the same as that of `LSTMCell`.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        dtype: DTypeLike | None = None,
        reuse: bool | None = None,
        name: str = "lstm_cell",
    ) -> None:
        super().__init__(_reuse=reuse, dtype=dtype, name=name)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._use_peephole = use_peephole
        self._cell_clip = -1 if cell_clip is None else cell_clip
        self._state_size = LSTMStateTuple(num_units, num_units)
        self._output_size = num_units
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n].

        Raises:
          ValueError: their size is not known.
        """
        sizes = shapes.TensorShape(input_shape)
        width = sizes.as_list()[1]
        if not width:
            raise ValueError(f"Expecting inputs_shape[1] to be set: {sizes}")
        lstm_variables(self, width)
        self.built = True

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the state is no pair.
        """
        if len(state) != 2:
            raise ValueError("Expecting state to be a tuple with length 2.")
        seen = peepholes(self)
        c, h = state
        _, c, _, _, _, _, h = _lstm_block_cell(
            inputs,
            c,
            h,
            self._kernel,
            self._bias,
            *seen,
            forget_bias=self._forget_bias,
            cell_clip=self._cell_clip,
            use_peephole=self._use_peephole,
        )
        return h, LSTMStateTuple(c, h)


@one_state
class GRUBlockCell(LayerRNNCell):
    """`GRUCell` as one op.

    Args:
      num_units: the size of the state.
      cell_size: an old name of it.
      reuse: whether variables that are there are used.
      name: of the layer, the same as that of `GRUCell`.

    Raises:
      ValueError: the size is given twice, or not at all.
    """

    def __init__(
        self,
        num_units: int | None = None,
        cell_size: int | None = None,
        reuse: bool | None = None,
        name: str = "gru_cell",
    ) -> None:
        super().__init__(_reuse=reuse, name=name)
        if (cell_size is None) == (num_units is None):
            raise ValueError("Exactly one of num_units or cell_size must be provided.")
        self._num_units: Any = cell_size if num_units is None else num_units
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n].

        Raises:
          ValueError: their size is not known.
        """
        self._make(input_shape, "w_ru", "b_ru", "w_c", "b_c")

    def _make(self, input_shape: ShapeLike, *names: str) -> None:
        """Make the weights under these names."""
        width, units = shapes.TensorShape(input_shape).as_list()[1], self._num_units
        if width is None:
            raise ValueError("Expecting input_size to be set.")
        rows = width + units
        one, nothing = constant_initializer(1.0), constant_initializer(0.0)
        self._gate_kernel = self.add_variable(names[0], [rows, 2 * units])
        self._gate_bias = self.add_variable(names[1], [2 * units], initializer=one)
        self._candidate_kernel = self.add_variable(names[2], [rows, units])
        self._candidate_bias = self.add_variable(names[3], [units], initializer=nothing)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        _, _, _, new = F.GRUBlockCell(
            inputs,
            state,
            self._gate_kernel,
            self._candidate_kernel,
            self._gate_bias,
            self._candidate_bias,
        )
        return new, new


class GRUBlockCellV2(GRUBlockCell):
    """`GRUBlockCell` with the names of variables that `GRUCell` has."""

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n].

        Raises:
          ValueError: their size is not known.
        """
        names = [f"{p}/{k}" for p in ("gates", "candidate") for k in (KERNEL, BIAS)]
        self._make(input_shape, *names)
