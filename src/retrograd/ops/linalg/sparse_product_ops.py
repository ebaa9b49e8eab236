"""Ops: the product of a sparse matrix and a dense one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.gather import gather
from retrograd.ops.array.shape import transpose
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import merged, same_dim, shape_text, with_rank
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _product_shape(n: Operation) -> RawShape:
    """[rows of a, columns of b], where the inner sizes are equal."""
    with_rank(n, 0, 2)
    with_rank(n, 1, 1)
    merged(n, n._inputs[2]._shape_raw, (2,))
    a, b = constant_as_shape(n._inputs[2]) or (None, None), with_rank(n, 3, 2)
    rows, inner_a = a[::-1] if n.attrs["adjoint_a"] else a
    inner_b, columns = b[::-1] if n.attrs["adjoint_b"] else b
    same_dim(n, inner_a, inner_b)
    return (rows, columns)


def _by_values(n: Operation, dc: Tensor) -> Tensor:
    indices, b = n.inputs[0], n.inputs[3]
    _refuse_complex(n)
    rows, columns = indices[:, 0], indices[:, 1]
    if n.attrs["adjoint_a"]:
        rows, columns = columns, rows
    if n.attrs["adjoint_b"]:
        b = transpose(b)
    return reduce_sum(gather(dc, rows) * gather(b, columns), axis=1)


def _by_b(n: Operation, dc: Tensor) -> Tensor:
    _refuse_complex(n)
    by_b = F.SparseTensorDenseMatMul(
        *n.inputs[:3], dc, adjoint_a=not n.attrs["adjoint_a"]
    )
    return transpose(by_b) if n.attrs["adjoint_b"] else by_b


def _refuse_complex(n: Operation) -> None:
    if n.inputs[1].dtype.is_complex:
        raise NotImplementedError(
            "SparseTensorDenseMatMul op does not support complex gradients."
        )


@op(
    "SparseTensorDenseMatMul",
    infer=_product_shape,
    math="c = sum of rows of b times a",
    grad=dict(
        a_values=rule("ā = sum of c̄ times b at the place of a", _by_values),
        b=rule("b̄ = sum of rows of c̄ times a", _by_b),
    ),
    static="a_shape",
)
def sparse_tensor_dense_mat_mul_kernel(
    xp: Arrays,
    indices: Array,
    values: Array,
    sizes: Array,
    b: Array,
    *,
    adjoint_a: bool,
    adjoint_b: bool,
) -> Array:
    """Σ over the elements of A of the element times a row of B, by row of A."""
    _check(indices, values, sizes, b, adjoint_a, adjoint_b)
    rows = int(sizes[1 if adjoint_a else 0])
    into, of = indices[:, 0], indices[:, 1]
    if adjoint_a:  # 1.15 does not conjugate A, whatever the name says; it does B
        into, of = of, into
    if adjoint_b:
        b = xp.conj(b.T) if b.dtype.kind == "c" else b.T
    within = (of >= 0) & (of < b.shape[0]) & (into >= 0) & (into < rows)
    xp.check(within, lambda: _outside(of, into, (b.shape[0], rows), adjoint_a))
    return xp.segment_sum(values[:, None] * xp.gather(b, of, 0), into, rows)


def _outside(
    of: np.ndarray, into: np.ndarray, limits: tuple[int, int], adjoint_a: bool
) -> Exception:
    """The error of the first element that lies outside of the matrix."""
    kinds = (("k", of, limits[0]), ("m", into, limits[1]))
    bad = [(at < 0) | (at >= limit) for _, at, limit in kinds]
    i = int(np.argmax(bad[0] | bad[1]))
    kind = 0 if bad[0][i] else 1
    letter, at, limit = kinds[kind]
    column = kind if adjoint_a else 1 - kind
    return refused(
        f"{letter} ({at[i]}) from index[{i},{column}] out of bounds (>={limit})"
    )


def _check(
    indices: Array,
    values: Array,
    sizes: Array,
    b: Array,
    adjoint_a: bool,
    adjoint_b: bool,
) -> None:
    """Check the shapes.

    Raises:
      InvalidArgumentError: they make no product.
    """
    if np.ndim(b) != 2:
        raise refused("Tensor 'b' is not a matrix")
    if np.ndim(sizes) != 1:
        raise refused("Tensor 'a_shape' is not a vector")
    if len(sizes) != 2:
        raise refused("Tensor 'a_shape' must have 2 elements")
    if np.ndim(values) != 1:
        raise refused("Tensor 'a_values' is not a vector")
    if np.ndim(indices) != 2:
        raise refused("Tensor 'a_indices' is not a matrix")
    if indices.shape[0] != len(values):
        raise refused(
            "Number of rows of a_indices does not match number of entries in a_values"
        )
    if indices.shape[1] != len(sizes):
        raise refused(
            "Number of columns of a_indices does not match number of entries in a_shape"
        )
    left, right = int(sizes[0 if adjoint_a else 1]), b.shape[1 if adjoint_b else 0]
    if left != right:
        raise refused(
            "Cannot multiply A and B because inner dimension does not match: "
            f"{left} vs. {right}.  Did you forget a transpose?  Dimensions of A: "
            f"[{int(sizes[0])}, {int(sizes[1])}).  Dimensions of B: "
            f"{shape_text(b.shape)}"
        )
