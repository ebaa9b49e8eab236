"""Ops: sums of products over named axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import op
from retrograd.ops.infer import invalid, same_dim

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- the op


def _einsum_shape(n: Operation) -> RawShape:
    inputs, output = _subscripts(n)
    sizes: dict[str, int | None] = {}
    around: list[RawShape] = [
        _labelled(n, labels, t._shape_raw, sizes)
        for labels, t in zip(inputs, n._inputs, strict=True)
    ]
    batch = around[0]
    if len(around) == 2:
        try:
            batch = shapes.broadcast(*around)
        except ValueError as error:
            raise invalid(n, str(error)) from None
    if "." not in output and batch:
        raise invalid(n, f"Shape must be at most rank 0 but is rank {len(batch)}")
    before, dots, after = output.partition("...")
    for label in before + after:
        if label not in sizes:
            raise invalid(
                n,
                f"Einsum output subscripts for equation '{n.attrs['equation']}' has "
                f"label '{label}' which is not present in the input subscripts",
            )
    if dots and batch is None:
        return None
    known = [tuple(sizes[label] for label in part) for part in (before, after)]
    return known[0] + (batch or ()) + known[1]


def _subscripts(n: Operation) -> tuple[list[str], str]:
    """The labels of each input and of the output, with their ellipses."""
    equation = n.attrs["equation"]
    parts = equation.split("->")
    if len(parts) != 2:
        raise invalid(n, f"Expecting exactly one '->' in einsum equation: {equation}")
    inputs, count = parts[0].split(","), len(n._inputs)
    if count > 2:
        raise invalid(n, f"Expected either 1 or 2 inputs but got: {count}")
    if len(inputs) != count:
        raise invalid(
            n,
            f"Expected {len(inputs)} inputs for equation {equation} but got: {count}",
        )
    for labels in (*inputs, parts[1]):
        if labels.count(".") not in (0, 3) or ("." in labels and "..." not in labels):
            text = f"Periods found outside of ellipsis in subscript: {labels}"
            raise invalid(n, text)
    return inputs, parts[1]


def _labelled(
    n: Operation, labels: str, raw: RawShape, sizes: dict[str, int | None]
) -> RawShape:
    """Note the size of each label of an input; what its ellipsis stands for."""
    before, dots, after = labels.partition("...")
    named = len(before) + len(after)
    if raw is not None and (len(raw) < named or (not dots and len(raw) > named)):
        bound = "at least rank" if dots else "rank"
        raise invalid(n, f"Shape must be {bound} {named} but is rank {len(raw)}")
    ends: RawShape = (None,) * named
    if raw is not None:
        ends = raw[: len(before)] + raw[len(raw) - len(after) :]
    for label, size in zip(before + after, ends, strict=True):
        sizes[label] = same_dim(n, sizes.get(label), size)
    if not dots:
        return ()
    return None if raw is None else raw[len(before) : len(raw) - len(after)]


@op("Einsum", infer=_einsum_shape, math="einsum")
def _einsum(xp: Arrays, *inputs: Array, equation: str) -> Array:
    """The sum of products that `equation` describes."""
    return xp.einsum(equation, *inputs)
