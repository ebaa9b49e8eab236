"""`tf.contrib.slim.model_analyzer`: how large the tensors of a model are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.graph.tensor import Tensor
    from retrograd.variables.variable import Variable


def tensor_description(var: Tensor | Variable) -> str:
    """The dtype and the shape of a tensor or variable, as `(float32_ref 3x4)`."""
    sizes = "x".join(str(size) for size in var.get_shape())
    return f"({var.dtype.name} {sizes})"


def analyze_ops(graph: Graph, print_info: bool = False) -> int:
    """How many elements the outputs of all operations have together.

    An output of unknown shape counts as nothing.

    Args:
      graph: whose operations are meant.
      print_info: whether a line is printed for each output.
    """
    if print_info:
        print("---------")
        print("Operations: name -> (type shapes) [size]")
        print("---------")
    total = 0
    for op in graph.get_operations():
        size, shapes = 0, []
        for output in op.outputs:
            size += output.get_shape().num_elements() or 0
            if output.get_shape():
                shapes.append(tensor_description(output))
        if print_info:
            print(op.name, "\t->", ", ".join(shapes), f"[{size}]")
        total += size
    return total


def analyze_vars(
    variables: Iterable[Variable], print_info: bool = False
) -> tuple[int, int]:
    """How many elements, and how many bytes, variables have together.

    Args:
      variables: which are meant.
      print_info: whether a line is printed for each.
    """
    if print_info:
        print("---------")
        print("Variables: name (type shape) [size]")
        print("---------")
    size = count = 0
    for var in variables:
        elements = var.get_shape().num_elements() or 0
        total = elements * var.dtype.size
        size += elements
        count += total
        if print_info:
            print(var.name, tensor_description(var), f"[{elements}, bytes: {total}]")
    if print_info:
        print(f"Total size of variables: {size}")
        print(f"Total bytes of variables: {count}")
    return size, count
