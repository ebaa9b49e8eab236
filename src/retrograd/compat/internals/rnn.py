"""Helpers of TensorFlow's recurrent networks that programs import by internal names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.layers.rnn_cell_base import (
    _has,
    joined_sizes,
    require_float_tensors,
    require_floats,
    static_sizes,
    zero_state_tensors,
)
from retrograd.layers.rnn_steps import (
    Lengths,
    best_effort_batch_size,
    infer_state_dtype,
    is_keras_cell,
    transpose_batch_time,
)
from retrograd.layers.rnn_wrappers import _keeps_one, _Wrapper
from retrograd.layers.static_rnn import turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrograd.typing import DynamicShape, Structure, TensorLike


def _concat(
    prefix: DynamicShape | None, suffix: DynamicShape | None, static: bool = False
) -> Any:
    """The sizes of both one after the other, as a tensor or as a list."""
    return static_sizes(prefix, suffix) if static else joined_sizes(prefix, suffix)


def _rnn_step(
    time: TensorLike,
    sequence_length: Any,
    min_sequence_length: TensorLike,
    max_sequence_length: TensorLike,
    zero_output: Structure,
    state: Structure,
    call_cell: Callable[[], tuple[Any, Any]],
    state_size: Structure,
    skip_conditionals: bool = False,
) -> tuple[Any, Any]:
    """A step: behind the end of a sequence, zeros, and the state as it was."""
    del state_size
    bounds = min_sequence_length, max_sequence_length
    ends = Lengths(sequence_length, zero_output, bounds)
    return ends.step(time, state, call_cell, skip_conditionals)


_best_effort_input_batch_size = best_effort_input_batch_size = best_effort_batch_size
_infer_state_dtype = infer_state_dtype
_is_keras_rnn_cell = is_keras_cell
_reverse_seq = turned
_transpose_batch_time = transpose_batch_time
_zero_state_tensors = zero_state_tensors
_check_rnn_cell_input_dtypes = require_float_tensors
_check_supported_dtypes = require_floats
_default_dropout_state_filter_visitor = _keeps_one
_hasattr = _has
_RNNCellWrapperV1 = _Wrapper
