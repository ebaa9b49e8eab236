"""What files consist of: lines, or pieces of one length."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from retrograd.graph.hooks import hooks
from retrograd.platform.files import open_stream

#: the parts of a file, each with its place
Parts = Iterator[tuple[int, bytes]]


def lines(path: str, compression: str = "", skip: int = 0) -> Parts:
    """The lines of a text file, counted from 1, without what ends them.

    Args:
      path: the file; opened at once.
      compression: "", "ZLIB" or "GZIP".
      skip: how many to leave out at the beginning.
    """
    stream = open_stream(path, "rb")
    if compression:
        return _lines(stream, _whole(stream, compression), skip)
    return _lines(stream, iter(stream), skip)


def _whole(stream: BinaryIO, compression: str) -> Iterator[bytes]:
    """The lines of a compressed file."""
    source, left = hooks.decompressed(stream, compression), b""
    while block := source.read(1 << 16):
        *whole, left = (left + block).split(b"\n")
        yield from whole
    if left:
        yield left


def _lines(stream: BinaryIO, source: Iterator[bytes], skip: int) -> Parts:
    with stream:
        for number, line in enumerate(source, 1):
            if number > skip:
                yield number, line.removesuffix(b"\n").replace(b"\r", b"")


def pieces(
    path: str, length: int, header: int, footer: int, hop: int, compression: str = ""
) -> tuple[int, Parts]:
    """The pieces of a file, counted from 0.

    Args:
      path: the file.
      length: that of a piece, in bytes.
      header, footer: how many bytes to leave out at both ends.
      hop: how far a piece is from the next.
      compression: "", "ZLIB" or "GZIP".

    Returns:
      How many bytes there are between header and footer, and the pieces.
    """
    if not compression:
        with open_stream(path, "rb") as stream:
            body = os.fstat(stream.fileno()).st_size - header - footer
        return body, _pieces(path, length, header, hop, body)
    with open_stream(path, "rb") as stream:
        source = hooks.decompressed(stream, compression)
        content = b"".join(iter(lambda: source.read(1 << 20), b""))
    body = len(content) - header - footer
    starts = range(header, header + body - length + 1, hop)
    return body, iter([(i, content[s : s + length]) for i, s in enumerate(starts)])


def _pieces(path: str, length: int, header: int, hop: int, body: int) -> Parts:
    with open_stream(path, "rb") as stream:
        for number, start in enumerate(range(0, body - length + 1, hop)):
            if hop != length or not number:
                stream.seek(header + start)
            yield number, stream.read(length)
