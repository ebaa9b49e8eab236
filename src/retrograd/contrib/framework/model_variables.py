"""Variables of models: made for a device and collections, and found by their names."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.contrib.framework.arg_scopes import add_arg_scope
from retrograd.graph import context
from retrograd.graph.defaults import device as on_device
from retrograd.graph.device import DeviceSpecV2
from retrograd.graph.names import GraphKeys
from retrograd.train import training_util
from retrograd.variables import scope as scopes
from retrograd.variables.options import VariableAggregation, VariableSynchronization
from retrograd.variables.variable import VariableV1

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.graph.operation import Operation
    from retrograd.typing import (
        Aggregation,
        DeviceLike,
        DTypeLike,
        Getter,
        InitializerLike,
        Partitioner,
        Regularizer,
        ShapeLike,
        TensorLike,
        VariableLike,
    )
    from retrograd.variables.variable import Variable

_Scope = str | scopes.VariableScope | None


@add_arg_scope
def variable(
    name: str,
    shape: ShapeLike = None,
    dtype: DTypeLike | None = None,
    initializer: InitializerLike | None = None,
    regularizer: Regularizer | None = None,
    trainable: bool = True,
    collections: Collection[str] | None = None,
    caching_device: DeviceLike = None,
    device: DeviceLike = None,
    partitioner: Partitioner | None = None,
    custom_getter: Getter | None = None,
    use_resource: bool | None = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: Aggregation = VariableAggregation.NONE,
) -> Any:
    """As `tf.get_variable`, on a device.

    Args:
      device: the device, or a function that chooses one for an operation.
      name, shape, dtype, initializer, regularizer, trainable, collections,
      caching_device, partitioner, use_resource, synchronization, aggregation: as for
      `tf.get_variable`; repeated collections count once.
      custom_getter: a function called in place of `tf.get_variable`.
    """
    keys = list(collections or [GraphKeys.GLOBAL_VARIABLES])
    getter: Any = scopes.get_variable
    if custom_getter is not None:
        reuse = scopes.get_variable_scope().reuse
        getter = functools.partial(custom_getter, reuse=reuse)
    with on_device(device or ""):
        return getter(
            name,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            regularizer=regularizer,
            trainable=trainable,
            collections=list(dict.fromkeys(keys)),
            caching_device=caching_device,
            partitioner=partitioner,
            use_resource=use_resource,
            synchronization=synchronization,
            aggregation=aggregation,
        )


@add_arg_scope
def model_variable(
    name: str,
    shape: ShapeLike = None,
    dtype: DTypeLike = dtypes.float32,
    initializer: InitializerLike | None = None,
    regularizer: Regularizer | None = None,
    trainable: bool = True,
    collections: Collection[str] | None = None,
    caching_device: DeviceLike = None,
    device: DeviceLike = None,
    partitioner: Partitioner | None = None,
    custom_getter: Getter | None = None,
    use_resource: bool | None = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: Aggregation = VariableAggregation.NONE,
) -> Any:
    """As `variable`, in the collections of global and of model variables, too."""
    keys = [GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES]
    return variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=[*(collections or ()), *keys],
        caching_device=caching_device,
        device=device,
        partitioner=partitioner,
        custom_getter=custom_getter,
        use_resource=use_resource,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def local_variable(
    initial_value: TensorLike,
    validate_shape: bool = True,
    name: str | None = None,
    use_resource: bool | None = None,
) -> Any:
    """A variable that is neither trained nor saved."""
    keys = [GraphKeys.LOCAL_VARIABLES]
    return _new_variable(initial_value, keys, validate_shape, name, use_resource)


def global_variable(
    initial_value: TensorLike,
    validate_shape: bool = True,
    name: str | None = None,
    use_resource: bool | None = None,
) -> Any:
    """A variable that is saved and not trained."""
    keys = [GraphKeys.GLOBAL_VARIABLES]
    return _new_variable(initial_value, keys, validate_shape, name, use_resource)


def _new_variable(
    value: TensorLike,
    collections: list[str],
    validate_shape: bool,
    name: str | None,
    use_resource: bool | None,
) -> Any:
    return VariableV1(
        value,
        trainable=False,
        collections=collections,
        validate_shape=validate_shape,
        name=name,
        use_resource=use_resource,
    )


def add_model_variable(var: Variable) -> None:
    """Add a variable to the model variables, unless it is there."""
    kept = context.get_default_graph().get_collection_ref(GraphKeys.MODEL_VARIABLES)
    if not any(var is other for other in kept):
        kept.append(var)


def get_variables(
    scope: _Scope = None,
    suffix: str | None = None,
    collection: str = GraphKeys.GLOBAL_VARIABLES,
) -> list[Any]:
    """The variables of a collection, by their names.

    Args:
      scope: a variable scope, or a regular expression that names start with.
      suffix: what names end in, the `:0` left out; a regular expression.
      collection: the collection's name.
    """
    if isinstance(scope, scopes.VariableScope):
        scope = scope.name
    if suffix is not None:
        if ":" not in suffix:
            suffix += ":"
        scope = (scope or "") + ".*" + suffix
    return context.get_default_graph().get_collection(collection, scope)


def get_model_variables(scope: _Scope = None, suffix: str | None = None) -> list[Any]:
    """The model variables; the arguments are as for `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: _Scope = None, suffix: str | None = None) -> list[Any]:
    """The local variables; the arguments are as for `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(
    scope: _Scope = None, suffix: str | None = None
) -> list[Any]:
    """The variables that are trained; the arguments are as for `get_variables`."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_suffix(suffix: str, scope: _Scope = None) -> list[Any]:
    """The global variables whose names end so."""
    return get_variables(scope=scope, suffix=suffix)


def get_variables_by_name(given_name: str, scope: _Scope = None) -> list[Any]:
    """The global variables of that name, in any scope below `scope`."""
    suffix = "/" + given_name + ":|^" + given_name + ":"
    return get_variables(scope=scope, suffix=suffix)


def get_variables_to_restore(
    include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
) -> list[Any]:
    """The global variables whose names start with some scopes, and not with others.

    Args:
      include: scopes; by default all variables.
      exclude: scopes.

    Raises:
      TypeError: an argument is neither a list nor a tuple.
    """
    for name, given in (("include", include), ("exclude", exclude)):
        if given is not None and not isinstance(given, (list, tuple)):
            raise TypeError(f"{name} is provided but is not a list or a tuple.")
    if include is None:
        found = get_variables()
    else:
        found = [v for scope in include for v in get_variables(scope)]
    left_out = {id(v) for scope in exclude or () for v in get_variables(scope)}
    return [v for v in found if id(v) not in left_out]


def filter_variables(
    var_list: Sequence[Any],
    include_patterns: Sequence[str] | None = None,
    exclude_patterns: Sequence[str] | None = None,
    reg_search: bool = True,
) -> list[Any]:
    """The variables whose operations' names fit regular expressions.

    Args:
      var_list: the variables.
      include_patterns: one of these must fit; by default all do.
      exclude_patterns: none of these may fit.
      reg_search: whether a pattern may fit anywhere, or only at the start.
    """
    fits = re.search if reg_search else re.match
    if not include_patterns:
        found = list(var_list)
    else:
        found = [
            v for v in var_list if any(fits(p, v.op.name) for p in include_patterns)
        ]
    return [
        v for v in found if not any(fits(p, v.op.name) for p in exclude_patterns or ())
    ]


def get_unique_variable(var_op_name: str) -> Any:
    """The one global variable of that operation name.

    Raises:
      ValueError: there is none, or there are several.
    """
    candidates = get_variables(scope=var_op_name)
    if not candidates:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    for candidate in candidates:
        if candidate.op.name == var_op_name:
            return candidate
    raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")


def get_variable_full_name(var: Variable) -> str:
    """The name of a variable; of a slice, that of the whole."""
    part = var._save_slice_info
    return part.full_name if part else var.op.name


def get_global_step(graph: Graph | None = None) -> Any:
    """As `tf.train.get_global_step`."""
    return training_util.get_global_step(graph)


def create_global_step(graph: Graph | None = None) -> Any:
    """As `tf.train.create_global_step`."""
    return training_util.create_global_step(graph)


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """As `tf.train.get_or_create_global_step`."""
    return training_util.get_or_create_global_step(graph)


def assert_global_step(global_step_tensor: VariableLike) -> None:
    """As `tf.train.assert_global_step`."""
    training_util.assert_global_step(global_step_tensor)


def assert_or_get_global_step(
    graph: Graph | None = None, global_step_tensor: VariableLike | None = None
) -> Any:
    """The given global step once it is checked, or that of the graph.

    Raises:
      TypeError: it is not an integer scalar.
    """
    if global_step_tensor is None:
        return training_util.get_global_step(graph)
    training_util.assert_global_step(global_step_tensor)
    return global_step_tensor


class VariableDeviceChooser:
    """A device function that spreads variables over tasks, each in turn.

    Args:
      num_tasks: how many tasks there are; 0 for none.
      job_name: the tasks' job.
      device_type: the kind of device.
      device_index: its number.
      replica: the number of the replica.
    """

    def __init__(
        self,
        num_tasks: int = 0,
        job_name: str = "ps",
        device_type: str = "CPU",
        device_index: int = 0,
        replica: int | None = None,
    ) -> None:
        self._job_name = job_name
        self._device_type = device_type
        self._device_index = device_index
        self._replica = replica
        self._num_tasks = num_tasks
        self._next_task_id = 0

    def __call__(self, op: Operation) -> str:
        """The device of an operation, as text."""
        del op
        spec = DeviceSpecV2(
            replica=self._replica,
            device_type=self._device_type,
            device_index=self._device_index,
        )
        if self._num_tasks > 0:
            task, count = self._next_task_id, self._num_tasks
            self._next_task_id = (task + 1) % count
            spec = spec.replace(job=self._job_name, task=task)
        return spec.to_string()
