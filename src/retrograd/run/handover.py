"""A compiled step's variables: taken, given away and put back in one act.

A compiled call takes its variables' buffers over, so that updates are in place: between
the call and the storing of its results the variables have no buffers. Three things keep
that time from being seen.

- All that changes variables, and all that reads buffers of the compiled tier, holds the
  one lock of the store (`Guard`).
- Python runs a signal's handler on the main thread when a call has returned, before its
  result is stored. So the results land in a list within one call of C
  (`list.extend(starmap(…))`), the list is reachable from the guard by then, and whoever
  next holds the lock puts them where they belong, if it has not been done: `settle`.
  Putting back is one call of C too, and may be done twice.
- A compiled function's first call with arguments of a kind goes through Python code of
  JAX, where a handler may run after the buffers are gone. It is given copies.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat, starmap
from operator import is_
from typing import Any

import numpy as np

from retrograd.run.arena import Arena, Slot
from retrograd.run.store import Cell, Guard


class Handover:
    """The variables of one compiled function.

    Args:
      guard: that of the store they are in.
      changed: variables, and arenas of packed ones, that the function changes: its
        first arguments, given away, and its first results.
      read: those that follow in the arguments alone.

    Attributes:
      held: both.
    """

    def __init__(
        self,
        guard: Guard,
        changed: Sequence[Arena | Cell],
        read: Sequence[Arena | Cell],
    ) -> None:
        self.guard = guard
        self.changed = changed
        self.held = [*changed, *read]
        #: the results of a call that are not put back yet
        self._landed: Sequence[Any] = ()
        #: what the last call made of the variables that it changed
        self._own: Sequence[Any] = ()
        #: kinds of arguments that the compiled function has been called with
        self._known: set[Any] = set()

    def state(self) -> list[Any]:
        """The variables as arguments; the caller holds the lock.

        Raises:
          TypeError: a packed variable has taken another shape or dtype.
        """
        return [v.collect() if type(v) is Arena else v.value for v in self.held]

    def __call__(
        self, compiled: Callable[..., Any], rest: Sequence[Any]
    ) -> Sequence[Any]:
        """Call a compiled function; its results, of which the variables are put back.

        The variables are the old ones or the new ones whenever the lock is free,
        whatever is raised meanwhile.

        Raises:
          TypeError: the function was compiled for variables in another form.
        """
        guard = self.guard
        with guard.lock:
            while True:
                if guard.unsettled is not None:
                    guard.settle()
                state = self.state()
                try:
                    return self._called(compiled, (*state, *rest))
                except (RuntimeError, ValueError):
                    # a signal's handler has run a step of its own in between, and has
                    # given away what was to be given here
                    if all(map(is_, state, self.state())):
                        raise

    def _called(
        self, compiled: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Sequence[Any]:
        kind = self._kind(arguments)
        function = _of_c(compiled) if kind in self._known else None
        if function is None:
            if any(type(a) is Slot for a in arguments):
                raise TypeError("another function has packed a variable")
            function, arguments = compiled, self._copied(arguments)
        self._landed = landed = []
        self.guard.unsettled = self if self.changed else None
        try:
            landed.extend(starmap(function, (arguments,)))
        finally:
            self.settle()
        self._known.add(kind)
        self._own = landed[0][: len(self.changed)]
        return landed[0]

    def _kind(self, arguments: Sequence[Any]) -> Any:
        """All that JAX tells arguments apart by, shapes and dtypes left out."""
        count = len(self.changed)
        if self._own and all(map(is_, self._own, arguments)):
            return (True, *map(type, arguments[count:]))
        self._own = ()  # somebody else's now: not to be kept alive
        return tuple(map(_kind, arguments))

    def settle(self) -> None:
        """Put back what has landed; the caller holds the lock."""
        landed = self._landed
        if landed:
            # one call of C: no handler runs between two variables
            deque(map(setattr, self.changed, repeat("value"), landed[0]), 0)
            self._landed = ()
        self.guard.unsettled = None

    def _copied(self, arguments: Sequence[Any]) -> tuple[Any, ...]:
        """Arguments of which none that is given away is a variable's own buffer."""
        given = len(self.changed)
        return (
            *(a if isinstance(a, _NUMPY) else a.copy() for a in arguments[:given]),
            *arguments[given:],
        )

    def wait(self) -> None:
        """Return when all changes of the variables are done."""
        with self.guard.lock:
            self.guard.settle()
            for value in self.state():
                if hasattr(value, "block_until_ready"):
                    value.block_until_ready()


def _kind(value: object) -> Any:
    place = getattr(value, "sharding", None)
    return (type(value), place, getattr(value, "committed", None))


#: what is copied when it is given away
_NUMPY = (np.ndarray, np.generic)


def _of_c(compiled: Callable[..., Any]) -> Callable[..., Any] | None:
    """The function that a compiled one calls, if no Python code runs in it."""
    function = getattr(compiled, "_call", None)
    plain = isinstance(function, (types.FunctionType, types.MethodType, type(None)))
    return None if plain else function
