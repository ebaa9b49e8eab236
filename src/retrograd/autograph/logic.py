"""`and`, `or`, `not`, `==`: of Python values, or of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd.autograph.state import is_dense
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond

Value = Callable[[], Any]


def not_(a: Any) -> Any:
    """`not a`."""
    return F.LogicalNot(a) if is_dense(a) else not a


def and_(*values: Value) -> Any:
    """The first value that is false, or the last; later ones are not computed."""
    found = values[0]()
    if len(values) == 1:
        return found
    if is_dense(found):
        return cond(found, lambda: and_(*values[1:]), lambda: found)
    return and_(*values[1:]) if found else found


def or_(*values: Value) -> Any:
    """The first value that is true, or the last; later ones are not computed."""
    found = values[0]()
    if len(values) == 1:
        return found
    if is_dense(found):
        return cond(found, lambda: found, lambda: or_(*values[1:]))
    return found if found else or_(*values[1:])


def eq(a: Any, b: Any) -> Any:
    """`a == b`, element by element where one is a tensor."""
    return F.Equal(a, b) if is_dense(a) or is_dense(b) else a == b


def not_eq(a: Any, b: Any) -> Any:
    """`a != b`, element by element where one is a tensor."""
    return not_(eq(a, b))
