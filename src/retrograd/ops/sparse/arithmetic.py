"""Arithmetic with sparse tensors: sums, products, extremes, reductions, softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import SparseTensor, is_sparse
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.hooks import hooks
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.fill import range_
from retrograd.ops.array.shape import rank
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.overloads import quotient_type
from retrograd.ops.sparse.operands import parts, sparse

if TYPE_CHECKING:
    from retrograd.ops.sparse.conversion import SparseLike
    from retrograd.typing import AxisLike, TensorLike


# ---------------------------------------------------------------------- two operands


def sparse_add(
    a: SparseLike | TensorLike,
    b: SparseLike | TensorLike,
    threshold: TensorLike | None = None,
    thresh: TensorLike | None = None,
) -> Any:
    """The sum of two tensors of which at least one is sparse.

    Args:
      a, b: of one shape and dtype.
      threshold: of two sparse ones: what the magnitude of the sum of two elements must
        reach for the sum to have that element; by default 0.
      thresh: the old name of `threshold`.

    Returns:
      A sparse tensor if both are, else a dense one.

    Raises:
      TypeError: neither is sparse.
      ValueError: both names of the threshold are used.
    """
    threshold = renamed("threshold", threshold, "thresh", thresh)
    return sparse_add_v2(a, b, 0 if threshold is None else threshold)


def sparse_add_v2(
    a: SparseLike | TensorLike, b: SparseLike | TensorLike, threshold: TensorLike = 0
) -> Any:
    """As `sparse_add`, without the old name."""
    if not is_sparse(a) and not is_sparse(b):
        raise TypeError(
            "At least one input should be SparseTensor; do you mean to use tf.add()?"
        )
    if is_sparse(a) and is_sparse(b):
        first, second = sparse(a), sparse(b)
        real = first.dtype.base_dtype.real_dtype
        least = convert_to_tensor(threshold, real, "threshold")
        indices, values, shape = F.SparseAdd(*parts(first), *parts(second), least)
        first.get_shape().assert_is_compatible_with(second.get_shape())
        known: Any = first.get_shape().merge_with(second.get_shape())
        if known.is_fully_defined():
            shape = known.as_list()
        return SparseTensor(indices, values, shape)
    if is_sparse(b):
        a, b = b, a
    return F.SparseTensorDenseAdd(*parts(sparse(a)), b)


def sparse_maximum(
    sp_a: SparseLike, sp_b: SparseLike, name: str | None = None
) -> SparseTensor:
    """The greater of the elements of two sparse tensors; one that lacks counts as 0.

    Args:
      sp_a, sp_b: of one shape and dtype.
      name: the name of the operation.
    """
    return _extreme("SparseSparseMaximum", sp_a, sp_b, name)


def sparse_minimum(
    sp_a: SparseLike, sp_b: SparseLike, name: str | None = None
) -> SparseTensor:
    """The lesser of the elements of two sparse tensors; one that lacks counts as 0.

    Args:
      sp_a, sp_b: of one shape and dtype.
      name: the name of the operation.
    """
    return _extreme("SparseSparseMinimum", sp_a, sp_b, name)


def _extreme(
    op_type: str, a: SparseLike, b: SparseLike, name: str | None
) -> SparseTensor:
    with name_scope(name, op_type, [a.indices, a.values, b.indices, b.values]) as scope:
        indices, values = getattr(F, op_type)(*parts(a), *parts(b), name=scope)
    return SparseTensor(indices, values, a.dense_shape)


def sparse_tensor_dense_matmul(
    sp_a: SparseLike,
    b: TensorLike,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of a sparse matrix and a dense one.

    Args:
      sp_a: a sparse matrix.
      b: a dense matrix.
      adjoint_a, adjoint_b: whether to transpose it (and conjugate B) first.
      name: the name of the operation.

    Raises:
      TypeError: the first is not sparse.
    """
    given = sparse(sp_a)
    with name_scope(name, "SparseTensorDenseMatMul", [given.indices, given.values, b]):
        dense = convert_to_tensor(b, name="b")
        return F.SparseTensorDenseMatMul(
            *parts(given), dense, adjoint_a=adjoint_a, adjoint_b=adjoint_b
        )


# ---------------------------------------------------------------------- operators


def _by_dense(x: SparseTensor, y: TensorLike, op_type: str, name: str) -> SparseTensor:
    with name_scope(None, name, [*parts(x), y]) as scope:
        dense = convert_to_tensor(y, x.dtype.base_dtype, "y")
        values = getattr(F, op_type)(*parts(x), dense, name=scope)
        return SparseTensor(x.indices, values, x.dense_shape)


def _sparse_times(x: SparseTensor, y: TensorLike) -> SparseTensor:
    """x * y, with the elements that x has."""
    return _by_dense(x, y, "SparseDenseCwiseMul", "mul")


def _sparse_over(x: SparseTensor, y: TensorLike) -> SparseTensor:
    """x / y, with the elements that x has; integers are cast to floats first."""
    wanted = quotient_type(x.dtype.base_dtype)
    if wanted is None:
        return _by_dense(x, y, "SparseDenseCwiseDiv", "truediv")
    with name_scope(None, "truediv", [*parts(x), y]) as scope:
        dense = convert_to_tensor(y, x.dtype.base_dtype, "y")
        numbers, by = cast(x.values, wanted), cast(dense, wanted)
        values = F.SparseDenseCwiseDiv(
            x.indices, numbers, x.dense_shape, by, name=scope
        )
        return SparseTensor(x.indices, values, x.dense_shape)


hooks.provide(sparse_times=_sparse_times, sparse_over=_sparse_over)


# ---------------------------------------------------------------------- reductions


def _axes(sp_input: SparseLike, axis: AxisLike) -> Any:
    """The axes to reduce: those that are given, or all."""
    if axis is not None:
        return axis
    return range_(0, rank(sp_input), 1)


def _old_names(
    axis: AxisLike,
    keepdims: bool | None,
    reduction_axes: AxisLike,
    keep_dims: bool | None,
) -> tuple[AxisLike, bool]:
    """Arguments under newer or older names.

    Raises:
      ValueError: one is given under both.
    """
    keep = renamed("keepdims", keepdims, "keep_dims", keep_dims)
    if axis is not None and reduction_axes is not None:
        raise ValueError("Can't specify both axis' and 'reduction_indices'.")
    return reduction_axes if axis is None else axis, bool(keep)


def _reduced(op_type: str, given: SparseLike, axis: AxisLike, keep: bool) -> Any:
    apply = getattr(F, op_type)
    found = apply(*parts(given), _axes(given, axis), keep_dims=keep)
    return SparseTensor(*found) if op_type.endswith("Sparse") else found


def sparse_reduce_sum(
    sp_input: SparseLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    reduction_axes: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The sum of a sparse tensor along axes, by default along all, as a dense one.

    Args:
      sp_input: a sparse tensor.
      axis: an axis, or a list of axes; negative ones count from the end.
      keepdims: whether the reduced dimensions stay, with size 1.
      reduction_axes, keep_dims: the old names of these.

    Raises:
      ValueError: an argument is given under both names.
    """
    axis, keep = _old_names(axis, keepdims, reduction_axes, keep_dims)
    return _reduced("SparseReduceSum", sp_input, axis, keep)


def sparse_reduce_max(
    sp_input: SparseLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    reduction_axes: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The greatest given elements along axes, as a dense tensor; 0 where there is none.

    Arguments and errors are those of `sparse_reduce_sum`.
    """
    axis, keep = _old_names(axis, keepdims, reduction_axes, keep_dims)
    return _reduced("SparseReduceMax", sp_input, axis, keep)


def sparse_reduce_sum_sparse(
    sp_input: SparseLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    reduction_axes: AxisLike = None,
    keep_dims: bool | None = None,
) -> SparseTensor:
    """As `sparse_reduce_sum`, as a sparse tensor."""
    axis, keep = _old_names(axis, keepdims, reduction_axes, keep_dims)
    return _reduced("SparseReduceSumSparse", sp_input, axis, keep)


def sparse_reduce_max_sparse(
    sp_input: SparseLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    reduction_axes: AxisLike = None,
    keep_dims: bool | None = None,
) -> SparseTensor:
    """As `sparse_reduce_max`, as a sparse tensor."""
    axis, keep = _old_names(axis, keepdims, reduction_axes, keep_dims)
    return _reduced("SparseReduceMaxSparse", sp_input, axis, keep)


def sparse_reduce_sum_v2(
    sp_input: SparseLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    output_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """`sparse_reduce_sum` of TensorFlow 2; the result may be sparse."""
    with name_scope(name, "ReduceSumSparse" if output_is_sparse else "ReduceSum"):
        kind = "SparseReduceSumSparse" if output_is_sparse else "SparseReduceSum"
        return _reduced(kind, sp_input, axis, bool(keepdims))


def sparse_reduce_max_v2(
    sp_input: SparseLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    output_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """`sparse_reduce_max` of TensorFlow 2; the result may be sparse."""
    with name_scope(name, "ReduceMaxSparse" if output_is_sparse else "ReduceMax"):
        kind = "SparseReduceMaxSparse" if output_is_sparse else "SparseReduceMax"
        return _reduced(kind, sp_input, axis, bool(keepdims))


def sparse_softmax(sp_input: SparseLike, name: str | None = None) -> SparseTensor:
    """The softmax of the given elements of each row.

    Args:
      sp_input: a sparse tensor of rank 2 or more, with its elements in order.
      name: the name of the operation.
    """
    with name_scope(name, "SparseSoftmax", [sp_input.indices, sp_input.values]):
        values = F.SparseSoftmax(*parts(sp_input))
        return SparseTensor(sp_input.indices, values, sp_input.dense_shape)
