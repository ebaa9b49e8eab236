"""Signatures of operation types: inputs, outputs and attributes, as GraphDef has them.

The table `opdefs.tsv` holds the interface of every op type of TensorFlow 1.15 (written
by `tools/make_opdefs.py`).  A line is parsed when its op type is first used.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrograd import dtypes, shapes

TYPE_ATTR_KINDS = ("type", "list(type)")


@dataclass(frozen=True, slots=True)
class ArgDef:
    """One input or output: its dtype is fixed, or named by an attribute.

    `number_attr` names the length of a list of equal dtypes, `type_list_attr` the
    attribute with one dtype for each element of a list. `ranks` are the lowest and the
    highest rank that a tensor may have, if it may not have every one, and its length if
    it must be a vector of that.
    """

    name: str
    type: dtypes.DType | None = None
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""
    is_ref: bool = False
    ranks: tuple[int, int, int | None] | None = None

    @property
    def is_list(self) -> bool:
        """Whether the argument stands for a list of tensors."""
        return bool(self.number_attr or self.type_list_attr)


@dataclass(frozen=True, slots=True)
class AttrDef:
    """One attribute: its kind, default, and the values it may take."""

    name: str
    kind: str
    default: Any = None
    has_default: bool = False
    allowed: tuple[Any, ...] | None = None
    minimum: int | None = None


@dataclass(frozen=True, slots=True)
class OpDef:
    """The signature of an op type."""

    name: str
    inputs: tuple[ArgDef, ...]
    outputs: tuple[ArgDef, ...]
    attrs: dict[str, AttrDef]
    is_stateful: bool = False
    is_commutative: bool = False
    is_aggregate: bool = False
    allows_uninitialized_input: bool = False
    #: type attributes that no input determines are absent here
    inferred: frozenset[str] = frozenset()
    #: whether an attribute is a function
    calls: bool = False
    #: the attributes that tell how long the arguments are that are lists
    lists: tuple[str, ...] = ()
    #: the version of graphs that may not have it any more, and why
    removed: tuple[int, str] | None = None
    #: the arguments that may not have every rank: their places, and `ranks`
    ranked: tuple[tuple[int, int, int, int | None], ...] = ()

    @property
    def type_defaults(self) -> dict[str, dtypes.DType]:
        """Type attributes with a default, by name."""
        return {
            a.name: a.default
            for a in self.attrs.values()
            if a.kind == "type" and a.has_default
        }


_ATTR = re.compile(
    r"(?P<name>\w+):(?P<kind>[\w()]+)(?:\{(?P<allowed>[^}]*)\})?"
    r"(?:>=(?P<minimum>-?\d+))?(?:=(?P<default>.*))?$",
    re.DOTALL,
)


def _split_attrs(text: str) -> list[str]:
    """Split at "; " where an attribute starts (defaults may hold a semicolon)."""
    return re.split(r"; (?=\w+:[a-z]+)", text) if text else []


def attr_from_json(kind: str, value: Any) -> Any:
    """The in-memory form of an attribute value read from JSON."""
    if kind == "type":
        return dtypes.as_dtype(value)
    if kind == "list(type)":
        return [dtypes.as_dtype(v) for v in value]
    if kind == "shape":
        return _shape(value)
    if kind == "list(shape)":
        return [_shape(v) for v in value]
    if kind == "tensor":  # a color
        return np.array(value, np.uint8)
    return value


def _shape(value: Sequence[int] | None) -> tuple[int | None, ...] | None:
    return None if value is None else tuple(None if d < 0 else d for d in value)


def _parse_attr(text: str) -> AttrDef:
    match = _ATTR.match(text)
    if match is None:
        raise ValueError(f"Attribute text {text!r} cannot be read.")
    kind, allowed, default = match["kind"], match["allowed"], match["default"]
    values: tuple[Any, ...] | None = None
    if allowed is not None:
        words = allowed.split(",")
        is_type = kind in TYPE_ATTR_KINDS
        values = tuple(map(dtypes.as_dtype, words)) if is_type else tuple(words)
    return AttrDef(
        match["name"],
        kind,
        None if default is None else attr_from_json(kind, json.loads(default)),
        default is not None,
        values,
        None if match["minimum"] is None else int(match["minimum"]),
    )


def _parse_arg(text: str, attrs: dict[str, AttrDef]) -> ArgDef:
    name, _, kind = text.partition(":")
    kind, _, bounds = kind.partition("#")
    ranks = _parse_ranks(bounds) if bounds else None
    is_ref = kind.startswith("ref(")
    if is_ref:
        kind = kind[4:-1]
    number, star, rest = kind.partition("*")
    if star:
        kind = rest
    else:
        number = ""
    attr = attrs.get(kind)
    if attr is None:
        return ArgDef(name, dtypes.as_dtype(kind), "", number, "", is_ref, ranks)
    if attr.kind == "list(type)":
        return ArgDef(name, None, "", "", kind, is_ref, ranks)
    return ArgDef(name, None, kind, number, "", is_ref, ranks)


def _parse_ranks(text: str) -> tuple[int, int, int | None]:
    """Read `low-high`, `low+` where there is no highest, or `[length]`."""
    if text[0] == "[":
        return 1, 1, int(text[1:-1])
    low, _, high = text.partition("-")
    if high:
        return int(low), int(high), None
    return int(low[:-1]), shapes.MOST_AXES, None


def parse(line: str) -> OpDef:
    """Read one line of the table (see `tools/make_opdefs.py` for its form)."""
    name, inputs, outputs, attr_text, flag_text, *removal = line.split("\t")
    attrs = {a.name: a for a in map(_parse_attr, _split_attrs(attr_text))}
    flags = flag_text.split()
    args = tuple(_parse_arg(text, attrs) for text in inputs.split())
    results = tuple(_parse_arg(text, attrs) for text in outputs.split())
    lengths = (a.number_attr or a.type_list_attr for a in (*args, *results))
    inferred = {a.type_attr for a in args} | {a.number_attr for a in args}
    inferred |= {a.type_list_attr for a in args}
    version, _, reason = removal[0].partition(" ") if removal else ("", "", "")
    return OpDef(
        name,
        args,
        results,
        attrs,
        "stateful" in flags,
        "commutative" in flags,
        "aggregate" in flags,
        "uninitialized" in flags,
        frozenset(inferred - {""}),
        any("func" in a.kind for a in attrs.values()),
        tuple(dict.fromkeys(filter(None, lengths))),
        (int(version), reason) if version else None,
        tuple((i, *a.ranks) for i, a in enumerate(args) if a.ranks is not None),
    )


def enum_name(dtype: dtypes.DType) -> str:
    """The name of a dtype in a GraphDef: `DT_FLOAT`, `DT_INT32_REF`."""
    name = dtype.base_dtype.name
    word = _ENUM_NAMES.get(name, name.upper())
    return f"DT_{word}{'_REF' if dtype._is_ref_dtype else ''}"


_ENUM_NAMES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}
_ATTR_WORDS = {True: "true", False: "false"}
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "'": r"\'", "\\": r"\\"}
_TYPE_WORDS = {"float32": "float", "float64": "double", "float16": "half"}


def type_word(dtype: dtypes.DType) -> str:
    """The name of a dtype in TensorFlow's messages: `float`, `int32_ref`."""
    name = dtype.base_dtype.name
    return _TYPE_WORDS.get(name, name) + ("_ref" if dtype._is_ref_dtype else "")


def attr_text(kind: str, value: Any) -> str:
    """The value of an attribute as TensorFlow's messages show it."""
    if isinstance(value, (list, tuple)) and not kind.startswith("shape"):
        inner = kind[5:-1] if kind.startswith("list(") else kind
        parts = [attr_text(inner, v) for v in value]
        if len(parts) > 14:  # the middle of a long list is left out
            parts = [*parts[:5], "...", *parts[-5:]]
        return f"[{', '.join(parts)}]"
    if isinstance(value, dtypes.DType):
        return enum_name(value)
    if isinstance(value, bool):
        return _ATTR_WORDS[value]
    if isinstance(value, float):
        return _float_text(value)
    if kind.startswith("shape"):
        return "<unknown>" if value is None else shapes.text(tuple(value))
    if isinstance(value, float):
        return str(np.float32(value))
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return f'"{_escaped(value)}"' if isinstance(value, str) else str(value)


def _escaped(text: str) -> str:
    """A string with what is no visible ASCII written as in the language C."""
    if text.isascii() and text.isprintable() and not set(text) & set(_ESCAPES):
        return text
    return "".join(
        _ESCAPES.get(chr(byte)) or (chr(byte) if 31 < byte < 127 else f"\\{byte:03o}")
        for byte in text.encode("latin-1", "replace")
    )


def _float_text(value: float) -> str:
    """A number in as many digits as tell it from other 32-bit ones."""
    for digits in (6, 7, 8, 9):
        text = f"{value:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", value):
            break
    return text


def short_float(value: float) -> float:
    """The number of fewest digits that is the same as a 32-bit one."""
    return float(_float_text(value))


def _args_text(args: tuple[ArgDef, ...]) -> str:
    parts = []
    for arg in args:
        kind = arg.type_attr if arg.type is None else type_word(arg.type)
        if arg.number_attr:
            kind = f"{arg.number_attr}*{kind}"
        parts.append(f"{arg.name}:{f'Ref({kind})' if arg.is_ref else kind}")
    return ", ".join(parts)


def summary(op_def: OpDef) -> str:
    """A signature as TensorFlow's messages show it: `Op<name=Const; signature=…>`."""
    text = f"Op<name={op_def.name}; signature={_args_text(op_def.inputs)} -> "
    text += _args_text(op_def.outputs)
    for attr in op_def.attrs.values():
        text += f"; attr={attr.name}:{attr.kind}"
        if attr.has_default:
            text += f",default={attr_text(attr.kind, attr.default)}"
        if attr.minimum is not None:
            text += f",min={attr.minimum}"
        if attr.allowed is not None:
            text += f",allowed={attr_text('list(type)', attr.allowed)}"
    for flag, name in (
        (op_def.is_commutative, "is_commutative"),
        (op_def.is_aggregate, "is_aggregate"),
        (op_def.is_stateful, "is_stateful"),
        (op_def.allows_uninitialized_input, "allows_uninitialized_input"),
    ):
        text += f"; {name}=true" if flag else ""
    return text + ">"


class _Table:
    """The signatures by op type, read lazily."""

    def __init__(self) -> None:
        self.lines: dict[str, str] | None = None
        self.parsed: dict[str, OpDef] = {}

    def load(self) -> dict[str, str]:
        if self.lines is None:
            text = Path(__file__).with_name("opdefs.tsv").read_text("utf-8")
            self.lines = {
                line.partition("\t")[0]: line for line in text.split("\n") if line
            }
        return self.lines


_table = _Table()


def lookup(name: str) -> OpDef | None:
    """The signature of op type `name`, or None where there is no such type."""
    found = _table.parsed.get(name)
    if found is None:
        line = _table.load().get(name)
        if line is None:
            return None
        found = _table.parsed[name] = parse(line)
    return found


def add(line: str) -> OpDef:
    """Add an op type that the table lacks; the text has the table's form."""
    found = parse(line)
    _table.parsed[found.name] = found
    return found


def names() -> list[str]:
    """Every op type with a signature, sorted."""
    return sorted(_table.load().keys() | _table.parsed.keys())
