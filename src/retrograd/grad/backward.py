"""Bodies of backward branches and loops, and what they take from the forward ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from retrograd import dtypes
from retrograd.errors import message
from retrograd.grad.sweep import sweep
from retrograd.graph import context
from retrograd.graph.function import BodyGraph, FuncGraph, uid
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Held, RawShape, Tensor
from retrograd.ops.array.constant import const_tensor
from retrograd.ops.declare import F, gives_shapes, traits_of
from retrograd.ops.flow.effects import is_reading, may_write, passed_on, variable_of
from retrograd.ops.static import constant
from retrograd.ops.traits import Passes


class Bringing(FuncGraph):
    """The body of a function that differentiates another one.

    A tensor of the forward body that is used in it is brought here: a constant as a
    copy, what the forward body takes from outside as a capture, anything else as
    `_intermediate` says.

    Args:
      forward: the body that is differentiated.
      op: the operation that calls it.
    """

    def __init__(self, forward: FuncGraph, op: Operation, name: str) -> None:
        super().__init__(name)
        self.forward = forward
        self.home = forward.base
        self.op = op
        self._brought: dict[Tensor, Tensor] = {}

    def capture(self, tensor: Any, name: str | None = None) -> Tensor:
        """See `FuncGraph.capture`."""
        if getattr(tensor, "_is_eager", False) or tensor._op._graph is not self.home:
            return super().capture(tensor, name)
        known = self._brought.get(tensor)
        if known is None:
            with self.as_default(), self.control_dependencies(None):
                known = self._brought[tensor] = self._bring(tensor)
        return known

    def add(
        self,
        op_type: str,
        inputs: Sequence[Tensor],
        attrs: dict[str, Any],
        name: str | None = None,
        output_types: Sequence[Any] | None = None,
    ) -> Operation:
        """See `Graph.add`; of a forward tensor's shape only the shape is brought."""
        if (
            len(inputs) == 1
            and gives_shapes(op_type)
            and not getattr(inputs[0], "_is_eager", False)
            and inputs[0]._op._graph is self.home
            and inputs[0] not in self._brought
            and self._is_costly(inputs[0])
        ):
            kept = {k: v for k, v in attrs.items() if k == "out_type"}
            with self.home.as_default(), self.home.control_dependencies(None):
                there = getattr(F, op_type)(inputs[0], **kept)
            copied = {"T": there.dtype}
            return super().add("Identity", [there], copied, name, output_types)
        return super().add(op_type, inputs, attrs, name, output_types)

    def _is_costly(self, tensor: Tensor) -> bool:
        """Whether bringing a tensor means keeping its value."""
        return not (tensor in self.forward.inputs or is_small_constant(tensor))

    def _bring(self, tensor: Tensor) -> Tensor:
        while (source := _copied(tensor)) is not None:
            if is_reading(tensor) and self._is_written(tensor):
                break  # what it was copied from has other values at other times
            tensor = source
            if tensor in self._brought:
                return self._brought[tensor]
        value = constant(tensor) if is_small_constant(tensor) else None
        if value is not None:
            return const_tensor(value, tensor.dtype, tensor.op.name)
        if tensor.dtype.base_dtype is dtypes.resource:
            return super().capture(self._handle_outside(tensor))
        if tensor.dtype._is_ref_dtype and not self._is_written(tensor):
            return super().capture(self._handle_outside(tensor))
        return self._intermediate(tensor)

    def _is_written(self, handle: Tensor) -> bool:
        """Whether the forward body changes the variable that a tensor stands for."""
        return may_write(self.forward._ops, variable_of(handle))

    def _intermediate(self, tensor: Tensor) -> Tensor:
        raise NotImplementedError

    def _outside_of(self, place: int) -> Tensor:
        """The tensor that the forward operation passes for an input of its body."""
        raise NotImplementedError

    def _handle_outside(self, tensor: Tensor) -> Tensor:
        """The handle or reference outside that one inside stands for.

        Raises:
          ValueError: it is made inside.
        """
        while tensor not in self.forward.inputs:
            op, before = tensor._op, passed_on(tensor)
            if before is None:
                raise ValueError(
                    message(
                        "Taking gradient of a while loop which creates a resource in "
                        f"its body is not supported: {op.name}",
                        at=f"{op.name}, made in {op.where}",
                    )
                )
            tensor = before
        return self._outside_of(self.forward.inputs.index(tensor))


def _copied(tensor: Tensor) -> Tensor | None:
    """The tensor that another one is a mere copy of; not the variable that it reads."""
    op = tensor._op
    traits = traits_of(op.type)
    if traits.passes is not Passes.SAME or traits.kind or len(op._outputs) > 1:
        return None
    return None if op._inputs[0].dtype._is_ref_dtype else op._inputs[0]


class Backward(Bringing, BodyGraph):
    """The body of a backward branch or loop."""

    def __init__(self, forward: FuncGraph, op: Operation) -> None:
        super().__init__(forward, op, f"{forward.name}_grad_{uid()}")


def is_small_constant(tensor: Tensor) -> bool:
    """Whether the value of a tensor is known now, and worth a copy."""
    if tensor.dtype.base_dtype in (dtypes.resource, dtypes.variant):
        return False
    value = constant(tensor)
    return value is not None and value.size <= 1024


@contextlib.contextmanager
def _beside(op: Operation) -> Iterator[None]:
    """Marks operations made for the gradient of `op`."""
    graph: Any = context.get_default_graph()
    first = len(graph._ops)
    with graph.name_scope(f"{op.name}_grad"):
        yield
    for made in graph._ops[first:]:
        if made._forward_op is None:
            made._forward_op = made._original_op = op


def differentiate(
    ys: Sequence[Tensor], xs: Sequence[Tensor], dys: Sequence[Any]
) -> list[Any]:
    """The sweep over a forward body; new operations go to the default graph."""
    return sweep(ys, xs, dys, provenance=_beside, outwards=False, as_graph=True)


def zeros_like_input(tensor: Tensor) -> Tensor:
    """Zeros in the shape of a tensor; of a variable, where it is a handle.

    The static shape is used where it is known.
    """
    if tensor.dtype.base_dtype is dtypes.resource:
        known = tensor._held
        dtype = dtypes.float32 if known is None else known.dtype
        zero = _zero(dtype or dtypes.float32)
        raw = None if known is None else known.shape
        return with_shape(F.Fill(F.VariableShape(tensor), zero), raw)
    raw = tensor._shape_raw
    if raw is not None and None not in raw and tensor.dtype is not dtypes.variant:
        if not raw:
            return _zero(tensor.dtype.base_dtype)
        zero = _zero(tensor.dtype.base_dtype)
        return F.Fill(list(raw), zero)
    return F.ZerosLike(tensor)


def _zero(dtype: dtypes.DType) -> Tensor:
    return const_tensor(np.zeros((), dtype.as_numpy_dtype), dtype, "zeros")


def with_shape(tensor: Tensor, raw: RawShape) -> Tensor:
    """A tensor of which a static shape is known besides."""
    if raw is not None:
        tensor.set_shape(raw)
    return tensor


def add_output(
    op: Operation, dtype: dtypes.DType, raw: RawShape, held: Held | None = None
) -> Tensor:
    """Give an operation one more output; `held` is what a handle stands for."""
    made = Tensor(op, len(op._outputs), dtype)
    made._shape_raw, made._held = raw, held
    op._outputs.append(made)
    kinds = "Tout" if "Tout" in op.attrs else "T"
    op.attrs[kinds] = [*op.attrs[kinds], dtype]
    declared = op.attrs.get("output_shapes") or []
    if len(declared) == len(op._outputs) - 1:
        op.attrs["output_shapes"] = [*declared, raw]
    op._graph._rewired()
    return made


def own_body(op: Operation, attr: str) -> FuncGraph:
    """The function that an attribute holds, for this operation to extend.

    A body made for one branch or loop belongs to it; of any other there is a copy.
    """
    body = op.attrs[attr]
    if isinstance(body, BodyGraph) or body.__dict__.get("_owner") is op:
        return body
    own = op.attrs[attr] = body.copy()
    own._owner = op
    return own


def kept_after(tensor: Tensor) -> list[Operation]:
    """What must have run when the value of a tensor of a body is kept.

    A reading of a variable is kept as those that use it see it: after what they await.
    """
    users = tensor.consumers() if is_reading(tensor) else ()
    return [earlier for user in users for earlier in user._control_inputs]


def add_parameter(
    body: FuncGraph, dtype: dtypes.DType, raw: RawShape, held: Held | None = None
) -> Tensor:
    """Give a function one more input; `held` is what a handle stands for."""
    base = body.base
    made = base.add_input(dtype, raw, "accumulator", held)
    if base is not body:
        base.inputs.pop()
        body.inputs.append(made)
    return made
