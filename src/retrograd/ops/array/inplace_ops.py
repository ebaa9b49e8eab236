"""Ops: rows of a tensor changed; a new tensor is made, whatever their name says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import same, shape_text

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _changed(xp: Arrays, x: Array, i: Array, v: Array, mode: str) -> Array:
    """x with rows changed; their numbers are counted in a circle.

    Raises:
      InvalidArgumentError: shapes that do not fit.
    """
    if np.ndim(i) != 1:
        raise refused(f"i must be a vector. {shape_text(np.shape(i))}")
    sizes = f"{shape_text(x.shape)} vs. {shape_text(v.shape)}"
    if x.ndim != v.ndim:
        raise refused(f"x and v shape doesn't match (ranks differ): {sizes}")
    for axis in range(1, x.ndim):
        if x.shape[axis] != v.shape[axis]:
            raise refused(f"x and v shape doesn't match at index {axis} : {sizes}")
    if i.shape[0] != v.shape[0]:
        sizes = f"{shape_text(i.shape)} vs. {shape_text(v.shape)}"
        raise refused(f"i and x shape doesn't match at index 0: {sizes}")
    return xp.scatter(x, i % np.int32(x.shape[0]), v, mode)


@op("InplaceUpdate", infer=same, math="y = x with rows i replaced by v", pure=True)
def _update(xp: Arrays, x: Array, i: Array, v: Array) -> Array:
    """x with rows replaced."""
    return _changed(xp, x, i, v, "update")


@op("InplaceAdd", infer=same, math="y = x with v added to rows i", pure=True)
def _add(xp: Arrays, x: Array, i: Array, v: Array) -> Array:
    """x with something added to rows."""
    return _changed(xp, x, i, v, "add")


@op("InplaceSub", infer=same, math="y = x with v subtracted from rows i", pure=True)
def _sub(xp: Arrays, x: Array, i: Array, v: Array) -> Array:
    """x with something subtracted from rows."""
    return _changed(xp, x, i, v, "sub")
