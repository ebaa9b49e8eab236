"""Sorted tables on disk, LevelDB's format: the files that checkpoints are made of.

A table is blocks of sorted entries, an index block that says which keys are in which
block, and a footer of fixed size at the end. Keys leave out what they share with the
key before; each block has a checksum.
"""

from __future__ import annotations

import bisect
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from retrograd import errors
from retrograd.formats.checksums import masked_crc
from retrograd.util.varints import read_varint, varint

_MAGIC = 0xDB4775248B80FB57
#: two handles of at most 20 bytes, and the magic number
_FOOTER = 48
_TRAILER = 5
_PLAIN, _SNAPPY = 0, 1
_RESTART_INTERVAL = 16


def data_loss(text: str) -> errors.DataLossError:
    """The error that a damaged file is."""
    return errors.DataLossError(None, None, text)


# ---------------------------------------------------------------------- writing


def _shared(a: bytes, b: bytes) -> int:
    """How many bytes two keys have in common from the start."""
    least = min(len(a), len(b))
    if a[:least] == b[:least]:
        return least
    return next(i for i in range(least) if a[i] != b[i])


class _Block:
    """Entries of one block, as they are added in the order of their keys."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._parts: list[bytes] = []
        self._restarts = [0]
        self._count = 0
        self._last = b""
        self.size = 0

    @property
    def empty(self) -> bool:
        return not self._parts

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self._count < self._interval:
            shared = _shared(self._last, key)
        else:
            self._restarts.append(self.size)
            self._count = 0
        head = varint(shared) + varint(len(key) - shared) + varint(len(value))
        self._parts += [head, key[shared:], value]
        self.size += len(head) + len(key) - shared + len(value)
        self._last = key
        self._count += 1

    def estimate(self) -> int:
        """How many bytes it takes."""
        return self.size + 4 * len(self._restarts) + 4

    def finish(self) -> bytes:
        numbers = [*self._restarts, len(self._restarts)]
        return b"".join([*self._parts, struct.pack(f"<{len(numbers)}I", *numbers)])


def _between(start: bytes, limit: bytes) -> bytes:
    """A short key that is at least `start` and less than `limit`."""
    shared = _shared(start, limit)
    if shared < min(len(start), len(limit)):
        byte = start[shared]
        if byte < 0xFF and byte + 1 < limit[shared]:
            return start[:shared] + bytes([byte + 1])
    return start


def _after(key: bytes) -> bytes:
    """A short key that is at least `key`."""
    for i, byte in enumerate(key):
        if byte != 0xFF:
            return key[:i] + bytes([byte + 1])
    return key


class TableWriter:
    """Writes a table to a stream; keys are added in their order.

    Args:
      stream: a binary file, empty.
      block_size: a block is closed when it has as many bytes.
    """

    def __init__(self, stream: BinaryIO, block_size: int = 1 << 18) -> None:
        self._stream = stream
        self._block_size = block_size
        self._offset = 0
        self._block = _Block(_RESTART_INTERVAL)
        self._index = _Block(1)
        self._last: bytes | None = None
        #: the handle of a block that is written, until the next key is known
        self._pending: bytes | None = None

    def add(self, key: bytes, value: bytes) -> None:
        """Add an entry.

        Raises:
          ValueError: the key does not come after the one before.
        """
        if self._last is not None and key <= self._last:
            raise ValueError(f"keys are not in order: {self._last!r}, {key!r}")
        if self._pending is not None:
            self._index.add(_between(self._last or b"", key), self._pending)
            self._pending = None
        self._block.add(key, value)
        self._last = key
        if self._block.estimate() >= self._block_size:
            self._flush()

    def _flush(self) -> None:
        if not self._block.empty:
            self._pending = self._write(self._block.finish())
            self._block = _Block(_RESTART_INTERVAL)

    def _write(self, contents: bytes) -> bytes:
        """Write a block; its handle."""
        trailer = bytes([_PLAIN])
        handle = varint(self._offset) + varint(len(contents))
        checksum = masked_crc(contents + trailer)
        self._stream.write(contents)
        self._stream.write(trailer + struct.pack("<I", checksum))
        self._offset += len(contents) + _TRAILER
        return handle

    def finish(self) -> None:
        """Write what is left, the index and the footer."""
        self._flush()
        meta = self._write(_Block(1).finish())
        if self._pending is not None:
            self._index.add(_after(self._last or b""), self._pending)
        handles = meta + self._write(self._index.finish())
        footer = handles.ljust(_FOOTER - 8, b"\0") + struct.pack("<Q", _MAGIC)
        self._stream.write(footer)


# ---------------------------------------------------------------------- reading


class TableReader:
    """Reads a table; of the file, the index and a block at a time are in memory.

    Args:
      stream: a binary file that can seek; it stays open, and is closed by `close`.

    Raises:
      DataLossError: it is not such a file.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = stream.seek(0, os.SEEK_END)
        self._cached: tuple[bytes, list[tuple[bytes, bytes]]] | None = None
        if self._size < _FOOTER:
            raise data_loss("file is too short to be an sstable")
        footer = self._bytes(self._size - _FOOTER, _FOOTER)
        if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
            raise data_loss("not an sstable (bad magic number)")
        try:
            at = read_varint(footer, 0)[1]
            at = read_varint(footer, at)[1]
            handle = footer[at:]
            read_varint(handle, read_varint(handle, 0)[1])
        except ValueError:
            raise data_loss("bad block handle") from None
        self._index = self._entries(handle)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _bytes(self, offset: int, size: int) -> bytes:
        self._stream.seek(offset)
        return self._stream.read(size)

    def _block(self, handle: bytes) -> bytes:
        try:
            offset, at = read_varint(handle, 0)
            size, _ = read_varint(handle, at)
        except ValueError:
            raise data_loss("bad block handle") from None
        if offset + size + _TRAILER > self._size:
            raise data_loss("truncated block read")
        data = self._bytes(offset, size + _TRAILER)
        if len(data) != size + _TRAILER:
            raise data_loss("truncated block read")
        (stored,) = struct.unpack("<I", data[-4:])
        if masked_crc(data[:-4]) != stored:
            raise data_loss("block checksum mismatch")
        kind, contents = data[size], data[:size]
        if kind == _PLAIN:
            return contents
        if kind != _SNAPPY:
            raise data_loss("bad block type")
        return _unpacked(contents)

    def _entries(self, handle: bytes) -> list[tuple[bytes, bytes]]:
        return list(_entries_of(self._block(handle)))

    def items(self, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys and values in order, from the first key that is at least `start`.

        Raises:
          DataLossError: a block is damaged.
        """
        first = bisect.bisect_left(self._index, (start,))
        for _, handle in self._index[first:]:
            for key, value in self._kept(handle):
                if key >= start:
                    yield key, value

    def _kept(self, handle: bytes) -> list[tuple[bytes, bytes]]:
        """The entries of a block; those of the last one are kept."""
        if self._cached is None or self._cached[0] != handle:
            self._cached = None
            self._cached = handle, self._entries(handle)
        return self._cached[1]

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None.

        Raises:
          DataLossError: the block where it would be is damaged.
        """
        at = bisect.bisect_left(self._index, (key,))
        if at == len(self._index):
            return None
        entries = self._kept(self._index[at][1])
        at = bisect.bisect_left(entries, (key,))
        found = entries[at] if at < len(entries) else (None, None)
        return found[1] if found[0] == key else None


def _unpacked(packed: bytes) -> bytes:
    """What Snappy's compression made smaller.

    Raises:
      DataLossError: it is damaged.
    """
    try:
        size, at = read_varint(packed, 0)
        out = bytearray()
        while at < len(packed):
            at = _unpack_element(packed, at, out)
            if len(out) > size:
                raise ValueError("longer than it says")
        if len(out) != size:
            raise ValueError("shorter than it says")
    except (ValueError, IndexError):
        raise data_loss("corrupted compressed block contents") from None
    return bytes(out)


def _unpack_element(packed: bytes, at: int, out: bytearray) -> int:
    """Add what an element stands for, bytes or a copy of earlier ones, to `out`."""
    tag = packed[at]
    kind, at = tag & 3, at + 1
    if kind == 0:
        length = (tag >> 2) + 1
        if length > 60:
            wide = length - 60
            length, at = int.from_bytes(packed[at : at + wide], "little") + 1, at + wide
        if at + length > len(packed):
            raise ValueError("cut off")
        out += packed[at : at + length]
        return at + length
    if kind == 1:
        length, offset = (tag >> 2 & 7) + 4, tag >> 5 << 8 | packed[at]
        at += 1
    else:
        wide = 2 if kind == 2 else 4
        length, offset = (
            (tag >> 2) + 1,
            int.from_bytes(packed[at : at + wide], "little"),
        )
        at += wide
    start = len(out) - offset
    if not offset or start < 0:
        raise ValueError("a copy of what is not there")
    for i in range(start, start + length):  # what is copied may be longer than offset
        out.append(out[i])
    return at


def _entries_of(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a block.

    Raises:
      DataLossError: they do not add up.
    """
    end = len(block) - 4
    if end < 0:
        raise data_loss("bad block contents")
    (restarts,) = struct.unpack_from("<I", block, end)
    end -= 4 * restarts
    if end < 0:
        raise data_loss("bad block contents")
    at, key = 0, b""
    while at < end:
        try:
            shared, at = read_varint(block, at)
            rest, at = read_varint(block, at)
            size, at = read_varint(block, at)
        except ValueError:
            raise data_loss("bad entry in block") from None
        if shared > len(key) or at + rest + size > end:
            raise data_loss("bad entry in block")
        key = key[:shared] + block[at : at + rest]
        at += rest
        yield key, block[at : at + size]
        at += size
