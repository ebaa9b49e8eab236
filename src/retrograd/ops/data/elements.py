"""Datasets as values: what the ops of datasets make and take.

The value of a variant tensor that stands for a dataset is an `Elements`: something to
go through, any number of times, that gives an element after the other. An element is a
tuple with an array for each component.

An iterator goes on after an error: the element that failed is left out, as in
TensorFlow. A Python generator would end there, so most iterators are `drawn` from
functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.ops.declare import op
from retrograd.ops.infer import nothing, scalar, scalars

if TYPE_CHECKING:
    from retrograd.typing import Arrays

Element = tuple[Any, ...]

#: how many elements there are, where that is no number
INFINITE, UNKNOWN = -1, -2


class Scope:
    """The place of a dataset in the pipeline that an iterator goes through.

    Args:
      path: the names of the datasets around it, by which its state is found again when
        it is begun anew within the same iterator.
      shared: the state of the iterator's datasets, by path.
      optimizations: what may be done to datasets here.
    """

    __slots__ = ("optimizations", "path", "shared")

    def __init__(
        self,
        path: str = "Iterator",
        shared: dict[str, Any] | None = None,
        optimizations: frozenset[str] = frozenset(),
    ) -> None:
        self.path, self.optimizations = path, optimizations
        self.shared: dict[str, Any] = {} if shared is None else shared

    def at(self, name: str) -> Scope:
        """The place of an input of the dataset that is here."""
        return Scope(f"{self.path}::{name}", self.shared, self.optimizations)

    def optimized(self, optimizations: Iterable[str]) -> Scope:
        """The same place, with other optimizations."""
        return Scope(self.path, self.shared, frozenset(optimizations))

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """The state of the dataset that is here, made at first."""
        key = f"{self.path}::{name}"
        if key not in self.shared:
            self.shared[key] = make()
        return self.shared[key]


class Elements:
    """The elements of a dataset.

    Args:
      start: begins to go through them, at a place of a pipeline.
      count: how many there are, or `INFINITE` or `UNKNOWN`.
      repeated: makes the elements of an optimized form that repeats them.
      mapped: whether a function makes each of them of one of another dataset.
    """

    __slots__ = ("_start", "count", "mapped", "repeated")

    def __init__(
        self,
        start: Callable[[Scope], Iterable[Element]],
        count: int = UNKNOWN,
        repeated: Callable[[int], Elements] | None = None,
        mapped: bool = False,
    ) -> None:
        self._start, self.count = start, count
        self.repeated, self.mapped = repeated, mapped

    def begin(self, scope: Scope) -> Iterator[Element]:
        """Begin to go through them."""
        return iter(self._start(scope))

    def __iter__(self) -> Iterator[Element]:
        return self.begin(Scope())


_END = object()


def drawn(draw: Callable[[], Element]) -> Iterator[Element]:
    """The results of a function, until it raises StopIteration."""
    return iter(draw, _END)


def repeated_count(count: int, times: int) -> int:
    """How many elements there are `times` times; without end where that is negative."""
    if count == 0 or times == 0:
        return 0
    if times < 0:
        return INFINITE
    return count * times if count > 0 else count


def declare(name: str, kernel: Callable[..., Any], **options: Any) -> None:
    """Declare an op that makes a dataset; see `op` for options."""
    op(name, infer=scalar, host=True, pure=False, **options)(kernel)


def declare_held(name: str, deleter: str, kernel: Callable[..., Any]) -> None:
    """Declare an op that makes what datasets hold, and the op that deletes it."""
    op(name, infer=scalars, host=True, pure=False)(kernel)
    op(deleter, infer=nothing, host=True, pure=False, cells="handle")(_forget)


def _forget(xp: Arrays, handle: object, deleter: object) -> tuple[()]:
    """Nothing: what nobody holds is gone."""
    del xp, handle, deleter
    return ()


def invalid_argument(text: str) -> errors.InvalidArgumentError:
    """An InvalidArgumentError."""
    return errors.InvalidArgumentError(None, None, text)


def array_of(value: Any) -> np.ndarray:
    """A component as an array; NumPy's own would cut text off at its last zeros."""
    if isinstance(value, bytes | Elements):
        made = np.empty((), object)
        made[()] = value
        return made
    return np.asarray(value)


def shape_text(shape: Iterable[int]) -> str:
    """A shape as TensorFlow's kernels print it: [2,3]."""
    return f"[{','.join(map(str, shape))}]"
