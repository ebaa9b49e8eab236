"""Rows for elementwise functions of one tensor."""

from __future__ import annotations

from tests.ops.rows import c, f, row

_ANY = "Neg Abs Sign Square Exp Expm1 Sigmoid Sin Cos Atan Sinh Cosh Tanh Asinh"
_POSITIVE = "Sqrt Rsqrt Log Log1p Reciprocal Inv"
_UNIT = "Asin Acos Atanh Tan"
_BACKWARD = "SqrtGrad RsqrtGrad ReciprocalGrad InvGrad SigmoidGrad TanhGrad"
_STEPS = "Floor Ceil Round Rint"
_COMPLEX = c([1 + 2j, -0.5 + 0.25j, -1j], "complex128")

ROWS = [
    *(row(op, f(3, 4)) for op in _ANY.split()),
    *(row(op, f(3, 4, low=0.5, high=3.0)) for op in _POSITIVE.split()),
    *(row(op, f(3, 4, low=-0.8, high=0.8)) for op in _UNIT.split()),
    *(row(op, f(5, low=0.5, high=2.0), f(5)) for op in _BACKWARD.split()),
    *(row(op, f(3, 4), order=1) for op in _STEPS.split()),
    *(row(op, _COMPLEX, order=0) for op in ("Neg Sign Square Sqrt Exp Tanh").split()),
    row("Acosh", f(3, 4, low=1.5, high=3.0)),
]
