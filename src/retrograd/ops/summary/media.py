"""Images and sounds as TensorBoard shows them: PNG and WAV made of tensors."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np

from retrograd import errors

if TYPE_CHECKING:
    from retrograd.typing import Array

#: an image without larger values is black
_DARK = 1e-6


def as_bytes(image: Array, bad_color: Array) -> np.ndarray:
    """An image with values from 0 to 255.

    Numbers that are not negative are scaled so that the largest is 255. If some are
    negative, 0 becomes 128 and the one farthest from it 1 or 255.

    Args:
      image: shape [height, width, depth]; what is uint8 stays as it is.
      bad_color: the color of pixels that are not finite.
    """
    image = np.asarray(image)
    if image.dtype == np.uint8:
        return image
    kind = image.dtype.type
    good = np.isfinite(image).all(-1)
    pixels = image[good]
    made = np.empty(image.shape, np.uint8)
    made[~good] = bad_color.ravel()[: image.shape[-1]]
    if pixels.size:
        low, high = float(pixels.min()), float(pixels.max())
        most = max(abs(low), abs(high))
        whole, offset = (127.0, 128.0) if low < 0 else (255.0, 0.0)
        scale = 0.0 if most < _DARK else whole / most
        made[good] = (pixels * kind(scale) + kind(offset)).astype(np.uint8)
    return made


def png(pixels: np.ndarray) -> bytes:
    """An image, uint8 and of 1, 3 or 4 channels, as a PNG file."""
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def wav(sound: Array, sample_rate: float) -> bytes:
    """A sound, with values from −1 to 1, as a WAV file of 16 bits.

    Args:
      sound: shape [frames, channels].
      sample_rate: frames in a second.

    Raises:
      InvalidArgumentError: there are no frames.
    """
    frames, channels = sound.shape
    if not frames:
        raise errors.InvalidArgumentError(None, None, "num_frames must be positive.")
    rate, size = round(sample_rate), 2 * channels
    levels = np.nan_to_num(np.asarray(sound, np.float64)) * 32768
    nearest = np.trunc(levels + np.copysign(0.5, levels))  # a half goes away from 0
    content = np.clip(nearest, -32768, 32767).astype("<i2").tobytes()
    form = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * size, size, 16
    )
    data = struct.pack("<4sI", b"data", len(content)) + content
    return (
        struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data
    )
