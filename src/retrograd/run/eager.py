"""Eager execution: an op is run as soon as it is applied, on NumPy."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.arrays import numpy as xp_numpy
from retrograd.arrays.blas import threads
from retrograd.graph import attributes, context, opdef
from retrograd.graph.device import DeviceSpecV1
from retrograd.graph.dispatch import SymbolicInput
from retrograd.graph.function import FuncGraph
from retrograd.graph.hooks import hooks
from retrograd.graph.record import Record
from retrograd.graph.tensor import Held, Tensor
from retrograd.ops.binding import Binding, binding, keywords
from retrograd.ops.declare import Declaration, F, find
from retrograd.ops.kernels import refusal_at_once
from retrograd.ops.traits import Kind
from retrograd.run.devices import CPU, PREFIX
from retrograd.run.failure import describe
from retrograd.run.interpret import function, missing_kernel
from retrograd.run.store import Cell, EagerVariable, Store

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.run.session import BaseSession
    from retrograd.typing import Array, FeedDict, ShapeLike

#: the state of all variables, tables and so on that exist outside of sessions
store = Store()
#: called after each op: `f(op_type, inputs, attrs, outputs, op_name)`
callbacks: list[Callable[..., Any]] = []


@functools.cache
def full_device_name(name: str) -> str:
    """A device name with all parts; the CPU for a device that there is not."""
    spec = DeviceSpecV1.from_string(name)
    if spec.device_type not in (None, "CPU"):
        return CPU
    return f"{PREFIX}/device:CPU:{spec.device_index or 0}"


class EagerTensor(Tensor):
    """A tensor that has a value: its shape is known, and it can be read at any time."""

    _is_eager = True
    #: what a function that uses a variable's handle refers to it by
    _variable: EagerVariable | None = None

    def __init__(self, value: Any, dtype: dtypes.DType) -> None:
        self._value = value
        self._dtype = dtype
        where = context.local.device
        self._device = full_device_name(where) if where else CPU

    @property
    def _shape_raw(self) -> Any:
        return np.shape(self._value)

    # a node's output is told its shape, an eager tensor's value has one
    @_shape_raw.setter
    def _shape_raw(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, raw: RawShape
    ) -> None:
        del raw  # the value's own shape is exact

    @property
    def _held(  # pyright: ignore[reportIncompatibleVariableOverride]
        self,
    ) -> Held | None:
        """What a handle stands for: the variable, or list, that is its value says."""
        return getattr(self._value, "facts", None)

    @property
    def _id(self) -> int:
        return id(self)

    def numpy(self) -> Any:
        """The value as a NumPy array or scalar that the caller may change."""
        value = self._value
        if self._dtype is dtypes.resource:
            raise ValueError("Resource handles are not convertible to numpy.")
        if context.local.tapes:
            self._tell_tapes("numpy")
        if isinstance(value, np.ndarray):
            return value.copy() if value.shape else value[()]
        return value

    def _tell_tapes(self, how: str) -> None:
        for tape in context.local.tapes:
            note = getattr(tape, "note_read", None)
            if note is not None:
                note(self, how)

    @property
    def _numpy(self) -> Any:
        return self.numpy

    @property
    def device(self) -> str:
        """Where the value is."""
        return self._device

    @property
    def backing_device(self) -> str:
        """Where the memory is."""
        return self._device

    def _only_in_graphs(self, what: str) -> AttributeError:
        return AttributeError(
            f"Tensor.{what} is meaningless when eager execution is enabled."
        )

    @property
    def op(self) -> Any:
        """Raises: there is no graph."""
        raise self._only_in_graphs("op")

    @property
    def graph(self) -> Any:
        """Raises: there is no graph."""
        raise self._only_in_graphs("graph")

    @property
    def name(self) -> str:
        """Raises: there is no graph."""
        raise self._only_in_graphs("name")

    @property
    def value_index(self) -> int:
        """Raises: there is no graph."""
        raise self._only_in_graphs("value_index")

    def consumers(self) -> Any:
        """Raises: there is no graph."""
        raise NotImplementedError(
            "Tensor.consumers is meaningless when eager execution is enabled."
        )

    def eval(
        self, feed_dict: FeedDict | None = None, session: BaseSession | None = None
    ) -> Any:
        """Raises: there is no session."""
        del feed_dict, session
        raise NotImplementedError(
            "eval is not supported when eager execution is enabled, is .numpy() what "
            "you're looking for?"
        )

    def set_shape(self, shape: ShapeLike) -> None:
        """Check that the value has this shape.

        Raises:
          ValueError: it has another.
        """
        if not self.shape.is_compatible_with(shapes.TensorShape(shape)):
            raise ValueError(
                f"Tensor's shape {self.shape} is not compatible with supplied shape "
                f"{shape}"
            )

    def cpu(self) -> Any:
        """A copy: values are in the computer's memory."""
        return F.Identity(self)

    def gpu(self, gpu_index: int = 0) -> Any:
        """A copy: values are in the computer's memory."""
        del gpu_index
        return F.Identity(self)

    def __str__(self) -> str:
        return (
            f"tf.Tensor({numpy_text(self)}, shape={self.shape}, "
            f"dtype={self.dtype.name})"
        )

    def __repr__(self) -> str:
        return (
            f"<tf.Tensor: id={self._id}, shape={self.shape}, dtype={self.dtype.name}, "
            f"numpy={numpy_text(self, is_repr=True)}>"
        )

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> Any:
        del copy
        if context.local.tapes:
            self._tell_tapes("np.array")
        return np.array(self._value, dtype)

    def __len__(self) -> int:
        if not np.shape(self._value):
            raise TypeError("Scalar tensor has no `len()`")
        return len(self._value)

    def __iter__(self) -> Iterator[Any]:
        if not np.shape(self._value):
            raise TypeError("Cannot iterate over a scalar tensor.")
        return iter([self[i] for i in range(len(self._value))])

    def __bool__(self) -> bool:
        if np.size(self._value) != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. "
                "Use a.any() or a.all()"
            )
        return bool(np.asarray(self._value).reshape(-1)[0])

    __nonzero__ = __bool__

    def __int__(self) -> int:
        if context.local.tapes:
            self._tell_tapes("int")
        return int(self._value)

    def __float__(self) -> float:
        if context.local.tapes:
            self._tell_tapes("float")
        return float(self._value)

    def __complex__(self) -> complex:
        return complex(self._value)

    def __index__(self) -> int:
        return np.asarray(self._value).__index__()

    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec)

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> EagerTensor:
        del memo
        return EagerTensor(self._value, self._dtype)

    def __reduce__(self) -> Any:
        return (_from_numpy, (self.numpy(),))


def _from_numpy(value: Array) -> Tensor:
    from retrograd.ops.array.constant import constant

    return constant(value)


def numpy_text(tensor: Any, is_repr: bool = False) -> str:
    """The value of a tensor as text."""
    if not tensor.dtype.is_numpy_compatible:
        return "<unprintable>"
    value = tensor.numpy()
    text = repr(value) if is_repr and np.ndim(value) else str(value)
    return f"\n{text}" if "\n" in text else text


def eager_tensor(array: Any, dtype: dtypes.DType) -> EagerTensor:
    """A tensor with this value, which must not be changed any more."""
    return EagerTensor(array, dtype)


def execute(
    op_def: opdef.OpDef,
    inputs: Sequence[Any],
    attrs: dict[str, Any],
    name: str | None,
    wrong: Exception | None = None,
) -> list[Tensor]:
    """Run an op at once, and tell the tapes that are recording.

    Raises:
      OpError: the op failed, or what was wrong with it before it ran.
      NotFoundError: TensorFlow has no kernel for these dtypes.
    """
    declaration = find(op_def.name)
    refusal = refusal_at_once(op_def, attrs, name)
    if refusal is not None:
        raise refusal
    if wrong is not None:
        raise wrong
    types = attributes.output_types(op_def, attrs)
    record = Record(op_def, inputs, attrs)
    if name:
        record.name, record.given_name = name.rstrip("/"), name
    if declaration is None:
        raise missing_kernel(record)
    results = _run(record, declaration)
    record._outputs = [
        EagerTensor(value, dtype.base_dtype)
        for value, dtype in zip(results, types, strict=True)
    ]
    if declaration.traits.kind is Kind.VARIABLE:
        record._outputs[0]._variable = EagerVariable(results[0], record)  # pyright: ignore[reportAttributeAccessIssue]
    for tape in context.local.tapes:
        tape.record(record)
    if callbacks:
        notify(op_def.name, record, name)
    return record._outputs


def notify(op_type: str, record: Record, name: str | None = None) -> None:
    """Tell those who want to know that an op, or a call of a function, was run."""
    attrs = tuple(itertools.chain.from_iterable(record.attrs.items()))
    for callback in callbacks:
        callback(op_type, list(record._inputs), attrs, record._outputs, name)


def _check_eager(inputs: Sequence[Tensor]) -> None:
    for tensor in inputs:
        if type(tensor) is Tensor:
            if tensor.graph.takes_eager_ops:
                raise SymbolicInput(tensor.graph)
            raise TypeError(
                "An op outside of the function building code is being passed\na "
                '"Graph" tensor. It is possible to have Graph tensors\nleak out of the '
                "function building context by including a\ntf.init_scope in your "
                "function building code.\nFor example, the following function will "
                "fail:\n  @tf.function\n  def has_init_scope():\n    my_constant = "
                "tf.constant(1.)\n    with tf.init_scope():\n      added = my_constant "
                f"* 2\nThe graph tensor has name: {tensor.name}"
            )


#: what kernels may ask for here
_GIVEN = {"store": store, "bound": None}


def _function(body: FuncGraph) -> Callable[..., Any]:
    """A function that an op calls, as something to call."""
    return function(body, store)


def _run(record: Record, declaration: Declaration) -> Sequence[Any]:
    """The values of the outputs; changes of variables are made.

    Raises:
      TypeError: an input is a tensor of a graph.
      SymbolicInput: of one that takes the op.
    """
    _check_eager(record._inputs)
    bound = binding(declaration, record)
    if bound.updates or bound.state:
        # a compiled function, or another thread, may change the same variables
        with store.lock:
            return _computed(record, declaration, bound)
    return _computed(record, declaration, bound)


def _computed(
    record: Record, declaration: Declaration, bound: Binding
) -> Sequence[Any]:
    arguments: list[Any] = [t._value for t in record._inputs]  # pyright: ignore[reportAttributeAccessIssue]
    for i in bound.reads:
        arguments[i] = arguments[i].read()
    written: list[Cell] = []
    for i in bound.updates:
        cell = arguments[i]
        written.append(cell)
        arguments[i] = cell.peek() if bound.initializes else cell.read()
    if bound.state:
        cell = _state_of(record, declaration)
        arguments.insert(0, cell.held())
        written.insert(0, cell)
    try:
        named = keywords(declaration, record, _GIVEN, _function)
        with np.errstate(all="ignore"):
            results = declaration.kernel(xp_numpy, *arguments, **named)
    except Exception as error:
        values = [t._value for t in record._inputs]  # pyright: ignore[reportAttributeAccessIssue]
        raise describe(error, record, values) from error.__cause__  # pyright: ignore[reportArgumentType]
    finally:
        if threads.limited:
            threads.restore()
    new, outputs = bound.parts(results)
    for cell, value in zip(written, new, strict=True):
        cell.value = value
    if not bound.referring:
        return outputs
    whole = [written[0].value] * (len(bound.returned) + len(bound.referring))
    for i, value in zip(bound.returned, outputs, strict=True):
        whole[i] = value
    return whole


def _state_of(record: Record, declaration: Declaration) -> Cell:
    """The hidden state that ops of one type and the same seeds share."""
    assert declaration.state is not None
    seeds = (record.attrs.get("seed", 0), record.attrs.get("seed2", 0))
    if seeds == (0, 0):
        return Cell(record.type, None, declaration.state(record), store.guard)  # pyright: ignore[reportArgumentType]
    attrs = sorted(map(str, record.attrs.items()))
    key = ("eager", f"{context.shared.seedings} {record.type}{attrs}")
    cell = store.cells.get(key)
    if cell is None:
        value = declaration.state(record)  # pyright: ignore[reportArgumentType]
        cell = store.cells[key] = Cell(record.type, None, value, store.guard)
    return cell


hooks.provide(execute=execute, eager_tensor=eager_tensor)
