"""What cells have in common: sizes that they keep."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeVar

from retrograd import shapes
from retrograd.graph.defaults import add_to_collection, get_collection
from retrograd.graph.names import GraphKeys
from retrograd.layers.rnn_cell_base import RNNCell, zero_scope
from retrograd.ops.array.join import concat
from retrograd.variables.scope import get_variable, get_variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, InitializerLike, ShapeLike, TensorLike


Cell = TypeVar("Cell", bound=type[RNNCell])

# The class of a cell derives from the base that TensorFlow's has, and from no other; so
# decorators give it what it has in common with others.


def _with_properties(cls: Cell, **kept: str) -> Cell:
    """A class with properties that give attributes, but for those it has itself."""
    for name, attribute in kept.items():
        if name not in vars(cls):
            setattr(cls, name, property(operator.attrgetter(attribute)))
    return cls


def keeps_sizes(cls: Cell) -> Cell:
    """A cell that has its sizes as `_state_size` and `_output_size`."""
    return _with_properties(cls, state_size="_state_size", output_size="_output_size")


def one_state(cls: Cell) -> Cell:
    """A cell whose one state, which comes out, has a number for each of its units."""
    return _with_properties(cls, state_size="_num_units", output_size="_num_units")


def around_cell(cls: Cell) -> Cell:
    """A cell with the states and outputs of another, its `_cell`."""
    cls.zero_state = _zero_state_of_cell
    return _with_properties(
        cls, state_size="_cell.state_size", output_size="_cell.output_size"
    )


def _zero_state_of_cell(self: Any, batch_size: TensorLike, dtype: DTypeLike) -> Any:
    """That of the other cell."""
    with zero_scope(self, batch_size):
        return self._cell.zero_state(batch_size, dtype)


def known_width(inputs: Tensor) -> int:
    """The size of the inputs of a step.

    Raises:
      ValueError: it is not known.
    """
    size = inputs.shape.with_rank(2).as_list()[1]
    if size is None:
        raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
    return size


def sharded(
    name: str,
    shape: list[int],
    dtype: DTypeLike,
    shards: int,
    initializer: InitializerLike | None = None,
) -> list[Any]:
    """A matrix in variables `NAME_0`, `NAME_1`, …, split up along its rows.

    Raises:
      ValueError: there are more parts than rows.
    """
    if shards > shape[0]:
        raise ValueError(f"Too many shards: shape={shape}, num_shards={shards}")
    least, more = divmod(shape[0], shards)
    return [
        get_variable(
            f"{name}_{place}",
            [least + (place < more), *shape[1:]],
            initializer=initializer,
            dtype=dtype,
        )
        for place in range(shards)
    ]


def concat_variable(name: str, shape: list[int], dtype: DTypeLike, shards: int) -> Any:
    """A matrix of the variables of `sharded`, one of which is it as it is.

    Raises:
      ValueError: there are more parts than rows.
    """
    parts = sharded(name, shape, dtype, shards)
    if len(parts) == 1:
        return parts[0]
    whole = f"{name}/concat:0"
    outer = get_variable_scope().name
    whole = f"{outer}/{whole}" if outer else whole
    for made in get_collection(GraphKeys.CONCATENATED_VARIABLES):
        if made.name == whole:
            return made
    found = concat(parts, 0, name=f"{name}/concat")
    add_to_collection(GraphKeys.CONCATENATED_VARIABLES, found)
    return found


def known_columns(input_shape: ShapeLike) -> int:
    """The size of the inputs, of their shape [batch, n].

    Raises:
      ValueError: it is not known.
    """
    static = shapes.TensorShape(input_shape)
    size = static.as_list()[1]
    if size is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {static}")
    return size


# as TensorFlow's module calls them
_get_concat_variable, _get_sharded_variable = concat_variable, sharded
