"""Functions that are still there but refuse what they took in 2019.

Each is tried as it is now. Where it refuses, and the program that is run has called it
(not NumPy, SciPy or this package, which may count on the refusal), what it did then is
done.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Iterable
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from retrograd.compat.restore.notices import announce, spare_kernels

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike

#: `again(error, function, *args, **kwargs)`: the result of old, or NotImplemented
Again = Callable[..., Any]
#: packages of today: their calls stay as they are
_OF_TODAY = frozenset(
    "PIL h5py jax jaxlib matplotlib numpy pandas retrograd scipy sklearn".split()
)


def _is_the_programs(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] not in _OF_TODAY


class Retrying:
    """A function; where it refuses a program's arguments, `again` has its turn.

    An object and not a function, so that it does not become a method where a program
    makes it an attribute of a class.

    Args:
      function: a function of today.
      what: its name, for the one line that is said.
      again: `f(error, function, *args, **kwargs)`; NotImplemented for what was refused
        in 2019 as well.
    """

    def __init__(self, function: Callable[..., Any], what: str, again: Again) -> None:
        functools.update_wrapper(self, function)
        self._function, self._what, self._again = function, what, again

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call the function."""
        try:
            return self._function(*args, **kwargs)
        except (ValueError, OverflowError, TypeError) as error:
            if not _is_the_programs(sys._getframe(1)):
                raise
            result = self._again(error, self._function, *args, **kwargs)
            if result is NotImplemented:
                raise
        announce(f"what {self._what} took then")
        return result

    def __repr__(self) -> str:
        return repr(self._function)

    def __reduce__(self) -> str:
        return self._function.__name__


# ---------------------------------------------------------------------- numpy


def _array(
    error: Exception,
    array: Callable[..., Any],
    value: object,
    dtype: DTypeLike | None = None,
    *args: object,
    **kwargs: object,
) -> Any:
    """Lists of unequal lengths, numbers that wrap around, `copy=False` as a wish."""
    text = str(error)
    if "Unable to avoid copy" in text:
        return array(value, dtype, *args, **{**kwargs, "copy": None})
    if "inhomogeneous shape" in text and dtype is None:
        return array(value, object, *args, **kwargs)
    if isinstance(error, OverflowError) and dtype is not None:
        return array(value, *args, **kwargs).astype(dtype)
    return NotImplemented


def _fromstring(
    error: Exception,
    fromstring: Callable[..., Any],
    string: str | bytes,
    dtype: Any = float,
    count: int = -1,
    sep: str = "",
) -> Any:
    """The elements of bytes."""
    import numpy as np

    del error, fromstring
    if sep:
        return NotImplemented
    data = string.encode() if isinstance(string, str) else string
    return np.frombuffer(data, dtype, count).copy()


def _stacked(
    error: Exception,
    stack: Callable[..., Any],
    arrays: Iterable[Any],
    *args: object,
    **kwargs: object,
) -> Any:
    """A generator of arrays."""
    del error
    if not hasattr(arrays, "__next__"):
        return NotImplemented
    return stack(list(arrays), *args, **kwargs)


def _sum(
    error: Exception,
    total: Callable[..., Any],
    a: Iterable[Any],
    *args: object,
    **kwargs: object,
) -> Any:
    """A generator of numbers or arrays."""
    del error, total
    if args or kwargs or not hasattr(a, "__next__"):
        return NotImplemented
    return sum(a)


# ---------------------------------------------------------------------- python


def _sample(
    error: Exception, sample: Callable[..., Any], population: object, k: int
) -> Any:
    """A sample of a set."""
    del error
    if not isinstance(population, (set, frozenset)):
        return NotImplemented
    return sample(tuple(population), k)


def _shuffle(
    error: Exception,
    shuffle: Callable[..., Any],
    x: list[Any],
    random: Callable[[], float] | None = None,
) -> Any:
    """Shuffling by a function that gives numbers from 0 to 1."""
    del error, shuffle
    if random is None:
        return NotImplemented
    for i in reversed(range(1, len(x))):
        j = int(random() * (i + 1))
        x[i], x[j] = x[j], x[i]
    return None


def _json(
    error: Exception, load: Callable[..., Any], *args: object, **kwargs: object
) -> Any:
    """`encoding`, which had no effect."""
    del error
    if "encoding" not in kwargs:
        return NotImplemented
    kwargs.pop("encoding")
    return load(*args, **kwargs)


def _open(
    error: Exception,
    open_: Callable[..., Any],
    file: object,
    mode: str = "r",
    *args: object,
    **kwargs: object,
) -> Any:
    """Mode "U", which text files are in by themselves."""
    del error
    if not isinstance(mode, str) or "U" not in mode:
        return NotImplemented
    return open_(file, mode.replace("U", "") or "r", *args, **kwargs)


REFUSALS: dict[str, dict[str, Again]] = {
    "numpy": {
        "array": _array,
        "asarray": _array,
        "fromstring": _fromstring,
        "sum": _sum,
        **dict.fromkeys(
            ("vstack", "hstack", "dstack", "column_stack", "stack"), _stacked
        ),
    },
    "random": {"sample": _sample, "shuffle": _shuffle},
    "json": {"load": _json, "loads": _json},
    "builtins": {"open": _open},
}


def adapt(module: ModuleType) -> None:
    """Let the functions of a module take what they took."""
    own = "" if module is builtins else f"{module.__name__}."
    for name, again in REFUSALS[module.__name__].items():
        original = getattr(module, name)
        retrying = Retrying(original, own + name, again)
        setattr(module, name, retrying)
        spare_kernels(name, retrying, original)
