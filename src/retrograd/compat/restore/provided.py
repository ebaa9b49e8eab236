"""What rewritten arithmetic calls: builtins by names that programs do not use.

Until NumPy is imported they are Python's own operators.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

from retrograd.compat import loading
from retrograd.compat.restore.operators import ARITHMETIC, COMPARISONS

#: the types of which an operand must be for a rule to matter; none without NumPy
_NARROW: set[type] = set()


def name_of(word: str) -> str:
    """The builtin by which rewritten code finds something."""
    return f"__numpy1_{word.strip('_')}__"


def provide() -> None:
    """Put all that rewritten code calls into the builtins of this process."""
    _put("type", type)
    _put("int", int)
    _put("float", float)
    _put("narrow", _NARROW)
    _put("array", None)
    _put("sum", sum)
    for name in ARITHMETIC:
        _put(name, getattr(operator, name))
        _put("i" + name, getattr(operator, "i" + name.strip("_")))
    for name in COMPARISONS:
        _put(name, getattr(operator, name))
    for name in ("call", "where", "clip"):
        _put(name, _as_it_is)
    loading.when_loaded("numpy", _go_by_numpy_1)


def _put(word: str, value: object) -> None:
    setattr(builtins, name_of(word), value)


def _as_it_is(function: Callable[..., Any], *args: object, **kwargs: object) -> Any:
    return function(*args, **kwargs)


def _go_by_numpy_1(numpy: ModuleType) -> None:
    from retrograd.compat.restore import promotion

    _put("array", numpy.ndarray)
    for name, function in promotion.FUNCTIONS.items():
        _put(name, function)
    for name, function in promotion.IN_PLACE.items():
        _put("i" + name, function)
    _put("sum", promotion.total)
    _put("call", promotion.called)
    _put("where", promotion.where)
    _put("clip", promotion.clip)
    _NARROW.update(promotion.NARROW)
