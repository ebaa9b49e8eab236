"""The ops that read, write and find whole files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from retrograd import errors
from retrograd.ops.declare import op
from retrograd.ops.host.text import bytes_of, shape_of, text_of
from retrograd.ops.infer import nothing, scalar, vector
from retrograd.platform.files import (
    get_matching_files,
    open_stream,
    recursive_create_dir,
)

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _one(value: Array | bytes, what: str) -> bytes:
    """The only string of a tensor.

    Raises:
      InvalidArgumentError: the tensor is no scalar.
    """
    if np.ndim(value):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{what} tensor must be scalar, but had shape: {shape_of(value)}",
        )
    return bytes_of(value)


def _path(value: Array | bytes) -> str:
    return os.fsdecode(_one(value, "Input filename"))


@op("ReadFile", infer=scalar, host=True, pure=False)
def read_file(xp: Arrays, filename: Array | bytes) -> bytes:
    """All that a file holds."""
    del xp
    with open_stream(_path(filename), "rb") as stream:
        return stream.read()


@op("WriteFile", infer=nothing, host=True)
def write_file(
    xp: Arrays, filename: Array | bytes, contents: Array | bytes
) -> tuple[()]:
    """Make a file hold a string; folders are made if need be."""
    del xp
    path, content = _path(filename), _one(contents, "Contents")
    recursive_create_dir(os.path.dirname(path) or ".")
    with open_stream(path, "wb") as stream:
        stream.write(content)
    return ()


@op("MatchingFiles", infer=vector, host=True, pure=False)
def matching_files(xp: Arrays, pattern: Array | bytes) -> np.ndarray:
    """The files that match any of some patterns, in order."""
    del xp
    patterns = [os.fsdecode(p) for p in np.asarray(pattern, object).ravel()]
    found = sorted({os.fsencode(p) for p in get_matching_files(patterns)})
    return np.array(found, object)


@op("ShardedFilename", infer=scalar, host=True)
def sharded_filename(
    xp: Arrays, basename: Array | bytes, shard: Array, num_shards: Array
) -> bytes:
    """The name of one file of several that belong together."""
    del xp
    name = f"{text_of(basename)}-{int(shard):05d}-of-{int(num_shards):05d}"
    return name.encode()


@op("ShardedFilespec", infer=scalar, host=True)
def sharded_filespec(xp: Arrays, basename: Array | bytes, num_shards: Array) -> bytes:
    """A pattern for the names of files that belong together."""
    del xp
    return f"{text_of(basename)}-?????-of-{int(num_shards):05d}".encode()
