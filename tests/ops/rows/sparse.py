"""Rows for sparse tensors."""

from tests.ops.rows import c, f, row

_I64 = "int64"
_AT = c([[0, 0], [0, 2], [1, 1]], _I64)
_OTHER = c([[0, 2], [1, 0]], _I64)
_SIZES = c([2, 3], _I64)
_AXIS = c([1], "int32")
_ROWS = c([[0, 1], [3, 0]], _I64)

ROWS = [
    row("SparseToDense", _AT, _SIZES, f(3), f(), order=2),
    row("SparseToDense", c([1, 3], _I64), c([4], _I64), f(), f(), order=0),
    row("SparseTensorDenseAdd", _AT, f(3), _SIZES, f(2, 3)),
    row("SparseDenseCwiseAdd", _AT, f(3), _SIZES, f(2, 1), order=0),
    row("SparseDenseCwiseMul", _AT, f(3), _SIZES, f(2, 3)),
    row("SparseDenseCwiseMul", _AT, f(3), _SIZES, f(3), order=0),
    row("SparseDenseCwiseDiv", _AT, f(3), _SIZES, f(2, 3, low=1.0), order=2),
    row(
        "SparseAdd",
        _AT,
        f(3),
        _SIZES,
        _OTHER,
        f(2),
        _SIZES,
        c(0.0),
        order=0,
        tier1=False,
    ),
    row(
        "SparseAddGrad",
        f(4),
        _AT,
        _OTHER,
        c([[0, 0], [0, 2], [1, 0], [1, 1]], _I64),
        order=0,
        tier1=False,
    ),
    row(
        "SparseSparseMaximum",
        _AT,
        f(3),
        _SIZES,
        _OTHER,
        f(2),
        _SIZES,
        order=0,
        tier1=False,
    ),
    row(
        "SparseSparseMinimum",
        _AT,
        f(3),
        _SIZES,
        _OTHER,
        f(2),
        _SIZES,
        order=0,
        tier1=False,
    ),
    row("SparseSoftmax", _AT, f(3), _SIZES, order=1, tier1=False),
    row("SparseReduceSum", _AT, f(3), _SIZES, _AXIS),
    row("SparseReduceSum", _AT, f(3), _SIZES, c([0, 1], "int32"), keep_dims=True),
    row("SparseReduceMax", _AT, f(3), _SIZES, c([0], "int32"), order=0),
    row("SparseReduceSumSparse", _AT, f(3), _SIZES, _AXIS, order=0, tier1=False),
    row(
        "SparseReduceMaxSparse",
        _AT,
        f(3),
        _SIZES,
        _AXIS,
        order=0,
        tier1=False,
        keep_dims=True,
    ),
    row(
        "SparseConcat",
        [_AT, _OTHER],
        [f(3), f(2)],
        [_SIZES, _SIZES],
        order=0,
        tier1=False,
        concat_dim=1,
    ),
    row(
        "SparseSplit", c(1, _I64), _AT, f(3), _SIZES, order=0, tier1=False, num_split=2
    ),
    row(
        "SparseSlice",
        _AT,
        f(3),
        _SIZES,
        c([0, 1], _I64),
        c([2, 2], _I64),
        order=0,
        tier1=False,
    ),
    row(
        "SparseSliceGrad",
        f(2),
        _AT,
        c([0, 1], _I64),
        c([[0, 1], [1, 0]], _I64),
        order=0,
        tier1=False,
    ),
    row("SparseReshape", _AT, _SIZES, c([3, -1], _I64), order=0, tier1=False),
    row("SparseFillEmptyRows", _ROWS, f(2), c([5, 2], _I64), f(), order=0, tier1=False),
    row("SparseFillEmptyRowsGrad", c([0, 3], _I64), f(5), order=0, tier1=False),
]
