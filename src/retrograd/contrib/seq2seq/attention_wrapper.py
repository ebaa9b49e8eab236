"""`tf.contrib.seq2seq.AttentionWrapper`: a cell that looks at a memory each step."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes, nest, shapes
from retrograd.contrib.framework.tensors import with_same_shape
from retrograd.contrib.seq2seq.mechanisms import AttentionMechanism
from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.graph.function import BodyGraph
from retrograd.graph.tensor import Tensor
from retrograd.layers.counts import MADE, WRITTEN, counted_as
from retrograd.layers.faces import Dense
from retrograd.layers.rnn_cell_base import (
    RNNCell,
    assert_like_rnncell,
    zero_state_tensors,
)
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.identity import identity
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, size_along, squeeze
from retrograd.ops.host.checks import assert_equal
from retrograd.ops.linalg.products import matmul
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.shapes import dimension_value

if TYPE_CHECKING:
    from retrograd.contrib.seq2seq.mechanisms import BahdanauAttention, LuongAttention
    from retrograd.layers.base import Layer
    from retrograd.typing import DTypeLike, Structure, TensorLike

    #: a mechanism with a memory, which is called
    Mechanism: TypeAlias = LuongAttention | BahdanauAttention

_State = namedtuple(
    "AttentionWrapperState",
    (
        "cell_state",
        "attention",
        "time",
        "alignments",
        "alignment_history",
        "attention_state",
    ),
)


class AttentionWrapperState(_State):
    """The state of an `AttentionWrapper`: of its cell, and what it has seen."""

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """The same with some parts replaced, which must have their shapes.

        Args:
          **kwargs: the parts by name.

        Raises:
          ValueError: one has another shape or structure.
        """

        def fitting(old: Structure, new: Structure) -> Any:
            if isinstance(old, Tensor) and isinstance(new, Tensor):
                return with_same_shape(old, new)
            return new

        return nest.map_structure(fitting, self, self._replace(**kwargs))


def _compute_attention(
    attention_mechanism: Mechanism,
    cell_output: Tensor,
    attention_state: Structure,
    attention_layer: Layer | None,
) -> tuple[Any, Any, Any]:
    """What is seen with a query, the alignments, and the state of the mechanism."""
    alignments, following = attention_mechanism(cell_output, state=attention_state)
    seen = matmul(expand_dims(alignments, 1), attention_mechanism.values)
    seen = squeeze(seen, [1])
    if attention_layer is not None:
        seen = attention_layer(concat([cell_output, seen], 1))
    return seen, alignments, following


_USING_BEAMS = {
    "initial_cell_state": (
        "When constructing AttentionWrapper {}: Non-matching batch sizes between the "
        "memory (encoder output) and initial_cell_state.  Are you using the "
        "BeamSearchDecoder?  You may need to tile your initial state via the "
        "tf.contrib.seq2seq.tile_batch function with argument multiple=beam_width."
    ),
    "zero_state": (
        "When calling zero_state of AttentionWrapper {}: Non-matching batch sizes "
        "between the memory (encoder output) and the requested batch size.  Are you "
        "using the BeamSearchDecoder?  If so, make sure your encoder output has been "
        "tiled to beam_width via tf.contrib.seq2seq.tile_batch, and the batch_size= "
        "argument passed to zero_state is batch_size * beam_width."
    ),
    "call": (
        "When applying AttentionWrapper {}: Non-matching batch sizes between the "
        "memory (encoder output) and the query (decoder output).  Are you using the "
        "BeamSearchDecoder?  You may need to tile your memory input via the "
        "tf.contrib.seq2seq.tile_batch function with argument multiple=beam_width."
    ),
}


def _listed(given: object) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given]


class AttentionWrapper(RNNCell):
    """Another cell; what it sees of a memory with each output is its next input too.

    Args:
      cell: the other cell.
      attention_mechanism: how the memory is looked at, or a list of mechanisms.
      attention_layer_size: the size of a layer of output and context that makes what
        is seen, or one for each mechanism; by default the context itself is seen.
      alignment_history: whether the state keeps the alignments of all steps.
      cell_input_fn: from inputs and what was seen to the inputs of the cell; by
        default both one after the other.
      output_attention: whether what is seen is the output; else it is the cell's.
      initial_cell_state: the state of the cell in `zero_state`.
      name: of the layer.
      attention_layer: such a layer itself, or one for each mechanism.
      attention_fn: takes a mechanism, the output of the cell, the state of the
        mechanism and the layer; gives what is seen, alignments and the next state.
      dtype: of the layer.

    Raises:
      TypeError: an argument is of another kind.
      ValueError: as many layers as mechanisms are not given, or both kinds of them.
    """

    def __init__(
        self,
        cell: RNNCell,
        attention_mechanism: Mechanism | Sequence[Mechanism],
        attention_layer_size: int | Sequence[int] | None = None,
        alignment_history: bool = False,
        cell_input_fn: Callable[..., Any] | None = None,
        output_attention: bool = True,
        initial_cell_state: Structure = None,
        name: str | None = None,
        attention_layer: Layer | Sequence[Layer] | None = None,
        attention_fn: Callable[..., Any] | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        assert_like_rnncell("cell", cell)
        self._is_multi = isinstance(attention_mechanism, list | tuple)
        self._attention_mechanisms = _listed(attention_mechanism)
        _check_mechanisms(self._attention_mechanisms, self._is_multi)
        if cell_input_fn is None:
            cell_input_fn = _side_by_side
        elif not callable(cell_input_fn):
            raise TypeError(
                f"cell_input_fn must be callable, saw type: "
                f"{type(cell_input_fn).__name__}"
            )
        self._cell, self._cell_input_fn = cell, cell_input_fn
        self._make_layers(attention_layer_size, attention_layer)
        self._attention_fn = attention_fn or _compute_attention
        self._output_attention = output_attention
        self._alignment_history = alignment_history
        with name_scope(name, "AttentionWrapperInit"):
            self._initial_cell_state: Structure = None
            if initial_cell_state is not None:
                last = nest.flatten(initial_cell_state)[-1]
                self._initial_cell_state = self._checked(
                    initial_cell_state,
                    size_along(last, 0),
                    "initial_cell_state",
                    "check_initial_cell_state",
                )

    def _make_layers(self, given_sizes: object, given_layers: object) -> None:
        """Make or keep the layers, and learn the size of what is seen."""
        mechanisms = self._attention_mechanisms
        if given_sizes is not None and given_layers is not None:
            raise ValueError(
                "Only one of attention_layer_size and attention_layer should be set"
            )
        self._attention_layers: Any = None
        if given_sizes is not None:
            sizes = _listed(given_sizes)
            _check_count("attention_layer_size", "integer", sizes, mechanisms)
            self._attention_layers = [
                Dense(size, name="attention_layer", use_bias=False, dtype=one.dtype)
                for size, one in zip(sizes, mechanisms, strict=True)
            ]
            self._attention_layer_size = sum(sizes)
        elif given_layers is not None:
            layers = self._attention_layers = _listed(given_layers)
            _check_count("attention_layer", "layer", layers, mechanisms)
            self._attention_layer_size = sum(
                self._size_behind(*pair)
                for pair in zip(layers, mechanisms, strict=True)
            )
        else:
            self._attention_layer_size = sum(
                dimension_value(one.values.shape[-1]) for one in mechanisms
            )

    def _size_behind(self, layer: Layer, mechanism: Mechanism) -> int:
        inner = dimension_value(mechanism.values.shape[-1])
        found = layer.compute_output_shape([None, self._cell.output_size + inner])
        return dimension_value(found[-1])

    def _checked(
        self, x: Structure, batch_size: TensorLike, when: str, name: str
    ) -> Any:
        """The same, once the size of the batch is found to be that of the memory."""
        message = _USING_BEAMS[when].format(self._base_name)
        checks = [
            assert_equal(batch_size, one.batch_size, message=message)
            for one in self._attention_mechanisms
        ]
        with control_dependencies(checks):
            return nest.map_structure(lambda part: identity(part, name=name), x)

    def _item_or_tuple(self, seq: Iterable[Structure]) -> Any:
        found = tuple(seq)
        return found if self._is_multi else found[0]

    @property
    def output_size(self) -> Any:
        """The size of what is seen, or of the cell's outputs."""
        if self._output_attention:
            return self._attention_layer_size
        return self._cell.output_size

    @property
    def state_size(self) -> Any:
        """The sizes of the state, an `AttentionWrapperState`."""
        mechanisms = self._attention_mechanisms
        kept = self._alignment_history
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            time=shapes.TensorShape([]),
            attention=self._attention_layer_size,
            alignments=self._item_or_tuple(m.alignments_size for m in mechanisms),
            attention_state=self._item_or_tuple(m.state_size for m in mechanisms),
            alignment_history=self._item_or_tuple(
                m.alignments_size if kept else () for m in mechanisms
            ),
        )

    def zero_state(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """The state to begin with: nothing seen, and the cell's.

        Args:
          batch_size: the size of the batch, which is that of the memory.
          dtype: of the state.

        Raises:
          InvalidArgumentError: the memory has another, maybe only when it is run.
        """
        mechanisms = self._attention_mechanisms
        with name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            cell_state = self._initial_cell_state
            if cell_state is None:
                cell_state = self._cell.zero_state(batch_size, dtype)
            cell_state = self._checked(
                cell_state, batch_size, "zero_state", "checked_cell_state"
            )
            alignments = [m.initial_alignments(batch_size, dtype) for m in mechanisms]
            return AttentionWrapperState(
                cell_state=cell_state,
                time=zeros([], dtype=dtypes.int32),
                attention=zero_state_tensors(
                    self._attention_layer_size, batch_size, dtype
                ),
                alignments=self._item_or_tuple(alignments),
                attention_state=self._item_or_tuple(
                    m.initial_state(batch_size, dtype) for m in mechanisms
                ),
                alignment_history=self._item_or_tuple(
                    _history(x, dtype) if self._alignment_history else ()
                    for x in alignments
                ),
            )

    def call(self, inputs: Structure, state: Structure) -> tuple[Any, Any]:
        """What is seen in a step, and the next state.

        Args:
          inputs: [batch, n].
          state: an `AttentionWrapperState`.

        Raises:
          TypeError: the state is none.
        """
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                "Expected state to be instance of AttentionWrapperState. Received type "
                f"{type(state)} instead."
            )
        given = self._cell_input_fn(inputs, state.attention)
        output, cell_state = self._cell(given, state.cell_state)
        output = self._checked(
            output, size_along(output, 0), "call", "checked_cell_output"
        )
        multi = self._is_multi
        before = state.attention_state if multi else [state.attention_state]
        history = state.alignment_history if multi else [state.alignment_history]
        seen, alignments, states, kept = [], [], [], []
        for i, mechanism in enumerate(self._attention_mechanisms):
            layer = self._attention_layers[i] if self._attention_layers else None
            attention, aligned, following = self._attention_fn(
                mechanism, output, before[i], layer
            )
            kept.append(self._remembered(history[i], state.time, aligned))
            states.append(following)
            alignments.append(aligned)
            seen.append(attention)
        attention = concat(seen, 1)
        new = AttentionWrapperState(
            time=state.time + 1,
            cell_state=cell_state,
            attention=attention,
            attention_state=self._item_or_tuple(states),
            alignments=self._item_or_tuple(alignments),
            alignment_history=self._item_or_tuple(kept),
        )
        return (attention if self._output_attention else output), new

    def _remembered(self, history: Structure, time: Tensor, alignments: Tensor) -> Any:
        """The history with the alignments of a step, if there is one."""
        if not self._alignment_history:
            return ()
        looping = isinstance(context.get_default_graph(), BodyGraph)
        with counted_as(WRITTEN if looping else WRITTEN - 1):
            return history.write(time, alignments)


def _side_by_side(inputs: Tensor, attention: Tensor) -> Any:
    return concat([inputs, attention], -1)


def _history(alignments: Tensor, dtype: DTypeLike) -> TensorArray:
    with counted_as(MADE + 1):  # and the size
        return TensorArray(dtype, 0, dynamic_size=True, element_shape=alignments.shape)


def _check_mechanisms(mechanisms: Sequence[object], several: bool) -> None:
    for one in mechanisms:
        if not isinstance(one, AttentionMechanism):
            wanted = (
                "contain only instances of AttentionMechanism"
                if several
                else "be an AttentionMechanism or list of multiple AttentionMechanism "
                "instances"
            )
            raise TypeError(
                f"attention_mechanism must {wanted}, saw type: {type(one).__name__}"
            )


def _check_count(
    argument: str, noun: str, given: Sequence[object], mechanisms: Sequence[object]
) -> None:
    if len(given) != len(mechanisms):
        raise ValueError(
            f"If provided, {argument} must contain exactly one {noun} per "
            f"attention_mechanism, saw: {len(given)} vs {len(mechanisms)}"
        )
