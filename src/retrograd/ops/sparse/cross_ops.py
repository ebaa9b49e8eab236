"""Ops: features that are made of one feature of each of several columns."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import shape_text
from retrograd.ops.sparse.parts import of_rows
from retrograd.ops.strings.hashing import fingerprint, joined_fingerprint

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

_BITS = (1 << 64) - 1
_BETWEEN = b"_X_"

#: the features of each row of a column
Column = list[list[Any]]


def _shapes(n: Operation) -> list[RawShape]:
    del n
    return [(None, 2), (None,), (2,)]


def _columns(
    indices: Sequence[Array], values: Sequence[Array], shapes: Sequence[Array]
) -> list[Column]:
    """The features of sparse columns.

    Raises:
      InvalidArgumentError: they are no matrices of equally many rows.
    """
    found: list[Column] = []
    for i, (at, given, size) in enumerate(zip(indices, values, shapes, strict=True)):
        if np.ndim(at) != 2:
            raise refused(
                "Input indices should be a matrix but received shape "
                f"{shape_text(np.shape(at))} at position {i}"
            )
        if at.shape[1] != 2:
            raise refused(
                f"Expected D2 of index to be 2 got {at.shape[1]} at position {i}"
            )
        if np.ndim(given) != 1 or len(given) != len(at):
            raise refused(
                f"Expected size of values to be {len(at)} got {np.size(given)} at "
                f"position {i}"
            )
        if np.shape(size) != (2,):
            raise refused(
                f"Input shapes should be a vector of 2 elements but received shape "
                f"{shape_text(np.shape(size))} at position {i}"
            )
        if size[0] != shapes[0][0]:
            raise refused(
                f"Expected batch size {shapes[0][0]} got {size[0]} at position {i}"
            )
        rows: Column = [[] for _ in range(int(size[0]))]
        for row, item in zip(at[:, 0].tolist(), given.tolist(), strict=True):
            if not 0 <= row < len(rows):
                raise refused(f"Got invalid index {row} for batch size {len(rows)}")
            rows[row].append(item)
        found.append(rows)
    return found


def _dense_columns(dense: Sequence[Array], rows: int | None) -> list[Column]:
    """The features of dense columns.

    Raises:
      InvalidArgumentError: they are no matrices of as many rows.
    """
    for i, given in enumerate(dense):
        if np.ndim(given) != 2:
            raise refused(
                "Dense inputs should be a matrix but received shape "
                f"{shape_text(np.shape(given))} at position {i}"
            )
        rows = given.shape[0] if rows is None else rows
        if given.shape[0] != rows:
            raise refused(
                f"Expected batch size {rows} got {given.shape[0]} at dense tensor {i}"
            )
    return [given.tolist() for given in dense]


def _text(feature: bytes | int) -> bytes:
    return feature if isinstance(feature, bytes) else str(feature).encode()


def _number(features: tuple[Any, ...], key: int, buckets: int) -> int:
    """What the hash of some features is, among so many numbers."""
    found = key & _BITS
    for feature in features:
        mine = fingerprint(feature) if isinstance(feature, bytes) else feature & _BITS
        found = joined_fingerprint(found, mine)
    return found % (buckets or (1 << 63) - 1)


@op("SparseCross", infer=_shapes, math="y = products of columns", host=True)
def sparse_cross_kernel(
    xp: Arrays,
    *inputs: Array,
    n: Operation,
    hashed_output: bool,
    num_buckets: int,
    hash_key: int,
) -> tuple[Array, Array, Array]:
    """For each row all combinations of one feature of each column."""
    del xp
    count = n.attrs["N"]
    indices, values = inputs[:count], inputs[count : 2 * count]
    sizes, dense = inputs[2 * count : 3 * count], inputs[3 * count :]
    columns = _columns(indices, values, sizes)
    columns += _dense_columns(dense, int(sizes[0][0]) if count else None)

    def made(cross: tuple[Any, ...]) -> int | bytes:
        if hashed_output:
            return _number(cross, hash_key, num_buckets)
        return _BETWEEN.join(map(_text, cross))

    rows = [
        list(map(made, itertools.product(*features)))
        for features in zip(*columns, strict=True)
    ]
    return of_rows(rows, np.int64 if hashed_output else object)
