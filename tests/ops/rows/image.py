"""Rows for images of another size."""

import numpy as np

from tests.ops.rows import c, f, row

_X = f(2, 3, 4, 2)
_SIZE = c([5, 2], "int32")
_HALF = dict(half_pixel_centers=True)
_ALIGNED = dict(align_corners=True)
_HOW = ({}, _HALF, _ALIGNED)

_COLORS = c(np.abs(np.sin(1.7 * np.arange(24))).reshape(2, 4, 3), "float32")
_SINGLE = c(np.sin(1.7 * np.arange(48)).reshape(2, 3, 4, 2), "float32")
_MOVED = (c([1.5, 0.6], "float32"), c([0.3, -0.2], "float32"))

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
    row("ResizeArea", _X, _SIZE, order=0),
    row("ResizeArea", f(1, 7, 5, 1), c([3, 4], "int32"), order=0, align_corners=True),
    *(row("ResizeBicubic", _X, _SIZE, order=1, **how) for how in _HOW),
    # TensorFlow multiplies the shares of rows and columns in float32
    *(
        row("ResizeBicubicGrad", f(2, 5, 2, 2), _X, order=0, slack=1e5, **how)
        for how in _HOW
    ),
    *(
        row("ScaleAndTranslate", _SINGLE, _SIZE, *_MOVED, order=0, **how)
        for how in (
            dict(kernel_type="lanczos3"),
            dict(kernel_type="triangle", antialias=False),
            dict(kernel_type="mitchellcubic"),
        )
    ),
    row("ScaleAndTranslateGrad", _SINGLE, _SINGLE, *_MOVED, order=0),
    row("RGBToHSV", f(2, 4, 3, low=0.1, high=0.9), order=1),
    row("HSVToRGB", f(2, 4, 3, low=0.1, high=0.9), order=0),
    row("AdjustHue", _COLORS, c(0.3, "float32"), order=0),
    row("AdjustSaturation", _COLORS, c(0.6, "float32"), order=0),
    row("AdjustContrastv2", _COLORS, c(1.6, "float32"), order=0),
]
