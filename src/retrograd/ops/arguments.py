"""What many functions and kernels do with their arguments."""

from __future__ import annotations

from typing import TypeVar

from retrograd.errors import InvalidArgumentError

T = TypeVar("T")


def refused(text: str) -> InvalidArgumentError:
    """The error of a kernel that cannot take its inputs; the op is added to it."""
    return InvalidArgumentError(None, None, text)


def renamed(
    new_name: str, new_value: T | None, old_name: str, old_value: T | None
) -> T:
    """The value of an argument that has a newer and an older name.

    Raises:
      ValueError: both are given.
    """
    if old_value is None:
        # None only where the caller takes it, or refuses it as a tensor
        return new_value  # pyright: ignore[reportReturnType]
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old_value
