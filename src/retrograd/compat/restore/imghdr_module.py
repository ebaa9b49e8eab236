"""The module `imghdr`, gone in Python 3.13: which kind of image a file holds."""

from __future__ import annotations

from typing import Any

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"BM", "bmp"),
    (b"MM", "tiff"),
    (b"II", "tiff"),
    (b"\x01\xda", "rgb"),
)


def what(file: Any, h: bytes | None = None) -> str | None:
    """The kind of image in a file, or of the bytes `h`; None if it is not known."""
    if h is None:
        if hasattr(file, "read"):
            place = file.tell()
            h = file.read(32)
            file.seek(place)
        else:
            with open(file, "rb") as stream:
                h = stream.read(32)
    assert h is not None
    for start, kind in _STARTS:
        if h.startswith(start):
            return kind
    if h[6:10] in (b"JFIF", b"Exif"):
        return "jpeg"
    if h[:4] == b"RIFF" and h[8:12] == b"WEBP":
        return "webp"
    return None
