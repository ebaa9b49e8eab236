"""PyTorch's names of element types, and which type a computation has."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd import dtypes
from retrograd.dtypes import DType
from retrograd.ops.declare import F
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.typing import Number

    #: what an elementwise operation takes: a tensor of the engine, or a number
    TensorOrNumber: TypeAlias = EagerTensor | Number

#: PyTorch's names, and the second names of some
NAMES: dict[str, DType] = {
    "float32": dtypes.float32,
    "float64": dtypes.float64,
    "float16": dtypes.float16,
    "bfloat16": dtypes.bfloat16,
    "complex64": dtypes.complex64,
    "complex128": dtypes.complex128,
    "uint8": dtypes.uint8,
    "int8": dtypes.int8,
    "int16": dtypes.int16,
    "int32": dtypes.int32,
    "int64": dtypes.int64,
    "bool": dtypes.bool,
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "cfloat": dtypes.complex64,
    "cdouble": dtypes.complex128,
    "short": dtypes.int16,
    "int": dtypes.int32,
    "long": dtypes.int64,
}

#: how messages call them
_TITLES = {
    "float32": "Float",
    "float64": "Double",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "bool": "Bool",
}

default = dtypes.float32
_default_complex = dtypes.complex64


def title(dtype: DType) -> str:
    """The name in messages: `Float` for float32."""
    return _TITLES.get(dtype.name, dtype.name)


def is_differentiable(dtype: DType) -> bool:
    """Whether tensors of this type can require gradients."""
    return dtype.is_floating or dtype.is_complex


def category(dtype: DType) -> int:
    """0 for bool, 1 for whole numbers, 2 for real, 3 for complex."""
    if dtype.is_complex:
        return 3
    if dtype.is_floating:
        return 2
    return 0 if dtype.is_bool else 1


def of_number(value: Number) -> DType:
    """The type a Python number has on its own.

    Raises:
      TypeError: it is none.
    """
    if isinstance(value, (bool, np.bool_)):
        return dtypes.bool
    if isinstance(value, (int, np.integer)):
        return dtypes.int64
    if isinstance(value, (float, np.floating)):
        return default
    if isinstance(value, (complex, np.complexfloating)):
        return _default_complex
    raise TypeError(f"a Tensor or a number is wanted, not {type(value).__name__}")


@functools.cache
def promoted(a: DType, b: DType) -> DType:
    """The smallest type that both can be brought to."""
    if a is b:
        return a
    if category(a) == category(b) == 2 or {category(a), category(b)} <= {0, 1}:
        if dtypes.bfloat16 in (a, b) and category(a) == category(b) == 2:
            other = b if a is dtypes.bfloat16 else a
            return dtypes.float32 if other is dtypes.float16 else other
        wide = np.promote_types(a.as_numpy_dtype, b.as_numpy_dtype)
        return dtypes.as_dtype(wide.type)
    low, high = sorted((a, b), key=category)
    if category(high) == 2 or category(low) < 2:
        return high
    if category(low) == category(high):
        return dtypes.complex128
    return dtypes.complex128 if dtypes.float64 in (low, high) else high


@functools.cache
def _combined(strong: DType, weak: DType) -> DType:
    """A type, raised to the category of operands that count less."""
    if category(weak) <= category(strong):
        return strong
    return promoted(strong, weak)


def result_type(*operands: TensorOrNumber) -> DType:
    """The type of a computation with tensors of the engine and Python numbers.

    Tensors with dimensions decide; those without, and then plain numbers, count where
    they are of a higher category: bool, whole, real, complex.
    """
    first = operands[0]
    if isinstance(first, EagerTensor) and all(
        isinstance(x, EagerTensor) and x._dtype is first._dtype for x in operands
    ):
        return first._dtype  # what is asked most often
    by_rank: dict[int, DType] = {}
    for operand in operands:
        if isinstance(operand, EagerTensor):
            rank, dtype = (2 if operand._shape_raw else 1), operand._dtype
        else:
            rank, dtype = 0, of_number(operand)
        known = by_rank.get(rank)
        by_rank[rank] = dtype if known is None else promoted(known, dtype)
    ordered = [by_rank[rank] for rank in (2, 1, 0) if rank in by_rank]
    return functools.reduce(_combined, ordered)


def constant(value: object, dtype: DType) -> EagerTensor:
    """A tensor of the engine that holds a number or an array."""
    return EagerTensor(np.asarray(value, dtype.as_numpy_dtype), dtype)


def cast(x: object, dtype: DType) -> EagerTensor:
    """A tensor of the engine or a number, in this type."""
    if not isinstance(x, EagerTensor):
        return constant(x, dtype)
    return x if x._dtype is dtype else F.Cast(x, DstT=dtype)


def same_type(*operands: TensorOrNumber) -> list[EagerTensor]:
    """All operands as tensors of the type that they have together."""
    dtype = result_type(*operands)
    return [cast(x, dtype) for x in operands]


def to_floating(x: EagerTensor) -> EagerTensor:
    """`x`, or, of whole numbers and truth values, its form in the default type."""
    return x if is_differentiable(x._dtype) else cast(x, default)


def as_dtype(given: Any) -> DType:
    """A type given as a DType, a name of PyTorch's, or a Python or NumPy type.

    Python's own types stand for what they hold: `float` for float64.
    """
    if isinstance(given, type) and given in (bool, int, float, complex):
        return dtypes.as_dtype(np.dtype(given).type)
    if isinstance(given, str) and given in NAMES:
        return NAMES[given]
    return dtypes.as_dtype(given)
