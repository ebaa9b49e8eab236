"""Argument scopes: default arguments for all calls of some functions in a block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from retrograd.util.decorators import contextmanager, make_decorator, unwrap

Scope = dict[str, dict[str, Any]]


class _Scopes(threading.local):
    """The scopes of a thread, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Scope] = [{}]


_scopes = _Scopes()
#: for the key of each decorated function, the names of its arguments with defaults
_decorated: dict[str, tuple[str, ...]] = {}


def current_arg_scope() -> Scope:
    """The innermost scope: default arguments by the key of their function."""
    return _scopes.stack[-1]


def arg_scope_func_key(op: Callable[..., Any]) -> str:
    """What scopes know a function by."""
    return getattr(op, "_key_op", str(op))


@contextmanager
def arg_scope(
    list_ops_or_scope: Sequence[Callable[..., Any]] | Mapping[str, Any], **kwargs: Any
) -> Iterator[Scope]:
    """Set default arguments of functions for the calls inside.

    Scopes may be nested; an argument that a call gives itself wins.

    Args:
      list_ops_or_scope: functions decorated with `add_arg_scope`; or a scope that
        another `arg_scope` gave, to enter once more.
      **kwargs: the arguments; none with a scope.

    Raises:
      TypeError: neither a list, nor a tuple, nor a scope.
      ValueError: a function is not decorated, or there are arguments with a scope.

    Example:
      with arg_scope([conv2d], padding="VALID"):
          net = conv2d(images, 64, 3)
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError(
                "When attempting to re-use a scope by suppling a"
                "dictionary, kwargs must be empty."
            )
        entered = dict(list_ops_or_scope)
    else:
        entered = _extended(list_ops_or_scope, kwargs)
    _scopes.stack.append(entered)
    try:
        yield entered
    finally:
        _scopes.stack.pop()


def _extended(ops: object, arguments: dict[str, Any]) -> Scope:
    """The current scope with arguments for some functions."""
    if not isinstance(ops, (list, tuple)):
        raise TypeError(
            "list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)"
        )
    scope = dict(current_arg_scope())
    for op in ops:
        if not has_arg_scope(op):
            raise ValueError(
                "%s is not decorated with @add_arg_scope", (op.__module__, op.__name__)
            )
        key = arg_scope_func_key(op)
        scope[key] = {**scope.get(key, {}), **arguments}
    return scope


def add_arg_scope(func: Callable[..., Any]) -> Callable[..., Any]:
    """Let `arg_scope` set arguments of a function; a decorator."""

    def func_with_args(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **{**current_arg_scope().get(key, {}), **kwargs})

    key = arg_scope_func_key(func)
    code = unwrap(func)[1].__code__
    count = len(unwrap(func)[1].__defaults__ or ())
    named = code.co_varnames[: code.co_argcount]
    _decorated[key] = named[len(named) - count :]
    func_with_args._key_op = key  # pyright: ignore[reportFunctionMemberAccess]
    return make_decorator(func, func_with_args)


def has_arg_scope(func: Callable[..., Any]) -> bool:
    """Whether a function is decorated with `add_arg_scope`."""
    return arg_scope_func_key(func) in _decorated


def arg_scoped_arguments(func: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the arguments that `arg_scope` can set for a decorated function."""
    assert has_arg_scope(func)
    return _decorated[arg_scope_func_key(func)]
