"""Checkpoints of version 1: one table a file, with slices of tensors as messages."""

from __future__ import annotations

import contextlib
import math
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.formats import messages
from retrograd.formats.table import TableReader, TableWriter, data_loss
from retrograd.formats.tensor_slice import (
    TensorSlice,
    check_slice,
    full_slice,
    gathered,
    is_whole,
    parse_shape_and_slice,
    shape_of_slice,
    slice_from_proto,
    slice_key,
    slice_to_proto,
)
from retrograd.graph.hooks import hooks
from retrograd.ops.array import tensor_protos
from retrograd.platform import files

if TYPE_CHECKING:
    from retrograd.typing import Message

_VERSION = 1


def _type_of(number: int, name: str) -> dtypes.DType:
    try:
        return dtypes.as_dtype(number)
    except TypeError:
        raise data_loss(f"Tensor {name} has no valid dtype: {number}") from None


# ---------------------------------------------------------------------- writing


class _Writer:
    """The meta information of a file, and its slices by key."""

    def __init__(self) -> None:
        self.tensors: dict[str, Any] = {}
        self.slices: dict[bytes, bytes] = {}

    def add(
        self,
        name: str,
        shape: Sequence[int],
        part: TensorSlice,
        array: np.ndarray,
        kind: dtypes.DType,
    ) -> None:
        """Add a slice.

        Raises:
          InternalError: others of this tensor have another shape or dtype.
          UnimplementedError: a file has no elements of that dtype.
        """
        number = kind.as_datatype_enum
        meta = self.tensors.get(name)
        if meta is None:
            meta = messages.SavedSliceMeta(name=name, type=number)
            meta.shape.SetInParent()
            for size in shape:
                meta.shape.dim.add(size=size)
            self.tensors[name] = meta
        elif [d.size for d in meta.shape.dim] != list(shape) or meta.type != number:
            raise errors.InternalError(
                None, None, f"Mismatching shapes or types: existing tensor = {meta}"
            )
        slice_to_proto(part, meta.slice.add())
        saved = messages.SavedTensorSlices()
        saved.data.name = name
        saved.data.slice.SetInParent()
        slice_to_proto(part, saved.data.slice)
        try:
            tensor_protos.write(saved.data.data, array, kind, -1)
        except TypeError as error:
            raise errors.UnimplementedError(None, None, str(error)) from None
        self.slices[slice_key(name, part)] = saved.SerializeToString()

    def write(self, stream: Any) -> None:
        """Write the table."""
        head = messages.SavedTensorSlices()
        for name in sorted(self.tensors):
            head.meta.tensor.append(self.tensors[name])
        head.meta.versions.producer = _VERSION
        table = TableWriter(stream)
        table.add(b"", head.SerializeToString())
        for key in sorted(self.slices):
            table.add(key, self.slices[key])
        table.finish()


def write_slices(
    filename: str,
    names: Sequence[str],
    specs: Sequence[str],
    arrays: Sequence[np.ndarray],
    kinds: Sequence[dtypes.DType],
) -> None:
    """Write a file of version 1; arguments as `checkpoints.write_checkpoint` has them.

    Raises:
      InvalidArgumentError: a value is not of the shape of its slice.
      OpError: the file cannot be written.
    """
    writer = _Writer()
    for name, spec, value, kind in zip(names, specs, arrays, kinds, strict=True):
        array = np.asarray(value)
        shape, part = array.shape, full_slice(array.ndim)
        if spec:
            shape, part, sizes = parse_shape_and_slice(spec)
            check_slice(spec, sizes, array)
        writer.add(name, shape, part, array, kind.base_dtype)
    temporary = f"{filename}.tempstate{uuid.uuid4().int % 10**19}"
    try:
        with files.open_stream(temporary, "wb") as stream:
            writer.write(stream)
        files.rename(temporary, filename, overwrite=True)
    except BaseException:
        with contextlib.suppress(errors.OpError):
            files.delete_file(temporary)
        raise


# ---------------------------------------------------------------------- reading


class _Tensor:
    """What is known of a tensor: dtype, shape, its slices and the files they are in."""

    def __init__(self, kind: dtypes.DType, shape: tuple[int, ...]) -> None:
        self.kind = kind
        self.shape = shape
        self.slices: dict[TensorSlice, TableReader] = {}


class SliceReader:
    """Reads the files of a checkpoint of version 1; as `BundleReader`.

    Args:
      pattern: the path, or a pattern that several files match.

    Raises:
      NotFoundError: there is none.
      DataLossError, InternalError: a file is something else, or damaged.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._tables: list[TableReader] = []
        self._tensors: dict[str, _Tensor] = {}
        try:
            paths = files.get_matching_files(pattern)
        except errors.OpError as error:
            raise errors.InvalidArgumentError(
                None,
                None,
                "Unsuccessful TensorSliceReader constructor: Failed to get matching "
                f"files on {pattern}: {_kind(error)}: {error.message}",
            ) from None
        if not paths:
            raise errors.NotFoundError(
                None,
                None,
                "Unsuccessful TensorSliceReader constructor: Failed to find any "
                f"matching files for {pattern}",
            )
        try:
            for path in paths:
                self._load(path)
        except BaseException:
            self.close()
            raise

    def _load(self, path: str) -> None:
        try:
            stream = files.open_stream(path, "rb")
        except errors.OpError as error:
            raise _not_a_table(path, error) from None
        try:
            table = TableReader(stream)
        except errors.OpError as error:
            stream.close()
            raise _not_a_table(path, error) from None
        self._tables.append(table)
        try:
            value = table.get(b"")
        except errors.DataLossError:
            value = None
        if value is None:
            raise errors.InternalError(
                None,
                None,
                "Failed to find the saved tensor slices at the beginning of the "
                f"checkpoint file: {path}",
            )
        head = _parsed(value, f"Failed to parse meta data in {path}")
        least = head.meta.versions.min_consumer
        if least > _VERSION:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Checkpoint min consumer version {least} above current version "
                f"{_VERSION} for TensorFlow checkpoint",
            )
        for meta in head.meta.tensor:
            self._register(meta, table)

    def _register(self, meta: Message, table: TableReader) -> None:
        shape = tuple(d.size for d in meta.shape.dim)
        if any(size < 0 for size in shape) or meta.shape.unknown_rank:
            raise data_loss(f"Tensor {meta.name} has no valid shape")
        tensor = self._tensors.get(meta.name)
        if tensor is None:
            tensor = _Tensor(_type_of(meta.type, meta.name), shape)
            self._tensors[meta.name] = tensor
        elif tensor.shape != shape:
            raise errors.InternalError(
                None,
                None,
                f"Incompatible tensor shapes detected for tensor {meta.name}",
            )
        for message in meta.slice:
            part = slice_from_proto(message)
            shape_of_slice(part, shape)
            tensor.slices[part] = table

    def __enter__(self) -> SliceReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for table in self._tables:
            table.close()

    def tensors(
        self,
    ) -> Iterator[tuple[str, dtypes.DType, tuple[int, ...], int]]:
        """Name, dtype, shape and number of slices of each tensor, sorted by name."""
        for name, tensor in sorted(self._tensors.items()):
            yield name, tensor.kind, tensor.shape, len(tensor.slices)

    def is_sliced(self, name: str) -> bool:
        """Whether a tensor is not stored whole."""
        tensor = self._tensors[name]
        (part, *others) = tensor.slices or [()]
        return bool(others) or not is_whole(part, tensor.shape)

    def lookup(self, name: str) -> tuple[dtypes.DType, tuple[int, ...]]:
        """Dtype and shape of a tensor.

        Raises:
          NotFoundError: there is no such tensor.
        """
        tensor = self._tensors.get(name)
        if tensor is None:
            raise errors.NotFoundError(
                None,
                None,
                f'Tensor name "{name}" not found in checkpoint files {self._pattern}',
            )
        return tensor.kind, tensor.shape

    def get(self, name: str) -> np.ndarray:
        """The value of a tensor.

        Raises:
          NotFoundError: there is no such tensor.
          DataLossError: its slices are damaged, or missing.
        """
        return self.get_slice(name, None)

    def get_slice(self, name: str, part: TensorSlice | None) -> np.ndarray:
        """A slice of a tensor, all of it for None; raises as `get`."""
        kind, shape = self.lookup(name)
        stored = self._tensors[name].slices

        def read(one: TensorSlice) -> np.ndarray:
            return _read(stored[one], name, kind, one, shape)

        try:
            return gathered(name, kind, shape, part, list(stored), read)
        except errors.InvalidArgumentError:
            raise errors.InvalidArgumentError(
                None, None, "Error copying slice data"
            ) from None


def _not_a_table(path: str, error: errors.OpError) -> errors.DataLossError:
    return data_loss(
        f"Unable to open table file {path}: {_kind(error)}: {error.message}: perhaps "
        "your file is in a different file format and you need to use a different "
        "restore operator?"
    )


def _kind(error: errors.OpError) -> str:
    """The kind of an error as TensorFlow's messages within messages have it."""
    words = type(error).__name__.removesuffix("Error")
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in words).strip()
    return spaced.capitalize()


def _parsed(value: bytes, failure: str) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return messages.SavedTensorSlices.FromString(value)
    except DecodeError:
        raise data_loss(failure) from None


def _read(
    table: TableReader,
    name: str,
    kind: dtypes.DType,
    part: TensorSlice,
    shape: Sequence[int],
) -> np.ndarray:
    value = table.get(slice_key(name, part))
    if value is None:
        raise data_loss(f"A slice of tensor {name} is missing")
    held = _parsed(value, f"A slice of tensor {name} cannot be parsed").data.data
    sizes = shape_of_slice(part, shape)
    held.dtype = kind.as_datatype_enum
    held.tensor_shape.Clear()
    for size in sizes:
        held.tensor_shape.dim.add(size=size)
    elements = tensor_protos.count_of(held)
    if elements is not None and elements != math.prod(sizes):
        raise data_loss(f"A slice of tensor {name} has {elements} elements")
    return dtypes.integers(tensor_protos.make_ndarray(held))


hooks.provide(write_slices=write_slices)
