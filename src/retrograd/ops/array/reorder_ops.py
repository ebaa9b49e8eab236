"""Ops: the same elements elsewhere: tiles, rolls, reversals; the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import shapes
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.fill import range_
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import reshape, shape, size, transpose
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import (
    invalid,
    merged,
    same_dim,
    shape_text,
    with_rank,
    with_rank_at_least,
)
from retrograd.ops.static import constant as static_value
from retrograd.ops.static import constant_as_shape
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- tile


def _tiled_shape(n: Operation) -> RawShape:
    raw, times = n._inputs[0]._shape_raw, constant_as_shape(n._inputs[1])
    if raw is not None:
        if times is not None and len(times) != len(raw):
            raise invalid(n, f"Shape must be rank {len(raw)} but is rank {len(times)}")
        merged(n, n._inputs[1]._shape_raw, (len(raw),))
    if times is None:
        return None if raw is None else tuple(d if d == 0 else None for d in raw)
    raw = with_rank(n, 0, len(times))
    return tuple(_times(d, m) for d, m in zip(raw, times, strict=True))


def _times(a: int | None, b: int | None) -> int | None:
    """The product of two sizes; one that is 0 decides it."""
    if a == 0 or b == 0:
        return 0
    return None if a is None or b is None else a * b


@op(
    "Tile",
    infer=_tiled_shape,
    math="y = x repeated along each axis",
    static="multiples",
    traits=Traits(passes=Passes.MOVED),
)
def tile_kernel(xp: Arrays, x: Array, multiples: Array) -> Array:
    """x repeated `multiples` times along each axis."""
    if np.ndim(multiples) != 1:
        raise refused(
            f"Expected multiples to be 1-D, but got shape {shape_text(multiples.shape)}"
        )
    times = multiples.tolist()
    if len(times) != np.ndim(x):
        raise refused(
            f"Expected multiples argument to be a vector of length {np.ndim(x)} but "
            f"got length {len(times)}"
        )
    for i, count in enumerate(times):
        if count < 0:
            raise refused(f"Expected multiples[{i}] >= 0, but got {count}")
    return xp.tile(x, times)


@gradient("Tile", input="x̄ = Σ ȳ over the repetitions")
def tile_gradient(n: Operation, dy: Tensor | IndexedSlices) -> list[Tensor | None]:
    """Sum over the repetitions of each axis."""
    x, multiples = n.inputs
    sizes = shape(x, out_type=multiples.dtype.base_dtype)
    parts = reshape(transpose(stack([multiples, sizes])), [-1])
    axes = range_(0, size(parts), 2)
    if isinstance(dy, IndexedSlices):
        rows = sizes[0]
        if rows.dtype != dy.indices.dtype:
            rows = F.Cast(rows, DstT=dy.indices.dtype)
        dy = F.UnsortedSegmentSum(dy.values, F.FloorMod(dy.indices, rows), rows)
        parts = concat([[1], parts[1:]], axis=0)
    dx = F.Sum(reshape(dy, parts), axes)
    if not context.executing_eagerly():
        dx.set_shape(x.shape)
    return [dx, None]


# ---------------------------------------------------------------------- roll


def _rolled_shape(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 1)
    for i in (1, 2):
        sizes = n._inputs[i]._shape_raw
        if sizes is not None and len(sizes) > 1:
            raise invalid(n, f"Shape must be at most rank 1 but is rank {len(sizes)}")
    merged(n, n._inputs[1]._shape_raw, n._inputs[2]._shape_raw)
    return raw


@op(
    "Roll",
    infer=_rolled_shape,
    math="yᵢ₊ₛ = xᵢ, around the end",
    static="axis",
    traits=Traits(passes=Passes.MOVED),
)
def roll_kernel(xp: Arrays, x: Array, shift: Array, axis: Array) -> Array:
    """x moved along axes; what leaves at the end comes back at the start."""
    if not np.ndim(x):
        raise refused("input must be 1-D or higher")
    for what, value in (("shift", shift), ("axis", axis)):
        if np.ndim(value) > 1:
            raise refused(
                f"{what} must be a scalar or a 1-D vector. Found: "
                f"{shape_text(np.shape(value))}"
            )
    if np.shape(shift) != np.shape(axis):
        raise refused("shift and axis must have the same size")
    shifts = [shift] if not np.ndim(shift) else [shift[i] for i in range(len(shift))]
    for step, place in zip(shifts, np.reshape(axis, -1).tolist(), strict=True):
        at = place + np.ndim(x) if place < 0 else place
        if not 0 <= at < np.ndim(x):
            raise refused(f"axis {at} is out of range")
        x = xp.roll(x, step, at)
    return x


@gradient("Roll", input="x̄ᵢ = ȳᵢ₊ₛ, around the end")
def roll_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Roll back."""
    _, shift, axis = n.inputs
    return [F.Roll(dy, F.Neg(shift), axis), None, None]


# ---------------------------------------------------------------------- reverse


def _at_most_8(n: Operation, raw: RawShape) -> None:
    if raw is not None and len(raw) > 8:
        raise invalid(n, "reverse does not work on tensors with more than 8 dimensions")


def _reversed_shape(n: Operation) -> RawShape:
    raw, count = n._inputs[0]._shape_raw, with_rank(n, 1, 1)[0]
    if count is not None:
        raw = with_rank(n, 0, count)
    _at_most_8(n, raw)
    return raw


@op(
    "Reverse",
    infer=_reversed_shape,
    math="y = x backwards",
    grad=lambda n, dy: [F.Reverse(dy, n.inputs[1]), None],
    static="dims",
    notation=dict(tensor="x̄ = ȳ backwards"),
    traits=Traits(passes=Passes.MOVED),
)
def reverse_kernel(xp: Arrays, x: Array, dims: Array) -> Array:
    """x backwards along the axes that `dims` marks."""
    if np.ndim(dims) != 1:
        raise refused(f"'dims' must be 1-dimension, not {np.ndim(dims)}")
    if len(dims) != np.ndim(x):
        raise refused(
            "'dims' must have the same number of values as 'input' has dimensions. "
            f"'input' has {np.ndim(x)}'dims' has {len(dims)} values"
        )
    axes = tuple(np.flatnonzero(dims).tolist())
    return xp.flip(x, axes) if axes else x


def _axes_problem(axes: list[int], rank_: int) -> str:
    """What is wrong with a list of axes; empty if nothing is."""
    seen = set()
    for i, axis in enumerate(axes):
        at = axis + rank_ if axis < 0 else axis
        if not 0 <= at < rank_:
            return f"'axis'[{i}] = {axis} is out of valid range [0, {rank_ - 1}"
        if at in seen:
            return f"axis {at} specified more than once."
        seen.add(at)
    return ""


def _reversed_v2_shape(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    with_rank(n, 1, 1)
    _at_most_8(n, raw)
    axes = static_value(n._inputs[1])
    if raw is not None and axes is not None:
        problem = _axes_problem(axes.tolist(), len(raw))
        if problem:
            raise invalid(n, problem)
    return raw


@op(
    "ReverseV2",
    infer=_reversed_v2_shape,
    math="y = x backwards",
    grad=lambda n, dy: [F.ReverseV2(dy, n.inputs[1]), None],
    static="axis",
    notation=dict(tensor="x̄ = ȳ backwards"),
    traits=Traits(passes=Passes.MOVED),
)
def reverse_v2_kernel(xp: Arrays, x: Array, axis: Array) -> Array:
    """x backwards along the given axes."""
    if not np.ndim(x):
        return x
    if np.ndim(axis) != 1:
        raise refused(f"'dims' must be 1-dimension, not {np.ndim(axis)}")
    axes = axis.tolist()
    problem = _axes_problem(axes, np.ndim(x))
    if problem:
        raise refused(problem)
    return xp.flip(x, tuple(axes)) if axes else x


def _sequence_shape(n: Operation) -> RawShape:
    raw, lengths = n._inputs[0]._shape_raw, with_rank(n, 1, 1)
    if raw is None:
        return None
    batch, sequence = n.attrs["batch_dim"], n.attrs["seq_dim"]
    for what, axis in (("batch_dim", batch), ("seq_dim", sequence)):
        if axis >= len(raw):
            raise invalid(n, f"{what} must be < input rank: {axis} vs. {len(raw)}")
    count = same_dim(n, raw[batch], lengths[0])
    return (*raw[:batch], count, *raw[batch + 1 :])


def _sequence_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    attrs = {k: n.attrs[k] for k in ("seq_dim", "batch_dim")}
    return [F.ReverseSequence(dy, n.inputs[1], **attrs), None]


@op(
    "ReverseSequence",
    infer=_sequence_shape,
    math="y = x, the first elements of each row backwards",
    grad=_sequence_gradient,
    notation=dict(input="x̄ = ȳ, the first elements of each row backwards"),
    traits=Traits(passes=Passes.MOVED),
)
def reverse_sequence_kernel(
    xp: Arrays, x: Array, lengths: Array, *, seq_dim: int, batch_dim: int
) -> Array:
    """x, the first `lengths[i]` elements of sequence i backwards."""
    have = np.shape(x)
    _check_sequence(xp, have, lengths, seq_dim, batch_dim)
    steps = np.arange(have[seq_dim])[None, :]
    ends = xp.expand_dims(lengths, 1)
    places = xp.where(steps < ends, ends - 1 - steps, steps)
    if batch_dim > seq_dim:
        places = xp.transpose(places)
    sizes = [d if i in (seq_dim, batch_dim) else 1 for i, d in enumerate(have)]
    return xp.take_along_axis(x, xp.reshape(places, sizes), seq_dim)


def _check_sequence(
    xp: Arrays, have: tuple[int, ...], lengths: Array, sequence: int, batch: int
) -> None:
    if np.ndim(lengths) != 1:
        raise refused(f"seq_lens input must be 1-dim, not {np.ndim(lengths)}")
    if batch == sequence:
        raise refused(f"batch_dim == seq_dim == {sequence}")
    for what, axis in (("seq_dim", sequence), ("batch_dim", batch)):
        if axis >= len(have):
            raise refused(f"{what} must be < input.dims()( {axis} vs. {len(have)})")
    count = np.shape(lengths)[0]
    if count != have[batch]:
        raise refused(
            f"len(seq_lens) != input.dims({batch}), ({count} vs. {have[batch]})"
        )

    def wrong() -> Exception:
        i = int(np.flatnonzero((lengths < 0) | (lengths > have[sequence]))[0])
        below = f"seq_lens({i}) < 0"
        above = f"seq_lens({i}) > input.dims({sequence})"
        return refused(below if lengths[i] < 0 else above)

    xp.check((lengths >= 0) & (lengths <= have[sequence]), wrong)


# ---------------------------------------------------------------------- numbering


def _unraveled_shape(n: Operation) -> RawShape:
    indices, count = n._inputs[0]._shape_raw, with_rank(n, 1, 1)[0]
    if indices is None:
        return None
    return (count, shapes.size(indices)) if indices else (count,)


@op("UnravelIndex", infer=_unraveled_shape, math="y = i in mixed base")
def unravel_index_kernel(xp: Arrays, indices: Array, dims: Array) -> Array:
    """For positions in the flattened array, their index along each axis."""
    if np.ndim(dims) != 1:
        raise refused(
            f'The indices can only be 1-D, got "{shape_text(np.shape(dims))}"'
        )
    if np.ndim(indices) > 1:
        raise refused(
            "The indices can only be scalar or vector, got "
            f'"{shape_text(np.shape(indices))}"'
        )
    count = np.shape(dims)[0]
    step, found = dims[:0].sum(dtype=dims.dtype) + 1, []
    for i in range(count - 1, -1, -1):
        # quotients and remainders towards zero, as C has them
        rest = xp.fmod(indices, step * dims[i])
        found.append(xp.sign(rest) * (xp.abs(rest) // step))
        step = step * dims[i]
    return xp.stack(found[::-1]).astype(indices.dtype)


def _bitcast_shape(n: Operation) -> RawShape:
    raw = n._inputs[0]._shape_raw
    old, new = (n.attrs[a].size for a in ("T", "type"))
    if raw is None or old == new:
        return raw
    if old > new:
        return (*raw, old // new)
    last = with_rank_at_least(n, 0, 1)[-1]  # pyright: ignore[reportOptionalSubscript]
    if last is not None and last != new // old:
        raise invalid(
            n, f"Cannot bitcast due to shape. {last} does not match {new // old}"
        )
    return raw[:-1]


@op("Bitcast", infer=_bitcast_shape, math="y = bits of x")
def bitcast_kernel(xp: Arrays, x: Array, *, type: np.dtype) -> Array:
    """The same bits as another type, whose size may divide the last axis or be one."""
    old, new = x.dtype.itemsize, np.dtype(type).itemsize
    have = np.shape(x)
    if old < new and (not have or have[-1] != new // old):
        raise refused(f"Cannot bitcast from 1 to {new // old}")
    if old > new:
        return xp.reshape(x, (*have, 1)).view(type)
    if isinstance(x, np.ndarray | np.generic):
        x = np.ascontiguousarray(x).reshape(have)
    found = x.view(type)
    return found if old == new else found.reshape(have[:-1])
