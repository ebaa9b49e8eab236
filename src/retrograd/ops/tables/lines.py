"""Columns of files of text, for tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import NotFoundError
from retrograd.ops.arguments import refused

if TYPE_CHECKING:
    from retrograd.typing import Array

#: what stands for a column: all of the line, or its number
WHOLE_LINE, LINE_NUMBER = -2, -1

_WHOLE = re.compile(rb"-?[0-9]+")


def _lines(path: bytes) -> Iterator[bytes]:
    """The lines of a file, without their ends.

    Raises:
      NotFoundError: there is no such file.
    """
    try:
        with open(path, "rb") as stream:
            for line in stream:
                yield line.rstrip(b"\n").rstrip(b"\r")
    except FileNotFoundError as error:
        text = f"{path.decode()}; No such file or directory"
        raise NotFoundError(None, None, text) from error


def _parsed(text: bytes, dtype: np.dtype, number: int) -> Any:
    """A field as an element of a type.

    Raises:
      InvalidArgumentError: it is none.
    """
    if dtype.kind == "O":
        return text
    bare = text.strip()
    if dtype.kind == "i" and _WHOLE.fullmatch(bare):
        found, info = int(bare), np.iinfo(dtype)
        if info.min <= found <= info.max:
            return found
    if dtype.kind == "f":
        try:
            return float(bare)
        except ValueError:
            pass
    shown = text.decode("utf-8", "replace")
    name = {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
    raise refused(f"Field {shown} in line {number} is not a valid {name}.")


def read_columns(
    path: bytes,
    columns: Sequence[tuple[int, np.dtype]],
    count: int,
    delimiter: bytes,
) -> tuple[Array, ...]:
    """Columns of a file as arrays.

    Args:
      path: the file.
      columns: which, and the dtype of each.
      count: how many lines there have to be at least, and are read; −1 for all.
      delimiter: what is between columns.

    Raises:
      InvalidArgumentError: the file has fewer columns or lines, or other fields.
      NotFoundError: there is no such file.
    """
    least = max(index for index, _ in columns) + 1
    found: list[list[Any]] = [[] for _ in columns]
    number = 0
    for number, line in enumerate(_lines(path), 1):
        if 0 <= count < number:
            number = count
            break
        parts = line.split(delimiter) if least > 0 else [line]
        if len(parts) < least:
            shown = line.decode("utf-8", "replace")
            raise refused(
                f"Invalid number of columns in {path.decode()} line {number - 1} "
                f"({shown}) : expected {least - 1} got {len(parts)}"
            )
        for (index, dtype), column in zip(columns, found, strict=True):
            if index == LINE_NUMBER:
                column.append(number - 1)
            else:
                field = line if index == WHOLE_LINE else parts[index]
                column.append(_parsed(field, dtype, number - 1))
    if 0 <= count != number:
        raise refused(
            f"Invalid vocab_size in {path.decode()}: expected {count} but got {number}"
        )
    return tuple(
        np.array([*column, None], object)[:-1].astype(dtype)
        for (_, dtype), column in zip(columns, found, strict=True)
    )
