"""Ops: sums, maxima and minima of two sparse tensors; softmax of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import shape_text, with_rank
from retrograd.ops.sparse.parts import (
    check_pair,
    check_ranks,
    either,
    groups,
    merged,
)

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, Gradients


# ---------------------------------------------------------------------- sums


def _sum_shapes(n: Operation) -> list[RawShape]:
    raw = with_rank(n, 2, 1)
    return [(None, raw[0]), (None,), raw]


@op(
    "SparseAdd",
    infer=_sum_shapes,
    math="y = sum of a and b without small sums",
    host=True,
)
def sparse_add_kernel(
    xp: Arrays,
    a_indices: Array,
    a_values: Array,
    a_shape: Array,
    b_indices: Array,
    b_values: Array,
    b_shape: Array,
    thresh: Array,
) -> tuple[Array, Array, Array]:
    """The sum of two sparse tensors; sums of two elements may be too small to keep."""
    del xp
    check_pair((a_indices, a_values, a_shape), (b_indices, b_values, b_shape))
    if np.ndim(thresh):
        raise refused(
            "The magnitude threshold must be a scalar: got shape "
            f"{shape_text(np.shape(thresh))}"
        )
    from_a, from_b = merged(a_indices, b_indices)
    values = either(from_a, a_values, from_b, b_values)
    both = (from_a >= 0) & (from_b >= 0)
    values[both] = values[both] + b_values[from_b[both]]
    kept = ~both | (np.abs(values) >= thresh)
    indices = either(from_a, a_indices, from_b, b_indices)
    return indices[kept], values[kept], a_shape.copy()


@gradient(
    "SparseAdd",
    a_values="ā = elements of ȳ at the places of a",
    b_values="b̄ = elements of ȳ at the places of b",
)
def sparse_add_gradient(n: Operation, _: Tensor, dy: Tensor, __: Tensor) -> Gradients:
    """Each element's derivative is that of the sum it is part of."""
    a_indices, b_indices = n.inputs[0], n.inputs[3]
    d_a, d_b = F.SparseAddGrad(dy, a_indices, b_indices, n.outputs[0])
    d_a.set_shape(n.inputs[1].shape)
    d_b.set_shape(n.inputs[4].shape)
    return [None, d_a, None, None, d_b, None, None]


def _sum_gradient_shapes(n: Operation) -> list[RawShape]:
    return [(with_rank(n, 1, 2)[0],), (with_rank(n, 2, 2)[0],)]


def _at(values: Array, places: np.ndarray) -> np.ndarray:
    """The values at places, 0 for -1."""
    found = np.zeros(len(places), values.dtype)
    found[places >= 0] = values[places[places >= 0]]
    return found


def picked(values: Array, known: Array, wanted: Array) -> np.ndarray:
    """The values at the wanted index vectors, 0 where there is none."""
    at = {tuple(index): number for number, index in enumerate(known.tolist())}
    places = np.array([at.get(tuple(i), -1) for i in wanted.tolist()], np.int64)
    return _at(values, places)


def _check_gradient(dy: Array, indices: Array, others: tuple[Array, ...]) -> None:
    """Refuse gradients and indices that do not fit.

    Raises:
      InvalidArgumentError: they do not.
    """
    if np.ndim(dy) != 1:
        raise refused(
            "Input backprop_val_grad should be a vector but received shape: "
            f"{shape_text(np.shape(dy))}"
        )
    if len(dy) != len(indices):
        raise refused(
            "# elements of backprop_val_grad and number of rows of sum_indices should "
            f"match (#nnz of sum): got {len(dy)} and {len(indices)}"
        )
    if any(other.shape[1] != indices.shape[1] for other in others):
        raise refused("The densified operands should have the same ndims.")


@op(
    "SparseAddGrad",
    infer=_sum_gradient_shapes,
    math="elements of g at the places of a and b",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def sparse_add_grad_kernel(
    xp: Arrays,
    backprop_val_grad: Array,
    a_indices: Array,
    b_indices: Array,
    sum_indices: Array,
) -> tuple[Array, Array]:
    """The derivatives for the elements of a and of b."""
    del xp
    dy = backprop_val_grad
    _check_gradient(dy, sum_indices, (a_indices, b_indices))
    return picked(dy, sum_indices, a_indices), picked(dy, sum_indices, b_indices)


# ---------------------------------------------------------------------- extremes


def _extreme_shapes(n: Operation) -> list[RawShape]:
    for at, rank in ((0, 2), (1, 1), (2, 1), (3, 2), (4, 1), (5, 1)):
        with_rank(n, at, rank)
    return [(None, None), (None,)]


def _extremes(
    a: tuple[Array, Array, Array], b: tuple[Array, Array, Array], function: np.ufunc
) -> tuple[Array, Array]:
    check_pair(a, b)
    from_a, from_b = merged(a[0], b[0])
    values = function(_at(a[1], from_a), _at(b[1], from_b))
    return either(from_a, a[0], from_b, b[0]), values


def _unusable_gradient(n: Operation, _: Tensor, __: Tensor) -> Gradients:
    """1.15 has a function for it that takes too few arguments.

    Raises:
      TypeError: always.
    """
    raise TypeError(f"_{n.type}Grad() takes 2 positional arguments but 3 were given")


@op(
    "SparseSparseMaximum",
    infer=_extreme_shapes,
    math="y = greater of elements of a and b",
    host=True,
)
def sparse_sparse_maximum_kernel(
    xp: Arrays,
    a_indices: Array,
    a_values: Array,
    a_shape: Array,
    b_indices: Array,
    b_values: Array,
    b_shape: Array,
) -> tuple[Array, Array]:
    """The greater of two elements; one that is not given is 0."""
    del xp
    a, b = (a_indices, a_values, a_shape), (b_indices, b_values, b_shape)
    return _extremes(a, b, np.maximum)


@op(
    "SparseSparseMinimum",
    infer=_extreme_shapes,
    math="y = lesser of elements of a and b",
    host=True,
)
def sparse_sparse_minimum_kernel(
    xp: Arrays,
    a_indices: Array,
    a_values: Array,
    a_shape: Array,
    b_indices: Array,
    b_values: Array,
    b_shape: Array,
) -> tuple[Array, Array]:
    """The lesser of two elements; one that is not given is 0."""
    del xp
    a, b = (a_indices, a_values, a_shape), (b_indices, b_values, b_shape)
    return _extremes(a, b, np.minimum)


gradient(
    "SparseSparseMaximum",
    "SparseSparseMinimum",
    a_values="a has no derivative: TensorFlow has none",
    b_values="b has no derivative: TensorFlow has none",
)(_unusable_gradient)


# ---------------------------------------------------------------------- softmax


def _softmax_shape(n: Operation) -> RawShape:
    with_rank(n, 0, 2)
    with_rank(n, 2, 1)
    return with_rank(n, 1, 1)


@op(
    "SparseSoftmax",
    infer=_softmax_shape,
    math="y = softmax of the elements of each row of x",
    host=True,
)
def sparse_softmax_kernel(
    xp: Arrays, sp_indices: Array, sp_values: Array, sp_shape: Array
) -> Array:
    """The softmax of the given elements of each row."""
    del xp
    check_ranks("sp", sp_indices, sp_values, sp_shape)
    if len(sp_shape) < 2:
        sizes = " ".join(map(str, sp_shape.tolist()))
        raise refused(f"Input should have rank >= 2, but received shape: {sizes}")
    y = np.empty_like(sp_values)
    for _, run in groups(sp_indices, len(sp_shape) - 1):
        powers = np.exp(sp_values[run] - sp_values[run].max())
        y[run] = powers / powers.sum()
    return y


@gradient("SparseSoftmax", sp_values="x̄ = y times ȳ less its mean by y in each row")
def sparse_softmax_gradient(n: Operation, dy: Tensor) -> Gradients:
    """As that of softmax, over the given elements."""
    indices, sizes, y = n.inputs[0], n.inputs[2], n.outputs[0]
    total = F.Neg(F.SparseReduceSum(indices, y * dy, sizes, [-1], keep_dims=True))
    return [None, F.SparseDenseCwiseAdd(indices, dy, sizes, total) * y, None]
