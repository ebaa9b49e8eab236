"""Nodes that are made in a graph even where ops would run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import dtypes, shapes
from retrograd.graph import context
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ShapeLike


def graph_placeholder(
    dtype: DTypeLike, shape: ShapeLike, name: str | None = None
) -> Tensor:
    """A placeholder in the default graph, also while executing eagerly."""
    graph = context.get_default_graph()
    attrs = {"dtype": dtypes.as_dtype(dtype).base_dtype, "shape": shapes.raw(shape)}
    return graph.add("Placeholder", (), attrs, name or "placeholder")._outputs[0]


def graph_zeros_like(tensor: Tensor) -> Tensor:
    """Zeros like a tensor of a graph, also while executing eagerly."""
    with tensor.graph.as_default():
        return F.ZerosLike(tensor, name="zeros_like")
