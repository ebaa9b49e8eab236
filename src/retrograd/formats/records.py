"""TFRecord files: byte strings with their lengths and checksums, perhaps compressed.

A record is its length (8 bytes, little-endian), the checksum of these, the bytes, and
their checksum. Event files hold events in the same form.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from retrograd import errors
from retrograd.formats.checksums import masked_crc
from retrograd.graph.hooks import hooks
from retrograd.platform.files import open_stream
from retrograd.platform.text import as_bytes, as_str_any

if TYPE_CHECKING:
    from retrograd.typing import PathLike

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_BUFFER = 256 * 1024


class TFRecordCompressionType:
    """How a file of records is compressed."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


class TFRecordOptions:
    """How a file of records is written.

    Args:
      compression_type: "ZLIB", "GZIP", "" or None, or a `TFRecordCompressionType`.
      flush_mode, window_bits, compression_level, compression_method, mem_level,
        compression_strategy: as zlib has them; None for its defaults.
      input_buffer_size, output_buffer_size: taken for TensorFlow's sake.

    Raises:
      ValueError: there is no such compression.
    """

    compression_type_map: ClassVar[dict[int, str]] = {
        TFRecordCompressionType.ZLIB: "ZLIB",
        TFRecordCompressionType.GZIP: "GZIP",
        TFRecordCompressionType.NONE: "",
    }

    def __init__(
        self,
        compression_type: str | int | TFRecordOptions | None = None,
        flush_mode: int | None = None,
        input_buffer_size: int | None = None,
        output_buffer_size: int | None = None,
        window_bits: int | None = None,
        compression_level: int | None = None,
        compression_method: int | None = None,
        mem_level: int | None = None,
        compression_strategy: int | None = None,
    ) -> None:
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode = flush_mode
        self.input_buffer_size = input_buffer_size
        self.output_buffer_size = output_buffer_size
        self.window_bits = window_bits
        self.compression_level = compression_level
        self.compression_method = compression_method
        self.mem_level = mem_level
        self.compression_strategy = compression_strategy

    @classmethod
    def get_compression_type_string(
        cls, options: str | int | TFRecordOptions | None
    ) -> str:
        """The compression that options, a name or a number stand for: "" for none.

        Raises:
          ValueError: there is no such compression.
        """
        if not options:
            return ""
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if isinstance(options, int) and options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return str(options)
        raise ValueError(f'Not a valid compression_type: "{options}"')


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _deflater(kind: str, options: TFRecordOptions) -> Any:
    bits = _or(options.window_bits, zlib.MAX_WBITS)
    if kind == "GZIP":
        bits += 16
    try:
        return zlib.compressobj(
            _or(options.compression_level, zlib.Z_DEFAULT_COMPRESSION),
            _or(options.compression_method, zlib.DEFLATED),
            bits,
            _or(options.mem_level, 9),
            _or(options.compression_strategy, zlib.Z_DEFAULT_STRATEGY),
        )
    except ValueError as error:
        raise errors.InvalidArgumentError(None, None, str(error)) from None


# ---------------------------------------------------------------------- writing


def framed(record: bytes) -> bytes:
    """A record as files hold it: with its length and the checksums."""
    length = struct.pack("<Q", len(record))
    head = length + _CHECKSUM.pack(masked_crc(length))
    return b"".join((head, record, _CHECKSUM.pack(masked_crc(record))))


class TFRecordWriter:
    """Writes records to a file.

    Args:
      path: the file; what it held is gone.
      options: `TFRecordOptions`, or the compression alone.

    Example:
      >>> import os, tempfile
      >>> path = os.path.join(tempfile.mkdtemp(), "two.tfrecord")
      >>> with TFRecordWriter(path) as writer:
      ...     writer.write(b"first")
      ...     writer.write(b"second")
      >>> list(tf_record_iterator(path))
      [b'first', b'second']
    """

    def __init__(
        self, path: str | bytes, options: TFRecordOptions | str | int | None = None
    ) -> None:
        if not isinstance(options, TFRecordOptions):
            options = TFRecordOptions(compression_type=options)
        kind = TFRecordOptions.get_compression_type_string(options)
        text = as_bytes(path)
        self._stream: BinaryIO | None = open_stream(text, "wb")
        self._deflater = _deflater(kind, options) if kind else None

    def write(self, record: bytes) -> None:
        """Append a record.

        Raises:
          TypeError: it is no bytes.
          FailedPreconditionError: the writer is closed.
        """
        if not isinstance(record, bytes):
            raise TypeError(f"expected bytes, {type(record).__name__} found")
        stream, block = self._open(), framed(record)
        if self._deflater is not None:
            block = self._deflater.compress(block)
        stream.write(block)

    def _open(self) -> BinaryIO:
        if self._stream is None:
            raise errors.FailedPreconditionError(
                None, None, "Writer not initialized or previously closed"
            )
        return self._stream

    def flush(self) -> None:
        """Hand all that was written to the operating system."""
        stream = self._open()
        if self._deflater is not None:
            stream.write(self._deflater.flush(zlib.Z_SYNC_FLUSH))
        stream.flush()

    def close(self) -> None:
        """Write what is left, and close the file."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        with stream:
            if self._deflater is not None:
                stream.write(self._deflater.flush())

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_stream", None) is not None:
            self.close()


# ---------------------------------------------------------------------- reading


class _Inflated:
    """What a compressed file holds, to be read like a file."""

    def __init__(self, stream: BinaryIO, kind: str) -> None:
        self._stream = stream
        self._bits = zlib.MAX_WBITS + (16 if kind == "GZIP" else 0)
        self._inflater = zlib.decompressobj(self._bits)
        self._held = b""

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end.

        Raises:
          DataLossError: the file is not compressed so.
        """
        parts, left = [self._held[:size]], size - len(self._held)
        self._held = self._held[size:]
        while left > 0 and (block := self._next()):
            parts.append(block[:left])
            self._held, left = block[left:], left - len(block)
        return b"".join(parts)

    def _next(self) -> bytes:
        """Some more bytes; none at the end."""
        while True:
            block = self._inflater.unconsumed_tail
            if self._inflater.eof:  # files may be put one behind the other
                block = self._inflater.unused_data
                self._inflater = zlib.decompressobj(self._bits)
            block = block or self._stream.read(_BUFFER)
            if not block:
                return b""
            try:
                made = self._inflater.decompress(block, _BUFFER)
            except zlib.error as error:
                text = re.sub(
                    r"Error (-?\d+) while decompressing data",
                    r"inflate() failed with error \1",
                    str(error),
                )
                raise errors.DataLossError(None, None, text) from None
            if made:
                return made


def decompressed(stream: BinaryIO, compression: str) -> Any:
    """A stream of what a file holds once its compression is undone.

    Raises:
      InvalidArgumentError: there is no such compression.
    """
    if not compression:
        return stream
    if compression not in ("ZLIB", "GZIP"):
        raise errors.InvalidArgumentError(
            None, None, f"Unsupported compression_type:{compression}."
        )
    return _Inflated(stream, compression)


def _lost(what: str, offset: int) -> errors.DataLossError:
    return errors.DataLossError(None, None, f"{what} record at {offset}")


def _read(source: Any, size: int) -> bytes:
    """`size` bytes or what there is, taking memory only for what there is."""
    if size <= _BUFFER:
        return source.read(size)
    parts: list[bytes] = []
    while size > 0 and (block := source.read(min(size, 64 * _BUFFER))):
        parts.append(block)
        size -= len(block)
    return b"".join(parts)


def records(path: PathLike, compression: str = "") -> Iterator[tuple[int, bytes]]:
    """The records of a file, each with where it begins.

    Args:
      path: the file.
      compression: "", "ZLIB" or "GZIP"; places are those in the uncompressed bytes.

    Raises:
      DataLossError: the file is cut off in a record, or a checksum is wrong.
    """
    with open_stream(path, "rb") as stream:
        source, offset = decompressed(stream, compression), 0
        # as in TensorFlow, an incomplete header is the end of the file
        while len(head := source.read(_HEADER.size)) == _HEADER.size:
            length, checksum = _HEADER.unpack(head)
            if masked_crc(head[:8]) != checksum:
                raise _lost("corrupted", offset)
            block = _read(source, length + 4)
            if len(block) != length + 4:
                raise _lost("truncated", offset)
            record = block[:-4]
            if masked_crc(record) != _CHECKSUM.unpack(block[-4:])[0]:
                raise _lost("corrupted", offset + _HEADER.size)
            yield offset, record
            offset += _HEADER.size + length + 4


def tf_record_iterator(
    path: str | bytes, options: TFRecordOptions | str | int | None = None
) -> Iterator[bytes]:
    """The records of a file, in order.

    Args:
      path: the file.
      options: `TFRecordOptions`, or the compression alone.

    Raises:
      DataLossError: the file is cut off in a record, or a checksum is wrong.
    """
    kind = TFRecordOptions.get_compression_type_string(options)
    for _, record in records(as_str_any(as_bytes(path)), kind):
        yield record


hooks.provide(
    records=records,
    decompressed=decompressed,
    compression_name=TFRecordOptions.get_compression_type_string,
)
