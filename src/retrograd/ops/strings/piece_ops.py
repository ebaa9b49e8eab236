"""Ops: texts cut up and joined, and letters changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from retrograd.errors import OutOfRangeError
from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import (
    axis_in,
    invalid,
    same,
    same_dim,
    shape_text,
    size_input,
    with_rank,
)
from retrograd.ops.sparse.parts import of_rows
from retrograd.ops.static import constant
from retrograd.ops.strings.texts import decoded, encoded, of_each, packed, plain

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- letters


def _changed(x: Array, encoding: str | bytes, change: Callable[[str], str]) -> Array:
    """Letters of ASCII changed, or those of UTF-8.

    Raises:
      InvalidArgumentError: another encoding.
    """
    word = plain(encoding)
    if word not in ("", "utf-8"):
        raise refused("only utf-8 or '' (no encoding) is supported, received " + word)
    if word:
        return of_each(lambda item: encoded(change(decoded(item))), x)
    return of_each(lambda item: change(item.decode("latin-1")).encode("latin-1"), x)


def _ascii(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "".join(change(c) if c.isascii() else c for c in text)


@op("StringLower", infer=same, host=True)
def _lower(xp: Arrays, x: Array, *, encoding: str | bytes) -> Array:
    """Texts in lower case."""
    del xp
    return _changed(x, encoding, str.lower if plain(encoding) else _ascii(str.lower))


@op("StringUpper", infer=same, host=True)
def _upper(xp: Arrays, x: Array, *, encoding: str | bytes) -> Array:
    """Texts in upper case."""
    del xp
    return _changed(x, encoding, str.upper if plain(encoding) else _ascii(str.upper))


@op("StringStrip", infer=same, host=True)
def _strip(xp: Arrays, x: Array) -> Array:
    """Texts without blanks before and after."""
    del xp
    return of_each(lambda item: item.strip(b" \t\n\v\f\r"), x)


@op("StringLength", infer=same, host=True)
def _length(xp: Arrays, x: Array, *, unit: str | bytes) -> Array:
    """How many bytes texts have, or characters in UTF-8."""
    del xp
    if plain(unit) == "BYTE":
        return of_each(len, x, np.int32)
    # what continues a character begins with the bits 10
    return of_each(lambda item: sum(b & 0xC0 != 0x80 for b in item), x, np.int32)


# ---------------------------------------------------------------------- splitting


def _sparse_shapes(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 1)
    with_rank(n, 1, 0)
    return [(None, 2), (None,), (2,)]


def _check_vector(x: Array) -> None:
    if np.ndim(x) != 1:
        raise refused(
            f"input must be a vector, got shape: {shape_text(np.shape(x))}",
        )


def _scalar(x: Array, name: str) -> bytes:
    if np.ndim(x):
        raise refused(f"{name} must be a scalar, got shape: {shape_text(x.shape)}")
    return np.asarray(x).item()


def _at_any(text: bytes, delimiters: bytes) -> list[bytes]:
    """The parts of a text between any of some bytes; its bytes if there are none."""
    if not delimiters:
        return [bytes([b]) for b in text]
    parts, start = [], 0
    for i, byte in enumerate(text):
        if byte in delimiters:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


@op("StringSplit", infer=_sparse_shapes, grad=NOT_DIFFERENTIABLE, host=True)
def _split(
    xp: Arrays, x: Array, delimiter: Array, *, skip_empty: bool
) -> tuple[Array, ...]:
    """The parts of texts between any of some bytes."""
    del xp
    _check_vector(x)
    between = _scalar(delimiter, "delimiter")
    rows = [_at_any(text, between) for text in x.tolist()]
    parts = [[p for p in row if p or not skip_empty] for row in rows]
    return of_rows(parts, object)


@op("StringSplitV2", infer=_sparse_shapes, host=True)
def _split_v2(xp: Arrays, x: Array, sep: Array, *, maxsplit: int) -> tuple[Array, ...]:
    """The parts of texts, as Python's `split` makes them."""
    del xp
    _check_vector(x)
    between = _scalar(sep, "sep") or None
    return of_rows([text.split(between, maxsplit) for text in x.tolist()], object)


# ---------------------------------------------------------------------- joining


def _reduced(n: Operation) -> RawShape:
    raw, axes = n._inputs[0]._shape_raw, constant(n._inputs[1])
    keep = bool(n.attrs["keep_dims"])
    if raw is None:
        return None
    if axes is None:
        return (None,) * len(raw) if keep else None
    gone = {axis_in(n, int(axis), len(raw)) for axis in axes.reshape(-1)}
    if keep:
        return tuple(1 if i in gone else size for i, size in enumerate(raw))
    return tuple(size for i, size in enumerate(raw) if i not in gone)


@op("ReduceJoin", infer=_reduced, grad=NOT_DIFFERENTIABLE, host=True)
def _reduce_join(
    xp: Arrays, x: Array, axes: Array, *, keep_dims: bool, separator: str | bytes
) -> Array:
    """Texts joined along axes, along the last of them first.

    Raises:
      InvalidArgumentError: an axis that is not there, or is there twice.
    """
    del xp
    rank = x.ndim
    gone = []
    for axis in np.reshape(axes, -1).tolist():
        if not -rank <= axis < rank:
            text = f"Invalid reduction dimension {axis} for input with {rank} "
            raise OutOfRangeError(None, None, f"{text}dimension(s)")
        if axis % rank in gone:
            raise refused(f"Duplicate reduction dimension {axis % rank}")
        gone.append(axis % rank)
    kept = [i for i in range(rank) if i not in gone]
    ordered = np.transpose(x, [*kept, *gone[::-1]])
    count, each = (math.prod(x.shape[i] for i in some) for some in (kept, gone))
    rows = ordered.reshape(count, each)
    between = encoded(plain(separator))
    shape = [1 if i in gone else size for i, size in enumerate(x.shape)]
    if not keep_dims:
        shape = [x.shape[i] for i in kept]
    return packed([between.join(row) for row in rows.tolist()], tuple(shape))


def _segments(n: Operation) -> RawShape:
    data, ids = n._inputs[0]._shape_raw, n._inputs[1]._shape_raw
    count = size_input(n, 2)
    if data is None or ids is None:
        return None
    if len(ids) > len(data):
        raise invalid(
            n, f"Shape must be at most rank {len(data)} but is rank {len(ids)}"
        )
    for one, other in zip(data, ids, strict=False):
        same_dim(n, one, other)
    return (count, *data[len(ids) :])


@op("UnsortedSegmentJoin", infer=_segments, host=True)
def _segment_join(
    xp: Arrays, x: Array, ids: Array, count: Array, *, separator: str | bytes
) -> Array:
    """The texts of each segment, joined.

    Raises:
      InvalidArgumentError: ids that do not fit, or are out of range.
    """
    del xp
    if int(count) < 0:
        raise refused("Number of segments cannot be negative.")
    for axis, (size, own) in enumerate(zip(ids.shape, x.shape, strict=False)):
        if size != own:
            raise refused(
                f"Segment dimension is {size} while input dimension is {own} in rank "
                f"{axis}"
            )
    rest = x.shape[ids.ndim :]
    rows = x.reshape(ids.size, -1)
    parts: list[list[list[bytes]]] = [
        [[] for _ in range(rows.shape[1])] for _ in range(int(count))
    ]
    for i, segment in enumerate(ids.reshape(-1).tolist()):
        if not 0 <= segment < int(count):
            raise refused(
                "segment_ids are not allowed to exceed num_segments or to have "
                "negative values."
            )
        for j, text in enumerate(rows[i].tolist()):
            parts[segment][j].append(text)
    between = encoded(plain(separator))
    texts = [between.join(part) for row in parts for part in row]
    return packed(texts, (int(count), *rest))
