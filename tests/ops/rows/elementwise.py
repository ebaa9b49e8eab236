"""Rows for arithmetic on two tensors, and sums of many."""

from __future__ import annotations

from tests.ops.rows import c, f, row

_POSITIVE = f(2, 3, low=0.5, high=2.0)
_AWAY = f(2, 3, low=3.0, high=5.0)


def _both(op: str, **given):
    """Equal shapes, and shapes that are broadcast."""
    return [row(op, f(2, 3), f(2, 3), **given), row(op, f(2, 1), f(3), **given)]


def _integers(op: str):
    return row(op, c([7, -7, 6, -6], "int32"), c([2, 2, -4, 4], "int32"), order=0)


ROWS = [
    *_both("Add"),
    *_both("AddV2"),
    *_both("Sub"),
    *_both("Mul"),
    *_both("MulNoNan"),
    *_both("SquaredDifference"),
    *_both("Maximum"),
    *_both("Minimum"),
    *_both("NextAfter", order=1, tolerance=1e-4),
    row("AddN", [f(2, 3), f(2, 3), f(2, 3)]),
    row("AccumulateNV2", [f(2, 3), f(2, 3)], shape=(2, 3)),
    row("RealDiv", f(2, 3), _POSITIVE),
    row("RealDiv", f(2, 1), _POSITIVE),
    row("Div", f(2, 3), _POSITIVE),
    _integers("Div"),
    row("DivNoNan", f(2, 3), _POSITIVE),
    row("FloorDiv", f(2, 3), _POSITIVE, order=1),
    _integers("FloorDiv"),
    # floats are not cut off, but the rule, as TensorFlow's, is that of the cut quotient
    row("TruncateDiv", f(2, 3), _POSITIVE, order=0),
    _integers("TruncateDiv"),
    row("FloorMod", f(2, 3), _AWAY),
    _integers("FloorMod"),
    row("TruncateMod", f(2, 3), _AWAY, order=0),
    _integers("TruncateMod"),
    row("Mod", f(2, 3), _AWAY, order=0),
    _integers("Mod"),
    row("Pow", _POSITIVE, f(2, 3)),
    row("Pow", _POSITIVE, f(3)),
    row("Pow", c([2, 3, -2], "int32"), c([3, 0, 3], "int32"), order=0),
    row("Xlogy", _POSITIVE, _AWAY),
    row("Xdivy", _POSITIVE, _AWAY),
    row("Xdivy", f(3, low=0.5, high=1.0), f(2, 1, low=0.5, high=1.0)),
    row("Atan2", f(2, 3), _POSITIVE),
]
