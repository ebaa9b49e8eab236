"""Rows for identities, shapes, fills, joins, slices."""

from tests.ops.rows import c, f, row

_MASKS = dict(begin_mask=1, end_mask=1, new_axis_mask=4, shrink_axis_mask=2)
_BOUNDS = (c([0, 1, 0], "int32"), c([3, 2, 0], "int32"), c([2, 1, 1], "int32"))

ROWS = [
    # identities
    row("Identity", f(2, 3)),
    row("Snapshot", f(2, 3), order=0),
    row("DeepCopy", f(2, 3), order=0),
    row("IdentityN", [f(2, 3), f(2)]),
    row("StopGradient", f(2, 3), order=0),
    row("PreventGradient", f(2, 3), order=0, message="no"),
    row("GuaranteeConst", f(2, 3), order=0),
    row("CheckNumerics", f(2, 3), message="no", tier1=False),
    row("EnsureShape", f(2, 3), shape=(2, None)),
    # shapes
    row("Shape", f(2, 3), order=0),
    row("Shape", f(2, 3), order=0, out_type="int64"),
    row("ShapeN", [f(2, 3), f(4)], order=0),
    row("Size", f(2, 3), order=0),
    row("Rank", f(2, 3), order=0),
    row("Reshape", f(2, 6), c([3, -1], "int32")),
    row("Reshape", f(), c([1, 1], "int64")),
    row("ExpandDims", f(2, 3), c(-1, "int32")),
    row("Squeeze", f(2, 1, 3, 1)),
    row("Squeeze", f(2, 1, 3, 1), squeeze_dims=[-1]),
    row("Transpose", f(2, 3, 4), c([1, 2, 0], "int32")),
    row("ConjugateTranspose", f(2, 3, 4), c([1, 2, 0], "int32")),
    row(
        "BroadcastGradientArgs",
        c([2, 1, 3], "int32"),
        c([4, 1], "int32"),
        order=0,
    ),
    row("BroadcastArgs", c([2, 1, 3], "int32"), c([4, 1], "int32"), order=0),
    row("BroadcastTo", f(2, 1), c([3, 2, 4], "int32")),
    # fills
    row("Fill", c([2, 3], "int32"), f()),
    row("ZerosLike", f(2, 3), order=0),
    row("OnesLike", f(2, 3), order=0),
    row("Empty", c([2, 3], "int32"), order=0, dtype="float32", init=True),
    row("Range", c(1, "int32"), c(8, "int32"), c(3, "int32"), order=0),
    row("Range", c(1.0), c(-1.0), c(-0.3), order=0),
    row("LinSpace", c(1.0), c(3.0), c(5, "int32"), order=0),
    row("LinSpace", c(1.0, "float32"), c(3.0, "float32"), c(1, "int32"), order=0),
    # joins
    row("Pack", [f(2, 3), f(2, 3)], axis=1),
    row("Pack", [f(2, 3)]),
    row("Unpack", f(2, 3), num=3, axis=-1),
    row("Unpack", f(1, 3), num=1),
    row("ConcatV2", [f(2, 3), f(2, 4)], c(-1, "int32")),
    row("ConcatV2", [f(2, 1)] * 18, c(1, "int32")),
    row("Concat", c(0, "int32"), [f(2, 3), f(1, 3), f(0, 3)]),
    row(
        "ConcatOffset",
        c(1, "int32"),
        [c([2, 3], "int32"), c([2, 1], "int32"), c([2, 4], "int32")],
        order=0,
    ),
    row("Split", c(1, "int32"), f(2, 6), num_split=3),
    row("Split", c(-2, "int32"), f(2, 6), num_split=1),
    row("SplitV", f(2, 6), c([1, -1, 2], "int64"), c(1, "int32"), num_split=3),
    row("ParallelConcat", [f(1, 3), f(1, 3)], order=0, shape=(2, 3)),
    # slices
    row("Slice", f(3, 4), c([1, 0], "int32"), c([2, -1], "int32")),
    row("Slice", f(3, 4), c([1, 0], "int64"), c([0, 4], "int64")),
    row("StridedSlice", f(5, 3, 2), *_BOUNDS, **_MASKS),
    row(
        "StridedSlice",
        f(5, 4),
        c([-1, 0], "int32"),
        c([-9, 0], "int32"),
        c([-2, 1], "int32"),
        ellipsis_mask=2,
    ),
    row("StridedSliceGrad", c([5, 3, 2], "int32"), *_BOUNDS, f(3, 1, 2), **_MASKS),
    row(
        "TensorStridedSliceUpdate", f(5, 3, 2), *_BOUNDS, f(3, 1, 2), order=0, **_MASKS
    ),
    # padding
    row("Pad", f(2, 3), c([[1, 0], [2, 3]], "int32")),
    row("PadV2", f(2, 3), c([[1, 0], [2, 3]], "int32"), c(2.5)),
    row("MirrorPad", f(2, 3), c([[1, 0], [1, 2]], "int32"), mode="REFLECT"),
    row("MirrorPad", f(2, 3), c([[2, 1], [3, 0]], "int32"), mode="SYMMETRIC"),
    row("MirrorPadGrad", f(3, 6), c([[1, 0], [1, 2]], "int32"), mode="REFLECT"),
    row("MirrorPadGrad", f(5, 6), c([[2, 1], [3, 0]], "int32"), mode="SYMMETRIC"),
]
