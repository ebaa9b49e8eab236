"""What tables hold: dictionaries from keys to arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import FailedPreconditionError
from retrograd.ops.arguments import refused
from retrograd.ops.infer import shape_text

if TYPE_CHECKING:
    from retrograd.typing import Array


def _shown(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class Table:
    """A table that can be changed.

    Args:
      key_dtype, value_dtype: NumPy's types of keys and values.
      value_shape: the shape of a value.
      key_shape: the shape of a key.
    """

    def __init__(
        self,
        key_dtype: np.dtype,
        value_dtype: np.dtype,
        value_shape: tuple[int, ...] = (),
        key_shape: tuple[int, ...] = (),
    ) -> None:
        self.key_dtype, self.value_dtype = key_dtype, value_dtype
        self.value_shape, self.key_shape = value_shape, key_shape
        self.items: dict[Any, Any] = {}
        self.lock = threading.Lock()

    def saved(self) -> Callable[[], None]:
        """A function that brings back what the table holds now."""
        before = self.items  # other items are another dictionary

        def put_back() -> None:
            self.items = before

        return put_back

    def _keys(self, keys: Array) -> tuple[list[Any], tuple[int, ...]]:
        """Keys as things that can be compared, and the shape that they lie in."""
        rank = keys.ndim - len(self.key_shape)
        if keys.shape[rank:] != self.key_shape:
            raise refused(
                f"Expected key shape {shape_text(self.key_shape)} to be a suffix of "
                f"the keys, got {shape_text(keys.shape)}"
            )
        if not self.key_shape:
            return keys.reshape(-1).tolist(), keys.shape
        rows = keys.reshape(-1, *self.key_shape)
        return [tuple(row.reshape(-1).tolist()) for row in rows], keys.shape[:rank]

    def find(self, keys: Array, default: Array) -> Array:
        """The values of keys, of those that are not there `default`.

        Raises:
          InvalidArgumentError: it has another shape than a value.
        """
        if default.shape != self.value_shape:
            raise refused(
                f"Expected shape {shape_text(self.value_shape)} for default value, got "
                f"{shape_text(default.shape)}"
            )
        wanted, shape = self._keys(keys)
        items = self.items
        other = default if self.value_shape else default.item()
        found = np.empty((len(wanted), *self.value_shape), self.value_dtype)
        for i, key in enumerate(wanted):
            found[i] = items.get(key, other)
        return found.reshape((*shape, *self.value_shape))

    def _pairs(self, keys: Array, values: Array) -> list[tuple[Any, Any]]:
        wanted, shape = self._keys(keys)
        if values.shape != (*shape, *self.value_shape):
            raise refused(
                f"Expected shape {shape_text((*shape, *self.value_shape))} for value, "
                f"got {shape_text(values.shape)}"
            )
        rows = values.reshape(len(wanted), *self.value_shape)
        held = rows.tolist() if not self.value_shape else list(np.array(rows))
        return list(zip(wanted, held, strict=True))

    def insert(self, keys: Array, values: Array) -> None:
        """Put values in, of equal keys the last.

        Raises:
          InvalidArgumentError: shapes that do not fit.
        """
        pairs = self._pairs(keys, values)
        with self.lock:
            self.items = {**self.items, **dict(pairs)}

    def replace(self, keys: Array, values: Array) -> None:
        """Hold these values and no others."""
        pairs = self._pairs(keys, values)
        with self.lock:
            self.items = dict(pairs)

    def remove(self, keys: Array) -> None:
        """Take keys out that are there."""
        gone = set(self._keys(keys)[0])
        with self.lock:
            self.items = {k: v for k, v in self.items.items() if k not in gone}

    def size(self) -> int:
        """How many keys there are."""
        return len(self.items)

    def export(self) -> tuple[Array, Array]:
        """All keys and values."""
        items = self.items
        keys = np.empty((len(items), *self.key_shape), self.key_dtype)
        values = np.empty((len(items), *self.value_shape), self.value_dtype)
        for i, (key, value) in enumerate(items.items()):
            keys[i] = np.reshape(key, self.key_shape) if self.key_shape else key
            values[i] = value
        return keys, values


class FixedTable(Table):
    """A table that is filled once, before it is used."""

    filled = False

    def saved(self) -> Callable[[], None]:
        """A function that brings back what the table holds now."""
        put_back, filled = super().saved(), self.filled

        def back() -> None:
            put_back()
            self.filled = filled

        return back

    def _check(self) -> None:
        if not self.filled:
            raise FailedPreconditionError(None, None, "Table not initialized.")

    def fill(self, keys: Array, values: Array) -> None:
        """Put the values in, unless there are some.

        Raises:
          FailedPreconditionError: a key that is there with another value.
          InvalidArgumentError: shapes that do not fit.
        """
        items: dict[Any, Any] = {}
        for key, value in self._pairs(keys, values):
            held = items.setdefault(key, value)
            if held != value:
                text = (
                    f"HashTable has different value for same key. Key {_shown(key)} "
                    f"has {_shown(held)} and trying to add value {_shown(value)}"
                )
                raise FailedPreconditionError(None, None, text)
        with self.lock:
            if not self.filled:
                self.items, self.filled = items, True

    insert = replace = fill

    def find(self, keys: Array, default: Array) -> Array:
        """As `Table.find`, of a table that is filled."""
        self._check()
        return super().find(keys, default)

    def size(self) -> int:
        """As `Table.size`, of a table that is filled."""
        self._check()
        return super().size()

    def export(self) -> tuple[Array, Array]:
        """As `Table.export`, of a table that is filled."""
        self._check()
        return super().export()


class DenseTable(Table):
    """A table with two keys that cannot be used.

    Args:
      empty, deleted: these keys.
      key_dtype, value_dtype, value_shape: as of `Table`.

    Raises:
      InvalidArgumentError: they are one.
    """

    def __init__(
        self,
        empty: Array,
        deleted: Array,
        key_dtype: np.dtype,
        value_dtype: np.dtype,
        value_shape: tuple[int, ...],
    ) -> None:
        super().__init__(key_dtype, value_dtype, value_shape, np.shape(empty))
        one, other = (super(DenseTable, self)._keys(k)[0][0] for k in (empty, deleted))
        if one == other:
            raise refused("Empty and deleted keys cannot be equal")
        self.taken = {"empty": one, "deleted": other}

    def _keys(self, keys: Array) -> tuple[list[Any], tuple[int, ...]]:
        found = super()._keys(keys)
        for word, key in getattr(self, "taken", {}).items():
            if key in found[0]:
                raise refused(f"Using the {word}_key as a table key is not allowed")
        return found
