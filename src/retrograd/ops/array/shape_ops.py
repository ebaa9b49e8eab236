"""Ops: ops about shapes: what they are, and the same elements in another one."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd import shapes
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import reshape, shape, transpose
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op, rule
from retrograd.ops.infer import (
    invalid,
    scalar,
    shape_text,
    with_rank,
)
from retrograd.ops.static import constant as static_value
from retrograd.ops.static import constant_as_shape
from retrograd.ops.traits import Blocks, Kind, Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.composite import IndexedSlices
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- the shape


def _length(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    return (None if raw is None else len(raw),)


@op(
    "Shape",
    infer=_length,
    math="y = shape of x",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(
        kind=Kind.SHAPE, shape_only=("input",), cheap=True, blocks=Blocks.FORM
    ),
)
def shape_kernel(xp: Arrays, x: Array, *, out_type: np.dtype) -> Array:
    """The sizes of x, one for each axis."""
    del xp
    return np.array(np.shape(x), out_type)


@op(
    "ShapeN",
    infer=lambda n: [
        (None if t._shape_raw is None else len(t._shape_raw),) for t in n._inputs
    ],
    math="yᵢ = shape of xᵢ",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(kind=Kind.SHAPE, shape_only=("input",), blocks=Blocks.FORM),
)
def shape_n_kernel(
    xp: Arrays, *xs: Array, out_type: np.dtype
) -> Array | tuple[Array, ...]:
    """The sizes of each x."""
    del xp
    found = tuple(np.array(np.shape(x), out_type) for x in xs)
    return found if len(found) != 1 else found[0]


@op(
    "Size",
    infer=scalar,
    math="y = number of elements",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(kind=Kind.SHAPE, shape_only=("input",), blocks=Blocks.FORM),
)
def size_kernel(xp: Arrays, x: Array, *, out_type: np.dtype) -> Array:
    """The number of elements."""
    del xp
    return np.array(math.prod(np.shape(x)), out_type)


@op(
    "Rank",
    infer=scalar,
    math="y = number of axes",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(kind=Kind.SHAPE, shape_only=("input",), blocks=Blocks.FORM),
)
def rank_kernel(xp: Arrays, x: Array) -> Array:
    """The number of axes."""
    del xp
    return np.array(len(np.shape(x)), np.int32)


# ---------------------------------------------------------------------- reshape


def _known(raw: tuple[int | None, ...]) -> tuple[int, list[int]]:
    """The product of the known sizes, and the axes of the others that matter to it."""
    if 0 in raw:
        return 0, []
    unknown = [i for i, d in enumerate(raw) if d is None]
    return math.prod(d for d in raw if d is not None), unknown


def reshaped_shape(n: Operation) -> RawShape:
    have, want = n._inputs[0]._shape_raw, constant_as_shape(n._inputs[1])
    if have is None or want is None:
        return want
    have_size, have_unknown = _known(have)
    want_size, want_unknown = _known(want)
    if len(have_unknown) > 1 or len(want_unknown) > 1:
        return want
    if not have_unknown and not want_unknown:
        if have_size != want_size:
            raise invalid(
                n,
                f"Cannot reshape a tensor with {have_size} elements to shape "
                f"{shape_text(want)} ({want_size} elements)",
            )
        return want
    if not want_unknown:
        if have_size:
            _divided(n, want_size, have_size)
        return want
    if have_unknown:
        missing = have[have_unknown[0]] if have_size == want_size else None
    elif want_size:
        missing = _divided(n, have_size, want_size)
    elif have_size:
        raise invalid(
            n,
            f"Cannot reshape a tensor with {have_size} elements to shape "
            f"{shape_text(want)} (0 elements)",
        )
    else:
        return want
    at = want_unknown[0]
    return (*want[:at], missing, *want[at + 1 :])


def _divided(n: Operation, size: int, by: int) -> int:
    if size % by:
        raise invalid(
            n, f"Dimension size must be evenly divisible by {by} but is {size}"
        )
    return size // by


def _back(n: Operation, dy: Tensor | IndexedSlices) -> Tensor:
    """ȳ in the shape of the first input."""
    return reshape(dy, shape(n.inputs[0]))


@op(
    "Reshape",
    infer=reshaped_shape,
    math="y = x reshaped to shape",
    grad=dict(tensor=rule("x̄ = ȳ reshaped like x", _back)),
    static="shape",
    traits=Traits(passes=Passes.RESHAPED, cheap=True),
)
def reshape_kernel(xp: Arrays, x: Array, shape: Array) -> Array:
    """The elements of x in the given shape; one size may be −1."""
    del xp
    if shape.ndim != 1:
        raise refused(f"sizes input must be 1-D, not {shape_text(shape.shape)}")
    sizes = shape.tolist()
    if min(sizes, default=0) >= -1:  # NumPy takes −3 for −1
        with contextlib.suppress(ValueError, TypeError):
            return x.reshape(sizes)
    return x.reshape(_wanted(np.shape(x), np.asarray(shape)))


def _wanted(have: tuple[int, ...], wanted: np.ndarray) -> list[int]:
    """The sizes that are asked for, −1 worked out.

    Raises:
      InvalidArgumentError: they do not hold the elements of shape `have`.
    """
    sizes = wanted.tolist()
    guessed = [i for i, d in enumerate(sizes) if d == -1]
    if len(guessed) > 1:
        raise refused(
            f"Only one input size may be -1, not both {guessed[0]} and {guessed[1]}",
        )
    for i, d in enumerate(sizes):
        if d < -1:
            raise refused(f"Size {i} must be non-negative, not {d}")
    product = math.prod(d for d in sizes if d > 0)
    if guessed:
        # sizes of 0 do not count where both shapes have one
        count = math.prod(d for d in have if d > 0 or 0 not in sizes)
        if count % product:
            raise refused(
                f"Input to reshape is a tensor with {count} values, but the requested "
                f"shape requires a multiple of {product}"
            )
        sizes[guessed[0]] = count // product
    if math.prod(sizes) != math.prod(have):
        raise refused(
            f"Input to reshape is a tensor with {math.prod(have)} values, but the "
            f"requested shape has {math.prod(sizes)}"
        )
    return sizes


# ---------------------------------------------------------------------- axes of size 1


def _expanded(n: Operation) -> RawShape:
    raw, axis = n._inputs[0]._shape_raw, static_value(n._inputs[1])
    if axis is not None and axis.size != 1:
        raise invalid(n, "'dim' input must be a tensor with a single value")
    if raw is None or axis is None:
        return None
    at, rank_ = int(axis.reshape(-1)[0]), len(raw)
    if not -rank_ - 1 <= at <= rank_:
        raise invalid(n, f"dim {at} not in the interval [{-rank_ - 1}, {rank_}].")
    at = at + rank_ + 1 if at < 0 else at
    return (*raw[:at], 1, *raw[at:])


@op(
    "ExpandDims",
    infer=_expanded,
    math="y = x with another axis",
    grad=dict(input=rule("x̄ = ȳ in the shape of x", _back)),
    static="dim",
    traits=Traits(passes=Passes.RESHAPED, cheap=True),
)
def expand_dims_kernel(xp: Arrays, x: Array, dim: Array) -> Array:
    """x with an axis of size 1 inserted at `dim`."""
    if np.size(dim) != 1:
        raise refused("'dim' must be a tensor with a single value")
    at, have = int(np.asarray(dim).reshape(-1)[0]), np.shape(x)
    if not -len(have) - 1 <= at <= len(have):
        raise refused(
            f"Tried to expand dim index {at} for tensor with {len(have)} dimensions.",
        )
    return xp.expand_dims(x, at)


def _squeezed(n: Operation) -> RawShape:
    raw, axes = n._inputs[0]._shape_raw, n.attrs["squeeze_dims"]
    if raw is None:
        return None
    rank_, gone = len(raw), set()
    for i, axis in enumerate(axes):
        if not -rank_ <= axis < rank_:
            raise invalid(n, f"squeeze_dims[{i}] not in [{-rank_},{rank_}).")
        gone.add(axis % rank_)
    if not gone:
        return None if None in raw else tuple(d for d in raw if d != 1)
    for i in sorted(gone):
        if raw[i] not in (1, None):
            raise invalid(
                n, f"Can not squeeze dim[{i}], expected a dimension of 1, got {raw[i]}"
            )
    return tuple(d for i, d in enumerate(raw) if i not in gone)


@op(
    "Squeeze",
    infer=_squeezed,
    math="y = x without axes of size 1",
    grad=dict(input=rule("x̄ = ȳ in the shape of x", _back)),
    traits=Traits(passes=Passes.RESHAPED, cheap=True),
)
def squeeze_kernel(xp: Arrays, x: Array, *, squeeze_dims: Sequence[int]) -> Array:
    """x without the given axes of size 1, or without all of them."""
    del xp
    have = np.shape(x)
    if not squeeze_dims:
        return x.reshape([d for d in have if d != 1])
    for axis in squeeze_dims:
        if not -len(have) <= axis < len(have):
            raise refused(
                f"Tried to squeeze dim index {axis} for tensor with {len(have)} "
                "dimensions."
            )
    gone = {axis % len(have) for axis in squeeze_dims}
    for axis in gone:
        if have[axis] != 1:
            raise refused(
                f"Can not squeeze dim[{axis}], expected a dimension of 1, got "
                f"{have[axis]}",
            )
    return x.reshape([d for i, d in enumerate(have) if i not in gone])


# ---------------------------------------------------------------------- order of axes


def _transposed(n: Operation) -> RawShape:
    x, perm = n._inputs[0]._shape_raw, static_value(n._inputs[1])
    perm_shape = n._inputs[1]._shape_raw
    count = shapes.size(perm_shape)
    if x is not None:
        rank_ = len(x)
    elif count is not None:
        rank_ = count
    elif perm is not None:
        rank_ = perm.size
    else:
        return None
    if x is None and rank_ < 2:
        return None  # [0] may stand for a scalar as well as for a vector
    x = with_rank(n, 0, rank_)
    with_rank(n, 1, 1)
    if count is not None and count != rank_:
        raise invalid(n, f"Dimension must be {rank_} but is {count}")
    if perm is None:
        return (None,) * rank_
    for axis in perm.tolist():
        if not -rank_ <= axis < rank_:
            raise invalid(n, f"perm dim {axis} is out of range of input rank {rank_}")
    return tuple(x[axis] for axis in perm.tolist())


def _permutation(perm: Array, rank_: int) -> list[int]:
    """The permutation of `rank_` axes, checked."""
    if np.ndim(perm) != 1:
        raise refused(f"perm must be a vector, not {shapes.text(np.shape(perm))}")
    axes = np.asarray(perm).tolist()
    if sorted(axes) == list(range(rank_)):
        return axes
    text = f"transpose expects a vector of size {rank_}. But input(1) is a vector of "
    if len(axes) != rank_:
        raise refused(f"{text}size {len(axes)}")
    for axis in axes:
        if not 0 <= axis < rank_:
            raise refused(f"{axis} is out of range [0 .. {rank_})")
    gone = min(set(range(rank_)) - set(axes))
    listed = ",".join(map(str, axes))
    raise refused(f"{gone} is missing from {{{listed}}}.")


@op(
    "Transpose",
    infer=_transposed,
    math="y = x with its axes in another order",
    grad=dict(
        x=rule(
            "x̄ = ȳ, axes put back",
            lambda n, dy: transpose(dy, F.InvertPermutation(n.inputs[1])),
        )
    ),
    static="perm",
    traits=Traits(passes=Passes.MOVED, cheap=True),
)
def transpose_kernel(xp: Arrays, x: Array, perm: Array) -> Array:
    """Axis i of the result is axis perm[i] of x."""
    return xp.transpose(x, _permutation(perm, len(np.shape(x))))


@op(
    "ConjugateTranspose",
    infer=_transposed,
    math="y = x* with its axes in another order",
    grad=dict(
        x=rule(
            "x̄ = ȳ*, axes put back",
            lambda n, dy: transpose(
                dy, F.InvertPermutation(n.inputs[1]), conjugate=True
            ),
        )
    ),
    static="perm",
)
def conjugate_transpose_kernel(xp: Arrays, x: Array, perm: Array) -> Array:
    """The complex conjugate; axis i of the result is axis perm[i] of x."""
    moved = xp.transpose(x, _permutation(perm, len(np.shape(x))))
    return xp.conj(moved) if moved.dtype.kind == "c" else moved
