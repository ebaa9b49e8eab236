"""`tf.compat.v2.summary`: histograms, images and sounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.host.checks import assert_non_negative
from retrograd.ops.host.py_func import numpy_function
from retrograd.ops.host.shape_checks import assert_rank
from retrograd.ops.image.colors import convert_image_dtype
from retrograd.ops.math.casts import cast
from retrograd.ops.summary import media
from retrograd.summary.written import summary_scope, write

if TYPE_CHECKING:
    from retrograd.typing import Array, TensorLike


def _called(
    function: Callable[..., Any],
    *given: TensorLike,
    dtype: dtypes.DType = dtypes.string,
) -> Tensor:
    """What a function of arrays makes of tensors."""
    return numpy_function(function, [convert_to_tensor(x) for x in given], dtype)


def histogram(
    name: str,
    data: TensorLike,
    step: TensorLike | None = None,
    buckets: int | None = None,
    description: str | None = None,
) -> Any:
    """Write how often values lie where.

    Args:
      name: its name.
      data: numbers, in any shape.
      step: the number of the step; the chosen one if not given (`set_step`).
      buckets: into how many parts of one width their range is divided, by default 30.
      description: a long text about it, as Markdown.
    """
    from tensorboard.plugins.histogram import metadata

    shown = metadata.create_summary_metadata(None, description)
    count = 30 if buckets is None else buckets
    with summary_scope(name, "histogram_summary", [data]) as (tag, _):

        def counted() -> Tensor:
            values = cast(convert_to_tensor(data), dtypes.float64)
            return _called(_counted, values, count, dtype=dtypes.float64)

        return write(tag, counted, step, shown)


def _counted(values: Array, buckets: Array) -> np.ndarray:
    """For each bucket: where it begins and ends, and how many values are in it."""
    flat, count = values.ravel(), int(buckets)
    if not flat.size:
        return np.zeros((0, 3))
    low, high = flat.min(), flat.max()
    if low == high:
        return np.array([[low - 0.5, low + 0.5, flat.size]], np.float64)
    places = np.floor((flat - low) / ((high - low) / count)).astype(np.int64)
    counts = np.bincount(np.minimum(places, count - 1), minlength=count)
    edges = np.linspace(low, high, count + 1)
    return np.stack([edges[:-1], edges[1:], counts.astype(np.float64)], axis=1)


def image(
    name: str,
    data: TensorLike,
    step: TensorLike | None = None,
    max_outputs: int = 3,
    description: str | None = None,
) -> Any:
    """Write images.

    Args:
      name: their name.
      data: shape [k, height, width, channels], with 1, 3 or 4 channels: uint8, or
        floats from 0 to 1.
      step: the number of the step; the chosen one if not given (`set_step`).
      max_outputs: how many of them are written at most.
      description: a long text about them, as Markdown.

    Raises:
      ValueError: `data` is not of rank 4.
    """
    from tensorboard.plugins.image import metadata

    shown = metadata.create_summary_metadata(None, description)
    with summary_scope(name, "image_summary", [data, max_outputs]) as (tag, _):

        def encoded() -> Tensor:
            tensor = convert_to_tensor(data)
            assert_rank(tensor, 4)
            assert_non_negative(max_outputs)
            pixels = convert_image_dtype(tensor, dtypes.uint8, saturate=True)
            return _called(_pngs, pixels, max_outputs)

        return write(tag, encoded, step, shown)


def _pngs(pixels: Array, most: Array) -> np.ndarray:
    """Width and height as text, then images as PNG files."""
    height, width = pixels.shape[1:3]
    sizes = [str(width).encode(), str(height).encode()]
    return np.array([*sizes, *map(media.png, pixels[: int(most)])], object)


def audio(
    name: str,
    data: TensorLike,
    sample_rate: TensorLike,
    step: TensorLike | None = None,
    max_outputs: int = 3,
    encoding: str | None = None,
    description: str | None = None,
) -> Any:
    """Write sounds.

    Args:
      name: their name.
      data: shape [k, frames, channels], with values from −1 to 1.
      sample_rate: frames in a second.
      step: the number of the step; the chosen one if not given (`set_step`).
      max_outputs: how many of them are written at most.
      encoding: `wav`, which is what it is by default.
      description: a long text about them, as Markdown.

    Raises:
      ValueError: another encoding, or `data` is not of rank 3.
    """
    from tensorboard.plugins.audio import metadata

    if encoding not in (None, "wav"):
        raise ValueError(f"Unknown encoding: {encoding!r}")
    kind = metadata.Encoding.Value("WAV")
    shown = metadata.create_summary_metadata(None, description, kind)
    with summary_scope(name, "audio_summary", [data, sample_rate]) as (tag, _):

        def encoded() -> Tensor:
            tensor = convert_to_tensor(data)
            assert_rank(tensor, 3)
            assert_non_negative(max_outputs)
            return _called(_wavs, tensor, sample_rate, max_outputs)

        return write(tag, encoded, step, shown)


def _wavs(sounds: Array, rate: Array, most: Array) -> np.ndarray:
    """Sounds as WAV files, each with an empty label."""
    pairs = [(media.wav(s, float(rate)), b"") for s in sounds[: int(most)]]
    made = np.empty((len(pairs), 2), object)
    for row, pair in enumerate(pairs):
        made[row] = pair
    return made
