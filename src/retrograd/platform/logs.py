"""`tf.logging`: the Python logger "tensorflow", written to stderr."""

from __future__ import annotations

import functools
import logging
import sys
import threading
import traceback
from logging import DEBUG, ERROR, FATAL, INFO, WARN  # noqa: F401  public names
from types import FrameType
from typing import Any

from retrograd.platform import log_owner

_counters: dict[tuple[str, int], int] = {}


def _calling_frame() -> FrameType | None:
    """The nearest frame that is neither in this file nor in Python's logging."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_filename in (__file__, logging.__file__):
        frame = frame.f_back
    return frame


def _find_caller(
    stack_info: bool = False, stacklevel: int = 1
) -> tuple[str, int, str, str | None]:
    del stacklevel
    frame = _calling_frame()
    text = "\n".join(traceback.format_stack()) if stack_info else None
    if frame is None:
        return "(unknown file)", 0, "(unknown function)", text
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, text


@functools.cache
def _configured() -> logging.Logger:
    logger = logging.getLogger("tensorflow")
    logger.findCaller = _find_caller
    if logging.getLogger().handlers and not log_owner.ours:
        return logger  # the program has set up logging: nothing is written twice
    interactive = bool(getattr(sys, "ps1", False)) or bool(sys.flags.interactive)
    if interactive:
        logger.setLevel(INFO)
    handler = logging.StreamHandler(sys.stdout if interactive else sys.stderr)
    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT, None))
    logger.addHandler(handler)
    return logger


_lock = threading.Lock()


def get_logger() -> logging.Logger:
    """The logger "tensorflow".

    At the first call it gets a handler that writes to stderr, or to stdout and from
    INFO on in an interactive session, unless the program had configured logging itself
    before it imported TensorFlow.
    """
    with _lock:
        return _configured()


def log(level: int, msg: object, *args: object, **kwargs: Any) -> None:
    """Log `msg % args` at a level."""
    get_logger().log(level, msg, *args, **kwargs)


def debug(msg: object, *args: object, **kwargs: Any) -> None:
    """Log at DEBUG."""
    get_logger().debug(msg, *args, **kwargs)


def info(msg: object, *args: object, **kwargs: Any) -> None:
    """Log at INFO."""
    get_logger().info(msg, *args, **kwargs)


def warning(msg: object, *args: object, **kwargs: Any) -> None:
    """Log at WARN."""
    get_logger().warning(msg, *args, **kwargs)


def warn(msg: object, *args: object, **kwargs: Any) -> None:
    """Log at WARN."""
    get_logger().warning(msg, *args, **kwargs)


def error(msg: object, *args: object, **kwargs: Any) -> None:
    """Log at ERROR."""
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: object, *args: object, **kwargs: Any) -> None:
    """Log at FATAL; the program goes on."""
    get_logger().critical(msg, *args, **kwargs)


def vlog(level: int, msg: object, *args: object, **kwargs: Any) -> None:
    """Log at a level given as a number."""
    get_logger().log(level, msg, *args, **kwargs)


def TaskLevelStatusMessage(msg: object) -> None:
    """Log at ERROR."""
    error(msg)


def flush() -> None:
    """Not provided by TensorFlow 1.15 either.

    Raises:
      NotImplementedError: always.
    """
    raise NotImplementedError


def log_if(level: int, msg: object, condition: object, *args: object) -> None:
    """Log at a level if the condition holds."""
    if condition:
        vlog(level, msg, *args)


def log_every_n(level: int, msg: object, n: int, *args: object) -> None:
    """Log the first, the (n+1)-th, the (2n+1)-th … call from one line of code."""
    log_if(level, msg, _count() % n == 0, *args)


def log_first_n(level: int, msg: object, n: int, *args: object) -> None:
    """Log the first `n` calls from one line of code."""
    log_if(level, msg, _count() < n, *args)


def _count() -> int:
    """How often the calling line has been here before."""
    frame = _calling_frame()
    place = (frame.f_code.co_filename, frame.f_lineno) if frame else ("<unknown>", 0)
    _counters[place] = _counters.get(place, -1) + 1
    return _counters[place]


def get_verbosity() -> int:
    """The level from which messages are logged."""
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int) -> None:
    """Set the level from which messages are logged."""
    get_logger().setLevel(v)
