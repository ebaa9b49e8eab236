"""A cell that attends to what it has given before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.contrib.rnn.linear import Linears
from retrograd.layers.rnn_cell_base import RNNCell, assert_like_rnncell
from retrograd.layers.rnn_cells import warn_of_joined
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, reshape
from retrograd.ops.array.slicing import slice_
from retrograd.ops.declare import F
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.conv import conv2d
from retrograd.ops.nn.nn import softmax
from retrograd.variables.scope import get_variable, variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure


class AttentionCellWrapper(RNNCell):
    """Another cell, with attention to its last outputs (Bahdanau et al. 2014).

    Args:
      cell: the other cell.
      attn_length: how many outputs are kept.
      attn_size: the size of what comes out; by default that of the other's outputs.
      attn_vec_size: the size of the hidden layer of the attention; by default the same.
      input_size: of what the other cell is given; by default that of the inputs.
      state_is_tuple: whether the state is a tuple; else all is in one.
      reuse: whether variables that are there are used.

    Raises:
      TypeError: `cell` is none.
      ValueError: the length is not positive, or tuples of states are to be joined.
    """

    def __init__(
        self,
        cell: Any,
        attn_length: int,
        attn_size: int | None = None,
        attn_vec_size: int | None = None,
        input_size: int | None = None,
        state_is_tuple: bool = True,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        if nest.is_sequence(cell.state_size) and not state_is_tuple:
            raise ValueError(
                "Cell returns tuple of states, but the flag state_is_tuple is not set. "
                f"State size is: {cell.state_size}"
            )
        if attn_length <= 0:
            raise ValueError(
                f"attn_length should be greater than zero, got {attn_length}"
            )
        warn_of_joined(self, state_is_tuple)
        size = cell.output_size if attn_size is None else attn_size
        self._state_is_tuple = state_is_tuple
        self._cell = cell
        self._attn_vec_size = size if attn_vec_size is None else attn_vec_size
        self._input_size = input_size
        self._attn_size = size
        self._attn_length = attn_length
        self._linears = Linears()

    @property
    def state_size(self) -> Any:
        """The other cell's, that of what was attended to, and of what is kept."""
        kept = self._attn_size * self._attn_length
        sizes = (self._cell.state_size, self._attn_size, kept)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The size of what comes out."""
        return self._attn_size

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        size, length = self._attn_size, self._attn_length
        if self._state_is_tuple:
            state, attended, kept = state
        else:
            width = self._cell.state_size
            whole: Any = state
            state = slice_(whole, [0, 0], [-1, width])
            attended = slice_(whole, [0, width], [-1, size])
            kept = slice_(whole, [0, width + size], [-1, length * size])
        kept = reshape(kept, [-1, length, size])
        width: Any = self._input_size or inputs.shape.as_list()[1]
        given = self._linears([inputs, attended], width, key="inputs")
        output, new = self._cell(given, state)
        flat = nest.flatten(new)
        query = concat(flat, 1) if self._state_is_tuple else new
        attended, kept = self._attention(query, kept)
        with variable_scope("attn_output_projection"):
            output = self._linears([output, attended], size, key="outputs")
        kept = concat([kept, expand_dims(output, 1)], 1)
        kept = reshape(kept, [-1, length * size])
        whole = (new, attended, kept)
        return output, whole if self._state_is_tuple else concat(list(whole), 1)

    def _attention(self, query: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """What is attended to, and the outputs kept without the oldest."""
        size, length, hidden = self._attn_size, self._attn_length, self._attn_vec_size
        with variable_scope("attention"):
            kernel = get_variable("attn_w", [1, 1, size, hidden])
            weight = get_variable("attn_v", [hidden])
            image = reshape(kept, [-1, length, 1, size])
            features = conv2d(image, kernel, [1, 1, 1, 1], "SAME")
            y = self._linears(query, hidden, key="query")
            y = reshape(y, [-1, 1, 1, hidden])
            scores = reduce_sum(weight * F.Tanh(features + y), [2, 3])
            shares = reshape(softmax(scores), [-1, length, 1, 1])
            attended = reshape(reduce_sum(shares * image, [1, 2]), [-1, size])
            return attended, slice_(kept, [0, 1, 0], [-1, -1, -1])
