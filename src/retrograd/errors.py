"""Exceptions: TensorFlow's `tf.errors` hierarchy, and one way to word a message.

Every error of this package says what is wrong in one sentence, then the facts, then
the way out; `message` lays that out. The classes below are those TensorFlow 1.15
raises when an operation fails while running, with the same constructors and codes.
"""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import Message

    class _Constructor(Protocol):
        """What `_of_code` makes, looked up on an instance as a method is."""

        def __get__(
            self, instance: object, owner: type
        ) -> Callable[[Message | None, Operation | None, str | None], None]: ...


OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


def message(
    what: str,
    *,
    got: object = None,
    want: object = None,
    at: object = None,
    fix: object = None,
) -> str:
    """Return `what`, then one indented line for each fact that is not None.

        MatMul: inner sizes differ.
          got:  a float32[2, 784], b float32[10, 784]
          fix:  transpose_b=True

    A fact of several lines keeps its later lines under its first.
    """
    lines = [what]
    for key, fact in (("got", got), ("want", want), ("at", at), ("fix", fix)):
        if fact is not None:
            text = str(fact).replace("\n", "\n" + " " * 8)
            lines.append(f"  {key + ':':<6}{text}")
    return "\n".join(lines)


def at_once(op_type: str, name: str | None) -> str:
    """How the error of an op that is run at once ends: ` [Op:Mul] name: mul/`."""
    return f" [Op:{op_type}]" + (f" name: {name}" if name else "")


class InaccessibleTensorError(ValueError):
    """A tensor is used outside the function or loop body that holds it."""


class OperatorNotAllowedInGraphError(TypeError):
    """A Python operator needs a value, and a graph tensor has none yet."""


class OpError(Exception):
    """An operation failed while running; the base of all classes below.

    `node_def` and `op` say which one, as far as known, else None; `message` is the
    text and `error_code` one of the numbers of this module.
    """

    def __init__(
        self,
        node_def: Message | None,
        op: Operation | None,
        message: str | None,
        error_code: int | None,
    ) -> None:
        super().__init__()
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses differ in what their constructors take: ask this one.
        import inspect

        names = inspect.getfullargspec(type(self).__init__).args[1:]
        return type(self), tuple(getattr(self, name) for name in names)

    @property
    def message(self) -> Any:
        """The text that describes the failure."""
        return self._message

    @property
    def op(self) -> Any:
        """The operation that failed, or None when it is not known."""
        return self._op

    @property
    def error_code(self) -> Any:
        """The number of the kind of failure."""
        return self._error_code

    @property
    def node_def(self) -> Any:
        """The NodeDef of the operation that failed, or None."""
        return self._node_def

    def __str__(self) -> str:
        if self._op is None:
            return str(self.message)
        return f"{self.message}\n\n{_origin(self._op)}"


def _origin(op: Operation) -> str:
    """Say where `op` was made and, for an op derived from another, that one too."""
    frames = _frames(op)
    parts = [f"Original stack trace for {op.name!r}:\n", *frames]
    source = getattr(op, "_original_op", None)
    while source is not None:
        previous, frames = frames, _frames(source)
        parts.append(
            f"\n...which was originally created as op {source.name!r}, defined at:\n"
        )
        parts += _elided(frames, previous)
        source = getattr(source, "_original_op", None)
    return "".join(parts)


def _elided(frames: list[str], previous: list[str]) -> Iterable[str]:
    """Yield `frames`, with runs that `previous` has at the same depth shortened."""
    run: list[str] = []  # equal frames not yet shown; the first of a run is shown
    for line, other in zip(frames, previous, strict=False):
        if line == other:
            if not run:
                yield line
            run.append(line)
            continue
        if len(run) > 1:
            yield (f"[elided {len(run) - 2} identical lines from previous traceback]\n")
            yield run[-1]
        run = []
        yield line


def _frames(op: Operation | None) -> list[str]:
    """Return the formatted stack of `op`, less the folder that its files share."""
    stack = [tuple(frame)[:4] for frame in getattr(op, "traceback", None) or ()]
    files = sorted({frame[0] for frame in stack if "<embedded" not in frame[0]})
    folder = os.path.split(os.path.commonprefix(files))[0]  # noqa: RUF071
    return traceback.format_list(
        [(name.removeprefix(folder), *rest) for name, *rest in stack]
    )


def _of_code(code: int) -> Any:
    """The constructor of an error whose class says its code: it takes no number."""

    def __init__(
        self: OpError,
        node_def: Message | None,
        op: Operation | None,
        message: str | None,
    ) -> None:
        OpError.__init__(self, node_def, op, message, code)

    return __init__


class CancelledError(OpError):
    """The step or operation was cancelled, say by closing its queue or session."""

    __init__: _Constructor = _of_code(CANCELLED)


class UnknownError(OpError):
    """A failure that fits no other class, such as one raised by a Python function."""

    def __init__(
        self,
        node_def: Message | None,
        op: Operation | None,
        message: str | None,
        error_code: int | None = UNKNOWN,
    ) -> None:
        super().__init__(node_def, op, message, error_code)


class InvalidArgumentError(OpError):
    """An operation received a value or a shape that it cannot take."""

    __init__: _Constructor = _of_code(INVALID_ARGUMENT)


class DeadlineExceededError(OpError):
    """Time ran out before the operation could finish."""

    __init__: _Constructor = _of_code(DEADLINE_EXCEEDED)


class NotFoundError(OpError):
    """Something asked for, a file or a checkpoint key for one, does not exist."""

    __init__: _Constructor = _of_code(NOT_FOUND)


class AlreadyExistsError(OpError):
    """Something to be made exists already."""

    __init__: _Constructor = _of_code(ALREADY_EXISTS)


class PermissionDeniedError(OpError):
    """The caller may not do this, say read a file."""

    __init__: _Constructor = _of_code(PERMISSION_DENIED)


class UnauthenticatedError(OpError):
    """The request lacks valid credentials."""

    __init__: _Constructor = _of_code(UNAUTHENTICATED)


class ResourceExhaustedError(OpError):
    """Memory, disk space or another resource ran out."""

    __init__: _Constructor = _of_code(RESOURCE_EXHAUSTED)


class FailedPreconditionError(OpError):
    """The state is not ready: most often a variable read before initialisation."""

    __init__: _Constructor = _of_code(FAILED_PRECONDITION)


class AbortedError(OpError):
    """The operation was given up, typically because of a concurrent one."""

    __init__: _Constructor = _of_code(ABORTED)


class OutOfRangeError(OpError):
    """The end of the input: an iterator, queue or reader has no more elements."""

    __init__: _Constructor = _of_code(OUT_OF_RANGE)


class UnimplementedError(OpError):
    """The operation does not support these, otherwise valid, arguments."""

    __init__: _Constructor = _of_code(UNIMPLEMENTED)


class InternalError(OpError):
    """Something that the engine relies on does not hold."""

    __init__: _Constructor = _of_code(INTERNAL)


class UnavailableError(OpError):
    """The runtime cannot be reached now."""

    __init__: _Constructor = _of_code(UNAVAILABLE)


class DataLossError(OpError):
    """Data is cut short or corrupt beyond repair."""

    __init__: _Constructor = _of_code(DATA_LOSS)


_CODE_TO_EXCEPTION_CLASS: dict[int, type[OpError]] = {
    CANCELLED: CancelledError,
    UNKNOWN: UnknownError,
    INVALID_ARGUMENT: InvalidArgumentError,
    DEADLINE_EXCEEDED: DeadlineExceededError,
    NOT_FOUND: NotFoundError,
    ALREADY_EXISTS: AlreadyExistsError,
    PERMISSION_DENIED: PermissionDeniedError,
    UNAUTHENTICATED: UnauthenticatedError,
    RESOURCE_EXHAUSTED: ResourceExhaustedError,
    FAILED_PRECONDITION: FailedPreconditionError,
    ABORTED: AbortedError,
    OUT_OF_RANGE: OutOfRangeError,
    UNIMPLEMENTED: UnimplementedError,
    INTERNAL: InternalError,
    UNAVAILABLE: UnavailableError,
    DATA_LOSS: DataLossError,
}
_EXCEPTION_CLASS_TO_CODE = {cls: code for code, cls in _CODE_TO_EXCEPTION_CLASS.items()}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """Return the class of a code; KeyError for a number that is not one."""
    return _CODE_TO_EXCEPTION_CLASS[error_code]


def error_code_from_exception_type(cls: type[OpError]) -> Any:
    """Return the code of a class.

    For anything else warn and return an `UnknownError` (not a number), as
    TensorFlow 1.15 does.
    """
    try:
        return _EXCEPTION_CLASS_TO_CODE[cls]
    except KeyError:
        warnings.warn("Unknown class exception", stacklevel=2)
        return UnknownError(None, None, "Unknown class exception", None)


def _make_specific_exception(
    node_def: Message | None, op: Operation | None, message: str | None, error_code: int
) -> OpError:
    """Return the exception of a code, or warn and return an UnknownError with it."""
    cls: Any = _CODE_TO_EXCEPTION_CLASS.get(error_code)
    if cls is not None:
        return cls(node_def, op, message)
    warnings.warn(f"Unknown error code: {error_code}", stacklevel=2)
    return UnknownError(node_def, op, message, error_code)


class Status:
    """The outcome of a call that reports failure by a code instead of raising."""

    def __init__(self) -> None:
        self.code = OK
        self.message = ""


class raise_exception_on_not_ok_status:
    """Give a `Status` to the block, and raise what it holds when the block ends."""

    def __enter__(self) -> Status:
        self.status = Status()
        return self.status

    def __exit__(self, *exc_info: object) -> None:
        status = self.status
        del self.status
        if status.code != OK:
            raise _make_specific_exception(None, None, status.message, status.code)
