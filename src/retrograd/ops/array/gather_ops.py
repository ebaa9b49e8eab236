"""Ops: elements and slices by index."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.array.fill import ones, range_, zeros
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import (
    expand_dims,
    reshape,
    shape,
    size,
    squeeze,
    transpose,
)
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import (
    invalid,
    shape_text,
    with_rank,
    with_rank_at_least,
)
from retrograd.ops.static import constant as static_value
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import Array, Arrays


def _gathered_shape(n: Operation) -> RawShape:
    params, indices = with_rank_at_least(n, 0, 1), n._inputs[1]._shape_raw
    if params is None or indices is None:
        return None
    return indices + params[1:]


def _gather_v2_shape(n: Operation) -> RawShape:
    params, indices = with_rank_at_least(n, 0, 1), n._inputs[1]._shape_raw
    with_rank(n, 2, 0)
    axis = static_value(n._inputs[2])
    if axis is None:
        if params is None or indices is None:
            return None
        return (None,) * (len(params) + len(indices) - 1)
    at, batch = int(axis), n.attrs["batch_dims"]
    with_rank_at_least(n, 0, -at if at < 0 else at + 1)
    with_rank_at_least(n, 0, -batch if batch < 0 else batch + 1)
    if params is None or indices is None:
        return None
    at %= len(params)
    return params[:at] + indices[batch:] + params[at + 1 :]


def _beside(params: Tensor) -> contextlib.AbstractContextManager[Any]:
    """New operations ask for the device of `params`."""
    if context.executing_eagerly():
        return contextlib.nullcontext()
    return context.get_default_graph().colocate_with(params)


def _sizes(params: Tensor) -> Tensor:
    with _beside(params):
        wide = shape(params, out_type=dtypes.int64)
        return F.Cast(wide, DstT=dtypes.int32)


def _rows_gradient(params: Tensor, indices: Tensor, dy: Tensor) -> IndexedSlices:
    """The derivative of rows by index: the rows of ȳ, and where they belong."""
    sizes = _sizes(params)
    count = expand_dims(size(indices), 0)
    values = reshape(dy, concat([count, sizes[1:]], 0))
    return IndexedSlices(values, reshape(indices, count), sizes)


@op(
    "Gather",
    infer=_gathered_shape,
    math="yⱼ = x[iⱼ]",
    grad=lambda n, dy: [_rows_gradient(n.inputs[0], n.inputs[1], dy), None],
    notation=dict(params="x̄ₖ = Σⱼ ȳⱼ [iⱼ = k]", indices="i"),
    traits=Traits(passes=Passes.MOVED),
)
def gather_kernel(xp: Arrays, params: Array, indices: Array) -> Array:
    """The rows of `params` with the given indices."""
    if not np.ndim(params):
        raise refused("params must be at least 1 dimensional")
    return xp.gather(params, indices, 0)


@op(
    "GatherV2",
    infer=_gather_v2_shape,
    math="yⱼ = x[iⱼ] along axis a",
    static="axis",
    notation=dict(indices="i", axis="a"),
    traits=Traits(passes=Passes.MOVED),
)
def gather_v2_kernel(
    xp: Arrays, params: Array, indices: Array, axis: Array, *, batch_dims: int
) -> Array:
    """Slices of `params` along an axis, by index."""
    rank_, at = np.ndim(params), int(axis)
    if not rank_:
        raise refused("params must be at least 1 dimensional")
    if not -rank_ <= at < rank_:
        raise refused(f"Expected axis in the range [{-rank_}, {rank_}), but got {at}")
    batch = batch_dims + np.ndim(indices) if batch_dims < 0 else batch_dims
    if batch and np.shape(params)[:batch] != np.shape(indices)[:batch]:
        raise refused(
            f"params.shape[:{batch}] = {shape_text(np.shape(params)[:batch])} differs "
            f"from indices.shape[:{batch}] = {shape_text(np.shape(indices)[:batch])}"
        )
    return xp.gather(params, indices, at % rank_, batch)


@gradient("GatherV2", params="x̄ₖ = Σⱼ ȳⱼ [iⱼ = k] along axis a")
def gather_v2_gradient(n: Operation, dy: Tensor) -> list[Tensor | IndexedSlices | None]:
    """Rows stay sparse; along other axes they are summed where they belong."""
    params, indices, axis = n.inputs
    known = static_value(axis)
    if known is not None and int(known) == 0:
        return [_rows_gradient(params, indices, dy), None, None]
    batch = n.attrs["batch_dims"]
    if batch < 0:
        batch += len(indices._shape_raw or ())
    sizes = _sizes(params)
    outer, inner = sizes[:axis], sizes[axis:][1:]
    values_shape = concat([outer, [-1], inner], 0)
    count, place = size(values_shape), size(outer)
    batches, between = range_(batch), range_(batch, place)
    behind = range_(place + 1, count)
    values = reshape(dy, values_shape)
    values = transpose(values, concat([batches, [place], between, behind], 0))
    dx = _summed(sizes, values, indices, batch, sizes[axis])
    back = concat([batches, between + 1, [batch], behind], 0)
    return [transpose(dx, back), None, None]


def _summed(
    sizes: Tensor, values: Tensor, indices: Tensor, batch: int, rows: Tensor
) -> Tensor:
    """Add `values` up by index, along the axis after the batches."""
    count = expand_dims(size(indices), 0)
    if batch:
        value_shape = shape(values)
        outer, inner = value_shape[:batch], value_shape[batch:][1:]
        indices = _batch_indices(sizes, indices, batch, rows)
        rows = rows * F.Prod(outer, [0])
        values = reshape(values, concat([[-1], inner], 0))
        flat = reshape(indices, count)
        found = F.UnsortedSegmentSum(values, flat, rows)
        return reshape(found, concat([outer, [-1], inner], 0))
    return F.UnsortedSegmentSum(values, reshape(indices, count), rows)


def _batch_indices(
    sizes: Tensor,
    indices: Tensor,
    batch: int,
    rows: Tensor | None = None,
    step: Tensor | None = None,
    steps: Callable[..., Tensor] = range_,
) -> Tensor:
    """Indices into the flattened batches and rows, out of indices into each row.

    Args:
      sizes: the batches come first in it.
      indices: for each batch by itself.
      batch: the number of batch axes.
      rows: how many rows a batch has; by default what comes next in `sizes`.
      step: a one to multiply the steps with, if there is one already.
      steps: makes the numbers from a first one to before a last one.
    """
    dtype = indices.dtype.base_dtype
    rank_ = len(indices._shape_raw or ())
    if sizes.dtype.base_dtype is not dtype:
        sizes = F.Cast(sizes, DstT=dtype)
        rows = None if rows is None else F.Cast(rows, DstT=dtype)
    step = ones((), dtype=dtype) if step is None else step
    for dim in range(batch, 0, -1):
        count = sizes[dim - 1]
        step = step * (sizes[dim] if dim < batch or rows is None else rows)
        first, one = zeros((), dtype=dtype), ones((), dtype=dtype)
        offsets = steps(first, count, one) * step
        around = stack([1] * (dim - 1) + [count] + [1] * (rank_ - dim), axis=0)
        indices = indices + reshape(offsets, around)
    return indices


def _gather_nd_shape(n: Operation) -> RawShape:
    params, indices = n._inputs[0]._shape_raw, with_rank_at_least(n, 1, 1)
    if params is None or indices is None or indices[-1] is None:
        return None
    if indices[-1] > len(params):
        raise invalid(
            n,
            "indices.shape[-1] must be <= params.rank, but saw indices shape: "
            f"{shape_text(indices)} and params shape: {shape_text(params)}",
        )
    return indices[:-1] + params[indices[-1] :]


@op(
    "GatherNd",
    infer=_gather_nd_shape,
    math="yⱼ = x[iⱼ], iⱼ all the indices of one place",
    notation=dict(indices="i"),
    traits=Traits(passes=Passes.MOVED),
)
def gather_nd_kernel(xp: Arrays, params: Array, indices: Array) -> Array:
    """Elements or slices of `params`, by index vectors."""
    if not np.ndim(params):
        raise refused("params must be at least a vector")
    if not np.ndim(indices):
        raise refused("indices must be at least a vector")
    if np.shape(indices)[-1] > np.ndim(params):
        raise refused(
            "index innermost dimension length must be <= params rank; saw: "
            f"{np.shape(indices)[-1]} vs. {np.ndim(params)}"
        )
    return xp.gather_nd(params, indices)


@gradient("GatherNd", params="x̄ₖ = Σⱼ ȳⱼ [iⱼ = k]")
def gather_nd_gradient(n: Operation, dy: Tensor) -> list[Tensor | IndexedSlices | None]:
    """Add up where each element came from; whole rows stay sparse."""
    params, indices = n.inputs
    sizes = shape(params, out_type=indices.dtype.base_dtype)
    raw = indices._shape_raw
    if raw is not None and len(raw) == 2 and raw[-1] == 1:
        return [IndexedSlices(dy, squeeze(indices, axis=-1), sizes), None]
    return [F.ScatterNd(indices, dy, sizes), None]
