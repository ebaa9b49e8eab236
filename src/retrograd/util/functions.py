"""The parameters and names of functions, methods, partials and callable objects."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType, MethodType
from typing import Any

from retrograd.util import inspecting
from retrograd.util.decorators import unwrap


def _is_callable_object(obj: object) -> bool:
    return callable(obj) and inspecting.ismethod(obj.__call__)


def fn_args(fn: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a callable's parameters that are still open."""
    if isinstance(fn, functools.partial):
        names = fn_args(fn.func)[len(fn.args) :]
        return tuple(name for name in names if name not in (fn.keywords or {}))
    if _is_callable_object(fn):
        fn = fn.__call__
    names = inspecting.getfullargspec(fn).args
    bound = inspecting.ismethod(fn) and unwrap(fn)[1].__self__ is not None
    return tuple(names[1:] if bound else names)


def has_kwargs(fn: Callable[..., Any]) -> bool:
    """Whether a callable takes any keyword.

    Raises:
      TypeError: it is not a callable.
    """
    if isinstance(fn, functools.partial):
        fn = fn.func
    elif _is_callable_object(fn):
        fn = fn.__call__
    elif not callable(fn):
        raise TypeError(
            f"fn should be a function-like object, but is of type {type(fn)}."
        )
    return inspecting.getfullargspec(fn).varkw is not None


def get_func_name(func: Callable[..., Any]) -> str:
    """The name of a function, `Class.method` for a method, the type for an object.

    Raises:
      ValueError: it is not callable.
    """
    func = unwrap(func)[1]
    if not callable(func):
        raise ValueError("Argument must be callable")
    if isinstance(func, MethodType):
        return f"{type(func.__self__).__name__}.{func.__func__.__name__}"
    if inspecting.isfunction(func):
        return func.__name__
    return str(type(func))


def get_func_code(func: Callable[..., Any]) -> CodeType | None:
    """The code of a function, method or object with `__call__`; else None.

    Raises:
      ValueError: it is not callable.
    """
    func = unwrap(func)[1]
    if not callable(func):
        raise ValueError("Argument must be callable")
    if inspecting.isfunction(func) or inspecting.ismethod(func):
        return func.__code__
    return getattr(func.__call__, "__code__", None)
