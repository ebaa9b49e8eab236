"""Rows for conversions, and for the parts of complex numbers."""

from __future__ import annotations

from tests.ops.rows import c, f, row

_COMPLEX = c([[1 + 2j, -0.5 + 0.25j]], "complex128")

_PARTS = (c([[0.5], [-1.5]], "float32"), c([0.25, 2.0, -1.0], "float32"))
_ALONE = dict.fromkeys(
    "float32 float64 complex64 complex128".split(),
    "a number and its parts have one size; TensorFlow reads beyond its memory else",
)

ROWS = [
    row("Cast", f(2, 3), DstT="float64"),
    row("Cast", f(2, 3), DstT="float32", order=0),
    row("Cast", f(2, 3), DstT="int32", order=0),
    row("Cast", f(2, 3), DstT="complex64", order=0),
    row("Cast", c([300, -1], "int32"), DstT="uint8", order=0),
    row("Conj", _COMPLEX, order=0),
    *(
        row(op, _COMPLEX.of(dtype), order=0, Tout=real, without=_ALONE)
        for op in ("Real", "Imag", "Angle", "ComplexAbs")
        for dtype, real in (("complex128", "float64"), ("complex64", "float32"))
    ),
    row("Complex", f(2, 1), f(3), order=0, Tout="complex128", without=_ALONE),
    row("Complex", *_PARTS, order=0, Tout="complex64", without=_ALONE),
]
