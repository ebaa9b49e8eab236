"""The variables of a graph by name: what `get_variable` finds or makes."""

from __future__ import annotations

import contextlib
import enum
import inspect
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.variables.initializers import GlorotUniform, Zeros
from retrograd.variables.options import (
    VariableAggregation,
    VariableSynchronization,
    validate_synchronization_aggregation_trainable,
)
from retrograd.variables.partition import (
    PartitionedVariable,
    PartitionInfo,
    call_partitioner,
    slices_of,
    split_axis,
)
from retrograd.variables.resource import ResourceVariable
from retrograd.variables.variable import VariableV1, is_resource_variable

if TYPE_CHECKING:
    from retrograd.typing import (
        Aggregation,
        Constraint,
        DeviceLike,
        DTypeLike,
        Getter,
        InitializerLike,
        Partitioner,
        Regularizer,
        Reuse,
        ShapeLike,
    )
    from retrograd.variables.variable import Variable


class _ReuseMode(enum.Enum):
    """Whether a variable is taken, where there is one, or made."""

    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE


_DEFAULT_USE_RESOURCE = False


def set_resource_variables(enabled: bool) -> None:
    """Say whether resource variables are made where nothing else is said."""
    global _DEFAULT_USE_RESOURCE
    _DEFAULT_USE_RESOURCE = enabled


def resource_variables_enabled() -> bool:
    """Whether resource variables are made where nothing else is said."""
    return _DEFAULT_USE_RESOURCE


class VariableStore:
    """Variables and partitioned variables by their full names."""

    def __init__(self) -> None:
        self._vars: dict[str, Any] = {}
        self._partitioned_vars: dict[str, PartitionedVariable] = {}
        self._store_eager_variables = False

    @property
    def _keeps(self) -> bool:
        """Whether variables made now are kept: eager ones would never be released."""
        return self._store_eager_variables or not context.executing_eagerly()

    def get_variable(
        self,
        name: str,
        shape: ShapeLike = None,
        dtype: DTypeLike = dtypes.float32,
        initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None,
        reuse: Reuse = None,
        trainable: bool | None = None,
        collections: Collection[str] | None = None,
        caching_device: DeviceLike = None,
        partitioner: Partitioner | None = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        custom_getter: Getter | None = None,
        constraint: Constraint | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: Aggregation = VariableAggregation.NONE,
    ) -> Any:
        """The variable of a full name. See `scope.get_variable` for the arguments."""
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(
                f"Passed a custom_getter which is not callable: {custom_getter}"
            )
        with context.init_scope():
            if context.executing_eagerly():
                use_resource = True
        if context.executing_eagerly():
            if not self._store_eager_variables and reuse:
                raise RuntimeError(
                    "When eager execution is enabled variable reuse is only supported "
                    "when an EagerVariableStore is active. See the documentation on "
                    "EagerVariableStore for example usage."
                )
            if self._store_eager_variables:
                reuse = AUTO_REUSE
        dtype = getattr(dtype, "base_dtype", dtype)
        options = validate_synchronization_aggregation_trainable(
            synchronization, aggregation, trainable, name
        )
        arguments: dict[str, Any] = dict(
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            regularizer=regularizer,
            reuse=reuse,
            trainable=options[2],
            collections=collections,
            caching_device=caching_device,
            partitioner=partitioner,
            validate_shape=validate_shape,
            use_resource=use_resource,
            constraint=constraint,
            synchronization=options[0],
            aggregation=options[1],
        )
        if custom_getter is None:
            return self._true_getter(name, **arguments)
        if not _takes(custom_getter, "constraint"):
            del arguments["constraint"]
        return custom_getter(getter=self._true_getter, name=name, **arguments)

    def _true_getter(
        self,
        name: str,
        shape: ShapeLike = None,
        dtype: DTypeLike = dtypes.float32,
        initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None,
        reuse: Reuse = None,
        trainable: bool | None = None,
        collections: Collection[str] | None = None,
        caching_device: DeviceLike = None,
        partitioner: Partitioner | None = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        constraint: Constraint | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: Aggregation = VariableAggregation.NONE,
    ) -> Any:
        """What a custom getter calls; its arguments are those of `get_variable`."""
        arguments: dict[str, Any] = dict(
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            regularizer=regularizer,
            reuse=reuse,
            trainable=trainable,
            collections=collections,
            caching_device=caching_device,
            validate_shape=validate_shape,
            use_resource=use_resource,
            constraint=constraint,
            synchronization=synchronization,
            aggregation=aggregation,
        )
        is_scalar = isinstance(shape, Sequence) and not shape
        if partitioner is not None and not is_scalar:
            if not callable(partitioner):
                raise ValueError(
                    f"Partitioner must be callable, but received: {partitioner}"
                )
            with dispatch.name_scope(None):
                return self._get_partitioned_variable(
                    name, partitioner=partitioner, **arguments
                )
        if reuse is True and partitioner is None and name in self._partitioned_vars:
            return self._get_partitioned_variable(name, partitioner=None, **arguments)
        if f"{name}/part_0" in self._vars:
            raise ValueError(
                "No partitioner was provided, but a partitioned version of the "
                f"variable was found: {name}/part_0. Perhaps a variable of the same "
                "name was already created with partitioning?"
            )
        return self._get_single_variable(name, **arguments)

    # ------------------------------------------------------------------ one variable

    def _get_single_variable(
        self,
        name: str,
        shape: ShapeLike = None,
        dtype: DTypeLike = dtypes.float32,
        initializer: InitializerLike | None = None,
        regularizer: Regularizer | None = None,
        partition_info: PartitionInfo | None = None,
        reuse: Reuse = None,
        use_resource: bool | None = None,
        **arguments: Any,
    ) -> Any:
        if shape is not None and initializer is not None and not callable(initializer):
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype = dtypes.as_dtype(dtype)
        shape = shapes.as_shape(shape)
        if name in self._vars:
            return self._existing(name, shape, dtype, reuse)
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with "
                "tf.get_variable(). Did you mean to set reuse=tf.AUTO_REUSE in "
                "VarScope?"
            )
        if initializer is None:
            initializer = _default_initializer(name, dtype)
        with context.init_scope():
            start, dtype = _initial_value(initializer, shape, dtype, partition_info)
        if use_resource is None:
            use_resource = resource_variables_enabled()
        variable = VariableV1(
            initial_value=start,
            name=name,
            dtype=dtype,
            use_resource=use_resource,
            **arguments,
        )
        if context.executing_eagerly() and self._store_eager_variables:
            _collect(variable, arguments)
        if self._keeps:
            self._vars[name] = variable
        if regularizer:
            _regularize(variable, name, regularizer)
        return variable

    def _existing(
        self, name: str, shape: shapes.TensorShape, dtype: dtypes.DType, reuse: Reuse
    ) -> Any:
        """The variable that there is.

        Raises:
          ValueError: it must not be reused, or has another shape or dtype.
        """
        found = self._vars[name]
        if reuse is False:
            raise ValueError(_already_exists(name, found))
        if not shape.is_compatible_with(found.get_shape()):
            raise ValueError(
                f"Trying to share variable {name}, but specified shape {shape} and "
                f"found shape {found.get_shape()}."
            )
        if not dtype.is_compatible_with(found.dtype):
            raise ValueError(
                f"Trying to share variable {name}, but specified dtype {dtype.name} "
                f"and found dtype {found.dtype.name}."
            )
        return found

    # ------------------------------------------------------------------ many parts

    def _get_partitioned_variable(
        self,
        name: str,
        partitioner: Any,
        shape: ShapeLike = None,
        dtype: dtypes.DType = dtypes.float32,
        initializer: InitializerLike | None = None,
        reuse: Reuse = None,
        **arguments: Any,
    ) -> PartitionedVariable:
        if name in self._vars:
            raise ValueError(
                "A partitioner was provided, but an unpartitioned version of the "
                f"variable was found: {name}.  Perhaps a variable of the same name was "
                "already created without partitioning?"
            )
        shape = shapes.as_shape(shape)
        if isinstance(initializer, Tensor):
            shape = shape.merge_with(initializer.shape)
        partitions = None
        if not reuse or partitioner:
            partitions = call_partitioner(partitioner, shape, dtype)
        if name in self._partitioned_vars:
            return self._existing_parts(name, shape, dtype, partitions, reuse)
        if reuse is True:
            raise ValueError(
                f"PartitionedVariable {name} does not exist, or was not created with "
                "tf.get_variable(). Did you mean to set reuse=False or "
                "reuse=tf.AUTO_REUSE in VarScope?"
            )
        axis, count = split_axis(partitions or ())
        self._check_parts(name, count)
        parts = []
        full: list[Any] = shape.as_list()
        for i, (offset, size) in enumerate(slices_of(full, count, axis)):
            part_name = f"{name}/part_{i}"
            with dispatch.name_scope(f"{part_name}/PartitionedInitializer"):
                start, part_shape, dtype = _part_of(
                    initializer, name, dtype, offset, size
                )
            with dispatch.name_scope(None):
                part = self._get_single_variable(
                    part_name,
                    shape=part_shape,
                    dtype=dtype,
                    initializer=start,
                    partition_info=PartitionInfo(full, offset),
                    reuse=reuse,
                    **arguments,
                )
            part._set_save_slice_info(
                VariableV1.SaveSliceInfo(name, full, offset, size)
            )
            parts.append(part)
        made = PartitionedVariable(name, shape, dtype, parts, partitions)
        if self._keeps:
            self._partitioned_vars[name] = made
        return made

    def _existing_parts(
        self,
        name: str,
        shape: shapes.TensorShape,
        dtype: dtypes.DType,
        partitions: Sequence[int] | None,
        reuse: Reuse,
    ) -> PartitionedVariable:
        if reuse is False:
            raise ValueError(
                f"Partitioned variable with name {name} already exists. Did you mean "
                "to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?"
            )
        found = self._partitioned_vars[name]
        prefix = f"Trying to reuse partitioned variable {name}, but specified"
        if not shape.is_compatible_with(found.get_shape()):
            raise ValueError(
                f"{prefix} shape {shape} and found shape {found.get_shape()}."
            )
        if not dtype.is_compatible_with(found.dtype):
            raise ValueError(
                f"{prefix} dtype {dtype.name} and found dtype {found.dtype.name}."
            )
        if partitions is not None and found._get_partitions() != partitions:
            raise ValueError(
                f"{prefix} partitions {partitions} and found partitions "
                f"{found._get_partitions()}."
            )
        return found

    def _check_parts(self, name: str, count: int) -> None:
        """Check that there are no other parts under the name."""
        if f"{name}/part_0" not in self._vars:
            return
        prefix = (
            "Partitioner returned a different partitioning than what was already "
            f"found.  Partitioner returned {count} shards, and shard {name}/part_0 was "
            "found, but"
        )
        if f"{name}/part_{count - 1}" not in self._vars:
            raise ValueError(f"{prefix} {name}/part_{count - 1} was not.")
        if f"{name}/part_{count}" in self._vars:
            raise ValueError(f"{prefix} so was the extra shard {name}/part_{count}.")


def _takes(function: Callable[..., Any], argument: str) -> bool:
    """Whether a function can be given an argument of that name."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == argument or p.kind is p.VAR_KEYWORD for p in parameters)


def _already_exists(name: str, variable: Variable) -> str:
    text = (
        f"Variable {name} already exists, disallowed. Did you mean to set reuse=True "
        "or reuse=tf.AUTO_REUSE in VarScope?"
    )
    if is_resource_variable(variable):
        return text
    innermost = variable.op.traceback[::-1][:5]
    return (
        f"{text} Originally defined at:\n\n{''.join(traceback.format_list(innermost))}"
    )


def _default_initializer(name: str, dtype: dtypes.DType) -> Any:
    """The initializer of a variable that has none: by its dtype."""
    if dtype.is_floating:
        return GlorotUniform()
    if dtype.is_integer or dtype.is_bool or dtype is dtypes.string:
        return Zeros()
    raise ValueError(
        f"An initializer for variable {name} of {dtype.base_dtype} is required"
    )


def _initial_value(
    initializer: Any,
    shape: shapes.TensorShape,
    dtype: dtypes.DType,
    partition_info: PartitionInfo | None,
) -> tuple[Any, Any]:
    """What `tf.Variable` takes as initial value and dtype.

    Raises:
      ValueError: the initializer needs a shape and there is none.
    """
    if not callable(initializer):
        return initializer, None
    if inspect.isclass(initializer):
        initializer = initializer()
    if shape.is_fully_defined():
        sizes = shape.as_list()

        def start() -> Any:
            return initializer(sizes, dtype=dtype, partition_info=partition_info)

        return start, dtype.base_dtype
    if _needs_nothing(initializer):
        return initializer, None
    raise ValueError(
        "The initializer passed is not valid. It should be a callable with no "
        "arguments and the shape should not be provided or an instance of "
        "`tf.keras.initializers.*' and `shape` should be fully defined."
    )


def _needs_nothing(function: Callable[..., Any]) -> bool:
    """Whether a function can be called without arguments."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return all(p.default is not p.empty for p in parameters if p.kind in kinds)


def _part_of(
    initializer: InitializerLike | None,
    name: str,
    dtype: dtypes.DType,
    offset: list[int],
    size: list[int],
) -> tuple[Any, Any, Any]:
    """The initializer, shape and dtype of one part of a partitioned variable."""
    if initializer is None:
        return _default_initializer(name, dtype), size, dtype
    if callable(initializer):
        return initializer, size, dtype
    if isinstance(initializer, Tensor):
        part = F.Slice(initializer, offset, size)
        return part, None, part.dtype.base_dtype
    return F.Slice(convert_to_tensor(initializer, dtype), offset, size), None, dtype


def _collect(variable: Variable, arguments: dict[str, Any]) -> None:
    """Add an eager variable to the collections that a graph would have it in."""
    graph = context.get_default_graph()
    keys = arguments.get("collections") or [GraphKeys.GLOBAL_VARIABLES]
    graph.add_to_collections(keys, variable)
    if arguments.get("trainable"):
        graph.add_to_collection(GraphKeys.TRAINABLE_VARIABLES, variable)


def _regularize(variable: Variable, name: str, regularizer: Regularizer) -> None:
    """Add the loss that a regularizer makes of a variable to the collection."""
    graph = context.get_default_graph()
    colocated = (
        contextlib.nullcontext()
        if context.executing_eagerly()
        else graph.colocate_with(variable)
    )
    with colocated, dispatch.name_scope(f"{name}/Regularizer/"):
        with context.init_scope():
            loss = regularizer(variable)
    if loss is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)


# ---------------------------------------------------------------------- which store

_STORE_KEY = ("__variable_store",)


def _get_default_variable_store() -> VariableStore:
    """The store of the default graph."""
    found = context.get_default_graph().get_collection_ref(_STORE_KEY)
    if not found:
        found.append(VariableStore())
    return found[0]


@contextlib.contextmanager
def with_variable_store(store: VariableStore) -> Iterator[None]:
    """A context in which `get_variable` uses another store."""
    held = context.get_default_graph().get_collection_ref(_STORE_KEY)
    old = list(held)
    held[:] = [store]
    try:
        yield
    finally:
        held[:] = old


class EagerVariableStore:
    """A store that keeps eager variables, so that `get_variable` finds them again."""

    def __init__(self, store: VariableStore | None = None) -> None:
        if store is not None and not store._store_eager_variables:
            raise ValueError(
                "Cannot construct EagerVariableStore from a VariableStore object that "
                "does not hold eager variables."
            )
        self._store = store or VariableStore()
        self._store._store_eager_variables = True

    def as_default(self) -> Any:
        """A context in which `get_variable` uses this store."""
        return with_variable_store(self._store)

    def variables(self) -> list[Any]:
        """The variables, by name."""
        return sorted(self._store._vars.values(), key=lambda v: v.name)

    def trainable_variables(self) -> list[Any]:
        """The trainable variables, by name."""
        return [v for v in self.variables() if v.trainable]

    def non_trainable_variables(self) -> list[Any]:
        """The variables that are not trainable, by name."""
        return [v for v in self.variables() if not v.trainable]

    def copy(self) -> EagerVariableStore:
        """A store with variables of its own, of the same names and values."""
        copied = EagerVariableStore()
        for key, variable in self._store._vars.items():
            name = variable.name.partition(":")[0]
            copied._store._vars[key] = ResourceVariable(
                variable.read_value(), name=name, trainable=variable.trainable
            )
        return copied
