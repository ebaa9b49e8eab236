"""Rows for conversions, and for the parts of complex numbers."""

from __future__ import annotations

from tests.ops.rows import c, f, row

_COMPLEX = c([[1 + 2j, -0.5 + 0.25j]], "complex128")

ROWS = [
    row("Cast", f(2, 3), DstT="float64"),
    row("Cast", f(2, 3), DstT="float32", order=0),
    row("Cast", f(2, 3), DstT="int32", order=0),
    row("Cast", f(2, 3), DstT="complex64", order=0),
    row("Cast", c([300, -1], "int32"), DstT="uint8", order=0),
    row("Conj", _COMPLEX, order=0),
    row("Real", _COMPLEX, order=0, Tout="float64"),
    row("Imag", _COMPLEX, order=0, Tout="float64"),
    row("Complex", f(2, 1), f(3), order=0, Tout="complex128"),
    row("ComplexAbs", _COMPLEX, order=0, Tout="float64"),
    row("Angle", _COMPLEX, order=0, Tout="float64"),
]
