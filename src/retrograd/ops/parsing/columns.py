"""What is read from records, feature by feature, until it is put into tensors.

The features of an Example are lists of strings, int64 or float32 numbers. A column
collects those of one key, of one record after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.opdef import type_word
from retrograd.ops.host.text import text_of
from retrograd.shapes import text as shape_text

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, Message

    #: features, or lists of some, by key
    Features: TypeAlias = Mapping[str, Message]

_FIELDS = {"int64": "int64_list", "float32": "float_list", "string": "bytes_list"}
_WORDS = {"int64_list": "int64", "float_list": "float", "bytes_list": "string"}
#: how far a tensor reaches along an axis, and along those below it
Extent = list[int]


def invalid(text: str) -> errors.InvalidArgumentError:
    """An InvalidArgumentError."""
    return errors.InvalidArgumentError(None, None, text)


def parsed(message: type[Message], record: bytes) -> Any:
    """The message of a class that bytes are.

    Raises:
      InvalidArgumentError: they are none.
    """
    try:
        return message.FromString(record)
    except Exception:
        raise invalid(
            f"Could not parse example input, value: '{text_of(record)}'"
        ) from None


def field_of(dtype: dtypes.DType) -> str:
    """The field of a Feature that holds elements of a type."""
    return _FIELDS[dtype.name]


def values_of(feature: Message, field: str) -> np.ndarray:
    """The elements of a feature, 1-D."""
    held = getattr(feature, field).value
    if field == "bytes_list":
        array = np.empty(len(held), object)
        array[:] = list(held)
        return array
    return np.fromiter(held, np.int64 if field == "int64_list" else np.float32)


def empty(count: int, dtype: dtypes.DType) -> np.ndarray:
    """An array of one dimension, to be filled."""
    return np.empty(count, dtype.as_numpy_dtype)


class Column:
    """The features of one key.

    Args:
      key: the key.
      dtype: the type of the elements.
    """

    def __init__(self, key: Array | bytes, dtype: dtypes.DType) -> None:
        self.key = text_of(key)
        self.dtype = dtypes.as_dtype(dtype)
        self.field = field_of(self.dtype)
        self.word = type_word(self.dtype)
        #: what messages call the elements
        self.elements = "bytes" if self.word == "string" else self.word

    def feature(self, features: Features) -> Any:
        """The feature of a map; None where there is none, or nothing in it."""
        if self.key not in features:
            return None
        found = features[self.key]
        return found if found.WhichOneof("kind") else None

    def differs(self, feature: Message) -> str:
        """The type that a feature has, if it is another than wanted."""
        held = feature.WhichOneof("kind")
        return "" if held == self.field else _WORDS[held]

    def where(self, name: str | None, index: int) -> str:
        """What errors begin with; no name for a record that is parsed alone."""
        if name is None:
            return f"Key: {self.key}.  "
        return f"Name: {name}, Key: {self.key}, Index: {index}.  "


class SparseColumn(Column):
    """Features of any length, which become a sparse tensor."""

    def __init__(self, key: Array | bytes, dtype: dtypes.DType) -> None:
        super().__init__(key, dtype)
        self.rows: list[np.ndarray] = []

    def add(self, features: Features, name: str | None, index: int) -> None:
        """Take the feature of a record.

        Raises:
          InvalidArgumentError: it is of another type.
        """
        feature = self.feature(features)
        if feature is None:
            self.rows.append(empty(0, self.dtype))
            return
        other = self.differs(feature)
        if other:
            raise invalid(
                f"{self.where(name, index)}Data types don't match. Expected type: "
                f"{self.word}, Actual type: {other}"
            )
        self.rows.append(values_of(feature, self.field))

    def batch(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices, values and shape of the records as rows."""
        return sparse(self.rows, self.dtype)

    def single(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices, values and shape of the only record."""
        (values,) = self.rows
        return np.arange(len(values))[:, None], values, np.array([len(values)])


def sparse(
    rows: Sequence[np.ndarray], dtype: dtypes.DType
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of any length as a sparse tensor: its indices, values and shape."""
    lengths = np.array([len(row) for row in rows], np.int64)
    numbers = np.repeat(np.arange(len(rows)), lengths)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.arange(len(numbers)) - starts
    values = np.concatenate(rows) if rows else empty(0, dtype)
    most = int(lengths.max(initial=0))
    return np.stack([numbers, places], -1), values, np.array([len(rows), most])


class DenseColumn(Column):
    """Features of one length, or padded to one, which become a tensor.

    Args:
      key: the key.
      dtype: the type of the elements.
      shape: that of a record's feature; the first size is None if it varies.
      default: what stands for a missing feature, if it has elements; where the first
        size varies, the element that is padded with.
    """

    def __init__(
        self, key: Array | bytes, dtype: dtypes.DType, shape: RawShape, default: Array
    ) -> None:
        super().__init__(key, dtype)
        self.shape: tuple[int | None, ...] = shape or ()
        self.default = np.asarray(default)
        self.varies = bool(self.shape) and self.shape[0] is None
        inner = self.shape[1:] if self.varies else self.shape
        self.inner: tuple[int, ...] = tuple(size or 0 for size in inner)
        self.stride = math.prod(self.inner)
        self.rows: list[np.ndarray] = []

    def add(self, features: Features, name: str | None, index: int) -> None:
        """Take the feature of a record.

        Raises:
          InvalidArgumentError: it is missing, of another type, or of a wrong length.
        """
        feature = self.feature(features)
        if feature is None:
            self.rows.append(self.missing(name))
            return
        other = self.differs(feature)
        if other:
            raise invalid(
                f"{self.where(name, index)}Data types don't match. Data type: {other} "
                f"but expected type: {self.word}"
            )
        values = values_of(feature, self.field)
        self.check_count(len(values), name, index)
        self.rows.append(values)

    def missing(self, name: str | None) -> np.ndarray:
        """What stands for a feature that is not there.

        Raises:
          InvalidArgumentError: nothing does.
        """
        if self.varies:
            return empty(0, self.dtype)
        if not self.default.size:
            named = "" if name is None else f"Name: {name}, "
            raise invalid(
                f"{named}Feature: {self.key} (data type: {self.word}) is required but "
                "could not be found."
            )
        return np.broadcast_to(self.default, self.inner).ravel()

    def check_count(self, count: int, name: str | None, index: int) -> None:
        """Check how many elements a record has.

        Raises:
          InvalidArgumentError: they do not make the shape.
        """
        if self.varies:
            wrong = count % self.stride if self.stride else count
            text = (
                f"Number of {self.elements} values is not a multiple of stride length. "
                f"Saw {count} values but output shape is: {shape_text(self.shape)}"
            )
        else:
            wrong = count != self.stride
            text = (
                f"Number of {self.elements} values != expected.  Values size: {count} "
                f"but output shape: {shape_text(self.shape)}"
            )
        if wrong:
            if name is None:
                text = "Can't parse serialized Example."
            raise invalid(self.where(name, index) + text)

    def batch(self) -> np.ndarray:
        """The records as rows."""
        count = len(self.rows)
        if not self.varies:
            whole = self.rows or [empty(0, self.dtype)]
            return np.concatenate(whole).reshape(count, *self.inner)
        return padded(self.rows, self.inner, self.default, self.dtype)

    def single(self) -> np.ndarray:
        """The only record."""
        (values,) = self.rows
        if not self.varies:
            return values.reshape(self.inner)
        return values.reshape(_steps(len(values), self.stride), *self.inner)


def _steps(count: int, stride: int) -> int:
    return count // stride if stride else 0


def padded(
    rows: Sequence[np.ndarray],
    inner: tuple[int, ...],
    padding: Array,
    dtype: dtypes.DType,
) -> np.ndarray:
    """Rows of several lengths, all as long as the longest.

    Args:
      rows: their elements.
      inner: the shape of a step of a row.
      padding: the element that they are made longer by.
      dtype: the type of the elements.
    """
    most = max(map(len, rows), default=0)
    steps = _steps(most, math.prod(inner))
    made = np.full((len(rows), most), padding.item(), dtype.as_numpy_dtype)
    for target, row in zip(made, rows, strict=True):
        target[: len(row)] = row
    return made.reshape(len(rows), steps, *inner)


def put(outputs: list[list[Any]], tensors: Sequence[Any]) -> None:
    """Add the three tensors of a sparse one, each to its list."""
    for target, tensor in zip(outputs, tensors, strict=True):
        target.append(tensor)


def names_of(names: Array, count: int) -> Callable[[int], str]:
    """The name of each record: as given, or that there is none.

    Raises:
      InvalidArgumentError: there are more or fewer names than records.
    """
    flat = np.asarray(names, object).ravel()
    if not flat.size:
        return lambda index: "<unknown>"
    if flat.size != count:
        raise invalid(
            f"Expected len(names) == len(serialized), but got: {flat.size} vs. {count}"
        )
    return lambda index: text_of(flat[index])
