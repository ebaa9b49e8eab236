"""Forward mode: Jacobian-vector products, computed beside the values.

The derivative of an op along tangents t of its inputs is J t. Its gradient rule gives
u ↦ Jᵀ u, which is linear in u, so the derivative of ⟨Jᵀ u, t⟩ with respect to u is J t.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.grad.sweep import sweep
from retrograd.grad.tape import GradientTape
from retrograd.grad.terms import dense
from retrograd.graph import context, opdef
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.record import Record
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.platform import logs

if TYPE_CHECKING:
    from retrograd.typing import Recorded, Structure
    from retrograd.variables.variable import Variable


def _has_tangent(dtype: dtypes.DType) -> bool:
    return dtype.base_dtype.is_floating or dtype.base_dtype.is_complex


def along(op: Recorded, tangents: Sequence[Any]) -> list[Any]:
    """J t for each output of an operation; None where it is zero.

    Args:
      op: an operation or a record of one.
      tangents: t for each input, None where it is zero.
    """
    given = list(op._outputs)  # a call gets further ones when it is differentiated
    outputs = [t for t in given if _has_tangent(t.dtype)]
    by_input = {
        x: t for x, t in zip(op._inputs, tangents, strict=True) if t is not None
    }
    made = set(given)

    def producer(tensor: Tensor) -> Any:
        return op if tensor in made else None

    with GradientTape() as tape:
        seeds = [F.OnesLike(y) for y in outputs]
        tape.watch(seeds)
        xs = list(by_input)
        found = sweep(outputs, xs, seeds, producer=producer, outwards=False)
        pairs = [
            (dense(g), by_input[x])
            for x, g in zip(xs, found, strict=True)
            if g is not None
        ]
    if not pairs:
        return [None] * len(given)
    products = tape.gradient(
        [g for g, _ in pairs], seeds, output_gradients=[t for _, t in pairs]
    )
    rest = iter(products)
    return [next(rest) if _has_tangent(t.dtype) else None for t in given]


def _forward_gradient(
    op_name: str,
    attr_tuple: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    tangents: Sequence[Any],
) -> list[Any]:
    """J t for each output of an op that was run.

    Args:
      op_name: the op type.
      attr_tuple: names and values of attributes in turn.
      inputs, outputs: its tensors.
      tangents: t for each input.
    """
    op_def = opdef.lookup(op_name)
    if op_def is None:
        raise LookupError(f"There is no op type {op_name}.")
    attrs = dict(zip(attr_tuple[::2], attr_tuple[1::2], strict=True))
    record = Record(op_def, inputs, attrs)
    record._outputs = list(outputs)
    return along(record, tangents)


class _Registered:
    """What accumulators call for an op; a program may replace it."""

    function: Callable[..., list[Any]] = staticmethod(_forward_gradient)


def register_forward_gradient_function(function: Callable[..., list[Any]]) -> None:
    """Have accumulators call something else than `_forward_gradient`."""
    _Registered.function = staticmethod(function)


class ForwardGradientAccumulator:
    """Computes Jacobian-vector products of what is computed in a `with` block.

        with ForwardGradientAccumulator() as acc:
            acc.watch(x, tangent)
            y = f(x)
        acc.jvp(y)

    Of nested accumulators the outer ones see what the inner ones compute: take
    derivatives of higher order from outer ones.
    """

    is_accumulator = True
    _persistent = True

    def __init__(self) -> None:
        self._tangents: Any = weakref.WeakKeyDictionary()
        self._recording = False
        self._used = False

    def __enter__(self) -> ForwardGradientAccumulator:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        if self._used:
            raise NotImplementedError("Accumulator reuse isn't implemented yet.")
        self._used = self._recording = True
        context.local.tapes = [*context.local.tapes, self]
        return self

    def __exit__(self, *unused: object) -> None:
        if self._recording:
            context.local.tapes = [t for t in context.local.tapes if t is not self]
            self._recording = False

    def watch(self, tensor: Structure, tangents: Structure) -> None:
        """Give tensors tangents; those of one that has some already are added.

        Args:
          tensor: a tensor or a nested structure of tensors.
          tangents: what converts to tensors, in the same structure.

        Raises:
          NotImplementedError: a variable.
        """
        nest.assert_same_structure(tensor, tangents)
        pairs = zip(nest.flatten(tensor), nest.flatten(tangents), strict=True)
        for source, tangent in pairs:
            if not source.dtype.is_floating:
                logs.warn(
                    "The dtype of the watched tensor must be floating (e.g. "
                    f"tf.float32), got {source.dtype!r}"
                )
            if hasattr(source, "handle"):
                raise NotImplementedError("Currently only Tensors may be watched.")
            tangent = convert_to_tensor(tangent, source.dtype)
            known = self._tangents.get(source)
            with self._paused():
                self._tangents[source] = (
                    tangent if known is None else F.AddV2(known, tangent)
                )

    def jvp(self, target: Structure) -> Any:
        """The product for each tensor of a structure; None where it is zero.

        Raises:
          ValueError: nothing was recorded yet.
        """
        if not self._used:
            raise ValueError("Called jvp() without first tracing anything.")
        return nest.map_structure(self._tangents.get, target)

    # ------------------------------------------------------------------ recording

    @contextlib.contextmanager
    def _paused(self) -> Iterator[None]:
        """A context that this accumulator and those inside it do not see."""
        before = context.local.tapes
        mine = before.index(self) if self in before else len(before)
        context.local.tapes = [
            t for i, t in enumerate(before) if i < mine or not _is_accumulator(t)
        ]
        try:
            yield
        finally:
            context.local.tapes = before

    def record(self, op: Recorded) -> None:
        """Compute the products for the outputs of an operation that was made."""
        found = [self._tangents.get(t) for t in op._inputs]
        if all(t is None for t in found):
            return
        if not any(_has_tangent(t.dtype) for t in op._outputs):
            return
        with self._paused():
            if isinstance(op, Record) and op._gradient_function is None:
                tangents = [
                    F.ZerosLike(x) if t is None and _has_tangent(x.dtype) else t
                    for x, t in zip(op._inputs, found, strict=True)
                ]
                attrs = [part for item in op.attrs.items() for part in item]
                products = _Registered.function(
                    op.type, tuple(attrs), op._inputs, op._outputs, tangents
                )
            else:
                products = along(op, found)
        for output, product in zip(op._outputs, products, strict=False):
            if product is not None:
                self._tangents[output] = product

    def knows(self, tensor: Tensor) -> bool:
        """Whether a tensor has a tangent."""
        return tensor in self._tangents

    def watch_variable(self, variable: Variable) -> None:
        """Nothing: variables have no tangents."""

    def record_capture(self, outer: Tensor, inner: Tensor) -> None:
        """Nothing: the call of the function that captures a tensor is what counts."""


def _is_accumulator(tape: object) -> bool:
    return getattr(tape, "is_accumulator", False)
