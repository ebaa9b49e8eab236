"""Ops: Python functions as ops: `tf.py_func`, `tf.numpy_function`, `tf.py_function`."""

from __future__ import annotations

import threading
import traceback
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.hooks import hooks
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.ops.declare import NOT_DIFFERENTIABLE, gradient, op
from retrograd.ops.infer import unknown
from retrograd.ops.traits import Blocks, Kind, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


_CLASSES: dict[type[BaseException], Any] = {
    ValueError: errors.InvalidArgumentError,
    TypeError: errors.InvalidArgumentError,
    StopIteration: errors.OutOfRangeError,
    MemoryError: errors.ResourceExhaustedError,
    NotImplementedError: errors.UnimplementedError,
}
#: what NumPy does about floating-point errors in a thread that says nothing about it:
#: kernels run with all of them ignored, the program's functions do not
_AS_NUMPY_STARTS: Any = {
    "divide": "warn",
    "over": "warn",
    "under": "ignore",
    "invalid": "warn",
}


class FuncRegistry:
    """The functions that ops call, by the token that an op holds.

    A function is kept for as long as something else holds it: a graph keeps those of
    its ops.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unique_id = 0
        self._funcs: weakref.WeakValueDictionary[str, Any] = (
            weakref.WeakValueDictionary()
        )

    def insert(self, func: Callable[..., Any]) -> str:
        """Register a function; its token."""
        with self._lock:
            token = f"pyfunc_{self._unique_id}"
            self._unique_id += 1
        self._funcs[token] = func
        return token

    def remove(self, token: str) -> None:
        """Forget a function."""
        self._funcs.pop(token, None)

    def find(self, token: str) -> Callable[..., Any]:
        """The function of a token.

        Raises:
          ValueError: it is gone.
        """
        found = self._funcs.get(token)
        if found is None:
            raise ValueError(f"callback {token} is not found")
        return found

    def size(self) -> int:
        """How many functions there are."""
        return len(self._funcs)


_py_funcs = FuncRegistry()


def _failure(error: Exception) -> Exception:
    kind = next(
        (c for k, c in _CLASSES.items() if isinstance(error, k)), errors.UnknownError
    )
    trace = error.__traceback__
    inside = trace.tb_next if trace is not None else None
    name = type(error).__name__
    if isinstance(error, errors.OpError):
        # of a run within the function: its own message tells what happened there, and
        # would be told twice more by the exceptions behind it
        what, lines = error.message, traceback.format_tb(inside)
        lines = ["Traceback (most recent call last):\n", *lines, f"{name}\n"]
    else:
        what, lines = error, traceback.format_exception(type(error), error, inside)
    return kind(None, None, _bounded(f"{name}: {what}\n{''.join(lines)}"))


#: so many characters a message has at the most, of runs within runs too
_LONGEST = 10_000


def _bounded(text: str) -> str:
    """A message without its middle, if it is too long."""
    if len(text) <= _LONGEST:
        return text
    start, end = text[: _LONGEST // 2], text[-_LONGEST // 2 :]
    return f"{start}\n... {len(text) - _LONGEST} characters left out ...\n{end}"


def _as_array(value: Array | bytes) -> np.ndarray:
    """What a function returned as an array; text as bytes."""
    array = np.asarray(value)
    if array.dtype.kind == "S" and not isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value, object)  # arrays of bytes lose zeros at their ends
    if array.dtype.kind == "U":
        flat = [str(v).encode() for v in array.reshape(-1)]
    elif array.dtype.kind == "S":
        flat = [bytes(v) for v in array.reshape(-1)]
    else:
        return array
    held = np.empty(len(flat), object)
    held[:] = flat
    return held.reshape(array.shape)


def _argument(value: Array, tensor: Tensor) -> Array | bytes:
    """A value as a function gets it: scalars as such, arrays that it may change.

    What stands for a variable or a list stays a tensor.
    """
    if not tensor.dtype.is_numpy_compatible:
        return hooks.eager_tensor(value, tensor.dtype.base_dtype)
    if isinstance(value, np.ndarray):
        return value.copy() if value.shape else value[()]
    return value


def _called(
    token: str, args: Sequence[Array], n: Operation
) -> Array | tuple[Array, ...]:
    wanted = n.attrs["Tout"]
    func = _py_funcs.find(token)
    try:
        pairs = zip(args, n._inputs, strict=True)
        given = [_argument(a, tensor) for a, tensor in pairs]
        with np.errstate(**_AS_NUMPY_STARTS):
            result = func(*given)
    except Exception as error:
        raise _failure(error) from error
    values = list(result) if isinstance(result, list | tuple) else [result]
    if result is None:
        values = []
    if len(values) != len(wanted):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{token} returns {len(values)} values, but expects to see "
            f"{len(wanted)} values.",
        )
    arrays = [_as_array(v) for v in values]
    for i, (array, dtype) in enumerate(zip(arrays, wanted, strict=True)):
        found = dtypes.as_dtype(array.dtype)
        if found != dtype:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"{i}-th value returned by {token} is {type_word(found)}, but "
                f"expects {type_word(dtype)}",
            )
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def _call_kernel(
    xp: Arrays, *args: Array, token: str, n: Operation
) -> Array | tuple[Array, ...]:
    """What a Python function makes of the values of the inputs."""
    del xp
    return _called(token, args, n)


op(
    "PyFunc",
    infer=unknown,
    math="y = f(x)",
    grad=NOT_DIFFERENTIABLE,
    host=True,
    traits=Traits(kind=Kind.PYTHON, blocks=Blocks.PYTHON),
)(_call_kernel)
op(
    "PyFuncStateless",
    infer=unknown,
    math="y = f(x)",
    grad=NOT_DIFFERENTIABLE,
    host=True,
    pure=False,
    traits=Traits(kind=Kind.PYTHON, blocks=Blocks.PYTHON),
)(_call_kernel)
op(
    "EagerPyFunc",
    infer=unknown,
    math="yⱼ = fⱼ(x₀, x₁, …)",
    host=True,
    traits=Traits(kind=Kind.PYTHON),
)(_call_kernel)


@gradient("EagerPyFunc", input="x̄ᵢ = Σⱼ ȳⱼ ∂yⱼ/∂xᵢ")
def _python_gradient(n: Operation, *dys: Tensor) -> list[Tensor]:
    """The function run again, under a tape."""
    return hooks.python_gradient(n, *dys)
