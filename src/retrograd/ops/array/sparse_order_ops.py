"""The op that puts the elements of a sparse tensor in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import with_rank

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, Gradients


def _shapes(n: Operation) -> list[RawShape]:
    indices = with_rank(n, 0, 2)
    values = with_rank(n, 1, 1)
    with_rank(n, 2, 1)
    return [indices, values]


@op(
    "SparseReorder",
    infer=_shapes,
    math="y = elements of x in the order of their indices",
    host=True,
)
def sparse_reorder_kernel(
    xp: Arrays, input_indices: Array, input_values: Array, input_shape: Array
) -> tuple[Array, Array]:
    """The elements in the order of their indices, the last axis first to change."""
    del xp, input_shape
    order = np.lexsort(input_indices.T[::-1])
    return input_indices[order], input_values[order]


@gradient("SparseReorder", input_values="x̄ = elements of ȳ in the order of x")
def _sparse_reorder(n: Operation, d_indices: Tensor, d_values: Tensor) -> Gradients:
    del d_indices
    places = F.Range(0, F.Size(n.inputs[1]), 1)
    order = F.SparseReorder(n.inputs[0], places, n.inputs[2])[1]
    return [None, F.GatherV2(d_values, F.InvertPermutation(order), 0), None]
