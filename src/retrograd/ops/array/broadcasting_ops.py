"""Ops: broadcasting: shapes that go together, and what is repeated along which axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import shapes
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import invalid, same_dim, shape_text, with_rank
from retrograd.ops.static import constant_as_shape
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


@op(
    "BroadcastGradientArgs",
    infer=lambda n: [(None,), (None,)],
    math="the axes that broadcasting repeats",
    grad=NOT_DIFFERENTIABLE,
    static=("s0", "s1"),
)
def broadcast_gradient_args(xp: Arrays, s0: Array, s1: Array) -> tuple[Array, ...]:
    """For two shapes, the axes along which each is repeated when they are broadcast."""
    del xp
    dtype = s0.dtype
    if s0.tolist() == s1.tolist():
        return np.zeros(0, dtype), np.zeros(0, dtype)
    rank_ = max(len(s0), len(s1))
    a = [1] * (rank_ - len(s0)) + s0.tolist()
    b = [1] * (rank_ - len(s1)) + s1.tolist()
    first, second = [], []
    for i, (m, k) in enumerate(zip(a, b, strict=True)):
        if m == k:
            if m == 1:  # repeated once, and free to be summed over
                first.append(i)
                second.append(i)
        elif m == 1:
            first.append(i)
        elif k == 1:
            second.append(i)
        else:
            raise refused(
                f"Incompatible shapes: [{_list(s0)}] vs. [{_list(s1)}]",
            )
    return np.array(first, dtype), np.array(second, dtype)


def _list(sizes: Array) -> str:
    return ",".join(map(str, np.asarray(sizes).tolist()))


def _broadcast_args_shape(n: Operation) -> RawShape:
    a, b = with_rank(n, 0, 1)[0], with_rank(n, 1, 1)[0]
    return (None if a is None or b is None else max(a, b),)


@op(
    "BroadcastArgs",
    infer=_broadcast_args_shape,
    math="y = shape that two shapes are broadcast to",
    static=("s0", "s1"),
)
def broadcast_args(xp: Arrays, s0: Array, s1: Array) -> Array:
    """The shape of an elementwise op on arrays of the two shapes."""
    del xp
    try:
        found = shapes.broadcast(tuple(s0.tolist()), tuple(s1.tolist()))
    except ValueError:
        raise refused(
            f"Incompatible shapes for broadcasting: [{_list(s0)}] and [{_list(s1)}]",
        ) from None
    return np.array(found, s0.dtype)


def _broadcast_to_shape(n: Operation) -> RawShape:
    with_rank(n, 1, 1)
    want, have = constant_as_shape(n._inputs[1]), n._inputs[0]._shape_raw
    if want is None or have is None:
        return want
    if len(have) > len(want):
        raise invalid(
            n, f"Shape must be at most rank {len(want)} but is rank {len(have)}"
        )
    offset = len(want) - len(have)
    found = list(want)
    for i, d in enumerate(have):
        if d is not None and d > 1:
            found[offset + i] = same_dim(n, d, want[offset + i])
    return tuple(found)


@op(
    "BroadcastTo",
    infer=_broadcast_to_shape,
    math="y = x repeated",
    static="shape",
    traits=Traits(passes=Passes.MOVED),
)
def broadcast_to_kernel(xp: Arrays, x: Array, shape: Array) -> Array:
    """x repeated along axes of size 1, and along new ones in front."""
    if np.ndim(shape) != 1:
        raise refused(
            "shape must be a vector of {int32,int64}, got shape "
            f"{shape_text(np.shape(shape))}"
        )
    sizes, have = tuple(np.asarray(shape).tolist()), np.shape(x)
    if len(have) > len(sizes):
        raise refused(
            f"Rank of input ({len(have)}) must be no greater than rank of output shape "
            f"({len(sizes)})."
        )
    texts = shape_text(have), shape_text(sizes)
    try:
        whole = np.broadcast_shapes(have, sizes)
    except ValueError:
        raise refused("Incompatible shapes: {} vs. {}".format(*texts)) from None
    if whole != sizes:
        raise refused(
            "Unable to broadcast tensor of shape {} to tensor of shape {}".format(
                *texts
            )
        )
    return xp.broadcast_to(x, sizes)


@gradient("BroadcastTo", input="x̄ = ȳ summed over the repeated axes")
def broadcast_to_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Sum over what was repeated."""
    have = shape(n.inputs[0], out_type=n.inputs[1].dtype.base_dtype)
    axes = F.BroadcastGradientArgs(n.inputs[1], have)[1]
    return [reshape(F.Sum(dy, axes, keep_dims=True), have), None]
