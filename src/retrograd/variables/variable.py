"""What all variables have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from retrograd import shapes
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.hooks import hooks
from retrograd.graph.names import prepend_name_scope, strip_name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.reference import Reference
from retrograd.graph.tensor import OVERLOADABLE_OPERATORS, Tensor
from retrograd.ops.array.slicing import getitem_of_variable
from retrograd.ops.math import overloads  # noqa: F401 (the operators of tensors)
from retrograd.util import protos
from retrograd.util.tracking import Trackable
from retrograd.variables.options import (
    VariableAggregation,
    VariableSynchronization,
)

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.run.session import BaseSession
    from retrograd.typing import (
        Aggregation,
        Constraint,
        DeviceLike,
        DTypeLike,
        InitializerLike,
        Message,
        Operators,
        ShapeLike,
        TensorLike,
    )
    from retrograd.variables.resource import BaseResourceVariable

    class _Base(Trackable, Operators):
        """Where type checkers find the operators, which are set at the end."""

else:
    _Base = Trackable


class VariableMetaclass(type):
    """Calling `Variable` gives an instance of a subclass, through variable creators."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is VariableV1:
            return _create(
                hooks.default_variable_creator, _arguments_v1(*args, **kwargs)
            )
        if cls is Variable:
            return _create(
                hooks.default_variable_creator_v2, _arguments_v2(*args, **kwargs)
            )
        return super().__call__(*args, **kwargs)


def _through(creator: Callable[..., Any], following: Callable[..., Any]) -> Any:
    return lambda **arguments: creator(following, **arguments)


def _create(creator: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    made: Any = functools.partial(creator, None)
    for _, outer in context.get_default_graph()._variable_creator_stack:
        made = _through(outer, made)
    if arguments["aggregation"] is None:
        arguments["aggregation"] = VariableAggregation.NONE
    return made(**arguments)


def _arguments_v1(
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
    use_resource: bool | None = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: Aggregation = VariableAggregation.NONE,
    shape: ShapeLike = None,
) -> dict[str, Any]:
    return dict(locals())


def _arguments_v2(
    initial_value: InitializerLike | None = None,
    trainable: bool | None = None,
    validate_shape: bool = True,
    caching_device: DeviceLike = None,
    name: str | None = None,
    variable_def: Message | None = None,
    dtype: DTypeLike | None = None,
    import_scope: str | None = None,
    constraint: Constraint | None = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: Aggregation = VariableAggregation.NONE,
    shape: ShapeLike = None,
) -> dict[str, Any]:
    return dict(locals())


class Variable(_Base, metaclass=VariableMetaclass):
    """A value that outlives a run: it is initialized once and can be assigned to.

    `tf.Variable(initial_value)` makes one. It stands for its value wherever a tensor is
    expected, and has all of a tensor's operators.

    Args:
      initial_value: a tensor, what converts to one, or a function without arguments
        that returns it. Its shape must be known unless `validate_shape` is False.
      trainable: whether optimizers change it by default.
      collections: the collections it is added to, by default the global variables.
      validate_shape: whether its static shape is that of the initial value.
      caching_device: a device that keeps the value that is read.
      name: its name, made unique, by default "Variable".
      variable_def: a VariableDef message; the variable whose nodes it names.
      dtype: the type that the initial value is converted to.
      expected_shape: accepted and ignored.
      import_scope: the name scope that the nodes of `variable_def` are in.
      constraint: a function that optimizers apply to the value after an update.
      use_resource: whether it is a resource variable.
      synchronization, aggregation: see the enumerations of these names.
      shape: its static shape, where it differs from that of the initial value.

    Raises:
      ValueError: no initial value, or one without a shape.
    """

    __array_priority__ = 100
    _is_resource_variable = False
    _trainable: bool
    _synchronization: VariableSynchronization
    _aggregation: Any
    _constraint: Any
    _save_slice_info: Any
    _initial_value: Any
    _initializer_op: Any

    # ------------------------------------------------------------------ properties

    @property
    def name(self) -> str:
        """The name of the tensor that it stands for, `w:0`."""
        raise NotImplementedError

    @property
    def _shared_name(self) -> str:
        return self.name[: self.name.index(":")]

    @property
    def op(self) -> Operation:
        """The operation that holds it."""
        raise NotImplementedError

    @property
    def shape(self) -> shapes.TensorShape:
        """The static shape."""
        raise NotImplementedError

    def get_shape(self) -> shapes.TensorShape:
        """As `shape`."""
        return self.shape

    @property
    def dtype(self) -> Any:
        """The type of its elements; a reference type for a reference variable."""
        raise NotImplementedError

    @property
    def graph(self) -> Any:
        """The graph that holds it."""
        return self.op.graph

    @property
    def device(self) -> str:
        """The device asked for, or an empty string."""
        return self.op.device

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it by default."""
        return self._trainable

    @property
    def synchronization(self) -> VariableSynchronization:
        """When copies of it are made equal."""
        return self._synchronization

    @property
    def aggregation(self) -> Any:
        """How updates of copies of it are put together."""
        return self._aggregation

    @property
    def constraint(self) -> Any:
        """The function that optimizers apply after an update, or None."""
        return self._constraint

    @property
    def initializer(self) -> Operation:
        """The operation that gives it its initial value."""
        return self._initializer_op

    @property
    def initial_value(self) -> Tensor:
        """The tensor that its initializer assigns."""
        return self._initial_value

    def __repr__(self) -> str:
        return (
            f"<tf.Variable {self.name!r} shape={self.get_shape()} "
            f"dtype={self.dtype.name}>"
        )

    def experimental_ref(self) -> Reference:
        """A hashable reference to this variable."""
        return Reference(self)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __iter__(self) -> Any:
        raise TypeError("'Variable' object is not iterable.")

    # ------------------------------------------------------------------ reading

    def value(self) -> Tensor:
        """The tensor that stands for the value."""
        raise NotImplementedError

    def read_value(self) -> Tensor:
        """The value, read where the current control dependencies have it."""
        raise NotImplementedError

    def _as_graph_element(self) -> Any:
        raise NotImplementedError

    def eval(self, session: BaseSession | None = None) -> Any:
        """The value in `session`, by default the thread's default session."""
        return self._as_graph_element().eval(session=session)

    def initialized_value(self) -> Tensor:
        """The value, or the initial value as long as there is none.

        For initial values that depend on other variables.
        """
        from retrograd.variables.initial import initialized_value

        return initialized_value(self)

    def _read_where(self, chosen: Tensor) -> Tensor:
        """The value where the scalar `chosen` is true; does not run where it is not."""
        raise NotImplementedError

    def load(self, value: TensorLike, session: BaseSession | None = None) -> None:
        """Make `value`, an array, the value in `session` without adding to the graph.

        Raises:
          ValueError: there is no session.
        """
        if context.executing_eagerly():
            self.assign(value)
            return
        session = session or context.get_default_session()
        if session is None:
            raise ValueError(
                "Either session argument should be provided or default session should "
                "be established"
            )
        session.run(self.initializer, {self.initializer.inputs[1]: value})

    # ------------------------------------------------------------------ changing

    def set_shape(self, shape: ShapeLike) -> None:
        """Add what is known about the static shape."""
        raise NotImplementedError

    def assign(
        self,
        value: TensorLike,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Make `value` the value.

        Returns:
          What has the new value; the operation if `read_value` is False.
        """
        raise NotImplementedError

    def assign_add(
        self,
        delta: TensorLike,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Add `delta` to the value; returns as `assign`."""
        raise NotImplementedError

    def assign_sub(
        self,
        delta: TensorLike,
        use_locking: bool | None = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtract `delta` from the value; returns as `assign`."""
        raise NotImplementedError

    def count_up_to(self, limit: int) -> Tensor:
        """Add one to an integer; the value before. Fails at `limit`."""
        raise NotImplementedError

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """Rows of the value, by index; only resource variables read them alone.

        Raises:
          AttributeError: the variable does not.
        """
        raise AttributeError("Only resource variables are read in parts.")

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """Elements or slices of the value, by index vectors, as `sparse_read`.

        Raises:
          AttributeError: the variable does not.
        """
        raise AttributeError("Only resource variables are read in parts.")

    def _scatter(
        self,
        how: str,
        indices: TensorLike,
        values: TensorLike,
        use_locking: bool,
        name: str | None,
    ) -> Any:
        """Apply the op type that changes rows as `how` says."""
        raise NotImplementedError

    def _scatter_nd(
        self, how: str, indices: TensorLike, updates: TensorLike, name: str | None
    ) -> Any:
        """Apply the op type that changes slices as `how` says."""
        raise NotImplementedError

    def _scatter_slices(
        self, how: str, sparse_delta: IndexedSlices, use_locking: bool, name: str | None
    ) -> Any:
        if not isinstance(sparse_delta, IndexedSlices):
            raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta}")
        return self._scatter(
            how, sparse_delta.indices, sparse_delta.values, use_locking, name
        )

    def scatter_sub(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Subtract IndexedSlices."""
        return self._scatter_slices("Sub", sparse_delta, use_locking, name)

    def scatter_add(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Add IndexedSlices."""
        return self._scatter_slices("Add", sparse_delta, use_locking, name)

    def scatter_max(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Take the larger of the value and IndexedSlices."""
        return self._scatter_slices("Max", sparse_delta, use_locking, name)

    def scatter_min(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Take the smaller of the value and IndexedSlices."""
        return self._scatter_slices("Min", sparse_delta, use_locking, name)

    def scatter_mul(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Multiply by IndexedSlices."""
        return self._scatter_slices("Mul", sparse_delta, use_locking, name)

    def scatter_div(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Divide by IndexedSlices."""
        return self._scatter_slices("Div", sparse_delta, use_locking, name)

    def scatter_update(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Put IndexedSlices in the place of rows."""
        return self._scatter_slices("Update", sparse_delta, use_locking, name)

    def scatter_nd_sub(
        self, indices: TensorLike, updates: TensorLike, name: str | None = None
    ) -> Any:
        """Subtract from elements or slices; `indices` [..., K] are K coordinates."""
        return self._scatter_nd("Sub", indices, updates, name)

    def scatter_nd_add(
        self, indices: TensorLike, updates: TensorLike, name: str | None = None
    ) -> Any:
        """Add to elements or slices; `indices` [..., K] are K coordinates."""
        return self._scatter_nd("Add", indices, updates, name)

    def scatter_nd_update(
        self, indices: TensorLike, updates: TensorLike, name: str | None = None
    ) -> Any:
        """Replace elements or slices; `indices` [..., K] are K coordinates."""
        return self._scatter_nd("Update", indices, updates, name)

    def batch_scatter_update(
        self,
        sparse_delta: IndexedSlices,
        use_locking: bool = False,
        name: str | None = None,
    ) -> Any:
        """Replace rows of a batch of matrices, those of each by indices of its own."""
        from retrograd.variables.updates import batch_scatter_update

        return batch_scatter_update(
            self, sparse_delta.indices, sparse_delta.values, use_locking, name
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
        """Assign to a strided slice; arguments as for `tf.strided_slice`."""
        raise NotImplementedError

    # ------------------------------------------------------------------ saving

    def _set_save_slice_info(self, save_slice_info: Variable.SaveSliceInfo) -> None:
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self) -> Any:
        return self._save_slice_info

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {"VARIABLE_VALUE": self}

    def to_proto(self, export_scope: str | None = None) -> Any:
        """A VariableDef message; None for a variable outside of `export_scope`."""
        raise NotImplementedError

    @staticmethod
    def from_proto(variable_def: Message, import_scope: str | None = None) -> Any:
        """The variable whose nodes a VariableDef message names."""
        return hooks.variable_from_proto(variable_def, import_scope)

    class SaveSliceInfo:
        """Which part of a larger variable a variable is, in a checkpoint."""

        full_name: Any
        full_shape: Any
        var_offset: Any
        var_shape: Any

        def __init__(
            self,
            full_name: str | None = None,
            full_shape: Sequence[int] | None = None,
            var_offset: Sequence[int] | None = None,
            var_shape: Sequence[int] | None = None,
            save_slice_info_def: Message | None = None,
            import_scope: str | None = None,
        ) -> None:
            if save_slice_info_def is not None:
                self.full_name = prepend_name_scope(
                    save_slice_info_def.full_name, import_scope
                )
                self.full_shape = list(save_slice_info_def.full_shape)
                self.var_offset = list(save_slice_info_def.var_offset)
                self.var_shape = list(save_slice_info_def.var_shape)
            else:
                self.full_name = full_name
                self.full_shape = full_shape
                self.var_offset = var_offset
                self.var_shape = var_shape

        @property
        def spec(self) -> str:
            """The slice as a checkpoint writes it: full shape, offsets and sizes."""
            full = "".join(f"{size} " for size in self.full_shape)
            pairs = zip(self.var_offset, self.var_shape, strict=True)
            return full + ":".join(f"{start},{size}" for start, size in pairs)

        def to_proto(self, export_scope: str | None = None) -> Any:
            """A SaveSliceInfoDef message, or None outside of `export_scope`."""
            if export_scope is not None and not self.full_name.startswith(export_scope):
                return None
            return protos.message("variable.SaveSliceInfoDef")(
                full_name=strip_name_scope(self.full_name, export_scope),
                full_shape=[int(size) for size in self.full_shape],
                var_offset=[int(start) for start in self.var_offset],
                var_shape=[int(size) for size in self.var_shape],
            )

    # ------------------------------------------------------------------ operators

    @staticmethod
    def _OverloadOperator(operator: str) -> None:
        """Give variables one of the operators that tensors have."""
        function = getattr(Tensor, operator)

        @functools.wraps(function)
        def applied(self: Variable, *arguments: Any) -> Any:
            return function(self.value(), *arguments)

        setattr(Variable, operator, applied)


def _getitem(self: Variable, slice_spec: Any) -> Any:
    """A slice of the value; its `assign(value, name=None)` changes the variable."""
    return getitem_of_variable(self, slice_spec)


for _operator in OVERLOADABLE_OPERATORS - {"__eq__", "__ne__", "__getitem__"}:
    Variable._OverloadOperator(_operator)
Variable.__getitem__ = _getitem


class VariableV1(Variable):
    """Variables as version 1 makes them: `tf.Variable`. See `Variable`."""

    __doc__ = Variable.__doc__


def _dtype_mismatch(variable: Variable, dtype: DType) -> ValueError:
    return ValueError(
        f"Incompatible type conversion requested to type '{dtype.name}' for variable "
        f"of type '{variable.dtype.name}'"
    )


def is_resource_variable(value: object) -> TypeGuard[BaseResourceVariable]:
    """Whether `value` is a variable with a resource handle."""
    return getattr(value, "_is_resource_variable", False)


__all__ = [
    "Variable",
    "VariableMetaclass",
    "VariableV1",
    "is_resource_variable",
]
