"""What a compiled program tells of its run, besides its results.

Compiled code cannot raise. What `arrays.numpy` refuses, and what a loop has no room
for, is a condition here, found while the program is traced: in a loop or a branch it is
carried out of it. Where one holds, the results of the run are void.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend import core

#: bits of what is told: a check failed; a loop needed more room
FAILED, NO_ROOM = 1, 2
_NOTHING = np.uint8(0)
_KNOWN = (np.ndarray, np.generic)


class Found:
    """What a function that is traced tells of its runs.

    Attributes:
      told: values that the program works out, uint8 of bits.
      bits: those that may be set in any of them.
    """

    def __init__(self) -> None:
        self.told: list[Array] = []
        self.bits = 0

    def add(self, told: Array, bits: int) -> None:
        """Note that the function tells something more."""
        self.told.append(told)
        self.bits |= bits

    def merged(self) -> Array:
        """All of it in one value."""
        return functools.reduce(jnp.bitwise_or, self.told, jnp.asarray(_NOTHING))


class _Tracing(threading.local):
    """What is traced in this thread.

    Attributes:
      functions: for each function, the outermost first, what was found in it so far.
      gate: of the update.
    """

    def __init__(self) -> None:
        self.functions: list[Found] = []
        self.gate: Gate | None = None


_tracing = _Tracing()


@contextlib.contextmanager
def collecting() -> Iterator[Found]:
    """A context for tracing a function; it provides what its runs tell."""
    found = Found()
    _tracing.functions.append(found)
    try:
        yield found
    finally:
        _tracing.functions.pop()


def is_asked() -> bool:
    """Whether what is traced here can tell anything."""
    return bool(_tracing.functions)


def tell(bit: int, condition: Array | np.ndarray | np.generic) -> None:
    """Have the program tell whether a condition holds, or holds somewhere.

    Args:
      bit: what to tell then.
      condition: bool of any shape.
    """
    if isinstance(condition, _KNOWN) and not condition.any():
        return
    somewhere = jnp.asarray(condition)
    somewhere = jnp.any(somewhere) if somewhere.ndim else somewhere
    again(jnp.where(somewhere, np.uint8(bit), _NOTHING), bit)


def again(told: Array, bits: int) -> None:
    """Have the program tell what a function that it calls has told.

    Args:
      told: uint8, of bits.
      bits: those that may be set.
    """
    if bits and is_asked():
        _tracing.functions[-1].add(told, bits)


def so_far() -> Array:
    """What was told before this place, in the functions that are being traced."""
    before = Found()
    before.told = [told for found in _tracing.functions for told in found.told]
    return before.merged()


def check(
    holds: Array | np.ndarray | np.generic, error: Callable[[], Exception]
) -> None:
    """`arrays.numpy.check`."""
    if isinstance(holds, _KNOWN):
        if not holds.all():
            raise error()
    else:
        tell(FAILED, jnp.logical_not(holds))


class Telling:
    """A function that returns, besides, what its run tells.

    Attributes:
      bits: those that may be set there.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.bits = 0

    def __call__(self, *args: Any) -> tuple[Any, Array]:
        with collecting() as found:
            result = self.function(*args)
        self.bits |= found.bits
        return result, found.merged()


def shapes_of(function: Callable[..., Any], *args: Any) -> Any:
    """What a function returns, without values."""
    with collecting():
        return jax.eval_shape(function, *args)


# ---------------------------------------------------------------------- updates


class Gate:
    """Keeps a failing run from changing variables in place.

    A variable that is computed anew is chosen when the run is over: the old one if the
    run is void. Of one that is written to in some places, that would need a copy. There
    the places lie outside of the variable if the run is void, so that nothing is
    written. It is a context for tracing the kernel of an update.

    Args:
      told: what the whole run tells; None if that is not to be had.
      values: the variables' values before the run.

    Attributes:
      needed: whether there was such a variable.
    """

    def __init__(self, told: Array | None, values: Sequence[Array]) -> None:
        self.told = told
        self.needed = False
        self._kept = list(values)

    def __enter__(self) -> None:
        _tracing.gate = self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _tracing.gate = None

    def keeps(self, value: Array) -> bool:
        """Whether a void run leaves in this array what a variable held before."""
        return any(value is kept for kept in self._kept)

    def chosen(
        self, void: Array, before: Sequence[Array], after: Sequence[Array]
    ) -> list[Array]:
        """The variables as the run leaves them, given what it tells."""
        return [
            new if self.keeps(new) else jnp.where(void != 0, old, new)
            for old, new in zip(before, after, strict=False)
        ]

    def scatter(
        self, scatter: Callable[..., Array], ref: Array, indices: Array, updates: Array
    ) -> Array:
        """`scatter(ref, indices, updates)`, which leaves out indices below 0."""
        if not self.keeps(ref) or not indices.shape[-1]:
            return scatter(ref, indices, updates)
        self.needed = True
        if self.told is None:
            return scatter(ref, indices, updates)
        outside = indices.dtype.type(-1)
        result = scatter(ref, jnp.where(self.told != 0, outside, indices), updates)
        self._kept.append(result)
        return result


def gated(
    scatter: Callable[..., Array], ref: Array, indices: Array, updates: Array
) -> Array:
    """`scatter(ref, indices, updates)`, by the gate if there is one (see `Gate`)."""
    gate = _tracing.gate
    if gate is None:
        return scatter(ref, indices, updates)
    return gate.scatter(scatter, ref, indices, updates)


def tied(
    function: Callable[..., Any], arguments: Sequence[Any]
) -> Callable[..., Any] | None:
    """`function(told, *arguments)`, where `told` is the last of its own results.

    Args:
      function: takes what the run tells first, and returns it last, as uint8.
      arguments: the shapes and dtypes of the others.

    Returns:
      A function of the other arguments; None if what the run tells depends on itself.
    """
    closed = jax.make_jaxpr(function)(jax.ShapeDtypeStruct((), np.uint8), *arguments)
    jaxpr = closed.jaxpr
    given, made = jaxpr.invars[0], jaxpr.outvars[-1]
    needed, first, rest = {made}, [], []
    for equation in reversed(jaxpr.eqns):
        if needed.isdisjoint(equation.outvars):
            rest.append(equation)
            continue
        first.append(equation)
        needed.update(v for v in equation.invars if not isinstance(v, core.Literal))
    if given in needed:
        return None
    rest = [
        e.replace(invars=[made if v is given else v for v in e.invars]) for e in rest
    ]
    jaxpr = jaxpr.replace(eqns=[*reversed(first), *reversed(rest)])
    run = core.jaxpr_as_fun(core.ClosedJaxpr(jaxpr, closed.consts))
    return functools.partial(run, _NOTHING)
