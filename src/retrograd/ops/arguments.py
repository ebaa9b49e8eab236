"""What many functions and kernels do with their arguments."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from retrograd.errors import InvalidArgumentError

T = TypeVar("T")


def refused(text: str) -> InvalidArgumentError:
    """The error of a kernel that cannot take its inputs; the op is added to it."""
    return InvalidArgumentError(None, None, text)


def xla_name(dtype: np.dtype) -> str:
    """An integer dtype as XLA writes it: S32, U8."""
    return f"{'U' if dtype.kind == 'u' else 'S'}{8 * dtype.itemsize}"


def cast_refused(dtype: np.dtype) -> str:
    """What XLA says where it needs a fraction of an integer dtype."""
    return (
        f"Invalid cast from floating point type to {xla_name(dtype)} in "
        "ConstantR0WithType."
    )


def refused_by_xla(text: str) -> InvalidArgumentError:
    """The error of a kernel that TensorFlow leaves to XLA, which has none.

    It comes out twice: by the operation, and by the copy of its result.
    """
    return refused(
        f"2 root error(s) found.\n  (0) Invalid argument: {text}\n"
        f"  (1) Invalid argument: {text}\n"
        "0 successful operations.\n0 derived errors ignored."
    )


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
