"""Products of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.autograd import elementwise, types
from retrograd.autograd.table import offer, operation, operator
from retrograd.errors import message
from retrograd.ops.declare import F
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.autograd.types import TensorOrNumber


def _check(x: EagerTensor, y: EagerTensor) -> None:
    """Refuse operands that cannot be multiplied.

    Raises:
      RuntimeError: a scalar, different types, or inner sizes that differ.
    """
    rows, columns = x._shape_raw, y._shape_raw
    if not rows or not columns:
        raise RuntimeError(
            "both arguments to matmul need to be at least 1D, but they are "
            f"{len(rows)}D and {len(columns)}D"
        )
    if x._dtype is not y._dtype:
        mine, other = types.title(x._dtype), types.title(y._dtype)
        raise RuntimeError(
            message(
                "expected m1 and m2 to have the same dtype, but got: "
                f"{mine.lower()} != {other.lower()}",
                fix="y.to(x.dtype)",
            )
        )
    inner = columns[0] if len(columns) == 1 else columns[-2]
    if rows[-1] == inner:
        return
    if len(rows) == len(columns) == 1:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{rows[0]}] and src "
            f"[{columns[0]}] to have the same number of elements, but got {rows[0]} "
            f"and {columns[0]} elements respectively"
        )
    a = f"{rows[0]}x{rows[1]}" if len(rows) == 2 else str(list(rows))
    b = f"{columns[0]}x{columns[1]}" if len(columns) == 2 else str(list(columns))
    raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a} and {b})")


def matmul(input: EagerTensor, other: EagerTensor) -> EagerTensor:
    """The matrix product; vectors are rows on the left, columns on the right.

    Dimensions before the last two are broadcast.
    """
    _check(input, other)
    rows, columns = list(input._shape_raw), list(other._shape_raw)
    if len(rows) == len(columns) == 1:
        return F.Sum(F.Mul(input, other), [0])
    x = F.ExpandDims(input, 0) if len(rows) == 1 else input
    y = F.ExpandDims(other, 1) if len(columns) == 1 else other
    if len(x._shape_raw) == len(y._shape_raw) == 2:
        product = F.MatMul(x, y)
    else:
        product = F.BatchMatMulV2(x, y)
    shape = list(product._shape_raw)
    if len(rows) == 1:
        del shape[-2]
    if len(columns) == 1:
        del shape[-1]
    same = len(shape) == len(product._shape_raw)
    return product if same else F.Reshape(product, shape)


for _name in ("matmul", "mm", "bmm", "mv", "dot"):
    offer(_name, matmul, title="Mm" if _name == "matmul" else None)


def _operator(a: TensorOrNumber, b: TensorOrNumber) -> EagerTensor:
    if not (isinstance(a, EagerTensor) and isinstance(b, EagerTensor)):
        raise TypeError("matmul(): both operands of @ have to be tensors")
    return matmul(a, b)


operator("matmul", _operator, title="Mm")


@operation(method=False)
def addmm(input: EagerTensor, mat1: EagerTensor, mat2: EagerTensor) -> EagerTensor:
    """input + mat1 · mat2."""
    return elementwise.add(input, matmul(mat1, mat2))


@operation()
def outer(input: EagerTensor, vec2: EagerTensor) -> EagerTensor:
    """The products of each element of one vector with each of another."""
    return elementwise.mul(F.ExpandDims(input, 1), F.ExpandDims(vec2, 0))


@operation()
def det(input: EagerTensor) -> EagerTensor:
    """The determinant of each matrix of the last two dimensions."""
    return F.MatrixDeterminant(input)


@operation()
def inverse(input: EagerTensor) -> EagerTensor:
    """The inverse of each matrix of the last two dimensions."""
    return F.MatrixInverse(input)


@operation(method=False)
def einsum(equation: str, *operands: EagerTensor) -> Any:
    """Sums of products by an equation in index notation."""
    from retrograd.ops.linalg.einsum import einsum as engine

    return engine(equation, *operands)
