"""Functions of matrices: exponential, logarithm, root, pseudo-inverse, rank."""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.shape import expand_dims, reshape, shape
from retrograd.ops.declare import F
from retrograd.ops.linalg.decompositions import svd
from retrograd.ops.linalg.diagonals import eye
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.reduce import reduce_max, reduce_sum
from retrograd.ops.math.unary import abs as absolute

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


# ---------------------------------------------------------------------- exponential

#: by element type: the degrees of the Padé approximants of exp, and up to which 1-norm
#: each but the last is exact to rounding; the last after scaling to its own bound.
#: Nicholas Higham, The scaling and squaring method for the matrix exponential
#: revisited, SIAM J. Matrix Anal. Appl. 26 (2005), table 2.3, for double precision.
_SINGLE = ((3, 5, 7), (4.258730016922831e-1, 1.880152677804762), 3.925724783138660)
_DOUBLE = (
    (3, 5, 7, 9, 13),
    (
        1.495585217958292e-2,
        2.539398330063230e-1,
        9.504178996162932e-1,
        2.097847961257068,
    ),
    5.371920351148152,
)
_PADE = {
    "float16": _SINGLE,
    "float32": _SINGLE,
    "complex64": _SINGLE,
    "float64": _DOUBLE,
    "complex128": _DOUBLE,
}


def _pade(x: Tensor, degree: int) -> tuple[Tensor, Tensor]:
    """The odd and the even part of the numerator of exp's approximant.

    Its coefficients are (2m − j)! / ((m − j)! j!).
    """
    sizes = shape(x)
    power = eye(sizes[-2], batch_shape=sizes[:-2], dtype=x.dtype)
    squared = matmul(x, x)
    odd: Any = None
    even: Any = None
    for j in range(0, degree + 1, 2):
        if j:
            power = squared if j == 2 else matmul(power, squared)
        parts = [_coefficient(degree, i, x) * power for i in (j, j + 1) if i <= degree]
        even = parts[0] if even is None else even + parts[0]
        if len(parts) > 1:
            odd = parts[1] if odd is None else odd + parts[1]
    return matmul(x, odd), even


def _coefficient(degree: int, j: int, like: Tensor) -> Tensor:
    value = factorial(2 * degree - j) // (factorial(degree - j) * factorial(j))
    return constant(float(value), like.dtype)


def matrix_exponential(input: TensorLike, name: str | None = None) -> Tensor:
    """The exponentials of matrices [..., n, n], by scaling and squaring.

    Raises:
      ValueError: elements that are not real or complex numbers.
    """
    with name_scope(name, "matrix_exponential", [input]):
        matrix = convert_to_tensor(input, name="input")
        raw = matrix._shape_raw
        if raw is not None and raw[-2:] == (0, 0):
            return matrix
        if matrix.dtype.name not in _PADE:
            raise ValueError(
                f"tf.linalg.expm does not support matrices of type {matrix.dtype}"
            )
        sizes = shape(matrix)
        flat = reshape(matrix, F.ConcatV2([[-1], sizes[-2:]], 0))
        result = reshape(_exponentials(flat), sizes)
        result.set_shape(matrix.shape)
        return result


def _exponentials(matrix: Tensor) -> Tensor:
    from retrograd.ops.flow.loops import while_loop

    degrees, bounds, largest = _PADE[matrix.dtype.name]
    size = reduce_max(reduce_sum(absolute(matrix), axis=-2), axis=-1)

    def number(value: float) -> Tensor:
        return constant(value, size.dtype)

    logs = F.Log(size / number(largest)) / F.Log(number(2.0))
    squarings = F.Maximum(F.Floor(logs), number(0.0))
    factor = F.Pow(number(2.0), squarings)
    factor = expand_dims(expand_dims(F.Cast(factor, DstT=matrix.dtype), -1), -1)
    pairs = [_pade(matrix, degree) for degree in degrees[:-1]]
    odd, even = _pade(matrix / factor, degrees[-1])
    for bound, (u, v) in zip(reversed(bounds), reversed(pairs), strict=True):
        small = F.Less(size, number(bound))
        odd, even = F.Select(small, u, odd), F.Select(small, v, even)
    result = F.MatrixSolve(even - odd, odd + even)
    most = reduce_max(squarings)

    def square_again(i: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return i + number(1.0), F.Select(F.Less(i, squarings), matmul(y, y), y)

    loop = [number(0.0), result]
    found: Any = while_loop(lambda i, y: F.Less(i, most), square_again, loop)
    return found[1]


def matrix_logarithm(input: TensorLike, name: str | None = None) -> Tensor:
    """The principal logarithms of complex matrices [..., n, n]."""
    return F.MatrixLogarithm(input, name=name)


def matrix_square_root(input: TensorLike, name: str | None = None) -> Tensor:
    """The principal square roots of matrices [..., n, n]."""
    return F.MatrixSquareRoot(input, name=name)


# ---------------------------------------------------------------------- singular values


def _checked(a: Tensor) -> None:
    if not a.dtype.is_floating:
        raise TypeError(
            f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name})."
        )
    rank = a._rank()
    if rank is not None and rank < 2:
        raise ValueError(f"Input `a` must have at least 2 dimensions (saw: {rank}).")


def _longest(a: Tensor) -> Tensor:
    """The larger of the numbers of rows and columns."""
    raw = a._shape_raw
    if raw is not None and None not in raw[-2:]:
        return constant(float(max(d or 0 for d in raw[-2:])), a.dtype)
    return F.Cast(reduce_max(shape(a)[-2:]), DstT=a.dtype)


def matrix_rank(
    a: TensorLike,
    tol: TensorLike | None = None,
    validate_args: bool = False,
    name: str | None = None,
) -> Tensor:
    """The rank of matrices: how many singular values are above `tol`.

    Args:
      a: real matrices [..., m, n].
      tol: by default what rounding leaves: ε · max(m, n) · the largest.
      validate_args: accepted; what can be checked is checked.
      name: the name scope.
    """
    del validate_args
    with name_scope(name or "matrix_rank"):
        a = convert_to_tensor(a, dtype_hint="float32", name="a")
        _checked(a)
        values = svd(a, compute_uv=False)
        if tol is None:
            eps = constant(float(np.finfo(a.dtype.as_numpy_dtype).eps), a.dtype)
            tol = eps * _longest(a) * reduce_max(values, -1, True)
        return reduce_sum(F.Cast(values > tol, DstT="int32"), axis=-1)


def pinv(
    a: TensorLike,
    rcond: TensorLike | None = None,
    validate_args: bool = False,
    name: str | None = None,
) -> Tensor:
    """The Moore–Penrose pseudo-inverses of matrices.

    Args:
      a: real matrices [..., m, n].
      rcond: singular values below this part of the largest count as zero.
      validate_args: accepted; what can be checked is checked.
      name: the name scope.
    """
    del validate_args
    with name_scope(name or "pinv"):
        a = convert_to_tensor(a, name="a")
        _checked(a)
        if rcond is None:
            eps = 10.0 * float(np.finfo(a.dtype.as_numpy_dtype).eps)
            least = _longest(a) * constant(eps, a.dtype)
        else:
            least = convert_to_tensor(rcond, a.dtype, "rcond")
        s, u, v = svd(a, full_matrices=False, compute_uv=True)
        cut = expand_dims(least * reduce_max(s, axis=-1), -1)
        s = F.SelectV2(s > cut, s, constant(float("inf"), a.dtype))
        result = matmul(v / expand_dims(s, -2), u, adjoint_b=True)
        raw = a._shape_raw
        if raw is not None:
            result.set_shape([*raw[:-2], raw[-1], raw[-2]])
        return result
