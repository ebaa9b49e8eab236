"""Element types: TensorFlow 1.15's numbers, names and NumPy counterparts.

One `DType` object exists per number, so `is` compares them. A number above 100 is the
reference form of the type 100 below it: the output of a variable that can be assigned.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import message

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike

# NumPy has no quantized types: a struct of one field, named for the type, stands in.
_np_qint8 = np.dtype([("qint8", np.int8)])
_np_quint8 = np.dtype([("quint8", np.uint8)])
_np_qint16 = np.dtype([("qint16", np.int16)])
_np_quint16 = np.dtype([("quint16", np.uint16)])
_np_qint32 = np.dtype([("qint32", np.int32)])
np_resource = np.dtype([("resource", np.ubyte)])

# number: (name, NumPy type). None: bfloat16 is loaded when first used, resource and
# variant have none.
_TABLE: dict[int, tuple[str, Any]] = {
    1: ("float32", np.float32),
    2: ("float64", np.float64),
    3: ("int32", np.int32),
    4: ("uint8", np.uint8),
    5: ("int16", np.int16),
    6: ("int8", np.int8),
    7: ("string", object),
    8: ("complex64", np.complex64),
    9: ("int64", np.int64),
    10: ("bool", builtins.bool),
    11: ("qint8", _np_qint8),
    12: ("quint8", _np_quint8),
    13: ("qint32", _np_qint32),
    14: ("bfloat16", None),
    15: ("qint16", _np_qint16),
    16: ("quint16", _np_quint16),
    17: ("uint16", np.uint16),
    18: ("complex128", np.complex128),
    19: ("float16", np.float16),
    20: ("resource", None),
    21: ("variant", None),
    22: ("uint32", np.uint32),
    23: ("uint64", np.uint64),
}
_BFLOAT16, _RESOURCE, _VARIANT = 14, 20, 21
_FLOATS = frozenset({1, 2, 14, 19})
_SIGNED = frozenset({3, 5, 6, 9})
_UNSIGNED = frozenset({4, 17, 22, 23})
_COMPLEX = frozenset({8, 18})
_QUANTIZED = frozenset({11, 12, 13, 15, 16})


def integers(array: np.ndarray) -> np.ndarray:
    """Quantized values, as NumPy's stand-in or as integers, as integers."""
    return array.view(array.dtype[0]) if array.dtype.names else array


_INTERN_TABLE: dict[int, DType] = {}


class DType:
    """The element type of a tensor.

    `name` is its name and `as_datatype_enum` its number. `base_dtype` is the type
    itself without the reference form. `is_bool`, `is_integer`, `is_floating`,
    `is_complex`, `is_quantized` and `is_unsigned` sort the types: quantized ones are
    neither integers nor unsigned, bfloat16 is floating. `is_numpy_compatible` is
    False for resource and variant.
    """

    # Plain slots, not properties: graph building reads these for every tensor.
    __slots__ = (
        "_array",
        "_is_ref_dtype",
        "_np",
        "_type_enum",
        "as_datatype_enum",
        "base_dtype",
        "is_bool",
        "is_complex",
        "is_floating",
        "is_integer",
        "is_numpy_compatible",
        "is_quantized",
        "is_unsigned",
        "name",
    )

    name: str
    as_datatype_enum: int
    base_dtype: DType
    is_bool: builtins.bool
    is_integer: builtins.bool
    is_floating: builtins.bool
    is_complex: builtins.bool
    is_quantized: builtins.bool
    is_unsigned: builtins.bool
    is_numpy_compatible: builtins.bool

    def __new__(cls, type_enum: int) -> DType:
        """Return the one DType of this number; TypeError if there is none."""
        number = int(type_enum)
        known = _INTERN_TABLE.get(number)
        if known is not None:
            return known
        base = number - 100 if number > 100 else number
        if base not in _TABLE:
            raise TypeError(
                f"type_enum is not a valid types_pb2.DataType: {number}",
            )
        return cls._make(number, base)

    @classmethod
    def _make(cls, number: int, base: int) -> DType:
        self = _INTERN_TABLE[number] = super().__new__(cls)
        name, self._np = _TABLE[base]
        self._array = None
        self._type_enum = self.as_datatype_enum = number
        self._is_ref_dtype = number != base
        self.name = name + "_ref" if self._is_ref_dtype else name
        self.base_dtype = DType(base)
        self.is_bool = name == "bool"
        self.is_integer = base in _SIGNED or base in _UNSIGNED
        self.is_floating = base in _FLOATS
        self.is_complex = base in _COMPLEX
        self.is_quantized = base in _QUANTIZED
        self.is_unsigned = base in _UNSIGNED
        self.is_numpy_compatible = base not in (_RESOURCE, _VARIANT)
        return self

    @property
    def _as_ref(self) -> DType:
        """The reference form of this type."""
        return self if self._is_ref_dtype else DType(self._type_enum + 100)

    @property
    def real_dtype(self) -> DType:
        """The type of the real part: float32 for complex64, else mostly itself."""
        if self.is_complex:
            return float32 if self.base_dtype is complex64 else float64
        return self

    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy type: a scalar class, or a struct dtype for a quantized type.

        string has `object`, bool Python's `bool`. KeyError for resource and variant.
        """
        if self._np is None:
            if not self.is_numpy_compatible:
                raise KeyError(self._type_enum)
            self._np = bfloat16_type()
        return self._np

    @property
    def array_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of arrays of values: integers for a quantized type.

        That is how TensorFlow hands them to the program, and what it computes with.
        KeyError for resource and variant.
        """
        if self._array is None:
            found = np.dtype(self.as_numpy_dtype)
            self._array = found[0] if found.names else found
        return self._array

    @property
    def min(self) -> Any:
        """The least finite value; TypeError for a type without an order."""
        return self._limit("minimum")

    @property
    def max(self) -> Any:
        """The greatest finite value; TypeError for a type without an order."""
        return self._limit("maximum")

    def _limit(self, which: str) -> Any:
        if self.base_dtype is bfloat16:
            top = self.as_numpy_dtype(float.fromhex("0x1.FEp127"))
            return top if which == "maximum" else -top
        if self.is_floating:
            info: Any = np.finfo(self.as_numpy_dtype)
        elif self.is_integer:
            info = np.iinfo(self.as_numpy_dtype)
        else:
            raise TypeError(f"Cannot find {which} value of {self}.")
        return info.max if which == "maximum" else info.min

    @property
    def limits(self) -> tuple[Any, Any]:
        """(0, greatest intensity) of an image of this type; 1 for floats.

        KeyError for a type that `dtype_range` lacks: float16, bool, complex …
        """
        return 0, dtype_range[self.as_numpy_dtype][1]

    @property
    def size(self) -> int:
        """Bytes an element takes; 1 for resource and variant."""
        if self._type_enum in (_RESOURCE, _VARIANT):
            return 1
        return np.dtype(self.as_numpy_dtype).itemsize

    def is_compatible_with(self, other: DTypeLike) -> builtins.bool:
        """Whether a tensor of type `other` may be used where this type is asked.

        True for the same type, and for the reference form of it.
        """
        other = as_dtype(other)
        return self is other or self is other.base_dtype

    def __eq__(self, other: object) -> builtins.bool:
        # As in TensorFlow, names, numbers and NumPy types equal their DType.
        if self is other:
            return True
        if other is None or type(other) is DType:
            return False
        try:
            return self is _find(other)
        except TypeError:  # not hashable
            return False

    def __ne__(self, other: object) -> builtins.bool:
        return not self == other

    def __hash__(self) -> int:
        return self._type_enum

    def __int__(self) -> int:
        return self._type_enum

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __repr__(self) -> str:
        return "tf." + self.name

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return as_dtype, (self.name,)


float32 = DType(1)
float64 = double = DType(2)
int32 = DType(3)
uint8 = DType(4)
int16 = DType(5)
int8 = DType(6)
string = DType(7)
complex64 = DType(8)
int64 = DType(9)
bool = DType(10)
qint8 = DType(11)
quint8 = DType(12)
qint32 = DType(13)
bfloat16 = DType(14)
qint16 = DType(15)
quint16 = DType(16)
uint16 = DType(17)
complex128 = DType(18)
float16 = half = DType(19)
resource = DType(20)
variant = DType(21)
uint32 = DType(22)
uint64 = DType(23)

float32_ref = DType(101)
float64_ref = double_ref = DType(102)
int32_ref = DType(103)
uint8_ref = DType(104)
int16_ref = DType(105)
int8_ref = DType(106)
string_ref = DType(107)
complex64_ref = DType(108)
int64_ref = DType(109)
bool_ref = DType(110)
qint8_ref = DType(111)
quint8_ref = DType(112)
qint32_ref = DType(113)
bfloat16_ref = DType(114)
qint16_ref = DType(115)
quint16_ref = DType(116)
uint16_ref = DType(117)
complex128_ref = DType(118)
float16_ref = half_ref = DType(119)
resource_ref = DType(120)
variant_ref = DType(121)
uint32_ref = DType(122)
uint64_ref = DType(123)

_QUANTIZED_DTYPES_NO_REF = frozenset(DType(n) for n in _QUANTIZED)
_QUANTIZED_DTYPES_REF = frozenset(DType(n + 100) for n in _QUANTIZED)
QUANTIZED_DTYPES = _QUANTIZED_DTYPES_NO_REF | _QUANTIZED_DTYPES_REF

# The range of an image's intensities, by NumPy type.
dtype_range: dict[Any, tuple[Any, Any]] = {
    np.bool_: (False, True),
    np.uint8: (0, 2**8 - 1),
    np.uint16: (0, 2**16 - 1),
    np.uint32: (0, 2**32 - 1),
    np.uint64: (0, 2**64 - 1),
    np.int8: (-(2**7), 2**7 - 1),
    np.int16: (-(2**15), 2**15 - 1),
    np.int32: (-(2**31), 2**31 - 1),
    np.int64: (-(2**63), 2**63 - 1),
    np.float32: (-1, 1),
    np.float64: (-1, 1),
}

_TYPE_TO_STRING: dict[int, str] = {n: t.name for n, t in _INTERN_TABLE.items()}
_STRING_TO_TF: dict[str, DType] = {t.name: t for t in _INTERN_TABLE.values()} | {
    "half": float16,
    "half_ref": float16_ref,
    "float": float32,
    "float_ref": float32_ref,
    "double": float64,
    "double_ref": float64_ref,
}
# Python's int, str and bytes are not here: TensorFlow 1.15 refuses them too.
_PYTHON_TO_TF: dict[Any, DType] = {float: float32, builtins.bool: bool, object: string}
_NP_TO_TF: dict[Any, DType] = {
    np.object_: string,
    np.bytes_: string,
    np.str_: string,
    np.bool_: bool,
} | {
    t.as_numpy_dtype: t
    for t in _INTERN_TABLE.values()
    if t._np is not None and not t._is_ref_dtype and t not in (string, bool)
}
# C's names for integers may be classes apart from the fixed-width ones.
for _c in (np.intc, np.uintc, np.int_, np.uint, np.longlong, np.ulonglong):
    if _c not in _NP_TO_TF:
        _kind = "int" if issubclass(_c, np.signedinteger) else "uint"
        _NP_TO_TF[_c] = _STRING_TO_TF[f"{_kind}{8 * np.dtype(_c).itemsize}"]

TF_VALUE_DTYPES = {*_NP_TO_TF.values(), bfloat16}

_ANY_TO_TF: dict[Any, DType] = {
    **_INTERN_TABLE,
    **_STRING_TO_TF,
    **_PYTHON_TO_TF,
    **_NP_TO_TF,
}


def bfloat16_type() -> Any:
    """The NumPy class of bfloat16, loaded and entered in the tables."""
    import ml_dtypes

    cls = ml_dtypes.bfloat16
    _NP_TO_TF[cls] = _ANY_TO_TF[cls] = bfloat16
    return cls


def __getattr__(name: str) -> Any:
    if name == "_np_bfloat16":
        return bfloat16.as_numpy_dtype
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _find(type_value: object) -> DType | None:
    """Return the DType that `type_value` stands for, or None.

    TypeError if it cannot be a key of a dict.
    """
    key = type_value
    if isinstance(key, np.dtype):
        found = _NP_TO_TF.get(key.type)
        if found is not None:
            return found
        if key.fields is None:
            key = key.type
    found = _ANY_TO_TF.get(key)
    if found is None and getattr(key, "__module__", None) == "ml_dtypes":
        if key is bfloat16_type():
            return bfloat16
    return found


def as_dtype(type_value: DTypeLike) -> DType:
    """Return the DType for a DType, its name or number, or a NumPy type or dtype.

    Of Python's types `float` gives float32, `bool` bool and `object` string.
    TypeError for anything else.
    """
    if type(type_value) is DType:
        return type_value
    found = _find(type_value)
    if found is not None:
        return found
    raise TypeError(
        message(
            f"Cannot convert value {type_value!r} to a TensorFlow DType.",
            want="a tf.DType, its name, or a NumPy type",
            fix=_suggest(type_value),
        )
    )


def _suggest(type_value: object) -> str | None:
    """Return the DType that a Python type or NumPy name comes nearest to, if any."""
    if type_value is int:
        return repr(int32)  # what TensorFlow makes of a Python int
    if not isinstance(type_value, type | str):
        return None
    try:
        near = _NP_TO_TF.get(np.dtype(type_value).type)
    except (TypeError, ValueError):
        return None
    return None if near is None else repr(near)
