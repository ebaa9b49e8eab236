"""The cells of `tf.nn.rnn_cell`."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.layers import activations, initializers
from retrograd.layers.rnn_cell_base import (
    BIAS,
    KERNEL,
    LayerRNNCell,
    RNNCell,
    require_float_tensors,
    zero_scope,
)
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import concat, split
from retrograd.ops.array.slicing import slice_
from retrograd.ops.declare import F
from retrograd.ops.math.clip import clip_by_value
from retrograd.ops.nn.nn import bias_add
from retrograd.platform import logs
from retrograd.variables import scope as scopes
from retrograd.variables.initializers import constant_initializer, zeros_initializer
from retrograd.variables.partition import fixed_size_partitioner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        DTypeLike,
        Named,
        ShapeLike,
        Structure,
        TensorLike,
    )

_LSTMStateTuple = namedtuple("LSTMStateTuple", ("c", "h"))


class LSTMStateTuple(_LSTMStateTuple):
    """The state of an LSTM: c, the memory, and h, the output."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        """The dtype of both.

        Raises:
          TypeError: they differ.
        """
        c, h = self
        if c.dtype != h.dtype:
            raise TypeError(f"Inconsistent internal state: {c.dtype} vs {h.dtype}")
        return c.dtype


def _written(activation: Callable[..., Any]) -> Any:
    return "tanh" if activation is F.Tanh else activations.serialize(activation)


def _config(cell: Any, own: dict[str, Any]) -> dict[str, Any]:
    """The arguments that all cells take, and those of a cell alone."""
    return {
        **LayerRNNCell.get_config(cell),
        "num_units": cell._num_units,
        "activation": _written(cell._activation),
        "reuse": cell._reuse,
        **own,
    }


class BasicRNNCell(LayerRNNCell):
    """h = activation([x, h] · kernel + bias), which is the output.

    Args:
      num_units: the size of the state.
      activation: a function or its name; by default tanh.
      reuse: whether variables that are there are used.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
      **kwargs: those of `tf.layers.Layer`.
    """

    @property
    def state_size(self) -> Any:
        """The number of units."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def __init__(
        self,
        num_units: int,
        activation: Named = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        self._begin(num_units, activation, reuse, name, dtype, kwargs)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        rows = self._width(input_shape) + self._num_units
        self._kernel = self.add_variable(KERNEL, shape=[rows, self._num_units])
        self._bias = self.add_variable(
            BIAS, shape=[self._num_units], initializer=self._zeros()
        )
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        require_float_tensors([inputs, state])
        z = F.MatMul(concat([inputs, state], 1), self._kernel)
        output = self._activation(bias_add(z, self._bias))
        return output, output

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal cell, without its weights."""
        return _config(self, {})


class GRUCell(LayerRNNCell):
    """Gated recurrent units: h = u h + (1 − u) h̃ (Cho et al. 2014).

    r and u = sigmoid([x, h] · gates/kernel + gates/bias); h̃ likewise of [x, r h], with
    `candidate` and the activation.

    Args:
      num_units: the size of the state.
      activation: a function or its name; by default tanh.
      reuse: whether variables that are there are used.
      kernel_initializer, bias_initializer: the first values of the weights; by default
        the bias of the gates is 1, the other 0.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
      **kwargs: those of `tf.layers.Layer`.
    """

    @property
    def state_size(self) -> Any:
        """The number of units."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def __init__(
        self,
        num_units: int,
        activation: Named = None,
        reuse: bool | None = None,
        kernel_initializer: Named = None,
        bias_initializer: Named = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        self._begin(num_units, activation, reuse, name, dtype, kwargs)
        self._kernel_initializer = initializers.get(kernel_initializer)
        self._bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        rows, units = self._width(input_shape) + self._num_units, self._num_units
        ones, blank = self._first_biases()
        self._gate_kernel = self._kernel_of("gates", [rows, 2 * units])
        self._gate_bias = self.add_variable(
            f"gates/{BIAS}", shape=[2 * units], initializer=ones
        )
        self._candidate_kernel = self._kernel_of("candidate", [rows, units])
        self._candidate_bias = self.add_variable(
            f"candidate/{BIAS}", shape=[units], initializer=blank
        )
        self.built = True

    def _first_biases(self) -> tuple[Any, Any]:
        """What makes the first biases of the gates, and the other ones."""
        first = self._bias_initializer
        if first is not None:
            return first, first
        dtype = dtypes.as_dtype(self.dtype or "float32")
        return constant_initializer(1.0, dtype=dtype), self._zeros()

    def _kernel_of(self, part: str, sizes: list[int]) -> Any:
        return self.add_variable(
            f"{part}/{KERNEL}", shape=sizes, initializer=self._kernel_initializer
        )

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        require_float_tensors([inputs, state])
        z = F.MatMul(concat([inputs, state], 1), self._gate_kernel)
        gates = F.Sigmoid(bias_add(z, self._gate_bias))
        reset, update = split(value=gates, num_or_size_splits=2, axis=1)
        kept = reset * state
        z = F.MatMul(concat([inputs, kept], 1), self._candidate_kernel)
        candidate = self._activation(bias_add(z, self._candidate_bias))
        output = update * state + (1 - update) * candidate
        return output, output

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal cell, without its weights."""
        own = {
            "kernel_initializer": initializers.serialize(self._kernel_initializer),
            "bias_initializer": initializers.serialize(self._bias_initializer),
        }
        return _config(self, own)


class BasicLSTMCell(LayerRNNCell):
    """Long short-term memory: c = f c + i j, h = o activation(c).

    [x, h] · kernel + bias has the parts of i, j, f and o; f's gets `forget_bias`.

    Args:
      num_units: the size of c and h.
      forget_bias: see above.
      state_is_tuple: whether the state is an `LSTMStateTuple`; else c and h in one.
      activation: a function or its name; by default tanh.
      reuse: whether variables that are there are used.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
      **kwargs: those of `tf.layers.Layer`.
    """

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self._num_units

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Named = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        self._begin(num_units, activation, reuse, name, dtype, kwargs)
        warn_of_joined(self, state_is_tuple)
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        """The sizes of c and h."""
        units = self._num_units
        return LSTMStateTuple(units, units) if self._state_is_tuple else 2 * units

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        rows, units = self._width(input_shape) + self._num_units, self._num_units
        self._kernel = self.add_variable(KERNEL, shape=[rows, 4 * units])
        self._bias = self.add_variable(
            BIAS, shape=[4 * units], initializer=self._zeros()
        )
        self.built = True

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        require_float_tensors([inputs, state])
        one = constant(1, dtype=dtypes.int32)
        if self._state_is_tuple:
            c, h = state
        else:
            c, h = split(value=state, num_or_size_splits=2, axis=one)
        z = bias_add(F.MatMul(concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = split(value=z, num_or_size_splits=4, axis=one)
        forget = constant(self._forget_bias, dtype=f.dtype)
        kept = F.Mul(c, F.Sigmoid(F.Add(f, forget)))
        new_c = F.Add(kept, F.Mul(F.Sigmoid(i), self._activation(j)))
        new_h = F.Mul(self._activation(new_c), F.Sigmoid(o))
        return new_h, joined_state(new_c, new_h, self._state_is_tuple)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal cell, without its weights."""
        own = {
            "forget_bias": self._forget_bias,
            "state_is_tuple": self._state_is_tuple,
        }
        return _config(self, own)


def joined_state(c: Tensor, h: Tensor, as_tuple: bool) -> Any:
    """The state that has c and h, as a tuple or side by side."""
    return LSTMStateTuple(c, h) if as_tuple else concat([c, h], 1)


def apart(state: Structure, units: int, width: int, as_tuple: bool) -> Any:
    """c and h of a state, that may have them side by side."""
    if as_tuple:
        return state
    whole: Any = state
    return slice_(whole, [0, 0], [-1, units]), slice_(whole, [0, units], [-1, width])


def clipped(x: Tensor, limit: float | None) -> Tensor:
    """x between −limit and limit, if there is one."""
    return x if limit is None else clip_by_value(x, -limit, limit)


def warn_of_joined(cell: RNNCell, state_is_tuple: bool) -> None:
    """Say that a state that is no tuple is slower."""
    if not state_is_tuple:
        logs.warn(
            "%s: Using a concatenated state is slower and will soon be deprecated.  "
            "Use state_is_tuple=True.",
            cell,
        )


class LSTMCell(LayerRNNCell):
    """LSTM with peepholes, a projection of the output, and limits (Sak et al. 2014).

    Args:
      num_units: the size of c, and of h without a projection.
      use_peepholes: whether the gates also see c.
      cell_clip: the largest absolute value of c.
      initializer: the first values of the kernels and peepholes.
      num_proj: the size of h, if it is projected.
      proj_clip: the largest absolute value of what is projected.
      num_unit_shards, num_proj_shards: in how many parts the kernels are.
      forget_bias: what is added to the input of the forget gate.
      state_is_tuple: whether the state is an `LSTMStateTuple`; else c and h in one.
      activation: a function or its name; by default tanh.
      reuse: whether variables that are there are used.
      name: of the layer.
      dtype: of the weights; by default that of the inputs.
      **kwargs: those of `tf.layers.Layer`.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Named = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int | None = None,
        num_proj_shards: int | None = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Named = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        self._begin(num_units, activation, reuse, name, dtype, kwargs)
        warn_of_joined(self, state_is_tuple)
        if num_unit_shards is not None or num_proj_shards is not None:
            logs.warn(
                "%s: The num_unit_shards and proj_unit_shards parameters are "
                "deprecated and will be removed in Jan 2017.  Use a variable scope "
                "with a partitioner instead.",
                self,
            )
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializers.get(initializer)
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._num_unit_shards = num_unit_shards
        self._num_proj_shards = num_proj_shards
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        """The sizes of c and h."""
        units, width = self._num_units, self.output_size
        return LSTMStateTuple(units, width) if self._state_is_tuple else units + width

    @property
    def output_size(self) -> Any:
        """The size of h."""
        return self._num_proj or self._num_units

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        rows, units = self._width(input_shape) + self.output_size, self._num_units
        self._kernel = self._drawn(KERNEL, [rows, 4 * units], self._num_unit_shards)
        dtype = None if self.dtype is None else dtypes.as_dtype(self.dtype)
        first = zeros_initializer() if dtype is None else zeros_initializer(dtype=dtype)
        self._bias = self.add_variable(BIAS, shape=[4 * units], initializer=first)
        if self._use_peepholes:
            self._w_f_diag = self._drawn("w_f_diag", [units])
            self._w_i_diag = self._drawn("w_i_diag", [units])
            self._w_o_diag = self._drawn("w_o_diag", [units])
        if self._num_proj is not None:
            self._proj_kernel = self._drawn(
                f"projection/{KERNEL}", [units, self._num_proj], self._num_proj_shards
            )
        self.built = True

    def _drawn(self, name: str, sizes: list[int], shards: int | None = None) -> Any:
        split_up = None if shards is None else fixed_size_partitioner(shards)
        options = {} if split_up is None else {"partitioner": split_up}
        return self.add_variable(
            name, shape=sizes, initializer=self._initializer, **options
        )

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known.
        """
        require_float_tensors([inputs, state])
        c, h = apart(state, self._num_units, self.output_size, self._state_is_tuple)
        if inputs.shape.as_list()[-1] is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        z = bias_add(F.MatMul(concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = split(value=z, num_or_size_splits=4, axis=1)
        if self._use_peepholes:
            keep = F.Sigmoid(f + self._forget_bias + self._w_f_diag * c)
            kept = keep * c
            enter = F.Sigmoid(i + self._w_i_diag * c)
        else:
            kept = F.Sigmoid(f + self._forget_bias) * c
            enter = F.Sigmoid(i)
        c = clipped(kept + enter * self._activation(j), self._cell_clip)
        gate = F.Sigmoid(o + self._w_o_diag * c if self._use_peepholes else o)
        h = gate * self._activation(c)
        if self._num_proj is not None:
            h = clipped(F.MatMul(h, self._proj_kernel), self._proj_clip)
        return h, joined_state(c, h, self._state_is_tuple)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal cell, without its weights."""
        names = (
            "use_peepholes cell_clip num_proj proj_clip num_unit_shards "
            "num_proj_shards forget_bias state_is_tuple"
        )
        own = {name: getattr(self, f"_{name}") for name in names.split()}
        own["initializer"] = initializers.serialize(self._initializer)
        return _config(self, own)


class MultiRNNCell(RNNCell):
    """Cells one behind the other.

    Args:
      cells: the cells; the first is given the inputs.
      state_is_tuple: whether the state is a tuple of the states; else they are in one.

    Raises:
      TypeError: `cells` is no list.
      ValueError: there is none, or a state that is a tuple cannot be joined.
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not nest.is_sequence(cells):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if len({id(cell) for cell in cells}) < len(cells):
            logs.warn(
                "At least two cells provided to MultiRNNCell are the same object and "
                "will share weights."
            )
        self._cells = cells
        for place, cell in enumerate(cells):
            if hasattr(cell, "_track_trackable"):
                self._track_trackable(cell, name=f"cell-{place}")
        self._state_is_tuple = state_is_tuple
        if not state_is_tuple and any(nest.is_sequence(c.state_size) for c in cells):
            raise ValueError(
                "Some cells return tuples of states, but the flag state_is_tuple is "
                f"not set.  State sizes are: {[c.state_size for c in cells]}"
            )

    @property
    def state_size(self) -> Any:
        """The sizes of the states of each cell, or their sum."""
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The size of the outputs of the last cell."""
        return self._cells[-1].output_size

    def zero_state(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """Zeros for each cell."""
        with zero_scope(self, batch_size):
            if not self._state_is_tuple:
                return super().zero_state(batch_size, dtype)
            return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    @property
    def trainable_weights(self) -> list[Any]:
        """Those of the cells."""
        if not self.trainable:
            return []
        return self._of_cells("trainable_weights")

    @property
    def non_trainable_weights(self) -> list[Any]:
        """Those of the cells."""
        found = self._of_cells("non_trainable_weights")
        return found if self.trainable else self._of_cells("trainable_weights") + found

    def _of_cells(self, attribute: str) -> list[Any]:
        return [x for cell in self._cells for x in getattr(cell, attribute, ())]

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the state is no tuple, where it must be.
        """
        at, new = 0, []
        for place, cell in enumerate(self._cells):
            with scopes.variable_scope(f"cell_{place}"):
                if self._state_is_tuple:
                    if not nest.is_sequence(state):
                        raise ValueError(
                            f"Expected state to be a tuple of length "
                            f"{len(self.state_size)}, but received: {state}"
                        )
                    own = state[place]
                else:
                    own = slice_(state, [0, at], [-1, cell.state_size])
                    at += cell.state_size
                inputs, own = cell(inputs, own)
                new.append(own)
        return inputs, tuple(new) if self._state_is_tuple else concat(new, 1)
