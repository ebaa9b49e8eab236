"""Functions that differentiate Python functions, recording them as they run."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.grad.tape import GradientTape
from retrograd.graph.convert import convert_to_tensor

if TYPE_CHECKING:
    from retrograd.typing import Structure


def _positions(
    f: Callable[..., Any], params: Sequence[int | str] | None, args: Sequence[Any]
) -> list[int]:
    """The positions of the parameters to differentiate with respect to.

    Raises:
      ValueError: a parameter is named twice, or is none of f's.
    """
    if params is None:
        return list(range(len(args)))
    names = list(inspect.signature(f).parameters)
    found = []
    for param in params:
        if isinstance(param, str):
            if param not in names:
                raise ValueError(f"{param!r} is not in list")
            param = names.index(param)
        found.append(param)
    if len(set(found)) != len(found):
        raise ValueError("params must be unique")
    return found


def _call(
    f: Callable[..., Any],
    params: Sequence[int | str] | None,
    args: Sequence[Any],
    kwargs: dict[str, Any],
) -> tuple[Any, GradientTape, list[Any]]:
    """Run f on watched copies of its arguments."""
    from retrograd.ops.array.identity import identity

    places = _positions(f, params, args)
    given = list(args)
    for i in places:
        if any(a is None for a in nest.flatten(given[i])):
            raise ValueError("Cannot differentiate with respect to None.")
    tape = GradientTape(persistent=True)
    sources = []
    with tape:
        for i in places:
            # a copy: the same tensor given twice has a derivative for each
            given[i] = nest.map_structure(
                lambda a: (
                    a
                    if getattr(a, "_is_resource_variable", False)
                    else identity(convert_to_tensor(a))
                ),
                given[i],
            )
            tape.watch(given[i])
            sources.append(given[i])
        result = f(*given, **kwargs)
        if result is None:
            raise ValueError(
                "Cannot differentiate a function that returns None; did you forget to "
                f"return a value from {getattr(f, '__name__', f)}?"
            )
    return result, tape, sources


def val_and_grad_function(
    f: Callable[..., Any], params: Sequence[int | str] | None = None
) -> Callable[..., tuple[Any, list[Any]]]:
    """A function that returns f's value and its derivatives.

    Args:
      f: returns a tensor or a nested structure.
      params: positions or names of the arguments; by default all.

    Returns:
      `g(*args, dy=None)`; `dy` is the seed, by default ones.
    """

    @functools.wraps(f)
    def decorated(*args: object, **kwargs: object) -> tuple[Any, list[Any]]:
        dy = kwargs.pop("dy", None)
        if kwargs:
            raise ValueError(
                "Functions to be differentiated cannot receive keyword arguments."
            )
        value, tape, sources = _call(f, params, args, {})
        value = nest.map_structure(convert_to_tensor, value)
        return value, list(tape.gradient(value, sources, dy))

    return decorated


def gradients_function(
    f: Callable[..., Any], params: Sequence[int | str] | None = None
) -> Callable[..., list[Any]]:
    """A function that returns the derivatives of f (see `val_and_grad_function`)."""
    both = val_and_grad_function(f, params)

    @functools.wraps(f)
    def decorated(*args: object, **kwargs: object) -> list[Any]:
        return both(*args, **kwargs)[1]

    return decorated


def make_vjp(
    f: Callable[..., Any],
    params: Sequence[int | str] | None = None,
    persistent: bool = True,
) -> Callable[..., tuple[Any, Callable[..., Any]]]:
    """A function that returns f's value and the map from seeds to derivatives."""
    del persistent

    @functools.wraps(f)
    def decorated(*args: object, **kwargs: object) -> tuple[Any, Callable[..., Any]]:
        value, tape, sources = _call(f, params, args, kwargs)
        value = nest.map_structure(convert_to_tensor, value)

        def vjp(dy: Structure = None) -> Any:
            if dy is not None:
                dy = [convert_to_tensor(d) for d in nest.flatten(dy)]
            return tape.gradient(value, sources, dy)

        return value, vjp

    return decorated


def implicit_val_and_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that returns f's value and `(derivative, variable)` pairs.

    The variables are the trainable ones that f reads.
    """

    @functools.wraps(f)
    def decorated(*args: object, **kwargs: object) -> Any:
        with GradientTape() as tape:
            value = f(*args, **kwargs)
            if value is None:
                raise ValueError(
                    "Cannot differentiate a function that returns None; did you forget "
                    f"to return a value from {getattr(f, '__name__', f)}?"
                )
        variables = tape.watched_variables()
        if not variables:
            raise ValueError(
                "No trainable variables were accessed while the function "
                "was being computed."
            )
        terms = tape.gradient(value, list(variables))
        return value, list(zip(terms, variables, strict=True))

    return decorated


def implicit_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that returns `(derivative, variable)` pairs of f."""
    both = implicit_val_and_grad(f)

    @functools.wraps(f)
    def decorated(*args: object, **kwargs: object) -> Any:
        return both(*args, **kwargs)[1]

    return decorated
