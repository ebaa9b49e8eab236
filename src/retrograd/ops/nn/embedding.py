"""Embeddings: rows of a table, or of a table cut into parts, by id."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes, shapes
from retrograd.graph import context
from retrograd.graph.composite import (
    SparseTensor,
    convert_n_to_tensor_or_indexed_slices,
)
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import fill, range_
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.partition import dynamic_partition, parallel_dynamic_stitch
from retrograd.ops.array.shape import expand_dims, reshape, size
from retrograd.ops.array.shape import rank as rank_of
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_norm
from retrograd.ops.math.elementwise import pow
from retrograd.ops.math.reduce import reduce_sum
from retrograd.platform import logs

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Operand, TensorLike
    from retrograd.variables.partition import PartitionedVariable

    #: the rows to look up: whole, or in parts
    Table: TypeAlias = Operand | PartitionedVariable | Sequence[Operand]


# ---------------------------------------------------------------------- one id each


def _tables(params: Table | None) -> list[Any]:
    """The parts of a table: a list, what a partitioned variable is made of, or one."""
    if params is None:
        raise ValueError("params must be specified")
    if isinstance(params, (list, tuple)) and not params:
        raise ValueError("Need at least one param")
    if hasattr(params, "_variable_list"):
        return list(params)
    return params if isinstance(params, list) else [params]


def _beside(param: Operand) -> contextlib.AbstractContextManager[Any]:
    """Where operations ask for the device of a table."""
    if context.executing_eagerly():
        return contextlib.nullcontext()
    return context.get_default_graph().colocate_with(param)


def _static_rank(x: Tensor) -> tuple[Any, bool]:
    """The rank, and whether it is a number; 0 counts as not known."""
    rank = convert_to_tensor(x)._rank()
    return (rank, True) if rank else (rank_of(x), False)


def _clipped(rows: Tensor, ids: Tensor, max_norm: TensorLike | None) -> Tensor:
    """`rows`, each scaled down to the norm `max_norm` where its norm is larger."""
    if max_norm is None:
        return rows
    (first, known), (last, also) = _static_rank(ids), _static_rank(rows)
    axes = list(range(first, last)) if known and also else range_(first, last)
    return clip_by_norm(rows, max_norm, axes=axes)


def _row_counts(params: Sequence[Operand]) -> list[int | None]:
    counts = []
    for param in params:
        raw = shapes.raw(param.shape)
        counts.append(None if raw is None else raw[0])
    return counts


def _total_rows(params: Sequence[Operand], ids: Tensor) -> Tensor:
    """How many rows all parts have together, in the dtype of the ids."""
    counts: list[Any] = _row_counts(params)
    if None not in counts and sum(counts):
        return constant(sum(counts), ids.dtype)
    for i, (param, count) in enumerate(zip(params, counts, strict=True)):
        if count is None:
            with _beside(param):
                counts[i] = sizes_of(param)[0]
    return reduce_sum(cast(stack(counts), ids.dtype))


def _assigned(
    params: Sequence[Operand], ids: Tensor, strategy: str
) -> tuple[Tensor, Tensor]:
    """For each id, the part it lies in and its row there.

    Raises:
      ValueError: the strategy is neither mod nor div.
    """
    count = len(params)
    if strategy == "mod":
        return ids % count, ids // count
    if strategy != "div":
        raise ValueError("Unrecognized partition strategy: " + strategy)
    total = _total_rows(params, ids)
    each, extras = total // count, total % count
    # the first `extras` parts have one row more
    part = F.Maximum(ids // (each + 1), (ids - extras) // each)
    row = F.Select(part < extras, ids % (each + 1), (ids - extras) % each)
    return part, row


def _embedding_lookup_and_transform(
    params: Table | None,
    ids: TensorLike,
    partition_strategy: str = "mod",
    name: str | None = None,
    max_norm: TensorLike | None = None,
    transform_fn: Callable[[Any], Any] | None = None,
) -> Tensor:
    """As `embedding_lookup`, with a function applied to the rows of each part.

    Args:
      params, ids, partition_strategy, name, max_norm: as for `embedding_lookup`.
      transform_fn: from clipped rows to a tensor of equally many rows.

    Raises:
      ValueError: no tables, or another strategy.
    """
    params = _tables(params)
    with name_scope(name, "embedding_lookup", [*params, ids]) as scope:
        if not any(hasattr(p, "sparse_read") and hasattr(p, "handle") for p in params):
            params = convert_n_to_tensor_or_indexed_slices(params, name="params")
        ids = convert_to_tensor(ids, name="ids")
        if len(params) == 1 and (not transform_fn or ids._rank() == 1):
            with _beside(params[0]):
                rows = _clipped(gather(params[0], ids, name=scope), ids, max_norm)
                if transform_fn:
                    rows = transform_fn(rows)
            return F.Identity(rows)
        return _from_parts(
            params, ids, partition_strategy, scope, max_norm, transform_fn
        )


def _from_parts(
    params: list[Any],
    ids: Tensor,
    strategy: str,
    scope: str,
    max_norm: TensorLike | None,
    transform: Callable[[Any], Any] | None,
) -> Tensor:
    """Look each id up in its part, and put the rows back in order."""
    flat = reshape(ids, [-1])
    places = range_(size(flat))
    part, row = _assigned(params, flat, strategy)
    part = cast(part, dtypes.int32)
    rows_by_part = dynamic_partition(row, part, len(params))
    places_by_part = dynamic_partition(places, part, len(params))
    found = []
    for param, rows in zip(params, rows_by_part, strict=True):
        with _beside(param):
            taken = gather(param, rows)
            if transform:
                taken = transform(_clipped(taken, rows, max_norm))
        found.append(taken)
    joined = parallel_dynamic_stitch(places_by_part, found, name=scope)
    inner = _inner_shape(params, joined, transform)
    sizes: Any = shapes.TensorShape.of(inner)
    if not shapes.is_full(inner):
        sizes = _inner_sizes(params, joined, transform)
    joined = reshape(joined, concat([sizes_of(ids), sizes], 0))
    outer = ids._shape_raw
    if outer is not None and inner is not None:
        joined.set_shape(shapes.TensorShape.of((*outer, *inner)))
    return joined if transform else _clipped(joined, ids, max_norm)


def _inner_shape(
    params: list[Any], joined: Tensor, transform: Callable[..., Any] | None
) -> RawShape:
    """The static shape of one row."""
    if transform is not None:
        raw = joined._shape_raw
        return None if raw is None else raw[1:]
    inner = None
    for param in params:
        raw = shapes.raw(param.shape)
        inner = shapes.merge(inner, None if raw is None else raw[1:])
    return inner


def _inner_sizes(
    params: list[Any], joined: Tensor, transform: Callable[..., Any] | None
) -> Tensor:
    """The shape of one row, where it is known only when run."""
    if transform is not None:
        return sizes_of(joined)[1:]
    with _beside(params[0]):
        sizes = sizes_of(params[0])
    return sizes[1:]


def embedding_lookup(
    params: Table,
    ids: TensorLike,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: TensorLike | None = None,
) -> Tensor:
    """The rows of a table that `ids` name.

    Args:
      params: the table, [rows, …]; or a list of its parts; or a partitioned variable.
      ids: int32 or int64, of any shape.
      partition_strategy: how rows are spread over parts: with "mod" id i is in part
        i mod n, with "div" parts hold runs of ids.
      name: the name of the operations.
      validate_indices: not used; an id out of range is an error.
      max_norm: rows with a larger norm are scaled down to it.

    Returns:
      ids.shape + params.shape[1:].

    Raises:
      ValueError: no tables, or another strategy.
    """
    del validate_indices
    return _embedding_lookup_and_transform(
        params, ids, partition_strategy, name, max_norm
    )


def embedding_lookup_v2(
    params: Table,
    ids: TensorLike,
    max_norm: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `embedding_lookup`, by "div"."""
    return embedding_lookup(params, ids, "div", name, max_norm=max_norm)


# ---------------------------------------------------------------------- several ids


def _check_sparse(sp_ids: object, sp_weights: object) -> None:
    """Refuse ids and weights that are not sparse tensors of one shape.

    Raises:
      TypeError: one is not.
      ValueError: their shapes differ.
    """
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError("sp_ids must be SparseTensor")
    if sp_weights is None:
        return
    if not isinstance(sp_weights, SparseTensor):
        raise TypeError("sp_weights must be either None or SparseTensor")
    for part in ("values", "indices", "dense_shape"):
        mine, other = getattr(sp_ids, part), getattr(sp_weights, part)
        mine.shape.assert_is_compatible_with(other.shape)


def _weighted(rows: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Rows times their weights, and the weights with axes of size 1 for the rest."""
    ones = fill(expand_dims(rank_of(rows) - 1, 0), 1)
    static, rank = weights._shape_raw, rows._rank()
    weights = reshape(weights, concat([sizes_of(weights), ones], 0))
    if rank is not None and static is not None:
        weights.set_shape([*static, *[1] * (rank - 1)])
    return rows * weights, weights


def _combined(
    rows: Tensor, weights: Tensor, segments: Tensor, combiner: str, name: str
) -> Tensor:
    """Weighted rows of each segment, added up and divided as the combiner says."""
    if combiner == "sum":
        return F.SegmentSum(rows, segments, name=name)
    total = F.SegmentSum(rows, segments)
    if combiner == "mean":
        by = F.SegmentSum(weights, segments)
    else:
        by = F.Sqrt(F.SegmentSum(pow(weights, 2), segments))
    return F.RealDiv(total, by, name=name)


_UNWEIGHTED = {
    "sum": F.SparseSegmentSum,
    "mean": F.SparseSegmentMean,
    "sqrtn": F.SparseSegmentSqrtN,
}


def embedding_lookup_sparse(
    params: Table,
    sp_ids: SparseTensor,
    sp_weights: SparseTensor | None,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: TensorLike | None = None,
) -> Tensor:
    """For each row of a sparse matrix of ids, its embeddings combined into one.

    Args:
      params: the table, [rows, …]; or a list of its parts; or a partitioned variable.
      sp_ids: a SparseTensor [n, m] of int64 ids.
      sp_weights: a SparseTensor of weights for them, or None for ones.
      partition_strategy: how rows are spread over parts, "mod" or "div".
      name: the name of the operations.
      combiner: "sum", "mean" (by the sum of weights; the default) or "sqrtn" (by the
        root of the sum of squared weights).
      max_norm: embeddings with a larger norm are scaled down to it first.

    Returns:
      [n, …]; n is the last row with an id, plus one.

    Raises:
      ValueError: no tables, another strategy or combiner, shapes that do not fit.
      TypeError: ids or weights are not sparse tensors.
    """
    if combiner is None:
        logs.warn(
            'The default value of combiner will change from "mean" to "sqrtn" after '
            "2016/11/01."
        )
        combiner = "mean"
    if combiner not in _UNWEIGHTED:
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    params = _tables(params)
    _check_sparse(sp_ids, sp_weights)
    with name_scope(name, "embedding_lookup_sparse", [*params, sp_ids]) as scope:
        segments = cast(sp_ids.indices[:, 0], dtypes.int32)
        ids, positions = F.Unique(sp_ids.values)
        rows = embedding_lookup(params, ids, partition_strategy, max_norm=max_norm)
        if rows.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16):
            rows = cast(rows, dtypes.float32)
        if sp_weights is None:
            return _UNWEIGHTED[combiner](rows, positions, segments, name=scope)
        weights = cast(sp_weights.values, rows.dtype)
        rows, weights = _weighted(gather(rows, positions), weights)
        return _combined(rows, weights, segments, combiner, scope)


def embedding_lookup_sparse_v2(
    params: Table,
    sp_ids: SparseTensor,
    sp_weights: SparseTensor | None,
    combiner: str | None = None,
    max_norm: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `embedding_lookup_sparse`, by "div"."""
    return embedding_lookup_sparse(
        params, sp_ids, sp_weights, "div", name, combiner, max_norm
    )
