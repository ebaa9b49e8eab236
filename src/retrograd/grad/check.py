"""`tf.test.compute_gradient` and its error: gradients against differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.grad.api import gradients
from retrograd.grad.jacobian import FLOATS, Directions, jacobians, largest_gap
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Structure


def compute_gradient(
    x: Structure,
    x_shape: Structure,
    y: Structure,
    y_shape: Structure,
    x_init_value: Structure = None,
    delta: float = 1e-3,
    init_targets: Sequence[Any] | None = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> Any:
    """The theoretical and the numeric Jacobian of dy/dx, in the default session.

    Args:
      x: a tensor of floats, or a list of such.
      x_shape: its shape, a sequence of ints; for a list, a list of shapes.
      y: a tensor of floats that depends on `x`.
      y_shape: its shape.
      x_init_value: where to differentiate: an array, or a list of arrays; by default
        uniform random numbers in [0, 1).
      delta: the step of the differences.
      init_targets: operations to run first.
      extra_feed_dict: feeds for other tensors.

    Returns:
      Two matrices of shape [elements of x, elements of y]; for a list, such a pair for
      each x.

    Raises:
      AssertionError: a dtype is no float, or `x_init_value` has another shape.
      ValueError: y is empty, and the gradient is not zeros of the shape of x.
    """
    if isinstance(x, list):
        inits = [None] * len(x) if x_init_value is None else x_init_value
        rows = list(zip(x, x_shape, inits, strict=True))
    else:
        rows = [(x, x_shape, x_init_value)]
    backward = [_backward(xi, y, y_shape) for xi, _, _ in rows]
    _run_first(init_targets)
    pairs = []
    for (xi, shape, init), (dx, dy) in zip(rows, backward, strict=True):
        point = _point(xi, shape, init, y)
        run = _runner(xi, y, dx, dy, extra_feed_dict or {})
        pairs.append(jacobians(run, point, xi.dtype, tuple(y_shape), y.dtype, delta))
    return pairs if isinstance(x, list) else pairs[0]


def compute_gradient_error(
    x: Structure,
    x_shape: Structure,
    y: Structure,
    y_shape: Structure,
    x_init_value: Structure = None,
    delta: float = 1e-3,
    init_targets: Sequence[Any] | None = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> Any:
    """The largest difference between the two Jacobians of `compute_gradient`.

    The arguments, and what is raised, are those of `compute_gradient`.
    """
    pairs = compute_gradient(
        x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict
    )
    return largest_gap([pairs] if isinstance(pairs, tuple) else pairs)


def _backward(x: Tensor, y: Tensor, y_shape: Sequence[int]) -> tuple[Any, Any]:
    """The gradient of y by x, and the tensor to feed with dy."""
    with x.graph.as_default():
        ones = np.ones(y_shape, y.dtype.as_numpy_dtype)
        fed = convert_to_tensor(ones, y.dtype.base_dtype)
        # Its identity enters the sweep: where dx is dy itself, dx must not be fed.
        dy = dispatch.apply("Identity", fed)
    (dx,) = gradients(y, x, dy)
    if dx is None:
        raise AssertionError(f"dx = {dx}")
    return dx, fed


def _run_first(targets: Sequence[Any] | None) -> None:
    if targets is None:
        return
    if not isinstance(targets, (list, tuple)):
        raise AssertionError(f"init_targets: a list is needed, not {targets!r}")
    for target in targets:
        target.run()


def _point(
    x: Tensor, x_shape: Sequence[int], init: Array | None, y: Tensor
) -> np.ndarray:
    """The array to differentiate at."""
    for name, tensor in (("x", x), ("y", y)):
        if tensor.dtype.base_dtype.name not in FLOATS:
            raise AssertionError(f"Don't support type {tensor.dtype.name} for {name}")
    if init is not None:
        if list(x_shape) != list(init.shape):
            raise AssertionError(f"x_shape = {x_shape}, init_data shape = {init.shape}")
        return np.asarray(init)
    point = np.asarray(np.random.random_sample(x_shape))
    point = point.astype(x.dtype.as_numpy_dtype)
    if np.iscomplexobj(point):
        point.imag = np.random.random_sample(x_shape)
    return point


def _runner(
    x: Tensor, y: Tensor, dx: Tensor, dy: Tensor, feeds: dict[Any, Any]
) -> Directions:
    session = context.get_default_session()
    return Directions(
        value=lambda point: session.run(y, {**feeds, x: point}),
        backward=lambda point, seed: session.run(dx, {**feeds, x: point, dy: seed}),
    )
