"""Resource variables: VarHandleOp, read and changed by ops that take its handle."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import (
    convert_to_tensor,
    is_eager_tensor,
    register_tensor_conversion_function,
)
from retrograd.graph.distribution import in_cross_replica_context
from retrograd.graph.names import (
    GraphKeys,
    prepend_name_scope,
    strip_name_scope,
    without_slash,
)
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.flow.effects import reads_variable
from retrograd.util import protos
from retrograd.variables.initial import guarded
from retrograd.variables.options import validate_synchronization_aggregation_trainable
from retrograd.variables.reference import checked_collections, refuse_inner
from retrograd.variables.variable import Variable, VariableV1

if TYPE_CHECKING:
    from retrograd.distribute.strategy import Strategy
    from retrograd.graph.composite import IndexedSlices
    from retrograd.run.session import BaseSession
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

_numbers = itertools.count()
_ages = itertools.count()


def variable_accessed(variable: Variable) -> None:
    """Tell tapes and the function being built that `variable` is used.

    One replica of a strategy uses, with its copy of a variable, the whole variable.
    """
    graph = context.get_default_graph()
    watch = getattr(graph, "watch_variable", None)
    if watch is not None:
        watch(variable)
    if variable.trainable:
        for tape in context.local.tapes:
            tape.watch_variable(_of_all_replicas(variable))


def _of_all_replicas(variable: Variable) -> Any:
    container = getattr(variable, "_distributed_container", None)
    if container is None or in_cross_replica_context():
        return variable
    return container()


@contextlib.contextmanager
def _graph_of(handle: Tensor) -> Iterator[None]:
    """Work in the graph of the handle where no default graph is set."""
    if context.executing_eagerly() or is_eager_tensor(handle) or context.local.graphs:
        yield
    else:
        with handle.graph.as_default():
            yield


class _Deleter:
    """Takes the value of an eager variable away once nothing refers to the variable.

    All variables made for one handle hold the same one.
    """

    def __init__(self, handle: Tensor, shared_name: str) -> None:
        from retrograd.run.eager import store

        # nobody else finds the storage: its name is its own
        self._cell = store.cells.pop(("", shared_name))

    def __del__(self) -> None:
        self._cell.value = None


class BaseResourceVariable(VariableV1):
    """A variable given by an existing handle."""

    _is_resource_variable = True

    def __init__(
        self,
        trainable: bool | None = None,
        shape: ShapeLike = None,
        dtype: Any = None,
        handle: Any = None,
        constraint: Constraint | None = None,
        synchronization: VariableSynchronization | None = None,
        aggregation: Aggregation | None = None,
        distribute_strategy: Strategy | None = None,
        name: str | None = None,
        unique_id: str | None = None,
        handle_name: str = "",
        graph_element: Any = None,
        initial_value: Tensor | None = None,
        initializer_op: Operation | None = None,
        is_initialized_op: Tensor | None = None,
        cached_value: Tensor | None = None,
        save_slice_info: Variable.SaveSliceInfo | None = None,
        handle_deleter: object = None,
        **unused: object,
    ) -> None:
        with context.init_scope():
            self._in_graph_mode = not context.executing_eagerly()
        options = validate_synchronization_aggregation_trainable(
            synchronization, aggregation, trainable, name
        )
        self._synchronization, self._aggregation, self._trainable = options
        self._save_slice_info = save_slice_info
        self._initial_value = initial_value
        self._initializer_op = initializer_op
        self._is_initialized_op = is_initialized_op
        self._graph_element = graph_element
        self._cached_value = cached_value
        self._distribute_strategy = distribute_strategy
        self._graph_key = context.get_default_graph()._graph_key
        self._shape = shapes.TensorShape.of(shapes.raw(shape))
        self._dtype = dtypes.as_dtype(dtype)
        self._handle: Tensor = handle
        self._unique_id = unique_id
        self._handle_name = handle_name + ":0"
        self._constraint = constraint
        self._handle_deleter = handle_deleter
        #: variables are listed in the order they were made
        self._age = next(_ages)

    def __repr__(self) -> str:
        text = super().__repr__()
        if context.executing_eagerly() and not self._in_graph_mode:
            from retrograd.run.eager import numpy_text

            shown = numpy_text(self.read_value(), is_repr=True)
            return f"{text[:-1]}, numpy={shown}>"
        return text

    # ------------------------------------------------------------------ properties

    @property
    def dtype(self) -> dtypes.DType:
        """The type of its elements."""
        return self._dtype

    @property
    def name(self) -> str:
        """The name of the handle, `w:0`."""
        return self._handle_name

    @property
    def shape(self) -> shapes.TensorShape:
        """The static shape."""
        return self._shape

    @property
    def _shape_raw(self) -> Any:
        return shapes.raw(self._shape)

    def _shape_as_list(self) -> list[int | None] | None:
        raw = self._shape_raw
        return None if raw is None else list(raw)

    def _shape_tuple(self) -> tuple[int | None, ...] | None:
        return self._shape_raw

    @property
    def handle(self) -> Tensor:
        """The resource tensor that stands for its storage."""
        return self._handle

    @property
    def graph(self) -> Any:
        """The graph that holds the handle."""
        return self._handle.graph

    @property
    def device(self) -> str:
        """The device of the handle."""
        return self._handle.device

    @property
    def op(self) -> Operation:
        """The operation that makes the handle."""
        return self._handle.op

    @property
    def create(self) -> Operation:
        """The operation that gives it its initial value.

        Raises:
          RuntimeError: when executing eagerly.
        """
        if not self._in_graph_mode:
            raise RuntimeError(
                "Calling create is not supported when eager execution is enabled."
            )
        return self._initializer_op

    @property
    def initial_value(self) -> Tensor:
        """The tensor that its initializer assigns.

        Raises:
          RuntimeError: when executing eagerly.
        """
        if context.executing_eagerly():
            raise RuntimeError("initial_value not supported in EAGER mode.")
        return self._initial_value

    def is_initialized(self, name: str | None = None) -> Tensor:
        """Whether it has a value, a bool scalar."""
        return F.VarIsInitializedOp(self.handle, name=name)

    def set_shape(self, shape: ShapeLike) -> None:
        """Not possible: the handle keeps its shape."""
        raise NotImplementedError("ResourceVariable does not implement set_shape()")

    # ------------------------------------------------------------------ reading

    def _as_graph_element(self) -> Any:
        return self._graph_element

    def _read_variable_op(self) -> Tensor:
        variable_accessed(self)
        return F.ReadVariableOp(self._handle, dtype=self._dtype)

    def value(self) -> Tensor:
        """The value, read anew unless a device keeps it."""
        if self._cached_value is not None:
            return self._cached_value
        if context.executing_eagerly():
            return self._read_variable_op()
        graph = context.get_default_graph()
        with graph.colocate_with(None, ignore_existing=True):
            with graph.device(self._handle.device or None):
                return self._read_variable_op()

    def read_value(self) -> Tensor:
        """The value, read where the current control dependencies have it."""
        with dispatch.name_scope("Read"):
            if context.executing_eagerly():
                value = self._read_variable_op()
            else:
                graph = context.get_default_graph()
                with graph.device(self._handle.device or None):
                    value = self._read_variable_op()
        return F.Identity(value)

    def _read_where(self, chosen: Tensor) -> Tensor:
        graph = context.get_default_graph()
        with (
            dispatch.name_scope("Read"),
            dispatch.name_scope("ReadVariableOp") as scope,
        ):
            with graph.colocate_with(self._handle.op):
                side = F.Switch(self._handle, chosen, name="Switch").output_true
            value = F.ReadVariableOp(side, dtype=self._dtype, name=scope)
        return F.Identity(value)

    def sparse_read(self, indices: TensorLike, name: str | None = None) -> Tensor:
        """The rows of the value with the given indices."""
        with dispatch.name_scope("Gather" if name is None else name) as scope:
            variable_accessed(self)
            value = F.ResourceGather(
                self._handle, indices, dtype=self._dtype, name=scope
            )
        return F.Identity(value)

    def gather_nd(self, indices: TensorLike, name: str | None = None) -> Tensor:
        """The elements or slices of the value with the given coordinates."""
        with dispatch.name_scope("GatherNd" if name is None else name) as scope:
            variable_accessed(self)
            value = F.ResourceGatherNd(
                self._handle, indices, dtype=self._dtype, name=scope
            )
        return F.Identity(value)

    def eval(self, session: BaseSession | None = None) -> Any:
        """The value in `session`, by default the thread's default session."""
        if context.executing_eagerly():
            raise RuntimeError("Trying to eval in EAGER mode")
        return self._graph_element.eval(session=session)

    def numpy(self) -> Any:
        """The value as an array, when executing eagerly."""
        if context.executing_eagerly():
            return self.read_value().numpy()  # pyright: ignore[reportAttributeAccessIssue]
        raise NotImplementedError(
            "numpy() is only available when eager execution is enabled."
        )

    def __bool__(self) -> bool:
        return bool(self.read_value())

    __nonzero__ = __bool__

    def __int__(self) -> int:
        if self.dtype not in (dtypes.int32, dtypes.int64):
            raise TypeError("Non-integer variable can't be converted to integer.")
        return int(self.value().numpy())  # pyright: ignore[reportAttributeAccessIssue]

    def __copy__(self) -> BaseResourceVariable:
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> ResourceVariable:
        if not context.executing_eagerly():
            raise NotImplementedError(
                "__deepcopy__() is only available when eager execution is enabled."
            )
        copied = ResourceVariable(
            initial_value=self.read_value(),
            trainable=self._trainable,
            constraint=self._constraint,
            dtype=self._dtype,
            name=self._shared_name + "_copy",
        )
        memo[self._unique_id] = copied
        return copied

    def __reduce__(self) -> Any:
        return functools.partial(
            ResourceVariable,
            initial_value=self.numpy(),
            trainable=self.trainable,
            name=self._shared_name,
            dtype=self.dtype,
            constraint=self.constraint,
        ), ()

    def _dense_var_to_tensor(
        self,
        dtype: dtypes.DType | None = None,
        name: str | None = None,
        as_ref: bool = False,
    ) -> Tensor:
        del name
        if dtype is not None and not dtype.is_compatible_with(self.dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type {dtype.name!r} for "
                f"variable of type {self.dtype.name!r}"
            )
        if as_ref:
            return self.read_value().op.inputs[0]
        return self.value()

    # ------------------------------------------------------------------ changing

    def _after_cached(self) -> Any:
        """A context whose operations run after the cached value is read."""
        if self._cached_value is None or context.executing_eagerly():
            return contextlib.nullcontext()
        return context.get_default_graph().control_dependencies([self._cached_value])

    def _lazy_read(self, op: Operation) -> _UnreadVariable:
        variable_accessed(self)
        unread = _UnreadVariable(
            self._handle,
            self.dtype,
            self._shape,
            self._in_graph_mode,
            None if self._in_graph_mode else self._handle_deleter,
            op,
            self._unique_id,
        )
        unread._age = self._age
        return unread

    def assign(
        self,
        value: TensorLike,
        use_locking: bool | None = None,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Make `value` the value.

        Returns:
          A variable that is read after the assignment; the operation if `read_value` is
          False, which is None when executing eagerly.
        """
        del use_locking
        with _graph_of(self.handle):
            tensor = convert_to_tensor(value, self.dtype)
            self._shape.assert_is_compatible_with(tensor.shape)
            done = F.AssignVariableOp(self.handle, tensor, name=name)
            return self._lazy_read(done) if read_value else done

    def assign_add(
        self,
        delta: TensorLike,
        use_locking: bool | None = None,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Add `delta` to the value; returns as `assign`."""
        del use_locking
        with _graph_of(self.handle), self._after_cached():
            tensor = convert_to_tensor(delta, self.dtype)
            done = F.AssignAddVariableOp(self.handle, tensor, name=name)
        return self._lazy_read(done) if read_value else done

    def assign_sub(
        self,
        delta: TensorLike,
        use_locking: bool | None = None,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtract `delta` from the value; returns as `assign`."""
        del use_locking
        with _graph_of(self.handle), self._after_cached():
            tensor = convert_to_tensor(delta, self.dtype)
            done = F.AssignSubVariableOp(self.handle, tensor, name=name)
        return self._lazy_read(done) if read_value else done

    def count_up_to(self, limit: int) -> Tensor:
        """Add one to an integer; the value before. Fails at `limit`."""
        return F.ResourceCountUpTo(self.handle, limit=limit, T=self.dtype)

    def _scatter(
        self,
        how: str,
        indices: TensorLike,
        values: TensorLike,
        use_locking: bool,
        name: str | None,
    ) -> _UnreadVariable:
        function = getattr(F, f"ResourceScatter{how}")
        values = convert_to_tensor(values, self.dtype)
        return self._lazy_read(function(self.handle, indices, values, name=name))

    def _scatter_nd(
        self, how: str, indices: TensorLike, updates: TensorLike, name: str | None
    ) -> _UnreadVariable:
        function = getattr(F, f"ResourceScatterNd{how}")
        updates = convert_to_tensor(updates, self.dtype)
        return self._lazy_read(function(self.handle, indices, updates, name=name))

    def batch_scatter_update(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Replace rows of a batch of matrices, those of each by indices of its own."""
        return self._lazy_read(
            super().batch_scatter_update(sparse_delta, use_locking, name)
        )

    def _strided_slice_assign(
        self,
        begin: TensorLike,
        end: TensorLike,
        strides: TensorLike,
        value: TensorLike,
        name: str | None,
        **masks: int,
    ) -> Any:
        with _graph_of(self.handle), self._after_cached():
            tensor = convert_to_tensor(value, self.dtype)
            return self._lazy_read(
                F.ResourceStridedSliceAssign(
                    self.handle, begin, end, strides, tensor, name=name, **masks
                )
            )

    def _refused(self, sign: str, method: str) -> RuntimeError:
        if method:
            way = (
                f"variable.{method}(value) to modify the variable value and variable = "
                f"variable {sign} value"
            )
        else:
            way = (
                f"`var.assign(var {sign} value)` to modify the variable or `var = var "
                f"{sign} value`"
            )
        return RuntimeError(
            f"Variable {sign}= value not supported. Use {way} to get a new Tensor "
            "object."
        )

    def __iadd__(self, unused: object) -> Any:
        raise self._refused("+", "assign_add")

    def __isub__(self, unused: object) -> Any:
        raise self._refused("-", "assign_sub")

    def __imul__(self, unused: object) -> Any:
        raise self._refused("*", "")

    def __itruediv__(self, unused: object) -> Any:
        raise self._refused("/", "")

    __idiv__ = __irealdiv__ = __itruediv__

    def __ipow__(self, unused: object) -> Any:
        raise self._refused("**", "")

    # ------------------------------------------------------------------ saving

    def to_proto(self, export_scope: str | None = None) -> Any:
        """A VariableDef message; None for a variable outside of `export_scope`."""
        if context.executing_eagerly():
            raise RuntimeError("to_proto not supported in EAGER mode.")
        if export_scope is not None and not self.handle.name.startswith(export_scope):
            return None
        snapshot = self._cached_value
        snapshot = self._graph_element if snapshot is None else snapshot
        proto = protos.message("variable.VariableDef")(
            variable_name=strip_name_scope(self.handle.name, export_scope),
            initializer_name=strip_name_scope(self.initializer.name, export_scope),
            snapshot_name=strip_name_scope(snapshot.name, export_scope),
            is_resource=True,
            trainable=self.trainable,
            synchronization=self.synchronization.value,
            aggregation=self.aggregation.value,
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

    @staticmethod
    def from_proto(variable_def: Message, import_scope: str | None = None) -> Any:
        """The variable whose nodes a VariableDef message names."""
        if context.executing_eagerly():
            raise RuntimeError("from_proto not supported in EAGER mode.")
        return ResourceVariable(variable_def=variable_def, import_scope=import_scope)


class ResourceVariable(BaseResourceVariable):
    """A variable behind a handle, read by an operation of its own at each use.

    A read sees the writes that it depends on and none that depend on it. For the
    arguments see `Variable`; `validate_shape` is accepted and ignored.
    """

    def __init__(
        self,
        initial_value: InitializerLike | None = None,
        trainable: bool | None = None,
        collections: Collection[str] | None = None,
        validate_shape: bool = True,
        caching_device: DeviceLike = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        variable_def: Message | None = None,
        import_scope: str | None = None,
        constraint: Constraint | None = None,
        distribute_strategy: Strategy | None = None,
        synchronization: VariableSynchronization | None = None,
        aggregation: Aggregation | None = None,
        shape: ShapeLike = None,
    ) -> None:
        del validate_shape
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError(
                    "variable_def and initial_value are mutually exclusive."
                )
            if context.executing_eagerly():
                raise ValueError(
                    "Creating ResourceVariable from variable_def is not supported when "
                    "eager execution is enabled."
                )
            self._find(variable_def, import_scope)
            return
        options = validate_synchronization_aggregation_trainable(
            synchronization, aggregation, trainable, name
        )
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        refuse_inner(initial_value, name)
        collections = checked_collections(collections, constraint)
        if options[2] and GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        with context.init_scope():
            eager = context.executing_eagerly()
            make = self._make_eager if eager else self._make
            parts = make(initial_value, name, dtype, shape, caching_device)
            graph = context.get_default_graph()
            if not eager:
                graph.add_to_collections(collections, self)
            elif GraphKeys.GLOBAL_STEP in collections:
                graph.add_to_collection(GraphKeys.GLOBAL_STEP, self)
        super().__init__(
            trainable=options[2],
            synchronization=options[0],
            aggregation=options[1],
            constraint=constraint,
            distribute_strategy=distribute_strategy,
            name=name,
            **parts,
        )

    def _start(
        self, initial_value: InitializerLike, dtype: DTypeLike | None, shape: ShapeLike
    ) -> tuple[Tensor, shapes.TensorShape]:
        """The initial value as a tensor, and the static shape of the variable."""
        start = convert_to_tensor(
            initial_value() if callable(initial_value) else initial_value,
            dtype,
            "initial_value",
        )
        if shape is None:
            return start, start.shape
        if not start.shape.is_compatible_with(shape):
            raise ValueError(
                f"The initial value's shape ({start.shape}) is not compatible with the "
                f"explicitly supplied `shape` argument ({shape})."
            )
        return start, shapes.TensorShape.of(shapes.raw(shape))

    def _make(
        self,
        initial_value: InitializerLike,
        name: str | None,
        dtype: DTypeLike | None,
        shape: ShapeLike,
        caching: DeviceLike,
    ) -> dict[str, Any]:
        """Add the operations of a variable to the graph."""
        values = [] if callable(initial_value) else [initial_value]
        with dispatch.name_scope(name, "Variable", values) as scope:
            graph = context.get_default_graph()
            handle_name = without_slash(scope)
            with graph._attr_scope({"_class": [f"loc:@{handle_name}".encode()]}):
                with dispatch.name_scope("Initializer"), graph.device(None):
                    start, full = self._start(initial_value, dtype, shape)
                dtype = start.dtype.base_dtype
                handle = F.VarHandleOp(
                    shape=shapes.raw(full),
                    dtype=dtype,
                    shared_name=handle_name,
                    name=scope,
                )
            with dispatch.name_scope("IsInitialized"):
                is_initialized = F.VarIsInitializedOp(handle)
            with (
                dispatch.name_scope("Assign") as assign_scope,
                graph.colocate_with(None, ignore_existing=True),
                graph.device(handle.device or None),
            ):
                initializer = F.AssignVariableOp(
                    handle, guarded(scope, start), name=assign_scope
                )
            with dispatch.name_scope("Read"):
                with graph.device(handle.device or None):
                    value = F.ReadVariableOp(handle, dtype=dtype)
                cached = None
                if caching is not None:
                    with (
                        graph.colocate_with(None, ignore_existing=True),
                        graph.device(caching),
                    ):
                        cached = F.Identity(value)
        return dict(
            handle=handle,
            shape=full,
            dtype=dtype,
            unique_id=handle_name,
            handle_name=handle_name,
            graph_element=value,
            initial_value=start,
            initializer_op=initializer,
            is_initialized_op=is_initialized,
            cached_value=cached,
        )

    def _make_eager(
        self,
        initial_value: InitializerLike,
        name: str | None,
        dtype: DTypeLike | None,
        shape: ShapeLike,
        caching: DeviceLike,
    ) -> dict[str, Any]:
        """Make the storage and fill it at once."""
        del caching
        with dispatch.name_scope(name, "Variable") as scope:
            with dispatch.name_scope("Initializer"):
                start, full = self._start(initial_value, dtype, shape)
            handle_name = without_slash(scope)
            unique = f"{handle_name}_{next(_numbers)}"
            dtype = start.dtype.base_dtype
            handle = F.VarHandleOp(
                shape=shapes.raw(full), dtype=dtype, shared_name=unique, name=scope
            )
            F.AssignVariableOp(handle, start)
        return dict(
            handle=handle,
            handle_deleter=_Deleter(handle, unique),
            shape=full,
            dtype=dtype,
            unique_id=unique,
            handle_name=handle_name,
        )

    def _find(self, variable_def: Message, import_scope: str | None) -> None:
        """Take the nodes that a VariableDef message names."""
        if not variable_def.is_resource:
            raise ValueError("Trying to restore Variable as ResourceVariable.")
        graph = context.get_default_graph()

        def node(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        handle = node(variable_def.variable_name)
        start = None
        if variable_def.initial_value_name:
            start = node(variable_def.initial_value_name)
        element, cached = handle.op.name + "/Read/ReadVariableOp:0", None
        read = graph.as_graph_element(element)
        if variable_def.snapshot_name:
            read = node(variable_def.snapshot_name)
            cached = None if reads_variable(read.op) else read
            while not reads_variable(read.op):
                read = read.op.inputs[0]
        info = None
        if variable_def.HasField("save_slice_info_def"):
            info = Variable.SaveSliceInfo(
                save_slice_info_def=variable_def.save_slice_info_def,
                import_scope=import_scope,
            )
        super().__init__(
            trainable=variable_def.trainable,
            synchronization=variable_def.synchronization,
            aggregation=variable_def.aggregation,
            shape=handle.op.attrs["shape"],
            dtype=handle.op.attrs["dtype"],
            handle=handle,
            handle_name=handle.op.name,
            unique_id=handle.name,
            graph_element=read,
            initial_value=start,
            initializer_op=node(variable_def.initializer_name),
            cached_value=cached,
            save_slice_info=info,
        )


class UninitializedVariable(BaseResourceVariable):
    """A variable that nothing initializes: something else assigns to it."""

    def __init__(
        self,
        trainable: bool | None = None,
        caching_device: DeviceLike = None,
        name: str | None = None,
        shape: ShapeLike = None,
        dtype: DTypeLike | None = None,
        constraint: Constraint | None = None,
        synchronization: VariableSynchronization | None = None,
        aggregation: Aggregation | None = None,
        extra_handle_data: object = None,
        distribute_strategy: Strategy | None = None,
        **unused: object,
    ) -> None:
        del caching_device, extra_handle_data
        element = None
        with context.init_scope(), dispatch.name_scope(name, "Variable") as scope:
            eager = context.executing_eagerly()
            handle_name = without_slash(scope)
            unique = f"{handle_name}_{next(_numbers)}" if eager else handle_name
            handle = F.VarHandleOp(
                shape=shapes.raw(shape), dtype=dtype, shared_name=unique, name=scope
            )
            if not eager:
                graph = context.get_default_graph()
                with dispatch.name_scope("Read"), graph.device(handle.device or None):
                    element = F.ReadVariableOp(handle, dtype=dtype)
                graph.add_to_collection(GraphKeys.GLOBAL_VARIABLES, self)
        super().__init__(
            trainable=trainable,
            shape=shape,
            dtype=dtype,
            handle=handle,
            constraint=constraint,
            synchronization=synchronization,
            aggregation=aggregation,
            distribute_strategy=distribute_strategy,
            unique_id=unique,
            handle_name=handle_name,
            graph_element=element,
        )


class _UnreadVariable(BaseResourceVariable):
    """A variable as it is once an operation has run: reads come after that."""

    def __init__(
        self,
        handle: Tensor,
        dtype: DTypeLike,
        shape: ShapeLike,
        in_graph_mode: bool,
        deleter: object,
        parent_op: Operation,
        unique_id: str,
    ) -> None:
        del in_graph_mode
        graph = context.get_default_graph()
        self._parent_op = parent_op
        element = None
        if not context.executing_eagerly() and not graph.building_function:
            with graph.control_dependencies([parent_op]):
                element = F.ReadVariableOp(handle, dtype=dtype)
        super().__init__(
            handle=handle,
            shape=shape,
            handle_name="" if is_eager_tensor(handle) else handle.name,
            unique_id=unique_id,
            dtype=dtype,
            handle_deleter=deleter,
            graph_element=element,
        )

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self._parent_op.name if self._in_graph_mode else "UnreadVariable"

    @property
    def op(self) -> Operation:
        """The operation that reads wait for."""
        return self._parent_op

    def value(self) -> Tensor:
        """The value after the operation."""
        return self._read_variable_op()

    def read_value(self) -> Tensor:
        """The value after the operation."""
        return self._read_variable_op()

    def _read_variable_op(self) -> Tensor:
        if context.executing_eagerly():
            return super()._read_variable_op()
        graph = context.get_default_graph()
        with graph.control_dependencies([self._parent_op]):
            return F.ReadVariableOp(self._handle, dtype=self._dtype)


def _convert(
    value: BaseResourceVariable,
    dtype: dtypes.DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    return value._dense_var_to_tensor(dtype, name, as_ref)


register_tensor_conversion_function(BaseResourceVariable, _convert)
