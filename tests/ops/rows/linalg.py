"""Rows for products of matrices, and for diagonals."""

from __future__ import annotations

from tests.ops.rows import c, f, row

_TURNS = [(False, False), (False, True), (True, False), (True, True)]


def _sized(rows: int, columns: int, turned: bool) -> tuple[int, int]:
    return (columns, rows) if turned else (rows, columns)


def _products():
    for a, b in _TURNS:
        left, right = _sized(2, 3, a), _sized(3, 4, b)
        yield row("MatMul", f(*left), f(*right), transpose_a=a, transpose_b=b)
        flags = {"adj_x": a, "adj_y": b}
        yield row("BatchMatMul", f(2, *left), f(2, *right), **flags)
        yield row("BatchMatMulV2", f(2, *left), f(2, *right), **flags)
        yield row("BatchMatMulV2", f(3, 1, *left), f(2, *right), **flags)


_PLACES = c([[0, 1], [1, 3], [0, 0]], "int64")

ROWS = [
    *_products(),
    row("BatchMatMulV2", f(2, 3), f(5, 3, 4)),
    row(
        "SparseMatMul",
        c([[1.0, 0.0], [0.0, 2.0]], "float32"),
        c([[3.0, 1.0]], "float32"),
        transpose_b=True,
        order=0,
    ),
    row("SparseTensorDenseMatMul", _PLACES, f(3), c([2, 4], "int64"), f(4, 3)),
    row(
        "SparseTensorDenseMatMul",
        _PLACES,
        f(3),
        c([2, 4], "int64"),
        f(3, 2),
        adjoint_a=True,
        adjoint_b=True,
    ),
    row("Einsum", [f(2, 3), f(3, 4)], equation="ij,jk->ik", order=0),
    row("Cross", f(2, 3), f(2, 3)),
    row("MatrixBandPart", f(2, 3, 4), c(1, "int64"), c(0, "int64")),
    row("MatrixBandPart", f(3, 3), c(-1, "int64"), c(1, "int64")),
    row("MatrixDiag", f(2, 3)),
    row("MatrixDiagPart", f(2, 3, 3)),
    row("MatrixDiagPart", f(2, 3, 4)),
    row("MatrixSetDiag", f(2, 3, 4), f(2, 3)),
    row("MatrixSetDiag", f(4, 3), f(3)),
    row("MatrixDiagPartV2", f(2, 3, 4), c([-1, 1], "int32"), c(9.0, "float64")),
    row("MatrixDiagPartV2", f(3, 4), c(1, "int32"), c(9.0, "float64")),
    row(
        "MatrixDiagV2",
        f(2, 3),
        c(1, "int32"),
        c(-1, "int32"),
        c(-1, "int32"),
        c(9.0, "float64"),
    ),
    row(
        "MatrixDiagV2",
        f(2, 2, 3),
        c([-1, 0], "int32"),
        c(4, "int32"),
        c(3, "int32"),
        c(0.0, "float64"),
    ),
    row("MatrixSetDiagV2", f(2, 3, 4), f(2, 3), c(1, "int32")),
    row("MatrixSetDiagV2", f(3, 4), f(2, 3), c([-1, 0], "int32")),
    row("Diag", f(2, 3)),
    row("DiagPart", f(2, 3, 2, 3)),
]
