"""A tensor of a graph: one output of an operation, without a value of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.errors import OperatorNotAllowedInGraphError, message
from retrograd.graph import context
from retrograd.graph.conversion_status import Status, control_status_ctx
from retrograd.graph.reference import Reference
from retrograd.graph.tensor_like import _TensorLike

if TYPE_CHECKING:
    import numpy as np

    from retrograd.graph.graph import Graph
    from retrograd.graph.operation import Operation
    from retrograd.run.session import BaseSession
    from retrograd.typing import DTypeLike, FeedDict, Operators, ShapeLike
else:
    Operators = object  # what layer 3 sets

#: shape of a tensor whose rank is not known is None, of an unknown dimension too
RawShape = tuple[int | None, ...] | None

#: operators that layer 2 provides; a program may look at this table
OVERLOADABLE_OPERATORS = {
    f"__{name}__"
    for name in (
        "add radd sub rsub mul rmul div rdiv truediv rtruediv floordiv rfloordiv mod "
        "rmod lt le gt ge ne eq and rand or ror xor rxor getitem pow rpow invert neg "
        "abs matmul rmatmul"
    ).split()
}


@dataclass(frozen=True, slots=True)
class Held:
    """What is known, before a run, of what a handle stands for.

    Of a resource, the variable's value; of a variant, each element of the list; of a
    TensorArray's handle, each of its elements.

    Attributes:
      shape: the shape, as far as it is known.
      dtype: the element type; None where it is not known.
    """

    shape: RawShape
    dtype: dtypes.DType | None


class Tensor(_TensorLike, Operators):
    """A value that an operation will produce: its dtype, static shape and origin.

    Attributes:
      op: the operation that produces it.
      value_index: which of the operation's outputs it is.
    """

    __array_priority__ = 100
    OVERLOADABLE_OPERATORS = OVERLOADABLE_OPERATORS
    _shape_raw: RawShape
    #: of a resource or variant: what is known of what it stands for
    _held: Held | None = None

    def __init__(self, op: Operation, value_index: int, dtype: DTypeLike) -> None:
        self._op = op
        self._value_index = value_index
        self._dtype: dtypes.DType = dtypes.as_dtype(dtype)
        self._shape_raw = None
        self._consumers: list[Operation] = []

    @property
    def op(self) -> Operation:
        """The operation that produces this tensor."""
        return self._op

    @property
    def value_index(self) -> int:
        """The index of this tensor among its operation's outputs."""
        return self._value_index

    @property
    def dtype(self) -> dtypes.DType:
        """The type of the elements."""
        return self._dtype

    @property
    def graph(self) -> Graph:
        """The graph that holds this tensor."""
        return self._op.graph

    @property
    def name(self) -> str:
        """`operation:index`, the name to feed or fetch it by."""
        return f"{self._op.name}:{self._value_index}"

    @property
    def device(self) -> str:
        """The device asked for the operation, or an empty string."""
        return self._op.device

    @property
    def shape(self) -> shapes.TensorShape:
        """The static shape: what is known before anything runs."""
        return shapes.TensorShape.of(self._shape_raw)

    def get_shape(self) -> shapes.TensorShape:
        """The static shape, as `shape`."""
        return shapes.TensorShape.of(self._shape_raw)

    def _shape_as_list(self) -> list[int | None] | None:
        return None if self._shape_raw is None else list(self._shape_raw)

    def _shape_tuple(self) -> RawShape:
        return self._shape_raw

    def _rank(self) -> int | None:
        return None if self._shape_raw is None else len(self._shape_raw)

    def set_shape(self, shape: ShapeLike) -> None:
        """Add what is known about the shape.

        Raises:
          ValueError: `shape` contradicts what is known already.
        """
        self._shape_raw = shapes.merge(self._shape_raw, shapes.raw(shape))

    @property
    def ndim(self) -> int | None:
        """The rank, or None where it is unknown."""
        return self._rank()

    def consumers(self) -> list[Operation]:
        """The operations that take this tensor as an input, once for each input."""
        return list(self._consumers)

    def eval(
        self, feed_dict: FeedDict | None = None, session: BaseSession | None = None
    ) -> Any:
        """The value in `session`, by default the thread's default session."""
        return default_session_for(session, self.graph, "evaluate tensor", "eval").run(
            self, feed_dict
        )

    def experimental_ref(self) -> Any:
        """A hashable reference to this tensor."""
        return Reference(self)

    def _as_node_def_input(self) -> str:
        index = self._value_index
        return f"{self._op.name}:{index}" if index else self._op.name

    def __str__(self) -> str:
        shape = f", shape={self.shape}" if self._shape_raw is not None else ""
        device = f", device={self.device}" if self.device else ""
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name}{device})'

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    # by identity, without a call of Python: tensors are looked up all the time
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __copy__(self) -> Tensor:
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __iter__(self) -> Any:
        raise _not_allowed("iterating over `tf.Tensor`", "tf.map_fn(f, x)")

    def __len__(self) -> int:
        raise TypeError(
            f"len is not well defined for symbolic Tensors. ({self.name}) Please call "
            "`x.shape` rather than `len(x)` for shape information."
        )

    def __bool__(self) -> bool:
        raise _not_allowed(
            "using a `tf.Tensor` as a Python `bool`",
            "`if t is not None`, or tf.cond on the value",
        )

    __nonzero__ = __bool__  # Python 2's name, which programs look for

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> Any:
        raise NotImplementedError(
            f"Cannot convert a symbolic Tensor ({self.name}) to a numpy array."
        )

    @staticmethod
    def _override_operator(operator: str, func: Callable[..., Any]) -> None:
        if operator in Tensor.__dict__:
            raise ValueError(
                f"operator {operator} cannot be overwritten again on class Tensor."
            )
        if operator not in OVERLOADABLE_OPERATORS:
            raise ValueError(f"Overriding {operator} is disallowed")
        setattr(Tensor, operator, func)


def _not_allowed(what: str, fix: str) -> OperatorNotAllowedInGraphError:
    """The error of Python asking for a value that only a run gives."""
    how = _NOT_ALLOWED[control_status_ctx().status]
    return OperatorNotAllowedInGraphError(
        message(f"{what} is not allowed{how} with @tf.function.", fix=fix)
    )


_NOT_ALLOWED = {
    Status.UNSPECIFIED: " in Graph execution. Use Eager execution or decorate this "
    "function",
    Status.ENABLED: ": AutoGraph did not convert this function. Try decorating it "
    "directly",
    Status.DISABLED: ": AutoGraph is disabled in this function. Try decorating it "
    "directly",
}


def default_session_for(
    session: BaseSession | None, graph: Graph, action: str, method: str
) -> BaseSession:
    """`session`, or the default one; it must run `graph`."""
    if session is None:
        session = context.get_default_session()
        if session is None:
            raise ValueError(
                f"Cannot {action} using `{method}()`: No default session is "
                "registered. Use `with sess.as_default()` or pass an explicit session "
                f"to `{method}(session=sess)`"
            )
        if session.graph is not graph:
            what = "tensor" if method == "eval" else "operation"
            raise ValueError(
                f"Cannot use the default session to {action}: the {what}'s graph is "
                "different from the session's graph. Pass an explicit session to "
                f"`{method}(session=sess)`."
            )
    elif session.graph is not graph:
        what = "tensor" if method == "eval" else "operation"
        raise ValueError(
            f"Cannot use the given session to {action}: the {what}'s graph is "
            "different from the session's graph."
        )
    return session
