"""Helpers of TensorFlow's recurrent networks that programs import by internal names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.layers.rnn_cell_base import (
    joined_sizes,
    static_sizes,
    zero_state_tensors,
)
from retrograd.layers.rnn_steps import (
    best_effort_batch_size,
    infer_state_dtype,
    is_keras_cell,
    transpose_batch_time,
)
from retrograd.layers.static_rnn import turned

if TYPE_CHECKING:
    from retrograd.typing import DynamicShape


def _concat(
    prefix: DynamicShape | None, suffix: DynamicShape | None, static: bool = False
) -> Any:
    """The sizes of both one after the other, as a tensor or as a list."""
    return static_sizes(prefix, suffix) if static else joined_sizes(prefix, suffix)


_best_effort_input_batch_size = best_effort_input_batch_size = best_effort_batch_size
_infer_state_dtype = infer_state_dtype
_is_keras_rnn_cell = is_keras_cell
_reverse_seq = turned
_transpose_batch_time = transpose_batch_time
_zero_state_tensors = zero_state_tensors
