"""Order and identity of elements: permutations, ranking, distinct values."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op
from retrograd.ops.infer import with_rank

# ---------------------------------------------------------------------- permutations


@op(
    "InvertPermutation",
    infer=lambda n: with_rank(n, 0, 1),
    math="y at xᵢ = i",
    grad=NOT_DIFFERENTIABLE,
    static="x",
)
def invert_permutation_kernel(xp: Any, x: Any) -> Any:
    """The permutation that undoes x."""
    del xp
    x = np.asarray(x)
    count = len(x)
    found = np.full(count, -1, x.dtype)
    for i, place in enumerate(x.tolist()):
        if not 0 <= place < count:
            raise refused(f"{place} is not between 0 and {count}")
        if found[place] != -1:
            raise refused(f"{place} is duplicated in the input.")
        found[place] = i
    return found


# ---------------------------------------------------------------------- functions


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The permutation that undoes `x`, 1-D int32 or int64."""
    return F.InvertPermutation(x, name=name)
