"""Checkpoints by name: what the ops that save and restore do with files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.formats.slice_table import SliceReader
from retrograd.formats.tensor_bundle import (
    BundleReader,
    BundleWriter,
    index_name,
    merge_bundles,
)
from retrograd.formats.tensor_slice import (
    check_slice,
    parse_shape_and_slice,
    shape_text,
)
from retrograd.graph.hooks import hooks
from retrograd.graph.opdef import type_word
from retrograd.platform import files

if TYPE_CHECKING:
    from retrograd.dtypes import DType


def write_checkpoint(
    prefix: str,
    names: Sequence[str],
    specs: Sequence[str],
    arrays: Sequence[np.ndarray],
    kinds: Sequence[DType],
) -> None:
    """Write a checkpoint of version 2.

    Args:
      prefix: what the names of its files begin with.
      names: the names of the tensors.
      specs: for each, nothing or the slice that it is, as in `4 2 0,2:0,2`.
      arrays: the values.
      kinds: their dtypes.

    Raises:
      InvalidArgumentError: a value is not of the shape of its slice.
      OpError: the files cannot be written.
    """
    with BundleWriter(prefix) as writer:
        for name, spec, value, kind in zip(names, specs, arrays, kinds, strict=True):
            array = np.asarray(value)
            if not spec:
                writer.add(name, array, kind.base_dtype)
                continue
            shape, part, sizes = parse_shape_and_slice(spec)
            check_slice(spec, sizes, array)
            writer.add_slice(name, shape, part, array, kind.base_dtype)


def open_checkpoint(prefix: str) -> BundleReader | SliceReader:
    """A reader of a checkpoint, of either version.

    Raises:
      NotFoundError: there is none.
      DataLossError: the file is something else.
    """
    indexes: list[str] = []
    with contextlib.suppress(errors.OpError):
        indexes = files.get_matching_files(index_name(prefix))
    return BundleReader(prefix) if indexes else SliceReader(prefix)


def read_checkpoint(
    prefix: str, names: Sequence[str], specs: Sequence[str], kinds: Sequence[DType]
) -> list[np.ndarray]:
    """The values in a checkpoint; arguments as in `write_checkpoint`.

    Raises:
      NotFoundError: there is no such checkpoint, or tensor in it.
      InvalidArgumentError: a tensor is of another dtype, or has no such slice.
      DataLossError, OutOfRangeError: the files are damaged.
    """
    found: list[Any] = [None] * len(names)
    with open_checkpoint(prefix) as reader:
        # in the order of the file; errors are about the first in that order, too
        for i in sorted(range(len(names)), key=lambda i: names[i]):
            found[i] = _restored(reader, names[i], specs[i], kinds[i])
    return found


def _restored(reader: Any, name: str, spec: str, kind: DType) -> np.ndarray:
    stored, shape = reader.lookup(name)
    first = isinstance(reader, SliceReader)
    if stored is not kind.base_dtype:
        if first:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Expected to restore a tensor of type {type_word(kind.base_dtype)}, "
                f"got a tensor of type {type_word(stored)} instead: tensor_name = "
                f"{name}",
            )
        raise errors.InvalidArgumentError(
            None,
            None,
            f"tensor_name = {name}; expected dtype {type_word(kind.base_dtype)} does "
            f"not equal original dtype {type_word(stored)}",
        )
    if not spec:
        return reader.get(name)
    whole, part, _ = parse_shape_and_slice(spec)
    if whole != shape:
        wanted, has = shape_text(whole), shape_text(shape)
        if first:
            raise errors.InvalidArgumentError(
                None,
                None,
                "Shape in shape_and_slice spec does not match the shape in the save "
                f"file: {wanted}, save file shape: {has}",
            )
        raise errors.InvalidArgumentError(
            None,
            None,
            f"tensor_name = {name}; shape in shape_and_slice spec {wanted} does not "
            f"match the shape stored in checkpoint: {has}",
        )
    return reader.get_slice(name, part)


def checkpoint_tensor(prefix: str, name: str) -> np.ndarray:
    """A tensor of a checkpoint of version 2; raises as `read_checkpoint`."""
    with BundleReader(prefix) as reader:
        return reader.get(name)


def merge_checkpoints(prefixes: Sequence[str], destination: str, delete: bool) -> None:
    """Make one checkpoint of several, and remove the folders they were in.

    Raises:
      OpError: files cannot be read or moved.
    """
    merge_bundles(prefixes, destination)
    if not delete:
        return
    kept = os.path.dirname(files.local_path(destination))
    for folder in {os.path.dirname(files.local_path(p)) for p in prefixes} - {kept}:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def slice_shape(spec: str) -> tuple[int, ...]:
    """The shape of the slice that is described.

    Raises:
      InvalidArgumentError: it is not written as a slice is.
    """
    return parse_shape_and_slice(spec)[2]


hooks.provide(
    write_checkpoint=write_checkpoint,
    read_checkpoint=read_checkpoint,
    checkpoint_tensor=checkpoint_tensor,
    merge_checkpoints=merge_checkpoints,
    slice_shape=slice_shape,
    bundle_writer=BundleWriter,
    bundle_reader=BundleReader,
)
