"""Functions of matrices: exponential, logarithm, root, pseudo-inverse, rank."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, reshape, shape, size
from retrograd.ops.declare import F
from retrograd.ops.linalg.decompositions import svd
from retrograd.ops.linalg.diagonals import eye
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_max, reduce_sum
from retrograd.ops.math.unary import abs as absolute
from retrograd.shapes import is_full

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

    Its coefficients are (2m − j)! / ((m − j)! j!), the one of xᵐ is 1.
    """
    b = [constant(float(_coefficient(degree, j)), x.dtype) for j in range(degree)]
    sizes = shape(x)[-2]
    one = eye(sizes, batch_shape=shape(x)[:-2], dtype=x.dtype)
    square = matmul(x, x)
    powers = {0: one, 2: square}
    for j in range(4, min(degree, 8 if degree > 9 else 10), 2):
        powers[j] = matmul(powers[j - 2], square)
    if degree > 9:
        return _long_pade(x, b, powers)
    odd = _sum([powers[degree - 1]], b[1:], powers, degree - 3)
    return matmul(x, odd), _sum([], b, powers, degree - 1)


def _long_pade(
    x: Tensor, b: list[Tensor], powers: dict[int, Tensor]
) -> tuple[Tensor, Tensor]:
    """As `_pade`, for degree 13: powers beyond x⁶ as x⁶ times lower ones."""
    sixth = powers[6]
    high = sixth + b[11] * powers[4] + b[9] * powers[2]
    odd = matmul(x, _sum([matmul(sixth, high)], b[1:], powers, 6))
    high = b[12] * sixth + b[10] * powers[4] + b[8] * powers[2]
    return odd, _sum([matmul(sixth, high)], b, powers, 6)


def _sum(
    first: list[Tensor], b: list[Tensor], powers: dict[int, Tensor], highest: int
) -> Tensor:
    """What is given, and bⱼ xʲ for each even j from the highest on downwards."""
    total = first[0] if first else b[highest] * powers[highest]
    for j in range(highest if first else highest - 2, -1, -2):
        total = total + b[j] * powers[j]
    return total


def _coefficient(degree: int, j: int) -> int:
    return factorial(2 * degree - j) // (factorial(degree - j) * factorial(j))


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
        batch: Any = None if raw is None else raw[:-2]
        known = is_full(batch)
        if not known:
            batch = shape(matrix)[:-2]
        flat = reshape(matrix, concat([[-1], shape(matrix)[-2:]], axis=0))
        result = _exponentials(flat)
        if is_full(flat._shape_raw):
            return reshape(result, [*batch, *_sizes(result)])
        batch = np.array(batch, np.int32) if known else batch
        return reshape(result, concat([batch, shape(result)[-2:]], axis=0))


def _exponentials(matrix: Tensor) -> Tensor:
    from retrograd.ops.flow.loops import while_loop

    sums = reduce_sum(absolute(matrix), axis=size(shape(matrix)) - 2)
    norm = reduce_max(sums, axis=-1)

    def number(value: float) -> Tensor:
        return constant(value, norm.dtype)

    if matrix.dtype.name not in _PADE:
        raise ValueError(
            f"tf.linalg.expm does not support matrices of type {matrix.dtype}"
        )
    degrees, bounds, largest = _PADE[matrix.dtype.name]
    greatest = number(largest)
    squarings = F.Maximum(F.Floor(F.Log(norm / greatest) / F.Log(number(2.0))), 0)
    pairs = [_pade(matrix, degree) for degree in degrees[:-1]]
    two = constant(2.0, matrix.dtype)
    factor: Any = F.Pow(two, cast(squarings, matrix.dtype))
    pairs.append(_pade(matrix / factor[..., None, None], degrees[-1]))
    odd, even = (
        _first_below(norm, bounds, parts) for parts in zip(*pairs, strict=True)
    )
    above = odd + even
    result = F.MatrixSolve(-odd + even, above)
    most = reduce_max(squarings)

    def square_again(i: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return i + 1, F.Select(F.Less(i, squarings), matmul(y, y), y)

    loop = [number(0.0), result]
    found: Any = while_loop(lambda i, y: F.Less(i, most), square_again, loop)
    return found[1]


def _first_below(
    norm: Tensor, bounds: Sequence[float], values: Sequence[Tensor]
) -> Tensor:
    """For each matrix the first value whose bound is above its norm, or the last."""
    small = [F.Less(norm, constant(bound, norm.dtype)) for bound in bounds]
    found = values[-1]
    for chosen, value in zip(reversed(small), reversed(values[:-1]), strict=True):
        found = F.Select(chosen, value, found)
    return found


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
            sizes = _sizes(a)
            known = is_full(sizes)
            most = np.max(sizes) if known else reduce_max(shape(a)[-2:])
            eps = np.finfo(a.dtype.as_numpy_dtype).eps
            most = cast(most, a.dtype)
            tol = eps * most * reduce_max(values, axis=-1, keepdims=True)
        return reduce_sum(cast(values > tol, "int32"), axis=-1)


def _sizes(a: Tensor) -> Any:
    """How many rows and columns matrices have, as far as it is known."""
    return (a._shape_raw or (None, None))[-2:]


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
            rows, columns = (
                shape(a)[i] if size is None else size
                for i, size in zip((-2, -1), _sizes(a), strict=True)
            )
            most: Any = None
            if isinstance(rows, Tensor) or isinstance(columns, Tensor):
                most = cast(F.Maximum(rows, columns), a.dtype)
            else:
                most = float(max(rows, columns))
            eps = np.finfo(a.dtype.as_numpy_dtype).eps
            least = convert_to_tensor(10.0 * most * eps, a.dtype, name="rcond")
        else:
            least = convert_to_tensor(rcond, a.dtype, name="rcond")
        s, u, v = svd(a, full_matrices=False, compute_uv=True)
        cut = expand_dims(least * reduce_max(s, axis=-1), -1)
        s = F.SelectV2(s > cut, s, np.array(np.inf, a.dtype.as_numpy_dtype))
        result = matmul(v / expand_dims(s, -2), u, adjoint_b=True)
        raw = a._shape_raw
        if raw is not None:
            result.set_shape([*raw[:-2], raw[-1], raw[-2]])
        return result
