"""The ops that keep sparse tensors while their numbers are in a queue."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import numpy as np

from retrograd import errors
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import op
from retrograd.ops.infer import scalar, vector, with_rank
from retrograd.ops.sparse.parts import Parts, joined, rows_of

if TYPE_CHECKING:
    from retrograd.run.store import Store
    from retrograd.typing import Array, Arrays


class SparseMap:
    """Sparse tensors by numbers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._held: dict[int, Parts] = {}

    def put(self, indices: Array, values: Array, shape: Array) -> int:
        """Keep a sparse tensor; its number."""
        with self._lock:
            number = next(self._numbers)
            self._held[number] = np.array(indices), np.array(values), np.array(shape)
        return number

    def take(self, number: int) -> Parts:
        """Give a sparse tensor back.

        Raises:
          InvalidArgumentError: there is none with this number.
        """
        with self._lock:
            found = self._held.pop(number, None)
        if found is None:
            raise errors.InvalidArgumentError(
                None, None, f"Unable to find SparseTensor: {number} in map"
            )
        return found


def _map(n: Operation, store: Store) -> SparseMap:
    return store.resource("sparse map", n, SparseMap)


@op("AddSparseToTensorsMap", infer=scalar, host=True, pure=False)
def add_sparse(
    xp: Arrays,
    sparse_indices: Array,
    sparse_values: Array,
    sparse_shape: Array,
    *,
    n: Operation,
    store: Store,
) -> np.int64:
    """The number under which a sparse tensor is kept."""
    del xp
    held = _map(n, store)
    return np.int64(held.put(sparse_indices, sparse_values, sparse_shape))


@op("AddManySparseToTensorsMap", infer=vector, host=True, pure=False)
def add_many_sparse(
    xp: Arrays,
    sparse_indices: Array,
    sparse_values: Array,
    sparse_shape: Array,
    *,
    n: Operation,
    store: Store,
) -> np.ndarray:
    """The numbers under which the rows of a sparse tensor are kept."""
    del xp
    held = _map(n, store)
    found = rows_of(sparse_indices, sparse_values, sparse_shape)
    return np.array([held.put(*row) for row in found], np.int64)


def _taken_shapes(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 1)
    return [(None, None), (None,), (None,)]


@op("TakeManySparseFromTensorsMap", infer=_taken_shapes, host=True, pure=False)
def take_many_sparse(
    xp: Arrays, sparse_handles: Array, *, n: Operation, store: Store
) -> Parts:
    """Sparse tensors, given back as rows of one."""
    del xp
    held = _map(n, store)
    parts = [held.take(number) for number in sparse_handles.tolist()]
    if not parts:
        raise errors.InvalidArgumentError(
            None,
            None,
            "Must have at least 1 serialized SparseTensor, but input matrix has 0 rows",
        )
    return joined(parts)
