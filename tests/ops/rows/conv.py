"""Rows for convolutions and pooling."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tests.ops.rows import c, f, made, row

_ONE = [1, 1, 1, 1]


def _sizes(*shape: int):
    return c(shape, "int32")


def _family(forward, to_input, to_filter, x, k, dy, **attrs):
    """The three ops of a convolution, on equal shapes."""
    return [
        row(forward, f(*x), f(*k), **attrs),
        row(to_input, _sizes(*x), f(*k), f(*dy), **attrs),
        row(to_filter, f(*x), _sizes(*k), f(*dy), **attrs),
    ]


def _maxima(x: np.ndarray, *unused: np.ndarray) -> np.ndarray:
    """The maxima of the windows of 2 by 3 elements of images."""
    del unused
    return sliding_window_view(x, (2, 3), (1, 2)).max((-2, -1))


def _regions(x: np.ndarray) -> np.ndarray:
    """The maxima of the regions that the rows of FractionalMaxPoolGrad name."""
    parts = [x[:, :1], x[:, 1:]]
    return np.stack(
        [
            np.stack([p[:, :, :2].max((1, 2)), p[:, :, 2:].max((1, 2))], 1)
            for p in parts
        ],
        1,
    )


_TWO = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
_THREE = ("Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2")
_CHANNEL = (
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
)
_POOL2 = dict(ksize=[1, 2, 3, 1], strides=[1, 2, 1, 1])
_POOL3 = dict(ksize=[1, 2, 2, 2, 1], strides=[1, 2, 1, 1, 1])
_X5 = c([[[[[1.0], [3.0]], [[2.0], [0.0]]]]], "float32")
_Y5 = c([[[[[3.0]]]]], "float32")
_OF5 = dict(ksize=[1, 1, 2, 2, 1], strides=[*_ONE, 1], padding="VALID", order=0)

_GROW = dict(strides=[1, 2, 1, 1], rates=[1, 1, 2, 1], padding="SAME")

ROWS = [
    *_family(
        *_TWO, (2, 5, 6, 3), (2, 3, 3, 4), (2, 4, 4, 4), strides=_ONE, padding="VALID"
    ),
    *_family(
        *_TWO,
        (2, 5, 6, 3),
        (3, 2, 3, 4),
        (2, 3, 2, 4),
        strides=[1, 2, 3, 1],
        padding="SAME",
    ),
    *_family(
        *_TWO,
        (1, 3, 7, 6),
        (2, 2, 3, 2),
        (1, 2, 6, 5),
        strides=_ONE,
        padding="EXPLICIT",
        explicit_paddings=[0, 0, 0, 0, 0, 1, 1, 0],
        dilations=[1, 1, 2, 2],
        data_format="NCHW",
    ),
    row("Conv2D", f(1, 4, 4, 4), f(2, 2, 2, 6), strides=_ONE, padding="SAME"),
    *_family(
        *_THREE,
        (1, 3, 4, 5, 2),
        (2, 2, 2, 2, 3),
        (1, 2, 3, 4, 3),
        strides=[*_ONE, 1],
        padding="VALID",
    ),
    *_family(
        *_THREE,
        (1, 2, 4, 3, 5),
        (2, 3, 2, 2, 3),
        (1, 3, 2, 3, 3),
        strides=[1, 1, 2, 1, 2],
        padding="SAME",
        data_format="NCDHW",
    ),
    *_family(
        *_CHANNEL,
        (2, 5, 4, 3),
        (3, 2, 3, 2),
        (2, 3, 2, 6),
        strides=[1, 2, 2, 1],
        padding="SAME",
    ),
    *_family(
        *_CHANNEL,
        (1, 3, 5, 4),
        (2, 2, 3, 2),
        (1, 6, 4, 3),
        strides=_ONE,
        padding="VALID",
        data_format="NCHW",
    ),
    row("AvgPool", f(2, 5, 6, 3), **_POOL2, padding="SAME"),
    row(
        "AvgPool",
        f(2, 3, 5, 6),
        ksize=[1, 1, 2, 2],
        strides=_ONE,
        padding="VALID",
        data_format="NCHW",
    ),
    row("AvgPoolGrad", _sizes(2, 5, 6, 3), f(2, 3, 6, 3), **_POOL2, padding="SAME"),
    row("AvgPool3D", f(1, 4, 3, 3, 2), **_POOL3, padding="VALID"),
    row(
        "AvgPool3DGrad",
        _sizes(1, 4, 3, 3, 2),
        f(1, 2, 2, 2, 2),
        **_POOL3,
        padding="VALID",
    ),
    row("MaxPool", f(2, 5, 6, 3), **_POOL2, padding="SAME"),
    row(
        "MaxPool",
        f(2, 3, 5, 6),
        ksize=[1, 1, 2, 2],
        strides=[1, 1, 2, 2],
        padding="VALID",
        data_format="NCHW",
    ),
    row(
        "MaxPool",
        f(1, 2, 2, 4),
        ksize=[1, 1, 1, 2],
        strides=[1, 1, 1, 2],
        padding="VALID",
        order=0,
    ),
    row(
        "MaxPoolGrad",
        f(2, 4, 5, 2),
        made(_maxima),
        f(2, 3, 3, 2),
        ksize=[1, 2, 3, 1],
        strides=_ONE,
        padding="VALID",
        wrt=(1,),
    ),
    row(
        "MaxPoolGradGrad",
        f(2, 4, 5, 2),
        made(_maxima),
        f(2, 4, 5, 2),
        ksize=[1, 2, 3, 1],
        strides=_ONE,
        padding="VALID",
        wrt=(1,),
    ),
    row(
        "MaxPoolV2",
        f(2, 5, 6, 3),
        _sizes(1, 2, 3, 1),
        _sizes(1, 2, 1, 1),
        padding="SAME",
    ),
    row(
        "MaxPoolGradV2",
        f(2, 4, 5, 2),
        made(_maxima),
        f(2, 3, 3, 2),
        _sizes(1, 2, 3, 1),
        _sizes(1, 1, 1, 1),
        padding="VALID",
        order=1,
        wrt=(1,),
    ),
    row(
        "MaxPoolGradGradV2",
        f(2, 4, 5, 2),
        made(_maxima),
        f(2, 4, 5, 2),
        _sizes(1, 2, 3, 1),
        _sizes(1, 1, 1, 1),
        padding="VALID",
        order=0,
    ),
    row("MaxPoolWithArgmax", f(2, 5, 6, 3), **_POOL2, padding="SAME", order=1),
    row(
        "MaxPoolWithArgmax",
        f(2, 5, 6, 3),
        **_POOL2,
        padding="VALID",
        order=1,
        include_batch_in_index=True,
        Targmax="int64",
    ),
    row(
        "MaxPoolGradWithArgmax",
        f(2, 2, 2, 1),
        f(2, 1, 1, 1),
        c([[[[3]]], [[[1]]]]),
        ksize=[1, 2, 2, 1],
        strides=_ONE,
        padding="VALID",
        order=0,
    ),
    row(
        "MaxPoolGradGradWithArgmax",
        f(2, 2, 2, 1),
        f(2, 2, 2, 1),
        c([[[[3]]], [[[5]]]]),
        ksize=[1, 2, 2, 1],
        strides=_ONE,
        padding="VALID",
        include_batch_in_index=True,
        order=0,
    ),
    row("MaxPool3D", _X5, **_OF5),
    row("MaxPool3DGrad", _X5, _Y5, _Y5, **_OF5),
    row("MaxPool3DGradGrad", _X5, _Y5, _X5, **_OF5),
    row("Dilation2D", f(2, 5, 4, 2), f(2, 3, 2), **_GROW, order=1),
    row(
        "Dilation2DBackpropInput",
        f(2, 5, 4, 2),
        f(2, 3, 2),
        f(2, 3, 4, 2),
        **_GROW,
        order=0,
    ),
    row(
        "Dilation2DBackpropFilter",
        f(2, 5, 4, 2),
        f(2, 3, 2),
        f(2, 3, 4, 2),
        **_GROW,
        order=0,
    ),
    *[
        row(
            kind,
            f(2, 7, 8, 2),
            pooling_ratio=[1.0, 1.5, 1.7, 1.0],
            deterministic=True,
            seed=3,
            pseudo_random=pseudo,
            overlapping=overlapping,
            order=1,
            tier1=False,
        )
        for kind in ("FractionalMaxPool", "FractionalAvgPool")
        for pseudo in (True, False)
        for overlapping in (True, False)
    ],
    row(
        "FractionalMaxPoolGrad",
        f(1, 3, 3, 1),
        made(_regions),
        f(1, 2, 2, 1),
        c([0, 1, 3]),
        c([0, 2, 3]),
        order=0,
        tier1=False,
    ),
    row(
        "FractionalAvgPoolGrad",
        c([1, 3, 3, 1]),
        f(1, 2, 2, 1),
        c([0, 1, 3]),
        c([0, 2, 3]),
        order=0,
        tier1=False,
    ),
]
