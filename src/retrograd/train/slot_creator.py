"""Slots: variables that an optimizer keeps beside those it trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.distribute.current import get_strategy
from retrograd.graph import context
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.shape import shape as shape_of
from retrograd.variables.initializers import Zeros
from retrograd.variables.reference import RefVariable
from retrograd.variables.scope import get_variable, get_variable_scope, variable_scope
from retrograd.variables.variable import Variable, is_resource_variable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.shapes import TensorShape
    from retrograd.typing import (
        DTypeLike,
        InitializerLike,
        ShapeLike,
        VariableLike,
    )


def create_slot(
    primary: VariableLike,
    val: Tensor,
    name: str,
    colocate_with_primary: bool = True,
) -> Any:
    """A variable named after another, with a given initial value.

    Args:
      primary: the variable or tensor it belongs to.
      val: its initial value, a tensor; its dtype and shape are the slot's.
      name: what is added to the name of `primary`; made unique.
      colocate_with_primary: whether it lies on the device of `primary`.
    """
    defined = val.get_shape().is_fully_defined()
    return _scoped(
        primary, name, colocate_with_primary, lambda: _make(primary, val, defined)
    )


def create_slot_with_initializer(
    primary: VariableLike,
    initializer: InitializerLike,
    shape: TensorShape,
    dtype: DTypeLike | None,
    name: str,
    colocate_with_primary: bool = True,
) -> Any:
    """A variable named after another, filled by an initializer.

    Args:
      primary: the variable or tensor it belongs to.
      initializer: makes its initial value.
      shape: a TensorShape.
      dtype: its dtype.
      name: what is added to the name of `primary`; made unique.
      colocate_with_primary: whether it lies on the device of `primary`.
    """
    defined = shape.is_fully_defined()
    return _scoped(
        primary,
        name,
        colocate_with_primary,
        lambda: _make(primary, initializer, defined, shape, dtype),
    )


def create_zeros_slot(
    primary: VariableLike,
    name: str,
    dtype: DTypeLike | None = None,
    colocate_with_primary: bool = True,
) -> Any:
    """A variable of zeros, named and shaped after another.

    Args:
      primary: the variable or tensor it belongs to.
      name: what is added to the name of `primary`; made unique.
      dtype: its dtype, by default that of `primary`.
      colocate_with_primary: whether it lies on the device of `primary`.
    """
    dtype = dtypes.as_dtype(primary.dtype if dtype is None else dtype)
    known = primary.get_shape()
    if known.is_fully_defined():
        return create_slot_with_initializer(
            primary, Zeros(), known, dtype, name, colocate_with_primary
        )
    like = primary.initialized_value() if isinstance(primary, Variable) else primary
    return create_slot(
        primary, zeros(shape_of(like), dtype=dtype), name, colocate_with_primary
    )


def _scoped(primary: Any, name: str, near: bool, make: Callable[[], Any]) -> Any:
    """Make a slot in a variable scope of its own, near the primary if asked."""
    eager = context.executing_eagerly()
    prefix = primary._shared_name if eager else primary.op.name
    with variable_scope(None, f"{prefix}/{name}"):
        if not near:
            return make()
        with get_strategy().extended.colocate_vars_with(primary):
            return make()


def _make(
    primary: VariableLike,
    value: InitializerLike,
    validate_shape: bool,
    shape: ShapeLike = None,
    dtype: DTypeLike | None = None,
) -> Any:
    """The slot: in one piece, and of the same kind as its primary."""
    use_resource = None
    if is_resource_variable(primary):
        use_resource = True
    elif isinstance(primary, RefVariable):
        use_resource = False
    scope = get_variable_scope()
    partitioner = scope.partitioner
    scope.set_partitioner(None)
    try:
        slot = get_variable(
            "",
            initializer=value,
            trainable=False,
            use_resource=use_resource,
            shape=shape if callable(value) else None,
            dtype=dtype,
            validate_shape=validate_shape,
        )
    finally:
        scope.set_partitioner(partitioner)
    part = primary._save_slice_info if isinstance(primary, Variable) else None
    if part:
        # the slot of a part is a part of the slot of the whole
        name = slot.name[len(primary.op.name) + 1 : -2]
        slot._set_save_slice_info(
            Variable.SaveSliceInfo(
                f"{part.full_name}/{name}",
                part.full_shape[:],
                part.var_offset[:],
                part.var_shape[:],
            )
        )
    return slot
