"""Ops: tables, how they are filled and looked up in.

Each op has two forms: of graphs that pass tables by reference, and of those that pass
resources.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import nothing, scalar, shape_text
from retrograd.ops.tables.lines import read_columns
from retrograd.ops.tables.stored import DenseTable, FixedTable, Table

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.run.store import Store
    from retrograd.typing import Array, Arrays

    Handle: TypeAlias = Table | np.ndarray


# ---------------------------------------------------------------------- making tables


def _types(n: Operation) -> tuple[np.dtype, np.dtype]:
    attrs = n.attrs
    return attrs["key_dtype"].array_dtype, attrs["value_dtype"].array_dtype


def _value_shape(n: Operation) -> tuple[int, ...]:
    """The shape of a value.

    Raises:
      InvalidArgumentError: it is not known, or of no vector and no scalar.
    """
    raw = n.attrs.get("value_shape", ())
    if raw is None or len(raw) > 1 or None in raw:
        shown = "<unknown>" if raw is None else shape_text(raw)
        raise refused(f"Default value must be a vector, got shape {shown}")
    return tuple(map(int, raw))


def _make_fixed(n: Operation) -> Table:
    return FixedTable(*_types(n))


def _make(n: Operation) -> Table:
    return Table(*_types(n), _value_shape(n))


def _shared(n: Operation, store: Store, make: Callable[[], Table]) -> Table:
    """The table of a session, made at first; of an operation that runs at once, one."""
    if isinstance(n, Record):
        return make()
    return store.resource("table", n, make)


def _table_kernel(xp: Arrays, *, n: Operation, store: Store) -> Table:
    """A table."""
    del xp
    fixed = n.type.startswith("HashTable")
    make = functools.partial(_make_fixed if fixed else _make, n)
    return _shared(n, store, make)


def _dense_kernel(
    xp: Arrays, empty: Array, deleted: Array, *, n: Operation, store: Store
) -> Table:
    """A table with keys that cannot be used."""
    del xp

    def make() -> Table:
        return DenseTable(empty, deleted, *_types(n), _value_shape(n))

    return _shared(n, store, make)


def _two(n: Operation) -> RawShape:
    """Older handles hold the container and the name."""
    return (2,)


_KERNELS = {
    "HashTable": _table_kernel,
    "MutableHashTable": _table_kernel,
    "MutableHashTableOfTensors": _table_kernel,
    "MutableDenseHashTable": _dense_kernel,
}
for _name, _kernel in _KERNELS.items():
    if _name != "MutableDenseHashTable":  # of which TensorFlow fails to make the older
        op(_name, infer=_two, host=True, pure=False, grad=NOT_DIFFERENTIABLE)(_kernel)
    _newer = f"{_name}V2"
    op(_newer, infer=scalar, host=True, pure=False, grad=NOT_DIFFERENTIABLE)(_kernel)


# ---------------------------------------------------------------------- using tables


def _found(handle: Handle) -> Table:
    """The table that a handle is: one picked out of several is in an array."""
    return handle.item() if isinstance(handle, np.ndarray) else handle


def _check_types(
    table: Table, keys: Array | np.dtype, values: Array | np.dtype
) -> None:
    """Refuse keys or values of other types than the table's.

    Raises:
      InvalidArgumentError: they are.
    """
    for name, given, held in (
        ("Key", keys, table.key_dtype),
        ("Value", values, table.value_dtype),
    ):
        dtype = given if isinstance(given, np.dtype) else np.asarray(given).dtype
        if dtype != held:
            raise refused(f"{name} must be type {held} but got {dtype}")


def _initialize_kernel(
    xp: Arrays, handle: Handle, keys: Array, values: Array
) -> tuple[()]:
    """Fill a table, unless it is.

    Raises:
      InvalidArgumentError: not as many values as keys, or of other types.
    """
    del xp
    table = _found(handle)
    _check_types(table, keys, values)
    if keys.ndim != 1:
        raise refused(
            f"Keys must be a vector, but received shape{shape_text(keys.shape)}"
        )
    if values.shape[:1] != keys.shape:
        raise refused(
            f"Number of elements in key and value must be equal: {keys.size} vs. "
            f"{values.size}"
        )
    table.replace(keys, values)
    return ()


def _file_kernel(
    xp: Arrays,
    handle: Handle,
    filename: Array,
    *,
    key_index: int,
    value_index: int,
    vocab_size: int,
    delimiter: str | bytes,
) -> tuple[()]:
    """Fill a table with columns of a file of text, unless it is.

    Raises:
      InvalidArgumentError: the file has other columns, or fewer lines.
      NotFoundError: there is no such file.
    """
    del xp
    table = _found(handle)
    columns = (key_index, table.key_dtype), (value_index, table.value_dtype)
    between = delimiter if isinstance(delimiter, bytes) else delimiter.encode()
    path = np.asarray(filename).item()
    table.replace(*read_columns(path, columns, vocab_size, between))
    return ()


def _find_kernel(xp: Arrays, handle: Handle, keys: Array, default: Array) -> Array:
    """The values of keys; of those that are not there the default.

    Raises:
      FailedPreconditionError: the table has to be initialized first.
      InvalidArgumentError: types or shapes that do not fit.
    """
    del xp
    table = _found(handle)
    keys, default = np.asarray(keys), np.asarray(default)
    _check_types(table, keys, default)
    return table.find(keys, default)


def _insert_kernel(xp: Arrays, handle: Handle, keys: Array, values: Array) -> tuple[()]:
    """Put values in."""
    del xp
    table = _found(handle)
    _check_types(table, keys, values)
    table.insert(np.asarray(keys), np.asarray(values))
    return ()


def _remove_kernel(xp: Arrays, handle: Handle, keys: Array) -> tuple[()]:
    """Take keys out."""
    del xp
    _found(handle).remove(np.asarray(keys))
    return ()


def _size_kernel(xp: Arrays, handle: Handle) -> np.int64:
    """How many keys there are."""
    del xp
    return np.int64(_found(handle).size())


def _export_kernel(
    xp: Arrays, handle: Handle, *, Tkeys: np.dtype, Tvalues: np.dtype
) -> tuple[Array, Array]:
    """All keys and values."""
    del xp
    table = _found(handle)
    _check_types(table, Tkeys, Tvalues)
    return table.export()


def _looked_up(n: Operation) -> RawShape:
    """The shape of the keys, and that of a value behind it."""
    keys, default = (n._inputs[i]._shape_raw for i in (1, 2))
    older = n._inputs[0].dtype._is_ref_dtype
    return None if keys is None or default is None or older else (*keys, *default)


def _exported(n: Operation) -> list[RawShape]:
    """Of keys it is known that they are a vector."""
    del n
    return [(None,), None]


_OPS: Sequence[tuple[str, Callable[..., Any], Callable[..., Any], bool]] = (
    ("InitializeTable", _initialize_kernel, nothing, True),
    ("InitializeTableFromTextFile", _file_kernel, nothing, True),
    ("LookupTableFind", _find_kernel, _looked_up, True),
    ("LookupTableInsert", _insert_kernel, nothing, True),
    ("LookupTableImport", _initialize_kernel, nothing, False),
    ("LookupTableSize", _size_kernel, scalar, True),
    ("LookupTableExport", _export_kernel, _exported, False),
    ("LookupTableRemove", _remove_kernel, nothing, False),
)
for _name, _kernel, _infer, _blocks in _OPS:
    # of some TensorFlow says that they pass no gradient, of others nothing
    _grad = NOT_DIFFERENTIABLE if _blocks else None
    _about: dict[str, Any] = dict(infer=_infer, host=True, pure=False, grad=_grad)
    if _name != "LookupTableRemove":
        op(_name, cells="table_handle", **_about)(_kernel)
    op(f"{_name}V2", cells="table_handle", **_about)(_kernel)
