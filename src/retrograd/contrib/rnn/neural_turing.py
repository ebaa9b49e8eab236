"""A neural Turing machine: a cell that has a memory (Graves et al. 2014)."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.contrib.rnn.sized import keeps_sizes
from retrograd.layers.rnn_cell_base import LayerRNNCell
from retrograd.layers.rnn_cells import clipped
from retrograd.ops.array.fill import ones, zeros
from retrograd.ops.array.join import concat, split, stack
from retrograd.ops.array.reorder import reverse
from retrograd.ops.array.shape import expand_dims, squeeze
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.nn import bias_add, softmax
from retrograd.variables.initializers import (
    constant_initializer,
    truncated_normal_initializer,
)

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, ShapeLike, Structure, TensorLike

NTMControllerState = namedtuple(
    "NTMControllerState",
    ("controller_state", "read_vector_list", "w_list", "M", "time"),
)


@keeps_sizes
class NTMCell(LayerRNNCell):
    """A controller with a memory, which it addresses by contents and by place.

    Args:
      controller: a cell of `tf.nn.rnn_cell`.
      memory_size: the rows of the memory.
      memory_vector_dim: their size.
      read_head_num, write_head_num: how many heads read and write.
      shift_range: by how far a head moves on.
      output_dim: the size of what comes out; by default that of the inputs.
      clip_value: the largest absolute value of what the controller says.
      dtype: of the weights.
      name: of the layer.
    """

    def __init__(
        self,
        controller: Any,
        memory_size: int,
        memory_vector_dim: int,
        read_head_num: int,
        write_head_num: int,
        shift_range: int = 1,
        output_dim: int | None = None,
        clip_value: float = 20,
        dtype: DTypeLike = dtypes.float32,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.controller = controller
        self.memory_size = memory_size
        self.memory_vector_dim = memory_vector_dim
        self.read_head_num = read_head_num
        self.write_head_num = write_head_num
        self.clip_value = clip_value
        self.output_dim = output_dim
        self.shift_range = shift_range
        self.num_parameters_per_head = memory_vector_dim + 2 * shift_range + 4
        self.num_heads = read_head_num + write_head_num
        self.total_parameter_num = (
            self.num_parameters_per_head * self.num_heads
            + memory_vector_dim * 2 * write_head_num
        )
        self._state_size = NTMControllerState(
            controller_state=controller.state_size,
            read_vector_list=[memory_vector_dim] * read_head_num,
            w_list=[memory_size] * self.num_heads,
            M=shapes.TensorShape([memory_size * memory_vector_dim]),
            time=shapes.TensorShape([]),
        )

    @property
    def output_size(self) -> Any:
        """The size of what comes out, if it is given or inputs have been."""
        return self.output_dim

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        sizes: Any = input_shape
        inner, dim = self.controller.output_size, self.memory_vector_dim
        if self.output_dim is None:
            self.output_dim = sizes[1].value
        self._params_kernel, self._params_bias = self._linear(
            "parameters", inner, self.total_parameter_num
        )
        self._output_kernel, self._output_bias = self._linear(
            "output", inner + dim * self.read_head_num, self.output_dim
        )
        self._init_r = [
            self.add_variable(f"initial_read_vector_{i}", shape=[1, dim])
            for i in range(self.read_head_num)
        ]
        self._init_w = [
            self.add_variable(
                f"initial_address_weights_{i}", shape=[1, self.memory_size]
            )
            for i in range(self.num_heads)
        ]
        self._M = self.add_variable(
            "memory",
            shape=[self.memory_size, dim],
            initializer=constant_initializer(1e-6),
        )
        self.built = True

    def _linear(self, name: str, rows: int, size: Any) -> tuple[Any, Any]:
        """The weights of a linear map from `rows` numbers to `size`."""
        first = truncated_normal_initializer(stddev=rows**-0.5)
        blank = constant_initializer(0.0, dtype=self.dtype)
        kernel = self.add_variable(f"{name}_kernel", [rows, size], initializer=first)
        return kernel, self.add_variable(f"{name}_bias", [size], initializer=blank)

    def zero_state(self, batch_size: TensorLike, dtype: DTypeLike) -> Any:
        """Zeros; in the first step the weights' own values are used instead."""
        size, dim = self.memory_size, self.memory_vector_dim
        read = [zeros([batch_size, dim], dtype) for _ in range(self.read_head_num)]
        places = [zeros([batch_size, size], dtype) for _ in range(self.num_heads)]
        return NTMControllerState(
            controller_state=self.controller.zero_state(batch_size, dtype),
            read_vector_list=read,
            w_list=places,
            time=0,
            M=zeros([batch_size, size, dim], dtype),
        )

    def call(self, x: Tensor, prev_state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        batch: Any = x.shape.as_list()[0]
        state: Any = prev_state
        begins = F.Equal(state.time, 0)
        read = self._begun(begins, batch, F.Tanh, self._init_r, state.read_vector_list)
        inner, inner_state = self.controller(
            concat([x, *read], axis=1), state.controller_state
        )
        said = bias_add(F.MatMul(inner, self._params_kernel), self._params_bias)
        said = clipped(said, self.clip_value)
        count = self.num_parameters_per_head * self.num_heads
        heads = split(said[:, :count], self.num_heads, axis=1)
        writes = split(said[:, count:], 2 * self.write_head_num, axis=1)
        places = self._begun(begins, batch, softmax, self._init_w, state.w_list)
        memory = cond(begins, lambda: _repeated(self._M, batch), lambda: state.M)
        places = [
            self._addressed(head, memory, old)
            for head, old in zip(heads, places, strict=True)
        ]
        reading, writing = places[: self.read_head_num], places[self.read_head_num :]
        read = [reduce_sum(expand_dims(w, 2) * memory, axis=1) for w in reading]
        memory = self._written(memory, writing, writes, batch)
        output = bias_add(
            F.MatMul(concat([inner, *read], axis=1), self._output_kernel),
            self._output_bias,
        )
        new = NTMControllerState(
            controller_state=inner_state,
            read_vector_list=read,
            w_list=places,
            M=memory,
            time=state.time + 1,
        )
        return clipped(output, self.clip_value), new

    def _begun(
        self,
        begins: Tensor,
        batch: int,
        activation: Callable[[Any], Any],
        firsts: list[Any],
        before: list[Any],
    ) -> list[Any]:
        """What is in the state, or in the first step what the weights say."""

        def own() -> list[Any]:
            one = ones([1, 1])
            found = [activation(squeeze(F.MatMul(one, w))) for w in firsts]
            return [_repeated(x, batch) for x in found]

        found = cond(begins, own, lambda: list(before))
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def _addressed(self, head: Tensor, memory: Tensor, old: Tensor) -> Tensor:
        """The share of each row of the memory that a head reads or writes."""
        dim, wide = self.memory_vector_dim, 2 * self.shift_range + 1
        key = F.Tanh(head[:, :dim])
        strength = F.Softplus(head[:, dim])
        gate = F.Sigmoid(head[:, dim + 1])
        moves = softmax(head[:, dim + 2 : dim + 2 + wide])
        sharpness = F.Softplus(head[:, -1]) + 1
        key = expand_dims(key, axis=2)
        lengths = F.Sqrt(reduce_sum(F.Square(memory), axis=2, keepdims=True))
        lengths = lengths * F.Sqrt(reduce_sum(F.Square(key), axis=1, keepdims=True))
        alike = squeeze(matmul(memory, key) / (lengths + 1e-8))
        shares = F.Exp(expand_dims(strength, axis=1) * alike)
        shares = shares / reduce_sum(shares, axis=1, keepdims=True)
        gate = expand_dims(gate, axis=1)
        shares = gate * shares + (1 - gate) * old
        shares = reduce_sum(expand_dims(shares, axis=1) * self._moves(moves), axis=2)
        sharp = F.Pow(shares, expand_dims(sharpness, axis=1))
        return sharp / reduce_sum(sharp, axis=1, keepdims=True)

    def _moves(self, moves: Tensor) -> Tensor:
        """How far each row moves to each, [batch, rows, rows], in a circle."""
        reach, size = self.shift_range, self.memory_size
        batch: Any = moves.shape.as_list()[0]
        blank = zeros([batch, size - 2 * reach - 1])
        ring = concat([moves[:, : reach + 1], blank, moves[:, -reach:]], axis=1)
        ring = concat([reverse(ring, axis=[1]), reverse(ring, axis=[1])], axis=1)
        rows = [ring[:, size - i - 1 : 2 * size - i - 1] for i in range(size)]
        return stack(rows, axis=1)

    def _written(
        self,
        memory: Tensor,
        places: list[Tensor],
        writes: list[Tensor],
        batch: int,
    ) -> Tensor:
        """The memory after all heads have erased and added."""
        for i, place in enumerate(places):
            w = expand_dims(place, axis=2)
            erase = expand_dims(F.Sigmoid(writes[2 * i]), axis=1)
            add = expand_dims(F.Tanh(writes[2 * i + 1]), axis=1)
            whole = ones([batch, self.memory_size, self.memory_vector_dim])
            memory = memory * (whole - matmul(w, erase)) + matmul(w, add)
        return memory


def _repeated(x: TensorLike, batch: int) -> Tensor:
    """x for each of a batch."""
    return concat([expand_dims(x, 0) for _ in range(batch)], axis=0)
