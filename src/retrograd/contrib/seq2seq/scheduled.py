"""Helpers that feed the right inputs, and now and then the decoder's own outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.contrib.seq2seq.helper import (
    TrainingHelper,
    embedding_function,
    unstacked,
)
from retrograd.contrib.seq2seq.sampling import bernoulli_sample, categorical_sample
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.layers.rnn_steps import transpose_batch_time
from retrograd.ops.array.fill import fill
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.join import concat
from retrograd.ops.array.scatter import scatter_nd
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_all, reduce_any

if TYPE_CHECKING:
    from retrograd.contrib.seq2seq.helper import Embedding, Following, Started
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure, TensorLike


def _probability(given: TensorLike) -> Tensor:
    """A probability, or one for each sequence.

    Raises:
      ValueError: it has another rank.
    """
    found = convert_to_tensor(given, name="sampling_probability")
    if found.shape.ndims not in (0, 1):
        raise ValueError(
            "sampling_probability must be either a scalar or a vector. saw shape: "
            f"{found.shape}"
        )
    return found


def _places(chosen: Tensor) -> Tensor:
    return cast(where(chosen), dtypes.int32)


def _mixed(
    base: Tensor, sampled: Tensor, others: Tensor, make: Callable[[Tensor], Tensor]
) -> Tensor:
    """`base` with what `make` gives in the places that were sampled.

    Args:
      base: [batch, …].
      sampled, others: which rows of it, bool [batch]: those that change, and the rest.
      make: from the places to their rows.
    """
    there, elsewhere = _places(sampled), _places(others)
    kept = gather_nd(base, elsewhere)
    made, sizes = make(there), shape(base)
    return scatter_nd(indices=there, updates=made, shape=sizes) + scatter_nd(
        indices=elsewhere, updates=kept, shape=sizes
    )


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """Feeds the right inputs, or with a probability ids that were drawn.

    Args:
      inputs, sequence_length, time_major: see `TrainingHelper`.
      embedding: a table [symbols, …], or a function from ids to inputs.
      sampling_probability: of a drawn id: one for all sequences, or [batch].
      seed: of the ids.
      scheduling_seed: of the choice whether ids are drawn.
      name: the name of the operations.

    Raises:
      ValueError: the probability has another rank, or the lengths are no vector.
    """

    def __init__(
        self,
        inputs: Structure,
        sequence_length: TensorLike,
        embedding: Embedding,
        sampling_probability: TensorLike,
        time_major: bool = False,
        seed: int | None = None,
        scheduling_seed: int | None = None,
        name: str | None = None,
    ) -> None:
        values = [embedding, sampling_probability]
        with name_scope(name, "ScheduledEmbeddingSamplingWrapper", values):
            self._embedding_fn = embedding_function(embedding)
            self._sampling_probability = _probability(sampling_probability)
            self._seed, self._scheduling_seed = seed, scheduling_seed
            super().__init__(inputs, sequence_length, time_major=time_major)

    def initialize(self, name: str | None = None) -> Started:
        """Which sequences have no steps, and the first inputs."""
        return super().initialize(name=name)

    def sample(
        self,
        time: Tensor,
        outputs: Tensor,
        name: str | None = None,
        **unused_kwargs: object,
    ) -> Structure:
        """Drawn ids; −1 where none is."""
        values = [time, outputs, unused_kwargs.get("state")]
        with name_scope(name, "ScheduledEmbeddingTrainingHelperSample", values):
            chosen = bernoulli_sample(
                probs=self._sampling_probability,
                dtype=dtypes.bool,
                sample_shape=self.batch_size,
                seed=self._scheduling_seed,
            )
            drawn = categorical_sample(logits=outputs, seed=self._seed)
            return where(chosen, drawn, fill([self.batch_size], -1))

    def next_inputs(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        name: str | None = None,
        **unused_kwargs: object,
    ) -> Following:
        """Which sequences end with this step, and the inputs of the next."""
        ids: Any = unused_kwargs["sample_ids"]
        values = [time, outputs, state, ids]
        with name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs", values):
            finished, base, state = super().next_inputs(time, outputs, state)

            def made(places: Tensor) -> Tensor:
                return self._embedding_fn(gather_nd(ids, places))

            inputs = cond(
                reduce_all(finished),
                lambda: base,
                lambda: _mixed(base, ids > -1, ids <= -1, made),
            )
            return finished, inputs, state


class ScheduledOutputTrainingHelper(TrainingHelper):
    """Feeds the right inputs, or with a probability the outputs.

    Args:
      inputs, sequence_length, time_major: see `TrainingHelper`.
      sampling_probability: of outputs: one for all sequences, or [batch].
      seed: of the choice.
      next_inputs_fn: from outputs to inputs; by default they are the same.
      auxiliary_inputs: [batch, steps, …], which are joined to the inputs.
      name: the name of the operations.

    Raises:
      ValueError: the probability has another rank, or the lengths are no vector.
    """

    def __init__(
        self,
        inputs: Structure,
        sequence_length: TensorLike,
        sampling_probability: TensorLike,
        time_major: bool = False,
        seed: int | None = None,
        next_inputs_fn: Callable[[Any], Any] | None = None,
        auxiliary_inputs: Structure = None,
        name: str | None = None,
    ) -> None:
        values = [inputs, auxiliary_inputs, sampling_probability]
        with name_scope(name, "ScheduledOutputTrainingHelper", values):
            self._sampling_probability = _probability(sampling_probability)
            self._seed, self._next_inputs_fn = seed, next_inputs_fn
            self._auxiliary: Structure = None
            if auxiliary_inputs is not None:
                inputs = convert_to_tensor(inputs, name="inputs")
                given = convert_to_tensor(auxiliary_inputs, name="auxiliary_inputs")
                inputs = nest.map_structure(_joined, inputs, given)
                if not time_major:
                    given = nest.map_structure(transpose_batch_time, given)
                self._auxiliary = nest.map_structure(unstacked, given)
            super().__init__(inputs, sequence_length, time_major=time_major)

    def initialize(self, name: str | None = None) -> Started:
        """Which sequences have no steps, and the first inputs."""
        return super().initialize(name=name)

    def sample(
        self,
        time: Tensor,
        outputs: Tensor,
        name: str | None = None,
        **unused_kwargs: object,
    ) -> Structure:
        """1 for sequences whose outputs are fed back, else 0."""
        values = [time, outputs, unused_kwargs.get("state")]
        with name_scope(name, "ScheduledOutputTrainingHelperSample", values):
            return bernoulli_sample(
                probs=self._sampling_probability,
                sample_shape=self.batch_size,
                seed=self._seed,
            )

    def next_inputs(
        self,
        time: Tensor,
        outputs: Structure,
        state: Structure,
        name: str | None = None,
        **unused_kwargs: object,
    ) -> Following:
        """Which sequences end with this step, and the inputs of the next."""
        given: Any = unused_kwargs["sample_ids"]
        values = [time, outputs, state, given]
        with name_scope(name, "ScheduledOutputTrainingHelperNextInputs", values):
            finished, base, state = super().next_inputs(time, outputs, state)
            chosen = cast(given, dtypes.bool)

            def with_auxiliary(x: Structure, places: Tensor | None = None) -> Structure:
                if self._auxiliary is None:
                    return x
                following = time + 1
                more = nest.map_structure(lambda a: a.read(following), self._auxiliary)
                if places is not None:
                    more = gather_nd(more, places)
                return nest.map_structure(_joined, x, more)

            def mixed() -> Structure:
                make = self._next_inputs_fn
                if make is None:
                    return where(chosen, with_auxiliary(outputs), base)
                return _mixed(
                    base,
                    chosen,
                    F.LogicalNot(chosen),
                    lambda places: with_auxiliary(
                        make(gather_nd(outputs, places)), places
                    ),
                )

            none = F.LogicalOr(reduce_all(finished), F.LogicalNot(reduce_any(chosen)))
            return finished, cond(none, lambda: base, mixed), state


def _joined(x: Tensor, y: Tensor) -> Tensor:
    return concat((x, y), -1)
