"""Reference variables: VariableV2, changed in place by ops that take a reference."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import (
    convert_to_tensor,
    is_eager_tensor,
    register_tensor_conversion_function,
)
from retrograd.graph.function import BodyGraph
from retrograd.graph.names import (
    GraphKeys,
    prepend_name_scope,
    strip_name_scope,
    without_slash,
)
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.util import protos
from retrograd.variables.initial import guarded
from retrograd.variables.options import validate_synchronization_aggregation_trainable
from retrograd.variables.variable import Variable, VariableV1, _dtype_mismatch

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.typing import (
        Aggregation,
        Constraint,
        DeviceLike,
        DTypeLike,
        InitializerLike,
        Message,
        ShapeLike,
        TensorLike,
    )
    from retrograd.variables.options import VariableSynchronization


def checked_collections(
    collections: Collection[str] | None, constraint: object
) -> Collection[str]:
    """The collections of a new variable.

    Raises:
      ValueError: they are not a list, or `constraint` cannot be called.
    """
    if collections is None:
        collections = [GraphKeys.GLOBAL_VARIABLES]
    if not isinstance(collections, (list, tuple, set)):
        raise ValueError(
            "collections argument to Variable constructor must be a list, tuple, or "
            f"set. Got {collections} of type {type(collections)}"
        )
    if constraint is not None and not callable(constraint):
        raise ValueError("The `constraint` argument must be a callable.")
    return collections


def refuse_inner(value: object, name: str | None) -> None:
    """Check that an initial value can be computed outside of branches and functions.

    Raises:
      ValueError: it is a tensor of one.
    """
    if not isinstance(value, Tensor) or is_eager_tensor(value):
        return
    if isinstance(value.graph, BodyGraph) or value.op._control_flow_context is not None:
        raise ValueError(
            f"Initializer for variable {name or 'Variable'} is from inside a "
            "control-flow construct, such as a loop or conditional. When creating a "
            "variable inside a loop or conditional, use a lambda as the initializer."
        )
    if value.graph.building_function:
        raise ValueError(
            "Tensor-typed variable initializers must either be wrapped in an "
            "init_scope or callable (e.g., `tf.Variable(lambda : "
            "tf.truncated_normal([10, 40]))`) when building functions. Please file a "
            "feature request if this restriction inconveniences you."
        )


class RefVariable(VariableV1):
    """A variable whose tensor is a reference to its storage. See `Variable`."""

    def __init__(
        self,
        initial_value: InitializerLike | None = None,
        trainable: bool | None = None,
        collections: Collection[str] | None = None,
        validate_shape: bool = True,
        caching_device: DeviceLike = None,
        name: str | None = None,
        variable_def: Message | None = None,
        dtype: DTypeLike | None = None,
        expected_shape: object = None,
        import_scope: str | None = None,
        constraint: Constraint | None = None,
        synchronization: VariableSynchronization | None = None,
        aggregation: Aggregation | None = None,
        shape: ShapeLike = None,
    ) -> None:
        del expected_shape
        self._in_graph_mode = True
        self._save_slice_info = None
        self._caching_device = caching_device
        self._constraint = constraint
        self._graph_key = context.get_default_graph()._graph_key
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError(
                    "variable_def and initial_value are mutually exclusive."
                )
            self._find(variable_def, import_scope)
            return
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        refuse_inner(initial_value, name)
        collections = checked_collections(collections, constraint)
        options = validate_synchronization_aggregation_trainable(
            synchronization, aggregation, trainable, name
        )
        self._synchronization, self._aggregation, self._trainable = options
        if self._trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        with context.init_scope():
            if context.executing_eagerly():
                raise RuntimeError(
                    "RefVariable not supported when eager execution is enabled. "
                )
            self._make(initial_value, validate_shape, name, dtype, shape)
            context.get_default_graph().add_to_collections(collections, self)

    # ------------------------------------------------------------------ making

    def _make(
        self,
        initial_value: InitializerLike,
        validate: bool,
        name: str | None,
        dtype: DTypeLike | None,
        shape: ShapeLike,
    ) -> None:
        """Add the operations: initial value, variable, assignment, reading."""
        late = callable(initial_value)
        values = [] if late else [initial_value]
        with dispatch.name_scope(name, "Variable", values) as scope:
            if late:
                self._make_late(initial_value, validate, scope, dtype, shape)
            else:
                self._initial_value = convert_to_tensor(
                    initial_value, dtype, "initial_value"
                )
                self._make_storage(validate, scope, shape)
            start = self._initial_value
            if validate and not start.shape.is_fully_defined():
                raise ValueError(f"initial_value must have a shape specified: {start}")
            self._initializer_op = F.Assign(
                self._variable, guarded(scope, start), validate_shape=validate
            ).op
            graph = self._variable.graph
            place = (
                graph.colocate_with(self._variable.op)
                if self._caching_device is None
                else graph.device(self._caching_device)
            )
            with place:
                self._snapshot = F.Identity(self._variable, name="read")

    def _make_late(
        self,
        function: Callable[[], TensorLike],
        validate: bool,
        scope: str,
        dtype: DTypeLike | None,
        shape: ShapeLike,
    ) -> None:
        """Call for the initial value; its operations go where the variable goes."""
        graph = context.get_default_graph()
        place = {"_class": [f"loc:@{without_slash(scope)}".encode()]}
        with graph._attr_scope(place):
            with dispatch.name_scope("Initializer"), graph.device(None):
                self._initial_value = convert_to_tensor(
                    function(), dtype, "initial_value"
                )
            self._make_storage(validate, scope, shape)

    def _make_storage(self, validate: bool, scope: str, shape: ShapeLike) -> None:
        if shape is None:
            shape = self._initial_value.shape if validate else None
        self._variable: Tensor = F.VariableV2(
            shape=shapes.raw(shape),
            dtype=self._initial_value.dtype.base_dtype,
            name=scope,
        )

    def _find(self, variable_def: Message, import_scope: str | None) -> None:
        """Take the nodes that a VariableDef message names."""
        graph = context.get_default_graph()

        def node(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._variable = node(variable_def.variable_name)
        self._initializer_op = node(variable_def.initializer_name)
        self._initial_value = None
        if variable_def.initial_value_name:
            self._initial_value = node(variable_def.initial_value_name)
        options = validate_synchronization_aggregation_trainable(
            variable_def.synchronization,
            variable_def.aggregation,
            variable_def.trainable,
            variable_def.variable_name,
        )
        self._synchronization, self._aggregation, self._trainable = options
        self._snapshot = node(variable_def.snapshot_name)
        if variable_def.HasField("save_slice_info_def"):
            self._save_slice_info = Variable.SaveSliceInfo(
                save_slice_info_def=variable_def.save_slice_info_def,
                import_scope=import_scope,
            )
        self._caching_device = None
        self._constraint = None

    # ------------------------------------------------------------------ being a tensor

    def _as_graph_element(self) -> Tensor:
        return self._variable

    def _ref(self) -> Tensor:
        return self._variable

    @property
    def name(self) -> str:
        """The name of the reference, `w:0`."""
        return self._variable.name

    @property
    def op(self) -> Operation:
        """The VariableV2 operation."""
        return self._variable.op

    @property
    def dtype(self) -> Any:
        """The reference type of its elements."""
        return self._variable.dtype

    @property
    def shape(self) -> shapes.TensorShape:
        """The static shape."""
        return self._variable.shape

    @property
    def _distribute_strategy(self) -> None:
        return None

    def set_shape(self, shape: ShapeLike) -> None:
        """Add what is known about the static shape."""
        self._variable.set_shape(shape)
        self.value().set_shape(shape)

    def value(self) -> Tensor:
        """The tensor that reads the variable, the same one each time."""
        return self._snapshot

    def read_value(self) -> Tensor:
        """The value, read where the current control dependencies have it."""
        return F.Identity(self._variable, name="read")

    def _read_where(self, chosen: Tensor) -> Tensor:
        with dispatch.name_scope("read") as scope:
            side = F.RefSwitch(self._variable, chosen, name="Switch").output_true
            return F.Identity(side, name=scope)

    # ------------------------------------------------------------------ changing

    def assign(
        self,
        value: TensorLike,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Make `value` the value; the new one, or the operation."""
        done = F.Assign(self._variable, value, use_locking=use_locking, name=name)
        return done if read_value else done.op

    def assign_add(
        self,
        delta: TensorLike,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Add `delta` to the value; the new one, or the operation."""
        done = F.AssignAdd(self._variable, delta, use_locking=use_locking, name=name)
        return done if read_value else done.op

    def assign_sub(
        self,
        delta: TensorLike,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtract `delta` from the value; the new one, or the operation."""
        done = F.AssignSub(self._variable, delta, use_locking=use_locking, name=name)
        return done if read_value else done.op

    def count_up_to(self, limit: int) -> Tensor:
        """Add one to an integer; the value before. Fails at `limit`."""
        return F.CountUpTo(self._variable, limit=limit)

    def _scatter(
        self,
        how: str,
        indices: TensorLike,
        values: TensorLike,
        use_locking: bool,
        name: str | None,
    ) -> Tensor:
        function = getattr(F, f"Scatter{how}")
        return function(
            self._variable, indices, values, use_locking=use_locking, name=name
        )

    def _scatter_nd(
        self, how: str, indices: TensorLike, updates: TensorLike, name: str | None
    ) -> Tensor:
        function = getattr(F, f"ScatterNd{how}")
        return function(self._variable, indices, updates, use_locking=True, name=name)

    def _strided_slice_assign(
        self,
        begin: TensorLike,
        end: TensorLike,
        strides: TensorLike,
        value: TensorLike,
        name: str | None,
        **masks: int,
    ) -> Tensor:
        return F.StridedSliceAssign(
            self._variable, begin, end, strides, value, name=name, **masks
        )

    def to_proto(self, export_scope: str | None = None) -> Any:
        """A VariableDef message; None for a variable outside of `export_scope`."""
        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        proto = protos.message("variable.VariableDef")(
            variable_name=strip_name_scope(self.name, export_scope),
            trainable=self.trainable,
            synchronization=self.synchronization.value,
            aggregation=self.aggregation.value,
            initializer_name=strip_name_scope(self.initializer.name, export_scope),
            snapshot_name=strip_name_scope(self._snapshot.name, export_scope),
        )
        if self._initial_value is not None:
            proto.initial_value_name = strip_name_scope(
                self._initial_value.name, export_scope
            )
        if self._save_slice_info is not None:
            proto.save_slice_info_def.MergeFrom(
                self._save_slice_info.to_proto(export_scope)
            )
        return proto


def _convert(
    value: RefVariable,
    dtype: DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    del name
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise _dtype_mismatch(value, dtype)
    return value._ref() if as_ref else value.value()


register_tensor_conversion_function(RefVariable, _convert)
