"""`tf.gradients` and its relatives, on graphs."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.grad import calls as _calls  # noqa: F401
from retrograd.grad import control as _rules  # noqa: F401
from retrograd.grad.reach import by_age, is_continuous, refuse_starts
from retrograd.grad.sweep import Step, sweep
from retrograd.grad.terms import add_n, zeros_for
from retrograd.graph import context, dispatch
from retrograd.graph.composite import (
    IndexedSlices,
    convert_n_to_tensor_or_indexed_slices,
    convert_to_tensor_or_indexed_slices,
    internal_convert_to_tensor_or_indexed_slices,
)
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.platform.depth import deeper

if TYPE_CHECKING:
    from retrograd.typing import Gradient, Structure


class UnconnectedGradients(enum.Enum):
    """What the gradient is where y does not depend on x."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How terms are summed; all give the same value here."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def gradients(
    ys: Structure,
    xs: Structure,
    grad_ys: Structure = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Structure = None,
    unconnected_gradients: UnconnectedGradients = UnconnectedGradients.NONE,
) -> list[Any]:
    """Symbolic derivatives of the sum of `ys` with respect to each of `xs`.

    Args:
      ys: a tensor or a list.
      xs: a tensor, a variable, or a list.
      grad_ys: the seed of each y, by default ones.
      name: the name scope of the new operations.
      colocate_gradients_with_ops: whether to ask for the device of the forward op.
      gate_gradients: whether the gradients of an operation with several inputs wait
        for each other, in a group named `tuple`.
      aggregation_method: accepted; see `AggregationMethod`.
      stop_gradients: tensors that count as constant.
      unconnected_gradients: None or zeros where ys do not depend on an x; None in any
        case where x is one output of an operation, ys depend on another, and no other
        x is before it.

    Returns:
      A list with a tensor, IndexedSlices or None for each x.

    Raises:
      LookupError: an operation on the way has no gradient.
      RuntimeError: in eager mode.
      ValueError: arguments that do not match.
    """
    if context.executing_eagerly():
        raise RuntimeError(
            "tf.gradients is not supported when eager execution is enabled. Use "
            "tf.GradientTape instead."
        )
    _check_aggregation(aggregation_method)
    unconnected = unconnected_kind(unconnected_gradients)
    reached: dict[Operation, bool] = {}
    made = _differentiate(
        ys,
        xs,
        grad_ys,
        stop_gradients,
        name,
        colocate=colocate_gradients_with_ops,
        gates=bool(gate_gradients),
        reached=reached,
    )
    if unconnected is UnconnectedGradients.ZERO:
        return [
            zeros_for(x, optimize=True) if d is None and _has_zeros(x, reached) else d
            for x, d in zip(made.xs, made.found, strict=True)
        ]
    return made.found


def _has_zeros(x: Any, reached: dict[Operation, bool]) -> bool:
    """Whether there are zeros for what no derivative came to."""
    tensor = _tensor(x)
    passed = reached.get(tensor._op)
    return passed is None or (passed and is_continuous(tensor))


def gradients_v2(
    ys: Structure,
    xs: Structure,
    grad_ys: Structure = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Structure = None,
    unconnected_gradients: UnconnectedGradients = UnconnectedGradients.NONE,
) -> list[Any]:
    """`gradients` of TensorFlow 2: on the devices of the forward operations."""
    return gradients(
        ys,
        xs,
        grad_ys,
        name,
        True,
        gate_gradients,
        aggregation_method,
        stop_gradients,
        unconnected_gradients,
    )


@dataclass(slots=True)
class Backward:
    """What differentiating made.

    Attributes:
      ys: the tensors that were differentiated.
      xs: the tensors with respect to which; of a resource variable, its handle.
      seeds: ∂L/∂y for each y, a tensor.
      found: a tensor, IndexedSlices or None for each x.
      steps: what the sweep did; empty where nobody asked.
    """

    ys: list[Any]
    xs: list[Any]
    seeds: list[Any]
    found: list[Any]
    steps: list[Step]


def observed_gradients(
    ys: Structure,
    xs: Structure,
    grad_ys: Structure = None,
    stop_gradients: Structure = None,
) -> Backward:
    """As `gradients`, with the steps of the sweep, those of the newest ops first."""
    steps: list[Step] = []
    made = _differentiate(ys, xs, grad_ys, stop_gradients, "gradients", steps=steps)
    made.steps.sort(key=lambda step: by_age(step.op))
    return made


def _differentiate(
    ys: Structure,
    xs: Structure,
    grad_ys: Structure,
    stop_gradients: Structure,
    name: str,
    *,
    colocate: bool = False,
    gates: bool = False,
    steps: list[Step] | None = None,
    reached: dict[Operation, bool] | None = None,
) -> Backward:
    """The backward operations of `gradients`, in a name scope of their own."""
    ys, xs = _list(ys), [_source(x) for x in _list(xs)]
    stop = [] if stop_gradients is None else _list(stop_gradients)
    seeds = [None] * len(ys) if grad_ys is None else _list(grad_ys)
    if len(seeds) != len(ys):
        raise ValueError(f"Passed {len(seeds)} grad_ys for {len(ys)} ys")
    with deeper, dispatch.name_scope(name, "gradients", [*ys, *xs, *stop]) as scope:
        ys = convert_n_to_tensor_or_indexed_slices(ys, name="y")
        xs = [
            internal_convert_to_tensor_or_indexed_slices(x, name=f"x_{i}", as_ref=True)
            for i, x in enumerate(xs)
        ]
        # a variable counts as the operation that holds it, not as one of its readings
        stop = [output for t in stop for output in _tensor(t).op.outputs]
        dys = _seeds(seeds, ys)
        tensors, sources = [_tensor(y) for y in ys], [_tensor(x) for x in xs]
        refuse_starts(sources, tensors)
        found = sweep(
            tensors,
            sources,
            dys,
            stop=stop,
            provenance=_Provenance(scope, colocate),
            observe=None if steps is None else steps.append,
            aggregate=add_n,
            gates=gates,
            as_graph=True,
            reached=reached,
        )
    return Backward(tensors, xs, dys, found, steps or [])


def _list(value: Structure) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _source(x: Any) -> Any:
    """A resource variable is differentiated at its handle."""
    return x.handle if getattr(x, "_is_resource_variable", False) else x


def _tensor(value: Structure) -> Any:
    return value.values if isinstance(value, IndexedSlices) else value


def unconnected_kind(value: UnconnectedGradients | str) -> UnconnectedGradients:
    """`value` as an UnconnectedGradients."""
    try:
        return UnconnectedGradients(value)
    except ValueError:
        raise ValueError(
            f"Unknown value for unconnected_gradients: {value!r}"
        ) from None


def _check_aggregation(method: int | None) -> None:
    if method not in (None, 0, 1, 2):
        raise ValueError(f"Invalid aggregation_method specified {method}.")


class _Provenance:
    """Marks backward operations with the forward operation they differentiate."""

    def __init__(self, scope: str, colocate: bool) -> None:
        self.scope = scope
        self.colocate = colocate

    @contextlib.contextmanager
    def __call__(self, op: Operation) -> Iterator[None]:
        graph = context.get_default_graph()
        graph = graph if graph.depth else op.graph
        first = len(graph._ops)
        with contextlib.ExitStack() as stack:
            stack.enter_context(graph.name_scope(op.name + "_grad"))
            if self.colocate:
                stack.enter_context(graph.colocate_with(op))
            yield
        for made in graph._ops[first:]:
            if made._forward_op is None:
                made._forward_op = made._original_op = op


def _seeds(given: Sequence[Any], ys: Sequence[Any]) -> list[Any]:
    return [_seed(dy, y, i) for i, (dy, y) in enumerate(zip(given, ys, strict=True))]


def _seed(given: Gradient, y: Tensor, index: int) -> Any:
    """The seed of one y, checked; ones where none is given.

    Raises:
      TypeError: its dtype does not go with that of y.
    """
    dtype = y.dtype.base_dtype
    if given is None:
        if dtype.is_complex:
            raise TypeError(
                f"Gradients of complex tensors must set grad_ys (y.dtype = {dtype!r})"
            )
        return _ones(_tensor(y), dtype, f"grad_ys_{index}")
    name = f"grad_ys_{index}"
    found = convert_to_tensor_or_indexed_slices(
        given, None if isinstance(given, Tensor) else dtype, name=name
    )
    _check_seed(found, y)
    return found


def _check_seed(found: Tensor, y: Tensor) -> None:
    """Require that the dtype of a seed goes with that of its y.

    Raises:
      TypeError: it does not.
    """
    dtype = y.dtype.base_dtype
    kind = found.dtype.base_dtype
    if dtype.is_floating or dtype.is_integer:
        if not (kind.is_floating or kind.is_integer):
            raise TypeError(
                f"Gradient type {kind.name} generated for real or integer-valued "
                f"tensor {y} with type {dtype.name} must be real or integer"
            )
    elif dtype.is_complex and not kind.is_complex:
        raise TypeError(
            f"Gradient type {kind.name} generated for complex-valued tensor {y} with "
            f"type {dtype.name} must be real"
        )
    elif dtype is dtypes.variant and kind is not dtypes.variant:
        raise TypeError(
            f"Gradient type {kind.name} generated for variant tensor {y} with type "
            f"{dtype.name} must be variant"
        )
    elif dtype is dtypes.resource and kind is dtypes.resource:
        raise TypeError(
            f"Input gradient {found} for resource tensor {y} should not be a resource"
        )
    elif not (dtype.is_complex or dtype in (dtypes.variant, dtypes.resource)):
        raise TypeError(
            f"Tensor {y} with type {dtype.name} must be numeric to obtain a default "
            "gradient"
        )


def _ones(y: Tensor, dtype: dtypes.DType, name: str) -> Tensor:
    raw = y._shape_raw
    if shapes.is_full(raw):
        shape = constant(list(raw), dtypes.int32, shape=[len(raw)], name="Shape")
    else:
        shape = F.Shape(y)
    filled = F.Fill(shape, constant(1, dtype, name=name))
    filled._shape_raw = raw
    return filled
