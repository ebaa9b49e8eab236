"""What many functions and kernels do with their arguments."""

from __future__ import annotations

from typing import Any

from retrograd.errors import InvalidArgumentError


def refused(text: str) -> InvalidArgumentError:
    """The error of a kernel that cannot take its inputs; the op is added to it."""
    return InvalidArgumentError(None, None, text)


def renamed(new_name: str, new_value: Any, old_name: str, old_value: Any) -> Any:
    """The value of an argument that has a newer and an older name.

    Raises:
      ValueError: both are given.
    """
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old_value
