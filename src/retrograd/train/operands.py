"""What optimizers work on: variables and gradients, of whichever kind they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.distribute.values import container_of
from retrograd.graph import context, defaults
from retrograd.graph.composite import IndexedSlices, convert_to_tensor_or_indexed_slices
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.flow.effects import is_storage
from retrograd.variables.updates import assign_add
from retrograd.variables.variable import Variable, is_resource_variable

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, VariableLike


def _var_key(var: Any) -> Any:
    """What a variable is known by: graph and name; run at once, its own id.

    The copies of one variable on several devices are known by the first.
    """
    container = container_of(var)
    if container is not None:
        var = container.primary
    if hasattr(var, "op"):
        return var.op.graph, var.op.name
    return var._unique_id


def _deduplicate_indexed_slices(
    values: Tensor, indices: Tensor
) -> tuple[Tensor, Tensor]:
    """Rows with equal indices summed, and the distinct indices."""
    distinct, position = F.Unique(indices, out_idx=dtypes.int32)
    count = shape(distinct)[0]
    return F.UnsortedSegmentSum(values, position, count), distinct


def assert_dtypes(tensors: Iterable[Any], valid: Collection[Any]) -> None:
    """Require that tensors have one of some dtypes.

    Raises:
      ValueError: one has another.
    """
    for tensor in tensors:
        dtype = tensor.dtype.base_dtype
        if dtype not in valid:
            raise ValueError(
                f"Invalid type {dtype!r} for {tensor.name}, expected: {list(valid)}."
            )


def is_handle(var: Any) -> bool:
    """Whether `var` is changed through a resource handle.

    Raises:
      NotImplementedError: it is nothing that can be optimized.
    """
    if context.executing_eagerly():
        return not isinstance(var, Tensor)
    if is_resource_variable(var) and not var._in_graph_mode:
        return True
    if is_storage(var.op) and not var.dtype._is_ref_dtype:
        return True
    if isinstance(var, (Variable, Tensor)):
        return False
    raise NotImplementedError("Trying to optimize unsupported type ", var)


def has_no_op(var: VariableLike) -> bool:
    """Whether a variable is none of the graph, so that no operation names it."""
    return context.executing_eagerly() or (
        is_resource_variable(var) and not var._in_graph_mode
    )


def target(var: Any) -> Any:
    """What a loss is differentiated with respect to."""
    return var if is_handle(var) or isinstance(var, Tensor) else var._ref()


def as_gradient(value: CompositeLike) -> Any:
    """A gradient as a tensor or IndexedSlices.

    Raises:
      TypeError: it cannot be converted.
    """
    try:
        found = convert_to_tensor_or_indexed_slices(value)
    except TypeError:
        raise TypeError(
            "Gradient must be convertible to a Tensor or IndexedSlices, or None: "
            f"{value}"
        ) from None
    if not isinstance(found, (Tensor, IndexedSlices)):
        raise TypeError(f"Gradient must be a Tensor, IndexedSlices, or None: {found}")
    return found


def collected_as_train_op(done: Any) -> Any:
    """What a step returns; listed among the graph's training operations."""
    if context.executing_eagerly():
        return done
    done = done.op if isinstance(done, Tensor) else done
    listed = context.get_default_graph().get_collection_ref(GraphKeys.TRAIN_OP)
    if done not in listed:
        listed.append(done)
    return done


def count_up(global_step: VariableLike, name: str) -> Any:
    """Add one to the global step."""
    with defaults.colocate_with(global_step):
        if is_resource_variable(global_step):
            one = convert_to_tensor(1, dtype=global_step.dtype)
            return F.AssignAddVariableOp(global_step.handle, one, name=name)
        return assign_add(global_step, 1, name=name)
