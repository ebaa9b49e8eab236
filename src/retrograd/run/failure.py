"""Errors of a run: which operation failed, on what, and where the program made it."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd import errors
from retrograd.graph.operation import Operation
from retrograd.ops.infer import broadcast

_CLASSES: dict[type[BaseException], Any] = {
    StopIteration: errors.OutOfRangeError,
    MemoryError: errors.ResourceExhaustedError,
    NotImplementedError: errors.UnimplementedError,
    ValueError: errors.InvalidArgumentError,
    TypeError: errors.InvalidArgumentError,
    IndexError: errors.InvalidArgumentError,
    ZeroDivisionError: errors.InvalidArgumentError,
}


def describe(error: Exception, op: Operation | None, values: Any) -> Exception:
    """`error` as an OpError that names the operation and the user's line."""
    if isinstance(error, errors.OpError):
        if error.op is None and op is not None:
            error._op = op
            error._message = _text(error.message, op)
        return error
    if op is None:
        return error
    first = str(error)
    if op._op_def is not None and values is not None:
        first = _broadcast_text(op, values) or first
    kind = next(
        (c for k, c in _CLASSES.items() if isinstance(error, k)), errors.UnknownError
    )
    if kind is errors.UnknownError:
        first = f"{type(error).__name__}: {error}"
    result = kind(None, op, _text(first, op))
    result.__cause__ = error
    return result


def _text(first: str, op: Operation) -> str:
    lines = first.split("\n")
    if not isinstance(op, Operation):
        lines[0] += errors.at_once(op.type, op.given_name)
    lines.insert(1, f"\t [[node {op.name} (defined at {op.where}) ]]")
    return "\n".join(lines)


def _broadcast_text(op: Operation, values: list[Any]) -> str | None:
    from retrograd.ops.declare import find

    declaration = find(op.type)
    if declaration is None or declaration.infer is not broadcast or len(values) != 2:
        return None
    a, b = (np.shape(v) for v in values)
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return f"Incompatible shapes: {_shape(a)} vs. {_shape(b)}"
    return None


def _shape(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"
