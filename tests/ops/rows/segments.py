"""Rows for segments, ranking and distinct values."""

from tests.ops.rows import c, f, row

_I32 = "int32"
_IDS = c([1, 0, 1, -1], _I32)
_THREE = c(3, _I32)
_SORTED = c([0, 0, 2, 2], _I32)
_PICKED = c([3, 0, 0, 2], _I32)

ROWS = [
    row("UnsortedSegmentSum", f(4, 2), _IDS, _THREE),
    row("UnsortedSegmentSum", f(2, 2), c([[0, 1], [1, 1]], "int64"), c(2, "int64")),
    row("UnsortedSegmentProd", f(4, 2), _IDS, _THREE),
    row("UnsortedSegmentMax", f(4, 2), _IDS, c(2, _I32)),
    row("UnsortedSegmentMin", f(4, 2), _IDS, c(2, _I32)),
    row("SegmentSum", f(4, 2), _SORTED, order=0),
    row("SegmentMean", f(4, 2), _SORTED, order=0),
    row("SegmentMean", c([-3, -4, 5, 6], _I32), _SORTED, order=0),
    row("SegmentProd", f(4, 2), _SORTED, order=0),
    row("SegmentMax", f(4, 2), _SORTED, order=0),
    row("SegmentMin", f(4, 2), _SORTED, order=0),
    row("SparseSegmentSum", f(4, 2), _PICKED, _SORTED, order=0),
    row("SparseSegmentMean", f(4, 2), _PICKED, _SORTED, order=0),
    row("SparseSegmentSqrtN", f(4, 2), _PICKED, _SORTED, order=0),
    row("SparseSegmentSumWithNumSegments", f(4, 2), _PICKED, _SORTED, c(4, _I32)),
    row(
        "SparseSegmentMeanWithNumSegments",
        f(4, 2),
        _PICKED,
        _SORTED,
        c(4, _I32),
        order=1,
    ),
    row(
        "SparseSegmentSqrtNWithNumSegments",
        f(4, 2),
        _PICKED,
        _SORTED,
        c(4, _I32),
        order=1,
    ),
    row("SparseSegmentMeanGrad", f(3, 2), _PICKED, _SORTED, c(4, _I32), order=0),
    row("SparseSegmentSqrtNGrad", f(3, 2), _PICKED, _SORTED, c(4, _I32), order=0),
    row(
        "SparseReorder",
        c([[2, 0], [0, 1], [1, 1], [0, 0]], "int64"),
        f(4),
        c([3, 2], "int64"),
        tier1=False,
    ),
    row("InvertPermutation", c([2, 0, 1, 3], _I32), order=0),
    row("TopK", f(2, 5), k=2, wrt=(0,)),
    row("TopKV2", f(2, 5), _THREE),
    row("NthElement", f(2, 5), c(1, _I32), reverse=True),
    row(
        "LowerBound",
        c([[1.0, 2.0, 2.0], [0.0, 1.0, 3.0]]),
        c([[2.0], [5.0]]),
        order=0,
        out_type="int64",
    ),
    row("UpperBound", c([[1, 2, 2]], _I32), c([[2, 0]], _I32), order=0),
    row("Unique", c([3, 1, 3, 2], _I32), order=0, tier1=False),
    row("UniqueWithCounts", c([3.0, 1.0, 3.0]), order=0, tier1=False),
    row(
        "UniqueV2",
        c([[1, 2], [1, 2], [0, 1]], _I32),
        c([0], _I32),
        order=0,
        tier1=False,
    ),
    row(
        "UniqueWithCountsV2",
        c([[1, 1, 0], [2, 2, 1]], _I32),
        c([-1], _I32),
        order=0,
        tier1=False,
    ),
    row("ListDiff", c([1, 2, 3], _I32), c([2], _I32), order=0, tier1=False),
]
