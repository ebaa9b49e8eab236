"""Making variables: of the kind that is asked for, and several that are one whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.hooks import hooks
from retrograd.variables.reference import RefVariable
from retrograd.variables.resource import ResourceVariable
from retrograd.variables.scope import (
    _get_partitioned_variable,
    get_variable_scope,
    variable_scope,
)
from retrograd.variables.store import resource_variables_enabled

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Getter, InitializerLike, Message

#: arguments of `tf.Variable` that variables take; others are for variable creators
_TAKEN = (
    "initial_value",
    "trainable",
    "validate_shape",
    "caching_device",
    "name",
    "variable_def",
    "dtype",
    "import_scope",
    "constraint",
    "synchronization",
    "aggregation",
    "shape",
)


def default_variable_creator(
    next_creator: Getter | None = None, **arguments: Any
) -> Any:
    """Make a variable from the arguments of `tf.Variable`.

    It is a reference variable, unless resource variables are asked for, by argument, by
    the variable scope or by the mode.
    """
    assert next_creator is None
    use_resource = arguments.get("use_resource")
    if use_resource is None:
        use_resource = get_variable_scope().use_resource
    if use_resource is None:
        use_resource = resource_variables_enabled()
    taken = {k: arguments[k] for k in (*_TAKEN, "collections") if k in arguments}
    if use_resource or context.executing_eagerly():
        strategy = arguments.get("distribute_strategy")
        return ResourceVariable(distribute_strategy=strategy, **taken)
    return RefVariable(**taken)


def default_variable_creator_v2(
    next_creator: Getter | None = None, **arguments: Any
) -> Any:
    """Make a resource variable from the arguments of version 2's `tf.Variable`."""
    assert next_creator is None
    strategy = arguments.get("distribute_strategy")
    taken = {k: arguments[k] for k in _TAKEN if k in arguments}
    return ResourceVariable(distribute_strategy=strategy, **taken)


def _from_proto(variable_def: Message, import_scope: str | None = None) -> RefVariable:
    return RefVariable(variable_def=variable_def, import_scope=import_scope)


hooks.provide(
    default_variable_creator=default_variable_creator,
    default_variable_creator_v2=default_variable_creator_v2,
    variable_from_proto=_from_proto,
)


def create_partitioned_variables(
    shape: Sequence[int],
    slicing: Sequence[int],
    initializer: InitializerLike,
    dtype: DTypeLike = dtypes.float32,
    trainable: bool = True,
    collections: Collection[str] | None = None,
    name: str | None = None,
    reuse: bool | None = None,
) -> list[Any]:
    """Variables that together have a shape, as a list.

    Args:
      shape: the shape of the whole.
      slicing: into how many parts each axis is split; only one more than 1.
      initializer: an initializer, or the initial value of the whole.
      dtype: the type of the elements.
      trainable: whether optimizers change them by default.
      collections: the collections they are added to.
      name: the variable scope that holds them, by default "PartitionedVariable".
      reuse: whether they exist already.

    Raises:
      ValueError: `slicing` does not fit the shape.
    """
    if len(shape) != len(slicing):
        raise ValueError(
            "The 'shape' and 'slicing' of a partitioned Variable must have the length: "
            f"shape: {shape}, slicing: {slicing}"
        )
    if len(shape) < 1:
        raise ValueError(
            f"A partitioned Variable must have rank at least 1: shape: {shape}"
        )
    with variable_scope(name, "PartitionedVariable", reuse=reuse):
        whole = _get_partitioned_variable(
            None,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            trainable=trainable,
            partitioner=lambda **unused: slicing,
            collections=collections,
        )
        return list(whole)
