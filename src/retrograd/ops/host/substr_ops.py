"""Ops: parts of strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import broadcast, invalid, shape_text, with_rank

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _parts(n: Operation) -> RawShape:
    """The shape of the strings, with that of the places broadcast against it."""
    place, length = (x._shape_raw for x in n._inputs[1:])
    if place is not None and length is not None:
        with_rank(n, 1, len(length))
        for one, other in zip(place, length, strict=True):
            if one is not None and other is not None and one != other:
                shapes = f"{shape_text(place)} vs. {shape_text(length)}"
                raise invalid(n, f"pos and len shapes must match: {shapes}")
    return broadcast(n)


@op("Substr", infer=_parts, host=True)
def substr_kernel(
    xp: Arrays, text: Array, place: Array, length: Array, *, unit: str
) -> Array:
    """The part of each string that begins at a place and has a length.

    A negative place is counted from the end.

    Raises:
      InvalidArgumentError: a place that is not in its string.
    """
    del xp
    try:
        strings, places, lengths = np.broadcast_arrays(text, place, length)
    except ValueError:
        shapes = f"{shape_text(np.shape(text))} vs. {shape_text(np.shape(place))}"
        raise refused(f"Incompatible shapes: {shapes}") from None
    found = np.empty(strings.shape, object)
    for i, index in enumerate(np.ndindex(strings.shape)):
        start, count = int(places[index]), int(lengths[index])
        item: Any = strings[index]
        whole = item.decode("utf-8", "surrogateescape") if unit == "UTF8_CHAR" else item
        first = start + len(whole) if start < 0 else start
        if not 0 <= first <= len(whole):
            shown = "" if unit == "UTF8_CHAR" else f" b'{item.decode('latin-1')}'"
            raise refused(f"pos {start} out of range for string{shown} at index {i}")
        # a negative length is all of the rest
        stop = first + count if count >= 0 else len(whole)
        part = whole[first:stop]
        if isinstance(part, str):
            part = part.encode("utf-8", "surrogateescape")
        found[index] = part
    return found
