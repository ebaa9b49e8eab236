"""Ops: limiting the size of the elements of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.operation import Operation
from retrograd.ops.declare import F, op
from retrograd.ops.infer import same
from retrograd.ops.traits import Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _clip_by_value_rule(n: Operation, dy: Tensor) -> list[Tensor]:
    t, low, high = n.inputs
    zeros = F.ZerosLike(dy)
    below, above = F.Less(t, low), F.Greater(t, high)
    outside = F.LogicalOr(below, above)
    terms = [
        F.Select(outside, zeros, dy),
        F.Select(below, dy, zeros),
        F.Select(above, dy, zeros),
    ]
    by_low, by_high = terms[1:]
    return [terms[0], _to_bound(by_low, low), _to_bound(by_high, high)]


def _to_bound(term: Tensor, bound: Tensor) -> Tensor:
    """A term for a bound that was broadcast to the tensor."""
    if bound._shape_raw == term._shape_raw and None not in (bound._shape_raw or [None]):
        return term
    shape = F.Shape(bound)
    axes = F.BroadcastGradientArgs(shape, F.Shape(term))[0]
    return F.Reshape(F.Sum(term, axes), shape)


@op(
    "ClipByValue",
    infer=same,
    math="y = min(max(x, a), b)",
    grad=_clip_by_value_rule,
    notation=dict(
        t="x̄ = ȳ [a ≤ x ≤ b]",
        clip_value_min="ā = ȳ [x < a]",
        clip_value_max="b̄ = ȳ [x > b]",
    ),
    traits=Traits(function=Function.CLIPPING),
)
def _clip_by_value(xp: Arrays, t: Array, low: Array, high: Array) -> Array:
    """Each element, or the bound that it lies beyond."""
    return xp.minimum(xp.maximum(t, low), high)
