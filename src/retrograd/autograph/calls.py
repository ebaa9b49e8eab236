"""Calls in converted code: functions of the program are converted when called."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sysconfig
import types
from collections.abc import Callable
from typing import Any

from retrograd import nest
from retrograd.autograph.builtins_of import overload_of
from retrograd.autograph.conversion import ORIGIN, CannotConvert, convert, own_folder
from retrograd.autograph.logs import warn_generator, warn_unconverted
from retrograd.autograph.options import ConversionOptions, Feature
from retrograd.autograph.source import NoSource
from retrograd.graph import dispatch
from retrograd.graph.conversion_status import ControlStatusCtx, Status
from retrograd.ops.flow.auto_control_deps import AutomaticControlDependencies

#: an attribute of functions that are called as they are
MARK = "autograph_info__"
#: packages whose functions are called as they are
_LEFT_ALONE = frozenset(
    "retrograd tensorflow tensorflow_core numpy tensorflow_probability jax jaxlib "
    "scipy pandas pytest _pytest mock pkg_resources urllib3 ipdb psutil matplotlib "
    "tensorboard keras_preprocessing".split()
)
#: what such a package calls its parts that are not to be converted either
_LEFT_ALONE_PARTS = ("tensorflow_datasets.core",)
_STANDARD_LIBRARY = sysconfig.get_paths()["stdlib"]


def artifact(function: Any) -> Any:
    """Mark a function as one that is called as it is; return it."""
    with contextlib.suppress(AttributeError, TypeError):
        setattr(function, MARK, True)
    return function


class FunctionScope:
    """Around the body of a converted function.

    Args:
      name: of the function.
      options: what the conversion was asked for.
    """

    def __init__(self, name: str, options: ConversionOptions) -> None:
        self.callopts = options.call_options()
        self._contexts: list[Any] = [ControlStatusCtx(Status.ENABLED, options)]
        self._manager: Any = None
        if options.user_requested:
            if options.uses(Feature.NAME_SCOPES):
                self._contexts.append(dispatch.name_scope(name))
            if options.uses(Feature.AUTO_CONTROL_DEPS):
                self._manager = AutomaticControlDependencies()
                self._contexts.append(self._manager)

    def __enter__(self) -> FunctionScope:
        for inner in self._contexts:
            inner.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        for inner in reversed(self._contexts):
            inner.__exit__(*exception)

    def mark_return_value(self, value: Any) -> Any:
        """What the function returns; operations with state run before it is there."""
        if self._manager is None:
            return value
        return nest.map_structure(
            lambda v: self._manager.mark_as_return(v) if hasattr(v, "op") else v,
            value,
            expand_composites=True,
        )


def in_scope(scope: FunctionScope, body: Callable[[], Any]) -> Any:
    """The value of a converted lambda."""
    with scope._contexts[0]:
        return body()


# ---------------------------------------------------------------------- what is called


def call(f: Any, args: tuple[Any, ...], kwargs: Any, scope: FunctionScope) -> Any:
    """A call in a converted function."""
    return converted_call(f, scope.callopts, args, kwargs, scope)


def converted_call(
    f: Any,
    options: ConversionOptions,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    caller_fn_scope: FunctionScope | None = None,
) -> Any:
    """Call a function, converted if it is one of the program.

    Args:
      f: what is called.
      options: what the conversion was asked for.
      args, kwargs: the arguments.
      caller_fn_scope: the scope of the function that calls.
    """
    del caller_fn_scope
    kwargs = kwargs or {}
    if isinstance(f, functools.partial):
        return converted_call(
            f.func, options, (*f.args, *args), {**f.keywords, **kwargs}
        )
    if isinstance(f, types.BuiltinFunctionType | type):
        return _builtin(f)(*args, **kwargs)
    target = _converted(f, options)
    if target is None:
        owner = getattr(f, "__self__", None)
        if _stands_for(owner):
            return owner.call(args, kwargs)  # pyright: ignore[reportOptionalMemberAccess]
        return f(*args, **kwargs)
    function, bound = target
    return function(*bound, *args, **kwargs)


def _builtin(f: Any) -> Any:
    return overload_of(f) if getattr(f, "__module__", "") == "builtins" else f


def _converted(
    f: Any, options: ConversionOptions
) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """The converted form of what is called, and arguments that come first."""
    asked = options.user_requested
    if not asked and not options.internal_convert_user_code:
        return None
    function, bound = _function_in(f)
    if function is None or is_left_alone(f, function, asked):
        return None
    wanted = ConversionOptions(
        options.recursive, asked, True, options.optional_features
    )
    try:
        return convert(function, wanted), bound
    except CannotConvert:
        warn_generator(function)
    except (NoSource, SyntaxError, NotImplementedError) as error:
        warn_unconverted(f, error)
    return None


def _function_in(f: Any) -> tuple[types.FunctionType | None, tuple[Any, ...]]:
    """The Python function in something that can be called, and what it is bound to."""
    bound: tuple[Any, ...] = ()
    if not isinstance(f, types.FunctionType | types.MethodType):
        method = inspect.getattr_static(type(f), "__call__", None)
        if not isinstance(method, types.FunctionType) or hasattr(f, MARK):
            return None, ()
        return method, (f,)
    if isinstance(f, types.MethodType):
        owner = f.__self__
        # a method of a traced class is bound to what stands for the instance
        bound = (getattr(owner, "target", owner) if _stands_for(owner) else owner,)
        f = f.__func__
        if not isinstance(f, types.FunctionType):
            return None, ()
    return f, bound


def _stands_for(owner: object) -> bool:
    return hasattr(owner, "weakrefself_target__")


def is_left_alone(f: Any, function: types.FunctionType, asked: bool = False) -> bool:
    """Whether a function is called as it is.

    Args:
      f: what is called.
      function: the Python function in it.
      asked: whether the program asked for the conversion.
    """
    if hasattr(f, MARK) or hasattr(function, MARK) or hasattr(function, ORIGIN):
        return True
    path = function.__code__.co_filename
    if path == "<string>" or path.startswith(own_folder()):
        return True
    if asked:
        return False
    module = str(function.__globals__.get("__name__", ""))
    if module.partition(".")[0] in _LEFT_ALONE or module.startswith(_LEFT_ALONE_PARTS):
        return True
    if path.startswith(("<frozen", "<attrs")) or _in_standard_library(path):
        return True
    return isinstance(f, types.MethodType) and _is_of_named_tuple(f.__self__)


@functools.cache
def _in_standard_library(path: str) -> bool:
    inside = path.startswith(_STANDARD_LIBRARY)
    return inside and "-packages" not in path


def _is_of_named_tuple(owner: Any) -> bool:
    kind = owner if inspect.isclass(owner) else type(owner)
    return issubclass(kind, tuple) and hasattr(kind, "_fields")
