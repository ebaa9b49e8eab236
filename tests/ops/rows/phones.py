"""Rows for ops that tools for phones make, and for ops that change rows."""

import numpy as np

from tests.ops.rows import c, f, row

_PADDINGS = c([[0, 0], [1, 2], [2, 1], [0, 0]], "int32")
# of a batch TensorFlow pads the first image right, and no other
_HOW = dict(strides=[1, 2, 1, 1], padding="VALID", order=0)
_PLACES = c([2, 0, -2], "int32")

ROWS = [
    *(
        row(
            "FusedPadConv2D", f(1, 4, 5, 2), _PADDINGS, f(2, 3, 2, 3), mode=mode, **_HOW
        )
        for mode in ("REFLECT", "SYMMETRIC")
    ),
    *(
        row(
            "FusedResizeAndPadConv2D",
            f(1, 4, 5, 2),
            c([6, 4], "int32"),
            _PADDINGS,
            f(2, 3, 2, 3),
            mode="REFLECT",
            resize_align_corners=align,
            slack=1e7,  # images are resized in float32
            **_HOW,
        )
        for align in (False, True)
    ),
    *(
        row(op, f(4, 3), _PLACES, f(3, 3), order=0)
        for op in ("InplaceUpdate", "InplaceAdd", "InplaceSub")
    ),
    row("CompareAndBitpack", f(2, 16), c(0.5), order=0),
    row("CompareAndBitpack", c(np.arange(8) % 3 > 0), c(False), order=0),
]
