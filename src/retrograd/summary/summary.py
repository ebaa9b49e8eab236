"""`tf.summary`: operations whose results tell TensorBoard what to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import get_collection
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.summary.tags import clean_tag, collect, skipped, summary_scope
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Message, TensorLike

SummaryMetadata = protos.message("summary.SummaryMetadata")
_SUMMARIES = (GraphKeys.SUMMARIES,)


def _made(
    op: Callable[..., Any],
    name: str | None,
    tensor: TensorLike,
    *more: object,
    collections: Sequence[str] | None,
    family: str | None,
    **attrs: object,
) -> Any:
    """A summary operation in its scope, in its collections."""
    if skipped():
        return constant("")
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        made = op(tag, tensor, *more, name=scope, **attrs)
        collect(made, collections, _SUMMARIES)
    return made


def scalar(
    name: str,
    tensor: TensorLike,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Any:
    """A summary of one number.

    Args:
      name: its name, and the tag in TensorBoard.
      tensor: the number.
      collections: the graph collections that it is added to; SUMMARIES by default.
      family: put before the tag, to group it in TensorBoard.

    Returns:
      A string tensor: a serialized Summary.

    Example:
      >>> import retrograd as tf
      >>> with tf.Graph().as_default(), tf.Session() as session:
      ...     session.run(scalar("loss", 1.0)).hex()
      '0a0b0a046c6f7373150000803f'
    """
    return _made(F.ScalarSummary, name, tensor, collections=collections, family=family)


def histogram(
    name: str,
    values: TensorLike,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Any:
    """A summary of how the numbers of a tensor are distributed.

    Args:
      name: its name, and the tag in TensorBoard.
      values: the numbers, of any shape.
      collections, family: see `scalar`.
    """
    return _made(
        F.HistogramSummary, name, values, collections=collections, family=family
    )


def image(
    name: str,
    tensor: TensorLike,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Any:
    """A summary of images.

    Args:
      name: its name; the tags are `name/image/0` and so on, or `name/image` if there
        can be only one.
      tensor: shape [batch, height, width, channels] with 1 channel (grey), 3 (RGB) or
        4 (RGBA); uint8, or numbers that are scaled for each image.
      max_outputs: how many images of a batch are kept.
      collections, family: see `scalar`.
    """
    return _made(
        F.ImageSummary,
        name,
        tensor,
        collections=collections,
        family=family,
        max_images=max_outputs,
    )


def audio(
    name: str,
    tensor: TensorLike,
    sample_rate: TensorLike,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Any:
    """A summary of sounds.

    Args:
      name: its name; the tags are `name/audio/0` and so on, or `name/audio` if there
        can be only one.
      tensor: shape [batch, frames, channels] or [batch, frames], with values from −1 to
        1.
      sample_rate: frames in a second.
      max_outputs: how many sounds of a batch are kept.
      collections, family: see `scalar`.
    """
    if skipped():
        return constant("")
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        rate = convert_to_tensor(sample_rate, dtypes.float32, "sample_rate")
        made = F.AudioSummaryV2(tag, tensor, rate, max_outputs=max_outputs, name=scope)
        collect(made, collections, _SUMMARIES)
    return made


def text(name: str, tensor: Tensor, collections: Sequence[str] | None = None) -> Any:
    """A summary of text, which may be Markdown.

    Args:
      name: its name, and the tag in TensorBoard.
      tensor: strings; TensorBoard shows those of a matrix as a table.
      collections: see `scalar`.

    Raises:
      ValueError: the tensor is of another type.
    """
    if tensor.dtype != dtypes.string:
        raise ValueError(
            f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}"
        )
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name="text")
    )
    return tensor_summary(
        name=name, tensor=tensor, summary_metadata=metadata, collections=collections
    )


def tensor_summary(
    name: str,
    tensor: TensorLike,
    summary_description: str | None = None,
    collections: Sequence[str] | None = None,
    summary_metadata: Message | None = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Any:
    """A summary of a tensor, whatever it holds.

    Args:
      name: its name, and the tag in TensorBoard.
      tensor: the tensor.
      summary_description: a long text about it, as Markdown.
      summary_metadata: a SummaryMetadata that says which plugin shows it.
      collections, family: see `scalar`.
      display_name: a name to show instead.
    """
    metadata = SummaryMetadata() if summary_metadata is None else summary_metadata
    if summary_description is not None:
        metadata.summary_description = summary_description
    if display_name is not None:
        metadata.display_name = display_name
    return _made(
        F.TensorSummaryV2,
        name,
        tensor,
        metadata.SerializeToString(),
        collections=collections,
        family=family,
    )


_NOT_EAGER = (
    "Merging tf.summary.* ops is not compatible with eager execution. Use "
    "tf.contrib.summary instead."
)


def merge(
    inputs: Sequence[TensorLike],
    collections: Sequence[str] | None = None,
    name: str | None = None,
) -> Any:
    """One summary with the values of several.

    Args:
      inputs: summaries.
      collections: the graph collections that it is added to; none by default.
      name: its name scope.

    Raises:
      RuntimeError: the program executes eagerly.
      InvalidArgumentError: (when run) two values have the same tag.
    """
    if context.executing_eagerly():
        raise RuntimeError(_NOT_EAGER)
    if skipped():
        return constant("")
    name = clean_tag(name)
    with name_scope(name, "Merge", inputs):
        made = F.MergeSummary(inputs, name=name)
        collect(made, collections, [])
    return made


def merge_all(
    key: str = GraphKeys.SUMMARIES,
    scope: str | None = None,
    name: str | None = None,
) -> Any:
    """One summary with the values of all that are in a collection.

    Args:
      key: the collection.
      scope: keep only what has a name that begins with this regular expression.
      name: the name scope.

    Returns:
      The summary; None where there is nothing to merge.

    Raises:
      RuntimeError: the program executes eagerly.
    """
    if context.executing_eagerly():
        raise RuntimeError(_NOT_EAGER)
    found = get_collection(key, scope=scope)
    return merge(found, name=name) if found else None


def get_summary_description(node_def: Message) -> Any:
    """The SummaryDescription that a TensorSummary node has.

    Args:
      node_def: a NodeDef.

    Raises:
      ValueError: it is another kind of node.
    """
    if "description" not in node_def.attr:  # only summaries of tensors have one
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    from google.protobuf import json_format

    description = protos.message("summary.SummaryDescription")()
    json_format.Parse(node_def.attr["description"].s.decode(), description)
    return description
