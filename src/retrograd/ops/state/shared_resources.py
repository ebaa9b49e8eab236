"""Tables, iterators and the like that a program has to initialize before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from retrograd.graph import context
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import stack
from retrograd.ops.array.selection import boolean_mask
from retrograd.ops.flow.control import group, no_op
from retrograd.ops.math.compare import logical_not

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import OperationLike


class _Resource(NamedTuple):
    handle: Tensor
    create: OperationLike
    is_initialized: Tensor


def register_resource(
    handle: Tensor,
    create_op: OperationLike,
    is_initialized_op: Tensor,
    is_shared: bool = True,
) -> None:
    """Add a resource to a collection of those to initialize.

    Args:
      handle: the tensor that stands for it.
      create_op: the operation that creates it.
      is_initialized_op: a boolean tensor: whether it is created.
      is_shared: whether all sessions of a server share it.
    """
    key = GraphKeys.RESOURCES if is_shared else GraphKeys.LOCAL_RESOURCES
    graph = context.get_default_graph()
    graph.add_to_collection(key, _Resource(handle, create_op, is_initialized_op))


def shared_resources() -> list[_Resource]:
    """The registered resources that sessions share."""
    return context.get_default_graph().get_collection(GraphKeys.RESOURCES)


def local_resources() -> list[_Resource]:
    """The registered resources that a session has for itself."""
    return context.get_default_graph().get_collection(GraphKeys.LOCAL_RESOURCES)


def report_uninitialized_resources(
    resource_list: Sequence[_Resource] | None = None,
    name: str = "report_uninitialized_resources",
) -> Tensor:
    """The names of the resources that are not created, 1-D; by default of all."""
    if resource_list is None:
        resource_list = shared_resources() + local_resources()
    with name_scope(name), context.get_default_graph().device("/cpu:0"):
        if not resource_list:
            return constant([], dtype="string")
        waiting = logical_not(stack([r.is_initialized for r in resource_list]))
        return boolean_mask(constant([r.handle.name for r in resource_list]), waiting)


def initialize_resources(
    resource_list: Sequence[_Resource], name: str = "init"
) -> Operation | None:
    """An operation that creates all resources of a list."""
    if resource_list:
        return group(*[r.create for r in resource_list], name=name)
    return no_op(name=name)
