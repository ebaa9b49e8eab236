"""Ops: sets: the last axis of tensors holds their elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import (
    invalid,
    merged,
    shape_text,
    with_rank,
    with_rank_at_least,
)
from retrograd.ops.sparse.parts import check_order, groups
from retrograd.ops.static import constant_as_shape
from retrograd.ops.strings.texts import plain

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

#: the elements of each set, by its place
Sets = dict[tuple[int, ...], set[Any]]

_FUNCTIONS: dict[str, Callable[[set[Any], set[Any]], set[Any]]] = {
    "a-b": lambda a, b: a - b,
    "b-a": lambda a, b: b - a,
    "intersection": lambda a, b: a & b,
    "union": lambda a, b: a | b,
}


# ---------------------------------------------------------------------- what is given


def _dense(x: Array) -> tuple[tuple[int, ...], Sets]:
    """The sets that the rows of a tensor are, and the shape they stand in.

    Raises:
      InvalidArgumentError: it has no rows.
    """
    if x.ndim < 2:
        raise refused(f"Shape {shape_text(x.shape)} has rank {x.ndim} < 2")
    whole = x.shape[:-1]
    rows = x.reshape(-1, x.shape[-1]).tolist()
    return whole, {
        at: set(row) for at, row in zip(np.ndindex(*whole), rows, strict=True)
    }


def _sparse(
    xp: Arrays, indices: Array, values: Array, shape: Array
) -> tuple[tuple[int, ...], Sets]:
    """The same of a sparse tensor.

    Raises:
      InvalidArgumentError: it has no rows, or its elements are not in order.
    """
    sizes = tuple(shape.tolist())
    if len(sizes) < 2:
        raise refused(f"Shape {shape_text(sizes)} has rank {len(sizes)} < 2")
    check_order(xp, indices, sizes)
    runs = groups(indices, len(sizes) - 1)
    return sizes[:-1], {at: set(values[run].tolist()) for at, run in runs}


def _combined(
    a: tuple[tuple[int, ...], Sets],
    b: tuple[tuple[int, ...], Sets],
    operation: str | bytes,
    dtype: np.dtype,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The parts of a sparse tensor of what an operation makes of pairs of sets.

    Raises:
      InvalidArgumentError: there is no such operation, or shapes differ.
    """
    word = plain(operation)
    function = _FUNCTIONS.get(word.lower())
    if function is None:
        raise refused(f"Invalid set_operation {word}.")
    if a[0] != b[0]:
        raise refused(f"Mismatched shapes {shape_text(a[0])} vs {shape_text(b[0])}")
    at: list[tuple[int, ...]] = []
    elements: list[Any] = []
    most = 0
    for place in sorted(a[1].keys() | b[1].keys()):
        found = sorted(function(a[1].get(place, set()), b[1].get(place, set())))
        most = max(most, len(found))
        at += [(*place, i) for i in range(len(found))]
        elements += found
    rank = len(a[0]) + 1
    values = np.empty(len(elements), dtype)
    values[:] = elements
    return (
        np.array(at, np.int64).reshape(-1, rank),
        values,
        np.array([*a[0], most], np.int64),
    )


# ---------------------------------------------------------------------- two sets


def _result(rank: int | None) -> list[RawShape]:
    return [(None, rank), (None,), (rank,)]


def _of_two_dense(n: Operation) -> list[RawShape]:
    a, b = with_rank_at_least(n, 0, 2), with_rank_at_least(n, 1, 2)
    if a is None or b is None:
        return _result(len(a or b or ()) or None)
    with_rank(n, 1, len(a))
    merged(n, a[:-1], b[:-1])
    return _result(len(a))


def _of_dense_and_sparse(n: Operation) -> list[RawShape]:
    dense = with_rank_at_least(n, 0, 2)
    rank = _sparse_rank(n, 1)
    if dense is not None:
        if rank is not None and rank != len(dense):
            raise invalid(n, f"Shape must be rank {rank} but is rank {len(dense)}")
        rank = len(dense)
        sizes = constant_as_shape(n._inputs[3])
        if sizes is not None:
            merged(n, dense[:-1], sizes[:-1])
    return _result(rank)


def _sparse_rank(n: Operation, first: int) -> int | None:
    """The rank of a sparse tensor among the inputs."""
    columns, sizes = with_rank(n, first, 2)[1], with_rank(n, first + 2, 1)[0]
    return columns if sizes is None else sizes


def _of_two_sparse(n: Operation) -> list[RawShape]:
    ranks = [_sparse_rank(n, first) for first in (0, 3)]
    return _result(ranks[1] if ranks[0] is None else ranks[0])


@op(
    "DenseToDenseSetOperation",
    infer=_of_two_dense,
    math="y = sets made of rows of a and b",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def dense_to_dense_set_operation_kernel(
    xp: Arrays, set1: Array, set2: Array, *, set_operation: str | bytes
) -> tuple[Array, Array, Array]:
    """What an operation makes of pairs of sets."""
    del xp
    return _combined(_dense(set1), _dense(set2), set_operation, set1.dtype)


@op(
    "DenseToSparseSetOperation",
    infer=_of_dense_and_sparse,
    math="y = sets made of rows of a and b",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def dense_to_sparse_set_operation_kernel(
    xp: Arrays,
    set1: Array,
    set2_indices: Array,
    set2_values: Array,
    set2_shape: Array,
    *,
    set_operation: str | bytes,
) -> tuple[Array, Array, Array]:
    """What an operation makes of pairs of sets, the second ones sparse."""
    second = _sparse(xp, set2_indices, set2_values, set2_shape)
    return _combined(_dense(set1), second, set_operation, set1.dtype)


@op(
    "SparseToSparseSetOperation",
    infer=_of_two_sparse,
    math="y = sets made of rows of a and b",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def sparse_to_sparse_set_operation_kernel(
    xp: Arrays,
    set1_indices: Array,
    set1_values: Array,
    set1_shape: Array,
    set2_indices: Array,
    set2_values: Array,
    set2_shape: Array,
    *,
    set_operation: str | bytes,
) -> tuple[Array, Array, Array]:
    """What an operation makes of pairs of sets, all sparse."""
    first = _sparse(xp, set1_indices, set1_values, set1_shape)
    second = _sparse(xp, set2_indices, set2_values, set2_shape)
    return _combined(first, second, set_operation, set1_values.dtype)


# ---------------------------------------------------------------------- one set


@op(
    "SetSize",
    infer=lambda n: None,
    math="y = sizes of sets in rows of x",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def set_size_kernel(
    xp: Arrays, set_indices: Array, set_values: Array, set_shape: Array
) -> Array:
    """How many different elements each set has."""
    whole, sets = _sparse(xp, set_indices, set_values, set_shape)
    sizes = np.zeros(whole, np.int32)
    for place, elements in sets.items():
        sizes[place] = len(elements)
    return sizes
