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

_BOXES = c([[0.1, 0.2, 0.8, 0.7], [0.3, 0.03, 0.9, 0.65]], "float32")
_CROPS = c(np.sin(1.3 * np.arange(48)).reshape(2, 3, 4, 2), "float32")
_DRAWN = c([[[0.1, 0.2, 0.9, 0.7]], [[0.5, 0.1, 0.8, 0.6]]], "float32")
_SCORED = (
    c(np.abs(np.sin(1.7 * np.arange(20))).reshape(5, 4), "float32"),
    c(np.abs(np.sin(2.7 * np.arange(5))), "float32"),
)
_LIMITS = c(0.4, "float32"), c(0.1, "float32")

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
    *(
        row(
            "CropAndResize",
            f(2, 5, 6, 2),
            f(3, 4, low=0.05, high=0.95),
            c([0, 1, 0], "int32"),
            c([3, 4], "int32"),
            order=1,
            wrt=(0,),
            **how,
        )
        for how in ({}, dict(method="nearest"))
    ),
    row(
        "CropAndResizeGradImage",
        _CROPS,
        _BOXES,
        c([0, 1], "int32"),
        c([2, 5, 6, 2], "int32"),
        order=0,
        slack=1e7,  # shares are float32
        T="float32",
    ),
    row(
        "CropAndResizeGradBoxes",
        _CROPS,
        f(2, 5, 6, 2),
        _BOXES,
        c([0, 1], "int32"),
        order=0,
    ),
    row("NonMaxSuppression", *_SCORED, c(3, "int32"), order=0),
    row("NonMaxSuppressionV2", *_SCORED, c(3, "int32"), c(0.4, "float32"), order=0),
    row("NonMaxSuppressionV4", *_SCORED, c(3, "int32"), *_LIMITS, order=0),
    row(
        "NonMaxSuppressionV5",
        *_SCORED,
        c(3, "int32"),
        *_LIMITS,
        c(0.3, "float32"),
        order=0,
        pad_to_max_output_size=True,
    ),
    row(
        "CombinedNonMaxSuppression",
        c(np.abs(np.sin(1.7 * np.arange(40))).reshape(1, 5, 2, 4), "float32"),
        c(np.abs(np.sin(2.7 * np.arange(10))).reshape(1, 5, 2), "float32"),
        c(3, "int32"),
        c(4, "int32"),
        *_LIMITS,
        order=0,
    ),
    row("DrawBoundingBoxes", _SINGLE, _DRAWN, order=0),
    row("DrawBoundingBoxesV2", _SINGLE, _DRAWN, c([[0.5, 0.2]], "float32"), order=0),
    row(
        "SampleDistortedBoundingBox",
        c([40, 60, 3], "int32"),
        _DRAWN,
        order=0,
        seed=3,
        seed2=5,
    ),
]
