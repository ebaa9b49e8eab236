"""What variables hold before they have a value."""

from __future__ import annotations


class Undefined:
    """Stands for the value of a variable that has none yet.

    Args:
      symbol_name: the variable.
    """

    def __init__(self, symbol_name: str) -> None:
        self.symbol_name = symbol_name


class UndefinedReturnValue:
    """Stands for the result of a function that has not returned yet."""


def is_undefined(value: object) -> bool:
    """Whether a value stands for a variable without one."""
    return isinstance(value, Undefined)


def is_undefined_return(value: object) -> bool:
    """Whether a value stands for a result that is not there yet."""
    return isinstance(value, UndefinedReturnValue)


def retval(value: object) -> object:
    """What a function returns: None if it came to its end without `return`."""
    return None if is_undefined_return(value) else value
