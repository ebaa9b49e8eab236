"""Rows for comparison, logic, tests of numbers and arithmetic on bits."""

from __future__ import annotations

import numpy as np

from tests.ops.rows import c, f, row

_NUMBERS = c([1, 5, -3], "int32"), c([[2], [5]], "int32")
_TRUTH = c([True, False]), c([[True], [False]])
_BITS = c([1, 5, -3], "int16"), c([2, 5, 7], "int16")
_ODD = c([1.0, np.nan, np.inf, -np.inf], "float32")

ROWS = [
    *(
        row(op, *_NUMBERS, order=0)
        for op in "Less LessEqual Greater GreaterEqual Equal NotEqual".split()
    ),
    row("Equal", c([b"a", b"b"], object), c(b"a", object), order=0, tier1=False),
    row("NotEqual", c([1, 2]), c([1, 2, 3]), incompatible_shape_error=False, order=0),
    row("ApproximateEqual", f(3), f(3), order=0, tolerance=0.5),
    row("LogicalAnd", *_TRUTH, order=0),
    row("LogicalOr", *_TRUTH, order=0),
    row("LogicalNot", _TRUTH[0], order=0),
    row("IsNan", _ODD, order=0),
    row("IsInf", _ODD, order=0),
    row("IsFinite", _ODD, order=0),
    *(
        row(op, *_BITS, order=0)
        for op in "BitwiseAnd BitwiseOr BitwiseXor LeftShift RightShift".split()
    ),
    row("Invert", _BITS[0], order=0),
    row("PopulationCount", _BITS[0], order=0),
]
