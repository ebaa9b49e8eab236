"""Ops: products of matrices and vectors, norms and traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import shapes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops import rules
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import (
    invalid,
    merged,
    same_dim,
    with_rank,
    with_rank_at_least,
)
from retrograd.ops.rules import arg
from retrograd.ops.traits import Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- matrices


def product_shape(n: Operation) -> RawShape:
    """[rows of a, columns of b], where the inner sizes are equal."""
    a, b = with_rank(n, 0, 2), with_rank(n, 1, 2)
    rows, inner_a = a[::-1] if n.attrs["transpose_a"] else a
    inner_b, columns = b[::-1] if n.attrs["transpose_b"] else b
    same_dim(n, inner_a, inner_b)
    return (rows, columns)


def _listed(x: Array) -> str:
    return "[" + ",".join(map(str, x.shape)) + "]"


def multiplied(
    xp: Arrays, a: Array, b: Array, transpose_a: bool, transpose_b: bool
) -> Array:
    """The product of two matrices, either of them transposed first.

    Raises:
      InvalidArgumentError: they are no matrices, or the inner sizes differ.
    """
    for i, x in enumerate((a, b)):
        if len(x.shape) != 2:
            raise refused(f"In[{i}] is not a matrix. Instead it has shape {_listed(x)}")
    if a.shape[0 if transpose_a else 1] != b.shape[1 if transpose_b else 0]:
        raise refused(
            f"Matrix size-incompatible: In[0]: {_listed(a)}, In[1]: {_listed(b)}"
        )
    return xp.matmul(a.T if transpose_a else a, b.T if transpose_b else b)


def _product_a(n: Operation, dc: Tensor) -> Tensor:
    a_turned, b_turned = n.attrs["transpose_a"], n.attrs["transpose_b"]
    b = arg(n, 1)
    if a_turned:
        return F.MatMul(b, dc, transpose_a=b_turned, transpose_b=True)
    return F.MatMul(dc, b, transpose_b=not b_turned)


def _product_b(n: Operation, dc: Tensor) -> Tensor:
    a_turned, b_turned = n.attrs["transpose_a"], n.attrs["transpose_b"]
    a = arg(n, 0)
    if b_turned:
        return F.MatMul(dc, a, transpose_a=True, transpose_b=a_turned)
    return F.MatMul(a, dc, transpose_a=not a_turned)


@op(
    "MatMul",
    infer=product_shape,
    math="C = A B",
    grad=dict(a=rule("Ā = C̄ Bᵀ", _product_a), b=rule("B̄ = Aᵀ C̄", _product_b)),
    traits=Traits(multilinear=("a", "b"), function=Function.MATRIX_PRODUCT, whole=True),
)
def _matmul(
    xp: Arrays, a: Array, b: Array, *, transpose_a: bool, transpose_b: bool
) -> Array:
    """The product of two matrices."""
    return multiplied(xp, a, b, transpose_a, transpose_b)


def _as_type_of(product: Tensor, x: Tensor) -> Tensor:
    kind = x.dtype.base_dtype
    return product if product.dtype == kind else F.Cast(product, DstT=kind)


def _turned(x: Tensor, turn: bool) -> Tensor:
    return F.Transpose(x, [1, 0]) if turn else x


def _sparse_product_rule(n: Operation, dc: Tensor) -> list[Tensor]:
    """As for MatMul, with both factors made what they are multiplied as."""
    a, b = n.inputs
    a_turned, b_turned = n.attrs["transpose_a"], n.attrs["transpose_b"]
    by_a = F.SparseMatMul(dc, _turned(b, not b_turned))
    by_b = F.SparseMatMul(_turned(a, not a_turned), dc)
    return [
        _as_type_of(_turned(by_a, a_turned), a),
        _as_type_of(_turned(by_b, b_turned), b),
    ]


@op(
    "SparseMatMul",
    infer=product_shape,
    math="C = A B",
    grad=_sparse_product_rule,
    notation=dict(a="Ā = C̄ Bᵀ", b="B̄ = Aᵀ C̄"),
    traits=Traits(whole=True),
)
def _sparse_matmul(
    xp: Arrays, a: Array, b: Array, *, transpose_a: bool, transpose_b: bool
) -> Array:
    """The float32 product of two matrices with many zeros."""
    a, b = xp.cast(a, np.float32), xp.cast(b, np.float32)
    return multiplied(xp, a, b, transpose_a, transpose_b)


# ---------------------------------------------------------------------- batches


def _batched(n: Operation, batch: Callable[..., Any]) -> RawShape:
    x, y = with_rank_at_least(n, 0, 2), with_rank_at_least(n, 1, 2)
    outer = batch(n, x and x[:-2], y and y[:-2])
    rows, inner_x = _last_two(x, n.attrs["adj_x"])
    inner_y, columns = _last_two(y, n.attrs["adj_y"])
    same_dim(n, inner_x, inner_y)
    return None if outer is None else (*outer, rows, columns)


def _last_two(raw: RawShape, turned: bool) -> tuple[int | None, int | None]:
    if raw is None:
        return (None, None)
    last, first = raw[-1], raw[-2]
    return (last, first) if turned else (first, last)


def _broadcast_batch(n: Operation, x: RawShape, y: RawShape) -> RawShape:
    try:
        return shapes.broadcast(x, y)
    except ValueError as error:
        raise invalid(n, str(error)) from None


def _equal_batch(n: Operation, x: RawShape, y: RawShape) -> RawShape:
    return merged(n, x, y)


def _of_batches(xp: Arrays, x: Array, y: Array, adj_x: bool, adj_y: bool) -> Array:
    """The products of the matrices in the last two axes.

    Raises:
      InvalidArgumentError: the inner sizes differ.
    """
    for i, z in enumerate((x, y)):
        if len(z.shape) < 2:
            raise refused(f"In[{i}] ndims must be >= 2: {len(z.shape)}")
    try:
        np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise refused(
            "In[0] and In[1] must have compatible batch dimensions: "
            f"{_listed(x)} vs. {_listed(y)}"
        ) from None
    summed = x.shape[-2 if adj_x else -1], y.shape[-1 if adj_y else -2]
    if summed[0] != summed[1]:
        raise refused(
            f"In[0] mismatch In[1] shape: {summed[0]} vs. {summed[1]}: "
            f"{_listed(x)} {_listed(y)} {int(adj_x)} {int(adj_y)}"
        )
    return xp.matmul(_adjoint(xp, x, adj_x), _adjoint(xp, y, adj_y))


def _adjoint(xp: Arrays, x: Array, adjoint: bool) -> Array:
    if not adjoint:
        return x
    x = xp.swapaxes(x, -1, -2)
    return xp.conj(x) if x.dtype.kind == "c" else x


def _batch_rule(op_type: str, of_x: bool, unbroadcast: bool) -> Callable[..., Any]:
    """The rule for one factor of a product of batches."""

    def build(n: Operation, dz: Tensor) -> Tensor:
        x, y = n.inputs
        turned_x, turned_y = n.attrs["adj_x"], n.attrs["adj_y"]
        product = getattr(F, op_type)
        if of_x:
            if turned_x:
                term = product(y, dz, adj_x=turned_y, adj_y=True)
            else:
                term = product(dz, y, adj_y=not turned_y)
        elif turned_y:
            term = product(dz, x, adj_x=True, adj_y=turned_x)
        else:
            term = product(x, dz, adj_x=not turned_x)
        if unbroadcast:
            return _to_batch_of(term, x if of_x else y, y if of_x else x)
        return term

    return build


def _to_batch_of(term: Tensor, x: Tensor, other: Tensor) -> Tensor:
    """A term summed over the batches that x was repeated along."""
    whole, rest = rules.static_shape(x), rules.static_shape(other)
    if whole is not None and rest is not None:
        if whole[:-2] == rest[:-2]:
            return term
        full = shapes.broadcast(whole[:-2], rest[:-2]) or ()
        padded = (1,) * (len(full) - len(whole) + 2) + whole[:-2]
        axes = [i for i, d in enumerate(full) if padded[i] == 1 and d != 1]
        axes += [i for i in range(len(full) - len(whole) + 2) if i not in axes]
        if not axes:
            return term
        return F.Reshape(F.Sum(term, sorted(axes)), np.array(whole, np.int32))
    shape = F.Shape(x)
    batches = [_but_last_two(s) for s in (shape, F.Shape(other))]
    axes = F.BroadcastGradientArgs(*batches)[0]
    return F.Reshape(F.Sum(term, axes), shape)


def _but_last_two(shape: Tensor) -> Tensor:
    return F.StridedSlice(shape, [0], [-2], [1], begin_mask=1)


def _batch_rules(op_type: str, unbroadcast: bool) -> dict[str, Any]:
    return dict(
        x=rule("X̄ = Z̄ Yᴴ", _batch_rule(op_type, True, unbroadcast)),
        y=rule("Ȳ = Xᴴ Z̄", _batch_rule(op_type, False, unbroadcast)),
    )


@op(
    "BatchMatMul",
    infer=lambda n: _batched(n, _equal_batch),
    math="Z = X Y",
    grad=_batch_rules("BatchMatMul", False),
    traits=Traits(multilinear=("x", "y"), function=Function.MATRIX_PRODUCT, whole=True),
)
def _batch_matmul(xp: Arrays, x: Array, y: Array, *, adj_x: bool, adj_y: bool) -> Array:
    """The products of the matrices in two batches of one shape."""
    return _of_batches(xp, x, y, adj_x, adj_y)


@op(
    "BatchMatMulV2",
    infer=lambda n: _batched(n, _broadcast_batch),
    math="Z = X Y",
    grad=_batch_rules("BatchMatMulV2", True),
    traits=Traits(multilinear=("x", "y"), function=Function.MATRIX_PRODUCT, whole=True),
)
def _batch_matmul_v2(
    xp: Arrays, x: Array, y: Array, *, adj_x: bool, adj_y: bool
) -> Array:
    """The products of the matrices in two batches, the batches broadcast."""
    return _of_batches(xp, x, y, adj_x, adj_y)


# ---------------------------------------------------------------------- vectors


def _threes(n: Operation) -> RawShape:
    with_rank_at_least(n, 0, 1)
    raw = merged(n, n._inputs[0]._shape_raw, n._inputs[1]._shape_raw)
    if raw is not None and raw[-1] not in (3, None):
        raise invalid(n, f"Dimension must be 3 but is {raw[-1]}")
    return raw


@op(
    "Cross",
    infer=_threes,
    math="z = a × b",
    grad=dict(
        a=rule("ā = b × z̄", lambda n, dz: F.Cross(n.inputs[1], dz)),
        b=rule("b̄ = z̄ × a", lambda n, dz: F.Cross(dz, n.inputs[0])),
    ),
)
def _cross(xp: Arrays, a: Array, b: Array) -> Array:
    """The cross products of the vectors of three along the last axis.

    Raises:
      InvalidArgumentError: the shapes differ, or the vectors are not of three.
    """
    if a.shape != b.shape:
        raise refused(
            f"Both inputs must be of same shape: {_listed(a)} vs. {_listed(b)}"
        )
    if not a.shape:
        raise refused("Input must be at least 1D[]")
    if a.shape[-1] != 3:
        raise refused(
            f"Cross-products are only defined for 3-element vectors, not {a.shape[-1]}."
        )
    (a0, a1, a2), (b0, b1, b2) = ([x[..., i] for i in range(3)] for x in (a, b))
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
    return xp.stack(parts, -1)
