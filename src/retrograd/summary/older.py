"""`tf.contrib.deprecated`: summaries by tags, as before `tf.summary`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import get_collection
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.summary.tags import collect

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

Collections = Sequence[str] | None


def _collected(made: Tensor, collections: Collections) -> Tensor:
    """Put a summary into collections, by default that of all summaries."""
    collect(made, collections, (GraphKeys.SUMMARIES,))
    return made


def scalar_summary(
    tags: TensorLike,
    values: TensorLike,
    collections: Collections = None,
    name: str | None = None,
) -> Tensor:
    """A summary of one number for each tag.

    Args:
      tags: strings, shaped as `values`.
      values: the numbers.
      collections: where the summary is put, by default that of all summaries.
      name: the name of the operation.
    """
    with name_scope(name, "ScalarSummary", [tags, values]) as scope:
        return _collected(F.ScalarSummary(tags, values, name=scope), collections)


def histogram_summary(
    tag: TensorLike,
    values: TensorLike,
    collections: Collections = None,
    name: str | None = None,
) -> Tensor:
    """A summary of how often values lie where; see `scalar_summary`."""
    with name_scope(name, "HistogramSummary", [tag, values]) as scope:
        return _collected(F.HistogramSummary(tag, values, name=scope), collections)


def image_summary(
    tag: TensorLike,
    tensor: TensorLike,
    max_images: int = 3,
    collections: Collections = None,
    name: str | None = None,
) -> Tensor:
    """A summary of at most `max_images` images; see `scalar_summary`."""
    with name_scope(name, "ImageSummary", [tag, tensor]) as scope:
        made = F.ImageSummary(tag, tensor, max_images=max_images, name=scope)
        return _collected(made, collections)


def audio_summary(
    tag: TensorLike,
    tensor: TensorLike,
    sample_rate: TensorLike,
    max_outputs: int = 3,
    collections: Collections = None,
    name: str | None = None,
) -> Tensor:
    """A summary of at most `max_outputs` sounds; see `scalar_summary`."""
    with name_scope(name, "AudioSummary", [tag, tensor]) as scope:
        rate = convert_to_tensor(sample_rate, dtypes.float32, "sample_rate")
        made = F.AudioSummaryV2(tag, tensor, rate, max_outputs=max_outputs, name=scope)
        return _collected(made, collections)


def merge_summary(
    inputs: Sequence[Any], collections: Collections = None, name: str | None = None
) -> Tensor:
    """One summary of several; it is in no collection unless one is given."""
    with name_scope(name, "MergeSummary", list(inputs)):
        made = F.MergeSummary(list(inputs))
    return _collected(made, collections or ())


def merge_all_summaries(key: str = GraphKeys.SUMMARIES) -> Tensor | None:
    """One summary of all in a collection; None if there are none."""
    found = get_collection(key)
    return merge_summary(found) if found else None
