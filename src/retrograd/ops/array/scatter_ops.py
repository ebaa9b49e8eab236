"""Ops: values put, or added, at index vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.blank import blank
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.scatter_shapes import check_scatter
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import (
    shape_text,
    with_rank_at_least,
)
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _scatter_nd_shape(n: Operation) -> RawShape:
    indices, updates = with_rank_at_least(n, 0, 1), with_rank_at_least(n, 1, 1)
    whole = constant_as_shape(n._inputs[2])
    check_scatter(n, indices, updates, whole, "output")
    return whole


def _update_shape(word: str) -> Callable[[Operation], RawShape]:
    def infer(n: Operation) -> RawShape:
        whole = n._inputs[0]._shape_raw
        if word == "output":
            with_rank_at_least(n, 0, 1)
        indices, updates = with_rank_at_least(n, 1, 1), with_rank_at_least(n, 2, 1)
        check_scatter(n, indices, updates, whole, word)
        return whole

    return infer


def _fits(indices: Array, updates: Array, whole: tuple[int, ...]) -> None:
    """Refuse values whose shapes do not go together.

    Raises:
      InvalidArgumentError: they do not.
    """
    ish, ush = np.shape(indices), np.shape(updates)
    texts = shape_text(ish), shape_text(ush), shape_text(whole)
    if not ish:
        raise refused(f"Indices shape must have rank at least one. Found:{texts[0]}")
    if not ush:
        raise refused(f"Updates shape must have rank at least one. Found:{texts[1]}")
    if 0 in whole and 0 not in ish:
        raise refused(
            "Indices and updates specified for empty output.  indices shape: "
            f"{texts[0]}"
        )
    outer, depth = len(ish) - 1, ish[-1]
    if ish[:-1] != ush[:outer]:
        raise refused(
            "Outer dimensions of indices and update must match. Indices shape: "
            f"{texts[0]}, updates shape:{texts[1]}"
        )
    if len(whole) - depth != len(ush) - outer:
        raise refused(
            "Inner dimensions of output shape must match inner dimensions of updates "
            f"shape. Output: {texts[2]} updates: {texts[1]}"
        )
    if whole[depth:] != ush[outer:]:
        raise refused(
            f"The inner {len(whole) - depth} dimensions of output.shape={texts[2]} "
            f"must match the inner {len(ush) - outer} dimensions of "
            f"updates.shape={texts[1]}"
        )


def _taken(n: Operation, dy: Tensor) -> Tensor:
    return gather_nd(dy, n.inputs[0])


@op(
    "ScatterNd",
    infer=_scatter_nd_shape,
    math="yₖ = Σⱼ xⱼ [iⱼ = k]",
    grad=lambda n, dy: [None, _taken(n, dy), None],
    static="shape",
    notation=dict(updates="x̄ⱼ = ȳ[iⱼ]", indices="i"),
)
def scatter_nd_kernel(
    xp: Arrays, indices: Array, updates: Array, shape: Array
) -> Array:
    """Zeros with `updates` added at index vectors."""
    if np.ndim(shape) != 1:
        raise refused("Shape must be a vector")
    whole = tuple(shape.tolist())
    _fits(indices, updates, whole)
    zeros_ = blank(xp, whole, updates.dtype)
    return xp.scatter_nd(zeros_, indices, updates, "add")


@op(
    "TensorScatterUpdate",
    infer=_update_shape("output"),
    math="yₖ = uⱼ where iⱼ = k for some j, else xₖ",
)
def tensor_scatter_update_kernel(
    xp: Arrays, x: Array, indices: Array, updates: Array
) -> Array:
    """x with `updates` at index vectors."""
    _fits(indices, updates, np.shape(x))
    return xp.scatter_nd(x, indices, updates, "update")


@gradient(
    "TensorScatterUpdate",
    tensor="x̄ₖ = ȳₖ, 0 where iⱼ = k for some j",
    updates="ūⱼ = ȳ[iⱼ]",
    indices="i",
)
def tensor_scatter_update_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Each element's derivative goes to where it came from."""
    indices, updates = n.inputs[1:]
    nothing = zeros_like(updates, dtype=dy.dtype)
    kept = F.TensorScatterUpdate(F.Identity(dy), indices, nothing)
    return [kept, None, gather_nd(dy, indices)]


@op(
    "TensorScatterAdd",
    infer=_update_shape("output"),
    math="yₖ = xₖ + Σⱼ uⱼ [iⱼ = k]",
    grad=lambda n, dy: [F.Identity(dy), None, gather_nd(dy, n.inputs[1])],
    notation=dict(tensor="x̄ₖ = ȳₖ", updates="ūⱼ = ȳ[iⱼ]", indices="i"),
)
def tensor_scatter_add_kernel(
    xp: Arrays, x: Array, indices: Array, updates: Array
) -> Array:
    """x with `updates` added at index vectors."""
    _fits(indices, updates, np.shape(x))
    return xp.scatter_nd(x, indices, updates, "add")


@op(
    "TensorScatterSub",
    infer=_update_shape("output"),
    math="yₖ = xₖ − Σⱼ uⱼ [iⱼ = k]",
    grad=lambda n, dy: [F.Identity(dy), None, F.Neg(gather_nd(dy, n.inputs[1]))],
    notation=dict(tensor="x̄ₖ = ȳₖ", updates="ūⱼ = −ȳ[iⱼ]", indices="i"),
)
def tensor_scatter_sub_kernel(
    xp: Arrays, x: Array, indices: Array, updates: Array
) -> Array:
    """x with `updates` subtracted at index vectors."""
    _fits(indices, updates, np.shape(x))
    return xp.scatter_nd(x, indices, updates, "sub")


@op(
    "ScatterNdNonAliasingAdd",
    infer=_update_shape("input"),
    math="yₖ = xₖ + Σⱼ uⱼ [iⱼ = k]",
    grad=lambda n, dy: [dy, None, gather_nd(dy, n.inputs[1])],
    notation=dict(input="x̄ₖ = ȳₖ", updates="ūⱼ = ȳ[iⱼ]", indices="i"),
)
def scatter_nd_non_aliasing_add_kernel(
    xp: Arrays, x: Array, indices: Array, updates: Array
) -> Array:
    """x with `updates` added at index vectors."""
    whole, ish, ush = np.shape(x), np.shape(indices), np.shape(updates)
    if ish[:-1] + whole[ish[-1] :] != ush:
        raise refused(
            "Must have updates.shape = indices.shape[:batch_dim] + "
            f"params_shape[slice_dim:], got updates.shape: {shape_text(ush)}, "
            f"indices.shape: {shape_text(ish)}, params_shape: {shape_text(whole)}, "
            f"slice_dim: {ish[-1]}, and batch_dim: {len(ish) - 1}"
        )
    return xp.scatter_nd(x, indices, updates, "add")
