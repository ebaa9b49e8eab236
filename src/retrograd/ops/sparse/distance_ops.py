"""Ops: how much sequences differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import invalid, shape_text
from retrograd.ops.sparse.parts import groups, misshapen
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _shape(n: Operation) -> RawShape:
    mine, other = constant(n._inputs[2]), constant(n._inputs[5])
    if mine is None or other is None:
        return None
    if len(mine) != len(other):
        raise invalid(
            n,
            "Num elements of hypothesis_shape does not match truth_shape: "
            f"{len(mine)} vs. {len(other)}",
        )
    return tuple(np.maximum(mine, other)[:-1].tolist())


def _check(h: tuple[Array, Array, Array], t: tuple[Array, Array, Array]) -> None:
    """Refuse shapes that do not fit.

    Raises:
      InvalidArgumentError: they do not.
    """
    for name, (indices, values, shape) in (("hypothesis", h), ("truth", t)):
        wrong = misshapen(indices, values, shape)
        if wrong is not None:
            raise refused(
                f"{name}_{wrong[0]} should be a {wrong[1]}, but got shape: {wrong[2]}"
            )
        if len(indices) != len(values):
            raise refused(
                f"Expected {name}_values.NumElements == #rows({name}_indices), their "
                f"shapes are: {shape_text(values.shape)} and "
                f"{shape_text(indices.shape)}"
            )
    if len(t[2]) < 2:
        raise refused(
            "Input SparseTensors must have rank at least 2, but truth_shape rank is: "
            f"{len(t[2])}"
        )
    if len(h[2]) != len(t[2]):
        raise refused(
            "Expected truth and hypothesis to have matching ranks, but their shapes "
            f"are: {shape_text(t[2].shape)} and {shape_text(h[2].shape)}"
        )


def levenshtein(a: Sequence[object], b: Sequence[object]) -> int:
    """How many insertions, deletions and substitutions make `b` of `a`."""
    costs = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, costs[0] = costs[0], i
        for j, other in enumerate(b, 1):
            least = min(before + (one != other), costs[j] + 1, costs[j - 1] + 1)
            before, costs[j] = costs[j], least
    return costs[-1]


@op(
    "EditDistance",
    infer=_shape,
    math="y = edit distance of h and t",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def edit_distance_kernel(
    xp: Arrays,
    hypothesis_indices: Array,
    hypothesis_values: Array,
    hypothesis_shape: Array,
    truth_indices: Array,
    truth_values: Array,
    truth_shape: Array,
    *,
    normalize: bool,
) -> Array:
    """The distance of each pair of sequences; of no truth it may be infinite."""
    del xp
    hypothesis = (hypothesis_indices, hypothesis_values, hypothesis_shape)
    truth = (truth_indices, truth_values, truth_shape)
    _check(hypothesis, truth)
    depth = len(truth_shape) - 1
    said, meant = (
        {at: values[run].tolist() for at, run in groups(indices, depth)}
        for indices, values, _ in (hypothesis, truth)
    )
    whole = np.maximum(hypothesis_shape, truth_shape)[:-1].tolist()
    y = np.zeros(whole, np.float32)
    for at in said.keys() | meant.keys():
        if any(not 0 <= i < size for i, size in zip(at, whole, strict=True)):
            continue
        wanted = meant.get(at, [])
        distance = float(levenshtein(said.get(at, []), wanted))
        if normalize:
            distance = distance / len(wanted) if wanted else np.inf
        y[at] = distance
    return y
