"""Decorators that keep a way back to what they decorate."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class TFDecorator:
    """A decorator as an object: calls its target unless a subclass does otherwise.

    Args:
      decorator_name: the name of the decorator.
      target: what is decorated.
      decorator_doc: documentation in place of the target's.
      decorator_argspec: parameters in place of the target's.
    """

    def __init__(
        self,
        decorator_name: str | None,
        target: Callable[..., Any],
        decorator_doc: str = "",
        decorator_argspec: object = None,
    ) -> None:
        self._decorated_target = target
        self._decorator_name = decorator_name
        self._decorator_doc = decorator_doc
        self._decorator_argspec = decorator_argspec
        for name in ("__name__", "__qualname__"):
            if hasattr(target, name):
                setattr(self, name, getattr(target, name))
        self.__doc__ = decorator_doc or getattr(target, "__doc__", "") or ""

    def __get__(self, instance: object, owner: type | None) -> Any:
        return self._decorated_target.__get__(instance, owner)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self._decorated_target(*args, **kwargs)

    @property
    def decorated_target(self) -> Any:
        """What is decorated; may be set."""
        return self._decorated_target

    @decorated_target.setter
    def decorated_target(self, decorated_target: Callable[..., Any]) -> None:
        self._decorated_target = decorated_target

    @property
    def decorator_name(self) -> str | None:
        """The name of the decorator."""
        return self._decorator_name

    @property
    def decorator_doc(self) -> str:
        """Documentation of the decorator itself."""
        return self._decorator_doc

    @property
    def decorator_argspec(self) -> Any:
        """The parameters that the decorator gives its target, or None."""
        return self._decorator_argspec


def make_decorator(
    target: Callable[..., Any],
    decorator_func: Any,
    decorator_name: str | None = None,
    decorator_doc: str = "",
    decorator_argspec: object = None,
) -> Any:
    """Mark the function `decorator_func` as one that wraps `target`, and return it.

    It takes the target's name, module, attributes and documentation.

    Args:
      target: what is wrapped.
      decorator_func: the wrapper.
      decorator_name: by default the name of the calling function.
      decorator_doc: documentation in place of the target's.
      decorator_argspec: parameters in place of the target's.
    """
    if decorator_name is None:
        decorator_name = sys._getframe(1).f_code.co_name
    decorator = TFDecorator(decorator_name, target, decorator_doc, decorator_argspec)
    decorator_func._tf_decorator = decorator
    for name in ("__name__", "__qualname__", "__module__"):
        if hasattr(target, name):
            setattr(decorator_func, name, getattr(target, name))
    for name, value in getattr(target, "__dict__", {}).items():
        decorator_func.__dict__.setdefault(name, value)
    if hasattr(target, "__doc__"):
        decorator_func.__doc__ = decorator.__doc__
    decorator_func.__wrapped__ = target
    decorator_func.__original_wrapped__ = target  # tells whether `rewrap` was used
    return decorator_func


def _has_tf_decorator_attr(obj: object) -> bool:
    return isinstance(getattr(obj, "_tf_decorator", None), TFDecorator)


def unwrap(maybe_tf_decorator: Any) -> tuple[list[TFDecorator], Any]:
    """The decorators around a target, the outermost first, and the target."""
    decorators: list[TFDecorator] = []
    current = maybe_tf_decorator
    while True:
        if isinstance(current, TFDecorator):
            decorators.append(current)
        elif _has_tf_decorator_attr(current):
            decorators.append(current._tf_decorator)
        else:
            return decorators, current
        current = decorators[-1].decorated_target


def rewrap(
    decorator_func: Any,
    previous_target: Callable[..., Any],
    new_target: Callable[..., Any],
) -> Any:
    """Put `new_target` in place of `previous_target` inside its decorators.

    The decorating functions must call `itself.__wrapped__` for the change to be felt.

    Returns:
      `decorator_func`, changed; `new_target` where nothing is decorated.
    """
    innermost = None
    current = decorator_func
    while _has_tf_decorator_attr(current):
        innermost = current
        if current._tf_decorator.decorated_target is previous_target:
            break
        current = current._tf_decorator.decorated_target
    if innermost is None:
        assert decorator_func is previous_target
        return new_target
    innermost._tf_decorator.decorated_target = new_target
    owner: Any = innermost.__func__ if inspect.ismethod(innermost) else innermost
    owner.__wrapped__ = new_target
    return decorator_func


def contextmanager(
    target: Callable[_P, Iterator[_T]],
) -> Callable[_P, contextlib.AbstractContextManager[_T]]:
    """`contextlib.contextmanager`, marked as a wrapper of its target."""
    return make_decorator(target, contextlib.contextmanager(target), "contextmanager")


def keyword_args_only(func: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function refuse positional arguments.

    Raises:
      ValueError: `func` is not callable; when called, an argument has no keyword.
    """
    validate_callable(func, "keyword_args_only")

    @functools.wraps(func)
    def new_func(*args: object, **kwargs: object) -> Any:
        if args:
            raise ValueError(f"Must use keyword args to call {func.__name__}.")
        return func(**kwargs)

    return new_func


def get_qualified_name(function: Callable[..., Any]) -> str:
    """The name of a function, with its class for a method."""
    if hasattr(function, "__qualname__"):
        return function.__qualname__
    return function.__name__


def _normalize_docstring(docstring: str | None) -> str:
    return inspect.cleandoc(docstring).strip() if docstring else ""


def add_notice_to_docstring(
    doc: str | None,
    instructions: str,
    no_doc_str: str,
    suffix_str: str,
    notice: list[str],
) -> str:
    """A docstring with a warning below its first line.

    Args:
      doc: the docstring.
      instructions: what to do instead.
      no_doc_str: stands for an empty docstring.
      suffix_str: added to the first line.
      notice: the lines of the warning.

    Raises:
      ValueError: the notice is empty.
    """
    if doc:
        lines = _normalize_docstring(doc).splitlines()
        lines[0] += " " + suffix_str
    else:
        lines = [no_doc_str]
    if not notice:
        raise ValueError("The `notice` arg must not be empty.")
    notice[0] = "Warning: " + notice[0]
    block = ["", *notice, *([instructions] if instructions else [])]
    if len(lines) > 1 and lines[1].strip():
        block.append("")  # keep the body apart
    lines[1:1] = block
    return "\n".join(lines)


def validate_callable(func: object, decorator_name: str) -> None:
    """Raise unless what a decorator is given can be called.

    Raises:
      ValueError: it cannot.
    """
    if not callable(func):
        raise ValueError(
            f"{func} is not a function. If this is a property, make sure @property "
            f"appears before @{decorator_name} in your source code:\n\n@property\n"
            f"@{decorator_name}\ndef method(...)"
        )


class classproperty:
    """A property of a class."""

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self._func = func

    def __get__(self, owner_self: object, owner_cls: type) -> Any:
        return self._func(owner_cls)


class tf_export:
    """`@tf_export("name")`: leaves what it decorates as it is.

    The public names are recorded on functions and classes, as `_tf_api_names`.
    """

    def __init__(self, *args: str, **kwargs: Sequence[str]) -> None:
        self._names = args
        self._names_v1 = tuple(kwargs.get("v1", args))

    def __call__(self, func: Callable[..., Any]) -> Any:
        _, undecorated = unwrap(func)
        if hasattr(undecorated, "__dict__") and not isinstance(undecorated, type):
            undecorated._tf_api_names = self._names
            undecorated._tf_api_names_v1 = self._names_v1
        return func

    def export_constant(self, module_name: str, name: str) -> None:
        """Nothing: a constant carries no names."""
        del module_name, name


keras_export = estimator_export = tf_export
