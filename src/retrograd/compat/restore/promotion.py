"""NumPy 1's rules for the dtype of a result, where operands are single numbers.

NumPy 1 looked at the values of single numbers beside an array: `x * np.float64(0.1)` is
float32 where `x` is an array of float32, `pixels + 300` is uint16 where they are uint8.
Of single numbers alone it took Python's for int64, float64 and complex128:
`np.uint8(200) + 100` is 300. NumPy 2 goes by dtypes, and takes Python's numbers for
what stands beside them. `adapted` changes operands so that it arrives at the results of
NumPy 1.

The callers are in the program that is run; `rewriting` puts them there.
"""

from __future__ import annotations

import builtins
import functools
import itertools
import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.compat.restore.notices import announce
from retrograd.compat.restore.operators import ARITHMETIC, COMPARISONS

if TYPE_CHECKING:
    from retrograd.typing import Array, Number

#: what NumPy 1 took Python's numbers for
_PYTHON: dict[type, Any] = {
    bool: np.bool_,
    int: np.int64,
    float: np.float64,
    complex: np.complex128,
}
#: kinds of dtypes by what their numbers can be: scalars of a later one count in full
_ORDER = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 2}
_NUMBERS = [np.dtype(code) for code in "?bBhHiIlLqQefdgFDG"]
#: the dtypes of the types of single numbers, as NumPy 1 took them
_ALONE: dict[type, np.dtype] = {
    **{dtype.type: dtype for dtype in _NUMBERS},
    **{python: np.dtype(own) for python, own in _PYTHON.items()},
}
#: types that are not changed by numbers of Python beside them, nor by each other
_WIDE = (np.float64, np.int64, np.complex128, np.longdouble, np.clongdouble, np.bool_)
#: types of which one operand must be for NumPy 1's result to differ from NumPy 2's
NARROW: set[type] = {
    *(dtype.type for dtype in _NUMBERS),
    *(np.ndarray, np.matrix, np.memmap, np.recarray),
}
NARROW.difference_update(_WIDE)


def _limits() -> dict[tuple[np.dtype, str], tuple[float, float]]:
    """For a dtype and a kind, which numbers of the kind change nothing beside it."""
    found: dict[tuple[np.dtype, str], tuple[float, float]] = {}
    exact = {2: "i1 u1", 4: "i2 u2", 8: "i8 u8"}  # integers that a float can hold
    for own in map(np.dtype, "bBhHiIlLqQ"):
        info = np.iinfo(own)
        found[own, "i"] = found[own, "u"] = int(info.min), int(info.max)
    for own in map(np.dtype, "efdFD"):
        part = np.dtype(f"f{own.itemsize // (2 if own.kind == 'c' else 1)}")
        low, high = (np.iinfo(code) for code in exact[part.itemsize].split())
        found[own, "i"] = found[own, "u"] = int(low.min), int(high.max)
        # NumPy's own bounds
        most = {2: 65000.0, 4: 3.4e38}.get(part.itemsize, float("inf"))
        found[own, "f"] = -most, most
    return found


_LIMITS = _limits()


def _together() -> dict[tuple[type, type], Any]:
    """For a type of NumPy and one of Python: the type that numbers of both have."""
    found: dict[tuple[type, type], Any] = {}
    for own in _NUMBERS:
        for python, alone in _PYTHON.items():
            if own.type in NARROW:
                common = np.promote_types(own, alone).type
                found[own.type, python] = found[python, own.type] = common
    return found


_TOGETHER = _together()


def adapted(a: Any, b: Any, first_fit: bool = False) -> tuple[Any, Any]:
    """Two operands, of which NumPy 2 makes what NumPy 1 made of those given.

    Args:
      first_fit: whether the operator takes the first of NumPy's dtypes, signed ones
        before unsigned ones, that holds both operands; others take the common one.
    """
    kind_a, kind_b = type(a), type(b)
    if kind_a is kind_b and (kind_a is not np.ndarray or (a.shape and b.shape)):
        return a, b
    common = _TOGETHER.get((kind_a, kind_b))
    if common is not None:
        announce_promotion()
        try:
            return common(a), common(b)
        except OverflowError:  # NumPy 1 computed with objects
            return _of_python(a), _of_python(b)
    alone_a, alone_b = _dtype_alone(a), _dtype_alone(b)
    if alone_a is not None and alone_b is not None:
        return _strong(a, b)
    if alone_a is not None and isinstance(b, np.ndarray):
        return _beside(b, a, alone_a, first_fit), b
    if alone_b is not None and isinstance(a, np.ndarray):
        return a, _beside(a, b, alone_b, first_fit)
    return a, b


def _dtype_alone(x: object) -> np.dtype | None:
    """The dtype of a single number as NumPy 1 took it; None for all else."""
    known = _ALONE.get(type(x))
    if known is None and isinstance(x, np.ndarray) and not x.shape:
        return x.dtype if x.dtype.kind in _ORDER else None
    return known


def _strong(a: object, b: object) -> tuple[Any, Any]:
    """Single numbers, those of Python as NumPy's."""
    of_a, of_b = _PYTHON.get(type(a)), _PYTHON.get(type(b))
    if of_a is None and of_b is None:
        return a, b
    announce_promotion()
    return (a if of_a is None else of_a(a)), (b if of_b is None else of_b(b))


def _of_python(x: Array) -> Any:
    return x if type(x) in _PYTHON else x.item()


def _beside(array: np.ndarray, number: Any, alone: np.dtype, first_fit: bool) -> Any:
    """A number as it counts in NumPy 1 beside an array."""
    own = array.dtype
    limits = _LIMITS.get((own, alone.kind))
    if limits is not None and limits[0] <= number <= limits[1]:
        if type(number) in _PYTHON or alone == own:
            return number
        announce_promotion()
        return own.type(number)
    if _ORDER.get(own.kind, 3) < _ORDER[alone.kind] or own.kind not in _ORDER:
        return number
    common = np.promote_types(own, _least(number, own))
    if first_fit and common.kind == "u" and common != own:
        common = _signed(common, number) or common
    python = type(number) in _PYTHON
    if common == (own if python else np.promote_types(own, alone)):
        return number
    announce_promotion()
    return np.asarray(number).astype(common)[()]


def _least(number: Number | np.generic, beside: np.dtype) -> np.dtype:
    """The smallest dtype that holds a number; a signed one beside signed integers."""
    least = np.min_scalar_type(number)
    if least.kind == "u" and beside.kind == "i":
        return _signed(least, number) or least
    return least


def _signed(unsigned: np.dtype, number: Any) -> np.dtype | None:
    """The signed dtype of the same size, if it holds a number."""
    signed = np.dtype(f"i{unsigned.itemsize}")
    return signed if number <= np.iinfo(signed).max else None


def announce_promotion() -> None:
    """Say once that results have NumPy 1's dtypes."""
    if not _said:
        _said.append(True)
        announce("NumPy 1's promotion of single numbers")


_said: list[bool] = []


def _power(a: Array, b: Array) -> Any:
    """Some powers of an array keep its dtype, also of one without axes."""
    if type(a) not in NARROW and type(b) not in NARROW:
        return a**b
    if isinstance(a, np.ndarray) and _dtype_alone(b) is not None and b in _KEEPING:
        if a.dtype.kind in "fc" or b in (0, 1, 2):
            return a ** _of_python(b)
    a, b = adapted(a, b, True)
    return a**b


def _quotient(a: Array, b: Array) -> Any:
    """By a short integer, one that fits it gives float32."""
    if type(a) in NARROW or type(b) in NARROW:
        if type(a) in _SHORT and _fits(b, a.dtype):
            return np.float32(a) / np.float32(b)
        a, b = adapted(a, b)
    return a / b


def _fits(x: object, dtype: np.dtype) -> bool:
    if not isinstance(x, np.ndarray | np.generic) or x.shape:
        return False
    return x.dtype.kind in "iu" and np.can_cast(x.dtype, dtype)


def _function(name: str) -> Callable[[Any, Any], Any]:
    apply = getattr(operator, name)
    first_fit = name in _FIRST_FIT

    def applied(a: object, b: object) -> Any:
        if type(a) in NARROW or type(b) in NARROW:
            a, b = adapted(a, b, first_fit)
        return apply(a, b)

    return applied


def _in_place(name: str) -> Callable[[Any, Any], Any]:
    apply, plain = getattr(operator, "i" + name.strip("_")), FUNCTIONS[name]
    first_fit = name in _FIRST_FIT

    def applied(a: object, b: object) -> Any:
        if isinstance(a, np.ndarray):
            return apply(a, adapted(a, b, first_fit)[1])
        return plain(a, b) if type(a) in NARROW or type(b) in NARROW else apply(a, b)

    return applied


def total(values: Iterable[Any], /, start: Any = 0) -> Any:
    """`sum` of NumPy 1's operators."""
    if type(start) is int and isinstance(values, list | tuple):
        found = builtins.sum(values)
        if type(found) not in NARROW:
            return found
    each = iter(values)
    first = next(each, _END)
    if first is _END:
        return builtins.sum((), start)
    if type(first) not in NARROW and type(start) not in NARROW:
        rest: Any = itertools.chain((first,), each)
        return builtins.sum(rest, start)
    return functools.reduce(FUNCTIONS["add"], each, FUNCTIONS["add"](start, first))


def called(
    function: Callable[..., Any], a: object, b: object, *args: object, **kwargs: object
) -> Any:
    """A function of NumPy's, of two operands."""
    if type(a) in NARROW or type(b) in NARROW:
        first_fit = function in (np.floor_divide, np.mod, np.remainder, np.power)
        a, b = adapted(a, b, first_fit)
    return function(a, b, *args, **kwargs)


def where(
    function: Callable[..., Any],
    condition: object,
    a: object,
    b: object,
    **kwargs: object,
) -> Any:
    """`np.where`."""
    return function(condition, *adapted(a, b), **kwargs)


def clip(
    function: Callable[..., Any],
    a: object,
    low: object,
    high: object,
    *args: object,
    **kwargs: object,
) -> Any:
    """`np.clip`."""
    if isinstance(a, np.ndarray):
        low, high = adapted(a, low)[1], adapted(a, high)[1]
    return function(a, low, high, *args, **kwargs)


_END = object()
#: operators that take the first of NumPy's dtypes that holds both operands
_FIRST_FIT = frozenset("floordiv mod pow and_ or_ xor lshift rshift".split())
_SHORT = (np.int8, np.int16, np.uint8, np.uint16)
#: exponents that are a function of their own for arrays
_KEEPING = (-1, 0, 0.5, 1, 2)
#: functions for operators by their names in `operator`, and for those in place
FUNCTIONS = {name: _function(name) for name in ARITHMETIC}
FUNCTIONS.update({name: _function(name) for name in COMPARISONS})
FUNCTIONS.update(pow=_power, truediv=_quotient)
IN_PLACE = {name: _in_place(name) for name in ARITHMETIC}
