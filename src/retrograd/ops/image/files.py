"""Images as bytes: what format they have, and their pixels, read by Pillow."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.ops.arguments import refused

if TYPE_CHECKING:
    from PIL.Image import Image

    from retrograd.typing import Array

#: how files of the formats begin
SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF8": "GIF"}
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def content(value: Array) -> bytes:
    """The one string that is to be read.

    Raises:
      InvalidArgumentError: several.
    """
    if np.ndim(value):
        shape = ",".join(map(str, np.shape(value)))
        raise refused(f"contents must be scalar, got shape [{shape}]")
    item: Any = value[()] if isinstance(value, np.ndarray) else value
    return item if isinstance(item, bytes) else bytes(item)


def format_of(data: bytes) -> str:
    """JPEG, PNG or GIF.

    Raises:
      InvalidArgumentError: none of them.
    """
    for start, name in SIGNATURES.items():
        if data.startswith(start):
            return name
    shown = data[:16].decode("latin-1").encode("unicode_escape").decode()
    found = f"got unknown format starting with '{shown}'" if data else "got empty file"
    raise refused(f"Expected image (JPEG, PNG, or GIF), {found}")


@contextlib.contextmanager
def opened(data: bytes, text: str) -> Iterator[Image]:
    """The image in `data`.

    Raises:
      InvalidArgumentError: with `text`: it cannot be read, or is not all there.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            yield image
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise refused(text) from None
    except Image.DecompressionBombError:
        raise refused(text) from None


def pixels(image: Image, channels: int) -> Array:
    """[height, width, channels] uint8; as many channels as there are for 0."""
    mode = image.mode
    if not channels:
        has_alpha = "A" in mode or "transparency" in image.info
        gray = mode in ("1", "L", "LA", "I", "I;16", "F")
        channels = (1 if gray else 3) + has_alpha
    if mode == "I" or mode.startswith("I;16"):
        found = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)[..., None]
    else:
        if mode == "P" or "transparency" in image.info:
            alpha = "A" in mode or "transparency" in image.info
            image = image.convert("RGBA" if alpha else "RGB")
        elif mode == "1":
            image = image.convert("L")
        elif mode not in _MODES.values():
            image = image.convert("RGB")
        found = np.asarray(image)
        found = found if found.ndim == 3 else found[..., None]
    return with_channels(found, channels)


def with_channels(x: Array, channels: int) -> Array:
    """Pixels with so many channels: gray or colors, with or without opacity."""
    have = x.shape[-1]
    if have == channels:
        return np.array(x)
    colors, alpha = (x[..., :-1], x[..., -1:]) if have in (2, 4) else (x, None)
    if channels < 3 and colors.shape[-1] == 3:
        weights = np.array([9798, 19235, 3735], np.int64)  # of 2¹⁵
        colors = ((colors @ weights) >> 15).astype(x.dtype)[..., None]
    elif channels >= 3 and colors.shape[-1] == 1:
        colors = np.repeat(colors, 3, axis=-1)
    if channels not in (2, 4):
        return np.array(colors)
    if alpha is None:
        alpha = np.full_like(colors[..., :1], np.iinfo(x.dtype).max)
    return np.concatenate([colors, alpha], axis=-1)


def bmp(data: bytes, channels: int) -> Array:
    """[height, width, channels] uint8 of a BMP file that is not compressed.

    Raises:
      InvalidArgumentError: it is cut off.
    """
    (start,) = struct.unpack_from("<I", data, 10)
    width, height = struct.unpack_from("<ii", data, 18)
    row = (width * channels + 3) // 4 * 4  # lines are filled up to words
    wanted = row * abs(height)
    if width <= 0 or not height or len(data) < start + wanted:
        raise refused(
            f"Incomplete bmp content, requires at least {start + wanted} bytes, got "
            f"{len(data)} bytes"
        )
    lines = np.frombuffer(data, np.uint8, wanted, start).reshape(abs(height), row)
    found = lines[:, : width * channels].reshape(abs(height), width, channels)
    if height > 0:  # from the lowest line on
        found = found[::-1]
    order = [2, 1, 0, 3][:channels] if channels > 1 else [0]
    return np.array(found[..., order])


# ---------------------------------------------------------------------- PNG


def bad_png(data: bytes) -> str:
    """What is said of a PNG file that cannot be read."""
    if b"IDAT" not in data:
        return f"Invalid PNG header, data size {len(data)}"
    return f"Invalid PNG data, size {len(data)}"


def deep_png(data: bytes) -> Array | None:
    """[height, width, channels] uint16 of a PNG that has 16 bits a number, else None.

    Pillow gives colors of such files with 8 bits.

    Raises:
      InvalidArgumentError: it is cut off, or interlaced.
    """
    if len(data) < 33:
        raise refused(bad_png(data))
    width, height, depth, kind, _, _, laced = struct.unpack_from(">IIBBBBB", data, 16)
    channels = {0: 1, 2: 3, 4: 2, 6: 4}.get(kind)
    if depth != 16 or channels is None:
        return None
    if laced:
        raise refused(bad_png(data))
    packed, at = [], 8
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            packed.append(data[at + 8 : at + 8 + size])
        at += size + 12
    step = channels * 2
    row = width * step
    # no more is unpacked than the image says that it has
    wanted = height * (row + 1)
    try:
        raw = zlib.decompressobj().decompress(b"".join(packed), wanted)
    except zlib.error:
        raw = b""
    if len(raw) < wanted:
        raise refused(bad_png(data))
    lines = np.frombuffer(raw, np.uint8).reshape(height, row + 1)
    made = _unfiltered(lines[:, 0], lines[:, 1:].astype(np.int64), step)
    return (
        made.astype(np.uint8).view(">u2").reshape(height, width, channels).astype("u2")
    )


def _unfiltered(filters: Array, lines: Array, step: int) -> Array:
    """Lines of bytes from their differences to what is left of and above each."""
    above = np.zeros(lines.shape[1], np.int64)
    for kind, line in zip(filters, lines, strict=True):
        if kind == 2:
            line[:] = (line + above) & 255
        elif kind:
            for i in range(len(line)):
                left = line[i - step] if i >= step else 0
                corner = above[i - step] if i >= step else 0
                if kind == 1:
                    guess = left
                elif kind == 3:
                    guess = (left + above[i]) // 2
                else:
                    guess = _nearest(left, above[i], corner)
                line[i] = (line[i] + guess) & 255
        above = line
    return lines


def _nearest(left: int, above: int, corner: int) -> int:
    """Of the three the one that is nearest to left + above − corner."""
    wanted = left + above - corner
    away = [abs(wanted - x) for x in (left, above, corner)]
    return (left, above, corner)[away.index(min(away))]


def png(x: Array, compression: int) -> bytes:
    """A PNG file of uint8 or uint16 [height, width, channels].

    Args:
      x: the pixels.
      compression: 0 to 9, or −1 for zlib's default.
    """
    height, width, channels = x.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    depth = 8 * x.dtype.itemsize
    lines = np.ascontiguousarray(x).astype(x.dtype.newbyteorder(">"))
    rows = lines.view(np.uint8).reshape(height, -1)
    # each line after the number of its filter: none
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    packed = zlib.compress(raw.tobytes(), compression)
    parts = [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body))
        + name
        + body
        + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
