"""What AutoGraph says about itself: `set_verbosity`, `trace`, warnings."""

from __future__ import annotations

import os
import sys
import weakref
from typing import Any

from retrograd.platform import logs

_VARIABLE = "AUTOGRAPH_VERBOSITY"


class _Log:
    """How much is said, and what has been said already."""

    def __init__(self) -> None:
        self.level: int | None = None
        self.to_stdout = False
        self.warned: Any = weakref.WeakSet()


LOG = _Log()


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Say how much AutoGraph logs.

    Args:
      level: 0 for nothing but warnings, up to 10.
      alsologtostdout: whether it is printed too.
    """
    LOG.level = level
    LOG.to_stdout = alsologtostdout


def get_verbosity() -> int:
    """How much AutoGraph logs."""
    if LOG.level is not None:
        return LOG.level
    return int(os.environ.get(_VARIABLE, 0))


def has_verbosity(level: int) -> bool:
    """Whether what belongs to a level is logged."""
    return get_verbosity() >= level


def log(level: int, msg: str, *args: object) -> None:
    """Log a message of a level."""
    if has_verbosity(level):
        logs.info(msg, *args)
        if LOG.to_stdout:
            print(msg % args)


def error(level: int, msg: str, *args: object) -> None:
    """Log an error of a level."""
    if has_verbosity(level):
        logs.error(msg, *args)
        if LOG.to_stdout:
            print("ERROR: " + msg % args)


def warn(msg: str, *args: object) -> None:
    """Log a warning."""
    logs.warning(msg, *args)
    if LOG.to_stdout:
        print("WARNING: " + msg % args)
        sys.stdout.flush()


def trace(*args: object) -> None:
    """Print values as the code is traced: tensors are shown, not their values.

    Example:
      `tf.autograph.trace("x is", x)`
    """
    print(*args)


def warn_generator(function: object) -> None:
    """Say once that a function is a generator."""
    if _first(function):
        warn(
            "Entity %s appears to be a generator function. It will not be converted by "
            "AutoGraph.",
            function,
        )


def warn_unconverted(function: object, cause: BaseException) -> None:
    """Say once that a function is called as it is."""
    if _first(function):
        warn(
            "Entity %s could not be transformed and will be executed as-is. Please "
            "report this to the AutoGraph team. When filing the bug, set the verbosity "
            "to 10 (on Linux, `export AUTOGRAPH_VERBOSITY=10`) and attach the full "
            "output. Cause: %s",
            function,
            cause,
        )


def _first(function: object) -> bool:
    code = getattr(function, "__code__", function)
    if code in LOG.warned:
        return False
    LOG.warned.add(code)
    return True
