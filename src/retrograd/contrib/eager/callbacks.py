"""Functions called after each eager op, and checks for infinities and NaN by them."""

from __future__ import annotations

import contextlib
import enum
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph import context
from retrograd.platform import logs
from retrograd.run import eager

if TYPE_CHECKING:
    from retrograd.typing import Array


class ExecutionCallback(enum.Enum):
    """What to do about an infinity or NaN."""

    IGNORE = "ignore"
    PRINT = "print"
    RAISE = "raise"
    WARN = "warn"


_DEFAULT = ExecutionCallback.RAISE


class InfOrNanError(Exception):
    """An eager op gave infinities or NaN.

    Attributes:
      op_type, op_name: the op; the name is None where the program gave none.
      output_index: which of its outputs.
      num_outputs: how many it has.
      value: the output as an array.
    """

    def __init__(
        self,
        op_type: str,
        op_name: str | None,
        output_index: int,
        num_outputs: int,
        value: Array,
    ) -> None:
        self.op_type, self.op_name = op_type, op_name
        self.output_index, self.num_outputs = output_index, num_outputs
        self.value = value
        infs, nans = (
            np.count_nonzero(np.isinf(value)),
            np.count_nonzero(np.isnan(value)),
        )
        counts = [f"{n} {what}(s)" for n, what in ((infs, "inf"), (nans, "nan")) if n]
        shown = None if op_name is None else f"'{op_name}'"
        super().__init__(
            f"Output {output_index + 1} of {num_outputs} of TFE operation {op_type} "
            f"(name: {shown}) contains {' and '.join(counts) or '0 nan(s)'} out of a "
            f"total of {np.size(value)} element(s). Tensor value: {value}"
        )


def inf_nan_callback(
    op_type: str,
    inputs: Sequence[Any],
    attrs: Sequence[Any] | None,
    outputs: Sequence[Any],
    op_name: str | None,
    check_inf: bool = True,
    check_nan: bool = True,
    action: ExecutionCallback | str | None = _DEFAULT,
) -> None:
    """Look for infinities and NaN in what an op gave.

    Args:
      op_type, inputs, attrs, outputs, op_name: see `add_execution_callback`.
      check_inf, check_nan: what to look for.
      action: an ExecutionCallback: what to do.

    Raises:
      InfOrNanError: something was found, if that is the action.
      ValueError: no such action.
    """
    del inputs, attrs
    action = ExecutionCallback(action)
    for index, output in enumerate(outputs):
        if not (output.dtype.is_floating or output.dtype.is_complex):
            continue
        value = output.numpy()
        if not (
            (check_inf and np.any(np.isinf(value)))
            or (check_nan and np.any(np.isnan(value)))
        ):
            continue
        error = InfOrNanError(op_type, op_name, index, len(outputs), value)
        if action is ExecutionCallback.PRINT:
            print(f"Warning: {error}")
        elif action is ExecutionCallback.WARN:
            logs.warn(str(error))
        elif action is ExecutionCallback.RAISE:
            raise error
        else:
            raise ValueError(
                f"Invalid action for inf_nan_callback: {action}. Valid actions are: "
                "{PRINT | WARN | RAISE}"
            )


def inf_callback(
    op_type: str,
    inputs: Sequence[Any],
    attrs: Sequence[Any] | None,
    outputs: Sequence[Any],
    op_name: str | None,
    action: ExecutionCallback | str | None = _DEFAULT,
) -> None:
    """As `inf_nan_callback`, for infinities only."""
    inf_nan_callback(
        op_type, inputs, attrs, outputs, op_name, check_nan=False, action=action
    )


def nan_callback(
    op_type: str,
    inputs: Sequence[Any],
    attrs: Sequence[Any] | None,
    outputs: Sequence[Any],
    op_name: str | None,
    action: ExecutionCallback | str | None = _DEFAULT,
) -> None:
    """As `inf_nan_callback`, for NaN only."""
    inf_nan_callback(
        op_type, inputs, attrs, outputs, op_name, check_inf=False, action=action
    )


def add_execution_callback(callback: Callable[..., Any]) -> None:
    """Have a function called after each eager op and call of a function.

    Args:
      callback: `f(op_type, inputs, attrs, outputs, op_name)`; `attrs` is a tuple of
        names and values in turn, `op_name` is None where the program gave none.
    """
    eager.callbacks.append(callback)


def clear_execution_callbacks() -> None:
    """Call none of these functions any more."""
    eager.callbacks.clear()


def _action_of(callback: object) -> ExecutionCallback | None:
    """What a callback does about infinities and NaN; None for any other."""
    if callback is inf_nan_callback:
        return _DEFAULT
    if isinstance(callback, functools.partial) and callback.func is inf_nan_callback:
        return callback.keywords.get("action", _DEFAULT)
    return None


def seterr(
    inf_or_nan: ExecutionCallback | str | None = None,
) -> dict[str, ExecutionCallback]:
    """Say what to do about infinities and NaN that eager ops give.

    Args:
      inf_or_nan: an ExecutionCallback; None leaves it as it is.

    Returns:
      What was done before, as keyword arguments of this function.

    Raises:
      ValueError: no such action.
    """
    wanted = None if inf_or_nan is None else ExecutionCallback(inf_or_nan)
    before = ExecutionCallback.IGNORE
    for callback in eager.callbacks:
        before = _action_of(callback) or before
    if wanted is not None:
        eager.callbacks[:] = [c for c in eager.callbacks if _action_of(c) is None]
        if wanted is not ExecutionCallback.IGNORE:
            eager.callbacks.append(functools.partial(inf_nan_callback, action=wanted))
    return {"inf_or_nan": before}


@contextlib.contextmanager
def errstate(inf_or_nan: ExecutionCallback | str | None = None) -> Iterator[None]:
    """A context in which something else is done about infinities and NaN."""
    if not context.executing_eagerly():
        yield
        return
    before = seterr(inf_or_nan)
    try:
        yield
    finally:
        seterr(**before)
