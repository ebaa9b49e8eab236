"""The ops that make summaries: messages of the type Summary, as strings."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.operation import Operation
from retrograd.graph.stored_tensor import StoredTensor
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.host.text import bytes_of, shape_of, text_of
from retrograd.ops.infer import scalar
from retrograd.ops.parsing.decode_ops import tensor_message
from retrograd.ops.summary import histograms, media
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays, Message


Summary = protos.message("summary.Summary")


def _invalid(text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, text)


def _declare(name: str, kernel: Callable[..., Any]) -> None:
    op(name, infer=scalar, host=True, grad=NOT_DIFFERENTIABLE)(kernel)


def only_tag(tag: Array | bytes, what: str = "tag must be scalar") -> str:
    """The text of a tag.

    Raises:
      InvalidArgumentError: there are several.
    """
    if np.ndim(tag):
        raise _invalid(what)
    return text_of(tag)


def _scalars(xp: Arrays, tags: Array | bytes, values: Array) -> bytes:
    """A number for each tag."""
    del xp
    if np.shape(tags) != np.shape(values):
        named = f" (tag '{text_of(tags)}')" if np.size(tags) == 1 else ""
        raise _invalid(
            f"tags and values not the same shape: {shape_of(tags)} != "
            f"{shape_of(values)}{named}"
        )
    summary = Summary()
    if not np.ndim(values):
        summary.value.add(tag=text_of(tags), simple_value=float(values))
        return summary.SerializeToString()
    texts = np.asarray(tags).ravel()
    for tag, value in zip(texts, np.asarray(values).ravel(), strict=True):
        summary.value.add(tag=text_of(tag), simple_value=float(value))
    return summary.SerializeToString()


def _histogram(xp: Arrays, tag: Array | bytes, values: Array, *, n: Operation) -> bytes:
    """How many numbers of a tensor lie between limits."""
    del xp
    summary = Summary()
    value = summary.value.add(tag=only_tag(tag, "tags must be scalar"))
    histograms.fill(value.histo, values, n.name)
    return summary.SerializeToString()


def tagged(tag: str, kind: str, count: int, most: int) -> list[str]:
    """The tags of several images or sounds: numbered, unless only one is allowed."""
    if most == 1:
        return [f"{tag}/{kind}"] if count else []
    return [f"{tag}/{kind}/{i}" for i in range(min(count, most))]


def add_images(
    summary: Message, tag: str, tensor: Array, most: int, bad_color: Array
) -> None:
    """Add the images of a tensor to a Summary.

    Raises:
      InvalidArgumentError: the tensor is no batch of images, or a color is wrong.
    """
    shape = np.shape(tensor)
    if len(shape) != 4 or shape[3] not in (1, 3, 4):
        raise _invalid(
            f"Tensor must be 4-D with last dim 1, 3, or 4, not {shape_of(tensor)}"
        )
    if bad_color.size < shape[3] and np.asarray(tensor).dtype != np.uint8:
        raise _invalid(
            f"expected depth <= bad_color.size, got depth = {shape[3]}, "
            f"bad_color.size = {bad_color.size}"
        )
    tags = tagged(tag, "image", shape[0], most)
    if tags and 0 in shape:
        raise _invalid(
            "input tensor must have non-zero dims. Found: "
            f"[{', '.join(map(str, shape))}]."
        )
    for name, image in zip(tags, tensor, strict=False):
        value = summary.value.add(tag=name)
        value.image.height, value.image.width, value.image.colorspace = shape[1:]
        pixels = media.as_bytes(image, bad_color)
        value.image.encoded_image_string = media.png(pixels)


def _images(
    xp: Arrays,
    tag: Array | bytes,
    tensor: Array,
    *,
    max_images: int,
    bad_color: Array | StoredTensor,
) -> bytes:
    """The images of a batch, as PNG."""
    del xp
    if isinstance(bad_color, StoredTensor):
        bad_color = bad_color.array()
    if bad_color.dtype != np.uint8:
        kind = dtypes.as_dtype(bad_color.dtype).name
        raise _invalid(f"bad_color must be uint8, got {kind}")
    summary = Summary()
    name = only_tag(tag, "Tags must be a scalar")
    add_images(summary, name, tensor, max_images, bad_color)
    return summary.SerializeToString()


def add_sounds(
    summary: Message, tag: str, tensor: Array, sample_rate: float, most: int
) -> None:
    """Add the sounds of a tensor to a Summary.

    Raises:
      InvalidArgumentError: the tensor is no batch of sounds.
    """
    if np.ndim(tensor) not in (2, 3):
        raise _invalid(f"Tensor must be 3-D or 2-D, got: {shape_of(tensor)}")
    if sample_rate <= 0:
        raise _invalid("sample_rate must be > 0")
    sounds = tensor[:, :, None] if np.ndim(tensor) == 2 else tensor
    frames, channels = sounds.shape[1:]
    for name, sound in zip(
        tagged(tag, "audio", len(sounds), most), sounds, strict=False
    ):
        audio = summary.value.add(tag=name).audio
        audio.sample_rate, audio.num_channels = sample_rate, channels
        audio.length_frames, audio.content_type = frames, "audio/wav"
        audio.encoded_audio_string = media.wav(sound, sample_rate)


def _sounds(
    xp: Arrays,
    tag: Array | bytes,
    tensor: Array,
    sample_rate: Array,
    *,
    max_outputs: int,
) -> bytes:
    """The sounds of a batch, as WAV."""
    del xp
    summary = Summary()
    name = only_tag(tag, "Tag must be a scalar")
    rate = float(np.asarray(sample_rate).item())
    add_sounds(summary, name, tensor, rate, max_outputs)
    return summary.SerializeToString()


def _merge(xp: Arrays, *inputs: Array | bytes) -> bytes:
    """The values of several summaries in one.

    Raises:
      InvalidArgumentError: two have the same tag, or an input is no summary.
    """
    del xp
    merged, seen = Summary(), set()
    texts = (np.asarray(given, object).ravel().tolist() for given in inputs)
    for text in itertools.chain.from_iterable(texts):
        try:
            summary = Summary.FromString(text)
        except Exception:
            raise _invalid("Could not parse one of the summary inputs") from None
        for value in summary.value:
            if value.tag in seen:
                raise _invalid(f"Duplicate tag {value.tag} found in summary inputs")
            if value.tag:
                seen.add(value.tag)
        merged.value.extend(summary.value)
    return merged.SerializeToString()


def _tensor(xp: Arrays, tensor: Array, *, n: Operation) -> bytes:
    """A tensor, by the name of the operation."""
    del xp
    summary = Summary()
    summary.value.add(node_name=n.name, tensor=tensor_message(tensor))
    return summary.SerializeToString()


def _tensor_v2(
    xp: Arrays,
    tag: Array | bytes,
    tensor: Array,
    serialized_summary_metadata: Array | bytes,
) -> bytes:
    """A tensor, by a tag and with what says how to show it."""
    del xp
    summary = Summary()
    value = summary.value.add(tag=only_tag(tag), tensor=tensor_message(tensor))
    set_metadata(value, serialized_summary_metadata)
    return summary.SerializeToString()


def set_metadata(value: Message, serialized: Array | bytes) -> None:
    """Say how to show a value of a Summary; what is no message is left out."""
    value.metadata.SetInParent()
    try:
        value.metadata.MergeFromString(bytes_of(serialized))
    except Exception:
        value.metadata.Clear()


_declare("ScalarSummary", _scalars)
_declare("HistogramSummary", _histogram)
_declare("ImageSummary", _images)
_declare("AudioSummaryV2", _sounds)
_declare("MergeSummary", _merge)
_declare("TensorSummary", _tensor)
_declare("TensorSummaryV2", _tensor_v2)
