"""Elements of iterators as values that may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import errors
from retrograd.arrays.optional import Optional
from retrograd.ops.declare import op
from retrograd.ops.infer import scalar

if TYPE_CHECKING:
    from retrograd.ops.data.iterator_ops import Iteration
    from retrograd.typing import Arrays


@op(
    "IteratorGetNextAsOptional",
    infer=scalar,
    host=True,
    pure=False,
    cells="iterator",
)
def _next(xp: Arrays, iterator: Iteration) -> Optional:
    """The next element of an iterator, or none at the end."""
    del xp
    try:
        return Optional(iterator.next())
    except errors.OutOfRangeError:
        return Optional()
