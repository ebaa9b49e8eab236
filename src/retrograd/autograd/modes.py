"""Whether operations are kept for differentiation, and running them at once."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from retrograd.graph import context

if TYPE_CHECKING:
    from retrograd.autograd.graph import Recorder

_F = TypeVar("_F", bound=Callable[..., Any])


class _Local(threading.local):
    enabled = True


_local = _Local()


def is_grad_enabled() -> bool:
    """Whether what is computed now in this thread can be differentiated."""
    return _local.enabled


class set_grad_enabled:
    """Keep operations for differentiation from now on, or do not.

    The call itself sets the mode; as a context manager it restores what was before, as
    a decorator it holds for the calls of a function.

    Args:
      mode: whether to keep them.
    """

    def __init__(self, mode: bool) -> None:
        self._mode = bool(mode)
        self._before = _local.enabled
        _local.enabled = self._mode

    def __enter__(self) -> None:
        _local.enabled = self._mode

    def __exit__(self, *unused: object) -> None:
        _local.enabled = self._before

    def __call__(self, function: _F) -> _F:
        """`function`, in this mode."""
        _local.enabled = self._before
        return _during(function, self._mode)


class _Block:
    """A mode for a `with` block or a function; blocks of one object may be nested."""

    _mode: bool

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """The block, or, given a function, this function in the mode."""
        return (
            super().__new__(cls) if function is None else _during(function, cls._mode)
        )

    def __enter__(self) -> None:
        self._before.append(_local.enabled)
        _local.enabled = self._mode

    def __exit__(self, *unused: object) -> None:
        _local.enabled = self._before.pop()

    def __call__(self, function: _F) -> _F:
        """`function`, in this mode."""
        return _during(function, self._mode)


class no_grad(_Block):
    """A block, or a decorator, whose results do not require gradients."""

    _mode = False


class enable_grad(_Block):
    """A block, or a decorator, whose results can be differentiated."""

    _mode = True


class inference_mode(_Block):
    """The same as `no_grad`: results are ordinary tensors."""

    _mode = False


def _during(function: Callable[..., Any], mode: bool) -> Any:
    @functools.wraps(function)
    def inside(*args: object, **kwargs: object) -> Any:
        before, _local.enabled = _local.enabled, mode
        try:
            return function(*args, **kwargs)
        finally:
            _local.enabled = before

    return inside


class running:
    """A block whose ops run at once, and are told to a recorder beside other tapes.

    Args:
      recorder: has the methods of a tape; None to record nothing more.
    """

    __slots__ = ("_before", "_recorder")

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        local = context.local
        self._before = local.eager, local.tapes
        local.eager = True
        if self._recorder is not None:
            local.tapes = [*local.tapes, self._recorder]

    def __exit__(self, *unused: object) -> None:
        context.local.eager, context.local.tapes = self._before
