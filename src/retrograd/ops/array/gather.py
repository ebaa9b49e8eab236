"""Elements and slices by index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import dispatch
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import ones
from retrograd.ops.array.gather_ops import _batch_indices
from retrograd.ops.array.join import concat, stack, unstack
from retrograd.ops.array.shape import (
    rank,
    reshape,
    shape,
    transpose,
)
from retrograd.ops.declare import F
from retrograd.ops.static import constant as static_value

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, TensorLike


def gather(
    params: TensorLike,
    indices: TensorLike,
    validate_indices: bool | None = None,
    name: str | None = None,
    axis: AxisLike = None,
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
    part = _part_of_variable(params, "sparse_read", indices, name)
    if part is not None:
        return part
    return F.GatherV2(params, indices, axis, name=name)


def _part_of_variable(
    params: TensorLike, method: str, indices: TensorLike, name: str | None
) -> Tensor | None:
    """What a variable that can be read in parts gives for `indices`; else None."""
    read = getattr(params, method, None)
    if read is None:
        return None
    try:
        return read(indices, name=name)
    except AttributeError:  # all variables have the method; those read whole refuse
        return None


def gather_v2(
    params: TensorLike,
    indices: TensorLike,
    validate_indices: bool | None = None,
    axis: AxisLike = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:
    """As `gather`."""
    return gather(params, indices, validate_indices, name, axis, batch_dims)


def batch_gather(
    params: TensorLike, indices: TensorLike, name: str | None = None
) -> Tensor:
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
    dtype = indices.dtype.base_dtype
    one = ones((), dtype=dtype)
    counts = F.Cast(sizes, DstT=dtype)
    places = _batch_indices(counts, indices, batch, step=one, steps=F.Range)
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
    params: TensorLike,
    indices: TensorLike,
    name: str | None = None,
    batch_dims: TensorLike = 0,
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
    part = _part_of_variable(params, "gather_nd", indices, name)
    if part is not None:
        return part
    return F.GatherNd(params, indices, name=name)


def gather_nd_v2(
    params: TensorLike,
    indices: TensorLike,
    batch_dims: TensorLike = 0,
    name: str | None = None,
) -> Tensor:
    """As `gather_nd`."""
    return gather_nd(params, indices, name=name, batch_dims=batch_dims)


def batch_gather_nd(
    params: TensorLike, indices: TensorLike, batch_dims: int, name: str | None = None
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


def _check_batch(params: Tensor, indices: Tensor, batch: int) -> None:
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


def sparse_mask(
    a: IndexedSlices, mask_indices: TensorLike, name: str | None = None
) -> IndexedSlices:
    """The rows of IndexedSlices whose indices are not in `mask_indices`."""
    with dispatch.name_scope(name, "sparse_mask", [a, mask_indices]) as scope:
        kept, places = F.ListDiff(a.indices, mask_indices)
        rows = gather(a.values, places, name=scope)
        return IndexedSlices(rows, kept, a.dense_shape)
