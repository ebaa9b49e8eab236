"""A dataset of the rows of CSV files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.hooks import hooks
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.ops.data.elements import (
    Element,
    Elements,
    Scope,
    declare,
    invalid_argument,
)
from retrograd.ops.host.text import text_of
from retrograd.ops.parsing.csv_ops import read_field
from retrograd.platform.files import open_stream

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

_QUOTE, _RETURN, _LINE = ord('"'), ord("\r"), ord("\n")


def _content(path: str, compression: str) -> bytes:
    with open_stream(path, "rb") as stream:
        if compression:
            return hooks.decompressed(stream, compression).read()
        return stream.read()


class _Records:
    """Goes through the records of a text, which may have line ends between quotes.

    A record that is wrong is left out when the next is asked for.
    """

    def __init__(self, text: bytes, delim: int, quotes: bool) -> None:
        self._text, self._delim, self._quotes = text, delim, quotes
        self._at = 0

    def next(self) -> list[bytes]:
        """The fields of the next record.

        Raises:
          StopIteration: there is none.
          InvalidArgumentError: it is not well formed.
        """
        if self._at >= len(self._text):
            raise StopIteration
        fields: list[bytes] = []
        while True:
            quoted = self._quotes and self._text[self._at : self._at + 1] == b'"'
            fields.append(self._quoted() if quoted else self._plain())
            if self._ended():
                return fields

    def _ended(self) -> bool:
        """Go past what ends a field; whether it ends the record too."""
        at, text = self._at, self._text
        if at >= len(text):
            return True
        self._at += 1
        if text[at] == self._delim:
            return False
        if text[at] == _RETURN and text[at + 1 : at + 2] == b"\n":
            self._at += 1
        return True

    def _plain(self) -> bytes:
        start, text = self._at, self._text
        at = start
        while at < len(text) and text[at] not in (self._delim, _RETURN, _LINE):
            if text[at] == _QUOTE and self._quotes:
                self._skip_line()
                raise invalid_argument("Unquoted fields cannot have quotes inside")
            at += 1
        self._at = at
        return text[start:at]

    def _quoted(self) -> bytes:
        text, at, wrong = self._text, self._at + 1, False
        made = bytearray()
        while True:
            end = text.find(b'"', at)
            if end < 0:
                self._at = len(text)
                raise invalid_argument(
                    "Reached end of file without closing quoted field in record"
                )
            made += text[at:end]
            at = end + 2
            after = text[end + 1 : end + 2]
            if after == b'"':
                made += after
            elif after in (b"", b"\r", b"\n") or after[0] == self._delim:
                self._at = end + 1
                if not wrong:
                    return bytes(made)
                self._skip_line()
                raise invalid_argument(
                    "Quote inside a string has to be escaped by another quote"
                )
            else:
                wrong, at = True, end + 1

    def _skip_line(self) -> None:
        end = self._text.find(b"\n", self._at)
        self._at = len(self._text) if end < 0 else end + 1


class _Rows:
    """Goes through the rows of some files."""

    def __init__(self, files: list[tuple[str, str]], header: bool, rows: Row) -> None:
        self._files, self._header, self._row = files, header, rows
        self._next = 0
        self._records: _Records | None = None

    def __iter__(self) -> _Rows:
        return self

    def __next__(self) -> Element:
        while True:
            if self._records is None:
                if self._next >= len(self._files):
                    raise StopIteration
                # one that cannot be read is tried again
                self._records = self._row.opened(*self._files[self._next])
                self._next += 1
                if self._header:
                    self._skip_header()
            try:
                fields = self._records.next()
            except StopIteration:
                self._records = None
                continue
            return self._row.values(fields)

    def _skip_header(self) -> None:
        assert self._records is not None
        try:
            self._records.next()
        except StopIteration:
            raise invalid_argument("Can't read header of file") from None


class Row:
    """How a record becomes an element."""

    def __init__(
        self,
        delim: str,
        quotes: bool,
        nothing: bytes,
        columns: list[int],
        defaults: list[np.ndarray],
        kinds: list[dtypes.DType],
    ) -> None:
        self._delim, self._quotes, self._nothing = delim, quotes, nothing
        self._columns, self._defaults, self._kinds = columns, defaults, kinds

    def opened(self, path: str, compression: str) -> _Records:
        """The records of a file."""
        return _Records(_content(path, compression), ord(self._delim), self._quotes)

    def values(self, fields: list[bytes]) -> Element:
        """The values of a record.

        Raises:
          InvalidArgumentError: there is another number of them, or one is no number.
        """
        wanted = len(self._kinds)
        chosen = fields
        if self._columns:
            chosen = [fields[i] for i in self._columns if i < len(fields)]
            if len(chosen) < wanted:
                raise invalid_argument(
                    f"Expect {wanted} fields but have {len(chosen)} in record"
                )
        elif len(fields) > wanted:
            raise invalid_argument(f"Expect {wanted} fields but have more in record")
        elif len(fields) < wanted:
            raise invalid_argument(
                f"Expect {wanted} fields but have {len(fields)} in record"
            )
        return tuple(self._value(i, field) for i, field in enumerate(chosen))

    def _value(self, i: int, field: bytes) -> object:
        kind, default = self._kinds[i], self._defaults[i]
        if not field or field == self._nothing:
            if not default.size:
                raise invalid_argument(f"Field {i} is required but missing in record!")
            return default.reshape(-1)[0]
        dtype = np.dtype(kind.as_numpy_dtype)
        value = read_field(field, dtype)
        if value is None:
            raise invalid_argument(
                f"Field {i} in record is not a valid {type_word(kind)}: "
                f"{field.decode('utf-8', 'replace')}"
            )
        return value if dtype.kind == "O" else dtype.type(value)


def _csv(
    xp: Arrays,
    filenames: Array,
    compression_type: Array | bytes,
    buffer_size: Array,
    header: Array,
    field_delim: Array | bytes,
    use_quote_delim: Array,
    na_value: Array | bytes,
    select_cols: Array,
    *record_defaults: Array,
    n: Operation,
) -> Elements:
    """The rows of CSV files."""
    del xp
    if buffer_size <= 0:
        raise invalid_argument("buffer_size should be positive")
    delim = text_of(field_delim)
    if len(delim) != 1:
        raise invalid_argument("field_delim should be only 1 char")
    columns = [int(c) for c in np.asarray(select_cols).reshape(-1)]
    if columns and len(columns) != len(record_defaults):
        raise invalid_argument("select_cols should match output size")
    if any(a >= b for a, b in itertools.pairwise(columns)):
        raise invalid_argument("select_cols should be strictly increasing indices")
    if columns and columns[0] < 0:
        raise invalid_argument("select_cols should be non-negative indices")
    row = Row(
        delim,
        bool(use_quote_delim),
        text_of(na_value).encode(),
        columns,
        [np.asarray(default) for default in record_defaults],
        n.attrs["output_types"],
    )
    kind = text_of(compression_type)
    names = [os.fsdecode(p) for p in np.asarray(filenames, object).ravel()]
    files = [(name, kind) for name in names]

    def start(_: Scope) -> Iterator[Element]:
        return _Rows(files, bool(header), row)

    return Elements(start)


declare("CSVDataset", _csv)
declare("ExperimentalCSVDataset", _csv)


def _sql(
    xp: Arrays,
    driver_name: Array | bytes,
    data_source_name: Array | bytes,
    query: Array | bytes,
    *,
    n: Operation,
) -> Elements:
    """The rows that a query of an SQLite database gives."""
    del xp
    driver = text_of(driver_name)
    if driver != "sqlite":
        raise invalid_argument(
            "The database type, "
            f"{driver}, is not supported by SqlDataset. The set of supported "
            "databases is: {'sqlite'}."
        )
    kinds: list[dtypes.DType] = n.attrs["output_types"]

    def start(_: Scope) -> Iterator[Element]:
        import sqlite3

        connection = sqlite3.connect(text_of(data_source_name))
        try:
            try:
                cursor = connection.execute(text_of(query))
            except sqlite3.Error as error:
                raise errors.UnknownError(
                    None, None, f"Prepare() failed: [17] {error}: {text_of(query)}"
                ) from None
            for row in cursor:
                if len(row) != len(kinds):
                    raise invalid_argument(
                        f"The number of columns in query ({len(row)}) must match the "
                        f"number of elements in output_types ({len(kinds)})."
                    )
                yield tuple(map(_sql_value, row, kinds))
        finally:
            connection.close()

    return Elements(start)


def _sql_value(value: object, kind: dtypes.DType) -> object:
    if kind == dtypes.string:
        if value is None:
            return b""
        return value if isinstance(value, bytes) else str(value).encode()
    dtype = np.dtype(kind.as_numpy_dtype)
    if kind == dtypes.bool:
        return np.bool_(value == 1)
    return dtype.type(0 if value is None else value)


declare("SqlDataset", _sql)
declare("ExperimentalSqlDataset", _sql)
