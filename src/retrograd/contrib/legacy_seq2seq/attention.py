"""Decoders that look back at what an encoder has given, step by step."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd import dtypes, nest
from retrograd.contrib.legacy_seq2seq.decoders import fed_back, next_input
from retrograd.contrib.legacy_seq2seq.embedded import fed_or_not
from retrograd.contrib.rnn.linear import _Linear
from retrograd.contrib.rnn.wrappers import EmbeddingWrapper, OutputProjectionWrapper
from retrograd.graph.convert import convert_to_tensor
from retrograd.layers.static_rnn import static_rnn
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import reshape, shape, size_along
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.conv import conv2d
from retrograd.ops.nn.embedding import embedding_lookup
from retrograd.ops.nn.nn import softmax
from retrograd.shapes import dimension_value
from retrograd.variables.scope import get_variable, get_variable_scope, variable_scope

if TYPE_CHECKING:
    from retrograd.contrib.legacy_seq2seq.decoders import (
        Decoded,
        LoopFunction,
        Projection,
    )
    from retrograd.graph.tensor import Tensor
    from retrograd.layers.rnn_cell_base import RNNCell
    from retrograd.typing import DTypeLike, ScopeLike, Structure


class _Heads:
    """Ways to look at what was encoded, [batch, steps, n]: each gives a weighted sum.

    The weights are softmax(v · tanh(W states + linear(query))), with variables AttnW
    and AttnV of the current scope.
    """

    def __init__(
        self, states: Tensor, count: int, dtype: DTypeLike, inputs: Tensor
    ) -> None:
        size = dimension_value(states.shape[2])
        if size is None:
            raise ValueError(
                f"Shape[2] of attention_states must be known: {states.shape}"
            )
        self.batch_size = shape(inputs)[0]
        self.steps = size_along(states, 1)
        self.size = size
        self.dtype = dtype
        # one pixel a step, so that a convolution is the product with W
        self.hidden = reshape(states, [-1, self.steps, 1, self.size])
        self.features, self.v = [], []
        for i in range(count):
            kernel = get_variable(
                f"AttnW_{i}", [1, 1, self.size, self.size], dtype=dtype
            )
            self.features.append(conv2d(self.hidden, kernel, [1, 1, 1, 1], "SAME"))
            self.v.append(get_variable(f"AttnV_{i}", [self.size], dtype=dtype))

    def zeros(self) -> list[Tensor]:
        """What is seen before the first look."""
        sizes = stack([self.batch_size, self.size])
        found = [zeros(sizes, dtype=self.dtype) for _ in self.v]
        for x in found:
            x.set_shape([None, self.size])
        return found

    def look(self, query: Structure) -> list[Tensor]:
        """What each head gives for a state."""
        if nest.is_sequence(query):
            parts = nest.flatten(query)
            assert all(part.shape.ndims in (None, 2) for part in parts)
            query = concat(parts, 1)
        found = []
        for i, (features, v) in enumerate(zip(self.features, self.v, strict=True)):
            with variable_scope(f"Attention_{i}"):
                y = _Linear(query, self.size, True)(query)
                y = cast(reshape(y, [-1, 1, 1, self.size]), self.dtype)
                scores = reduce_sum(v * F.Tanh(features + y), [2, 3])
                weights = softmax(cast(scores, dtypes.float32))
                weights = reshape(cast(weights, self.dtype), [-1, self.steps, 1, 1])
                seen = reduce_sum(weights * self.hidden, [1, 2])
                found.append(reshape(seen, [-1, self.size]))
        return found


def attention_decoder(
    decoder_inputs: Sequence[Tensor],
    initial_state: Structure,
    attention_states: Tensor,
    cell: RNNCell,
    output_size: int | None = None,
    num_heads: int = 1,
    loop_function: LoopFunction | None = None,
    dtype: DTypeLike | None = None,
    scope: ScopeLike = None,
    initial_state_attention: bool = False,
) -> Decoded:
    """Call a cell for each step; after each it looks at what was encoded.

    A step's input is joined with what was seen before; its output likewise with what
    is seen after, which the next step then has.

    Args:
      decoder_inputs: [batch, n] for each step.
      initial_state: the state before the first step.
      attention_states: what is looked at, [batch, steps, m].
      cell: the cell.
      output_size: the size of outputs; by default that of the cell.
      num_heads: in how many ways it is looked at.
      loop_function: see `rnn_decoder`.
      dtype: of the weights; by default that of the scope.
      scope: the variable scope, by default `attention_decoder`.
      initial_state_attention: whether there is a look before the first step; by
        default zeros are taken.

    Returns:
      The outputs of each step, and the last state.

    Raises:
      ValueError: no inputs, no heads, or a size that is not known.
    """
    if not decoder_inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    size: int = cell.output_size if output_size is None else output_size
    outputs, state = [], initial_state
    with variable_scope(scope or "attention_decoder", dtype=dtype) as own:
        heads = _Heads(attention_states, num_heads, own.dtype, decoder_inputs[0])
        seen = heads.zeros()
        if initial_state_attention:
            seen = heads.look(initial_state)
        previous = None
        for time, given in enumerate(decoder_inputs):
            if time > 0:
                get_variable_scope().reuse_variables()
            taken = next_input(given, previous, time, loop_function)
            joined = [taken, *seen]
            output, state = cell(_Linear(joined, _width(taken), True)(joined), state)
            if time == 0 and initial_state_attention:
                with variable_scope(get_variable_scope(), reuse=True):
                    seen = heads.look(state)
            else:
                seen = heads.look(state)
            with variable_scope("AttnOutputProjection"):
                joined = [cast(output, own.dtype), *seen]
                previous = _Linear(joined, size, True)(joined)
            outputs.append(previous)
    return outputs, state


def _width(x: Tensor) -> int:
    """The width of a matrix.

    Raises:
      ValueError: it is none, or the width is not known.
    """
    size = x.shape.with_rank(2).as_list()[1]
    if size is None:
        raise ValueError(f"Could not infer input size from input: {x.name}")
    return size


def embedding_attention_decoder(
    decoder_inputs: Sequence[Tensor],
    initial_state: Structure,
    attention_states: Tensor,
    cell: RNNCell,
    num_symbols: int,
    embedding_size: int,
    num_heads: int = 1,
    output_size: int | None = None,
    output_projection: Projection | None = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    dtype: DTypeLike | None = None,
    scope: ScopeLike = None,
    initial_state_attention: bool = False,
) -> Decoded:
    """As `attention_decoder`, whose inputs are ids of rows of a table.

    Args:
      decoder_inputs: ids, [batch] for each step.
      initial_state, attention_states, cell, num_heads, output_size, dtype,
        initial_state_attention: see `attention_decoder`.
      num_symbols, embedding_size, output_projection, feed_previous,
        update_embedding_for_previous: see `embedding_rnn_decoder`.
      scope: the variable scope, by default `embedding_attention_decoder`.

    Returns:
      The outputs of each step, and the last state.

    Raises:
      ValueError: the biases of the projection have another shape; see besides
        `attention_decoder`.
    """
    output_size = cell.output_size if output_size is None else output_size
    if output_projection is not None:
        biases = convert_to_tensor(output_projection[1], dtype=dtype)
        biases.shape.assert_is_compatible_with([num_symbols])
    with variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        loop_function = None
        if feed_previous:
            loop_function = fed_back(
                embedding, output_projection, update_embedding_for_previous
            )
        embedded = [embedding_lookup(embedding, ids) for ids in decoder_inputs]
        return attention_decoder(
            embedded,
            initial_state,
            attention_states,
            cell,
            output_size=output_size,
            num_heads=num_heads,
            loop_function=loop_function,
            initial_state_attention=initial_state_attention,
        )


def embedding_attention_seq2seq(
    encoder_inputs: Sequence[Tensor],
    decoder_inputs: Sequence[Tensor],
    cell: RNNCell,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    num_heads: int = 1,
    output_projection: Projection | None = None,
    feed_previous: bool | Tensor = False,
    dtype: DTypeLike | None = None,
    scope: ScopeLike = None,
    initial_state_attention: bool = False,
) -> Decoded:
    """As `embedding_rnn_seq2seq`, with a decoder that looks at the encoder's outputs.

    Args:
      encoder_inputs, decoder_inputs, cell, num_encoder_symbols, num_decoder_symbols,
        embedding_size, output_projection, feed_previous, dtype: see
        `embedding_rnn_seq2seq`.
      num_heads, initial_state_attention: see `attention_decoder`.
      scope: the variable scope, by default `embedding_attention_seq2seq`.

    Returns:
      The outputs of each step of the decoder, and its last state.
    """
    with variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as own:
        encoder = EmbeddingWrapper(
            copy.deepcopy(cell),
            embedding_classes=num_encoder_symbols,
            embedding_size=embedding_size,
        )
        outputs, first = static_rnn(encoder, encoder_inputs, dtype=own.dtype)
        size = cell.output_size
        states = concat([reshape(x, [-1, 1, size]) for x in outputs], 1)
        output_size = None
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
            output_size = num_decoder_symbols

        def decoder(fed: bool) -> Decoded:
            return embedding_attention_decoder(
                decoder_inputs,
                first,
                states,
                cell,
                num_decoder_symbols,
                embedding_size,
                num_heads=num_heads,
                output_size=output_size,
                output_projection=output_projection,
                feed_previous=fed,
                update_embedding_for_previous=isinstance(feed_previous, bool),
                initial_state_attention=initial_state_attention,
            )

        return fed_or_not(feed_previous, decoder, len(decoder_inputs), lambda: first)
