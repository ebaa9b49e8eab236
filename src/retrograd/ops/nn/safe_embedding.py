"""Embeddings of sparse ids of which some rows have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.fill import ones_like, zeros_like
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import reshape
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.array.slicing import slice_
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_prod
from retrograd.ops.nn.embedding import embedding_lookup_sparse
from retrograd.ops.sparse.pieces import (
    sparse_fill_empty_rows,
    sparse_reshape,
    sparse_retain,
)

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.ops.nn.embedding import Table
    from retrograd.typing import TensorLike


def safe_embedding_lookup_sparse(
    embedding_weights: Table,
    sparse_ids: SparseTensor,
    sparse_weights: SparseTensor | None = None,
    combiner: str = "mean",
    default_id: int | None = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: TensorLike | None = None,
) -> Tensor:
    """For each row of sparse ids, their embeddings combined into one.

    Ids below 0 do not count, nor those whose weight is not above 0, unless they are
    added up. Rows without ids have the embedding of `default_id`, or zeros.

    Args:
      embedding_weights: the table, [rows, …]; or a list of its parts; or a partitioned
        variable.
      sparse_ids: a SparseTensor [..., m] of ids.
      sparse_weights: a SparseTensor of weights for them, or None for ones.
      combiner: "sum", "mean" or "sqrtn".
      default_id: the id of rows that have none.
      name: the name of the operations.
      partition_strategy: how rows are spread over parts, "mod" or "div".
      max_norm: embeddings with a larger norm are scaled down to it first.

    Raises:
      ValueError: there is no table, or weights are of another dtype.
    """
    given: Any = embedding_weights
    if given is None or (isinstance(given, list | tuple) and not given):
        raise ValueError(f"Missing embedding_weights {given}.")
    if hasattr(given, "_variable_list"):
        given = list(given)
    given = given if isinstance(given, list) else [given]
    dtype = None if sparse_weights is None else sparse_weights.dtype
    tables: Any = [
        w
        if hasattr(w, "handle") and dtype in (None, w.dtype)
        else convert_to_tensor(w, dtype)
        for w in given
    ]
    values = [*tables, sparse_ids, sparse_weights]
    with name_scope(name, "embedding_lookup", values) as scope:
        ids, weights, sizes = _as_rows(sparse_ids, sparse_weights)
        ids, weights = _pruned(ids, weights)
        if combiner != "sum":
            ids, weights = _without_weight(ids, weights)
        ids, empty = sparse_fill_empty_rows(ids, default_id or 0)
        if weights is not None:
            weights, _ = sparse_fill_empty_rows(weights, 1.0)
        found = embedding_lookup_sparse(
            tables,
            ids,
            weights,
            partition_strategy,
            None if default_id is None else scope,
            combiner,
            max_norm,
        )
        if default_id is None:
            repeats: Any = [1, sizes_of(found)[1]]
            wide = tile(reshape(empty, [-1, 1]), stack(repeats))
            found = where(wide, zeros_like(found), found, name=scope)
        return _in_place(found, sparse_ids, sizes)


def _as_rows(
    ids: SparseTensor, weights: SparseTensor | None
) -> tuple[SparseTensor, SparseTensor | None, Any]:
    """Ids and weights as matrices; the number of axes before the last."""
    known: Any = ids.dense_shape.shape
    rank = None if known.ndims is None else known.dims[0].value
    outer: Any = F.Size(ids.dense_shape) - 1 if rank is None else rank - 1
    rows = reduce_prod(slice_(ids.dense_shape, [0], [outer]))
    sizes: Any = [rows, gather(ids.dense_shape, outer)]
    flat = sparse_reshape(ids, sizes)
    if weights is None:
        return flat, None, outer
    beside = SparseTensor(flat.indices, weights.values, flat.dense_shape)
    return flat, beside, outer


def _pruned(
    ids: SparseTensor, weights: SparseTensor | None
) -> tuple[SparseTensor, SparseTensor | None]:
    """Without ids below 0."""
    fine = F.GreaterEqual(ids.values, 0)
    if weights is not None:
        fine = F.LogicalAnd(fine, ones_like(weights.values, dtypes.bool))
    kept = sparse_retain(ids, fine)
    return kept, None if weights is None else sparse_retain(weights, fine)


def _without_weight(
    ids: SparseTensor, weights: SparseTensor | None
) -> tuple[SparseTensor, SparseTensor | None]:
    """Without ids whose weight is not above 0."""
    if weights is None:
        return ids, None
    fine = F.Greater(weights.values, 0)
    return sparse_retain(ids, fine), sparse_retain(weights, fine)


def _in_place(found: Tensor, ids: SparseTensor, outer: Any) -> Tensor:
    """Embeddings in the shape that the ids have but for their last axis."""
    sizes = slice_(cast(ids.dense_shape, dtypes.int32), [0], [outer])
    inner = slice_(sizes_of(found), [1], [-1])
    whole = reshape(found, concat([sizes, inner], 0))
    known = ids.get_shape()
    if known.ndims is not None and found.shape.ndims is not None:
        whole.set_shape(known[: known.ndims - 1].concatenate(found.shape[1:]))
    return whole


def safe_embedding_lookup_sparse_v2(
    embedding_weights: Table,
    sparse_ids: SparseTensor,
    sparse_weights: SparseTensor | None = None,
    combiner: str = "mean",
    default_id: int | None = None,
    max_norm: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `safe_embedding_lookup_sparse`, by "div"."""
    return safe_embedding_lookup_sparse(
        embedding_weights,
        sparse_ids,
        sparse_weights,
        combiner,
        default_id,
        name,
        "div",
        max_norm,
    )
