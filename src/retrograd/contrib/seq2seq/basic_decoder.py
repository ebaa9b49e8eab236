"""`tf.contrib.seq2seq.BasicDecoder`: a cell whose outputs a helper samples."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.contrib.seq2seq.decoder import Decoder
from retrograd.contrib.seq2seq.helper import Helper
from retrograd.graph.dispatch import name_scope
from retrograd.layers.base import Layer
from retrograd.layers.rnn_cell_base import assert_like_rnncell

if TYPE_CHECKING:
    from retrograd.contrib.seq2seq.decoder import Begun, Stepped
    from retrograd.graph.tensor import Tensor
    from retrograd.layers.rnn_cell_base import RNNCell
    from retrograd.typing import Structure

_Output = namedtuple("BasicDecoderOutput", ("rnn_output", "sample_id"))


class BasicDecoderOutput(_Output):
    """The outputs of the cell, and what is sampled of them."""


def check_output_layer(layer: object) -> None:
    """Require a layer, or None.

    Raises:
      TypeError: it is neither.
    """
    if layer is not None and not isinstance(layer, Layer):
        raise TypeError(f"output_layer must be a Layer, received: {type(layer)}")


def output_sizes(cell: RNNCell, layer: Layer | None) -> Structure:
    """The shapes of a sequence's outputs, behind a layer if there is one."""
    sizes = cell.output_size
    if layer is None:
        return sizes
    batched = nest.map_structure(
        lambda size: shapes.TensorShape([None]).concatenate(size), sizes
    )
    found = layer.compute_output_shape(batched)
    return nest.map_structure(lambda static: static[1:], found)


class BasicDecoder(Decoder):
    """A cell in a loop, fed by a helper.

    Args:
      cell: a cell of `tf.nn.rnn_cell`.
      helper: samples the outputs, and gives the next inputs.
      initial_state: the state before the first step.
      output_layer: applied to the outputs of each step before they are sampled.

    Raises:
      TypeError: an argument is of another kind.
    """

    def __init__(
        self,
        cell: RNNCell,
        helper: Helper,
        initial_state: Structure,
        output_layer: Layer | None = None,
    ) -> None:
        assert_like_rnncell("cell", cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        check_output_layer(output_layer)
        self._cell = cell
        self._helper = helper
        self._initial_state = initial_state
        self._output_layer = output_layer

    @property
    def batch_size(self) -> Tensor:
        """The size of the batch."""
        return self._helper.batch_size

    def _rnn_output_size(self) -> Structure:
        return output_sizes(self._cell, self._output_layer)

    @property
    def output_size(self) -> BasicDecoderOutput:
        """The shapes of a sequence's outputs and samples."""
        return BasicDecoderOutput(
            rnn_output=self._rnn_output_size(), sample_id=self._helper.sample_ids_shape
        )

    @property
    def output_dtype(self) -> BasicDecoderOutput:
        """The dtypes of outputs, which is that of the state, and of samples."""
        dtype = nest.flatten(self._initial_state)[0].dtype
        return BasicDecoderOutput(
            nest.map_structure(lambda _: dtype, self._rnn_output_size()),
            self._helper.sample_ids_dtype,
        )

    def initialize(self, name: str | None = None) -> Begun:
        """What the helper begins with, and the first state."""
        del name
        return (*self._helper.initialize(), self._initial_state)

    def step(
        self,
        time: Tensor,
        inputs: Structure,
        state: Structure,
        name: str | None = None,
    ) -> Stepped:
        """The outputs of a step, the next state and inputs, and what has ended."""
        with name_scope(name, "BasicDecoderStep", (time, inputs, state)):
            outputs, new = self._cell(inputs, state)
            if self._output_layer is not None:
                layer: Any = self._output_layer
                outputs = layer(outputs)
            ids = self._helper.sample(time=time, outputs=outputs, state=new)
            finished, following, new = self._helper.next_inputs(
                time=time, outputs=outputs, state=new, sample_ids=ids
            )
        return BasicDecoderOutput(outputs, ids), new, following, finished
