"""Queues that fill themselves: names of files, numbers, slices of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.composite import convert_n_to_tensor_or_indexed_slices
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import range_
from retrograd.ops.array.gather import gather
from retrograd.ops.array.identity import identity
from retrograd.ops.array.shape import shape, size
from retrograd.ops.host.printing import Assert
from retrograd.ops.io.files import matching_files
from retrograd.ops.math.casts import cast
from retrograd.ops.math.compare import greater
from retrograd.ops.queues.queue import FIFOQueue
from retrograd.ops.random.random import random_shuffle
from retrograd.summary.summary import scalar
from retrograd.train.queue_runner import QueueRunner, add_queue_runner
from retrograd.variables.variable import VariableV1

if TYPE_CHECKING:
    from retrograd.typing import OperationLike, ShapeLike, TensorLike

NOT_EAGER = (
    "Input pipelines based on Queues are not supported when eager execution is "
    "enabled. Please use tf.data to ingest data into your model instead."
)


def match_filenames_once(pattern: TensorLike, name: str | None = None) -> Any:
    """A local variable that holds the paths which match when it is initialized.

    Args:
      pattern: a pattern or several.
      name: the name of the variable.
    """
    with name_scope(name, "matching_filenames", [pattern]) as name:
        return VariableV1(
            name=name,
            initial_value=matching_files(pattern),
            trainable=False,
            validate_shape=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
        )


def limit_epochs(
    tensor: TensorLike, num_epochs: int | None = None, name: str | None = None
) -> Any:
    """A tensor that can be computed `num_epochs` times, then is at its end.

    Args:
      tensor: the tensor.
      num_epochs: how often; for ever if not given.
      name: the name scope.

    Raises:
      ValueError: the number is not above 0.
      OutOfRangeError: (when run) it was computed that often.
    """
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "limit_epochs", [tensor]) as name:
        epochs = VariableV1(
            constant(0, dtype=dtypes.int64),
            name="epochs",
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
        )
        counter = epochs.count_up_to(num_epochs)
        with control_dependencies([counter]):
            return identity(tensor, name=name)


def input_producer(
    input_tensor: TensorLike,
    element_shape: ShapeLike | None = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    summary_name: str | None = None,
    name: str | None = None,
    cancel_op: OperationLike | None = None,
) -> FIFOQueue:
    """A queue of the rows of a tensor, filled by a queue runner.

    Args:
      input_tensor: the tensor.
      element_shape: the shape of a row, if the tensor does not tell.
      num_epochs: how often each row comes; for ever if not given.
      shuffle: whether the rows of each round come in another order.
      seed: for the order.
      capacity: how many rows there is room for.
      shared_name: what other sessions find the queue by.
      summary_name: the name of a summary of how full it is; none if not given.
      name: the name scope.
      cancel_op: ends the queue; made if not given.

    Raises:
      ValueError: the shape of a row is not known.
      RuntimeError: the program executes eagerly.
    """
    if context.executing_eagerly():
        raise RuntimeError(NOT_EAGER)
    with name_scope(name, "input_producer", [input_tensor]):
        rows = convert_to_tensor(input_tensor, name="input_tensor")
        row_shape = rows.shape.with_rank_at_least(1)[1:].merge_with(element_shape)
        if not row_shape.is_fully_defined():
            raise ValueError(
                "Either `input_tensor` must have a fully defined shape or "
                "`element_shape` must be specified"
            )
        if shuffle:
            rows = random_shuffle(rows, seed=seed)
        rows = limit_epochs(rows, num_epochs)
        queue = FIFOQueue(
            capacity=capacity,
            dtypes=[rows.dtype.base_dtype],
            shapes=[row_shape],
            shared_name=shared_name,
            name=name or "FIFOQueueV2",
        )
        enqueue = queue.enqueue_many([rows])
        add_queue_runner(QueueRunner(queue, [enqueue], cancel_op=cancel_op))
        if summary_name is not None:
            scalar(summary_name, cast(queue.size(), dtypes.float32) * (1.0 / capacity))
        return queue


def string_input_producer(
    string_tensor: TensorLike,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
    cancel_op: OperationLike | None = None,
) -> FIFOQueue:
    """A queue of strings, such as names of files; see `input_producer`.

    Args:
      string_tensor: the strings, 1-D.
      num_epochs, shuffle, seed, capacity, shared_name, name, cancel_op: see
        `input_producer`.

    Raises:
      ValueError: there are no strings.
      InvalidArgumentError: (when run) the same.
    """
    nothing = "string_input_producer requires a non-null input tensor"
    listed = isinstance(string_tensor, list | tuple | np.ndarray)
    if listed and not len(string_tensor):
        raise ValueError(nothing)
    with name_scope(name, "input_producer", [string_tensor]) as name:
        strings = convert_to_tensor(string_tensor, dtype=dtypes.string)
        some = Assert(greater(size(strings), 0), [nothing])
        with control_dependencies([some]):
            strings = identity(strings)
        return input_producer(
            strings,
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            name,
            cancel_op,
        )


def range_input_producer(
    limit: TensorLike,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> FIFOQueue:
    """A queue of the numbers from 0 to below `limit`; see `input_producer`."""
    with name_scope(name, "input_producer", [limit]) as name:
        return input_producer(
            range_(limit),
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            name,
        )


def slice_input_producer(
    tensor_list: Sequence[TensorLike],
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> list[Any]:
    """A row of each of some tensors, the same row, another in each run.

    Args:
      tensor_list: tensors with equally many rows.
      num_epochs, shuffle, seed, capacity, shared_name, name: see `input_producer`.

    Raises:
      ValueError: there are no tensors.
    """
    with name_scope(name, "input_producer", tensor_list):
        tensors = convert_n_to_tensor_or_indexed_slices(tensor_list)
        if not tensors:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        count = shape(tensors[0])[0]
        queue = range_input_producer(
            count, num_epochs, shuffle, seed, capacity, shared_name
        )
        index = queue.dequeue()
        return [gather(tensor, index) for tensor in tensors]
