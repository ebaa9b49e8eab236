"""What feeds a decoder: which ids it takes of its outputs, and its next inputs."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes, nest, shapes
from retrograd.contrib.seq2seq.sampling import categorical_sample
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.layers.counts import MADE, UNSTACKED, counted_as
from retrograd.layers.rnn_steps import transpose_batch_time
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.shape import shape, size
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import argmax, reduce_all
from retrograd.ops.nn.embedding import embedding_lookup

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ShapeLike, Structure, TensorLike
    from retrograd.variables.variable import Variable

    #: a table [symbols, …], or a function of ids
    Embedding: TypeAlias = Variable | Tensor | Callable[[Tensor], Tensor]
    #: which sequences have ended, and inputs
    Started: TypeAlias = tuple[Tensor, Structure]
    #: the same, and the state of the cell
    Following: TypeAlias = tuple[Tensor, Structure, Structure]


class Helper(metaclass=abc.ABCMeta):
    """An interface: samples the outputs of a decoder, and gives its next inputs."""

    @property
    @abc.abstractmethod
    def batch_size(self) -> Tensor:
        """The size of the batch, a scalar tensor."""
        raise NotImplementedError("batch_size has not been implemented")

    @property
    @abc.abstractmethod
    def sample_ids_shape(self) -> shapes.TensorShape:
        """The shape of what is sampled for a sequence in a step."""
        raise NotImplementedError("sample_ids_shape has not been implemented")

    @property
    @abc.abstractmethod
    def sample_ids_dtype(self) -> dtypes.DType:
        """The dtype of what is sampled."""
        raise NotImplementedError("sample_ids_dtype has not been implemented")

    @abc.abstractmethod
    def initialize(self, name: str | None = None) -> Started:
        """Which sequences have ended before the first step, and its inputs."""

    @abc.abstractmethod
    def sample(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        name: str | None = None,
    ) -> Structure:
        """What is sampled of the outputs of a step."""

    @abc.abstractmethod
    def next_inputs(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        sample_ids: Structure,
        name: str | None = None,
    ) -> Following:
        """Which sequences end with a step, and the inputs and the state of the next."""


class CustomHelper(Helper):
    """A helper of functions.

    Args:
      initialize_fn: gives which sequences have ended, and inputs.
      sample_fn: takes `time`, `outputs` and `state`; gives ids.
      next_inputs_fn: takes these and `sample_ids`; gives which sequences have ended,
        inputs and the state.
      sample_ids_shape: the shape of the ids of a sequence; by default [].
      sample_ids_dtype: their dtype; by default int32.
    """

    def __init__(
        self,
        initialize_fn: Callable[[], Started],
        sample_fn: Callable[..., Structure],
        next_inputs_fn: Callable[..., Following],
        sample_ids_shape: ShapeLike = None,
        sample_ids_dtype: DTypeLike | None = None,
    ) -> None:
        self._initialize_fn = initialize_fn
        self._sample_fn = sample_fn
        self._next_inputs_fn = next_inputs_fn
        self._batch_size: Tensor | None = None
        self._sample_ids_shape = shapes.TensorShape(sample_ids_shape or [])
        self._sample_ids_dtype = dtypes.as_dtype(sample_ids_dtype or dtypes.int32)

    @property
    def batch_size(self) -> Tensor:
        """The size of the batch.

        Raises:
          ValueError: `initialize` has not been called.
        """
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self) -> shapes.TensorShape:
        """The shape of the ids of a sequence."""
        return self._sample_ids_shape

    @property
    def sample_ids_dtype(self) -> dtypes.DType:
        """The dtype of the ids."""
        return self._sample_ids_dtype

    def initialize(self, name: str | None = None) -> Started:
        """What the first function gives."""
        with name_scope(name, f"{type(self).__name__}Initialize"):
            finished, inputs = self._initialize_fn()
            if self._batch_size is None:
                self._batch_size = size(finished)
            return finished, inputs

    def sample(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        name: str | None = None,
    ) -> Structure:
        """What the second function gives."""
        with name_scope(name, f"{type(self).__name__}Sample", [time, outputs, state]):
            return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        sample_ids: Structure,
        name: str | None = None,
    ) -> Following:
        """What the third function gives."""
        values = [time, outputs, state, sample_ids]
        with name_scope(name, f"{type(self).__name__}NextInputs", values):
            return self._next_inputs_fn(
                time=time, outputs=outputs, state=state, sample_ids=sample_ids
            )


def unstacked(x: Tensor) -> TensorArray:
    """The steps of a tensor [steps, batch, …]."""
    steps = shape(x)[0]
    with counted_as(MADE + UNSTACKED):
        return TensorArray(x.dtype, steps, element_shape=x.shape[1:]).unstack(x)


_unstack_ta = unstacked


class TrainingHelper(Helper):
    """Feeds the right inputs, whatever the outputs are; samples are the likeliest ids.

    Args:
      inputs: tensors [batch, steps, …].
      sequence_length: how many steps each sequence has, int32 [batch].
      time_major: whether inputs are [steps, batch, …].
      name: the name of the operations.

    Raises:
      ValueError: the lengths are no vector.
    """

    @property
    def batch_size(self) -> Tensor:
        """The size of the batch."""
        return self._batch_size

    @property
    def sample_ids_shape(self) -> shapes.TensorShape:
        """One id a sequence."""
        return shapes.TensorShape([])

    @property
    def sample_ids_dtype(self) -> dtypes.DType:
        """int32."""
        return dtypes.int32

    def __init__(
        self,
        inputs: Structure,
        sequence_length: TensorLike,
        time_major: bool = False,
        name: str | None = None,
    ) -> None:
        with name_scope(name, "TrainingHelper", [inputs, sequence_length]):
            inputs = convert_to_tensor(inputs, name="inputs")
            self._inputs = inputs
            if not time_major:
                inputs = nest.map_structure(transpose_batch_time, inputs)
            self._input_tas = nest.map_structure(unstacked, inputs)
            lengths = convert_to_tensor(sequence_length, name="sequence_length")
            if lengths.shape.ndims != 1:
                raise ValueError(
                    "Expected sequence_length to be a vector, but received shape: "
                    f"{lengths.shape}"
                )
            self._sequence_length = lengths
            self._zero_inputs = nest.map_structure(
                lambda x: zeros_like(x[0, :]), inputs
            )
            self._batch_size = size(sequence_length)

    @property
    def inputs(self) -> Structure:
        """The inputs, as they were given."""
        return self._inputs

    @property
    def sequence_length(self) -> Tensor:
        """How many steps each sequence has."""
        return self._sequence_length

    def _read(self, finished: Tensor, time: TensorLike) -> Structure:
        """The inputs of a step; zeros where all sequences have ended."""
        return cond(
            reduce_all(finished),
            lambda: self._zero_inputs,
            lambda: nest.map_structure(lambda array: array.read(time), self._input_tas),
        )

    def initialize(self, name: str | None = None) -> Started:
        """Which sequences have no steps, and the first inputs."""
        with name_scope(name, "TrainingHelperInitialize"):
            finished = F.Equal(0, self._sequence_length)
            return finished, self._read(finished, 0)

    def sample(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        time: Tensor,
        outputs: Tensor,
        name: str | None = None,
        **unused_kwargs: object,
    ) -> Structure:
        """The likeliest ids."""
        with name_scope(name, "TrainingHelperSample", [time, outputs]):
            return cast(argmax(outputs, axis=-1), dtypes.int32)

    def next_inputs(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        name: str | None = None,
        **unused_kwargs: object,
    ) -> Following:
        """Which sequences end with this step, and the inputs of the next."""
        with name_scope(name, "TrainingHelperNextInputs", [time, outputs, state]):
            following = time + 1
            finished = following >= self._sequence_length
            return finished, self._read(finished, following), state


def embedding_function(embedding: Embedding) -> Callable[[Tensor], Tensor]:
    """A function of ids: itself, or the look-up in a table."""
    if callable(embedding):
        return embedding
    return lambda ids: embedding_lookup(embedding, ids)


class GreedyEmbeddingHelper(Helper):
    """Feeds back the likeliest ids.

    Args:
      embedding: a table [symbols, …], or a function from ids to inputs.
      start_tokens: the first ids, int32 [batch].
      end_token: the id that ends a sequence.

    Raises:
      ValueError: the first ids are no vector, or the last is no scalar.
    """

    @property
    def batch_size(self) -> Tensor:
        """The size of the batch."""
        return self._batch_size

    @property
    def sample_ids_shape(self) -> shapes.TensorShape:
        """One id a sequence."""
        return shapes.TensorShape([])

    @property
    def sample_ids_dtype(self) -> dtypes.DType:
        """int32."""
        return dtypes.int32

    def __init__(
        self, embedding: Embedding, start_tokens: TensorLike, end_token: TensorLike
    ) -> None:
        self._embedding_fn = embedding_function(embedding)
        self._start_tokens = convert_to_tensor(
            start_tokens, dtype=dtypes.int32, name="start_tokens"
        )
        self._end_token = convert_to_tensor(
            end_token, dtype=dtypes.int32, name="end_token"
        )
        if self._start_tokens.shape.ndims != 1:
            raise ValueError("start_tokens must be a vector")
        self._batch_size = size(start_tokens)
        if self._end_token.shape.ndims != 0:
            raise ValueError("end_token must be a scalar")
        self._start_inputs = self._embedding_fn(self._start_tokens)

    def initialize(self, name: str | None = None) -> Started:
        """No sequence has ended; the inputs of the first ids."""
        del name
        return tile([False], [self._batch_size]), self._start_inputs

    def sample(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        name: str | None = None,
    ) -> Structure:
        """The likeliest ids.

        Raises:
          TypeError: the outputs are no tensor.
        """
        del time, state, name
        return argmax(_one_tensor(outputs), axis=-1, output_type=dtypes.int32)

    def next_inputs(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        sample_ids: Structure,
        name: str | None = None,
    ) -> Following:
        """Which sequences end with these ids, and their inputs."""
        del time, outputs, name
        finished = F.Equal(sample_ids, self._end_token)
        inputs = cond(
            reduce_all(finished),
            lambda: self._start_inputs,
            lambda: self._embedding_fn(sample_ids),
        )
        return finished, inputs, state


def _one_tensor(outputs: Structure) -> Tensor:
    if not isinstance(outputs, Tensor):
        raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
    return outputs


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """Feeds back ids that are drawn as their logits say.

    Args:
      embedding, start_tokens, end_token: see `GreedyEmbeddingHelper`.
      softmax_temperature: what logits are divided by; by default 1.
      seed: of the random numbers.

    Raises:
      ValueError: the first ids are no vector, or the last is no scalar.
    """

    def __init__(
        self,
        embedding: Embedding,
        start_tokens: TensorLike,
        end_token: TensorLike,
        softmax_temperature: TensorLike | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(embedding, start_tokens, end_token)
        self._softmax_temperature: Any = softmax_temperature
        self._seed = seed

    def sample(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        name: str | None = None,
    ) -> Structure:
        """Random ids.

        Raises:
          TypeError: the outputs are no tensor.
        """
        del time, state, name
        logits: Any = _one_tensor(outputs)
        if self._softmax_temperature is not None:
            logits = logits / self._softmax_temperature
        return categorical_sample(logits=logits, seed=self._seed)


class InferenceHelper(Helper):
    """Feeds back what a function makes of the outputs.

    Args:
      sample_fn: from outputs to samples.
      sample_shape, sample_dtype: the shape of a sequence's samples, and their dtype.
      start_inputs: the first inputs, [batch, …].
      end_fn: from samples to which sequences have ended.
      next_inputs_fn: from samples to inputs; by default they are the same.
    """

    @property
    def batch_size(self) -> Tensor:
        """The size of the batch."""
        return self._batch_size

    def __init__(
        self,
        sample_fn: Callable[[Any], Structure],
        sample_shape: ShapeLike,
        sample_dtype: DTypeLike,
        start_inputs: TensorLike,
        end_fn: Callable[[Any], Tensor],
        next_inputs_fn: Callable[[Any], Structure] | None = None,
    ) -> None:
        self._sample_fn = sample_fn
        self._end_fn = end_fn
        self._sample_shape = shapes.TensorShape(sample_shape)
        self._sample_dtype: Any = sample_dtype
        self._next_inputs_fn = next_inputs_fn
        self._batch_size = shape(start_inputs)[0]
        self._start_inputs = convert_to_tensor(start_inputs, name="start_inputs")

    @property
    def sample_ids_shape(self) -> shapes.TensorShape:
        """The shape of a sequence's samples."""
        return self._sample_shape

    @property
    def sample_ids_dtype(self) -> dtypes.DType:
        """The dtype of samples."""
        return self._sample_dtype

    def initialize(self, name: str | None = None) -> Started:
        """No sequence has ended; the first inputs."""
        del name
        return tile([False], [self._batch_size]), self._start_inputs

    def sample(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        name: str | None = None,
    ) -> Structure:
        """What the function makes of the outputs."""
        del time, state, name
        return self._sample_fn(outputs)

    def next_inputs(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        sample_ids: Structure,
        name: str | None = None,
    ) -> Following:
        """Which sequences end with these samples, and the next inputs."""
        del time, outputs, name
        make = self._next_inputs_fn
        inputs = sample_ids if make is None else make(sample_ids)
        return self._end_fn(sample_ids), inputs, state
