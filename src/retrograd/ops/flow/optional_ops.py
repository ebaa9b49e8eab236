"""Values that may be there or not: what a branch hands to its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.arrays.optional import Optional
from retrograd.errors import InvalidArgumentError
from retrograd.graph.operation import Operation
from retrograd.ops.declare import F, op
from retrograd.ops.infer import from_attr_of_each, scalar
from retrograd.ops.traits import Kind, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Arrays, Gradient, Value


def _unwrapped_gradient(n: Operation, dy: Tensor | None) -> list[Gradient]:
    if dy is None:
        return [None] * len(n.inputs)
    return list(
        F.OptionalGetValue(
            dy,
            output_types=[t.dtype.base_dtype for t in n.inputs],
            output_shapes=[t._shape_raw for t in n.inputs],
        )
    )


@op(
    "OptionalFromValue",
    infer=scalar,
    grad=_unwrapped_gradient,
    pure=False,
    math="y = (x₀, x₁, …)",
    notation=dict(components="x̄ᵢ = component i of ȳ"),
    traits=Traits(kind=Kind.OPTIONAL),
)
def from_value(xp: Arrays, *values: Value) -> Optional:
    """An optional that holds some tensors."""
    del xp
    return Optional(values)


@op("OptionalNone", infer=scalar, pure=False)
def none(xp: Arrays) -> Optional:
    """An optional that holds nothing."""
    del xp
    return Optional()


@op("OptionalHasValue", infer=scalar, host=True)
def has_value(xp: Arrays, optional: Optional) -> np.bool_:
    """Whether an optional holds anything."""
    del xp
    return np.bool_(optional.values is not None)


def _wrapped_gradient(n: Operation, *dys: Tensor | None) -> Tensor:
    pairs = zip(dys, n.outputs, strict=True)
    return F.OptionalFromValue([F.ZerosLike(t) if d is None else d for d, t in pairs])


@op(
    "OptionalGetValue",
    infer=from_attr_of_each,
    grad=_wrapped_gradient,
    pure=False,
    math="yᵢ = component i of x",
    notation=dict(optional="x̄ = (ȳ₀, ȳ₁, …)"),
)
def get_value(xp: Arrays, optional: Optional) -> Any:
    """What an optional holds.

    Raises:
      InvalidArgumentError: nothing.
    """
    del xp
    if optional.values is None:
        raise InvalidArgumentError(
            None, None, "The given optional does not have a value."
        )
    return optional.values if len(optional.values) != 1 else optional.values[0]
