"""The Jacobian of a function at a point, twice: by its gradient, and by differences.

A Jacobian here is a matrix with a row for every element of x and a column for every
element of y.  The theoretical one comes column by column out of the gradient,
asked with unit vectors; the numeric one row by row out of central differences,

    ∂y/∂xᵢ ≈ (y(x + δeᵢ) − y(x − δeᵢ)) / 2δ.

A complex array counts as one of twice as many reals, so that functions which are not
holomorphic have Jacobians too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from retrograd import dtypes
from retrograd.graph.composite import IndexedSlicesValue

FLOATS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
Pair = tuple[np.ndarray, np.ndarray]


class Directions(NamedTuple):
    """The two functions a Jacobian is read off: y of x, and dx of x and dy."""

    value: Callable[[np.ndarray], Any]
    backward: Callable[[np.ndarray, np.ndarray], Any]


def jacobians(
    of: Directions,
    point: np.ndarray,
    x_dtype: dtypes.DType,
    y_shape: tuple[int, ...],
    y_dtype: dtypes.DType,
    delta: float,
) -> Pair:
    """The theoretical and the numeric Jacobian at a point."""
    theoretical = _theoretical(of, point, x_dtype, y_shape, y_dtype)
    return theoretical, _numeric(of, point, x_dtype, y_shape, y_dtype, delta)


def _real(dtype: dtypes.DType) -> Any:
    return dtype.real_dtype.as_numpy_dtype


def _elements(shape: Sequence[int], dtype: dtypes.DType) -> int:
    return math.prod(shape) * (2 if dtype.is_complex else 1)


def _theoretical(
    of: Directions,
    point: np.ndarray,
    x_dtype: dtypes.DType,
    y_shape: tuple[int, ...],
    y_dtype: dtypes.DType,
) -> np.ndarray:
    columns = _elements(y_shape, y_dtype)
    jacobian = np.zeros((_elements(point.shape, x_dtype), columns), _real(x_dtype))
    seed = np.zeros(y_shape, y_dtype.as_numpy_dtype)
    flat = seed.reshape(-1).view(_real(y_dtype))
    for column in range(columns):
        flat[column] = 1
        dx = dense(of.backward(point, seed), point.shape)
        jacobian[:, column] = dx.ravel().view(jacobian.dtype)
        flat[column] = 0
    if not columns:
        dx = dense(of.backward(point, seed), point.shape)
        if dx.shape != point.shape:
            raise ValueError(
                f"Empty gradient has wrong shape: expected {point.shape}, "
                f"got {dx.shape}"
            )
        if np.any(dx):
            raise ValueError("Empty tensor with nonzero gradients")
    return jacobian


def dense(dx: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A gradient's value as an array; the rows of a sparse one added up."""
    if not isinstance(dx, IndexedSlicesValue):
        return np.asarray(dx)
    whole = np.zeros(shape, dx.values.dtype)
    np.add.at(whole, dx.indices, dx.values)
    return whole


def _numeric(
    of: Directions,
    point: np.ndarray,
    x_dtype: dtypes.DType,
    y_shape: tuple[int, ...],
    y_dtype: dtypes.DType,
    delta: float,
) -> np.ndarray:
    # bfloat16 has too few digits for differences: they are taken in float32.
    x_real, y_real = (
        np.dtype(np.float32 if dtype.name == "bfloat16" else _real(dtype))
        for dtype in (x_dtype, y_dtype)
    )
    rows, columns = _elements(point.shape, x_dtype), _elements(y_shape, y_dtype)
    jacobian = np.zeros((rows, columns), x_real)
    step = np.asarray(2 * delta, y_real)[()]
    for row in range(rows):
        ends = []
        for shift in (delta, -delta):
            moved = np.array(
                point, x_real if x_dtype.name == "bfloat16" else None, order="C"
            )
            moved.reshape(-1).view(x_real)[row] += shift
            y = np.asarray(of.value(moved.astype(x_dtype.as_numpy_dtype, copy=False)))
            ends.append(
                y.reshape(-1).astype(y.dtype if y.dtype.kind != "V" else y_real)
            )
        jacobian[row] = ((ends[0] - ends[1]) / step).view(y_real)
    return jacobian


def largest_gap(pairs: Iterable[Pair]) -> Any:
    """The largest difference between two matrices of a pair; 0 where all are empty."""
    gaps = [np.fabs(t - n).max() for t, n in pairs if t.size or n.size]
    return max(gaps, default=0)
