"""A cell called for each step of a list, behind one that has read another list."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from retrograd import dtypes
from retrograd.layers.static_rnn import static_rnn
from retrograd.ops.array.identity import stop_gradient
from retrograd.ops.math.reduce import argmax
from retrograd.ops.nn.embedding import embedding_lookup
from retrograd.ops.nn.nn import xw_plus_b
from retrograd.variables.scope import get_variable_scope, variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.layers.rnn_cell_base import RNNCell
    from retrograd.typing import DTypeLike, ScopeLike, Structure, TensorLike
    from retrograd.variables.variable import Variable

    #: from the output of a step, and the number of the next, to the input of the next
    LoopFunction: TypeAlias = Callable[[Tensor, int], Tensor]
    #: outputs [batch, n] of each step, and the last state
    Decoded: TypeAlias = tuple[list[Tensor], Structure]
    #: weights and biases, from outputs to logits
    Projection: TypeAlias = Sequence[TensorLike]


def fed_back(
    embedding: Variable | Tensor,
    output_projection: Projection | None = None,
    update_embedding: bool = True,
) -> LoopFunction:
    """A loop function that takes the row of the likeliest symbol for the next input.

    Args:
      embedding: the table, [symbols, n].
      output_projection: from outputs to logits, where outputs are no logits yet.
      update_embedding: whether gradients pass into the table.
    """

    def following(previous: Tensor, _: int) -> Tensor:
        if output_projection is not None:
            weights, biases = output_projection
            previous = xw_plus_b(previous, weights, biases)
        found = embedding_lookup(embedding, argmax(previous, 1))
        return found if update_embedding else stop_gradient(found)

    return following


_extract_argmax_and_embed = fed_back


def next_input(
    given: Tensor,
    previous: Tensor | None,
    time: int,
    loop_function: LoopFunction | None,
) -> Tensor:
    """What a step takes: what is given, or what a loop function makes of the last."""
    if loop_function is None or previous is None:
        return given
    with variable_scope("loop_function", reuse=True):
        return loop_function(previous, time)


def rnn_decoder(
    decoder_inputs: Iterable[Tensor],
    initial_state: Structure,
    cell: RNNCell,
    loop_function: LoopFunction | None = None,
    scope: ScopeLike = None,
) -> Decoded:
    """Call a cell for each step of a list.

    Args:
      decoder_inputs: a tensor [batch, n] for each step.
      initial_state: the state before the first step.
      cell: the cell.
      loop_function: takes the output of a step and the number of the next; gives the
        input of the next, of `decoder_inputs` only the first is then used.
      scope: the variable scope, by default `rnn_decoder`.

    Returns:
      The outputs of each step, and the last state.
    """
    state, outputs = initial_state, []
    with variable_scope(scope or "rnn_decoder"):
        previous = None
        for time, given in enumerate(decoder_inputs):
            taken = next_input(given, previous, time, loop_function)
            if time > 0:
                get_variable_scope().reuse_variables()
            output, state = cell(taken, state)
            outputs.append(output)
            previous = output
    return outputs, state


def basic_rnn_seq2seq(
    encoder_inputs: Sequence[Tensor],
    decoder_inputs: Sequence[Tensor],
    cell: RNNCell,
    dtype: DTypeLike = dtypes.float32,
    scope: ScopeLike = None,
) -> Decoded:
    """A decoder that begins with the last state of an encoder of its own weights.

    Args:
      encoder_inputs, decoder_inputs: tensors [batch, n], one for each step.
      cell: the cell of both.
      dtype: of the first state.
      scope: the variable scope, by default `basic_rnn_seq2seq`.

    Returns:
      The outputs of each step of the decoder, and its last state.
    """
    with variable_scope(scope or "basic_rnn_seq2seq"):
        encoder = copy.deepcopy(cell)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


def tied_rnn_seq2seq(
    encoder_inputs: Sequence[Tensor],
    decoder_inputs: Sequence[Tensor],
    cell: RNNCell,
    loop_function: LoopFunction | None = None,
    dtype: DTypeLike = dtypes.float32,
    scope: ScopeLike = None,
) -> Decoded:
    """As `basic_rnn_seq2seq`, with the same weights in encoder and decoder.

    Args:
      encoder_inputs, decoder_inputs: tensors [batch, n], one for each step.
      cell: the cell of both.
      loop_function: see `rnn_decoder`.
      dtype: of the first state.
      scope: the variable scope of both, by default `tied_rnn_seq2seq`.

    Returns:
      The outputs of each step of the decoder, and its last state.
    """
    with variable_scope("combined_tied_rnn_seq2seq"):
        scope = scope or "tied_rnn_seq2seq"
        _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
        get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function, scope)
