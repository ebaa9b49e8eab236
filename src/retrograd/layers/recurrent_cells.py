"""Cells: one step of a recurrent layer. The base, and the simplest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.layers import initializers
from retrograd.layers.base import Layer
from retrograd.layers.configured import Configured
from retrograd.layers.dropped import DropoutRNNCellMixin, times
from retrograd.layers.signatures import constructor
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.nn.nn import bias_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, ShapeLike, Structure, TensorLike, Training

#: what the arguments of recurrent layers and their cells are by default
DEFAULTS: dict[str, Any] = {
    "activation": "tanh",
    "recurrent_activation": "hard_sigmoid",
    "use_bias": True,
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
    "unit_forget_bias": True,
    "kernel_regularizer": None,
    "recurrent_regularizer": None,
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "recurrent_constraint": None,
    "bias_constraint": None,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "implementation": 1,
    "reset_after": False,
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
    "unroll": False,
    "time_major": False,
}
INITIALIZERS = "kernel_initializer recurrent_initializer bias_initializer"
REGULARIZERS = "kernel_regularizer recurrent_regularizer bias_regularizer"
CONSTRAINTS = "kernel_constraint recurrent_constraint bias_constraint"
DROPOUT = "dropout recurrent_dropout"


def zero_state(
    batch_size: TensorLike | None,
    state_size: Structure,
    dtype: DTypeLike | None,
) -> Any:
    """Zeros [batch, …] for each size of a structure of sizes.

    Raises:
      ValueError: the size of the batch or the dtype is None.
    """
    if batch_size is None or dtype is None:
        raise ValueError(
            "batch_size and dtype cannot be None while constructing initial state: "
            f"batch_size={batch_size}, dtype={dtype}"
        )

    def made(size: ShapeLike) -> Tensor:
        sizes: list[Any] = [batch_size, *sizes_of(size)]
        return zeros(sizes, dtype=dtype)

    if nest.is_sequence(state_size):
        return nest.map_structure(made, state_size)
    return made(state_size)


def sizes_of(size: ShapeLike) -> list[int | None]:
    """The shape of a state without the batch, of a number or a shape."""
    one = isinstance(size, (int, shapes.Dimension))
    return shapes.TensorShape([size] if one else size).as_list()


def zero_state_for(
    cell: Any,
    inputs: Tensor | None,
    batch_size: TensorLike | None,
    dtype: DTypeLike | None,
) -> Any:
    """The states of zeros that a cell begins with.

    Args:
      cell: with `state_size`.
      inputs: their first size is that of the batch, and the dtype theirs.
      batch_size: without `inputs`, the size of the batch.
      dtype: without `inputs`, the dtype.

    Raises:
      ValueError: neither `inputs` nor the others.
    """
    if inputs is not None:
        batch_size, dtype = shape(inputs)[0], inputs.dtype
    return zero_state(batch_size, cell.state_size, dtype)


class AbstractRNNCell(Layer):
    """A base of the program's own cells: `call(inputs, states)`.

    A subclass has `state_size` and `output_size`.
    """

    def call(self, inputs: Tensor, states: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next states.

        Args:
          inputs: [batch, n].
          states: in the structure of `state_size`.
        """
        raise NotImplementedError("Abstract method")

    @property
    def state_size(self) -> Any:
        """The sizes of the states: a number, a shape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the outputs: a number or a shape."""
        raise NotImplementedError("Abstract method")

    def get_initial_state(
        self,
        inputs: Tensor | None = None,
        batch_size: TensorLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> Any:
        """Zeros; see `zero_state_for`."""
        return zero_state_for(self, inputs, batch_size, dtype)


class Cell(DropoutRNNCellMixin, Configured):
    """A base of cells with a kernel, a recurrent kernel and a bias.

    The recurrent kernel is [units, parts · units], the parts one for each gate.
    """

    state_size: Any
    bias: Any
    _parts = 1

    def _begin(self, given: dict[str, Any]) -> None:
        """Keep the arguments of the constructor; the rest are those of `Layer`."""
        own = {name: given.pop(name) for name in self._ARGUMENTS if name in given}
        Layer.__init__(self, **given)
        for name in DROPOUT.split():
            own[name] = min(1.0, max(0.0, own[name]))
        self._keep(**own)
        self._set_sizes()

    def _set_sizes(self) -> None:
        self.state_size = self.output_size = self.units

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        inner, width = shapes.TensorShape(input_shape).as_list()[-1], self.units
        self.kernel = self._weight("kernel", (inner, self._parts * width))
        self.recurrent_kernel = self._weight(
            "recurrent_kernel", (width, self._parts * width), of="recurrent"
        )
        self.bias = self._add_bias() if self.use_bias else None
        self.built = True

    def _add_bias(self) -> Any:
        return self._weight("bias", (self._parts * self.units,))

    def _forget_bias(self, units: int) -> Any:
        """A bias for four gates of `units` each, which may be 1 for f at first."""
        initializer = self.bias_initializer
        if self.unit_forget_bias:
            initializer = _forget_one(initializer, units)
        return self.add_weight(
            name="bias",
            shape=(4 * units,),
            initializer=initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def _add_biased(self, x: Tensor, bias: Tensor | None) -> Any:
        """x plus a bias, where there is one."""
        return x if bias is None else bias_add(x, bias)

    def get_initial_state(
        self,
        inputs: Tensor | None = None,
        batch_size: TensorLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> Any:
        """Zeros; see `zero_state_for`."""
        return zero_state_for(self, inputs, batch_size, dtype)


def _forget_one(initializer: Callable[..., Any], units: int) -> Any:
    """An initializer of a bias in the order i, f, c̃, o, with 1 for f."""

    def initial(
        shape: ShapeLike = None, dtype: DTypeLike | None = None, **kwargs: Any
    ) -> Any:
        del shape, dtype
        parts = [
            initializer((units,), **kwargs),
            initializers.ones()((units,), **kwargs),
            initializer((2 * units,), **kwargs),
        ]
        return concat(parts, -1)

    return initial


class SimpleRNNCell(Cell):
    """h = activation(x · kernel + h · recurrent_kernel + bias), which is the output.

    Args:
      units: the size of the state.
      activation: a function or its name.
      use_bias: whether there is a bias.
      kernel_initializer, recurrent_initializer, bias_initializer: the first values of
        the weights.
      kernel_regularizer, recurrent_regularizer, bias_regularizer: the losses of the
        weights.
      kernel_constraint, recurrent_constraint, bias_constraint: what the weights must
        satisfy.
      dropout, recurrent_dropout: the shares of inputs and states that are dropped.
      **kwargs: those of `Layer`.
    """

    _NAMES = (
        f"units activation use_bias {INITIALIZERS} {REGULARIZERS} {CONSTRAINTS} "
        f"{DROPOUT}"
    )
    _ARGUMENTS = tuple(_NAMES.split())
    __init__ = constructor(_NAMES, DEFAULTS)

    def call(
        self,
        inputs: Tensor,
        states: Sequence[Tensor],
        training: Training | None = None,
    ) -> tuple[Any, list[Any]]:
        """The outputs of a step, and the next states.

        Args:
          inputs: [batch, n].
          states: one, [batch, units].
          training: whether dropout drops; by default in the learning phase.
        """
        before = states[0]
        masks = self.get_dropout_mask_for_cell(inputs, training)
        recurrent = self.get_recurrent_dropout_mask_for_cell(before, training)
        (inputs,) = times(inputs, masks, 1)
        found = self._add_biased(F.MatMul(inputs, self.kernel), self.bias)
        (before,) = times(before, recurrent, 1)
        output = self._activated(found + F.MatMul(before, self.recurrent_kernel))
        return output, [output]
