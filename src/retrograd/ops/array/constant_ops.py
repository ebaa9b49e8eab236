"""Ops: constants and placeholders, and how Python values become arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.errors import message
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.stored_tensor import StoredTensor
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import from_attr, invalid, merged
from retrograd.ops.traits import Kind, Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _const_shape(n: Operation) -> RawShape:
    value = n.attrs["value"]
    if isinstance(value, StoredTensor):
        wrong = shapes.why_invalid(value.shape, partial=False)
        if wrong:
            raise invalid(n, wrong)
    return value.shape


@op(
    "Const",
    infer=_const_shape,
    math="y = c",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(kind=Kind.CONSTANT),
)
def const(xp: Arrays, *, value: Array) -> Array:
    """A value that is fixed when the graph is built."""
    del xp
    return value.array() if isinstance(value, StoredTensor) else value


def _unfed(n: Operation) -> Exception:
    from retrograd.errors import InvalidArgumentError

    dtype, raw = n.attrs["dtype"], n.attrs.get("shape")
    text = f"dtype {type_word(dtype)}"
    if raw:  # of a scalar, nothing is said
        sizes = ",".join("?" if d is None else str(d) for d in raw)
        text += f" and shape [{sizes}]"
    return InvalidArgumentError(
        None,
        n,
        message(
            f"You must feed a value for placeholder tensor '{n.name}' with {text}",
            at=f"{n.name}, made in {n.where}",
            fix=f"session.run(..., feed_dict={{{n.name.rsplit('/')[-1]}: value}})",
        ),
    )


@op(
    "Placeholder",
    infer=from_attr(),
    math="y is fed",
    host=True,
    pure=False,
    traits=Traits(kind=Kind.PARAMETER),
)
def placeholder_kernel(xp: Arrays, *, n: Operation) -> Array:
    """A value that the caller of `Session.run` supplies."""
    del xp
    raise _unfed(n)


@op(
    "PlaceholderV2",
    infer=from_attr(),
    math="y is fed",
    host=True,
    pure=False,
    traits=Traits(kind=Kind.PARAMETER),
)
def placeholder_v2_kernel(xp: Arrays, *, n: Operation) -> Array:
    """A value that the caller of `Session.run` supplies."""
    del xp
    raise _unfed(n)


def _defaulted(n: Operation) -> RawShape:
    """The shape that the attribute gives, which may say less than the input's."""
    raw = from_attr()(n)
    merged(n, n._inputs[0]._shape_raw, raw)
    return raw


def _default_gradient(n: Operation, dy: Tensor) -> Tensor:
    del n
    return dy


@op(
    "PlaceholderWithDefault",
    infer=_defaulted,
    math="y = x unless fed",
    grad=_default_gradient,
    pure=False,
    notation=dict(input="x̄ = ȳ"),
    traits=Traits(kind=Kind.PARAMETER, passes=Passes.SAME),
)
def placeholder_with_default_kernel(xp: Arrays, x: Array) -> Array:
    """A value that may be fed, and is `x` otherwise."""
    del xp
    return x
