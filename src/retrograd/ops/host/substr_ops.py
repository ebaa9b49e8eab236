"""Ops: parts of strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import invalid

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _parts(n: Operation) -> RawShape:
    """The shape of the strings, with that of the places broadcast against it."""
    text, place, length = (x._shape_raw for x in n._inputs)
    if None not in (place, length) and len(place or ()) != len(length or ()):
        raise invalid(n, "pos and len must have same rank")
    if text is None or place is None:
        return None
    if not place:
        return text
    if not text:
        return place
    return tuple(a if a != 1 else b for a, b in zip(text, place, strict=False))


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
    strings, places, lengths = np.broadcast_arrays(text, place, length)
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
