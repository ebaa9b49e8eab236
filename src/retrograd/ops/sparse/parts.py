"""What kernels of sparse tensors share: checks, places, and how two are merged."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.arguments import refused
from retrograd.ops.infer import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from retrograd.typing import Array, Arrays

#: indices, values and shape
Parts = tuple[np.ndarray, np.ndarray, np.ndarray]


def places(xp: Arrays, indices: Array, sizes: Sequence[int]) -> Array:
    """The place of each index vector among all elements, counted by rows."""
    flat = xp.zeros(np.shape(indices)[:1], np.int64)
    for axis, size in enumerate(sizes):
        flat = flat * size + xp.cast(indices[:, axis], np.int64)
    return flat


def within(xp: Arrays, indices: Array, sizes: Sequence[int]) -> Array:
    """Whether each index vector lies inside of a tensor of some sizes."""
    limits = np.asarray(sizes, indices.dtype)
    return xp.all((indices >= 0) & (indices < limits), 1)


def check_order(xp: Arrays, indices: Array, sizes: Sequence[int]) -> None:
    """Refuse index vectors that lie outside, or that do not become greater.

    Raises:
      InvalidArgumentError: the first of them that does not fit, in 1.15's words.
    """
    flat = places(xp, indices, sizes)
    fine = within(xp, indices, sizes)
    if np.shape(indices)[0] > 1:
        first = np.ones([1], bool)
        fine = fine & xp.concatenate([first, flat[1:] > flat[:-1]], 0)
    xp.check(fine, lambda: _disorder(indices, sizes))


def _disorder(indices: np.ndarray, sizes: Sequence[int]) -> Exception:
    """What is wrong with the first index vector that does not fit."""
    before: list[int] | None = None
    for number, index in enumerate(indices.tolist()):
        text = f"indices[{number}] = {shape_text(tuple(index))}"
        if any(not 0 <= i < size for i, size in zip(index, sizes, strict=True)):
            whole = shape_text(tuple(sizes))
            return refused(f"{text} is out of bounds: need 0 <= index < {whole}")
        if before is not None and index < before:
            return refused(
                f"{text} is out of order. Many sparse ops require sorted indices."
            )
        if index == before:
            return refused(f"{text} is repeated")
        before = index
    raise AssertionError("nothing is wrong")


def misshapen(
    indices: Array, values: Array, shape: Array
) -> tuple[str, str, str] | None:
    """The first part of a sparse tensor that is of the wrong rank.

    Returns:
      Its name, what it should be, and the shape that it has; None if all are right.
    """
    for name, value, rank in (
        ("indices", indices, 2),
        ("values", values, 1),
        ("shape", shape, 1),
    ):
        if np.ndim(value) != rank:
            kind = "matrix" if rank == 2 else "vector"
            return name, kind, shape_text(np.shape(value))
    return None


def ordered(indices: np.ndarray) -> np.ndarray:
    """The order that puts index vectors in order, the last axis first to change."""
    if not indices.shape[1]:
        return np.arange(len(indices))
    return np.lexsort(indices.T[::-1])


def merged(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two ordered lists of index vectors as one.

    Returns:
      For each index vector of the whole its place in `a`, or -1, and that in `b`.
    """
    keys_a, keys_b = a.tolist(), b.tolist()
    from_a: list[int] = []
    from_b: list[int] = []
    i = j = 0
    while i < len(keys_a) or j < len(keys_b):
        lesser = j == len(keys_b) or (i < len(keys_a) and keys_a[i] < keys_b[j])
        equal = not lesser and i < len(keys_a) and keys_a[i] == keys_b[j]
        from_a.append(i if lesser or equal else -1)
        from_b.append(-1 if lesser else j)
        i += lesser or equal
        j += not lesser
    return np.array(from_a, np.int64), np.array(from_b, np.int64)


def either(from_a: np.ndarray, a: Array, from_b: np.ndarray, b: Array) -> np.ndarray:
    """The rows of `a` where `merged` names one, else those of `b`."""
    if not len(from_a):
        return a[:0]
    if not len(a) or not len(b):
        return b[from_b] if not len(a) else a[from_a]
    chosen = (from_a >= 0).reshape((-1,) + (1,) * (a.ndim - 1))
    return np.where(chosen, a[from_a], b[from_b])


def check_ranks(name: str, indices: Array, values: Array, shape: Array) -> None:
    """Refuse parts of a sparse tensor that are of the wrong rank.

    Raises:
      InvalidArgumentError: one is.
    """
    if np.ndim(indices) != 2:
        raise refused(
            f"Input {name}_indices should be a matrix but received shape: "
            f"{shape_text(np.shape(indices))}"
        )
    if np.ndim(values) != 1 or np.ndim(shape) != 1:
        raise refused(
            f"Inputs {name}_values and {name}_shape should be vectors but received "
            f"shapes: {shape_text(np.shape(values))} and {shape_text(np.shape(shape))}"
        )


def check_pair(a: tuple[Array, Array, Array], b: tuple[Array, Array, Array]) -> None:
    """Refuse two sparse tensors that are not of one shape.

    Raises:
      InvalidArgumentError: ranks, sizes or numbers of elements do not fit.
    """
    for indices, values, shape in (a, b):
        if np.ndim(indices) != 2:
            raise refused(
                "Input indices should be matrices but received shapes: "
                f"{shape_text(a[0].shape)} and {shape_text(b[0].shape)}"
            )
        if np.ndim(values) != 1:
            raise refused(
                "Input values should be vectors but received shapes: "
                f"{shape_text(a[1].shape)} and {shape_text(b[1].shape)}"
            )
        if np.ndim(shape) != 1:
            raise refused(
                "Input shapes should be a vector but received shapes "
                f"{shape_text(a[2].shape)} and {shape_text(b[2].shape)}"
            )
    counts, given = (len(a[0]), len(b[0])), (len(a[1]), len(b[1]))
    if counts != given:
        raise refused(
            f"Expected {counts[0]} and {counts[1]} non-empty input values, got "
            f"{given[0]} and {given[1]}"
        )
    sizes_a, sizes_b = a[2].tolist(), b[2].tolist()
    if len(sizes_a) != len(sizes_b):
        raise refused(
            "Operands do not have the same ranks; got shapes: "
            f"{' '.join(map(str, sizes_a))} and {' '.join(map(str, sizes_b))}"
        )
    for axis, (x, y) in enumerate(zip(sizes_a, sizes_b, strict=True)):
        if x != y:
            raise refused(
                f"Operands' shapes do not match: got {x} and {y} for dimension {axis}"
            )


def groups(indices: np.ndarray, depth: int) -> list[tuple[tuple[int, ...], slice]]:
    """The runs of index vectors that begin with the same `depth` numbers."""
    if not len(indices):
        return []
    heads = indices[:, :depth]
    changed = (heads[1:] != heads[:-1]).any(1)
    starts = [0, *(np.flatnonzero(changed) + 1).tolist(), len(indices)]
    return [
        (tuple(heads[start].tolist()), slice(start, stop))
        for start, stop in itertools.pairwise(starts)
    ]


def rows_of(indices: Array, values: Array, shape: Array) -> Iterator[Parts]:
    """The rows of a sparse tensor, each as a sparse tensor."""
    for row in range(int(shape[0])):
        mine = indices[:, 0] == row
        yield indices[mine, 1:], values[mine], shape[1:]


def of_rows(
    rows: Sequence[Sequence[object]], dtype: np.dtype | type = np.int64
) -> Parts:
    """Rows of different lengths as a sparse matrix."""
    at = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = np.empty(len(at), dtype)
    values[:] = [value for row in rows for value in row]
    longest = max(map(len, rows), default=0)
    return (
        np.array(at, np.int64).reshape(-1, 2),
        values,
        np.array([len(rows), longest], np.int64),
    )


def joined(parts: list[Parts]) -> Parts:
    """Sparse tensors as rows of one.

    Raises:
      InvalidArgumentError: they are of several ranks.
    """
    ranks = {len(shape) for *_, shape in parts}
    if len(ranks) > 1:
        raise refused(f"Inconsistent rank across SparseTensors: {sorted(ranks)}")
    rows = np.repeat(np.arange(len(parts)), [len(values) for _, values, _ in parts])
    inner = np.concatenate([indices for indices, _, _ in parts])
    sizes = np.max([shape for *_, shape in parts], axis=0)
    return (
        np.concatenate([rows[:, None], inner], 1),
        np.concatenate([values for _, values, _ in parts]),
        np.array([len(parts), *sizes], np.int64),
    )


def packed(parts: Iterable[object]) -> np.ndarray:
    """A sparse tensor as a vector of three objects: its parts, or their strings."""
    made = np.empty(3, object)
    for i, part in enumerate(parts):
        made[i] = part
    return made
