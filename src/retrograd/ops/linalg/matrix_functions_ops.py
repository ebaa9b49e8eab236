"""Ops: functions of matrices: exponential, logarithm, root, pseudo-inverse, rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import matrix_transpose, shape
from retrograd.ops.declare import F, op
from retrograd.ops.linalg.diagonals import eye
from retrograd.ops.linalg.solve_ops import check_square, square

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _each(function: Callable[..., Any], x: Array) -> Array:
    """A function of one matrix, of each of a batch; of one not finite, NaN."""
    check_square(x)
    if not x.size:
        return x
    flat = x.reshape(-1, *x.shape[-2:])
    results = [
        np.asarray(function(matrix))
        if np.isfinite(matrix).all()
        else np.full_like(matrix, np.nan)
        for matrix in flat
    ]
    return np.array(results, np.result_type(x, *results)).reshape(x.shape)


def _kronecker(a: Tensor, b: Tensor, order: Tensor, batch: Tensor) -> Tensor:
    """The Kronecker products of matrices [..., m, m]."""
    rows = F.ConcatV2([batch, [order, 1, order, 1]], 0)
    columns = F.ConcatV2([batch, [1, order, 1, order]], 0)
    whole = F.ConcatV2([batch, [order * order, order * order]], 0)
    return F.Reshape(F.Mul(F.Reshape(a, rows), F.Reshape(b, columns)), whole)


def _square_root_rule(n: Operation, dy: Tensor) -> Tensor:
    """Solve X̄ᵀ Y + Y X̄ᵀ = Ȳᵀ: (1 ⊗ Yᵀ + Y ⊗ 1) vec X̄ᵀ = vec Ȳᵀ."""
    y = n.outputs[0]
    sizes = shape(y)
    order, batch = sizes[-1], sizes[:-2]
    identity = eye(order, batch_shape=batch, dtype=y.dtype)
    both = F.AddV2(
        _kronecker(identity, matrix_transpose(y), order, batch),
        _kronecker(y, identity, order, batch),
    )
    column = F.ConcatV2([batch, [order * order, 1]], 0)
    right = F.Reshape(matrix_transpose(dy), column)
    return matrix_transpose(F.Reshape(F.MatrixSolve(both, right), sizes))


@op(
    "MatrixSquareRoot",
    infer=square,
    math="Y = sqrtm(X), Y Y = X",
    host=True,
    grad=_square_root_rule,
    notation=dict(input="X̄ = solution of Yᵀ X̄ + X̄ Yᵀ = Ȳ"),
)
def _square_root(xp: Arrays, x: Array) -> Array:
    """The principal square roots of matrices.

    Raises:
      InvalidArgumentError: a real matrix has none that is real.
    """
    import scipy.linalg

    del xp
    result = _each(scipy.linalg.sqrtm, x)
    if np.iscomplexobj(result) and not np.iscomplexobj(x):
        raise refused("The matrix has no real square root.")
    return result.astype(x.dtype)


@op("MatrixLogarithm", infer=square, math="Y = log X, exp Y = X", host=True)
def _logarithm(xp: Arrays, x: Array) -> Array:
    """The principal logarithms of complex matrices."""
    import scipy.linalg

    del xp
    # in single precision SciPy takes the loss of digits for a failure, and warns
    return _each(scipy.linalg.logm, x.astype(np.complex128)).astype(x.dtype)


@op("MatrixExponential", infer=square, math="Y = exp X", host=True)
def _exponential(xp: Arrays, x: Array) -> Array:
    """The exponentials of matrices."""
    import scipy.linalg

    del xp
    return _each(scipy.linalg.expm, x).astype(x.dtype)
