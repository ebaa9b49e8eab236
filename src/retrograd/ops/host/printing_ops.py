"""Ops: checks and printing while a graph runs: `tf.Assert`, `tf.Print`, `tf.print`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from retrograd import errors
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.host.text import abridged, summarized
from retrograd.ops.infer import invalid, nothing, same
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


@op("Assert", infer=nothing, grad=NOT_DIFFERENTIABLE, host=True)
def assert_kernel(
    xp: Arrays, condition: Array, *data: Array, summarize: int
) -> tuple[()]:
    """Nothing where the condition holds, else an error that shows the data."""
    del xp
    if not condition:
        shown = " ".join(f"[{summarized(d, summarize)}]" for d in data)
        raise errors.InvalidArgumentError(None, None, f"assertion failed: {shown}")
    return ()


@op(
    "Print",
    infer=same,
    math="y = x",
    grad=lambda n, dy: [dy] + [None] * (len(n.inputs) - 1),
    host=True,
    state=lambda n: 0,
    notation=dict(input="x̄ = ȳ"),
    traits=Traits(passes=Passes.SAME),
)
def print_kernel(
    xp: Arrays,
    printed: int,
    value: Array,
    *data: Array,
    message: str,
    first_n: int,
    summarize: int,
) -> tuple[Array | int, ...]:
    """The input; other inputs are written to stderr, the first times or always."""
    del xp
    if first_n < 0 or printed < first_n:
        shown = "".join(f"[{summarized(d, summarize)}]" for d in data)
        _write(sys.stderr, f"{message}{shown}\n")
    return printed + 1, value


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _text(value: Array | bytes) -> str:
    item: Any = value[()] if isinstance(value, np.ndarray) else value
    if isinstance(item, bytes):
        return item.decode("utf-8", "surrogateescape")
    return str(item)


def _printed(n: Operation) -> list[RawShape]:
    raw = n._inputs[0]._shape_raw
    if raw != ():  # nor may the rank be unknown
        rank = -1 if raw is None else len(raw)
        raise invalid(n, f"input must be a scalar, but has rank: {rank}")
    return []


@op("PrintV2", infer=_printed, host=True)
def print_v2_kernel(
    xp: Arrays, value: Array, *, output_stream: str, end: str
) -> tuple[()]:
    """Writes a string to stdout, stderr, the log or a file."""
    del xp
    if np.ndim(value):
        shape = "[" + ",".join(map(str, np.shape(value))) + "]"
        raise errors.InvalidArgumentError(
            None, None, f"Input is expected to be scalar, but got {shape}"
        )
    text = _text(value)
    if output_stream.startswith("file://"):
        with open(output_stream[7:], "a", encoding="utf-8") as file:
            file.write(text + end)
    elif output_stream == "stdout":
        _write(sys.stdout, text + end)
    elif output_stream == "stderr":
        _write(sys.stderr, text + end)
    else:
        letter = output_stream[len("log(")].upper()
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        _write(sys.stderr, f"{now}: {letter} {text}\n")
    return ()


def _formatted(n: Operation) -> RawShape:
    template, mark = n.attrs["template"], n.attrs["placeholder"]
    places = template.count(mark) if mark else max(0, len(template) - 1)
    if places != len(n._inputs):
        raise invalid(
            n,
            "num placeholders in template and num inputs must match: "
            f"{places} vs. {len(n._inputs)}",
        )
    return ()


@op("StringFormat", infer=_formatted, host=True)
def string_format_kernel(
    xp: Arrays, *values: Array, template: str, placeholder: str, summarize: int
) -> Array:
    """The template, with each placeholder replaced by the text of a tensor."""
    del xp
    parts = template.split(placeholder)
    found = [parts[0]]
    for value, rest in zip(values, parts[1:], strict=True):
        found += [abridged(value, summarize), rest]
    held = np.empty((), object)
    held[()] = "".join(found).encode("utf-8", "surrogateescape")
    return held
