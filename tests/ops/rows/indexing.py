"""Rows for gathers, scatters, selections, partitions, orders and blocks."""

from tests.ops.rows import c, f, row

_I32 = "int32"
_PAIRS = c([[0, 1], [1, 2], [1, 2]], _I32)
_AXIS = c(1, _I32)
_SQUARE = c([[1, 1], [0, 2]], _I32)

ROWS = [
    # gathers
    row("Gather", f(4, 2), c([[1, 3], [1, 0]], _I32)),
    row("GatherV2", f(4, 2), c([1, 3, 1], _I32), c(0, _I32)),
    row("GatherV2", f(2, 4, 3), c([[1, 3], [1, 0]], "int64"), _AXIS),
    row("GatherV2", f(2, 3, 4), c([[1, 3], [1, 0]], _I32), c(-1, _I32), batch_dims=1),
    row("GatherNd", f(2, 3, 4), _PAIRS),
    row("GatherNd", f(4, 2), c([[1], [3], [1]], _I32)),
    # scatters
    row("ScatterNd", _PAIRS, f(3, 2), c([2, 3, 2], _I32)),
    row("TensorScatterUpdate", f(4, 2), c([[1], [3]], _I32), f(2, 2)),
    row("TensorScatterAdd", f(2, 3), _PAIRS, f(3)),
    row("TensorScatterSub", f(2, 3), _PAIRS, f(3)),
    row("ScatterNdNonAliasingAdd", f(2, 3), _PAIRS, f(3)),
    # selections
    row("OneHot", c([[0, 2], [3, -1]], _I32), c(3, _I32), c(2.0), c(-1.0), order=0),
    row("OneHot", c([0, 2], "uint8"), c(3, _I32), c(2), c(1), order=0, axis=0),
    row("Where", c([[0.0, 1.0], [2.0, 0.0]]), order=0, tier1=False),
    row("Select", c([[True, False], [False, True]]), f(2, 2), f(2, 2)),
    row("Select", c([True, False]), f(2, 3), f(2, 3)),
    row("Select", c(True), f(2, 3), f(2, 3)),
    row("SelectV2", c([[True], [False]]), f(1, 3), f()),
    row("SelectV2", c([True, False]), f(2), f(2)),
    # partitions
    row(
        "DynamicPartition",
        f(4, 2),
        c([1, 0, 1, 0], _I32),
        num_partitions=2,
        order=0,
        tier1=False,
    ),
    row(
        "DynamicStitch",
        [c([5, 3], _I32), c([[1, 0], [2, 4]], _I32)],
        [f(2, 2), f(2, 2, 2)],
    ),
    row("DynamicStitch", [c([0, 4], _I32)], [f(2, 2)], compared={0: "shape"}),
    row("ParallelDynamicStitch", [c([1, 0], _I32), c([2], _I32)], [f(2), f(1)]),
    # orders
    row("Tile", f(2, 3), c([2, 1], _I32)),
    row("Roll", f(3, 4), c([1, -2], _I32), c([0, 1], _I32)),
    row("Roll", f(3, 4), c(5, _I32), c(-1, _I32)),
    row("Reverse", f(2, 3), c([True, False])),
    row("ReverseV2", f(2, 3), c([0, -1], _I32)),
    row("ReverseSequence", f(2, 4), c([3, 4], "int64"), seq_dim=1),
    row("ReverseSequence", f(4, 2, 3), c([0, 1, 4], _I32), seq_dim=0, batch_dim=2),
    row("UnravelIndex", c([5, 3], _I32), c([2, 3], _I32), order=0),
    row("UnravelIndex", c(5, "int64"), c([2, 3], "int64"), order=0),
    row("Bitcast", c([[1.0, 2.0]], "float32"), order=0, type="int32"),
    row("Bitcast", c([[1.0, 2.0]], "float32"), order=0, type="uint8"),
    row("Bitcast", c([[1.0, 2.0]], "float32"), order=0, type="float64"),
    # blocks
    row("SpaceToBatchND", f(1, 4, 3, 2), c([2, 1], _I32), _SQUARE),
    row("BatchToSpaceND", f(4, 3, 3, 2), c([2, 2], _I32), _SQUARE),
    row("SpaceToBatch", f(1, 4, 4, 2), _SQUARE, block_size=2),
    row("BatchToSpace", f(4, 3, 3, 2), _SQUARE, block_size=2),
    row("SpaceToDepth", f(1, 4, 2, 3), block_size=2),
    row("SpaceToDepth", f(1, 3, 4, 2), block_size=2, data_format="NCHW"),
    row("DepthToSpace", f(1, 2, 3, 4), block_size=2),
    row("DepthToSpace", f(1, 8, 3, 1), block_size=2, data_format="NCHW"),
    row(
        "ExtractImagePatches",
        f(2, 5, 4, 2),
        ksizes=[1, 2, 3, 1],
        strides=[1, 2, 1, 1],
        rates=[1, 2, 1, 1],
        padding="SAME",
    ),
    row(
        "ExtractVolumePatches",
        f(1, 3, 4, 3, 2),
        ksizes=[1, 2, 2, 1, 1],
        strides=[1, 1, 2, 1, 1],
        padding="VALID",
    ),
]
