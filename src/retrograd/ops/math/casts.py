"""Conversion between element types, and the parts of complex numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from retrograd import dtypes
from retrograd.graph.composite import IndexedSlices, SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, DTypeLike, TensorLike


def cast(x: CompositeLike, dtype: DTypeLike, name: str | None = None) -> Any:
    """`x` with another element type; a tensor that has it already is returned.

    Args:
      x: numbers or truth values: a tensor, a sparse tensor or IndexedSlices.
      dtype: the new element type.
      name: the name of the operation.

    Raises:
      TypeError: there is no conversion between the types.
    """
    wanted = dtypes.as_dtype(dtype).base_dtype
    if _is_tensor(x) and wanted == x.dtype:
        return x
    with name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, SparseTensor):
            values = cast(x.values, wanted, scope)
            return SparseTensor(x.indices, values, x.dense_shape)
        if isinstance(x, IndexedSlices):
            values = cast(x.values, wanted, scope)
            return IndexedSlices(values, x.indices, x.dense_shape)
        x = convert_to_tensor(x, name="x")
        if x.dtype.base_dtype != wanted:
            x = F.Cast(x, DstT=wanted, name=scope)
        return x


def _is_tensor(x: CompositeLike) -> TypeGuard[Tensor]:
    return isinstance(x, Tensor) or getattr(x, "_is_resource_variable", False)


def saturate_cast(
    value: TensorLike, dtype: DTypeLike, name: str | None = None
) -> Tensor:
    """`cast` after clipping to what the new element type can hold."""
    with name_scope(name, "saturate_cast", [value]) as scope:
        result = convert_to_tensor(value, name="value")
        wanted = dtypes.as_dtype(dtype).base_dtype
        if result.dtype.min < wanted.min:
            low = convert_to_tensor(wanted.min, result.dtype, "min")
            result = F.Maximum(result, low)
        if result.dtype.max > wanted.max:
            high = convert_to_tensor(wanted.max, result.dtype, "max")
            result = F.Minimum(result, high)
        return cast(result, wanted, scope)


def to_float(x: CompositeLike, name: str = "ToFloat") -> Any:
    """`x` as float32."""
    return cast(x, dtypes.float32, name)


def to_double(x: CompositeLike, name: str = "ToDouble") -> Any:
    """`x` as float64."""
    return cast(x, dtypes.float64, name)


def to_int32(x: CompositeLike, name: str = "ToInt32") -> Any:
    """`x` as int32."""
    return cast(x, dtypes.int32, name)


def to_int64(x: CompositeLike, name: str = "ToInt64") -> Any:
    """`x` as int64."""
    return cast(x, dtypes.int64, name)


def to_bfloat16(x: CompositeLike, name: str = "ToBFloat16") -> Any:
    """`x` as bfloat16."""
    return cast(x, dtypes.bfloat16, name)


def to_complex64(x: CompositeLike, name: str = "ToComplex64") -> Any:
    """`x` as complex64."""
    return cast(x, dtypes.complex64, name)


def to_complex128(x: CompositeLike, name: str = "ToComplex128") -> Any:
    """`x` as complex128."""
    return cast(x, dtypes.complex128, name)


def complex(real: TensorLike, imag: TensorLike, name: str | None = None) -> Tensor:
    """The complex numbers with the given parts, both float32 or both float64.

    Raises:
      TypeError: parts of other element types.
    """
    real = convert_to_tensor(real, name="real")
    imag = convert_to_tensor(imag, name="imag")
    with name_scope(name, "Complex", [real, imag]) as scope:
        wide = _COMPLEX.get((real.dtype.name, imag.dtype.name))
        if wide is None:
            raise TypeError(
                f"real and imag have incorrect types: {real.dtype.name} "
                f"{imag.dtype.name}"
            )
        return F.Complex(real, imag, Tout=wide, name=scope)


_COMPLEX = {
    ("float32", "float32"): dtypes.complex64,
    ("float64", "float64"): dtypes.complex128,
}


def real(input: TensorLike, name: str | None = None) -> Tensor:
    """The real part of each element; real numbers are returned as they are."""
    with name_scope(name, "Real", [input]) as scope:
        x = convert_to_tensor(input, name="input")
        if x.dtype.is_complex:
            return F.Real(x, Tout=x.dtype.real_dtype, name=scope)
        return x


def imag(input: TensorLike, name: str | None = None) -> Tensor:
    """The imaginary part of each element; of real numbers zero."""
    with name_scope(name, "Imag", [input]) as scope:
        x = convert_to_tensor(input, name="input")
        if x.dtype.is_complex:
            return F.Imag(x, Tout=x.dtype.real_dtype, name=scope)
        return zeros_like(x)


def angle(input: TensorLike, name: str | None = None) -> Tensor:
    """The argument of each element, in (−π, π]; of real numbers zero."""
    with name_scope(name, "Angle", [input]) as scope:
        x = convert_to_tensor(input, name="input")
        if x.dtype.is_complex:
            return F.Angle(x, Tout=x.dtype.real_dtype, name=scope)
        return zeros_like(x)


def conj(x: TensorLike, name: str | None = None) -> Tensor:
    """The complex conjugate; real numbers are returned as they are.

    Raises:
      TypeError: elements that are not numbers.
    """
    if isinstance(x, Tensor) and (x.dtype.is_floating or x.dtype.is_integer):
        return x
    with name_scope(name, "Conj", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex or x.dtype.name == "variant":
            return F.Conj(x, name=scope)
        if x.dtype.is_floating or x.dtype.is_integer:
            return x
        raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}")
