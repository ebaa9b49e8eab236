"""Ops: sparse tensors as strings, or as variants that hold their parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.tensor_protos import make_ndarray
from retrograd.ops.declare import op
from retrograd.ops.infer import same_dim, shape_text, with_rank, with_rank_at_least
from retrograd.ops.parsing.decode_ops import tensor_message
from retrograd.ops.sparse.parts import Parts, joined, misshapen, packed, rows_of
from retrograd.util import protos
from retrograd.util.varints import read_varint, varint

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- written


def _packed(parts: Parts, out_type: DType) -> np.ndarray:
    """Three strings, or three variants."""
    values = map(np.asarray, parts)
    variants = dtypes.as_dtype(out_type) == dtypes.variant
    return packed(values if variants else map(_bytes, values))


def _bytes(value: np.ndarray) -> bytes:
    """A TensorProto; of strings it holds the lengths first, then all bytes."""
    if value.dtype != object:
        return tensor_message(value).SerializeToString()
    items = value.ravel().tolist()
    proto = tensor_message(value[:0])
    proto.tensor_shape.dim[0].size = len(items)
    proto.tensor_content = b"".join([*map(varint, map(len, items)), *items])
    return proto.SerializeToString()


def _strings(content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """The strings of such a block.

    Raises:
      ValueError: it does not hold as many.
    """
    count, at = int(np.prod(shape)), 0
    if not 0 <= count <= len(content):
        raise ValueError("the block is too short")
    lengths = []
    for _ in range(count):
        length, at = read_varint(content, at)
        lengths.append(length)
    if sum(lengths) != len(content) - at:
        raise ValueError("lengths do not fit")
    made = np.empty(count, object)
    for i, length in enumerate(lengths):
        made[i] = content[at : at + length]
        at += length
    return made.reshape(shape)


def _check(indices: Array, values: Array, shape: Array) -> None:
    """Refuse what is no sparse tensor.

    Raises:
      InvalidArgumentError: it is none.
    """
    wrong = misshapen(indices, values, shape)
    if wrong is not None:
        raise refused(
            f"Input {wrong[0]} should be a {wrong[1]} but received shape {wrong[2]}"
        )


def _check_parts(n: Operation) -> None:
    for i, rank in enumerate((2, 1, 1)):
        with_rank(n, i, rank)


def _serialized_shape(n: Operation) -> RawShape:
    _check_parts(n)
    return (3,)


@op(
    "SerializeSparse",
    infer=_serialized_shape,
    math="y = parts of x",
    host=True,
    pure=False,
)
def serialize_sparse_kernel(
    xp: Arrays,
    sparse_indices: Array,
    sparse_values: Array,
    sparse_shape: Array,
    *,
    n: Operation,
) -> Array:
    """The three parts of a sparse tensor."""
    del xp
    _check(sparse_indices, sparse_values, sparse_shape)
    return _packed((sparse_indices, sparse_values, sparse_shape), n.attrs["out_type"])


def _rows_shape(n: Operation) -> RawShape:
    _check_parts(n)
    return (None, 3)


@op(
    "SerializeManySparse",
    infer=_rows_shape,
    math="y = parts of x",
    host=True,
    pure=False,
)
def serialize_many_sparse_kernel(
    xp: Arrays,
    sparse_indices: Array,
    sparse_values: Array,
    sparse_shape: Array,
    *,
    n: Operation,
) -> Array:
    """The three parts of each row of a sparse tensor."""
    del xp
    _check(sparse_indices, sparse_values, sparse_shape)
    if len(sparse_shape) < 2:
        raise refused(
            f"Rank of input SparseTensor should be > 1, but saw rank: "
            f"{len(sparse_shape)}"
        )
    made = np.empty((int(sparse_shape[0]), 3), object)
    for i, row in enumerate(rows_of(sparse_indices, sparse_values, sparse_shape)):
        made[i] = _packed(row, n.attrs["out_type"])
    return made


# ---------------------------------------------------------------------- read


def _unpacked(item: object) -> np.ndarray:
    """A part, from a string or a variant.

    Raises:
      InvalidArgumentError: it is neither.
    """
    if isinstance(item, np.ndarray):
        return item
    try:
        if not isinstance(item, bytes):
            raise TypeError("no string")
        proto = protos.message("tensor.TensorProto").FromString(item)
        if proto.dtype == dtypes.string.as_datatype_enum and proto.tensor_content:
            shape = tuple(dim.size for dim in proto.tensor_shape.dim)
            return _strings(proto.tensor_content, shape)
        return make_ndarray(proto)
    except Exception:
        raise refused("Could not parse serialized proto") from None


def _read(triples: np.ndarray, dtype: DType) -> Iterator[Parts]:
    """The sparse tensors that triples stand for.

    Raises:
      InvalidArgumentError: one stands for none, or for one of another dtype.
    """
    wanted = dtypes.as_dtype(dtype)
    for i, triple in enumerate(triples):
        indices, values, shape = map(_unpacked, triple)
        wrong = misshapen(indices, values, shape)
        if wrong is not None:
            place = ("indices", "values", "shape").index(wrong[0])
            word = "index" if wrong[0] == "indices" else wrong[0]
            raise refused(
                f"Expected serialized_sparse[{i}, {place}] to represent an {word} "
                f"{wrong[1]} but received shape {wrong[2]}"
            )
        given = dtypes.as_dtype(values.dtype)
        if given != wanted:
            raise refused(
                f"Requested SparseTensor of type {type_word(wanted)} but SparseTensor"
                f"[{i}].values.dtype() == {type_word(given)}"
            )
        if len(indices) != len(values) or indices.shape[1] != len(shape):
            raise refused(
                f"Expected row counts of SparseTensor[{i}].indices and SparseTensor"
                f"[{i}].values to match but they do not: {len(indices)} vs. "
                f"{len(values)}"
            )
        yield indices.astype(np.int64), values, shape.astype(np.int64)


def _many_shapes(n: Operation) -> list[RawShape]:
    same_dim(n, with_rank(n, 0, 2)[1], 3)
    return [(None, None), (None,), (None,)]


@op("DeserializeManySparse", infer=_many_shapes, math="y = rows from parts", host=True)
def deserialize_many_sparse_kernel(
    xp: Arrays, serialized_sparse: Array, *, dtype: DType
) -> Parts:
    """A sparse tensor, from the parts of its rows."""
    del xp
    whole = np.shape(serialized_sparse)
    if len(whole) != 2 or whole[1] != 3:
        raise refused(
            f"Serialized sparse should have 3 as the last dimension {shape_text(whole)}"
        )
    if not whole[0]:
        raise refused(
            "Must have at least 1 serialized SparseTensor, but input matrix has 0 rows"
        )
    return joined(list(_read(serialized_sparse, dtype)))


def _one_shapes(n: Operation) -> list[RawShape]:
    raw = with_rank_at_least(n, 0, 1)
    if raw is not None:
        same_dim(n, raw[-1], 3)
    return [(None, None), (None,), (None,)]


@op("DeserializeSparse", infer=_one_shapes, math="y = tensor from parts", host=True)
def deserialize_sparse_kernel(
    xp: Arrays, serialized_sparse: Array, *, dtype: DType
) -> Parts:
    """A sparse tensor, from its parts, or from those of its slices."""
    del xp
    whole = np.shape(serialized_sparse)
    if not whole or whole[-1] != 3:
        raise refused(
            f"Serialized sparse should have 3 as the last dimension {shape_text(whole)}"
        )
    triples = serialized_sparse.reshape(-1, 3)
    if not len(triples):
        raise refused(
            "Must have at least 1 serialized SparseTensor, but input has 0 elements"
        )
    found = list(_read(triples, dtype))
    if len(whole) == 1:
        return found[0]
    indices, values, sizes = joined(found)
    outer = np.stack(np.unravel_index(indices[:, 0], whole[:-1]), 1)
    return (
        np.concatenate([outer, indices[:, 1:]], 1),
        values,
        np.array([*whole[:-1], *sizes[1:]], np.int64),
    )
