"""Ops: sums of products over named axes."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import op

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- the op


def _einsum_shape(n: Operation) -> RawShape:
    raws = [t._shape_raw for t in n._inputs]
    if any(raw is None for raw in raws):
        return None
    inputs, output = _resolved(n.attrs["equation"], raws)
    sizes: dict[str, int | None] = {}
    for labels, raw in zip(inputs, raws, strict=True):
        for label, size in zip(labels, raw or (), strict=True):
            if sizes.get(label) in (None, 1):
                sizes[label] = size
    return tuple(sizes[label] for label in output)


@op("Einsum", infer=_einsum_shape, math="einsum")
def _einsum(xp: Arrays, *inputs: Array, equation: str) -> Array:
    """The sum of products that `equation` describes."""
    return xp.einsum(equation, *inputs)


# ---------------------------------------------------------------------- equations


def _resolved(equation: str, raws: Sequence[RawShape]) -> tuple[list[str], str]:
    """The axis labels of each input and of the output, ellipses spelt out.

    Raises:
      ValueError: the equation cannot be read, or does not fit the inputs.
    """
    equation = equation.replace(" ", "")
    match = re.match("^([a-zA-Z,.]+)(->[a-zA-Z.]*)?$", equation)
    if not match:
        raise ValueError(f"Indices have incorrect format: {equation}")
    inputs = match.group(1).split(",")
    output = match.group(2)[2:] if match.group(2) else None
    if len(raws) != len(inputs):
        raise ValueError(
            f'Got {len(raws)} arguments for equation "{equation}", expecting '
            f"{len(inputs)}"
        )
    ellipsis = ""
    if "..." in equation:
        inputs, ellipsis = _without_ellipsis(inputs, raws)
        if output is not None:
            output = output.replace("...", ellipsis)
            if "." in output:
                raise ValueError('period "." found outside of ellipsis')
    if output is None:
        every = "".join(inputs)
        once = [c for c in sorted(set(every)) if every.count(c) == 1]
        output = ellipsis + "".join(c for c in once if c not in ellipsis)
    return inputs, output


def _without_ellipsis(
    inputs: list[str], raws: Sequence[RawShape]
) -> tuple[list[str], str]:
    """Labels with letters that are free in place of "...", and those letters."""
    used = "".join(inputs)
    unused = "".join(c for c in string.ascii_letters if c not in used)
    longest, found = "", []
    for labels, raw in zip(inputs, raws, strict=True):
        if "..." not in labels:
            found.append(labels)
            continue
        parts = labels.split("...")
        if len(parts) != 2:
            raise ValueError("Unable to resolve ellipsis. Excess number found.")
        if raw is None:
            raise ValueError("Unable to statically infer ellipsis axes.")
        count = len(raw) - len("".join(parts))
        if count < 0:
            raise ValueError("Ellipses lengths do not match.")
        if len(unused) < count:
            raise ValueError("Unable to resolve ellipsis, too many distinct labels.")
        letters = unused[-count:] if count else ""
        found.append(labels.replace("...", letters))
        longest = max(longest, letters, key=len)
    if any("." in labels for labels in found):
        raise ValueError('period "." found outside of ellipsis')
    return found, longest
