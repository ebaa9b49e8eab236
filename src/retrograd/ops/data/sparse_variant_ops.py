"""Ops that make one value of a sparse tensor, and a sparse tensor of such values.

A value is three variants, as in the elements of datasets, or three strings, TensorProto
messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.data.elements import invalid_argument
from retrograd.ops.data.sparse_variants import pack
from retrograd.ops.declare import op
from retrograd.ops.parsing.decode_ops import parse_tensor, serialize_tensor

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _carried(packed: np.ndarray, n: Operation) -> np.ndarray:
    """Parts of sparse tensors as what is asked for."""
    if n.attrs["out_type"] == dtypes.variant:
        return packed
    made = np.empty(packed.shape, object)
    for at, part in np.ndenumerate(packed):
        made[at] = serialize_tensor(None, np.asarray(part))
    return made


def _three(n: Operation) -> RawShape:
    del n
    return (3,)


def _rows_of_three(n: Operation) -> RawShape:
    del n
    return (None, 3)


def _parts(n: Operation) -> list[RawShape]:
    # the rank is known only to who made the value
    del n
    return [(None, None), (None,), (None,)]


@op("SerializeSparse", infer=_three, host=True, pure=False)
def _serialize(
    xp: Arrays,
    sparse_indices: Array,
    sparse_values: Array,
    sparse_shape: Array,
    *,
    n: Operation,
) -> np.ndarray:
    """A sparse tensor as one value."""
    del xp
    return _carried(pack(sparse_indices, sparse_values, sparse_shape), n)


@op("SerializeManySparse", infer=_rows_of_three, host=True, pure=False)
def _serialize_rows(
    xp: Arrays,
    sparse_indices: Array,
    sparse_values: Array,
    sparse_shape: Array,
    *,
    n: Operation,
) -> np.ndarray:
    """Each row of a sparse tensor as one value."""
    del xp
    if len(sparse_shape) < 2:
        raise invalid_argument(
            "Rank of input SparseTensor should be > 1, but saw rank: "
            f"{len(sparse_shape)}"
        )
    count = int(sparse_shape[0])
    made = np.empty([count, 3], object)
    for i in range(count):
        chosen = sparse_indices[:, 0] == i
        made[i] = pack(
            sparse_indices[chosen, 1:], sparse_values[chosen], sparse_shape[1:]
        )
    return _carried(made, n)


@op("DeserializeSparse", infer=_parts, host=True, pure=False)
def _deserialize(
    xp: Arrays, serialized_sparse: Array, *, dtype: np.dtype
) -> tuple[Any, ...]:
    """The sparse tensor of a value; of several, one with an axis for them."""
    del xp
    packed = np.asarray(serialized_sparse, object)
    if not packed.ndim or packed.shape[-1] != 3:
        raise invalid_argument(
            "Serialized sparse should have 3 as the last dimension "
            f"{list(packed.shape)}"
        )
    return _read(packed, dtype)


@op("DeserializeManySparse", infer=_parts, host=True, pure=False)
def _deserialize_rows(
    xp: Arrays, serialized_sparse: Array, *, dtype: np.dtype
) -> tuple[Any, ...]:
    """The sparse tensor whose rows are values."""
    del xp
    packed = np.asarray(serialized_sparse, object)
    if packed.ndim != 2:
        raise invalid_argument(
            "Serialized sparse should be a matrix but received shape "
            f"[{','.join(map(str, packed.shape))}]"
        )
    if packed.shape[1] != 3:
        raise invalid_argument(
            "Serialize sparse should have 3 columns but received shape "
            f"[{','.join(map(str, packed.shape))}]"
        )
    return _read(packed, dtype)


def _read(packed: np.ndarray, dtype: np.dtype) -> tuple[Any, ...]:
    rows = packed.reshape(-1, 3)
    if len(rows) and isinstance(rows[0, 0], bytes):
        read = np.empty(rows.shape, object)
        for at, text in np.ndenumerate(rows):
            kind = dtype if at[1] == 1 else np.dtype(np.int64)
            read[at] = parse_tensor(None, text, out_type=kind)
        rows = read
    if packed.ndim == 1:
        indices, values, shape = rows[0]
        return indices, values, shape
    return _together(rows, packed.shape[:-1], dtype)


def _together(
    rows: np.ndarray, around: tuple[int, ...], dtype: np.dtype
) -> tuple[Any, ...]:
    """Sparse tensors of one rank as one."""
    if not len(rows):
        raise invalid_argument(
            "Must have at least 1 serialized SparseTensor, but input matrix has 0 rows"
        )
    ranks = [len(row[2]) for row in rows]
    for i, rank in enumerate(ranks):
        if rank != ranks[0]:
            raise invalid_argument(
                "Inconsistent rank across SparseTensors: rank prior to "
                f"SparseTensor[{i}] was: {ranks[0]} but rank of SparseTensor[{i}] "
                f"is: {rank}"
            )
    where = np.stack(np.unravel_index(np.arange(len(rows)), around), axis=1)
    places = [
        np.concatenate([np.broadcast_to(at, [len(row[0]), len(around)]), row[0]], 1)
        for at, row in zip(where, rows, strict=True)
    ]
    values = [np.asarray(row[1], dtype) for row in rows]
    sizes = np.max([row[2] for row in rows], axis=0)
    return (
        np.concatenate(places).astype(np.int64),
        np.concatenate(values),
        np.concatenate([np.array(around, np.int64), sizes]).astype(np.int64),
    )
