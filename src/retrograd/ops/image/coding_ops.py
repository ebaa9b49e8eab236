"""Ops: images from bytes and to bytes."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import InternalError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.image import files
from retrograd.ops.infer import invalid, shape_text, with_rank
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- from bytes


def _decoded(n: Operation) -> RawShape:
    """[height, width, channels], of which the channels are known if they were given.

    Raises:
      ValueError: a negative number of channels.
    """
    with_rank(n, 0, 0)
    channels = n.attrs["channels"]
    if channels < 0:
        raise invalid(n, f"channels must be non-negative, got {channels}")
    return (None, None, channels or None)


def _check_channels(channels: int) -> None:
    if channels not in (0, 1, 3, 4):
        raise refused(f"channels must be 0, 1, 3, or 4, got {channels}")


def _read(data: bytes, channels: int, ratio: int = 1) -> Array:
    """uint8 [height, width, channels]; [frames, …] of a GIF.

    Raises:
      InvalidArgumentError: it is no image, or is cut off.
    """
    kind = files.format_of(data)
    if kind == "GIF":
        return _frames(data)
    if kind == "PNG":
        with files.opened(data, files.bad_png(data)) as image:
            return files.pixels(image, channels)
    if channels == 4:
        raise refused("channels must be 0, 1, or 3 for JPEG, got 4")
    text = f"Invalid JPEG data or crop window, data size {len(data)}"
    with files.opened(data, text) as image:
        mode = {1: "L", 3: "RGB"}.get(channels, image.mode)
        if mode not in ("L", "RGB"):
            mode = "RGB"
        width, height = image.size
        image.draft(mode, (max(width // ratio, 1), max(height // ratio, 1)))
        return files.pixels(image.convert(mode), 1 if mode == "L" else 3)


def _frames(data: bytes) -> Array:
    """uint8 [frames, height, width, 3]."""
    from PIL import ImageSequence

    with files.opened(data, "Invalid GIF data, size " + str(len(data))) as image:
        frames = [np.array(f.convert("RGB")) for f in ImageSequence.Iterator(image)]
    return np.stack(frames)


def _one_frame(x: Array) -> Array:
    """An image; of frames, the only one.

    Raises:
      InvalidArgumentError: there are several.
    """
    if x.ndim == 4 and len(x) > 1:
        raise refused(
            f"Got {len(x)} frames, but animated gifs can only be decoded by "
            "tf.image.decode_gif or tf.image.decode_image"
        )
    return x[0] if x.ndim == 4 else x


@op("DecodePng", infer=_decoded, host=True)
def decode_png_kernel(
    xp: Arrays, contents: Array, *, channels: int, dtype: np.dtype
) -> Array:
    """The pixels of a PNG file, or of a JPEG or a GIF of one frame."""
    del xp
    data = files.content(contents)
    _check_channels(channels)
    if dtype != np.uint16:
        return _one_frame(_read(data, channels))
    deep = files.deep_png(data) if files.format_of(data) == "PNG" else None
    if deep is not None:
        return files.with_channels(deep, channels or deep.shape[-1])
    # 255 becomes 65535
    return _one_frame(_read(data, channels)).astype(np.uint16) * np.uint16(257)


@op("DecodeJpeg", infer=_decoded, host=True)
def decode_jpeg_kernel(
    xp: Arrays, contents: Array, *, channels: int, ratio: int
) -> Array:
    """The pixels of a JPEG file, or of a PNG or a GIF of one frame."""
    del xp
    data = files.content(contents)
    _check_channels(channels)
    if ratio not in (1, 2, 4, 8):
        raise refused(f"ratio must be 1, 2, 4, or 8, got {ratio}")
    return _one_frame(_read(data, channels, ratio))


def _cropped(n: Operation) -> RawShape:
    _, _, channels = _decoded(n) or (None, None, None)
    window = constant(n._inputs[1])
    if window is None or len(window) != 4:
        return (None, None, channels)
    return (int(window[2]), int(window[3]), channels)


@op("DecodeAndCropJpeg", infer=_cropped, host=True)
def decode_and_crop_jpeg_kernel(
    xp: Arrays, contents: Array, window: Array, *, channels: int, ratio: int
) -> Array:
    """A part of a JPEG file: its first row and column, its height and width."""
    found = decode_jpeg_kernel(xp, contents, channels=channels, ratio=ratio)
    if np.ndim(window) != 1:
        raise refused(f"crop_window must be 1-D, got{shape_text(window.shape)}")
    if len(window) != 4:
        raise refused(f"crop_size must have four elements [{len(window)}]")
    top, left, height, width = (int(w) for w in window)
    rows, columns = found.shape[:2]
    fits = 0 <= top <= top + height <= rows and 0 <= left <= left + width <= columns
    if not fits or height <= 0 or width <= 0:
        size = len(files.content(contents))
        raise refused(f"Invalid JPEG data or crop window, data size {size}")
    return np.array(found[top : top + height, left : left + width])


def _animated(n: Operation) -> RawShape:
    with_rank(n, 0, 0)
    return (None, None, None, 3)


@op("DecodeGif", infer=_animated, host=True)
def decode_gif_kernel(xp: Arrays, contents: Array) -> Array:
    """The frames of a GIF file; of a PNG or JPEG, one."""
    del xp
    found = _read(files.content(contents), 3)
    return found if found.ndim == 4 else found[None]


@op("DecodeBmp", infer=_decoded, host=True)
def decode_bmp_kernel(xp: Arrays, contents: Array, *, channels: int) -> Array:
    """The pixels of a BMP file."""
    del xp
    data = files.content(contents)
    if channels not in (0, 1, 3, 4):
        raise refused(f"channels must be 0, 1, 3 or 4, got {channels}")
    if len(data) < 32:
        raise refused(
            "Incomplete bmp content, requires at least 32 bytes to find the header "
            f"size, width, height, and bpp, got {len(data)} bytes"
        )
    (bits,) = struct.unpack_from("<H", data, 28)
    have = bits // 8
    if channels and channels != have:
        raise refused(
            f"channels attribute {channels} does not match bits per pixel from file "
            f"{have}"
        )
    if have not in (1, 3, 4):
        raise refused(f"Number of channels must be 1, 3 or 4, was {have}")
    return files.bmp(data, have)


@op("ExtractJpegShape", infer=lambda n: (3,), host=True)
def extract_jpeg_shape_kernel(
    xp: Arrays, contents: Array, *, output_type: np.dtype
) -> Array:
    """The height, width and channels of a JPEG file."""
    del xp
    data = files.content(contents)
    text = f"Invalid JPEG data, data size {len(data)}"
    with files.opened(data, text) as image:
        width, height = image.size
        sizes = [height, width, len(image.getbands())]
        return np.array(sizes, output_type)


# ---------------------------------------------------------------------- to bytes


def _string(data: bytes) -> Array:
    held = np.empty((), object)
    held[()] = data
    return held


def _encoded(n: Operation) -> RawShape:
    with_rank(n, 0, 3)
    return ()


def _check_image(x: Array) -> None:
    if x.ndim != 3:
        raise refused(f"image must be 3-dimensional{shape_text(x.shape)}")


@op("EncodePng", infer=_encoded, host=True)
def encode_png_kernel(xp: Arrays, x: Array, *, compression: int) -> Array:
    """A PNG file of uint8 or uint16 [height, width, channels]."""
    del xp
    _check_image(x)
    channels = x.shape[-1]
    if channels not in (1, 2, 3, 4):
        raise refused(f"image must have 1, 2, 3, or 4 channels, got {channels}")
    if not x.size:
        raise InternalError(None, None, "PNG encoding failed")
    return _string(files.png(x, compression))


def _check_jpeg(x: Array, quality: int) -> None:
    if quality not in range(101):
        raise refused(f"quality must be in [0,100], got {quality}")
    _check_image(x)


def _jpeg(
    x: Array, quality: int, density: tuple[int, int, int], **how: bool | int | bytes
) -> Array:
    """A JPEG file; `density` is its unit (1: inch, 2: cm), and pixels for both axes."""
    from PIL import Image

    target = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(x[..., 0] if x.shape[-1] == 1 else x))
    # Pillow takes 0 for its default
    image.save(target, "JPEG", quality=max(quality, 1), dpi=(1, 1), **how)
    data = target.getvalue()
    return _string(data[:13] + struct.pack(">BHH", *density) + data[18:])


@op("EncodeJpeg", infer=_encoded, host=True)
def encode_jpeg_kernel(
    xp: Arrays,
    x: Array,
    *,
    format: str,
    quality: int,
    progressive: bool,
    optimize_size: bool,
    chroma_downsampling: bool,
    density_unit: str,
    x_density: int,
    y_density: int,
    xmp_metadata: str,
) -> Array:
    """A JPEG file of uint8 [height, width, 1 or 3]."""
    del xp
    _check_jpeg(x, quality)
    channels = x.shape[-1]
    wanted = {"grayscale": 1, "rgb": 3}.get(_text(format))
    shown = f"[{','.join(map(str, x.shape))}]"
    if wanted is not None and channels != wanted:
        raise refused(f"format {_text(format)} expects {wanted} channels, got {shown}")
    if channels not in (1, 3):
        raise refused(f"image must have 1 or 3 channels, got {shown}")
    how: dict[str, Any] = {}
    if channels == 3:
        how["subsampling"] = 2 if chroma_downsampling else 0
    unit = 2 if _text(density_unit) == "cm" else 1
    how["density"] = (unit, x_density, y_density)
    if xmp_metadata:
        how["xmp"] = _text(xmp_metadata).encode()
    return _jpeg(x, quality, progressive=progressive, optimize=optimize_size, **how)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@op("EncodeJpegVariableQuality", infer=_encoded, host=True)
def encode_jpeg_variable_quality_kernel(xp: Arrays, x: Array, quality: Array) -> Array:
    """A JPEG file of uint8 [height, width, 1 or 3], of a quality that is a tensor."""
    del xp
    if np.ndim(quality):
        raise refused(f"quality must be scalar: {tuple(quality.shape)}")
    _check_jpeg(x, int(quality))
    channels = x.shape[-1]
    if channels not in (1, 3):
        shown = ",".join(map(str, x.shape))
        raise refused(f"image must have 1 or 3 channels, got [{shown}]")
    how = {"subsampling": 2} if channels == 3 else {}
    return _jpeg(x, int(quality), (1, 300, 300), **how)
