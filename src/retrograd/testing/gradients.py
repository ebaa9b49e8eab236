"""Gradients of functions against differences, eagerly or in a session.

This is what TensorFlow 2 has as `tf.test.compute_gradient`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.grad.api import gradients
from retrograd.grad.jacobian import FLOATS, Directions, dense, jacobians, largest_gap
from retrograd.graph import context, dispatch
from retrograd.graph.composite import IndexedSlices, IndexedSlicesValue
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import Structure


def compute_gradient(
    f: Callable[..., Any], x: list[Any], delta: float = 1e-3
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """The theoretical and the numeric Jacobians of a function, one for each argument.

    Args:
      f: a function of tensors of floats that returns one such tensor.
      x: its arguments, where to differentiate.
      delta: the step of the differences.

    Returns:
      Two tuples of matrices: a row for each element of the argument, a column for each
      of the result.

    Raises:
      ValueError: `x` is no list; or the result is empty, and a gradient is not zeros.
      AssertionError: an argument or the result is not of floats.
    """
    if not isinstance(x, list):
        raise ValueError(
            f"`x` must be a list of Tensors (arguments to `f`), not a {type(x)}"
        )
    tensors = [convert_to_tensor(value) for value in x]
    types = [tensor.dtype.base_dtype for tensor in tensors]
    points = [np.array(_value(tensor)) for tensor in tensors]
    y = np.asarray(_prepared(f, types)(*points))
    y_dtype = dtypes.as_dtype(y.dtype)
    for who, dtype in [*(("argument", t) for t in types), ("y", y_dtype)]:
        if dtype.name not in FLOATS:
            raise AssertionError(
                f"Cannot compute gradient for unsupported type {dtype.name} of {who}"
            )
    pairs = []
    for i, (point, dtype) in enumerate(zip(points, types, strict=True)):
        jacobian = _of_argument(f, points, types, y_dtype, i)
        pairs.append(jacobians(jacobian, point, dtype, y.shape, y_dtype, delta))
    return tuple(t for t, _ in pairs), tuple(n for _, n in pairs)


def max_error(grad1: Iterable[np.ndarray], grad2: Iterable[np.ndarray]) -> Any:
    """The largest gap between the elements of two lists of equally shaped arrays."""
    return largest_gap(zip(grad1, grad2, strict=True))


def _of_argument(
    f: Callable[..., Any],
    points: list[np.ndarray],
    types: list[Any],
    y_type: dtypes.DType,
    i: int,
) -> Directions:
    """How f and its gradient depend on argument i, the others held."""
    value = _prepared(f, types)
    backward = _prepared(lambda dy, *xs: _gradient(f, xs, i, dy), [y_type, *types])

    def arguments(point: np.ndarray) -> list[np.ndarray]:
        return [*points[:i], point, *points[i + 1 :]]

    return Directions(
        value=lambda point: value(*arguments(point)),
        backward=lambda point, seed: backward(seed, *arguments(point)),
    )


def _gradient(f: Callable[..., Any], xs: Sequence[Any], i: int, dy: Structure) -> Any:
    if not context.executing_eagerly():
        return gradients(f(*xs), xs[i], dy)[0]
    from retrograd.grad.tape import GradientTape

    with GradientTape() as tape:
        tape.watch(xs[i])
        y = f(*xs)
    return tape.gradient(y, xs[i], output_gradients=dy)


def _prepared(f: Callable[..., Any], types: Sequence[Any]) -> Callable[..., Any]:
    """`f` from arrays to arrays: run eagerly, or built once and run in the session."""
    if context.executing_eagerly():
        return lambda *arrays: _value(f(*map(convert_to_tensor, arrays)))
    xs = [dispatch.apply("Placeholder", dtype=dtype, shape=None) for dtype in types]
    y, session = f(*xs), context.get_default_session()
    return lambda *arrays: session.run(y, dict(zip(xs, arrays, strict=True)))


def _value(tensor: Any) -> Any:
    """An eager or a graph tensor's value; rows of a sparse gradient stay rows."""
    if not context.executing_eagerly():
        return context.get_default_session().run(tensor)
    if isinstance(tensor, IndexedSlices):
        rows = (tensor.values.numpy(), tensor.indices.numpy())
        return IndexedSlicesValue(*rows, dense_shape=None)
    return tensor.numpy()


def to_array(a: Structure) -> Any:
    """The value of a tensor or of a sparse gradient's rows as an array; else `a`."""
    if isinstance(a, Tensor):
        return _value(a)
    if isinstance(a, IndexedSlicesValue):
        return dense(a, tuple(a.dense_shape))
    return a
