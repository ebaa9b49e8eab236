"""Constructors that take many arguments, of tables of their names and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Any

#: `**kwargs`
KEYWORDS = Parameter("kwargs", Parameter.VAR_KEYWORD)


def bound(
    signature: Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """All arguments of a call by their names, those of `**kwargs` among them."""
    found = signature.bind(*args, **kwargs)
    found.apply_defaults()
    given = dict(found.arguments)
    return {**given.pop("kwargs", {}), **given}


def constructor(
    names: str, defaults: Mapping[str, Any], **own: Any
) -> Callable[..., None]:
    """An `__init__` that hands its arguments to `_begin`, all by their names.

    Args:
      names: the arguments, in their order.
      defaults: what they are if they are not given; those that it lacks must be.
      **own: defaults that are different.

    Raises:
      TypeError: (the `__init__`) an argument is missing, or given twice.
    """
    known = {**defaults, **own}
    parameters = [
        Parameter(
            name,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=known.get(name, Parameter.empty),
        )
        for name in names.split()
    ]
    signature = Signature([*parameters, KEYWORDS])

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        self._begin(bound(signature, args, kwargs))

    me = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    made: Any = __init__
    made.__signature__ = Signature([me, *parameters, KEYWORDS])
    return made
