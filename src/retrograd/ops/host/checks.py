"""Checks of values: `tf.assert_equal`, `tf.assert_positive` and their like.

Each gives an operation that fails where the check does; what is known when the graph is
built is checked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph import context, dispatch
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.shape import reshape, shape, size
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control import no_op
from retrograd.ops.host.printing import Assert
from retrograd.ops.math.reduce import reduce_all
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.run.eager import EagerTensor
    from retrograd.typing import TensorLike


NUMERIC_TYPES = frozenset(
    getattr(dtypes, name)
    for name in (
        "float32 float64 int8 int16 int32 int64 uint8 qint8 qint32 quint8 complex64"
    ).split()
)
#: how many elements an eager error shows where all are asked for
_ALL = 10**9

#: by symbol: the name of the check, the op, the comparison of known values
_COMPARISONS: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "==": ("assert_equal", "Equal", np.equal),
    "!=": ("assert_none_equal", "NotEqual", np.not_equal),
    "<": ("assert_less", "Less", np.less),
    "<=": ("assert_less_equal", "LessEqual", np.less_equal),
    ">": ("assert_greater", "Greater", np.greater),
    ">=": ("assert_greater_equal", "GreaterEqual", np.greater_equal),
}


def shown_name(x: Tensor) -> str:
    """How a message calls a tensor: by its name, or eagerly by shape and dtype."""
    if context.executing_eagerly():
        return f"shape={x.shape} dtype={x.dtype.name}"
    return x.name


def tensors_in(*values: object) -> list[Tensor]:
    """Those of some values, and of lists among them, that are tensors."""
    found: list[Tensor] = []
    for value in values:
        items = value if isinstance(value, list | tuple) else [value]
        found += [v for v in items if isinstance(v, Tensor)]
    return found


def _fail_if_known(holds: bool | np.bool_, data: Sequence[TensorLike]) -> None:
    """Raise at once where a check is known to fail.

    Raises:
      InvalidArgumentError: it is.
    """
    if holds:
        return
    lines = []
    for item in data:
        value = constant(item) if isinstance(item, Tensor) else None
        lines.append(str(item) if value is None else str(value))
    raise errors.InvalidArgumentError(None, None, "\n".join(lines))


def _eager_data(
    symbol: str, x: EagerTensor, y: EagerTensor, count: int, holds: EagerTensor
) -> list[Any]:
    """What an eager error shows of two eager tensors."""
    data: list[Any] = [f"Condition x {symbol} y did not hold."]
    if count <= 0:
        return data
    a, b = np.asarray(x.numpy()), np.asarray(y.numpy())
    if a.shape == b.shape and a.shape:
        wrong = ~np.asarray(holds.numpy())
        places = np.argwhere(wrong)
        few = min(count, len(places))
        data += [f"Indices of first {few} different values:", places[:few]]
        data += ["Corresponding x values:", a[wrong].reshape(-1)[:few]]
        data += ["Corresponding y values:", b[wrong].reshape(-1)[:few]]
    a, b = a.reshape(-1), b.reshape(-1)
    first, second = min(a.size, count), min(b.size, count)
    data += [f"First {first} elements of x:", a[:first]]
    return [*data, f"First {second} elements of y:", b[:second]]


def _eager_text(item: object, count: int) -> str:
    if not isinstance(item, Tensor):
        return str(item)
    array = item.numpy()  # pyright: ignore[reportAttributeAccessIssue]
    if np.isscalar(array):
        return str(array)
    flat = np.asarray(array).reshape(-1)
    shown = [str(v) for v in flat[:count]]
    return str([*shown, "..."] if len(shown) < flat.size else shown)


def _compare(
    symbol: str,
    x: TensorLike,
    y: TensorLike,
    data: Sequence[TensorLike] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Any:
    """The check that x and y compare as `symbol` says, element by element."""
    label, op_type, known = _COMPARISONS[symbol]
    with dispatch.name_scope(name, label, tensors_in(x, y, data)):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y")
        if context.executing_eagerly():
            now: tuple[Any, Any] = x, y
            return _compare_now(symbol, *now, data, summarize, message)
        if data is None:
            data = [
                f"Condition x {symbol} y did not hold element-wise:",
                f"x ({x.name}) = ",
                x,
                f"y ({y.name}) = ",
                y,
            ]
        if message is not None:
            data = [message, *data]
        condition = reduce_all(getattr(F, op_type)(x, y))
        a, b = constant(x), constant(y)
        if a is not None and b is not None:
            _fail_if_known(np.all(known(a, b)), data)
        return Assert(condition, data, summarize=summarize)


def _compare_now(
    symbol: str,
    x: EagerTensor,
    y: EagerTensor,
    data: Sequence[TensorLike] | None,
    summarize: int | None,
    message: str | None,
) -> None:
    holds = getattr(F, _COMPARISONS[symbol][1])(x, y)
    if reduce_all(holds):
        return
    count = 3 if summarize is None else _ALL if summarize < 0 else summarize
    if data is None:
        data = _eager_data(symbol, x, y, count, holds)
    if message is not None:
        data = [message, *data]
    text = "\n".join(_eager_text(d, count) for d in data)
    raise errors.InvalidArgumentError(None, None, text)


# ---------------------------------------------------------------------- two tensors


def assert_equal(
    x: TensorLike,
    y: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x == y for every element, broadcast.

    Args:
      x, y: tensors.
      data: what the error shows, by default the tensors.
      summarize: how many elements of each, 3 by default.
      message: a prefix for the error.
      name: the name scope.

    Returns:
      An operation to depend on; None in eager mode.

    Raises:
      InvalidArgumentError: the check fails and all is known.
    """
    with dispatch.name_scope(name, "assert_equal", tensors_in(x, y, data)):
        if x is y:
            return None if context.executing_eagerly() else no_op()
    return _compare("==", x, y, data, summarize, message, name)


def assert_none_equal(
    x: TensorLike,
    y: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x != y for every element (see `assert_equal`)."""
    return _compare("!=", x, y, data, summarize, message, name)


def assert_less(
    x: TensorLike,
    y: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x < y for every element (see `assert_equal`)."""
    return _compare("<", x, y, data, summarize, message, name)


def assert_less_equal(
    x: TensorLike,
    y: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x <= y for every element (see `assert_equal`)."""
    return _compare("<=", x, y, data, summarize, message, name)


def assert_greater(
    x: TensorLike,
    y: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x > y for every element (see `assert_equal`)."""
    return _compare(">", x, y, data, summarize, message, name)


def assert_greater_equal(
    x: TensorLike,
    y: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x >= y for every element (see `assert_equal`)."""
    return _compare(">=", x, y, data, summarize, message, name)


def assert_near(
    x: TensorLike,
    y: TensorLike,
    rtol: TensorLike | None = None,
    atol: TensorLike | None = None,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that |x − y| < atol + rtol · |y| for every element.

    Args:
      x, y: tensors.
      rtol, atol: by default ten times the distance from 1 to the next number.
      data, summarize, message, name: see `assert_equal`.
    """
    message = message or ""
    values = tensors_in(x, y, rtol, atol, data)
    with dispatch.name_scope(name, "assert_near", values):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype, name="y")
        eps = np.finfo(x.dtype.as_numpy_dtype).eps
        given = [10 * eps if t is None else t for t in (rtol, atol)]
        rtol = convert_to_tensor(given[0], x.dtype, name="rtol")
        atol = convert_to_tensor(given[1], x.dtype, name="atol")
        if data is None:
            data = [
                message,
                f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}",
                f"x ({shown_name(x)}) = ",
                x,
                f"y ({shown_name(y)}) = ",
                y,
            ]
        near = F.AddV2(atol, F.Mul(rtol, F.Abs(y)))
        condition = reduce_all(F.Less(F.Abs(F.Sub(x, y)), near))
        return Assert(condition, data, summarize=summarize)


# ---------------------------------------------------------------------- one tensor


def _against_zero(
    label: str,
    symbol: str,
    x: TensorLike,
    data: Sequence[TensorLike] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Any:
    """The check that x compares with 0 as `symbol` says."""
    message = message or ""
    with dispatch.name_scope(name, label, tensors_in(x, data)):
        x = convert_to_tensor(x, name="x")
        if data is None:
            condition = f"Condition x {symbol} 0 did not hold element-wise:"
            source = f"x ({shown_name(x)}) = "
            joined = symbol == "<="
            parts = [condition + source] if joined else [condition, source]
            data = [message, *parts, x]
        zero = convert_to_tensor(0, x.dtype)
        check = assert_less_equal if symbol.endswith("=") else assert_less
        if symbol.startswith(">"):
            return check(zero, x, data=data, summarize=summarize)
        return check(x, zero, data=data, summarize=summarize)


def assert_negative(
    x: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x < 0 for every element (see `assert_equal`)."""
    return _against_zero("assert_negative", "<", x, data, summarize, message, name)


def assert_positive(
    x: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x > 0 for every element (see `assert_equal`)."""
    return _against_zero("assert_positive", ">", x, data, summarize, message, name)


def assert_non_negative(
    x: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x >= 0 for every element (see `assert_equal`)."""
    return _against_zero("assert_non_negative", ">=", x, data, summarize, message, name)


def assert_non_positive(
    x: TensorLike,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """Check that x <= 0 for every element (see `assert_equal`)."""
    return _against_zero("assert_non_positive", "<=", x, data, summarize, message, name)


def assert_proper_iterable(values: object) -> None:
    """Check that a value is meant to be iterated over: no tensor, array or string.

    Raises:
      TypeError: it is not.
    """
    if isinstance(values, Tensor | SparseTensor | np.ndarray | str | bytes):
        raise TypeError(
            'Expected argument "values" to be a "proper" iterable.  Found: '
            f"{type(values)}"
        )
    if not hasattr(values, "__iter__"):
        raise TypeError(
            f'Expected argument "values" to be iterable.  Found: {type(values)}'
        )


def is_numeric_tensor(tensor: object) -> bool:
    """Whether a value is a tensor of numbers."""
    return isinstance(tensor, Tensor) and tensor.dtype.base_dtype in NUMERIC_TYPES


def _differences(x: TensorLike) -> Tensor:
    """x[i + 1] − x[i] of all elements in order; none where there are fewer than two."""
    x = reshape(convert_to_tensor(x), [-1])
    if not is_numeric_tensor(x):
        raise TypeError(f"Expected x to be numeric, instead found: {x}")
    short = F.Less(size(x), 2)
    before_last = F.Sub(shape(x), 1)

    def between() -> Tensor:
        end = F.AddV2([1], before_last)
        later = F.StridedSlice(x, [1], end, [1])
        return F.Sub(later, F.StridedSlice(x, [0], before_last, [1]))

    return cond(short, lambda: convert_to_tensor(np.zeros(0), x.dtype), between)


def is_non_decreasing(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether no element of x, in row-major order, is less than the one before it."""
    with dispatch.name_scope(name, "is_non_decreasing", tensors_in(x)):
        steps = _differences(x)
        zero = convert_to_tensor(0, steps.dtype)
        return reduce_all(F.LessEqual(zero, steps))


def is_strictly_increasing(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether each element of x, in row-major order, is more than the one before it."""
    with dispatch.name_scope(name, "is_strictly_increasing", tensors_in(x)):
        steps = _differences(x)
        zero = convert_to_tensor(0, steps.dtype)
        return reduce_all(F.Less(zero, steps))
