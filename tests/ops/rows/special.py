"""Rows for special functions, and clipping."""

from __future__ import annotations

from tests.ops.rows import c, f, row

_A = f(2, 3, low=1.5, high=4.0)
_X = f(2, 3, low=0.5, high=3.0)

ROWS = [
    row("Lgamma", _X),
    row("Digamma", _X),
    row("Polygamma", c([[1.0], [2.0]], "float64"), _X),
    row("Zeta", c([[1.5], [3.0]], "float64"), _X),
    row("Igamma", _A, _X, order=1),
    row("Igamma", c([[1.5], [3.0]], "float64"), _X),
    row("Igammac", _A, _X, order=1),
    row("Igammac", c([[1.5], [3.0]], "float64"), _X),
    row("IgammaGradA", _A, _X, order=0),
    row(
        "Betainc",
        c([[2.0, 3.0, 0.5]], "float64"),
        c([[1.5, 0.5, 2.0]], "float64"),
        f(1, 3, low=0.1, high=0.9),
    ),
    row("Betainc", c(2.0, "float64"), c(3.0, "float64"), f(3, low=0.1, high=0.9)),
    row("Erf", f(2, 3)),
    row("Erfc", f(2, 3)),
    row("BesselI0e", f(2, 3)),
    row("BesselI1e", f(2, 3)),
    row("ClipByValue", f(2, 3), c(-1.0, "float64"), c(1.0, "float64"), order=0),
]
