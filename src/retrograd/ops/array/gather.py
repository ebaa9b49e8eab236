"""Elements and slices by index."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import context, dispatch
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.array.fill import ones, range_, zeros
from retrograd.ops.array.join import concat, stack, unstack
from retrograd.ops.array.shape import (
    expand_dims,
    rank,
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

# ---------------------------------------------------------------------- gather


def _gathered_shape(n: Any) -> RawShape:
    params, indices = with_rank_at_least(n, 0, 1), n._inputs[1]._shape_raw
    if params is None or indices is None:
        return None
    return indices + params[1:]


def _gather_v2_shape(n: Any) -> RawShape:
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


def _rows_gradient(params: Tensor, indices: Tensor, dy: Any) -> IndexedSlices:
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
)
def gather_kernel(xp: Any, params: Any, indices: Any) -> Any:
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
)
def gather_v2_kernel(
    xp: Any, params: Any, indices: Any, axis: Any, *, batch_dims: int
) -> Any:
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
def gather_v2_gradient(n: Any, dy: Any) -> Any:
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
    sizes: Tensor, values: Tensor, indices: Tensor, batch: int, rows: Any
) -> Any:
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


def _batch_indices(sizes: Tensor, indices: Any, batch: int, rows: Any) -> Any:
    """Indices into the flattened batches and rows, out of indices into each row.

    Args:
      sizes: the batches come first in it.
      indices: for each batch by itself.
      batch: the number of batch axes.
      rows: how many rows a batch has.
    """
    dtype = indices.dtype.base_dtype
    rank_ = len(indices._shape_raw)
    if sizes.dtype.base_dtype is not dtype:
        sizes, rows = F.Cast(sizes, DstT=dtype), F.Cast(rows, DstT=dtype)
    step: Any = ones((), dtype=dtype)
    for dim in range(batch, 0, -1):
        count = sizes[dim - 1]
        step = step * (rows if dim == batch else sizes[dim])
        first, one = zeros((), dtype=dtype), ones((), dtype=dtype)
        offsets = range_(first, count, one) * step
        around = stack([1] * (dim - 1) + [count] + [1] * (rank_ - dim), axis=0)
        indices = indices + reshape(offsets, around)
    return indices


def _gather_nd_shape(n: Any) -> RawShape:
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
)
def gather_nd_kernel(xp: Any, params: Any, indices: Any) -> Any:
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
def gather_nd_gradient(n: Any, dy: Any) -> Any:
    """Add up where each element came from; whole rows stay sparse."""
    params, indices = n.inputs
    sizes = shape(params, out_type=indices.dtype.base_dtype)
    raw = indices._shape_raw
    if raw is not None and len(raw) == 2 and raw[-1] == 1:
        return [IndexedSlices(dy, squeeze(indices, axis=-1), sizes), None]
    return [F.ScatterNd(indices, dy, sizes), None]


# ---------------------------------------------------------------------- functions


def gather(
    params: Any,
    indices: Any,
    validate_indices: bool | None = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:
    """Slices of `params` along `axis`, by index.

    Args:
      params: a tensor, or a variable, whose rows are then read sparsely.
      indices: int32 or int64, of any shape.
      validate_indices: not used.
      name: the name of the operation.
      axis: a scalar, by default `batch_dims`.
      batch_dims: how many leading axes of both go together.

    Returns:
      Shape params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:].

    Raises:
      InvalidArgumentError: (when run) an index is out of range.
    """
    del validate_indices
    if axis is None:
        axis = batch_dims
    known = static_value(axis) if isinstance(axis, Tensor) else axis
    if known is None or known != 0:
        return F.GatherV2(params, indices, axis, batch_dims=batch_dims, name=name)
    if hasattr(params, "sparse_read"):
        return params.sparse_read(indices, name=name)
    return F.GatherV2(params, indices, axis, name=name)


def gather_v2(
    params: Any,
    indices: Any,
    validate_indices: bool | None = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:
    """As `gather`."""
    return gather(params, indices, validate_indices, name, axis, batch_dims)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """Along the last axis of `indices`, elements of `params` by index; all axes before
    go together.

    Raises:
      ValueError: the rank of `indices` is not known.
    """
    with dispatch.name_scope(name, "BatchGather", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        if indices._shape_raw is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        return _batch_gather(params, indices, len(indices._shape_raw) - 1)


def _batch_gather(params: Tensor, indices: Tensor, batch: int) -> Tensor:
    raw, ish = params._shape_raw, indices._shape_raw or ()
    if not 0 <= batch < len(ish):
        raise ValueError(
            f"batch_dims = {batch} must be less than rank(indices) = {len(ish)}"
        )
    if raw is not None and batch >= len(raw):
        raise ValueError(
            f"batch_dims = {batch} must be less than rank(params) = {len(raw)}"
        )
    whole, sizes = shape(indices), shape(params)
    places = _batch_indices(sizes, indices, batch, sizes[batch])
    flat = reshape(places, [-1])
    behind = sizes[batch + 1 :]
    count = F.Prod(sizes[: batch + 1], [0], keep_dims=False)
    rows = reshape(params, concat([[count], behind], axis=0))
    found = reshape(gather(rows, flat), concat([whole, behind], axis=0))
    front = indices.shape[:batch].merge_with(params.shape[:batch])
    final = front.concatenate(indices.shape[batch:])
    found.set_shape(final.concatenate(params.shape[batch + 1 :]))
    return found


def gather_nd(
    params: Any, indices: Any, name: str | None = None, batch_dims: Any = 0
) -> Tensor:
    """Elements or slices of `params` by index vectors, the last axis of `indices`.

    Args:
      params: a tensor or a variable.
      indices: int32 or int64, [..., k] with k at most the rank of `params`.
      name: the name of the operation.
      batch_dims: how many leading axes of both go together.

    Returns:
      Shape indices.shape[:-1] + params.shape[k:].
    """
    batch: Any = batch_dims
    if isinstance(batch_dims, Tensor):
        known = static_value(batch_dims)
        batch = batch_dims if known is None else int(known)
    if batch:
        return batch_gather_nd(params, indices, batch_dims=batch, name=name)
    if hasattr(params, "gather_nd"):
        return params.gather_nd(indices, name=name)
    return F.GatherNd(params, indices, name=name)


def gather_nd_v2(
    params: Any, indices: Any, batch_dims: Any = 0, name: str | None = None
) -> Tensor:
    """As `gather_nd`."""
    return gather_nd(params, indices, name=name, batch_dims=batch_dims)


def batch_gather_nd(
    params: Any, indices: Any, batch_dims: int, name: str | None = None
) -> Tensor:
    """`gather_nd` in each of the batches that the first `batch_dims` axes are.

    Raises:
      ValueError: `batch_dims` is negative, or not less than a rank.
    """
    from retrograd.ops.array.grids import meshgrid

    with dispatch.name_scope(name, "BatchGatherND", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        _check_batch(params, indices, batch_dims)
        sizes, ish = shape(params), shape(indices)
        batch_shape = sizes[:batch_dims]
        batch_size = F.Prod(batch_shape, [0])
        inner_rank = rank(indices) - batch_dims - 1
        inner = ish[batch_dims:-1]
        ranges = [
            F.Cast(F.Range(0, d, 1), DstT=indices.dtype)
            for d in unstack(batch_shape, axis=0)
        ]
        flat = [reshape(g, (-1,)) for g in meshgrid(*ranges, indexing="ij")]
        grid = transpose(stack(flat, axis=0))
        grid_shape = shape(grid)
        around = ones(inner_rank, dtype=dtypes.int32)
        grid = reshape(grid, concat([grid_shape[:1], around, grid_shape[1:]], axis=0))
        grid = F.Tile(grid, concat(((1,), inner, (1,)), axis=0))
        rows = reshape(indices, concat(([batch_size], ish[batch_dims:]), axis=0))
        found = F.GatherNd(params, concat((grid, rows), axis=-1))
        return reshape(found, concat((batch_shape, shape(found)[1:]), axis=0))


def _check_batch(params: Tensor, indices: Tensor, batch: Any) -> None:
    if not isinstance(batch, int):
        raise TypeError(f"batch_dims must be an int; got {batch!r}")
    if batch < 0:
        raise ValueError("tf.gather_nd does not allow negative batch_dims.")
    for what, tensor in (("indices", indices), ("params", params)):
        raw = tensor._shape_raw
        if raw is not None and batch >= len(raw):
            raise ValueError(
                f"batch_dims = {batch} must be less than rank({what}) = {len(raw)}"
            )


def sparse_mask(a: Any, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """The rows of IndexedSlices whose indices are not in `mask_indices`."""
    with dispatch.name_scope(name, "sparse_mask", [a, mask_indices]) as scope:
        kept, places = F.ListDiff(a.indices, mask_indices)
        rows = gather(a.values, places, name=scope)
        return IndexedSlices(rows, kept, a.dense_shape)
