"""Rows for Fourier transforms and sound.

Their derivatives are complex, or exist in float32 only: tests/ops/test_signal.py.
"""

import numpy as np

from tests.ops.rows import c, row

_COMPLEX = c(
    (np.sin(1.7 * np.arange(48)) + 1j * np.cos(2.3 * np.arange(48))).reshape(
        2, 2, 3, 4
    ),
    "complex64",
)
_REAL = c(np.sin(1.7 * np.arange(120)).reshape(2, 3, 4, 5), "float32")
_ONE, _TWO, _THREE = (c(v, "int32") for v in ([4], [3, 4], [2, 3, 4]))

ROWS = [
    *(
        row(op, _COMPLEX, order=0, slack=4.0)
        for op in ("FFT", "FFT2D", "FFT3D", "IFFT", "IFFT2D", "IFFT3D")
    ),
    row("RFFT", _REAL, _ONE, order=0, slack=4.0),
    row("RFFT", _REAL, c([5], "int32"), order=0, slack=4.0),
    row("RFFT2D", _REAL, _TWO, order=0, slack=4.0),
    row("RFFT3D", _REAL, _THREE, order=0, slack=4.0),
    row("IRFFT", _COMPLEX, _ONE, order=0, slack=4.0),
    row("IRFFT", _COMPLEX, c([5], "int32"), order=0, slack=4.0),
    row("IRFFT2D", _COMPLEX, _TWO, order=0, slack=4.0),
    row("IRFFT3D", _COMPLEX, _THREE, order=0, slack=4.0),
]
