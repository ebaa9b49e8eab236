"""Variables that nothing initializes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.variables.resource import BaseResourceVariable, UninitializedVariable

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ShapeLike


def variable_op(
    shape: ShapeLike,
    dtype: DTypeLike,
    name: str = "Variable",
    set_shape: bool = True,
    container: str = "",
    shared_name: str = "",
) -> Tensor:
    """A reference to new storage that nothing initializes, by the first op type."""
    known = shapes.raw(shape) if set_shape else None
    result = F.Variable(
        shape=known or (),
        dtype=dtype,
        container=container,
        shared_name=shared_name,
        name=name,
    )
    if set_shape:
        result.set_shape(shape)
    return result


def variable_op_v2(
    shape: ShapeLike,
    dtype: DTypeLike,
    name: str = "Variable",
    container: str = "",
    shared_name: str = "",
) -> Tensor:
    """A reference to new storage that nothing initializes."""
    return F.VariableV2(
        shape=shape,
        dtype=dtype,
        name=name,
        container=container,
        shared_name=shared_name,
    )


def copy_to_graph_uninitialized(var: BaseResourceVariable) -> UninitializedVariable:
    """A variable like `var` in the default graph, without its value."""
    return UninitializedVariable(
        trainable=var.trainable,
        constraint=var.constraint,
        shape=var.shape,
        dtype=var.dtype,
        name=var._shared_name,
        synchronization=var.synchronization,
        aggregation=var.aggregation,
    )
