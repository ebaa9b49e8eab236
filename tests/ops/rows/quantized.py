"""Rows for numbers of few bits."""

import numpy as np

from tests.ops.rows import c, f, q, row

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

_WIDE = c(np.sin(1.7 * np.arange(24)) * 9, "float32")
_BYTES = q((np.arange(24) * 11 % 256).reshape(2, 3, 4), "quint8")
_WORDS = q((np.sin(1.7 * np.arange(24)) * 5e6).reshape(4, 6), "qint32")
_MODES = ("MIN_COMBINED", "MIN_FIRST", "SCALED")

ROWS += [
    *(
        row("QuantizeV2", _WIDE, c(low, "float32"), c(high, "float32"), order=0, **how)
        for low, high, mode in (
            *((-6, 6, mode) for mode in _MODES),
            *((1, 7, mode) for mode in _MODES),
            *((-3.3, -2, mode) for mode in _MODES),
        )
        for how in (dict(T="quint8", mode=mode),)
    ),
    row(
        "QuantizeV2",
        _WIDE,
        _LOW,
        _HIGH,
        order=0,
        T="qint8",
        mode="SCALED",
        round_mode="HALF_TO_EVEN",
    ),
]

_BYTE_LIMITS = c(-1.3, "float32"), c(4.6, "float32")
_WORD_LIMITS = c(-1e3, "float32"), c(9e2, "float32")

ROWS += [
    *(row("Dequantize", _BYTES, *_BYTE_LIMITS, order=0, mode=mode) for mode in _MODES),
    *(row("Dequantize", _WORDS, *_WORD_LIMITS, order=0, mode=mode) for mode in _MODES),
    row("RequantizationRange", _WORDS, *_WORD_LIMITS, order=0),
    row("Requantize", _WORDS, *_WORD_LIMITS, *_BYTE_LIMITS, order=0, out_type="quint8"),
    row(
        "QuantizeDownAndShrinkRange", _WORDS, *_WORD_LIMITS, order=0, out_type="quint8"
    ),
]

_A = q((np.arange(6) * 47 % 256).reshape(2, 3), "quint8")
_B = q((np.arange(12) * 83 % 256).reshape(3, 4), "quint8")
_C = q((np.arange(6) * 89 % 256).reshape(2, 3), "quint8")
_VECTOR = q([3, 100, 250], "quint8")
_IMAGES = q((np.arange(50) * 37 % 256).reshape(1, 5, 5, 2), "quint8")
_FILTER = q((np.arange(54) * 59 % 256).reshape(3, 3, 2, 3), "quint8")
_FOUR = (
    c(-1, "float32"),
    c(2, "float32"),
    c(-4, "float32"),
    c(0.5, "float32"),
)
_RECTIFIED = c(-3, "float32"), c(9, "float32")
_POOLS = dict(ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1])

ROWS += [
    row("QuantizedMatMul", _A, _B, *_FOUR, order=0),
    *(
        row(
            "QuantizedConv2D",
            _IMAGES,
            _FILTER,
            *_FOUR,
            order=0,
            strides=[1, 2, 2, 1],
            padding=padding,
        )
        for padding in ("SAME", "VALID")
    ),
    row("QuantizedBiasAdd", _A, _VECTOR, *_FOUR, order=0, out_type="qint32"),
    *(row("QuantizedAdd", _A, y, *_FOUR, order=0) for y in (_C, _VECTOR)),
    *(row("QuantizedMul", _A, y, *_FOUR, order=0) for y in (_C, _VECTOR)),
    *(row(op, _A, *_RECTIFIED, order=0) for op in ("QuantizedRelu", "QuantizedRelu6")),
    row("QuantizedRelu6", _WORDS, *_WORD_LIMITS, order=0, out_type="qint32"),
    *(
        row(op, _IMAGES, *_FOUR[:2], order=0, padding=padding, **_POOLS)
        for op in ("QuantizedMaxPool", "QuantizedAvgPool")
        for padding in ("SAME", "VALID")
    ),
    *(
        row(
            "QuantizedConcat",
            c(1, "int32"),
            [_A, _C],
            [c(-1, "float32"), c(low, "float32")],
            [c(2, "float32"), c(high, "float32")],
            order=0,
        )
        for low, high in ((-1, 2), (-3, 1))
    ),
    row("QuantizedReshape", _A, c([3, 2], "int32"), *_FOUR[:2], order=0),
]
