"""Branches and loops while a stage is traced.

XLA has no lists. What a loop appends to is a buffer with room for as many elements as
the loop makes, which is known if its number of iterations is. Where it is not, the loop
gets the room that the caller chose, ends when that is used up, and tells so: what the
program computes is void then.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from retrograd.arrays.optional import Optional
from retrograd.arrays.xla import told
from retrograd.arrays.xla.lists import TracedList, first

if TYPE_CHECKING:
    from jax import Array

    from retrograd.arrays.xla.lists import Value


State = tuple[Any, ...]


class _Room(threading.local):
    """How loops are traced in this thread.

    Attributes:
      count: iterations that there is room for where their number is not known.
    """

    count = 64


_room = _Room()


@contextlib.contextmanager
def room(count: int) -> Iterator[None]:
    """A context that gives loops room for `count` iterations."""
    before, _room.count = _room.count, count
    try:
        yield
    finally:
        _room.count = before


# ---------------------------------------------------------------------- branches


def cond(
    pred: Array, on_true: Callable[..., Any], on_false: Callable[..., Any], *args: Value
) -> Any:
    """`arrays.numpy.cond`.

    A list that the branches make of different lengths becomes a buffer; an optional
    that one of them leaves empty holds zeros there, or, of what is known while it is
    traced (a shape), the other's value.
    """
    branches = [told.Telling(on_true), told.Telling(on_false)]
    try:
        result, void = lax.cond(pred, *branches, *args)
    except TypeError:
        noting = [_Noting(on_true), _Noting(on_false)]
        made = [told.shapes_of(f, *args) for f in noting]
        kinds = [jax.tree_util.tree_structure(m) for m in made]
        if kinds[0] == kinds[1]:
            raise
        alike = jax.eval_shape(lambda a, b: tuple(map(_common, a, b)), *made)
        branches = [told.Telling(_giving(f, alike)) for f in (on_true, on_false)]
        result, void = lax.cond(pred, *branches, *args)
        result = tuple(map(_with_known, result, *(f.known for f in noting)))
    told.again(void, branches[0].bits | branches[1].bits)
    return result


class _Noting:
    """A branch that notes what of its optionals is known while it is traced.

    Attributes:
      known: for each result, for each value of an optional: the value, or None.
    """

    known: tuple[tuple[np.ndarray | None, ...] | None, ...]

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Value) -> Any:
        results = self.function(*args)
        self.known = tuple(
            tuple(v if isinstance(v, np.ndarray) else None for v in r.values)
            if isinstance(r, Optional) and r.values is not None
            else None
            for r in results
        )
        return results


def _with_known(
    value: Value,
    a: tuple[np.ndarray | None, ...] | None,
    b: tuple[np.ndarray | None, ...] | None,
) -> Value:
    """A result of two branches with what the one that does not leave it empty knows."""
    if not isinstance(value, Optional) or value.values is None or (a and b):
        return value
    known = a or b
    if known is None:
        return value
    pairs = zip(value.values, known, strict=True)
    return Optional(tuple(v if k is None else k for v, k in pairs))


def _giving(function: Callable[..., Any], alike: State) -> Callable[..., Any]:
    """A branch whose results have the form of others."""

    def branch(*args: Value) -> State:
        return tuple(map(_as, alike, function(*args)))

    return branch


def _common(a: Value, b: Value) -> Value:
    """A form that both of two values can take."""
    if isinstance(a, Optional) and isinstance(b, Optional):
        if a.values is None or b.values is None:
            return b if a.values is None else a
        return Optional(tuple(map(_common, a.values, b.values)))
    if isinstance(a, TracedList) and isinstance(b, TracedList):
        both = [a, b]
        if all(v.items is not None for v in both):
            element = _element(*both)
            both = [v.buffered(element, v.capacity()) for v in both]
        large = max(both, key=TracedList.capacity)
        small = both[0] if large is both[1] else both[1]
        return _dynamic(large if large.items is None else small.buffered_as(large))
    return a


def _as(like: Value, value: Any) -> Value:
    """A value in a form that it can take."""
    if isinstance(like, Optional) and like.values is not None:
        if value.values is None:
            zeros = [jax.tree_util.tree_map(_zeros, v) for v in like.values]
            return Optional(tuple(zeros))
        return Optional(tuple(map(_as, like.values, value.values)))
    if isinstance(like, TracedList) and like.items is None:
        whole = value.buffered_as(like)
        return like._like(
            buffer=whole.buffer,
            length=_count(whole) if _is_dynamic(like) else whole.length,
            spare=like.spare,
            marks=whole.marks,
        )
    return value


def _zeros(value: Array) -> Array:
    return jnp.zeros(value.shape, value.dtype)


def _element(*lists: TracedList) -> Any:
    """What has the shape and dtype of an element of one of some lists."""
    for value in lists:
        if value.items is None:
            return first(value.buffer)
        for item in value.items:
            if item is not None:
                return item
    raise TypeError("the shape of the elements of a list is not known")


def _count(value: TracedList) -> Array:
    return jnp.asarray(value.count(), np.int32)


def _is_dynamic(value: TracedList) -> bool:
    return not isinstance(value.length, int)


def _dynamic(value: TracedList) -> TracedList:
    """A buffer, of a length that is not known."""
    return value._like(buffer=value.buffer, length=_count(value), spare=value.spare)


# ---------------------------------------------------------------------- loops


def while_loop(
    cond: Callable[[Any], Any],
    body: Callable[[Any], Any],
    init: Sequence[Value],
    bound: Callable[[], int | None] | None = None,
) -> tuple[Value, ...]:
    """`arrays.numpy.while_loop`."""
    state, growth = _fitted(body, tuple(init))
    count = bound() if bound is not None else None
    if any(growth):
        turns = _room.count if count is None else count
        state = tuple(_grown(v, g, turns) for v, g in zip(state, growth, strict=True))
    alike = state

    def step(values: State) -> State:
        return tuple(map(_as, alike, body(values)))

    if count is not None:
        return _counted(cond, step, state)
    return _run(cond, step, state, _room.count if any(growth) else None)


def _counted(
    cond: Callable[[Any], Any], step: Callable[[Any], Any], start: State
) -> State:
    """Loop, where it is known how often; XLA sees it too."""
    body = told.Telling(step)

    def turned(carry: Any) -> Any:
        void, state = carry
        state, more = body(state)
        return jnp.bitwise_or(void, more), state

    def goes_on(carry: Any) -> Any:
        return told.Telling(cond)(carry[1])[0]

    void, state = lax.while_loop(goes_on, turned, (jnp.zeros((), np.uint8), start))
    told.again(void, body.bits)
    return state


def _run(
    cond: Callable[[Any], Any],
    step: Callable[[Any], Any],
    start: State,
    limit: int | None,
) -> State:
    """Loop, up to a limit if there is one, and while the run is not void.

    What decides when it ends may be nonsense where it is. A condition that tells
    something is worked out at the end of each turn, where that can be carried on.
    """
    check, body = told.Telling(cond), told.Telling(step)

    def goes_on(carry: tuple[Array, Array, Array, State]) -> Array:
        turn, void, holds, state = carry
        holds = holds if check.bits else check(state)[0]
        holds = jnp.logical_and(holds, void == 0)
        return holds if limit is None else jnp.logical_and(holds, turn < limit)

    def turned(
        carry: tuple[Array, Array, Array, State],
    ) -> tuple[Array, Array, Array, State]:
        turn, void, holds, state = carry
        state, more = body(state)
        void = void | more
        if check.bits:
            holds, last = check(state)
            void = void | last
        return turn if limit is None else turn + 1, void, holds, state

    before = told.so_far()
    holds, first = check(start)
    init = (jnp.zeros((), np.int32), before | first, holds, start)
    turn, void, holds, state = lax.while_loop(goes_on, turned, init)
    told.again(void, check.bits | body.bits)
    if limit is not None:
        holds = holds if check.bits else check(state)[0]
        told.tell(told.NO_ROOM, jnp.logical_and(turn >= limit, holds))
    return state


def _fitted(body: Callable[[Any], Any], state: State) -> tuple[State, list[int]]:
    """The lists as the loop can carry them, and by how much each turn extends them."""
    if not any(isinstance(v, TracedList) for v in state):
        return state, [0] * len(state)
    after = state
    for _ in range(4):
        after = told.shapes_of(body, state)
        fitted = tuple(map(_carried, state, after))
        if all(a is b for a, b in zip(state, fitted, strict=True)):
            break
        state = fitted
    return state, [
        a.capacity() - b.capacity()
        if isinstance(b, TracedList) and b.items is None
        else 0
        for a, b in zip(after, state, strict=True)
    ]


def _carried(start: Value, after: Any) -> Value:
    """A list in a form that one turn of the loop does not change."""
    if not isinstance(start, TracedList):
        return start
    if start.items is None:
        same = _is_dynamic(start) or after.length == start.length
        return start if same else _dynamic(start)
    if after.items is not None:
        kinds = [jax.tree_util.tree_structure(v) for v in (start, after)]
        if kinds[0] == kinds[1]:
            return start
    count = len(start.items)
    whole = start.buffered(_element(start, after), count)
    fixed = after.items is not None and len(after.items) == count
    return whole if fixed or after.length == count else _dynamic(whole)


def _grown(value: Any, growth: int, count: int) -> Value:
    """A list with room for what `count` turns add."""
    if not growth:
        return value
    whole = value.with_room(growth * count)
    return whole._like(buffer=whole.buffer, length=whole.length, spare=growth)
