"""Datasets of what is in files: records, lines, pieces of one length."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.data.elements import Element, Elements, Scope, invalid_argument
from retrograd.ops.declare import op
from retrograd.ops.host.text import text_of
from retrograd.ops.infer import scalars_from, with_rank_at_most
from retrograd.ops.io.lines import lines, pieces

if TYPE_CHECKING:
    from retrograd.ops.io.lines import Parts
    from retrograd.typing import Array, Arrays


def _declare(name: str, kernel: Callable[..., Any]) -> None:
    op(name, infer=_handle, host=True, pure=False)(kernel)


def _handle(n: Operation) -> RawShape:
    with_rank_at_most(n, 0, 1)
    scalars_from(n, 1)
    return ()


def _of_files(filenames: Array, opened: Callable[[str], Parts]) -> Elements:
    """The parts of all files."""
    paths = [os.fsdecode(p) for p in np.asarray(filenames, object).ravel()]

    def start(_: Scope) -> Iterator[Element]:
        for path in paths:
            for _number, part in opened(path):
                yield (part,)

    return Elements(start)


def _compression(given: Array | bytes) -> str:
    """How files are compressed; as in TensorFlow, no other word is understood."""
    name = text_of(given)
    return name if name in ("ZLIB", "GZIP") else ""


def _records(
    xp: Arrays, filenames: Array, compression_type: Array | bytes, buffer_size: Array
) -> Elements:
    """The records of TFRecord files."""
    del xp
    kind = _compression(compression_type)

    def opened(path: str) -> Parts:
        _refuse(buffer_size < 0, "`buffer_size` must be >= 0 (0 == no buffering)")
        return hooks.records(path, kind)

    return _of_files(filenames, opened)


def _lines(
    xp: Arrays, filenames: Array, compression_type: Array | bytes, buffer_size: Array
) -> Elements:
    """The lines of text files."""
    del xp
    kind = _compression(compression_type)

    def opened(path: str) -> Parts:
        _refuse(kind != text_of(compression_type), "Unsupported compression_type.")
        _refuse(buffer_size < 0, "`buffer_size` must be >= 0 (0 == default)")
        return lines(path, kind)

    return _of_files(filenames, opened)


def _pieces(
    xp: Arrays,
    filenames: Array,
    header_bytes: Array,
    record_bytes: Array,
    footer_bytes: Array,
    buffer_size: Array,
    compression_type: Array | bytes = b"",
) -> Elements:
    """Pieces of files, all of one length."""
    del xp
    header, length, footer = int(header_bytes), int(record_bytes), int(footer_bytes)
    kind = _compression(compression_type)

    def opened(path: str) -> Parts:
        # the spaces are TensorFlow's
        _refuse(header < 0, " `header_bytes` must be >= 0")
        _refuse(length <= 0, " `record_bytes` must be > 0")
        _refuse(footer < 0, " `footer_bytes` must be >= 0")
        _refuse(buffer_size < 0, " `buffer_size` must be >= 0")
        body, parts = pieces(path, length, header, footer, length, kind)
        _refuse(
            body < 0 or body % length,
            f"Excluding the header ({header} bytes) and footer ({footer} bytes), input "
            f'file "{path}" has body length {body % 2**64} bytes, which is not an '
            f"exact multiple of the record length ({length} bytes).",
        )
        return parts

    return _of_files(filenames, opened)


def _refuse(wrong: object, text: str) -> None:
    """Raise an error where something is wrong: when the first element is asked for."""
    if wrong:
        raise invalid_argument(text)


_declare("TFRecordDataset", _records)
_declare("TextLineDataset", _lines)
_declare("FixedLengthRecordDataset", _pieces)
_declare("FixedLengthRecordDatasetV2", _pieces)
