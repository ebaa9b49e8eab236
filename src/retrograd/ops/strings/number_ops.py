"""Ops: numbers as texts, texts as numbers, and numbers that stand for texts."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.dtypes import as_dtype
from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import invalid, same, with_rank, with_rank_at_least
from retrograd.ops.static import constant
from retrograd.ops.strings import hashing
from retrograd.ops.strings.texts import decoded, of_each, packed, plain

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- as texts


def _form(
    dtype: np.dtype,
    precision: int,
    scientific: bool,
    shortest: bool,
    width: int,
    fill: str,
) -> str:
    """How numbers are written, as C has it.

    Raises:
      InvalidArgumentError: settings that exclude each other, or that numbers of this
        type do not have.
    """
    if len(fill) > 1:
        raise refused("Fill string must be one or fewer characters")
    if fill not in ("", " ", "+", "-", "0", "#"):
        raise refused(f'Fill argument not supported: "{fill}"')
    if scientific and shortest:
        raise refused("Cannot select both scientific and shortest notation")
    whole = dtype.kind in "iub"
    if whole and (scientific or shortest or precision >= 0):
        notation = scientific or shortest
        what = "scientific and shortest format" if notation else "precision"
        raise refused(f"{what} not supported for datatype {as_dtype(dtype).name}")
    form = f"%{fill}"
    if width > -1:
        form += str(width)
    if whole:
        return form + "d"
    if precision > -1:
        form += f".{precision}"
    return form + ("e" if scientific else "g" if shortest else "f")


@op("AsString", infer=same, grad=NOT_DIFFERENTIABLE, host=True)
def _as_string(
    xp: Arrays,
    x: Array,
    *,
    precision: int,
    scientific: bool,
    shortest: bool,
    width: int,
    fill: str | bytes,
) -> Array:
    """Numbers as texts."""
    del xp
    dtype = np.asarray(x).dtype
    form = _form(dtype, precision, scientific, shortest, width, plain(fill))
    if dtype.kind == "b":
        return of_each(lambda item: b"true" if item else b"false", x)
    if dtype.kind == "c":
        return of_each(
            lambda item: f"({form % item.real},{form % item.imag})".encode(), x
        )
    return of_each(lambda item: (form % item).encode(), x)


# ---------------------------------------------------------------------- as numbers

_FLOAT = re.compile(
    rb"[+-]?(inf(inity)?|nan|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)", re.IGNORECASE
)
_HEXADECIMAL = re.compile(rb"[+-]?0x[0-9a-f]+", re.IGNORECASE)
_WHOLE = re.compile(rb"-?[0-9]+")


def _parsed(dtype: np.dtype, text: bytes) -> Any:
    """The number that a text stands for.

    Raises:
      InvalidArgumentError: it stands for none, or for one that does not fit.
    """
    bare = text.strip(b" \t\n\v\f\r")
    if dtype.kind == "f":
        if _FLOAT.fullmatch(bare):
            return float(bare)
        if _HEXADECIMAL.fullmatch(bare):
            return float(int(bare, 16))
    elif _WHOLE.fullmatch(bare):
        number, info = int(bare), np.iinfo(dtype)
        if info.min <= number <= info.max:
            return number
    shown = decoded(text)
    raise refused(f"StringToNumberOp could not correctly convert string: {shown}")


@op("StringToNumber", infer=same, grad=NOT_DIFFERENTIABLE, host=True)
def _to_number(xp: Arrays, text: Array, *, out_type: np.dtype) -> Array:
    """The numbers that texts stand for.

    Raises:
      InvalidArgumentError: a text stands for none.
    """
    del xp
    with np.errstate(over="ignore"):
        return of_each(functools.partial(_parsed, out_type), text, out_type)


# ---------------------------------------------------------------------- buckets


def _buckets(hashed: Callable[[bytes], int], text: Array, count: int) -> Array:
    return of_each(lambda item: hashed(item) % count, text, np.int64)


@op("StringToHashBucket", infer=same, grad=NOT_DIFFERENTIABLE, host=True)
def _to_hash_bucket(xp: Arrays, text: Array, *, num_buckets: int) -> Array:
    """A number below `num_buckets` for each text, by Murmur's hash."""
    del xp
    return _buckets(hashing.murmur, text, num_buckets)


@op("StringToHashBucketFast", infer=same, grad=NOT_DIFFERENTIABLE, host=True)
def _to_hash_bucket_fast(xp: Arrays, text: Array, *, num_buckets: int) -> Array:
    """A number below `num_buckets` for each text, by FarmHash's fingerprint."""
    del xp
    return _buckets(hashing.fingerprint, text, num_buckets)


@op("StringToHashBucketStrong", infer=same, grad=NOT_DIFFERENTIABLE, host=True)
def _to_hash_bucket_strong(
    xp: Arrays, text: Array, *, num_buckets: int, key: Sequence[int]
) -> Array:
    """A number below `num_buckets` for each text, by SipHash with a key.

    Raises:
      InvalidArgumentError: the key is not two numbers.
    """
    del xp
    if len(key) != 2:
        raise refused("Key must have 2 elements")
    pair = (int(key[0]), int(key[1]))
    return _buckets(lambda item: hashing.sip(item, pair), text, num_buckets)


# ---------------------------------------------------------------------- fingerprints


def _fingerprints(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 1)
    with_rank(n, 1, 0)
    method = constant(n._inputs[1])
    if method is not None and method.item() != b"farmhash64":
        raise invalid(n, f"Unsupported method: {decoded(method.item())}")
    return None if raw is None else (raw[0], 8)


@op("Fingerprint", infer=_fingerprints, host=True)
def _fingerprint(xp: Arrays, data: Array, method: Array) -> Array:
    """FarmHash's fingerprint of each row, as 8 bytes.

    Raises:
      InvalidArgumentError: another method.
    """
    del xp
    word = np.asarray(method).item()
    if word != b"farmhash64":
        raise refused(f"Unsupported data fingerprinting algorithm: {decoded(word)}")
    rows = np.ascontiguousarray(data)
    if rows.dtype == object:
        words = of_each(hashing.fingerprint, rows, np.uint64)
        if rows.ndim == 1:
            return words.astype("<u8").view(np.uint8).reshape(-1, 8)
        rows = words.astype("<u8")
    texts = packed([row.tobytes() for row in rows])
    found = of_each(hashing.fingerprint, texts, np.uint64)
    return found.astype("<u8").view(np.uint8).reshape(-1, 8)
