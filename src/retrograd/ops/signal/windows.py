"""Windows: weights that fade a piece of a signal in and out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones, range_
from retrograd.ops.flow.branches import cond
from retrograd.ops.math.casts import cast
from retrograd.ops.math.unary import cos
from retrograd.ops.static import constant as known

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike


def hann_window(
    window_length: TensorLike,
    periodic: TensorLike = True,
    dtype: DTypeLike = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Weights 0.5 − 0.5 cos(2π i / n), named after Julius von Hann.

    Args:
      window_length: how many.
      periodic: whether n is `window_length` where that is even, so that such windows
        add up; else, and where it is odd, n is one less.
      dtype: a type of floats.
      name: the name of the operation.

    Raises:
      ValueError: another type, or a length that is no scalar.
    """
    return _raised_cosine(name, "hann_window", window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(
    window_length: TensorLike,
    periodic: TensorLike = True,
    dtype: DTypeLike = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Weights 0.54 − 0.46 cos(2π i / n), named after Richard Hamming.

    Args and errors are those of `hann_window`.
    """
    parts = (0.54, 0.46)
    return _raised_cosine(
        name, "hamming_window", window_length, periodic, dtype, *parts
    )


def _raised_cosine(
    name: str | None,
    default_name: str,
    window_length: TensorLike,
    periodic: TensorLike,
    dtype: DTypeLike,
    a: float,
    b: float,
) -> Tensor:
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {dtype}")
    with name_scope(name, default_name, [window_length, periodic]):
        length: Any = convert_to_tensor(
            window_length, dtypes.int32, name="window_length"
        )
        length.shape.assert_has_rank(0)
        count = known(length)
        if count is not None:
            count = int(count)
        if count == 1:
            return ones([1], dtype)
        whole = convert_to_tensor(periodic, dtypes.bool, name="periodic")
        whole.shape.assert_has_rank(0)

        def weights() -> Tensor:
            even = 1 - length % 2
            n = cast(length + cast(whole, dtypes.int32) * even - 1, dtype)
            turn = constant(2 * math.pi, dtype) * cast(range_(length), dtype)
            return a - b * cos(turn / n)

        if count is not None:
            return weights()
        return cond(length > 1, weights, lambda: ones([length], dtype))
