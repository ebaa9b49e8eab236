"""Ops: texts are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import merged

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _joined(n: Operation) -> RawShape:
    """The one shape that is not a scalar's."""
    shape: RawShape = ()
    for x in n._inputs:
        if x._shape_raw is None:
            return None
        if x._shape_raw != ():
            shape = merged(n, shape, x._shape_raw) if shape else x._shape_raw
    return shape


@op("StringJoin", infer=_joined, grad=NOT_DIFFERENTIABLE, host=True)
def string_join(xp: Arrays, *inputs: Array, separator: str) -> Array:
    """The texts of all inputs in a row; a scalar goes with each of the others'."""
    del xp
    arrays = [np.asarray(x, object) for x in inputs]
    shapes = {x.shape for x in arrays} - {()}
    if len(shapes) > 1:
        first, second = sorted(shapes)[:2]
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Input shapes do not match: {list(first)} and {list(second)}",
        )
    rows: Any = zip(*(x.flat for x in np.broadcast_arrays(*arrays)), strict=True)
    between = separator.encode("utf-8", "surrogateescape")
    joined = [between.join(row) for row in rows]
    out = np.empty(len(joined), object)
    out[:] = joined
    return out.reshape(max(shapes, default=()))
