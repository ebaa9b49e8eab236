"""What a traced stage knows of the places of a TensorArray of version 1.

The run tells where a place is written twice, or read twice: it is void then, and the
interpreted tier raises the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from retrograd.arrays.array_rules import Rules, refused
from retrograd.arrays.xla import told

if TYPE_CHECKING:
    #: for each place, whether something was done to it
    Mask: TypeAlias = Array | np.ndarray


class TracedMarks:
    """`array_rules.Marks` for tracers; all versions of an array share them.

    Attributes:
      written, read: which places were.
    """

    __slots__ = ("read", "rules", "written")
    #: a loop or branch that uses the array has to hand them out
    carried = True

    def __init__(self, rules: Rules, written: Mask, read: Mask) -> None:
        self.rules, self.written, self.read = rules, written, read

    def write(self, places: Any, size: int) -> None:
        """Note that elements are written; at least `size` places are kept apart."""
        self._lengthen(size)
        _tell(self.written, places)
        _tell(self.read, places)
        self.written = _marked(self.written, places)

    def take(self, places: Any, size: int) -> None:
        """Note that elements are read."""
        self._lengthen(size)
        if self.rules.clears:
            _tell(self.read, places)
        self.read = _marked(self.read, places)

    def walk(self, first: Any, last: Any, size: int, writes: bool) -> None:
        """Note that all elements from one place up to another are used.

        Args:
          size: how many places there are.
          writes: whether they are written; else they are read.
        """
        self._lengthen(size)
        places = np.arange(self.written.shape[0])
        inside = (places >= first) & (places < last)
        used = self.read | self.written if writes else self.read
        if writes or self.rules.clears:
            told.tell(told.FAILED, used & inside)
        if writes:
            self.written = self.written | inside
        else:
            self.read = self.read | inside

    def _lengthen(self, size: int) -> None:
        """Have room for as many places."""
        if size > self.written.shape[0]:
            missing = size - self.written.shape[0]
            self.written, self.read = (
                (np if isinstance(m, np.ndarray) else jnp).pad(m, (0, missing))
                for m in (self.written, self.read)
            )

    def become(self, other: TracedMarks) -> None:
        """Take over what a loop or branch has made of these."""
        self._lengthen(other.written.shape[0])
        self.written, self.read = other.written, other.read

    def copy(self, size: int) -> TracedMarks:
        """Marks of their own that are the same now, for as many places."""
        made = TracedMarks(self.rules, self.written, self.read)
        made._lengthen(size)
        made.written, made.read = made.written[:size], made.read[:size]
        return made


def _is_known(value: object) -> bool:
    return isinstance(value, np.ndarray | np.generic | int)


def _tell(mask: Mask, places: Any) -> None:
    """Have the run tell whether one of some places is marked, or comes twice."""
    known, several = _is_known(places), np.ndim(places) > 0
    if known and several and len(set(np.ravel(places).tolist())) < np.size(places):
        raise refused("a place comes twice")
    if several and not known:
        counts = jnp.zeros(mask.shape, np.int32).at[places].add(1)
        told.tell(told.FAILED, counts > 1)
    if known and _is_known(mask):
        if np.take(mask, places, mode="clip").any():
            raise refused("a place is used again")
    elif several:
        told.tell(told.FAILED, jnp.take(mask, places, mode="clip"))
    else:
        told.tell(told.FAILED, lax.dynamic_index_in_dim(mask, places, 0, False))


def _marked(mask: Mask, places: Any) -> Mask:
    if _is_known(places) and isinstance(mask, np.ndarray):
        made = mask.copy()
        made[places] = True
        return made
    if np.ndim(places):
        return jnp.asarray(mask).at[places].set(True)
    return lax.dynamic_update_index_in_dim(jnp.asarray(mask), True, places, 0)


def _flatten(marks: TracedMarks) -> tuple[Any, Any]:
    return (marks.written, marks.read), marks.rules


jax.tree_util.register_pytree_node(
    TracedMarks, _flatten, lambda rules, masks: TracedMarks(rules, *masks)
)
