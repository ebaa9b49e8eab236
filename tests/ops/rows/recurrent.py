"""Rows for steps and sequences of recurrent networks in one op."""

import numpy as np

from tests.ops.rows import c, row


def _n(*shape: int, shift: float = 0.0) -> object:
    """Numbers of both signs, of which the dtype is that of the op."""
    count = int(np.prod(shape))
    return c(np.sin(1.7 * np.arange(count) + shift).reshape(shape), "float32")


_STEP = (_n(2, 4), _n(2, 3, shift=1.0), _n(2, 3, shift=2.0))
_WEIGHTS = (
    _n(7, 12, shift=3.0),
    *[_n(3, shift=4.0 + k) for k in range(3)],
    _n(12, shift=7.0),
)
_KEPT = [_n(2, 3, shift=8.0 + k) for k in range(8)]
_WHOLE = [_n(4, 2, 3, shift=8.0 + k) for k in range(9)]
_SEQUENCE = (_n(4, 2, 4), *_STEP[1:])
_GRU = (
    *_STEP[:2],
    _n(7, 6, shift=3.0),
    _n(7, 3, shift=4.0),
    _n(6, shift=5.0),
    _n(3, shift=6.0),
)
#: TensorFlow leaves what comes behind the last step as memory was, but for c and h
_BEHIND = {place: "shape" for place in (0, 2, 3, 4, 5)}


def _steps(count: int) -> object:
    return c(count, "int64")


_SEQUENCE_OF_4 = (_steps(4), *_SEQUENCE, *_WEIGHTS)

ROWS = [
    row(
        "LSTMBlockCell",
        *_STEP,
        *_WEIGHTS,
        cell_clip=-1.0,
        forget_bias=0.5,
        use_peephole=True,
        order=0,
    ),
    row("LSTMBlockCell", *_STEP, *_WEIGHTS, cell_clip=0.4, order=0),
    *[
        row("LSTMBlockCellGrad", *_STEP, *_WEIGHTS, *_KEPT, use_peephole=seen, order=0)
        for seen in (False, True)
    ],
    # loops take long to compile, on all the inputs of the tests: one is
    row(
        "BlockLSTM",
        _steps(2),
        *_SEQUENCE,
        *_WEIGHTS,
        use_peephole=True,
        order=0,
        compared=_BEHIND,
    ),
    *[
        row(kind, *inputs, use_peephole=seen, order=0, tier1=False)
        for kind, inputs, seen in (
            ("BlockLSTMV2", _SEQUENCE_OF_4, True),
            ("BlockLSTMGrad", (*_SEQUENCE_OF_4, *_WHOLE), True),
            ("BlockLSTMGrad", (*_SEQUENCE_OF_4, *_WHOLE), False),
            ("BlockLSTMGradV2", (*_SEQUENCE_OF_4, *_WHOLE), True),
        )
    ],
    row("GRUBlockCell", *_GRU, order=0),
    row("GRUBlockCellGrad", *_GRU, *_KEPT[:4], order=0),
]
