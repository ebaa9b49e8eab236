"""Python's `inspect`, looking through TensorFlow's decorators."""

from __future__ import annotations

import functools
import inspect
import sys
from collections import namedtuple
from collections.abc import Callable
from inspect import FullArgSpec
from types import FrameType
from typing import TYPE_CHECKING, Any

from retrograd.util.decorators import unwrap

if TYPE_CHECKING:
    from types import CodeType, FunctionType, MethodType, ModuleType, TracebackType
    from typing import TypeAlias

    #: what has a source: Python's `inspect` finds it
    Sourced: TypeAlias = (
        ModuleType
        | type
        | MethodType
        | FunctionType
        | TracebackType
        | FrameType
        | CodeType
        | Callable[..., Any]
    )

ArgSpec = namedtuple("ArgSpec", ["args", "varargs", "keywords", "defaults"])
_NO_DEFAULT = object()


def is_own(obj: object) -> bool:
    """Whether a function or class is one of ours, which stands for TensorFlow's."""
    return str(getattr(obj, "__module__", None)).startswith("retrograd.")


def _full(spec: FullArgSpec | ArgSpec) -> FullArgSpec:
    if isinstance(spec, FullArgSpec):
        return spec
    return FullArgSpec(
        spec.args, spec.varargs, spec.keywords, spec.defaults, [], None, {}
    )


def getfullargspec(obj: Callable[..., Any]) -> FullArgSpec:
    """The parameters of a callable, or those its outermost decorator gives it.

    TensorFlow's own functions have no annotations.
    """
    decorators, target = unwrap(obj)
    for decorator in decorators:
        if decorator.decorator_argspec is not None:
            return _full(decorator.decorator_argspec)
    spec = inspect.unwrap(inspect.getfullargspec)(target)  # Python's, if it is replaced
    return spec._replace(annotations={}) if is_own(target) else spec


def getargspec(obj: Callable[..., Any]) -> ArgSpec:
    """As `getfullargspec`, without what Python 2 did not have.

    Raises:
      ValueError: a partial function that gives a default to a parameter before one
        without, or to one that the function does not have.
      TypeError: not a callable.
    """
    if isinstance(obj, functools.partial):
        return _of_partial(obj)
    decorators, target = unwrap(obj)
    for decorator in decorators:
        if decorator.decorator_argspec is not None:
            return decorator.decorator_argspec
    tried: list[Callable[[], Any]] = [lambda: target]
    if isinstance(target, type):
        tried += [lambda: target.__init__, lambda: target.__new__]
    for candidate in tried:
        try:
            return _short(getfullargspec(candidate()))
        except TypeError:
            continue
    return _short(getfullargspec(type(target).__call__))


def _short(spec: FullArgSpec) -> ArgSpec:
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


def _of_partial(obj: functools.partial) -> ArgSpec:
    args, varargs, keywords, defaults = getargspec(obj.func)
    args = args[len(obj.args) :]
    every: list[Any] = [_NO_DEFAULT] * len(args)
    if defaults:
        every[-len(defaults) :] = defaults
    for name, value in (obj.keywords or {}).items():
        if name in args:
            every[args.index(name)] = value
        elif not keywords:
            raise ValueError(
                "Function does not have **kwargs parameter, but contains an unknown "
                "partial keyword."
            )
    given = [i for i, value in enumerate(every) if value is not _NO_DEFAULT]
    if not given:
        return ArgSpec(args, varargs, keywords, None)
    first = given[0]
    missing = range(first, len(args))
    without = [args[k] for k in missing if every[k] is _NO_DEFAULT]
    if without:
        raise ValueError(
            f"Some arguments {without} do not have default value, but they are "
            "positioned after those with default values. This can not be expressed "
            "with ArgSpec."
        )
    return ArgSpec(args, varargs, keywords, tuple(every[first:]))


def getcallargs(*func_and_positional: Any, **named: Any) -> dict[str, Any]:
    """What each parameter of a callable gets from given arguments.

    Args:
      *func_and_positional: the callable, then positional arguments.
      **named: keyword arguments.
    """
    func, *positional = func_and_positional
    spec = getfullargspec(func)
    bound = getattr(func, "__self__", None)
    if ismethod(func) and bound:
        positional.insert(0, bound)
    call_args = dict(named)
    remaining = [name for name in spec.args if name not in call_args]
    call_args.update(zip(remaining, positional, strict=False))
    defaults = spec.defaults or ()
    with_default = spec.args[len(spec.args) - len(defaults) :]
    for name, value in zip(with_default, defaults, strict=True):
        call_args.setdefault(name, value)
    for name, value in (spec.kwonlydefaults or {}).items():
        call_args.setdefault(name, value)
    return call_args


def currentframe() -> FrameType:
    """The frame of the caller."""
    return sys._getframe(1)


def stack(context: int = 1) -> list[inspect.FrameInfo]:
    """The frames from the caller on outwards."""
    return inspect.stack(context)[1:]


def getfile(object: Sourced) -> str:
    """The file that holds the definition of an object, or that a frame runs."""
    target = unwrap(object)[1]
    file = getattr(target, "f_globals", {}).get("__file__")
    return file or inspect.getfile(target)


def getsource(object: Sourced) -> str:
    """The source of an object."""
    return inspect.getsource(unwrap(object)[1])


def getsourcefile(object: Sourced) -> str | None:
    """The source file of an object."""
    return inspect.getsourcefile(unwrap(object)[1])


def getsourcelines(object: Sourced) -> tuple[list[str], int]:
    """The source of an object in lines, and the number of the first."""
    return inspect.getsourcelines(unwrap(object)[1])


def isbuiltin(object: object) -> bool:
    """Whether it is a built-in function."""
    return inspect.isbuiltin(unwrap(object)[1])


def isclass(object: object) -> bool:
    """Whether it is a class."""
    return inspect.isclass(unwrap(object)[1])


def isfunction(object: object) -> bool:
    """Whether it is a function written in Python."""
    return inspect.isfunction(unwrap(object)[1])


def isframe(object: object) -> bool:
    """Whether it is a frame."""
    return inspect.isframe(unwrap(object)[1])


def isgenerator(object: object) -> bool:
    """Whether it is a generator."""
    return inspect.isgenerator(unwrap(object)[1])


def isgeneratorfunction(object: object) -> bool:
    """Whether it is a function that makes a generator."""
    return inspect.isgeneratorfunction(unwrap(object)[1])


def ismethod(object: object) -> bool:
    """Whether it is a bound method."""
    return inspect.ismethod(unwrap(object)[1])


def ismodule(object: object) -> bool:
    """Whether it is a module."""
    return inspect.ismodule(unwrap(object)[1])


def isroutine(object: object) -> bool:
    """Whether it is a function or method of any kind."""
    return inspect.isroutine(unwrap(object)[1])


# These look at the decorated object itself.
getdoc = inspect.getdoc
getframeinfo = inspect.getframeinfo
getmembers = inspect.getmembers
getmodule = inspect.getmodule
getmro = inspect.getmro
