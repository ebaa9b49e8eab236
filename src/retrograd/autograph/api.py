"""`tf.autograph`: converting functions, and asking not to."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from retrograd.autograph import conversion
from retrograd.autograph.calls import MARK, artifact, converted_call
from retrograd.autograph.conversion import CannotConvert
from retrograd.autograph.failures import (
    AutoGraphError,
    ConversionError,
    StagingError,
    told,
)
from retrograd.autograph.operators import OPERATORS
from retrograd.autograph.options import ConversionOptions, Feature
from retrograd.graph.conversion_status import (
    ControlStatusCtx,
    Status,
)
from retrograd.graph.hooks import hooks
from retrograd.util.decorators import make_decorator, rewrap, unwrap

if TYPE_CHECKING:
    Features = Feature | Iterable[Feature] | None


# ---------------------------------------------------------------------- decorators


def convert(
    recursive: bool = False,
    optional_features: Features = None,
    user_requested: bool = True,
) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that converts a function when it is called.

    Args:
      recursive: whether functions that it calls are converted too.
      optional_features: a Feature, some, or None.
      user_requested: whether this very function is to be converted, wherever it is
        from.
    """

    def decorator(f: Callable[..., Any]) -> Any:
        options = ConversionOptions(
            recursive=recursive,
            user_requested=user_requested,
            optional_features=optional_features,
        )

        @functools.wraps(f)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return _called(f, options, args, kwargs)

        return artifact(make_decorator(f, wrapper, "convert"))

    return decorator


def _called(
    f: Callable[..., Any],
    options: ConversionOptions,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """A call of a function, converted; errors are told by the program's lines."""
    try:
        with ControlStatusCtx(Status.ENABLED, options):
            return converted_call(f, options, args, kwargs)
    except Exception as error:
        made = told(error)
        trace = error.__traceback__
    raise made.with_traceback(trace)


def do_not_convert(func: Callable[..., Any] | None = None) -> Any:
    """Leave a function, and those that it calls, as they are.

    Args:
      func: the function; without it, this is a decorator with brackets.
    """
    return do_not_convert if func is None else _with_status(func, Status.DISABLED)


def do_not_convert_internal(f: Callable[..., Any]) -> Any:
    """Mark a function as one that is called as it is."""
    return artifact(f)


def call_with_unspecified_conversion_status(func: Callable[..., Any]) -> Any:
    """A function that runs as code of which AutoGraph knows nothing."""
    return _with_status(func, Status.UNSPECIFIED)


def _with_status(func: Callable[..., Any], status: Status) -> Any:
    """A function that is called as it is, as code of a status."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with ControlStatusCtx(status):
            return func(*args, **kwargs)

    if isinstance(func, types.FunctionType | types.MethodType):
        wrapper = functools.update_wrapper(wrapper, func)
    return artifact(wrapper)


def tf_convert(
    f: Callable[..., Any],
    ctx: ControlStatusCtx,
    convert_by_default: bool = True,
    force_conversion: bool = False,
) -> Any:
    """A function that is given to TensorFlow, converted as the code that gives it is.

    Args:
      f: the function.
      ctx: the status of that code.
      convert_by_default: whether it is converted where nothing is known of the code.
      force_conversion: whether it is converted whatever it is.
    """
    if hasattr(f, MARK):
        return f
    f_wrapper = f
    _, f = unwrap(f)
    if ctx.status is Status.DISABLED:
        made = do_not_convert(f)
    elif ctx.status is Status.ENABLED or convert_by_default:
        made = convert(recursive=True, user_requested=force_conversion)(f)
    else:
        made = call_with_unspecified_conversion_status(f)
    return made if f_wrapper is f else rewrap(f_wrapper, f, made)


def traced_function(f: Callable[..., Any], options: object) -> Callable[..., Any]:
    """What is run to trace a function: its converted form.

    Args:
      f: the function.
      options: the Features that `tf.function` was given.
    """
    wanted = ConversionOptions(
        recursive=True,
        user_requested=True,
        optional_features=options,  # pyright: ignore[reportArgumentType]
    )
    original = unwrap(f)[1]

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return _called(original, wanted, args, kwargs)

    return rewrap(f, original, make_decorator(original, wrapper, "autograph"))


#: what converted code calls
ag__ = OPERATORS
hooks.provide(traced_function=traced_function)


# ---------------------------------------------------------------------- by hand


def to_graph(
    entity: Any,
    recursive: bool = True,
    arg_values: object = None,
    arg_types: object = None,
    experimental_optional_features: Features = None,
) -> Any:
    """A function with its control flow converted.

    Args:
      entity: a function or a method; the latter takes its instance first then. Or a
        class: then one with all its methods converted.
      recursive: whether functions that it calls are converted too.
      arg_values, arg_types: accepted.
      experimental_optional_features: a Feature, some, or None.

    Raises:
      ConversionError: it cannot be converted.
      NotImplementedError: it is neither, or a generator.

    Example:
      `tf.autograph.to_graph(lambda x: x if x > 0 else -x)(tensor)`
    """
    del arg_values, arg_types
    options = _options(recursive, experimental_optional_features)
    if isinstance(entity, type):
        return _converted_class(entity, options)
    return _by_hand(conversion.convert, entity, options)


def to_code(
    entity: Any,
    recursive: bool = True,
    arg_values: object = None,
    arg_types: object = None,
    indentation: str = "  ",
    experimental_optional_features: Features = None,
) -> str:
    """The source that a function is converted to; arguments as for `to_graph`."""
    del arg_values, arg_types, indentation
    options = _options(recursive, experimental_optional_features)
    if isinstance(entity, type):
        texts = [
            _by_hand(conversion.text_of, f, options) for f in _methods(entity).values()
        ]
        return "\n".join(texts)
    return _by_hand(conversion.text_of, entity, options)


def to_graph_v2(
    entity: Any,
    recursive: bool = True,
    experimental_optional_features: Features = None,
) -> Any:
    """As `to_graph`, with the arguments of TensorFlow 2."""
    return to_graph(
        entity, recursive, experimental_optional_features=experimental_optional_features
    )


def to_code_v2(
    entity: Any,
    recursive: bool = True,
    experimental_optional_features: Features = None,
) -> str:
    """As `to_code`, with the arguments of TensorFlow 2."""
    return to_code(
        entity, recursive, experimental_optional_features=experimental_optional_features
    )


def _options(recursive: bool, features: Features) -> ConversionOptions:
    return ConversionOptions(
        recursive=recursive, user_requested=True, optional_features=features
    )


def _by_hand(
    how: Callable[[Any, ConversionOptions], Any], entity: Any, options: Any
) -> Any:
    function = getattr(entity, "__func__", entity)
    function = getattr(function, conversion.ORIGIN, function)
    if not isinstance(function, types.FunctionType):
        if hasattr(entity, "_python_function"):
            raise ConversionError(
                f"converting {entity}: AttributeError: 'Function' object has no "
                "attribute '__code__'"
            )
        raise NotImplementedError(
            f'cannot convert entity "{entity}": object conversion is not yet supported.'
        )
    try:
        return how(function, options)
    except CannotConvert:
        raise NotImplementedError("Generators are not supported by AutoGraph") from None
    except (ValueError, SyntaxError) as error:
        raise ConversionError(f"converting {entity}: ValueError: {error}") from None


def _methods(entity: type) -> dict[str, types.FunctionType]:
    return {
        name: value
        for name, value in vars(entity).items()
        if isinstance(value, types.FunctionType)
    }


def _converted_class(entity: type, options: ConversionOptions) -> type:
    """A subclass with all methods converted."""
    methods = {
        name: _by_hand(conversion.convert, f, options)
        for name, f in _methods(entity).items()
    }
    return type(
        "Tf" + entity.__name__, (entity,), {**methods, "__module__": entity.__module__}
    )


__all__ = [
    "AutoGraphError",
    "ConversionError",
    "StagingError",
    "call_with_unspecified_conversion_status",
    "convert",
    "converted_call",
    "do_not_convert",
    "do_not_convert_internal",
    "tf_convert",
    "to_code",
    "to_graph",
]
