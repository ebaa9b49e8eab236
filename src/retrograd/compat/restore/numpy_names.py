"""NumPy functions that are gone, as NumPy 1.18 had them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array, TensorLike

NINF = -np.inf
PZERO = 0.0
NZERO = -0.0
sctypes: dict[str, list[type]] = {
    "int": [np.int8, np.int16, np.int32, np.int64],
    "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
    "float": [np.float16, np.float32, np.float64, np.longdouble],
    "complex": [np.complex64, np.complex128, np.clongdouble],
    "others": [bool, object, bytes, str, np.void],
}
_KINDS = {"int": "i", "uint": "u", "float": "f", "complex": "c"}


def asscalar(a: TensorLike) -> Any:
    """The one element of an array as a Python number."""
    return np.asarray(a).item()


def alen(a: TensorLike) -> int:
    """The length of the first axis; 1 for a scalar."""
    return len(np.array(a, ndmin=1))


def asfarray(a: object, dtype: type | np.dtype | str = np.float64) -> np.ndarray:
    """An array of a floating type: `dtype` where that is one, else float64."""
    kind = dtype if np.issubdtype(dtype, np.inexact) else np.float64
    return np.asarray(a, dtype=kind)


def msort(a: Array) -> np.ndarray:
    """A copy of an array, sorted along the first axis."""
    return np.sort(a, axis=0)


def trapz(y: Array, x: Array | None = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral by the trapezoidal rule."""
    return np.trapezoid(y, x, dx, axis)


def issubclass_(arg1: type, arg2: type | tuple[type, ...]) -> bool:
    """As `issubclass`, False where the first argument is no class."""
    try:
        return issubclass(arg1, arg2)
    except TypeError:
        return False


def obj2sctype(rep: object, default: object = None) -> Any:
    """The scalar type of a type, dtype or array; `default` where it has none."""
    if isinstance(rep, type) and issubclass(rep, np.generic):
        return rep
    if isinstance(rep, np.ndarray):
        return rep.dtype.type
    named: Any = rep
    try:
        return np.dtype(named).type
    except TypeError:
        return default


def issctype(rep: object) -> bool:
    """Whether a value stands for a scalar type."""
    if not isinstance(rep, type | np.dtype):
        return False
    return obj2sctype(rep) not in (None, np.object_)


def issubsctype(arg1: object, arg2: object) -> bool:
    """Whether one scalar type is a kind of another."""
    return issubclass(obj2sctype(arg1), obj2sctype(arg2))


def sctype2char(sctype: object) -> str:
    """The one-letter code of a scalar type."""
    return np.dtype(obj2sctype(sctype)).char


def maximum_sctype(t: Any) -> Any:
    """The widest scalar type of the same kind."""
    kind = np.dtype(t).kind
    for name, letter in _KINDS.items():
        if letter == kind:
            return sctypes[name][-1]
    return np.dtype(t).type


def find_common_type(array_types: Sequence[Any], scalar_types: Sequence[Any]) -> Any:
    """The type of a result of arrays and scalars: scalars count by their kind only."""
    arrays = [np.dtype(t) for t in array_types]
    scalars = [np.dtype(t) for t in scalar_types]
    if not arrays:
        return np.result_type(*scalars) if scalars else None
    widest = np.result_type(*arrays)
    order = "b?iufc"
    higher = [s for s in scalars if order.find(s.kind) > order.find(widest.kind)]
    return np.result_type(*scalars) if higher else widest


class _Cast(dict):
    """`np.cast[dtype](array)`."""

    def __missing__(self, key: str) -> Any:
        return lambda array: np.asarray(array).astype(key)


cast = _Cast()


def disp(mesg: object, device: IO[str] | None = None, linefeed: bool = True) -> None:
    """Write a message to a stream, stdout by default."""
    print(mesg, end="\n" if linefeed else "", file=device, flush=True)


def set_string_function(f: Callable[..., Any] | None, repr: bool = True) -> None:
    """Set how arrays are printed, as a print option of today."""
    np.set_printoptions(override_repr=f if repr else None)
