"""Ops: ops that pass their input on: identities, stops for gradients, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from retrograd import shapes
from retrograd.ops.arguments import refused
from retrograd.ops.array.identity import check_numerics
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op, rule
from retrograd.ops.infer import invalid, merged, same, shape_text, with_rank
from retrograd.ops.traits import Blocks, Passes, Traits

if TYPE_CHECKING:
    from retrograd.arrays.list_value import TensorList
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import RawShape, Tensor
    from retrograd.typing import Array, Arrays


_SAME = dict(input=rule("x̄ = ȳ", lambda n, dy: dy))


@op(
    "Identity",
    infer=same,
    math="y = x",
    grad=_SAME,
    traits=Traits(passes=Passes.SAME, cheap=True, spare=True),
)
def identity_kernel(xp: Arrays, x: Array | TensorList) -> Array | TensorList:
    """The input."""
    del xp
    return x


@op("Snapshot", infer=same, math="y = x", traits=Traits(passes=Passes.SAME))
def snapshot(xp: Arrays, x: Array) -> Array:
    """The input."""
    del xp
    return x


@op(
    "DeepCopy", infer=same, math="y = x", pure=True, traits=Traits(passes=Passes.COPIED)
)
def deep_copy_kernel(xp: Arrays, x: Array) -> Array:
    """The input in memory of its own."""
    return xp.array(x)


@op(
    "RefIdentity",
    infer=same,
    math="y = x",
    grad=_SAME,
    cells="input",
    traits=Traits(passes=Passes.SAME),
)
def ref_identity(xp: Arrays, cell: Array) -> Array:
    """The variable that the input refers to."""
    del xp
    return cell


@op(
    "IdentityN",
    infer=lambda n: [t._shape_raw for t in n._inputs],
    math="yᵢ = xᵢ",
    grad=lambda n, *dys: list(dys),
    notation=dict(input="x̄ᵢ = ȳᵢ"),
    traits=Traits(passes=Passes.SAME),
)
def identity_n_kernel(xp: Arrays, *xs: Array) -> Array | tuple[Array, ...]:
    """All inputs, once all are computed."""
    del xp
    return xs if len(xs) != 1 else xs[0]


@op(
    "StopGradient",
    infer=same,
    math="y = x",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(passes=Passes.SAME, blocks=Blocks.STOPS),
)
def stop_gradient_kernel(xp: Arrays, x: Array) -> Array:
    """The input, constant as far as derivatives are concerned."""
    del xp
    return x


def _prevented(n: Operation, dy: Tensor) -> NoReturn:
    del dy
    raise LookupError(
        f"Gradient explicitly disabled. Reason: {n.get_attr('message')!r}"
    )


@op(
    "PreventGradient",
    infer=same,
    math="y = x",
    grad=_prevented,
    notation=dict(input="x has no derivative: asking for one is an error"),
    traits=Traits(passes=Passes.SAME),
)
def prevent_gradient_kernel(xp: Arrays, x: Array) -> Array:
    """The input; an attempt to differentiate through it is an error."""
    del xp
    return x


@op(
    "GuaranteeConst",
    infer=same,
    math="y = x",
    pure=True,
    traits=Traits(passes=Passes.SAME),
)
def guarantee_const_kernel(xp: Arrays, x: Array) -> Array:
    """The input, which the caller says never changes."""
    del xp
    return x


def _checked_gradient(n: Operation, dy: Tensor) -> Tensor:
    return check_numerics(
        dy,
        "Not a number (NaN) or infinity (Inf) values detected in gradient. "
        f"{n.get_attr('message')!r}",
    )


@op(
    "CheckNumerics",
    infer=same,
    math="y = x, which is finite",
    grad=_checked_gradient,
    host=True,
    notation=dict(tensor="x̄ = ȳ"),
    traits=Traits(passes=Passes.CHECKED, spare=True),
)
def check_numerics_kernel(xp: Arrays, x: Array, *, message: str) -> Array:
    """The input, if no element is NaN or infinite."""
    if not xp.isfinite(x).all():
        nan, inf = xp.isnan(x).any(), xp.isinf(x).any()
        found = "Inf and NaN" if nan and inf else "NaN" if nan else "Inf"
        raise refused(f"{message} : Tensor had {found} values")
    return x


def _ensured(n: Operation) -> RawShape:
    want = n.attrs["shape"]
    have = n._inputs[0]._shape_raw
    if want is None:  # a rank of its own to TensorFlow 1.15
        if have is not None:
            raise invalid(n, f"Shape must be rank -1 but is rank {len(have)}")
        return None
    return merged(n, want, with_rank(n, 0, len(want)))


@op(
    "EnsureShape",
    infer=_ensured,
    math="y = x, of the given shape",
    grad=dict(input=rule("x̄ = ȳ", lambda n, dy: dy)),
    traits=Traits(passes=Passes.CHECKED),
)
def ensure_shape_kernel(
    xp: Arrays, x: Array, *, shape: tuple[int | None, ...], n: Operation
) -> Array:
    """The input, if its shape is as the attribute says."""
    del xp
    have = tuple(np.shape(x))
    if not shapes.compatible(have, shape):
        raise refused(
            f"Shape of tensor {n.inputs[0].op.name} {shape_text(have)} is not "
            f"compatible with expected shape {shape_text(shape)}.",
        )
    return x
