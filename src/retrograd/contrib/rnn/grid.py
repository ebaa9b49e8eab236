"""LSTM along time and frequencies (Kalchbrenner et al. 2015, Sainath & Li 2016)."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrograd.contrib.rnn.sized import concat_variable, keeps_sizes
from retrograd.contrib.rnn.steps import Peepholes, memory, shown
from retrograd.layers.rnn_cell_base import RNNCell
from retrograd.layers.rnn_cells import clipped, warn_of_joined
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import concat, split
from retrograd.ops.array.pad import pad
from retrograd.ops.array.shape import size_along
from retrograd.ops.array.slicing import slice_
from retrograd.ops.declare import F
from retrograd.ops.nn.nn import bias_add
from retrograd.variables.initializers import zeros_initializer
from retrograd.variables.scope import get_variable, variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, InitializerLike, Structure, TensorLike


def _known_width(inputs: Tensor) -> int:
    """The size of the inputs.

    Raises:
      ValueError: it is not known.
    """
    size = inputs.shape.with_rank(2).as_list()[-1]
    if size is None:
        raise ValueError("Cannot infer input_size from static shape inference.")
    return size


def _block(whole: TensorLike, begin: int, size: int) -> Tensor:
    """Some columns."""
    return slice_(whole, [0, begin], [-1, size])


def _weights(
    kernel: str, bias: str, rows: int, parts: int, dtype: DTypeLike, shards: int
) -> tuple[Any, Any]:
    """A kernel, in so many variables, and a bias of zeros."""
    made = concat_variable(kernel, [rows, parts], dtype, shards)
    first = zeros_initializer()
    return made, get_variable(bias, shape=[parts], initializer=first, dtype=dtype)


@keeps_sizes
class TimeFreqLSTMCell(RNNCell):
    """An LSTM that goes along the frequencies in each step (Li et al. 2016).

    Args:
      num_units: the size of c and h.
      use_peepholes: whether the gates also see c.
      cell_clip: the largest absolute value of c.
      initializer: does nothing.
      num_unit_shards: in how many variables the kernel is.
      forget_bias: what is added to the input of the forget gate.
      feature_size: how many inputs are seen at once.
      frequency_skip: by how many they move on.
      reuse: whether variables that are there are used.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: InitializerLike | None = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int = 1,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_unit_shards = num_unit_shards
        self._forget_bias = forget_bias
        self._feature_size: Any = feature_size
        self._frequency_skip = frequency_skip
        self._state_size = 2 * num_units
        self._output_size = num_units

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state: c and h of each frequency.

        Raises:
          ValueError: the size of the inputs is not known.
        """
        units, dtype = self._num_units, inputs.dtype
        seen = self._features(inputs)
        rows = self._feature_size + 2 * units
        kernel, bias = _weights("W", "B", rows, 4 * units, dtype, self._num_unit_shards)
        peepholes = None
        if self._use_peepholes:
            peepholes = Peepholes.made(units, dtype, "W_{}_diag")
        before = zeros([size_along(inputs, 0), units], dtype)
        outputs, states = [], []
        for place, x in enumerate(seen):
            c = _block(state, 2 * place * units, units)
            h = _block(state, (2 * place + 1) * units, units)
            z = bias_add(F.MatMul(concat([x, h, before], 1), kernel), bias)
            gates = split(value=z, num_or_size_splits=4, axis=1)
            c = memory(c, gates, self._forget_bias, F.Tanh, peepholes)
            c = clipped(c, self._cell_clip)
            before = shown(c, gates, F.Tanh, peepholes)
            outputs.append(before)
            states += [c, before]
        return concat(outputs, 1), concat(states, 1)

    def _features(self, inputs: Tensor) -> list[Tensor]:
        """What is seen at each frequency."""
        width = _known_width(inputs)
        size, skip = self._feature_size, self._frequency_skip
        count = int((width - size) / skip) + 1
        return [_block(inputs, place * skip, size) for place in range(count)]


@dataclass(frozen=True, slots=True)
class _Way:
    """The weights of the LSTM along time, or along frequencies.

    Attributes:
      kernel, bias: of all gates.
      seen: for f, i and o, by what they see the memory along frequencies and that
        along time; f is not there where it is one minus i.
    """

    kernel: Any
    bias: Any
    seen: dict[str, tuple[Any, Any]]

    def gate(self, name: str, x: Tensor, along: tuple[Tensor, Tensor]) -> Tensor:
        """The gate of what comes to it, and of the memories."""
        for weight, c in zip(self.seen.get(name, ()), along, strict=False):
            x = x + weight * c
        return F.Sigmoid(x)


class _Grid:
    """What both cells of grids do; `cell` has the arguments."""

    def __init__(self, cell: Any, block: int, dtype: DTypeLike) -> None:
        self.cell, self.block, self.dtype = cell, block, dtype
        self.letters = "ijo" if cell._couple_input_forget_gates else "ijfo"

    def made(self, width: int) -> tuple[_Way, _Way]:
        """The weights along frequencies and along time, which may be the same."""
        cell, units = self.cell, self.cell._num_units
        shared = cell._share_time_frequency_weights
        ways = [("f", "freq")] if shared else [("f", "freq"), ("t", "time")]
        rows, parts = width + 2 * units, len(self.letters) * units
        pairs = [
            _weights(
                f"W_{letter}_{self.block}",
                f"B_{letter}_{self.block}",
                rows,
                parts,
                self.dtype,
                cell._num_unit_shards,
            )
            for letter, _ in ways
        ]
        found = [
            _Way(kernel, bias, self._peepholes(word))
            for (kernel, bias), (_, word) in zip(pairs, ways, strict=True)
        ]
        return found[0], found[-1]

    def _peepholes(self, word: str) -> dict[str, tuple[Any, Any]]:
        if not self.cell._use_peepholes:
            return {}
        return {
            name: (
                self._peephole(name, f"{word}f"),
                self._peephole(name, f"{word}t"),
            )
            for name in "fio"
            if name in self.letters
        }

    def _peephole(self, gate: str, word: str) -> Any:
        name = f"W_{gate.upper()}_diag_{word}_{self.block}"
        return get_variable(name, shape=[self.cell._num_units], dtype=self.dtype)

    def step(
        self,
        ways: tuple[_Way, _Way],
        x: Tensor,
        along: tuple[Tensor, Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Memories and outputs, along frequencies and along time.

        Args:
          ways: the weights.
          x: what they see.
          along: the memories before, of the frequency and of the time before.
        """
        limit = self.cell._cell_clip
        parts = self._parts(ways, x)
        memories = [
            clipped(self._memory(way, own, before, along), limit)
            for way, own, before in zip(ways, parts, along, strict=True)
        ]
        now = memories[0], memories[1]
        outputs = [
            way.gate("o", own["o"], now) * F.Tanh(c)
            for way, own, c in zip(ways, parts, memories, strict=True)
        ]
        return memories, outputs

    def _parts(self, ways: tuple[_Way, _Way], x: Tensor) -> list[dict[str, Tensor]]:
        found: list[dict[str, Tensor]] = []
        for way in ways:
            if found and way is ways[0]:
                return [*found, found[0]]
            z = bias_add(F.MatMul(x, way.kernel), way.bias)
            gates = split(value=z, num_or_size_splits=len(self.letters), axis=1)
            found.append(dict(zip(self.letters, gates, strict=True)))
        return found

    def _memory(
        self,
        way: _Way,
        own: dict[str, Tensor],
        before: Tensor,
        along: tuple[Tensor, Tensor],
    ) -> Tensor:
        enter = way.gate("i", own["i"], along)
        if "f" in own:
            keep = way.gate("f", own["f"] + self.cell._forget_bias, along)
        else:
            keep = 1.0 - enter
        return keep * before + enter * F.Tanh(own["j"])

    def sequence(
        self, seen: Sequence[Tensor], state: Any, batch: TensorLike, prefix: str
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The outputs and the next states of all frequencies of the block."""
        units = self.cell._num_units
        ways = self.made(self.cell._feature_size)
        h = zeros([batch, units], self.dtype)
        c = zeros([batch, units], self.dtype)
        outputs, states = [], []
        for place, x in enumerate(seen):
            old_c, old_h = self._before(state, place, prefix)
            given = concat([x, old_h, h], 1)
            memories, found = self.step(ways, given, (c, old_c))
            c, h = memories[0], found[0]
            outputs += [found[1], found[0]]
            states += [memories[1], found[1]]
        return outputs, states

    def _before(self, state: Any, place: int, prefix: str) -> tuple[Tensor, Tensor]:
        """c and h of a frequency before the step."""
        units = self.cell._num_units
        if self.cell._state_is_tuple:
            name = f"{prefix}state_f{place:02}_b{self.block:02}"
            return getattr(state, f"{name}_c"), getattr(state, f"{name}_m")
        # as in TensorFlow, each block looks at the states of the first
        at = 2 * place * units
        return _block(state, at, units), _block(state, at + units, units)


def _state_names(blocks: Sequence[int], prefix: str = "") -> list[str]:
    """The names of the states of all frequencies of all blocks."""
    return [
        f"{prefix}state_f{place:02}_b{block:02}_{kind}"
        for block, count in enumerate(blocks)
        for place in range(count)
        for kind in "cm"
    ]


@keeps_sizes
class GridLSTMCell(RNNCell):
    """Two LSTMs, one along time and one along frequencies.

    Args:
      num_units: the size of c and h of each frequency.
      use_peepholes: whether the gates also see both c.
      share_time_frequency_weights: whether both have the same weights.
      cell_clip: the largest absolute value of c.
      initializer: does nothing.
      num_unit_shards: in how many variables each kernel is.
      forget_bias: what is added to the input of the forget gate.
      feature_size: how many inputs are seen at once.
      frequency_skip: by how many they move on.
      num_frequency_blocks: how many frequencies there are in each block.
      start_freqindex_list, end_freqindex_list: where blocks begin and end; by default
        there is one.
      couple_input_forget_gates: whether the forget gate is one minus the input gate.
      state_is_tuple: whether the state is a tuple; else all is in one.
      reuse: whether variables that are there are used.

    Raises:
      ValueError: there are no blocks.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        share_time_frequency_weights: bool = False,
        cell_clip: float | None = None,
        initializer: InitializerLike | None = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int | None = None,
        num_frequency_blocks: Sequence[int] | None = None,
        start_freqindex_list: Sequence[int] | None = None,
        end_freqindex_list: Sequence[int] | None = None,
        couple_input_forget_gates: bool = False,
        state_is_tuple: bool = True,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        warn_of_joined(self, state_is_tuple)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._share_time_frequency_weights = share_time_frequency_weights
        self._couple_input_forget_gates = couple_input_forget_gates
        self._state_is_tuple = state_is_tuple
        self._cell_clip = cell_clip
        self._initializer = initializer
        self._num_unit_shards = num_unit_shards
        self._forget_bias = forget_bias
        self._feature_size: Any = feature_size
        self._frequency_skip: Any = frequency_skip
        self._start_freqindex_list = start_freqindex_list
        self._end_freqindex_list: Any = end_freqindex_list
        if num_frequency_blocks is None:
            raise ValueError("Must specify num_frequency_blocks")
        self._num_frequency_blocks = num_frequency_blocks
        self._total_blocks = sum(num_frequency_blocks)
        self._keep_sizes()

    def _keep_sizes(self) -> None:
        total = 2 * self._total_blocks
        self._output_size = self._num_units * total
        self._state_size = self._output_size
        if self._state_is_tuple:
            names = _state_names(self._num_frequency_blocks)
            self._state_tuple_type = namedtuple("GridLSTMStateTuple", names)
            self._state_size = self._state_tuple_type(*[self._num_units] * total)

    @property
    def state_tuple_type(self) -> Any:
        """The type of the state."""
        return self._state_tuple_type

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known, or does not fit the blocks.
        """
        outputs, states = self._run(self._features(inputs), inputs, state)
        if self._state_is_tuple:
            return concat(outputs, 1), self._state_tuple_type(*states)
        return concat(outputs, 1), concat(states, 1)

    def _run(
        self, seen: list[list[Tensor]], inputs: Tensor, state: Any, prefix: str = ""
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The outputs and the next states of all blocks."""
        outputs, states, batch = [], [], size_along(inputs, 0)
        for block, own in enumerate(seen):
            grid = _Grid(self, block, inputs.dtype)
            more, new = grid.sequence(own, state, batch, prefix)
            outputs += more
            states += new
        return outputs, states

    def _features(self, inputs: Tensor, offset: int = 0) -> list[list[Tensor]]:
        """What is seen at each frequency of each block, moved on by some inputs.

        Raises:
          ValueError: the size of the inputs is not known, or does not fit the blocks.
        """
        width = _known_width(inputs)
        if offset:
            margin = [0, offset] if offset > 0 else [-offset, 0]
            inputs = pad(inputs, [[0, 0], margin])
            offset = max(offset, 0)
        counts, found = self._num_frequency_blocks, []
        for block, (start, end) in enumerate(self._bounds(width)):
            size, skip = self._feature_size, self._frequency_skip
            count = int((end - start - size) / skip) + 1
            if count != counts[block]:
                raise ValueError(
                    f"Invalid num_frequency_blocks, requires {counts[block]} but gets "
                    f"{count}, please check the input size and filter config are "
                    "correct."
                )
            begins = [offset + start + place * skip for place in range(count)]
            found.append([_block(inputs, begin, size) for begin in begins])
        return found

    def _bounds(self, width: int) -> list[tuple[int, int]]:
        """Where blocks begin and end."""
        starts, ends = self._start_freqindex_list, self._end_freqindex_list
        count = len(self._num_frequency_blocks)
        if not starts:
            if count != 1:
                raise ValueError(
                    f"Length of num_frequency_blocks is not 1, but instead is {count}"
                )
            return [(0, width)]
        if len(starts) != count:
            text = "Length of num_frequency_blocks is not equal to start_freqindex_list"
            raise ValueError(f"{text} %d %d", count, len(starts))
        return list(zip(starts, ends, strict=False))


class BidirectionalGridLSTMCell(GridLSTMCell):
    """`GridLSTMCell` from the lowest frequency to the highest, and back.

    Args:
      num_units, …, couple_input_forget_gates: those of `GridLSTMCell`.
      backward_slice_offset: by how many inputs what is seen on the way back is moved.
      reuse: whether variables that are there are used.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        share_time_frequency_weights: bool = False,
        cell_clip: float | None = None,
        initializer: InitializerLike | None = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int | None = None,
        num_frequency_blocks: Sequence[int] | None = None,
        start_freqindex_list: Sequence[int] | None = None,
        end_freqindex_list: Sequence[int] | None = None,
        couple_input_forget_gates: bool = False,
        backward_slice_offset: int = 0,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(
            num_units,
            use_peepholes,
            share_time_frequency_weights,
            cell_clip,
            initializer,
            num_unit_shards,
            forget_bias,
            feature_size,
            frequency_skip,
            num_frequency_blocks,
            start_freqindex_list,
            end_freqindex_list,
            couple_input_forget_gates,
            True,
            reuse,
        )
        self._backward_slice_offset = int(backward_slice_offset)

    def _keep_sizes(self) -> None:
        blocks, total = self._num_frequency_blocks, 4 * self._total_blocks
        names = [*_state_names(blocks, "fwd_"), *_state_names(blocks, "bwd_")]
        self._state_tuple_type = namedtuple("BidirectionalGridLSTMStateTuple", names)
        self._state_size = self._state_tuple_type(*[self._num_units] * total)
        self._output_size = self._num_units * total

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state.

        Raises:
          ValueError: the size of the inputs is not known, or does not fit the blocks.
        """
        forward = self._features(inputs)
        offset = self._backward_slice_offset
        backward = self._features(inputs, offset) if offset else forward
        with variable_scope("fwd"):
            outputs, states = self._run(forward, inputs, state, "fwd_")
        with variable_scope("bwd"):
            turned = [own[::-1] for own in backward]
            more, new = self._run(turned, inputs, state, "bwd_")
        return concat([*outputs, *more], 1), self._state_tuple_type(*states, *new)
