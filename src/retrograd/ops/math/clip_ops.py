"""Ops: limiting the size of the elements of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.ops.declare import op
from retrograd.ops.infer import same
from retrograd.ops.traits import Function, Traits

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


@op(
    "ClipByValue",
    infer=same,
    math="y = min(max(x, a), b)",
    traits=Traits(function=Function.CLIPPING),
)
def _clip_by_value(xp: Arrays, t: Array, low: Array, high: Array) -> Array:
    """Each element, or the bound that it lies beyond."""
    return xp.minimum(xp.maximum(t, low), high)
