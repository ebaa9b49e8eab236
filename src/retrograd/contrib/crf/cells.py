"""Cells of recurrent networks that compute with conditional random fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.layers.rnn_cell_base import RNNCell
from retrograd.ops.array.fill import range_
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import expand_dims, shape, squeeze
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_logsumexp, reduce_max

if TYPE_CHECKING:
    from retrograd.typing import ScopeLike, TensorLike


def _after(state: TensorLike, transitions: Tensor) -> Tensor:
    """The score of each tag after each one, with that before it."""
    return expand_dims(state, 2) + expand_dims(transitions, 0)


class CrfForwardRnnCell(RNNCell):
    """A step of the sum over all sequences of tags, in logarithms.

    Args:
      transition_params: [tags, tags], a score for each tag after each tag.
    """

    def __init__(self, transition_params: TensorLike) -> None:
        super().__init__()
        self._transitions = convert_to_tensor(transition_params)
        self._num_tags = self._transitions.shape.as_list()[0]

    @property
    def state_size(self) -> Any:
        """The number of tags."""
        return self._num_tags

    @property
    def output_size(self) -> Any:
        """The number of tags."""
        return self._num_tags

    def __call__(
        self, inputs: TensorLike, state: TensorLike, scope: ScopeLike = None
    ) -> tuple[Tensor, Tensor]:
        """The sums for sequences that are one step longer.

        Args:
          inputs: [batch, tags], a score for each tag.
          state: [batch, tags], the sums so far, by their last tag.
          scope: not used.
        """
        del scope
        sums = convert_to_tensor(inputs) + reduce_logsumexp(
            _after(state, self._transitions), [1]
        )
        return sums, sums


class CrfDecodeForwardRnnCell(RNNCell):
    """A step of the search for the best sequence of tags.

    Args:
      transition_params: [tags, tags], a score for each tag after each tag.
    """

    def __init__(self, transition_params: TensorLike) -> None:
        super().__init__()
        self._transitions = convert_to_tensor(transition_params)
        self._num_tags = self._transitions.shape.as_list()[0]

    @property
    def state_size(self) -> Any:
        """The number of tags."""
        return self._num_tags

    @property
    def output_size(self) -> Any:
        """The number of tags."""
        return self._num_tags

    def __call__(
        self, inputs: TensorLike, state: TensorLike, scope: ScopeLike = None
    ) -> tuple[Tensor, Tensor]:
        """The best tag before each tag, and the scores with it.

        Args:
          inputs: [batch, tags], a score for each tag.
          state: [batch, tags], the best scores so far, by their last tag.
          scope: not used.
        """
        del scope
        scores = _after(state, self._transitions)
        best = convert_to_tensor(inputs) + reduce_max(scores, [1])
        return cast(F.ArgMax(scores, 1), dtypes.int32), best


class CrfDecodeBackwardRnnCell(RNNCell):
    """A step back along the best sequence of tags.

    Args:
      num_tags: the number of tags.
    """

    def __init__(self, num_tags: int) -> None:
        super().__init__()
        self._num_tags = num_tags

    @property
    def state_size(self) -> Any:
        """1: a tag."""
        return 1

    @property
    def output_size(self) -> Any:
        """1: a tag."""
        return 1

    def __call__(
        self, inputs: TensorLike, state: TensorLike, scope: ScopeLike = None
    ) -> tuple[Tensor, Tensor]:
        """The tag before, twice.

        Args:
          inputs: [batch, tags], the best tag before each tag.
          state: [batch, 1], the tag.
          scope: not used.
        """
        del scope
        tag = squeeze(state, axis=[1])
        row = range_(shape(inputs)[0])
        before = expand_dims(gather_nd(inputs, stack([row, tag], axis=1)), axis=-1)
        return before, before
