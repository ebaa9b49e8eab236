"""Single-precision log, sine and cosine with the rounding of the C library.

TensorFlow's CPU kernels turn random bits into normals with `logf` and `sincosf`. NumPy
and XLA each have float32 versions of their own, which differ from the C library's in
the last bit. To draw the same numbers everywhere, the two functions are computed here
as the C library does since glibc 2.28: in double precision, by a short table and
polynomials, rounded once at the end. Method and constants are those of Arm's Optimized
Routines (MIT licence; `logf_data.c`, `sincosf_data.c`), where glibc took them from.

Both functions hold only for the arguments that Box-Muller gives them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


# log x = log(1 + r) + log c, with r = x / c − 1 and c a point inside x's interval. An
# octave has 16 intervals, equal in bit patterns; its first begins at _LOG_START.
_LOG_START = 0x3F330000  # bits of the float32 at which an octave's 16 intervals begin
_LOG_STEP = 19  # log2 of an interval's length, in float32 bit patterns
_LOG_OCTAVES = 24  # octaves below 1 that are tabulated: down to 2^-24 < 1e-7
_LOG_POLY = tuple(
    float.fromhex(h)
    for h in (
        "-0x1.00ea348b88334p-2",
        "0x1.5575b0be00b6ap-2",
        "-0x1.ffffef20a4123p-2",
    )
)
_LN2 = float.fromhex("0x1.62e42fefa39efp-1")
_LOG_PAIRS = """
1.661ec79f8f3bep+0 -1.57bf7808caadep-2   1.571ed4aaf883dp+0 -1.2bef0a7c06ddbp-2
1.49539f0f010bp+0 -1.01eae7f513a67p-2    1.3c995b0b80385p+0 -1.b31d8a68224e9p-3
1.30d190c8864a5p+0 -1.6574f0ac07758p-3   1.25e227b0b8eap+0 -1.1aa2bc79c81p-3
1.1bb4a4a1a343fp+0 -1.a4e76ce8c0e5ep-4   1.12358f08ae5bap+0 -1.1973c5a611cccp-4
1.0953f419900a7p+0 -1.252f438e10c1ep-5   1p+0 0p+0
1.e608cfd9a47acp-1 1.aa5aa5df25984p-5    1.ca4b31f026aap-1 1.c5e53aa362eb4p-4
1.b2036576afce6p-1 1.526e57720db08p-3    1.9c2d163a1aa2dp-1 1.bc2860d22477p-3
1.886e6037841edp-1 1.1058bc8a07ee1p-2    1.767dcf5534862p-1 1.4043057b6ee09p-2
"""


def _log_table() -> tuple[np.ndarray, np.ndarray]:
    """1/c and log c for every interval of the tabulated octaves, lowest first."""
    pairs = np.array([float.fromhex(h) for h in _LOG_PAIRS.split()]).reshape(16, 2)
    octave = np.arange(-_LOG_OCTAVES, 1.0)[:, None]
    inverse = pairs[:, 0] * 2.0**-octave  # exact: x 2^-k and the table's 1/c in one
    return inverse.ravel(), (pairs[:, 1] + octave * _LN2).ravel()


_LOG_INVERSE, _LOG_VALUE = _log_table()
_LOG_BASE = np.int32(_LOG_START - (_LOG_OCTAVES << 23))

_TWO_OVER_PI = 2 / np.pi
_HALF_PI = np.pi / 2
_COS_POLY = tuple(
    float.fromhex(h)
    for h in (
        "-0x1.ffffffd0c621cp-2",
        "0x1.55553e1068f19p-5",
        "-0x1.6c087e89a359dp-10",
        "0x1.99343027bf8c3p-16",
    )
)
_SIN_POLY = tuple(
    float.fromhex(h)
    for h in (
        "-0x1.555545995a603p-3",
        "0x1.1107605230bc4p-7",
        "-0x1.994eb3774cf24p-13",
    )
)


def log_float(xp: Arrays, x: Array) -> Array:
    """Natural logarithm of float32 `x` in [2⁻²⁴, 1), as the C library rounds it."""
    interval = (x.view(np.int32) - _LOG_BASE) >> _LOG_STEP
    r = x.astype(np.float64) * xp.take(_LOG_INVERSE, interval, mode="clip") - 1.0
    base = xp.take(_LOG_VALUE, interval, mode="clip")
    r2 = r * r
    a0, a1, a2 = _LOG_POLY
    y = (a0 * r2 + (a1 * r + a2)) * r2 + (base + r)
    return y.astype(np.float32)


def sincos_float(xp: Arrays, x: Array) -> tuple[Array, Array]:
    """Sine and cosine of float32 `x` in [0, 2π], as the C library rounds them."""
    wide = x.astype(np.float64)
    quarter = xp.rint(wide * _TWO_OVER_PI)
    wide = wide - quarter * _HALF_PI
    quarter = quarter.astype(np.int32)
    w2 = wide * wide
    w3 = w2 * wide
    w4 = w2 * w2
    s0, s1, s2 = _SIN_POLY
    sine = (wide + w3 * s0) + (w3 * w2) * (s1 + w2 * s2)
    c0, c1, c2, c3 = _COS_POLY
    cosine = ((1.0 + w2 * c0) + w4 * c1) + (w4 * w2) * (c2 + w2 * c3)
    # Odd quarters swap the two; the second and third (third and fourth) negate cosine
    # (sine). All in the bits: no select is needed, so NumPy makes no extra passes.
    sine = sine.astype(np.float32).view(np.int32)
    cosine = cosine.astype(np.float32).view(np.int32)
    swap = (sine ^ cosine) & -(quarter & 1)
    sine = sine ^ swap ^ ((quarter & 2) << 30)
    cosine = cosine ^ swap ^ (((quarter + 1) & 2) << 30)
    return sine.view(np.float32), cosine.view(np.float32)
