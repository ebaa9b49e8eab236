"""Which dtypes TensorFlow 1.15 has kernels for, on a machine without a GPU.

A signature allows more dtypes than there are kernels. The table `kernels.tsv` (written
by `tools/make_kernels.py`) has a line for each op type of which that is so. An
operation for which there is no kernel is refused, in the words of TensorFlow.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retrograd import dtypes
from retrograd.errors import InvalidArgumentError, NotFoundError, at_once
from retrograd.graph import opdef
from retrograd.graph.operation import Operation

#: devices that there are on every machine; DEFAULT stands for all
_HERE = frozenset(("CPU", "XLA_CPU", "DEFAULT"))
_DEVICES = "CPU, XLA_CPU"


class Kernels:
    """The kernels of an op type.

    Args:
      entries: those of the line in the table.
    """

    def __init__(self, entries: list[str]) -> None:
        self.entries = entries
        self._taken = [
            taken for entry in entries if (taken := _taken(entry)) is not None
        ]
        #: the attributes that decide
        self.attrs = tuple(dict.fromkeys(a for t in self._taken for a in t))
        self._known: dict[Any, bool] = {}

    def accept(self, attrs: Mapping[str, Any]) -> bool:
        """Whether there is a kernel for an operation with these attributes."""
        try:
            key = tuple([attrs[a].as_datatype_enum for a in self.attrs])
        except AttributeError:  # a list of dtypes
            return self._accept(attrs)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._accept(attrs)
        return found

    def _accept(self, attrs: Mapping[str, Any]) -> bool:
        return any(
            all(_listed(attrs[name]) <= allowed for name, allowed in taken.items())
            for taken in self._taken
        )

    def listing(self) -> str:
        """One line for each kernel, as TensorFlow's messages have it."""
        return "".join(
            f"  device='{device}'{_constraints(chosen)}\n"
            for device, attrs in map(_parts, self.entries)
            for chosen in itertools.product(*(_single(*a) for a in attrs))
        )


def _parts(entry: str) -> tuple[str, list[tuple[str, str]]]:
    """The device of an entry; its attributes, and for each the text of its dtypes."""
    device, *attrs = entry.split(" ")
    pairs = [text.partition("=") for text in attrs]
    return device, [(name, words) for name, _, words in pairs]


def _taken(entry: str) -> dict[str, frozenset[dtypes.DType]] | None:
    """The dtypes by attribute; None for kernels of another device."""
    device, attrs = _parts(entry)
    if device not in _HERE:
        return None
    return {
        name: frozenset(map(dtypes.as_dtype, words.replace("+", ",").split(",")))
        for name, words in attrs
    }


def _listed(value: Any) -> frozenset[Any]:
    return frozenset(value if isinstance(value, (list, tuple)) else (value,))


def _single(name: str, words: str) -> Iterator[tuple[str, list[dtypes.DType]]]:
    for kernel in words.split(","):
        yield name, [dtypes.as_dtype(word) for word in kernel.split("+")]


def _constraints(chosen: tuple[tuple[str, list[dtypes.DType]], ...]) -> str:
    return "".join(
        f"; {name} in {opdef.attr_text('list(type)', allowed)}"
        for name, allowed in chosen
    )


@functools.cache
def _lines() -> dict[str, str]:
    text = Path(__file__).with_name("kernels.tsv").read_text("utf-8")
    found = (line.partition("\t") for line in text.splitlines())
    return {name: entries for name, _, entries in found}


@functools.cache
def kernels(op_type: str) -> Kernels | None:
    """The kernels of an op type; None where no dtype is refused."""
    line = _lines().get(op_type)
    return None if line is None else Kernels(line.split("\t"))


@functools.cache
def _of_signature(op_type: str) -> Kernels:
    """Kernels for all dtypes that the signature of an op allows."""
    op_def = opdef.lookup(op_type)
    assert op_def is not None
    attrs = (a for a in op_def.attrs.values() if a.kind == "type" and a.allowed)
    return Kernels(
        [" ".join(["CPU", *(f"{a.name}={_words(a.allowed or ())}" for a in attrs)])]
    )


def _words(allowed: tuple[dtypes.DType, ...]) -> str:
    return ",".join(dtype.name for dtype in allowed)


def refusal_in_graph(op: Operation) -> Exception | None:
    """What to raise for an operation for which there is no kernel."""
    found = kernels(op.type)
    if found is None or op._op_def is None or found.accept(op.attrs):
        return None
    kinds = {name: attr.kind for name, attr in op._op_def.attrs.items()}
    attrs = ", ".join(
        f"{name}={opdef.attr_text(kinds.get(name, ''), value)}"
        for name, value in op.attrs.items()
    )
    return InvalidArgumentError(
        None,
        op,
        f"No OpKernel was registered to support Op '{op.type}' used by node {op.name} "
        f"(defined at {op.where}) with these attrs: [{attrs}]\n"
        f"Registered devices: [{_DEVICES}]\n"
        f"Registered kernels:\n{found.listing()}\n\t [[{op.name}]]",
    )


def refusal_at_once(
    op_def: opdef.OpDef, attrs: Mapping[str, Any], name: str | None
) -> Exception | None:
    """Likewise for an op that is run at once."""
    found = kernels(op_def.name) or _of_signature(op_def.name)
    if found.accept(attrs):
        return None
    return NotFoundError(
        None,
        None,
        f"Could not find valid device for node.\nNode:{{{{node {op_def.name}}}}}\n"
        f"All kernels registered for op {op_def.name} :\n{found.listing()}"
        f"{at_once(op_def.name, name)}",
    )
