"""Notices that a function or argument is deprecated: logged once, and in its doc."""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from collections import namedtuple
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from retrograd.platform import logs
from retrograd.util import inspecting
from retrograd.util.decorators import (
    add_notice_to_docstring,
    get_qualified_name,
    make_decorator,
    validate_callable,
)

_PRINT_DEPRECATION_WARNINGS = True
_PRINTED_WARNING: dict[Any, bool] = {}
DeprecatedArgSpec = namedtuple(
    "DeprecatedArgSpec", ["position", "has_ok_value", "ok_value"]
)


class DeprecatedNamesAlreadySet(Exception):
    """The deprecated names of a symbol were given a second time."""


def _validate_deprecation_args(date: str | None, instructions: str) -> None:
    if date is not None and not re.match(r"20\d\d-[01]\d-[0123]\d", date):
        raise ValueError("Date must be YYYY-MM-DD.")
    if not instructions:
        raise ValueError("Don't deprecate things without conversion instructions!")


def _when(date: str | None) -> str:
    return "in a future version" if date is None else f"after {date}"


def _call_location() -> str:
    """The line that called the deprecated function."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _warn(key: Hashable, warn_once: bool, text: str, *args: object) -> None:
    if not _PRINT_DEPRECATION_WARNINGS or key in _PRINTED_WARNING:
        return
    if warn_once:
        _PRINTED_WARNING[key] = True
    logs.warning("From %s: " + text, _call_location(), *args)


def _function_notice(doc: str | None, date: str | None, instructions: str) -> str:
    notice = [f"THIS FUNCTION IS DEPRECATED. It will be removed {_when(date)}."]
    if instructions:
        notice.append("Instructions for updating:")
    return add_notice_to_docstring(
        doc, instructions, "DEPRECATED FUNCTION", "(deprecated)", notice
    )


def deprecated(
    date: str | None, instructions: str, warn_once: bool = True
) -> Callable[[Any], Any]:
    """Mark a function as deprecated.

    Args:
      date: when it goes, YYYY-MM-DD, or None.
      instructions: what to do instead.
      warn_once: warn at the first call only.

    Raises:
      ValueError: another form of date, or no instructions.
    """
    _validate_deprecation_args(date, instructions)

    def deprecated_wrapper(func: Callable[..., Any]) -> Any:
        validate_callable(func, "deprecated")

        @functools.wraps(func)
        def new_func(*args: object, **kwargs: object) -> Any:
            _warn(
                func,
                warn_once,
                "%s (from %s) is deprecated and will be removed %s.\n"
                "Instructions for updating:\n%s",
                get_qualified_name(func),
                func.__module__,
                _when(date),
                instructions,
            )
            return func(*args, **kwargs)

        doc = _function_notice(func.__doc__, date, instructions)
        return make_decorator(func, new_func, "deprecated", doc)

    return deprecated_wrapper


def deprecated_alias(
    deprecated_name: str,
    name: str,
    func_or_class: Callable[..., Any],
    warn_once: bool = True,
) -> Any:
    """A function or class under an old name, which warns that there is a new one."""
    text = "The name %s is deprecated. Please use %s instead.\n"
    instead = f"Please use {name} instead."
    if inspecting.isclass(func_or_class):
        return _class_alias(
            func_or_class, text, (deprecated_name, name), instead, warn_once
        )
    validate_callable(func_or_class, "deprecated")

    @functools.wraps(func_or_class)
    def new_func(*args: object, **kwargs: object) -> Any:
        _warn(new_func, warn_once, text, deprecated_name, name)
        return func_or_class(*args, **kwargs)

    doc = _function_notice(func_or_class.__doc__, None, instead)
    return make_decorator(func_or_class, new_func, "deprecated", doc)


def _class_alias(
    original: Any, text: str, names: tuple[str, str], instead: str, warn_once: bool
) -> Any:
    @functools.wraps(original.__init__)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        _warn(__init__, warn_once, text, *names)
        original.__init__(self, *args, **kwargs)

    notice = ["THIS CLASS IS DEPRECATED. It will be removed in a future version. "]
    doc = add_notice_to_docstring(
        original.__doc__, instead, "DEPRECATED CLASS", "(deprecated)", notice
    )
    body = {
        "__doc__": doc,
        "__module__": original.__module__,
        "__init__": make_decorator(original.__init__, __init__, "deprecated"),
    }
    return type(original)(original.__name__, (original,), body)


def deprecated_endpoints(*args: str) -> Callable[[Any], Any]:
    """Record deprecated public names on a function, as `_tf_deprecated_api_names`.

    Raises:
      DeprecatedNamesAlreadySet: it has some.
    """

    def deprecated_wrapper(func: type) -> Any:
        if "_tf_deprecated_api_names" in func.__dict__:
            raise DeprecatedNamesAlreadySet(
                f"Cannot set deprecated names for {func.__name__} to {args}. "
                f"Deprecated names are already set to {func._tf_deprecated_api_names}."
            )
        func._tf_deprecated_api_names = args
        return func

    return deprecated_wrapper


def _same_value(a: object, b: object) -> bool:
    if a is b:
        return True
    try:
        equality = a == b
    except TypeError:
        return False
    return equality if isinstance(equality, bool) else False


def deprecated_args(
    date: str | None,
    instructions: str,
    *deprecated_arg_names_or_tuples: str | tuple[str, Any],
    **kwargs: Any,
) -> Callable[[Any], Any]:
    """Mark arguments of a function as deprecated.

    Args:
      date: when they go, YYYY-MM-DD, or None.
      instructions: what to do instead.
      *deprecated_arg_names_or_tuples: names, or pairs of a name and a value that is
        still in order.
      **kwargs: `warn_once`: warn at the first use of each argument only.

    Raises:
      ValueError: another form of date, no instructions, no names or unknown ones.
    """
    _validate_deprecation_args(date, instructions)
    if not deprecated_arg_names_or_tuples:
        raise ValueError("Specify which argument is deprecated.")
    warn_once = kwargs.pop("warn_once", True)
    if kwargs:
        raise ValueError(f"Illegal argument to deprecated_args: {kwargs}")
    ok_values = {
        item[0] if isinstance(item, tuple) else item: item[1:]
        if isinstance(item, tuple)
        else ()
        for item in deprecated_arg_names_or_tuples
    }

    def deprecated_wrapper(func: type) -> Any:
        validate_callable(func, "deprecated_args")
        spec = inspecting.getfullargspec(func)
        known = [*spec.args, spec.varargs, spec.varkw]
        missing = [name for name in ok_values if name not in known]
        if missing:
            raise ValueError(
                "The following deprecated arguments are not present in the function "
                f"signature: {missing}. Found next arguments: {known}."
            )

        def used(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[str]:
            named = inspecting.getcallargs(func, *args, **kwargs)
            for name, ok in ok_values.items():
                if name == spec.varargs:
                    given = len(args) > len(spec.args)
                elif name == spec.varkw:
                    given = bool(kwargs)
                else:
                    given = name in kwargs or spec.args.index(name) < len(args)
                if given and not (ok and _same_value(named[name], ok[0])):
                    yield name

        @functools.wraps(func)
        def new_func(*args: Any, **kwargs: Any) -> Any:
            for name in used(args, kwargs):
                _warn(
                    (func, name),
                    warn_once,
                    "calling %s (from %s) with %s is deprecated and will be removed "
                    "%s.\nInstructions for updating:\n%s",
                    get_qualified_name(func),
                    func.__module__,
                    name,
                    _when(date),
                    instructions,
                )
            return func(*args, **kwargs)

        doc = add_notice_to_docstring(
            func.__doc__,
            instructions,
            "DEPRECATED FUNCTION ARGUMENTS",
            "(deprecated arguments)",
            [
                f"SOME ARGUMENTS ARE DEPRECATED: `({', '.join(sorted(ok_values))})`. "
                f"They will be removed {_when(date)}.",
                "Instructions for updating:",
            ],
        )
        return make_decorator(func, new_func, "deprecated", doc)

    return deprecated_wrapper


def deprecated_arg_values(
    date: str | None,
    instructions: str,
    warn_once: bool = True,
    **deprecated_kwargs: object,
) -> Callable[[Any], Any]:
    """Mark values of arguments as deprecated.

    Args:
      date: when they go, YYYY-MM-DD, or None.
      instructions: what to do instead.
      warn_once: warn at the first use of each argument only.
      **deprecated_kwargs: the values.

    Raises:
      ValueError: another form of date, no instructions or no values.
    """
    _validate_deprecation_args(date, instructions)
    if not deprecated_kwargs:
        raise ValueError("Specify which argument values are deprecated.")

    def deprecated_wrapper(func: Callable[..., Any]) -> Any:
        validate_callable(func, "deprecated_arg_values")

        @functools.wraps(func)
        def new_func(*args: object, **kwargs: object) -> Any:
            named = inspecting.getcallargs(func, *args, **kwargs)
            for name, value in deprecated_kwargs.items():
                if name in named and _same_value(named[name], value):
                    _warn(
                        (func, name),
                        warn_once,
                        "calling %s (from %s) with %s=%s is deprecated and will be "
                        "removed %s.\nInstructions for updating:\n%s",
                        get_qualified_name(func),
                        func.__module__,
                        name,
                        value,
                        _when(date),
                        instructions,
                    )
            return func(*args, **kwargs)

        pairs = ", ".join(f"{k}={v!r}" for k, v in sorted(deprecated_kwargs.items()))
        doc = add_notice_to_docstring(
            func.__doc__,
            instructions,
            "DEPRECATED FUNCTION ARGUMENT VALUES",
            "(deprecated argument values)",
            [
                f"SOME ARGUMENT VALUES ARE DEPRECATED: `({pairs})`. They will be "
                f"removed {_when(date)}.",
                "Instructions for updating:",
            ],
        )
        return make_decorator(func, new_func, "deprecated", doc)

    return deprecated_wrapper


def deprecated_argument_lookup(
    new_name: str, new_value: object, old_name: str, old_value: object
) -> Any:
    """The value of an argument that has an old and a new name.

    Raises:
      ValueError: both are given.
    """
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old_value


def rewrite_argument_docstring(
    old_doc: str, old_argument: str, new_argument: str
) -> str:
    """A docstring with another name for an argument."""
    return old_doc.replace(f"`{old_argument}`", f"`{new_argument}`").replace(
        f"{old_argument}:", f"{new_argument}:"
    )


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Warn of nothing in the block."""
    global _PRINT_DEPRECATION_WARNINGS
    before = _PRINT_DEPRECATION_WARNINGS
    _PRINT_DEPRECATION_WARNINGS = False
    try:
        yield
    finally:
        _PRINT_DEPRECATION_WARNINGS = before


class HiddenTfApiAttribute(property):
    """An inherited attribute that a subclass takes back: reading it raises."""

    def __init__(self, deprecation_message: str) -> None:
        def raise_error(unused_self: object) -> Any:
            raise AttributeError(deprecation_message)

        super().__init__(raise_error)


hide_attribute_from_api = HiddenTfApiAttribute
HIDDEN_ATTRIBUTE = HiddenTfApiAttribute("This attribute has been deprecated.")
