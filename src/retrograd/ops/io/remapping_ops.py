"""Ops: matrices of checkpoints, whose rows or columns belong to words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.hooks import hooks
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import shape_text, with_rank
from retrograd.platform import files

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def refused(text: str) -> errors.InvalidArgumentError:
    """The error that a bad argument is."""
    return errors.InvalidArgumentError(None, None, text)


def _lines(path: Array) -> tuple[str, list[str]]:
    name = np.asarray(path, object).item()
    name = name.decode() if isinstance(name, bytes) else name
    return name, files.read_file_to_string(name).splitlines()


def _remapped(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 0)
    with_rank(n, 1, 0)
    return [(n.attrs["num_new_vocab"],), ()]


def _old_words(path: Array, size: int) -> dict[str, int]:
    """The numbers of the words of a vocabulary, of the first `size` if not -1."""
    name, lines = _lines(path)
    if size > len(lines):
        raise refused(
            f"Invalid vocab_size in {name}: expected {size} but got {len(lines)}"
        )
    found: dict[str, int] = {}
    for number, word in enumerate(lines if size < 0 else lines[:size]):
        if word in found:
            raise errors.FailedPreconditionError(
                None,
                None,
                f"HashTable has different value for same key. Key {word} has "
                f"{found[word]} and trying to add value {number}",
            )
        found[word] = number
    return found


@op(
    "GenerateVocabRemapping",
    infer=_remapped,
    grad=NOT_DIFFERENTIABLE,
    host=True,
)
def generate_vocab_remapping_kernel(
    xp: Arrays,
    new_vocab_file: Array,
    old_vocab_file: Array,
    *,
    new_vocab_offset: int,
    num_new_vocab: int,
    old_vocab_size: int,
) -> tuple[Array, Array]:
    """For words of a vocabulary, their numbers in an older one, or -1."""
    del xp
    _, new = _lines(new_vocab_file)
    if len(new) < new_vocab_offset + num_new_vocab:
        raise refused(
            "lookup table size must be larger than last new vocab entry's line"
        )
    old = _old_words(old_vocab_file, old_vocab_size)
    words = new[new_vocab_offset : new_vocab_offset + num_new_vocab]
    found = np.array([old.get(word, -1) for word in words], np.int64)
    return found, np.array((found >= 0).sum(), np.int32)


def _loaded(n: Operation) -> RawShape:
    with_rank(n, 2, 1)
    with_rank(n, 3, 1)
    return n.attrs["num_rows"], n.attrs["num_cols"]


def _check_once(remapping: Array) -> None:
    """Check that no old row or column is wanted twice."""
    seen: dict[int, int] = {}
    for new, old in enumerate(remapping.tolist()):
        if old >= 0 and old in seen:
            raise errors.UnimplementedError(
                None,
                None,
                f"Old ID {old} is mapped to both new ID {seen[old]} and {new}, which "
                "is not supported.",
            )
        seen[old] = new


def _matrix(path: str, name: str, columns: int | None) -> Array:
    stored = hooks.checkpoint_tensor(path, name)
    kind = dtypes.as_dtype(stored.dtype)
    if kind is not dtypes.float32:
        raise refused(
            f"Tensor {name} has invalid type {type_word(kind)} instead of expected "
            "type float"
        )
    text = shape_text(stored.shape)
    if stored.ndim != 2:
        raise refused(
            f"Tensor {name} has shape {text} of invalid rank {stored.ndim} instead of "
            "expected shape of rank 2."
        )
    if columns is not None and stored.shape[1] != columns:
        raise refused(
            f"Tensor {name} has shape {text}, where the size of its 2nd dimension is "
            f"{stored.shape[1]} instead of being equal to num_cols={columns}"
        )
    return stored


def _check_places(remapping: Array, size: int, axis: int) -> None:
    if remapping.size and remapping.max() >= size:
        raise errors.InternalError(
            None,
            None,
            f"Old ID {remapping.max()} is out of bounds in dimension {axis}, which has "
            f"size {size}",
        )


@op("LoadAndRemapMatrix", infer=_loaded, grad=NOT_DIFFERENTIABLE, host=True)
def load_and_remap_matrix_kernel(
    xp: Arrays,
    ckpt_path: Array,
    old_tensor_name: Array,
    row_remapping: Array,
    col_remapping: Array,
    initializing_values: Array,
    *,
    num_rows: int,
    num_cols: int,
) -> Array:
    """Rows and columns of a matrix of a checkpoint, with given values where -1 is."""
    del xp
    if row_remapping.size != num_rows:
        raise refused(
            f"Size of row_remapping is {row_remapping.size} instead of being equal to "
            f"num_rows={num_rows}"
        )
    if col_remapping.size and col_remapping.size != num_cols:
        raise refused(
            f"Provided col_remapping, but its size is {col_remapping.size} instead of "
            f"being equal to num_cols={num_cols}"
        )
    path, name = (
        np.asarray(x, object).item().decode() for x in (ckpt_path, old_tensor_name)
    )
    _check_once(row_remapping)
    _check_once(col_remapping)
    every = not col_remapping.size
    stored = _matrix(path, name, num_cols if every else None)
    columns = np.arange(num_cols) if every else col_remapping
    _check_places(row_remapping, stored.shape[0], 0)
    _check_places(columns, stored.shape[1], 1)
    known = (row_remapping >= 0)[:, None] & (columns >= 0)[None, :]
    result = np.empty((num_rows, num_cols), np.float32)
    taken = stored[np.maximum(row_remapping, 0)][:, np.maximum(columns, 0)]
    result[known] = taken[known]
    values = np.ravel(initializing_values)
    missing = int((~known).sum())
    if values.size < missing:
        raise refused(
            f"initializing_values contained {values.size} elements, but more missing "
            "values remain."
        )
    if values.size > missing:
        raise refused(
            f"initializing_values contained {values.size} elements, but only {missing} "
            "elements were used to fill in missing values."
        )
    result[~known] = values
    return result
