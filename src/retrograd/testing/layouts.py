"""Conversions between the layouts of image batches, of shapes and of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import retrograd as tf
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

VECTOR = 4  # channels in the innermost dimension of NCHW_VECT_C


def NHWCToNCHW(input_tensor: TensorLike | Sequence[Any]) -> Any:
    """A 4-D or 5-D tensor, or a list of its sizes, from channels last to first."""
    return _permuted(input_tensor, {4: [0, 3, 1, 2], 5: [0, 4, 1, 2, 3]})


def NCHWToNHWC(input_tensor: TensorLike | Sequence[Any]) -> Any:
    """A 4-D or 5-D tensor, or a list of its sizes, from channels first to last."""
    return _permuted(input_tensor, {4: [0, 2, 3, 1], 5: [0, 2, 3, 4, 1]})


def NHWCToNCHW_VECT_C(input_shape_or_tensor: TensorLike | Sequence[Any]) -> Any:
    """From channels last to channels first in groups of 4, the group innermost.

    Raises:
      ValueError: the number of channels is not a multiple of 4.
    """
    sizes = _sizes(input_shape_or_tensor)
    if sizes[-1] % VECTOR:
        raise ValueError(
            "Last dimension of input must be evenly divisible by 4 to convert to "
            "NCHW_VECT_C."
        )
    split = [*sizes[:-1], sizes[-1] // VECTOR, VECTOR]
    is_tensor = isinstance(input_shape_or_tensor, Tensor)
    return _permuted(
        tf.reshape(input_shape_or_tensor, split) if is_tensor else split,
        {5: [0, 3, 1, 2, 4], 6: [0, 4, 1, 2, 3, 5]},
    )


def NCHW_VECT_CToNHWC(input_shape_or_tensor: TensorLike | Sequence[Any]) -> Any:
    """From channels first in groups of 4 to channels last.

    Raises:
      ValueError: the innermost dimension is not 4.
    """
    if _sizes(input_shape_or_tensor)[-1] != VECTOR:
        raise ValueError("Last dimension of NCHW_VECT_C must be 4.")
    moved = _permuted(
        input_shape_or_tensor, {5: [0, 2, 3, 1, 4], 6: [0, 2, 3, 4, 1, 5]}
    )
    sizes = _sizes(moved)
    joined = [*sizes[:-2], sizes[-2] * VECTOR]
    return tf.reshape(moved, joined) if isinstance(moved, Tensor) else joined


def _sizes(x: Any) -> list[Any]:
    return x.shape.as_list() if isinstance(x, Tensor) else list(x)


def _permuted(x: Any, by_rank: dict[int, list[int]]) -> Any:
    if isinstance(x, Tensor):
        return tf.transpose(x, by_rank[len(_sizes(x))])
    return [x[axis] for axis in by_rank[len(x)]]
