"""Ops: sparse tensors written out in full, and beside dense ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.fill import ones, zeros_like
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, size
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.array.slicing import slice_
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import like, shape_text, with_rank
from retrograd.ops.math.elementwise_ops import truncated
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.sparse.parts import check_order, check_ranks, within
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, Gradients


# ---------------------------------------------------------------------- written out


def _whole(n: Operation) -> RawShape:
    with_rank(n, 1, 1)
    return constant_as_shape(n._inputs[1])


def _as_vectors(indices: Array, values: Array, sizes: Array, default: Array) -> Array:
    """One index vector for each value.

    Raises:
      InvalidArgumentError: shapes do not go together.
    """
    given = np.shape(indices)
    if len(given) > 2:
        raise refused(
            "sparse_indices should be a scalar, vector, or matrix, got shape "
            f"{shape_text(given)}"
        )
    count, depth = (*given, 1, 1)[:2] if given else (1, 1)
    if np.ndim(sizes) != 1:
        raise refused(f"output_shape should be a vector, got {shape_text(sizes.shape)}")
    if len(sizes) != depth:
        raise refused(
            f"output_shape has incorrect number of elements: {len(sizes)} should be: "
            f"{depth}"
        )
    if np.shape(values) not in ((), (count,)):
        raise refused(
            f"sparse_values has incorrect shape {shape_text(np.shape(values))}, should "
            f"be [] or [{count}]"
        )
    if np.ndim(default):
        raise refused("default_value should be a scalar.")
    return indices.reshape(count, depth)


@op(
    "SparseToDense",
    infer=_whole,
    math="y = elements of x at i, d elsewhere",
    static="output_shape",
    notation=dict(
        sparse_values="x̄ = elements of ȳ at i",
        default_value="d̄ = sum of ȳ elsewhere",
        sparse_indices="i",
    ),
)
def sparse_to_dense_kernel(
    xp: Arrays,
    sparse_indices: Array,
    output_shape: Array,
    sparse_values: Array,
    default_value: Array,
    *,
    validate_indices: bool,
) -> Array:
    """A tensor that is `default_value` where no index points to."""
    at = _as_vectors(sparse_indices, sparse_values, output_shape, default_value)
    sizes = tuple(output_shape.tolist())
    if validate_indices:
        check_order(xp, at, sizes)
    xp.check(
        within(xp, at, sizes),
        lambda: refused(
            f"Indices are not valid (out of bounds).  Shape: {shape_text(sizes)}"
        ),
    )
    whole = xp.full(sizes, default_value, default_value.dtype)
    values = xp.broadcast_to(sparse_values, np.shape(at)[:1])
    return xp.scatter_nd(whole, at, values, "update") if np.shape(at)[0] else whole


@gradient("SparseToDense")
def sparse_to_dense_gradient(n: Operation, dy: Tensor) -> Gradients:
    """What each given element was; what is left is the default's."""
    d_values = gather_nd(dy, n.inputs[0])
    d_default = reduce_sum(dy) - reduce_sum(d_values)
    return [None, None, d_values, d_default]


# ---------------------------------------------------------------------- added to


def _check_sum(indices: Array, values: Array, sizes: Array, b: Array) -> None:
    """Refuse shapes that do not fit.

    Raises:
      InvalidArgumentError: they do not.
    """
    check_ranks("a", indices, values, sizes)
    if len(sizes) != np.ndim(b):
        raise refused(
            f"Two operands have different ranks; received: {len(sizes)} and "
            f"{np.ndim(b)}"
        )
    for axis, (mine, other) in enumerate(zip(sizes.tolist(), b.shape, strict=True)):
        if mine != other:
            raise refused(
                f"Dimension {axis} does not equal (no broadcasting is supported): "
                f"sparse side {mine} vs dense side {other}"
            )


def _outside(indices: np.ndarray, sizes: Sequence[int], whole: str) -> Exception:
    bad = (indices < 0) | (indices >= np.asarray(sizes))
    axis = int(np.argmax(bad[np.argmax(bad.any(1))]))
    return refused(
        f"Sparse tensor has some invalid index on dimension {axis}; dense tensor "
        f"shape: {whole}"
    )


@op(
    "SparseTensorDenseAdd",
    infer=like(3),
    math="y = b with elements of a added at i",
    static="a_shape",
    notation=dict(a_values="ā = elements of ȳ at i", b="b̄ = ȳ as it is", a_indices="i"),
)
def sparse_tensor_dense_add_kernel(
    xp: Arrays, a_indices: Array, a_values: Array, a_shape: Array, b: Array
) -> Array:
    """A dense tensor with the elements of a sparse one added."""
    _check_sum(a_indices, a_values, a_shape, b)
    sizes = np.shape(b)
    xp.check(
        within(xp, a_indices, sizes),
        lambda: _outside(a_indices, sizes, shape_text(sizes)),
    )
    if not np.shape(a_values)[0]:
        return xp.array(b)
    return xp.scatter_nd(b, a_indices, a_values, "add")


@gradient("SparseTensorDenseAdd")
def sparse_tensor_dense_add_gradient(n: Operation, dy: Tensor) -> Gradients:
    """Each element's is what stands at its place."""
    return [None, gather_nd(dy, n.inputs[0]), None, dy]


# ---------------------------------------------------------------------- by element


def _beside(
    xp: Arrays, indices: Array, values: Array, sizes: Array, dense: Array
) -> Array:
    """What of a dense tensor, repeated as needed, stands beside each given element.

    Raises:
      InvalidArgumentError: shapes do not go together, or an index is outside.
    """
    check_ranks("sp", indices, values, sizes)
    whole, other = tuple(sizes.tolist()), np.shape(dense)
    shift = len(whole) - len(other)
    if shift < 0 or any(
        b not in (1, a) for a, b in zip(whole[shift:], other, strict=True)
    ):
        raise refused(
            "SparseDenseBinaryOpShared broadcasts dense to sparse only; got "
            f"incompatible shapes: {shape_text(whole)} vs. {shape_text(other)}"
        )
    xp.check(
        within(xp, indices, whole),
        lambda: refused(
            "Provided indices are out-of-bounds w.r.t. dense side with broadcasted "
            "shape"
        ),
    )
    stretched = np.array([b == 1 for b in other], bool)
    if not other:
        return dense
    at = xp.where(stretched, np.int64(0), indices[:, shift:])
    return xp.gather_nd(dense, at)


def _per_element(n: Operation) -> RawShape:
    return (with_rank(n, 0, 2)[0],)


@op(
    "SparseDenseCwiseAdd",
    infer=_per_element,
    math="y = x + elements of d at i",
    static="sp_shape",
)
def sparse_dense_cwise_add_kernel(
    xp: Arrays, sp_indices: Array, sp_values: Array, sp_shape: Array, dense: Array
) -> Array:
    """The given elements, with what a dense tensor has beside them added."""
    return sp_values + _beside(xp, sp_indices, sp_values, sp_shape, dense)


@op(
    "SparseDenseCwiseMul",
    infer=_per_element,
    math="y = x times elements of d at i",
    static="sp_shape",
)
def sparse_dense_cwise_mul_kernel(
    xp: Arrays, sp_indices: Array, sp_values: Array, sp_shape: Array, dense: Array
) -> Array:
    """The given elements, times what a dense tensor has beside them."""
    return sp_values * _beside(xp, sp_indices, sp_values, sp_shape, dense)


@op(
    "SparseDenseCwiseDiv",
    infer=_per_element,
    math="y = x divided by elements of d at i",
    static="sp_shape",
)
def sparse_dense_cwise_div_kernel(
    xp: Arrays, sp_indices: Array, sp_values: Array, sp_shape: Array, dense: Array
) -> Array:
    """The given elements, divided by what a dense tensor has beside them."""
    by = _beside(xp, sp_indices, sp_values, sp_shape, dense)
    if sp_values.dtype.kind in "iu":
        return truncated(xp, sp_values, by)
    return sp_values / by


@gradient(
    "SparseDenseCwiseAdd",
    sp_values="x has no derivative: TensorFlow has none",
    dense="d has no derivative: TensorFlow has none",
)
def sparse_dense_cwise_add_gradient(n: Operation, dy: Tensor) -> Gradients:
    """1.15 has none.

    Raises:
      NotImplementedError: always.
    """
    raise NotImplementedError(
        "Gradient for SparseDenseCwiseAdd is currently not implemented yet."
    )


def _scaled(n: Operation) -> tuple[Tensor, Tensor, Tensor]:
    """The dense shape, where beside elements it stands, and what stands there."""
    indices, _, sizes, dense = n.inputs
    dense_shape = F.Cast(sizes_of(dense), DstT=sizes.dtype)
    lacking = expand_dims(size(sizes) - size(dense_shape), 0)
    augmented = concat([ones(lacking, sizes.dtype), dense_shape], 0)
    scaling = sizes // augmented
    places = slice_(indices // scaling, concat([[0], lacking], 0), [-1, -1])
    return dense_shape, places, gather_nd(dense, places)


def _cwise_gradient(n: Operation, dy: Tensor) -> Gradients:
    values, dense = n.inputs[1], n.inputs[3]
    dense_shape, places, beside = _scaled(n)
    if n.type == "SparseDenseCwiseMul":
        d_values, by_dense = dy * beside, dy * values
    else:
        d_values = dy / beside
        by_dense = dy * (F.Neg(values) / F.Square(beside))
    d_dense = F.SparseTensorDenseAdd(places, by_dense, dense_shape, zeros_like(dense))
    return [None, d_values, None, d_dense]


gradient(
    "SparseDenseCwiseMul",
    sp_values="x̄ = ȳ times elements of d at i",
    dense="d̄ = ȳ times x at i, zeros elsewhere",
    sp_indices="i",
)(_cwise_gradient)
gradient(
    "SparseDenseCwiseDiv",
    sp_values="x̄ = ȳ divided by elements of d at i",
    dense="d̄ = ȳ times slope of quotient at i, zeros elsewhere",
    sp_indices="i",
)(_cwise_gradient)
