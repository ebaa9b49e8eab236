"""Summaries of tensors, of activations and of collections."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.names import GraphKeys
from retrograd.ops.declare import F, traits_of
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_mean
from retrograd.ops.traits import Function
from retrograd.summary import summary

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.variables.variable import Variable


def summarize_tensor(tensor: Tensor | Variable, tag: str | None = None) -> Any:
    """A summary: of a scalar its value, else a histogram.

    Args:
      tensor: a tensor or variable.
      tag: its name in the summary; by default that of its operation and `_summary`.
    """
    name = tag or f"{tensor.op.name}_summary"
    make = summary.scalar if tensor.get_shape().ndims == 0 else summary.histogram
    return make(name, tensor)


def summarize_activation(op: Tensor) -> Any:
    """A histogram of an activation, and of rectifiers the share below zero."""
    name = op.op.name
    if traits_of(op.op.type).function is Function.RECTIFIER:
        zeros = F.Less(op, cast(0.0, op.dtype))
        share = reduce_mean(cast(zeros, dtypes.float32, name="ToFloat"))
        summary.scalar(f"{name}/zeros", share)
    return summary.histogram(f"{name}/activation", op)


def summarize_tensors(
    tensors: Sequence[Any], summarizer: Callable[[Any], Any] = summarize_tensor
) -> list[Any]:
    """A summary of each tensor."""
    return [summarizer(tensor) for tensor in tensors]


def summarize_collection(
    collection: str,
    name_filter: str | None = None,
    summarizer: Callable[[Any], Any] = summarize_tensor,
) -> list[Any]:
    """A summary of each member of a collection.

    Args:
      collection: its name.
      name_filter: a regular expression that names of operations must start with.
      summarizer: makes a summary.
    """
    tensors = context.get_default_graph().get_collection(collection)
    if name_filter is not None:
        tensors = [t for t in tensors if re.match(name_filter, t.op.name)]
    return summarize_tensors(tensors, summarizer)


def summarize_activations(
    name_filter: str | None = None,
    summarizer: Callable[[Any], Any] = summarize_activation,
) -> list[Any]:
    """A summary of each member of the collection ACTIVATIONS."""
    return summarize_collection(GraphKeys.ACTIVATIONS, name_filter, summarizer)


summarize_variables = functools.partial(
    summarize_collection, GraphKeys.TRAINABLE_VARIABLES
)
summarize_weights = functools.partial(summarize_collection, GraphKeys.WEIGHTS)
summarize_biases = functools.partial(summarize_collection, GraphKeys.BIASES)
