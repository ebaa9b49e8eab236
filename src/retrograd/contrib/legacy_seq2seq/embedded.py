"""Encoders and decoders whose inputs are ids of symbols."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from retrograd import nest
from retrograd.contrib.legacy_seq2seq.decoders import (
    fed_back,
    rnn_decoder,
    tied_rnn_seq2seq,
)
from retrograd.contrib.rnn.wrappers import EmbeddingWrapper, OutputProjectionWrapper
from retrograd.graph.convert import convert_to_tensor
from retrograd.layers.static_rnn import static_rnn
from retrograd.ops.array.shape import shape
from retrograd.ops.flow.branches import cond
from retrograd.ops.nn.embedding import embedding_lookup
from retrograd.shapes import dimension_value
from retrograd.variables.scope import get_variable, get_variable_scope, variable_scope

if TYPE_CHECKING:
    from retrograd.contrib.legacy_seq2seq.decoders import Decoded, Projection
    from retrograd.graph.tensor import Tensor
    from retrograd.layers.rnn_cell_base import RNNCell
    from retrograd.typing import DTypeLike, ScopeLike, Structure


def check_projection(projection: Projection, symbols: int, dtype: DTypeLike) -> None:
    """Require that a projection gives a logit for each symbol.

    Raises:
      ValueError: its weights or biases have other shapes.
    """
    weights = convert_to_tensor(projection[0], dtype=dtype)
    weights.shape.assert_is_compatible_with([None, symbols])
    biases = convert_to_tensor(projection[1], dtype=dtype)
    biases.shape.assert_is_compatible_with([symbols])


def fed_or_not(
    feed_previous: bool | Tensor,
    decoder: Callable[[bool], Decoded],
    steps: int,
    first_state: Callable[[], Structure],
) -> Decoded:
    """What a decoder gives whose own outputs are its inputs, or not, as a tensor says.

    Args:
      feed_previous: which, known or not.
      decoder: called with True, with False, or both.
      steps: how many outputs it gives.
      first_state: called last, gives a state in the structure of the decoder's.
    """

    def branch(fed: bool) -> list[Tensor]:
        with variable_scope(get_variable_scope(), reuse=None if fed else True):
            outputs, state = decoder(fed)
        return [*outputs, *nest.flatten(state)]

    if isinstance(feed_previous, bool):
        return decoder(feed_previous)
    found = cond(feed_previous, lambda: branch(True), lambda: branch(False))
    state = nest.pack_sequence_as(first_state(), found[steps:])
    return found[:steps], state


def embedding_rnn_decoder(
    decoder_inputs: Sequence[Tensor],
    initial_state: Structure,
    cell: RNNCell,
    num_symbols: int,
    embedding_size: int,
    output_projection: Projection | None = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    scope: ScopeLike = None,
) -> Decoded:
    """Call a cell with the rows of a table that the ids of each step name.

    Args:
      decoder_inputs: ids, [batch] for each step.
      initial_state: the state before the first step.
      cell: the cell.
      num_symbols: how many rows the table has.
      embedding_size: the size of a row.
      output_projection: weights and biases from outputs to logits, where outputs are
        fed back that are no logits.
      feed_previous: whether the likeliest symbol of a step is the input of the next.
      update_embedding_for_previous: whether gradients then pass into the table.
      scope: the variable scope, by default `embedding_rnn_decoder`.

    Returns:
      The outputs of each step, and the last state.

    Raises:
      ValueError: the projection has another shape.
    """
    with variable_scope(scope or "embedding_rnn_decoder") as own:
        if output_projection is not None:
            check_projection(output_projection, num_symbols, own.dtype)
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        loop_function = None
        if feed_previous:
            loop_function = fed_back(
                embedding, output_projection, update_embedding_for_previous
            )
        embedded = (embedding_lookup(embedding, ids) for ids in decoder_inputs)
        return rnn_decoder(embedded, initial_state, cell, loop_function)


def embedding_rnn_seq2seq(
    encoder_inputs: Sequence[Tensor],
    decoder_inputs: Sequence[Tensor],
    cell: RNNCell,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    output_projection: Projection | None = None,
    feed_previous: bool | Tensor = False,
    dtype: DTypeLike | None = None,
    scope: ScopeLike = None,
) -> Decoded:
    """An encoder and a decoder, each with a table for its symbols.

    Args:
      encoder_inputs, decoder_inputs: ids, [batch] for each step.
      cell: the cell of both.
      num_encoder_symbols, num_decoder_symbols: how many symbols there are.
      embedding_size: the size of a row of both tables.
      output_projection: weights and biases from outputs to logits. Without, outputs
        are logits.
      feed_previous: whether the likeliest symbol of a step is the input of the next.
      dtype: of the first state; by default that of the scope.
      scope: the variable scope, by default `embedding_rnn_seq2seq`.

    Returns:
      The outputs of each step of the decoder, and its last state.
    """
    with variable_scope(scope or "embedding_rnn_seq2seq") as own:
        if dtype is None:
            dtype = own.dtype
        else:
            own.set_dtype(dtype)
        encoder = EmbeddingWrapper(
            copy.deepcopy(cell),
            embedding_classes=num_encoder_symbols,
            embedding_size=embedding_size,
        )
        _, first = static_rnn(encoder, encoder_inputs, dtype=dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)

        def decoder(fed: bool) -> Decoded:
            return embedding_rnn_decoder(
                decoder_inputs,
                first,
                cell,
                num_decoder_symbols,
                embedding_size,
                output_projection=output_projection,
                feed_previous=fed,
                update_embedding_for_previous=isinstance(feed_previous, bool),
            )

        return fed_or_not(feed_previous, decoder, len(decoder_inputs), lambda: first)


def embedding_tied_rnn_seq2seq(
    encoder_inputs: Sequence[Tensor],
    decoder_inputs: Sequence[Tensor],
    cell: RNNCell,
    num_symbols: int,
    embedding_size: int,
    num_decoder_symbols: int | None = None,
    output_projection: Projection | None = None,
    feed_previous: bool | Tensor = False,
    dtype: DTypeLike | None = None,
    scope: ScopeLike = None,
) -> Decoded:
    """An encoder and a decoder that share the table of symbols and the weights.

    Args:
      encoder_inputs, decoder_inputs: ids, [batch] for each step.
      cell: the cell of both.
      num_symbols: how many symbols there are.
      embedding_size: the size of a row of the table.
      num_decoder_symbols: how many of them the decoder tells apart; by default all.
      output_projection, feed_previous: see `embedding_rnn_seq2seq`.
      dtype: of the first state; by default that of the scope.
      scope: the variable scope, by default `embedding_tied_rnn_seq2seq`.

    Returns:
      The outputs of each step of the decoder, and its last state.

    Raises:
      ValueError: the projection has another shape.
    """
    with variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype) as own:
        kind = own.dtype
        if output_projection is not None:
            check_projection(output_projection, num_symbols, kind)
        embedding = get_variable("embedding", [num_symbols, embedding_size], kind)
        source = [embedding_lookup(embedding, ids) for ids in encoder_inputs]
        target = [embedding_lookup(embedding, ids) for ids in decoder_inputs]
        symbols = num_symbols if num_decoder_symbols is None else num_decoder_symbols
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, symbols)

        def decoder(fed: bool) -> Decoded:
            following = fed_back(
                embedding, output_projection, isinstance(feed_previous, bool)
            )
            loop_function = following if fed else None
            return tied_rnn_seq2seq(source, target, cell, loop_function, kind)

        def first_state() -> Structure:
            return cell.zero_state(_batch_size(encoder_inputs), kind)

        return fed_or_not(feed_previous, decoder, len(decoder_inputs), first_state)


def _batch_size(inputs: Sequence[Tensor]) -> int | Tensor:
    """The size of the batch of tensors [batch, …], a number if it is known."""
    static = inputs[0].shape[0]
    for x in inputs[1:]:
        static = static.merge_with(x.shape[0])
    known = dimension_value(static)
    return shape(inputs[0])[0] if known is None else known


def one2many_rnn_seq2seq(
    encoder_inputs: Sequence[Tensor],
    decoder_inputs_dict: Mapping[str, Sequence[Tensor]],
    enc_cell: RNNCell,
    dec_cells_dict: Mapping[str, RNNCell],
    num_encoder_symbols: int,
    num_decoder_symbols_dict: Mapping[str, int],
    embedding_size: int,
    feed_previous: bool | Tensor = False,
    dtype: DTypeLike | None = None,
    scope: ScopeLike = None,
) -> tuple[dict[str, list[Tensor]], dict[str, Structure]]:
    """An encoder, and decoders that all begin with its last state.

    Args:
      encoder_inputs: ids, [batch] for each step.
      decoder_inputs_dict: the like for each decoder, by its name.
      enc_cell: the cell of the encoder.
      dec_cells_dict: those of the decoders.
      num_encoder_symbols: how many symbols the encoder takes.
      num_decoder_symbols_dict: how many each decoder tells apart.
      embedding_size: the size of a row of each table.
      feed_previous: whether the likeliest symbol of a step is the input of the next.
      dtype: of the first state; by default that of the scope.
      scope: the variable scope, by default `one2many_rnn_seq2seq`.

    Returns:
      For each decoder the outputs of its steps, and its last state.
    """
    outputs, states = {}, {}
    with variable_scope(scope or "one2many_rnn_seq2seq", dtype=dtype) as own:
        encoder = EmbeddingWrapper(
            enc_cell,
            embedding_classes=num_encoder_symbols,
            embedding_size=embedding_size,
        )
        _, first = static_rnn(encoder, encoder_inputs, dtype=own.dtype)
        for name, given in decoder_inputs_dict.items():
            symbols = num_decoder_symbols_dict[name]
            with variable_scope(f"one2many_decoder_{name}"):
                cell = OutputProjectionWrapper(dec_cells_dict[name], symbols)

                def decoder(
                    fed: bool,
                    given: Sequence[Tensor] = given,
                    cell: RNNCell = cell,
                    symbols: int = symbols,
                ) -> Decoded:
                    return embedding_rnn_decoder(
                        given,
                        first,
                        cell,
                        symbols,
                        embedding_size,
                        feed_previous=fed,
                    )

                outputs[name], states[name] = fed_or_not(
                    feed_previous, decoder, len(given), lambda: first
                )
    return outputs, states
