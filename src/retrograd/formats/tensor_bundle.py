"""Tensor bundles: TensorFlow's checkpoints of version 2, read and written.

A bundle `p` is a table `p.index`, which says of each tensor its dtype, its shape and
where its bytes are, and files `p.data-…-of-…` with the bytes. A tensor that was saved
in slices has an entry that lists them, and an entry for each. Of the data, one tensor
at a time is in memory.
"""

from __future__ import annotations

import contextlib
import math
import os
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.formats import messages
from retrograd.formats.checksums import extended_crc, masked, unmasked
from retrograd.formats.table import (
    TableReader,
    TableWriter,
    data_loss,
)
from retrograd.formats.tensor_slice import (
    TensorSlice,
    full_slice,
    gathered,
    is_whole,
    overlap,
    shape_of_slice,
    slice_from_proto,
    slice_key,
    slice_to_proto,
)
from retrograd.graph.opdef import type_word
from retrograd.platform import files
from retrograd.platform.text import as_bytes
from retrograd.util.varints import read_varint, varint

if TYPE_CHECKING:
    from retrograd.typing import Message

_CHUNK = 1 << 22
_VERSION = 1


def index_name(prefix: str) -> str:
    """The file that holds a bundle's table."""
    return prefix + ".index"


def data_name(prefix: str, shard: int, shards: int) -> str:
    """A file that holds bytes of a bundle's tensors."""
    return f"{prefix}.data-{shard:05d}-of-{shards:05d}"


# ---------------------------------------------------------------------- writing


def _make_folder_of(prefix: str) -> None:
    """Make the folder of a bundle, but none above it; files fail later without it."""
    folder = os.path.dirname(files.local_path(prefix))
    if folder:
        with contextlib.suppress(errors.OpError):
            files.create_dir(folder)


class _Replaced:
    """A file that is written beside the one whose place it takes in the end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._temporary = f"{path}.tempstate{uuid.uuid4().int % 10**19}"
        self.stream = files.open_stream(self._temporary, "wb")

    def close(self) -> None:
        """Write what is buffered; the last step that can fail for want of space."""
        self.stream.close()

    def commit(self) -> None:
        """Take the place."""
        files.rename(self._temporary, self._path, overwrite=True)

    def abandon(self) -> None:
        """Leave what was there as it is."""
        with contextlib.suppress(OSError):
            self.stream.close()
        with contextlib.suppress(errors.OpError):
            files.delete_file(self._temporary)


class BundleWriter:
    """Writes a bundle; nothing of an older one changes before all is written.

    As a context it is finished at the end, or abandoned after an error.

    Args:
      prefix: what the names of the files begin with.

    Raises:
      OpError: the files cannot be written.
    """

    def __init__(self, prefix: str) -> None:
        self._entries: dict[bytes, Any] = {}
        self._offset = 0
        _make_folder_of(prefix)
        self._data = _Replaced(data_name(prefix, 0, 1))
        try:
            self._index = _Replaced(index_name(prefix))
        except errors.OpError:
            self._data.abandon()
            raise

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self.abandon()
            return
        try:
            self.finish()
        except BaseException:
            self.abandon()
            raise

    def _entry(self, key: bytes, dtype: dtypes.DType, shape: Sequence[int]) -> Any:
        if key in self._entries:
            # the key of a slice begins with a null: TensorFlow's message ends there
            shown = key.partition(b"\0")[0].decode("utf-8", "replace")
            raise errors.InvalidArgumentError(
                None, None, f"Adding duplicate key: {shown}"
            )
        entry = messages.BundleEntryProto(dtype=dtype.as_datatype_enum)
        entry.shape.SetInParent()
        for size in shape:
            entry.shape.dim.add(size=size)
        self._entries[key] = entry
        return entry

    def add(self, name: str, array: np.ndarray, dtype: dtypes.DType) -> None:
        """Write a tensor.

        Raises:
          InvalidArgumentError: there is one of this name.
          UnimplementedError: it has no bytes, such as a resource.
        """
        self._add(name.encode(), array, dtype)

    def _add(self, key: bytes, array: np.ndarray, dtype: dtypes.DType) -> None:
        if not dtype.is_numpy_compatible:
            raise errors.UnimplementedError(
                None, None, f"tensors of type {type_word(dtype)} cannot be saved"
            )
        entry = self._entry(key, dtype, array.shape)
        entry.offset = self._offset
        write = _write_strings if dtype is dtypes.string else _write_numbers
        entry.size, crc = write(self._data.stream, array)
        entry.crc32c = masked(crc)
        self._offset += entry.size

    def add_slice(
        self,
        name: str,
        shape: Sequence[int],
        part: TensorSlice,
        array: np.ndarray,
        dtype: dtypes.DType,
    ) -> None:
        """Write a slice of a tensor of that shape; a slice that is all is the tensor.

        Raises:
          InvalidArgumentError: this slice is there, or others of another shape.
        """
        if is_whole(part, shape):
            self.add(name, array, dtype)
            return
        key = name.encode()
        whole = self._entries.get(key)
        if whole is None:
            whole = self._entry(key, dtype, shape)
        elif not whole.slices or _shape_of(whole) != tuple(shape):
            raise errors.InvalidArgumentError(
                None, None, f"Adding duplicate key: {name}"
            )
        slice_to_proto(part, whole.slices.add())
        self._add(slice_key(name, part), array, dtype)

    def finish(self) -> None:
        """Write the index, and put the files in their places."""
        _write_index(self._index.stream, self._entries, shards=1)
        self._data.close()
        self._index.close()
        self._data.commit()
        self._index.commit()

    def abandon(self) -> None:
        """Remove what was written."""
        self._data.abandon()
        self._index.abandon()


def _write_index(stream: Any, entries: dict[bytes, Any], shards: int) -> None:
    header = messages.BundleHeaderProto(num_shards=shards)
    header.version.producer = _VERSION
    table = TableWriter(stream)
    table.add(b"", header.SerializeToString())
    for key in sorted(entries):
        table.add(key, entries[key].SerializeToString())
    table.finish()


def _write_numbers(stream: Any, array: np.ndarray) -> tuple[int, int]:
    """Write the elements; how many bytes they take, and their CRC."""
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    crc = 0
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        crc = extended_crc(crc, chunk)
        stream.write(chunk)
    return len(data), crc


def _write_strings(stream: Any, array: np.ndarray) -> tuple[int, int]:
    """Write all lengths, their CRC and the texts; as `_write_numbers`."""
    texts = [as_bytes(text) for text in array.reshape(-1)]
    lengths = b"".join(varint(len(text)) for text in texts)
    crc = extended_crc(0, _fixed_lengths([len(text) for text in texts]))
    check = masked(crc).to_bytes(4, "little")
    crc = extended_crc(crc, check)
    size = len(lengths) + len(check)
    stream.write(lengths + check)
    for text in texts:
        crc = extended_crc(crc, text)
        stream.write(text)
        size += len(text)
    return size, crc


def _fixed_lengths(lengths: Sequence[int]) -> bytes:
    """Lengths as the CRC of them has them: four bytes, or eight for large ones."""
    return b"".join(n.to_bytes(4 if n < 1 << 32 else 8, "little") for n in lengths)


# ---------------------------------------------------------------------- reading


def _shape_of(entry: Message) -> tuple[int, ...]:
    return tuple(dim.size for dim in entry.shape.dim)


class BundleReader:
    """Reads a bundle; close it, or use it as a context.

    Args:
      prefix: what the names of the files begin with.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: it is not a bundle's index.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._shards: dict[int, Any] = {}
        self._path = index_name(prefix)
        stream = files.open_stream(self._path, "rb")
        try:
            self._table = TableReader(stream)
            self._count = self._read_header()
        except BaseException:
            stream.close()
            raise

    def _read_header(self) -> int:
        try:
            value = self._table.get(b"")
            if value is None:
                raise data_loss("no header")
            header = messages.BundleHeaderProto.FromString(value)
        except (errors.DataLossError, _decode_error()) as error:
            text = getattr(error, "message", "cannot be parsed")
            raise data_loss(
                f"Unable to read file ({self._path}). Perhaps the file is corrupt or "
                "was produced by a newer version of TensorFlow with format changes "
                f"(failed to seek to header entry): {text}"
            ) from None
        if header.endianness != messages.BundleHeaderProto.LITTLE:
            raise errors.UnimplementedError(
                None, None, "Reading a bundle with different endianness from the reader"
            )
        if header.version.min_consumer > _VERSION:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Checkpoint min consumer version {header.version.min_consumer} above "
                f"current version {_VERSION} for TensorFlow checkpoint",
            )
        return header.num_shards

    def __enter__(self) -> BundleReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._table.close()
        for stream, _ in self._shards.values():
            stream.close()
        self._shards.clear()

    @property
    def num_shards(self) -> int:
        """How many files of data there are."""
        return self._count

    def items(self) -> Iterator[tuple[bytes, Any]]:
        """Keys and BundleEntryProtos, in order; those of slices too."""
        for key, value in self._table.items(b"\0"):
            yield key, self._parsed(key, value)

    def _parsed(self, key: bytes, value: bytes) -> Any:
        try:
            return messages.BundleEntryProto.FromString(value)
        except _decode_error():
            name = key.decode("utf-8", "replace")
            raise data_loss(f"Entry for key {name} cannot be parsed") from None

    def entry(self, name: str) -> Any:
        """The BundleEntryProto of a tensor, or None."""
        return self._find(name.encode())

    def _find(self, key: bytes) -> Any:
        value = self._table.get(key) if key else None
        return None if value is None else self._parsed(key, value)

    def _wanted(self, name: str) -> Any:
        entry = self.entry(name)
        if entry is None:
            raise errors.NotFoundError(
                None, None, f"Key {name} not found in checkpoint"
            )
        return entry

    def lookup(self, name: str) -> tuple[dtypes.DType, tuple[int, ...]]:
        """Dtype and shape of a tensor.

        Raises:
          NotFoundError: there is no such tensor.
          DataLossError: its entry makes no sense.
        """
        return _dtype_and_shape(name, self._wanted(name))

    def get(self, name: str) -> np.ndarray:
        """The value of a tensor.

        Raises:
          NotFoundError: there is no such tensor.
          DataLossError, OutOfRangeError: its bytes are damaged, or missing.
        """
        return self.get_slice(name, None)

    def get_slice(self, name: str, part: TensorSlice | None) -> np.ndarray:
        """A slice of a tensor, all of it for None; raises as `get`."""
        entry = self._wanted(name)
        dtype, shape = _dtype_and_shape(name, entry)
        if part is not None:
            shape_of_slice(part, shape)
        if entry.slices:
            stored = [slice_from_proto(message) for message in entry.slices]
            return gathered(
                name, dtype, shape, part, stored, lambda s: self._slice(name, s, shape)
            )
        whole = self._read(name, entry)
        if part is None or is_whole(part, shape):
            return whole
        found = overlap(part, full_slice(len(shape)), shape)
        index = found[1] if found else (slice(0, 0),) * len(shape)
        return whole[index].astype(dtype.array_dtype, copy=True)

    def _slice(self, name: str, part: TensorSlice, shape: Sequence[int]) -> Any:
        """A slice that is stored as such."""
        held = self._find(slice_key(name, part))
        if held is None:
            raise errors.NotFoundError(
                None, None, f"Key {name} not found in checkpoint"
            )
        if _shape_of(held) != shape_of_slice(part, shape):
            raise data_loss(f"A slice of tensor {name} has another shape")
        return self._read(name, held)

    def _shard(self, number: int) -> tuple[Any, int]:
        """The stream of a file of data, and its size."""
        if number not in self._shards:
            path = data_name(self._prefix, number, self._count)
            stream = files.open_stream(path, "rb")
            self._shards[number] = stream, os.fstat(stream.fileno()).st_size
        return self._shards[number]

    def _read(self, name: str, entry: Message) -> np.ndarray:
        dtype, shape = _dtype_and_shape(name, entry)
        stream, size = self._shard(entry.shard_id)
        count = math.prod(shape)
        if dtype is not dtypes.string and entry.size != count * dtype.size:
            raise data_loss(
                f"Invalid size in bundle entry: key {name}; stored size {entry.size}; "
                f"expected size {count * dtype.size}"
            )
        if entry.offset < 0 or entry.size < 0 or entry.offset + entry.size > size:
            raise _too_short()
        stream.seek(entry.offset)
        if dtype is dtypes.string:
            return _read_strings(stream, entry, shape)
        out = np.empty(shape, dtype.array_dtype)
        crc = _read_into(stream, out)
        if masked(crc) != entry.crc32c:
            raise _damaged(entry, crc)
        return out


def _decode_error() -> type[Exception]:
    from google.protobuf.message import DecodeError

    return DecodeError


def _dtype_and_shape(name: str, entry: Message) -> tuple[dtypes.DType, tuple[int, ...]]:
    shape = _shape_of(entry)
    try:
        dtype = dtypes.as_dtype(entry.dtype)
    except TypeError:
        raise data_loss(f"Tensor {name} has no valid dtype: {entry.dtype}") from None
    if entry.shape.unknown_rank or any(size < 0 for size in shape):
        raise data_loss(f"Tensor {name} has no valid shape: {list(shape)}")
    if not dtype.is_numpy_compatible:
        raise errors.UnimplementedError(
            None, None, f"tensors of type {type_word(dtype)} cannot be restored"
        )
    return dtype, shape


def _too_short() -> errors.OutOfRangeError:
    return errors.OutOfRangeError(None, None, "Read less bytes than requested")


def _damaged(entry: Message, found: int) -> errors.DataLossError:
    return data_loss(
        f"Checksum does not match: stored {unmasked(entry.crc32c)} vs. calculated on "
        f"the restored bytes {found}"
    )


def _read_into(stream: Any, out: np.ndarray) -> int:
    """Fill an array from a stream; the CRC of its bytes."""
    data = out.reshape(-1).view(np.uint8)
    crc = 0
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        if stream.readinto(chunk) != len(chunk):
            raise _too_short()
        crc = extended_crc(crc, chunk)
    return crc


def _read_strings(stream: Any, entry: Message, shape: tuple[int, ...]) -> np.ndarray:
    data = stream.read(entry.size)
    if len(data) != entry.size:
        raise _too_short()
    count = math.prod(shape)
    if count > len(data):  # a length takes a byte at least
        raise data_loss(f"Invalid size in bundle entry: stored size {entry.size}")
    lengths, at = [], 0
    try:
        for _ in range(count):
            length, at = read_varint(data, at)
            lengths.append(length)
    except ValueError:
        raise data_loss("The lengths of texts cannot be read") from None
    crc = extended_crc(0, _fixed_lengths(lengths))
    stored = int.from_bytes(data[at : at + 4], "little")
    if masked(crc) != stored:
        raise data_loss(
            "The length checksum does not match: expected "
            f"{unmasked(stored)} but actual is {crc}"
        )
    if at + 4 + sum(lengths) != len(data):
        raise data_loss(f"Invalid size in bundle entry: stored size {entry.size}")
    crc = extended_crc(crc, data[at:])
    if masked(crc) != entry.crc32c:
        raise _damaged(entry, crc)
    out = np.empty(count, object)
    at += 4
    for i, length in enumerate(lengths):
        out[i] = data[at : at + length]
        at += length
    return out.reshape(shape)


# ---------------------------------------------------------------------- merging


def merge_bundles(prefixes: Sequence[str], merged: str) -> None:
    """Make one bundle of several: their files of data are renamed, not copied.

    Raises:
      InvalidArgumentError: two have a tensor of the same name, and not slices of it.
      OpError: files cannot be read or moved.
    """
    entries: dict[bytes, Any] = {}
    moves: list[tuple[str, str]] = []
    total = 0
    for prefix in prefixes:
        with BundleReader(prefix) as reader:
            for key, entry in reader.items():
                entry.shard_id += 0 if entry.slices else total
                _merge_entry(entries, key, entry)
            moves += [
                (data_name(prefix, i, reader.num_shards), str(total + i))
                for i in range(reader.num_shards)
            ]
            total += reader.num_shards
    _make_folder_of(merged)
    index = _Replaced(index_name(merged))
    try:
        _write_index(index.stream, entries, total)
        index.close()
        for source, number in moves:
            target = data_name(merged, int(number), total)
            files.rename(source, target, overwrite=True)
        index.commit()
    except BaseException:
        index.abandon()
        raise
    for prefix in prefixes:
        files.delete_file(index_name(prefix))


def _merge_entry(entries: dict[bytes, Any], key: bytes, entry: Message) -> None:
    known = entries.get(key)
    if known is None:
        entries[key] = entry
        return
    if not (known.slices and entry.slices):
        name = key.decode("utf-8", "replace")
        raise errors.InvalidArgumentError(None, None, f"Merging duplicate key: {name}")
    known.slices.extend(entry.slices)
