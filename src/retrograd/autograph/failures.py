"""Errors in converted code, told by the lines of the program."""

from __future__ import annotations

import linecache
import traceback
from types import TracebackType
from typing import Any

from retrograd import errors
from retrograd.autograph.conversion import is_converted, own_folder


class AutoGraphError(Exception):
    """Something went wrong in AutoGraph; the base of the classes below."""


class ConversionError(AutoGraphError):
    """A function could not be converted."""


class StagingError(AutoGraphError):
    """Converted code failed, with an error of which no other can be made."""


class _KeyError(KeyError):
    """A KeyError whose message has lines."""

    def __str__(self) -> str:
        return self.args[0]


_KeyError.__name__ = _KeyError.__qualname__ = "KeyError"

#: errors that stay what they are; the message is the only argument
_SAME = (
    AssertionError,
    AttributeError,
    NameError,
    NotImplementedError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
    errors.InaccessibleTensorError,
    errors.OperatorNotAllowedInGraphError,
    ConversionError,
    StagingError,
)


class ErrorMetadata:
    """Where converted code failed.

    Args:
      error: what was raised.
      trace: the frames that it passed, outermost first.
    """

    def __init__(self, error: BaseException, trace: TracebackType | None) -> None:
        self.cause = f"{_kind_of(error)}: {_text_of(error)}"
        self.frames = _frames(trace)

    def get_message(self) -> str:
        """The lines of the program that led to the error, and what it says."""
        lines = ["in converted code:", ""]
        for file, line, name, mark, text in self.frames:
            lines.append(f"    {file}:{line} {name}{mark}")
            lines.append(f"        {text}")
        cause = self.cause.replace("\n", "\n    ")
        return "\n".join([*lines, "", f"    {cause}", ""])

    def to_exception(self, source_error: BaseException) -> BaseException:
        """An error of the same class, if it can be made, with this message."""
        text = self.get_message()
        made = _like(source_error, text)
        made.ag_error_metadata = self
        made.__suppress_context__ = True
        return made


def _kind_of(error: BaseException) -> str:
    return type(error).__name__


def _text_of(error: BaseException) -> str:
    if isinstance(error, errors.OpError):
        return str(error.message)
    return str(error)


def _like(error: BaseException, text: str) -> Any:
    kind: Any = type(error)
    if kind in _SAME:
        return kind(text)
    if isinstance(error, KeyError):
        return _KeyError(text)
    if isinstance(error, errors.OpError):
        try:
            return kind(error.node_def, error.op, text)
        except TypeError:
            return StagingError(text)
    own = "__init__" in vars(kind) or "__new__" in vars(kind)
    if kind.__init__ is Exception.__init__ and not own:
        return kind(text)
    return StagingError(text)


def _frames(trace: TracebackType | None) -> list[tuple[str, int, str, str, str]]:
    """File, line, function, mark and text of the frames of the program."""
    found = []
    for frame, line in traceback.walk_tb(trace):
        code = frame.f_code
        if code.co_filename.startswith(own_folder()):
            continue
        text = linecache.getline(code.co_filename, line, frame.f_globals).strip()
        mark = "  *" if is_converted(code) else ""
        found.append((code.co_filename, line, code.co_name, mark, text))
    return found


def told(error: Exception) -> BaseException:
    """The error to raise in place of one that converted code raised."""
    metadata = ErrorMetadata(error, error.__traceback__)
    known = getattr(error, "ag_error_metadata", None)
    if known is not None:  # of a function that was called in there
        metadata.frames = metadata.frames or known.frames
        metadata.cause = known.cause
    return metadata.to_exception(error)
