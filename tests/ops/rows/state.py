"""Rows for ops on variables; after each, what they hold is compared too."""

from __future__ import annotations

from tests.ops.rows import c, f, ref, resource, row

_I32 = "int32"
_X = f(4, 2)
_PLACES = c([2, 0], _I32)
_POINTS = c([[1, 0], [3, 1]], _I32)
_BOUNDS = (c([1, 0], _I32), c([3, 1], _I32), c([1, 1], _I32))
#: a counter and a key of Philox, and that algorithm
_STATE = resource(c([2**40 + 5, 7, 2**33 + 11], "int64"), dtype="int64")
_ALGORITHM, _SHAPE = c(1), c([3, 2])


def _scatters():
    for how in "Update Add Sub Mul Div Min Max".split():
        # no element is hit twice: TensorFlow says nothing about the order
        low = 0.5 if how == "Div" else -2.0
        rows = f(2, 2, low=low)
        yield row(f"Scatter{how}", ref(_X), _PLACES, rows, order=0)
        yield row(f"Scatter{how}", ref(_X), _PLACES, f(low=low), order=0)
        yield row(f"ResourceScatter{how}", resource(_X), _PLACES, rows, order=0)
    for how in "Update Add Sub".split():
        yield row(f"ScatterNd{how}", ref(_X), _POINTS, f(2), order=0)
        yield row(f"ResourceScatterNd{how}", resource(_X), _POINTS, f(2), order=0)


ROWS = [
    row("Assign", ref(f(2, 3)), f(2, 3), order=0),
    row("Assign", ref(f(2, 3)), f(2), validate_shape=False, order=0),
    row("AssignAdd", ref(_X), _X, order=0),
    row("AssignSub", ref(_X), _X, order=0),
    row("AssignVariableOp", resource(_X), _X, order=0),
    row("AssignAddVariableOp", resource(_X), _X, order=0),
    row("AssignSubVariableOp", resource(_X), _X, order=0),
    row("ReadVariableOp", resource(_X), order=0),
    row("VariableShape", resource(_X), order=0),
    row("IsVariableInitialized", ref(_X), order=0),
    row("VarIsInitializedOp", resource(_X), order=0),
    row("RefIdentity", ref(_X), order=0),
    row("RefSelect", c(1, _I32), [ref(f(2)), ref(f(2))], order=0),
    row("CountUpTo", ref(c(3)), limit=5, order=0),
    row("ResourceCountUpTo", resource(c(3)), limit=5, order=0, T="int64"),
    row("StridedSliceAssign", ref(_X), *_BOUNDS, f(2, 1), order=0),
    row("ResourceStridedSliceAssign", resource(_X), *_BOUNDS, f(2, 1), order=0),
    *_scatters(),
    row("ResourceGather", resource(_X), c([[3, 1], [1, 0]], _I32), order=0),
    row(
        "ResourceGather",
        resource(f(2, 3, 2)),
        c([[2, 0], [1, 1]], _I32),
        batch_dims=1,
        order=0,
    ),
    row("ResourceGatherNd", resource(_X), _POINTS, order=0),
    # random numbers whose state is a variable
    row("StatefulUniform", _STATE, _ALGORITHM, _SHAPE, order=0),
    row("StatefulStandardNormal", _STATE, _SHAPE, order=0),
    row("StatefulStandardNormalV2", _STATE, _ALGORITHM, _SHAPE, order=0),
    row("StatefulTruncatedNormal", _STATE, _ALGORITHM, _SHAPE, order=0),
    row("StatefulUniformFullInt", _STATE, _ALGORITHM, _SHAPE, order=0, dtype="uint64"),
    row("StatefulUniformInt", _STATE, _ALGORITHM, _SHAPE, c(-3), c(9), order=0),
    row(
        "StatefulRandomBinomial",
        _STATE,
        _ALGORITHM,
        c([2]),
        c([5.0, 40.0]),
        c([0.3, 0.6]),
        order=0,
    ),
    row("RngSkip", _STATE, _ALGORITHM, c(5), order=0),
]
