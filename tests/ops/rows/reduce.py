"""Rows for reductions, running totals and counting."""

from __future__ import annotations

from tests.ops.rows import c, f, row

_SMOOTH = "Sum Mean Prod Max Min"
_AXES = c([1], "int32")
_TRUTH = c([[True, False], [True, True]])


def _scans(op: str, given=lambda exclusive: {}):
    x, axis = f(3, 4, low=0.5, high=2.0), c(1, "int32")
    flags = [(e, r) for e in (False, True) for r in (False, True)]
    return [row(op, x, axis, exclusive=e, reverse=r, **given(e)) for e, r in flags]


def _finite(exclusive: bool) -> dict[str, int]:
    """The logarithm of an empty sum, the lowest number, drowns all differences."""
    return {"order": 0} if exclusive else {}


ROWS = [
    *(row(op, f(2, 3, 4), _AXES) for op in _SMOOTH.split()),
    *(
        row(op, f(2, 3, 4), c([0, -1], "int64"), keep_dims=True)
        for op in _SMOOTH.split()
    ),
    *(row(op, f(3, 4), c([0, 1], "int32")) for op in _SMOOTH.split()),
    row("Mean", c([[1, 2], [3, 5]], "int32"), _AXES, order=0),
    row("EuclideanNorm", f(2, 3, 4), _AXES, order=0),
    row("All", _TRUTH, _AXES, order=0),
    row("Any", _TRUTH, _AXES, order=0),
    row("ArgMax", f(2, 3), c(1, "int32"), order=1),
    row("ArgMin", f(2, 3), c(-1, "int32"), order=1, output_type="int32"),
    *_scans("Cumsum"),
    *_scans("Cumprod"),
    *_scans("CumulativeLogsumexp", _finite),
    row(
        "Bincount",
        c([1, 1, 3], "int32"),
        c(4, "int32"),
        c([], "int32"),
        order=0,
    ),
    row(
        "Bincount",
        c([1, 1, 3], "int32"),
        c(3, "int32"),
        c([0.5, 1.0, 2.0], "float64"),
        order=0,
    ),
    row(
        "HistogramFixedWidth",
        c([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], "float32"),
        c([0.0, 5.0], "float32"),
        c(5, "int32"),
        order=0,
    ),
    row("Bucketize", f(2, 3), boundaries=[-1.0, 0.0, 1.0], order=0),
]
