"""Rows for inverses, systems of equations and decompositions."""

from __future__ import annotations

import numpy as np

from tests.ops.rows import c, f, row

_BATCH = f(2, 3, 3, low=-1.0, high=1.0)
_RIGHT = f(2, 3, 2)
_FIXED = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])

#: TensorFlow gives uninitialized scalars, whatever shape its rule promises
_NEITHER = {1: "dtype", 2: "dtype"}
#: in single precision TensorFlow's vectors are good to five digits only
_VECTORS = dict(compared={1: "magnitude", 2: "magnitude"}, slack=10)

ROWS = [
    row("MatrixInverse", _BATCH, tolerance=1e-3),
    row("MatrixInverse", _BATCH, adjoint=True, tolerance=1e-3),
    row("MatrixDeterminant", _BATCH),
    row("LogMatrixDeterminant", _BATCH, tolerance=1e-3),
    row("MatrixSolve", _BATCH, _RIGHT, tolerance=1e-3),
    row("MatrixSolve", _BATCH, _RIGHT, adjoint=True, tolerance=1e-3),
    *(
        row(
            "MatrixTriangularSolve",
            f(2, 3, 3, low=1.0, high=2.0),
            _RIGHT,
            lower=lower,
            adjoint=adjoint,
        )
        for lower in (False, True)
        for adjoint in (False, True)
    ),
    row("MatrixSolveLs", f(4, 2), f(4, 1), c(0.1, "float64")),
    row("MatrixSolveLs", f(2, 4), f(2, 1), c(0.1, "float64")),
    row("MatrixSolveLs", f(4, 2), f(4, 1), c(0.0, "float64"), fast=False, order=0),
    row("TridiagonalSolve", f(3, 4, low=2.0, high=3.0), f(4, 2), tolerance=1e-3),
    row("TridiagonalMatMul", f(1, 4), f(1, 4), f(1, 4), f(4, 2)),
    row("MatrixSquareRoot", c(_FIXED, "float64"), order=0, tier1=False),
    row("MatrixLogarithm", c(_FIXED, "complex128"), order=0, tier1=False),
    row("MatrixExponential", c(_FIXED, "float64"), order=0, tier1=False),
    row("Cholesky", c(_FIXED, "float64"), order=0),
    row("Qr", f(2, 4, 3), tolerance=1e-3),
    row("Qr", f(3, 4), full_matrices=True, order=0),
    row("SelfAdjointEigV2", f(2, 3, 3), compute_v=False, compared={1: "dtype"}),
    row("SelfAdjointEigV2", c(_FIXED, "float64"), order=0, compared={1: "magnitude"}),
    row("Svd", f(2, 3, 4), tolerance=1e-3, **_VECTORS),
    row("Svd", f(4, 3), tolerance=1e-3, **_VECTORS),
    row("Svd", f(3, 4), full_matrices=True, order=1, tolerance=1e-3, **_VECTORS),
    row("Svd", f(3, 3), compute_uv=False, tolerance=1e-3, compared=_NEITHER),
    row("Lu", c(_FIXED, "float64"), order=0, tier1=False),
]
