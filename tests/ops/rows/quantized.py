"""Rows for numbers of few bits."""

import numpy as np

from tests.ops.rows import c, f, row

_X = c(np.sin(1.7 * np.arange(24)).reshape(4, 2, 3) * 5, "float32")
_DY = c(np.cos(2.3 * np.arange(24)).reshape(4, 2, 3), "float32")
_LOW, _HIGH = c(-2.5, "float32"), c(3.0, "float32")
_LOWS, _HIGHS = c([-2.5, 0, 1.5], "float32"), c([3.0, 0, 2.5], "float32")
_HOW = (
    {},
    dict(num_bits=4, narrow_range=True),
)

ROWS = [
    *(row("FakeQuantWithMinMaxArgs", _X, order=0, min=-2.5, **how) for how in _HOW),
    row("FakeQuantWithMinMaxArgsGradient", _DY, _X, order=0, min=-2.5, max=3.0),
    *(row("FakeQuantWithMinMaxVars", _X, _LOW, _HIGH, order=0, **how) for how in _HOW),
    *(
        row("FakeQuantWithMinMaxVarsGradient", _DY, _X, _LOW, _HIGH, order=0, **how)
        for how in _HOW
    ),
    *(
        row("FakeQuantWithMinMaxVarsPerChannel", _X, _LOWS, _HIGHS, order=0, **how)
        for how in _HOW
    ),
    *(
        row(
            "FakeQuantWithMinMaxVarsPerChannelGradient",
            _DY,
            _X,
            _LOWS,
            _HIGHS,
            order=0,
            **how,
        )
        for how in _HOW
    ),
    row("QuantizeAndDequantize", f(3, 4), order=0),
    *(
        row("QuantizeAndDequantizeV2", f(3, 4), c(low), c(high), order=0, **how)
        for low, high, how in (
            (0.0, 0.0, {}),
            (-1.0, 1.5, dict(range_given=True)),
            (0.0, 1.5, dict(range_given=True, signed_input=False, num_bits=3)),
            (-1.0, 1.5, dict(range_given=True, num_bits=4, round_mode="HALF_UP")),
            (-1.0, 1.0, dict(range_given=True, num_bits=4, narrow_range=True)),
        )
    ),
    *(
        row(
            "QuantizeAndDequantizeV3",
            f(3, 4),
            c(-1.0),
            c(1.5),
            c(6, "int32"),
            order=0,
            **how,
        )
        for how in ({}, dict(range_given=False), dict(narrow_range=True))
    ),
]
