"""Where a program opened the device and colocation blocks around an operation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from retrograd.graph import device
from retrograd.graph.operation import PACKAGE, Operation, line_of

if TYPE_CHECKING:
    from retrograd.graph.device import DeviceSpecV2
    from retrograd.typing import DeviceLike


class TraceableObject:
    """An object, and the line of the program that put it where it is.

    Attributes:
      obj: the object; None where it says nothing beyond the place.
      filename: the file of the line.
      lineno: its number.
    """

    SUCCESS, HEURISTIC_USED, FAILURE = 0, 1, 2

    def __init__(
        self, obj: object, filename: str | None = None, lineno: int | None = None
    ) -> None:
        self.obj = obj
        self.filename = filename
        self.lineno = lineno

    def copy_metadata(self) -> TraceableObject:
        """A copy without the object."""
        return type(self)(None, self.filename, self.lineno)


class _Place:
    """The innermost frame outside this package; its line is looked up when asked."""

    def __init__(self) -> None:
        frame: Any = sys._getframe(2)
        while frame is not None and _is_ours(frame.f_code):
            frame = frame.f_back
        self._at = None if frame is None else (frame.f_code, frame.f_lasti)

    def _traced(self, obj: object) -> TraceableObject:
        if self._at is None:
            return TraceableObject(obj)
        code, instruction = self._at
        return TraceableObject(obj, code.co_filename, line_of(code, instruction))


def _is_ours(code: CodeType) -> bool:
    name = code.co_filename
    return name.startswith(PACKAGE) or name == contextlib_file


contextlib_file = str(Path(sys.modules["contextlib"].__file__ or ""))


class DeviceScope(_Place):
    """A `device` block.

    Attributes:
      name: the full device name that the block asks for, or None.
      function: the function from an operation to its device, or None.
    """

    def __init__(self, given: DeviceLike) -> None:
        super().__init__()
        self._given: Any = given
        self.function: Callable[[Operation], Any] | None = None
        self.name: str | None = None
        if callable(given):
            self.function = given
        elif given is not None:
            self.name = device.canonical_name(given)

    @property
    def clears(self) -> bool:
        """Whether the blocks around this one are ignored."""
        return self.name is None and self.function is None

    @property
    def traced(self) -> TraceableObject:
        """What the block was given, as text, with its place."""
        return self._traced(self._shown())

    def _shown(self) -> Any:
        given = self._given
        if self.function is None:
            return given.to_string() if hasattr(given, "to_string") else given
        code = getattr(given, "__code__", None) or getattr(
            getattr(given, "__func__", None), "__code__", None
        )
        name = getattr(given, "__name__", type(given).__name__)
        if code is None:
            return f"{name}<unknown file, -1>"
        return f"{name}<{code.co_filename}, {code.co_firstlineno}>"

    def apply(self, op: Operation) -> None:
        """Set the operation's device: parts that are set already stay."""
        if self.function is not None:
            op._device = self._result(self.function(op))
        elif self.name:
            op._device = device.merge(self.name, op._device)

    def _result(self, given: str | bytes | DeviceSpecV2) -> str:
        """The device name that a function gave."""
        if isinstance(given, bytes):
            given = given.decode()
        if isinstance(given, str):
            return given
        if not hasattr(given, "to_string"):
            raise TypeError(f"Expected binary or unicode string, got {given!r}")
        return given.to_string()


class OverrideScope(_Place):
    """A `gradient_override_map` block that was entered.

    Attributes:
      names: the name of the gradient for each op type.
      first, last: operations that are numbered between them were made inside.
    """

    def __init__(self, names: dict[str, str], first: int) -> None:
        super().__init__()
        self.names = dict(names)
        self.first, self.last = first, sys.maxsize

    @property
    def traced(self) -> TraceableObject:
        """The map, with its place."""
        return self._traced(self.names)


class ColocationScope(_Place):
    """A `colocate_with` block; `op` is the operation it names."""

    def __init__(self, op: Operation) -> None:
        super().__init__()
        self.op = op

    @property
    def traced(self) -> TraceableObject:
        """The place of the block."""
        return self._traced(None)
