"""`tf.contrib.deprecated`: summaries of before TensorFlow 1.0, with tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

#: graph collections; None for that of summaries
Collections = Sequence[str] | None


def _kept(summary: Tensor, collections: Collections, default: Collections) -> Any:
    keys = default if collections is None else collections
    context.get_default_graph().add_to_collections(list(keys or ()), summary)
    return summary


_SUMMARIES = (GraphKeys.SUMMARIES,)


def scalar_summary(
    tags: TensorLike,
    values: TensorLike,
    collections: Collections = None,
    name: str | None = None,
) -> Any:
    """A summary of numbers.

    Args:
      tags: a tag, or several in the shape of the values.
      values: the numbers.
      collections: where the summary is put; by default SUMMARIES.
      name: the name of the operation.
    """
    with name_scope(name, "ScalarSummary", [tags, values]) as scope:
        made = F.ScalarSummary(tags, values, name=scope)
        return _kept(made, collections, _SUMMARIES)


def histogram_summary(
    tag: TensorLike,
    values: TensorLike,
    collections: Collections = None,
    name: str | None = None,
) -> Any:
    """A summary of how numbers are distributed; see `scalar_summary`."""
    with name_scope(name, "HistogramSummary", [tag, values]) as scope:
        made = F.HistogramSummary(tag, values, name=scope)
        return _kept(made, collections, _SUMMARIES)


def image_summary(
    tag: TensorLike,
    tensor: TensorLike,
    max_images: int = 3,
    collections: Collections = None,
    name: str | None = None,
) -> Any:
    """A summary of images, shape [batch, height, width, channels].

    Args:
      max_images: how many are shown.
      tag, tensor, collections, name: as of `scalar_summary`.
    """
    with name_scope(name, "ImageSummary", [tag, tensor]) as scope:
        made = F.ImageSummary(tag, tensor, max_images=max_images, name=scope)
        return _kept(made, collections, _SUMMARIES)


def audio_summary(
    tag: TensorLike,
    tensor: TensorLike,
    sample_rate: TensorLike,
    max_outputs: int = 3,
    collections: Collections = None,
    name: str | None = None,
) -> Any:
    """A summary of sounds, shape [batch, frames, channels] or [batch, frames].

    Args:
      sample_rate: how many frames a second has.
      max_outputs: how many sounds are kept.
      tag, tensor, collections, name: as of `scalar_summary`.
    """
    with name_scope(name, "AudioSummary", [tag, tensor]) as scope:
        rate = convert_to_tensor(sample_rate, dtypes.float32, name="sample_rate")
        made = F.AudioSummaryV2(tag, tensor, rate, max_outputs=max_outputs, name=scope)
        return _kept(made, collections, _SUMMARIES)


def merge_summary(
    inputs: Sequence[Tensor],
    collections: Collections = None,
    name: str | None = None,
) -> Any:
    """One summary with the values of several; by default it joins no collection."""
    with name_scope(name, "MergeSummary", inputs):
        made = F.MergeSummary(inputs, name=name)
        return _kept(made, collections, ())


def merge_all_summaries(key: str = GraphKeys.SUMMARIES) -> Any:
    """One summary with the values of all in a collection; None for none."""
    found = context.get_default_graph().get_collection(key)
    return merge_summary(found) if found else None
