"""The op that reads tensors from lines of CSV."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import op
from retrograd.ops.infer import invalid as wrong
from retrograd.ops.infer import with_rank_at_most
from retrograd.ops.parsing.columns import invalid

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

_INT = re.compile(rb"\s*-?[0-9]+\s*")
_FLOAT = re.compile(
    rb"\s*[+-]?(?:[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?|"
    rb"inf(?:inity)?|nan)\s*",
    re.IGNORECASE,
)
_HEX = re.compile(rb"\s*[+-]?0x[0-9a-f.]+(?:p[+-]?[0-9]+)?\s*", re.IGNORECASE)


def _int(text: bytes, kind: np.dtype) -> int | None:
    limits = np.iinfo(kind)
    if not _INT.fullmatch(text):
        return None
    value = int(text)
    return value if limits.min <= value <= limits.max else None


def _float(text: bytes, kind: np.dtype) -> float | None:
    del kind
    if _FLOAT.fullmatch(text):
        return float(text)
    if _HEX.fullmatch(text):
        return float.fromhex(text.decode())
    return None


def _same(text: bytes, kind: np.dtype) -> bytes:
    del kind
    return text


_READERS: dict[str, Callable[[bytes, np.dtype], Any]] = {
    "i": _int,
    "f": _float,
    "O": _same,
}


def read_field(text: bytes, kind: np.dtype) -> Any:
    """The value of a field as an element of a type; None where it is none."""
    return _READERS[kind.kind](text, kind)


def _shapes(n: Operation) -> list[RawShape]:
    for i in range(1, len(n._inputs)):
        raw = with_rank_at_most(n, i, 1)
        if raw and (raw[0] or 0) > 1:
            raise wrong(
                n,
                "Shape of a default must be a length-0 or length-1 vector, or a "
                "scalar.",
            )
    return [n._inputs[0]._shape_raw] * len(n._outputs)


def _quoted(line: bytes, start: int, delim: bytes) -> tuple[bytes, int]:
    """A field between quotes, and where it ends."""
    parts, at = [], start + 1
    while True:
        end = line.find(b'"', at)
        if end < 0:
            raise invalid("Quoted field has to end with quote followed by delim or end")
        parts.append(line[at:end])
        after = line[end + 1 : end + 2]
        if after in (b"", delim):
            return b'"'.join(parts), end + 1
        if after != b'"':
            raise invalid("Quote inside a string has to be escaped by another quote")
        at = end + 2


def _fields(line: bytes, delim: bytes, quotes: bool) -> Iterator[bytes]:
    """The fields of a line."""
    at, size = 0, len(line)
    refused = re.compile(rb'["\r\n]' if quotes else rb"[\r\n]")
    while at < size:
        if quotes and line[at : at + 1] == b'"':
            field, end = _quoted(line, at, delim)
        else:
            end = line.find(delim, at)
            end = size if end < 0 else end
            field = line[at:end]
            if refused.search(field):
                raise invalid("Unquoted fields cannot have quotes/CRLFs inside")
        yield field
        at = end + 1
        if at == size and line[end:at] == delim:
            yield b""


def _chosen(
    line: bytes, delim: bytes, quotes: bool, columns: Sequence[int]
) -> list[bytes]:
    """The fields of a line, or those of some columns."""
    found = list(_fields(line, delim, quotes))
    return [found[i] for i in columns if i < len(found)] if columns else found


@op("DecodeCSV", infer=_shapes, host=True)
def decode_csv(
    xp: Arrays,
    records: Array | bytes,
    *record_defaults: Array,
    field_delim: str,
    use_quote_delim: bool,
    na_value: str,
    select_cols: Sequence[int],
    n: Operation,
) -> Any:
    """The columns of lines of CSV, each a tensor."""
    del xp
    if len(field_delim) != 1:
        raise invalid("field_delim should be only 1 char")
    delim, nothing = field_delim.encode(), na_value.encode()
    kinds = [dtypes.as_dtype(t) for t in n.attrs["OUT_TYPE"]]
    given = np.asarray(records, object)
    columns = [np.empty(given.size, k.as_numpy_dtype) for k in kinds]
    defaults = [np.asarray(default).ravel() for default in record_defaults]
    readers = [_READERS[column.dtype.kind] for column in columns]
    for i, line in enumerate(given.ravel()):
        fields = _chosen(line, delim, use_quote_delim, select_cols)
        if len(fields) != len(columns):
            raise invalid(
                f"Expect {len(columns)} fields but have {len(fields)} in record {i}"
            )
        for f, field in enumerate(fields):
            if not field or field == nothing:
                if not defaults[f].size:
                    raise invalid(f"Field {f} is required but missing in record {i}!")
                columns[f][i] = defaults[f][0]
                continue
            value = readers[f](field, columns[f].dtype)
            if value is None:
                raise invalid(
                    f"Field {f} in record {i} is not a valid {type_word(kinds[f])}: "
                    f"{field.decode('utf-8', 'replace')}"
                )
            columns[f][i] = value
    made = tuple(column.reshape(given.shape) for column in columns)
    return made[0] if len(made) == 1 else made
