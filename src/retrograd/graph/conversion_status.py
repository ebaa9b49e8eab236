"""Whether the code that runs was converted by AutoGraph; messages depend on it."""

from __future__ import annotations

import enum
import threading


class Status(enum.Enum):
    """What is known of the code that runs."""

    UNSPECIFIED = 0
    ENABLED = 1
    DISABLED = 2


class ControlStatusCtx:
    """A context in which code has a status.

    Args:
      status: the status.
      options: what the conversion was asked for.
    """

    def __init__(self, status: Status, options: object = None) -> None:
        self.status = status
        self.options = options

    def __enter__(self) -> ControlStatusCtx:
        _local.stack.append(self)
        return self

    def __repr__(self) -> str:
        return f"{self.status}[options={self.options}]"

    def __exit__(self, *unused: object) -> None:
        assert _local.stack[-1] is self
        _local.stack.pop()


class NullCtx:
    """A context that changes nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *unused: object) -> None:
        pass


class _Local(threading.local):
    def __init__(self) -> None:
        self.stack = [ControlStatusCtx(Status.UNSPECIFIED)]


_local = _Local()


def control_status_ctx() -> ControlStatusCtx:
    """The innermost status of this thread."""
    return _local.stack[-1]
