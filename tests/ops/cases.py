"""Every row in every dtype that its op's signature allows.

A row is written for one dtype. Here its numbers are turned into the others:

- floats are rounded to shorter ones;
- integers are the numbers rounded away from 0, so that a divisor never is 0, and
  unsigned ones the absolute values of these;
- truth values say which numbers are above 0, texts are the numbers as Python writes
  them to two places;
- the imaginary parts of complex numbers are the same numbers in reverse order.

One type attribute at a time is changed.  Where there is no kernel for that but for a
change of others with it (what `Real` returns must fit what it is given), they follow.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from retrograd import dtypes
from retrograd.graph import opdef
from retrograd.ops.kernels import kernels
from tests.ops.rows import Drawn, Given, Made, Row, Stored, families

#: what a type attribute may be whose signature does not say
ANY = (
    "float32 float64 float16 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 "
    "uint64 complex64 complex128 bool string"
).split()
#: dtypes that no number can be turned into
NO_NUMBERS = frozenset(("resource", "variant"))


@dataclass(frozen=True)
class Value:
    """What one input of a case is given.

    Attributes:
      array: its value.
      stored: "ref" or "resource" for a variable that has this value, else "".
      dtype: the name of its dtype.
    """

    array: np.ndarray
    stored: str
    dtype: str


@dataclass(frozen=True)
class Case:
    """A row in one combination of dtypes.

    Attributes:
      row: what it is made of.
      number: the place of the row among those of its op.
      changed: the type attributes in which it differs from the row, by name.
      types: all type attributes, by name.
      inputs: `Value`s, in lists where the signature has lists.
    """

    row: Row
    number: int
    changed: tuple[tuple[str, str], ...]
    types: dict[str, Any]
    inputs: list[Any]

    @property
    def name(self) -> str:
        """What it is called in reports, and in the stored values of the reference."""
        changes = "".join(f" {attr}={dtype}" for attr, dtype in self.changed)
        return f"{self.row.op}/{self.number}{changes}"

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes to apply the op with."""
        op_def = definition(self.row.op)
        types = {k: v for k, v in self.types.items() if k not in op_def.inferred}
        return {**self.row.attrs, **types}

    @property
    def values(self) -> list[Value]:
        """The inputs, lists flattened."""
        return flat(self.inputs)

    @property
    def checksum(self) -> int:
        """A number that changes with anything that the values follow from."""
        text = repr(sorted((k, plain(v)) for k, v in self.attrs.items()))
        found = zlib.crc32(text.encode())
        for value in self.values:
            array = value.array
            content = array.tolist() if array.dtype == object else array.tobytes()
            text = f"{value.dtype} {value.stored} {array.shape} {content!r}"
            found = zlib.crc32(text.encode(), found)
        return found


def plain(value: Any) -> Any:
    return value.name if isinstance(value, dtypes.DType) else value


def flat(items: list[Any]) -> list[Any]:
    """The items of a list and of the lists in it."""
    return [v for i in items for v in (flat(i) if isinstance(i, list) else [i])]


def definition(op_type: str) -> opdef.OpDef:
    """The signature of an op type that there is."""
    found = opdef.lookup(op_type)
    assert found is not None, op_type
    return found


# ---------------------------------------------------------------------- dtypes


def numpy_type(name: str) -> Any:
    """The NumPy dtype of the values of a dtype."""
    return dtypes.as_dtype(name).array_dtype


def turned(numbers: np.ndarray, name: str) -> np.ndarray:
    """Numbers as values of a dtype (see the module)."""
    numbers = dtypes.integers(numbers)
    if numbers.dtype == numpy_type(name):
        return numbers
    dtype = dtypes.as_dtype(name)
    if name == "string":
        texts = [f"{x:.2f}".encode() for x in numbers.ravel().tolist()]
        return np.array(texts, object).reshape(numbers.shape)
    if dtype.is_bool:
        return numbers > 0
    if dtype.is_complex:
        reverse = numbers.ravel()[::-1].reshape(numbers.shape)
        return (numbers + 1j * reverse).astype(numpy_type(name))
    if not dtype.is_floating:
        if numbers.dtype.kind == "c":
            numbers = numbers.real
        if numbers.dtype.kind in "fV":
            numbers = numbers.astype(np.float64)
            numbers = np.copysign(np.ceil(np.abs(numbers)), numbers)
        if dtype.is_unsigned or name.startswith("qu"):
            numbers = np.abs(numbers)
        return numbers.astype(numpy_type(name))
    if numbers.dtype.kind == "c":
        numbers = numbers.real
    return numbers.astype(numpy_type(name))


def name_of(array: np.ndarray) -> str:
    """The name of an array's dtype."""
    if array.dtype == ml_dtypes.bfloat16:
        return "bfloat16"
    return "string" if array.dtype == object else dtypes.as_dtype(array.dtype).name


def drawn(row: Row) -> list[Any]:
    """The numbers of a row's inputs, lists as they are; None for what others make.

    They are drawn by the generator that NumPy never changes: stored values of the
    reference depend on them.
    """
    random = np.random.RandomState(zlib.crc32(row.op.encode()))

    def one(item: Any) -> Any:
        if isinstance(item, list):
            return [one(i) for i in item]
        if isinstance(item, Stored):
            return one(item.start)
        if isinstance(item, Drawn):
            return np.asarray(random.uniform(item.low, item.high, item.shape))
        return item.value if isinstance(item, Given) else None

    return [one(i) for i in row.inputs]


# ---------------------------------------------------------------------- cases


def own_types(row: Row) -> dict[str, Any]:
    """The type attributes of a row as it is written."""
    op_def = definition(row.op)
    found: dict[str, Any] = {}
    for arg, numbers in zip(op_def.inputs, drawn(row), strict=True):
        items = numbers if isinstance(numbers, list) else [numbers]
        if arg.type_list_attr:
            found[arg.type_list_attr] = [name_of(a) for a in items]
        elif arg.type_attr and items and items[0] is not None:
            found.setdefault(arg.type_attr, name_of(items[0]))
    for attr in op_def.attrs.values():
        if attr.kind == "type" and attr.name not in found:
            given = row.attrs.get(attr.name)
            default = attr.default.name if attr.has_default else None
            found[attr.name] = given or default or _held(row)
    return found


def _held(row: Row) -> str:
    """The name of the dtype of a row's variables."""
    pairs = zip(row.inputs, drawn(row), strict=True)
    return next(name_of(a) for item, a in pairs if isinstance(item, Stored))


def allowed(attr: opdef.AttrDef) -> list[str]:
    """The dtypes of a type attribute that are tried."""
    if attr.allowed is None:
        return ANY
    found = dict.fromkeys(d.name for d in attr.allowed)
    return [name for name in found if name not in NO_NUMBERS]


def _variations(row: Row) -> Iterator[dict[str, Any]]:
    own = own_types(row)
    yield {}
    op_def = definition(row.op)
    for name, now in own.items():
        if now == "string" or (isinstance(now, list) and "string" in now):
            continue
        attr = op_def.attrs[name]
        for dtype in allowed(attr):
            if dtype in row.without:
                continue
            change = [dtype] * len(now) if isinstance(now, list) else dtype
            if change != now:
                yield {name: change, **_following(row.op, own, name, change)}


def _following(op_type: str, own: dict[str, Any], name: str, now: Any) -> Any:
    """What else has to change so that there is a kernel; nothing if none helps."""
    found = kernels(op_type)
    as_types = {k: _typed(v) for k, v in {**own, name: now}.items()}
    if found is None or found.accept(as_types):
        return {}
    op_def = definition(op_type)
    for other, before in own.items():
        for dtype in [] if other == name else allowed(op_def.attrs[other]):
            if dtype != before and found.accept({**as_types, other: _typed(dtype)}):
                return {other: dtype}
    return {}


def _typed(names: Any) -> Any:
    if isinstance(names, list):
        return [dtypes.as_dtype(n) for n in names]
    return dtypes.as_dtype(names)


def cases(row: Row, number: int) -> list[Case]:
    """A row in every dtype; first as it is written."""
    numbers = drawn(row)
    own = own_types(row)
    found: dict[Any, Case] = {}
    for change in _variations(row):
        types = {**own, **change}
        changed = tuple(
            (k, v[0] if isinstance(v, list) else v) for k, v in sorted(change.items())
        )
        if changed not in found:
            inputs = _inputs(row, numbers, types)
            found[changed] = Case(row, number, changed, types, inputs)
    return list(found.values())


def _inputs(row: Row, numbers: list[Any], types: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    op_def = definition(row.op)
    for arg, item, given in zip(op_def.inputs, row.inputs, numbers, strict=True):
        if isinstance(item, Made):
            given = item.make(*(v.array for v in flat(found)))
        if not isinstance(item, list):
            found.append(_value(item, given, _type_of(arg, op_def, types)))
            continue
        names = types.get(arg.type_list_attr)
        names = names or [_type_of(arg, op_def, types)] * len(item)
        found.append([_value(*parts) for parts in zip(item, given, names, strict=True)])
    return found


def _type_of(arg: opdef.ArgDef, op_def: opdef.OpDef, types: dict[str, Any]) -> str:
    """The name of an input's dtype, or of what the variables behind it hold."""
    if arg.type is None:
        return "" if arg.type_list_attr else types[arg.type_attr]
    if arg.type is dtypes.resource:
        return types.get(_held_attr(op_def), "")
    return arg.type.name


def _held_attr(op_def: opdef.OpDef) -> str:
    """The attribute that is the dtype of the variables behind resource inputs."""
    return "dtype" if "dtype" in op_def.attrs else "T"


def _value(item: Any, numbers: np.ndarray, name: str) -> Value:
    if not isinstance(item, Stored):
        return Value(turned(numbers, name), "", name)
    name = item.dtype or name or name_of(numbers)
    return Value(turned(numbers, name), item.kind, name)


def numbered() -> dict[str, list[tuple[Row, int]]]:
    """By family, each row with its place among those of its op."""
    count: dict[str, int] = {}
    found: dict[str, list[tuple[Row, int]]] = {}
    for family, rows in families().items():
        found[family] = []
        for row in rows:
            place = count.setdefault(row.op, 0)
            count[row.op] += 1
            found[family].append((row, place))
    return found
