"""Rows for images of another size."""

from tests.ops.rows import c, f, row

_X = f(2, 3, 4, 2)
_SIZE = c([5, 2], "int32")
_HALF = dict(half_pixel_centers=True)
_ALIGNED = dict(align_corners=True)
_HOW = ({}, _HALF, _ALIGNED)

ROWS = [
    *(row("ResizeNearestNeighbor", _X, _SIZE, order=1, **how) for how in _HOW),
    *(
        row(
            "ResizeNearestNeighborGrad",
            f(2, 5, 2, 2),
            c([3, 4], "int32"),
            order=0,
            **how,
        )
        for how in _HOW
    ),
    *(row("ResizeBilinear", _X, _SIZE, order=1, **how) for how in _HOW),
    *(row("ResizeBilinearGrad", f(2, 5, 2, 2), _X, order=0, **how) for how in _HOW),
]
