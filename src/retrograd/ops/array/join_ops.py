"""Ops: ops that put tensors together and take them apart along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd import shapes
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import concat, split, stack, unstack
from retrograd.ops.array.shape import expand_dims, rank, shape, shape_n, squeeze
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op
from retrograd.ops.infer import (
    invalid,
    merged,
    shape_text,
    with_rank,
)
from retrograd.ops.static import constant as static_value
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    from retrograd.arrays.list_value import TensorList
    from retrograd.graph.operation import Operation
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- pack, unpack


def _pack_axis(n: Operation, rank_: int) -> int:
    """The axis of a pack or unpack of `rank_` axes, counted from the front."""
    axis = n.attrs["axis"]
    if not -rank_ <= axis < rank_:
        raise invalid(n, f"Invalid axis: {axis}; must be in [{-rank_},{rank_})")
    return axis % rank_


def _merged_input(n: Operation, i: int, raw: RawShape) -> RawShape:
    """What is known of a shape that input i shares."""
    try:
        return shapes.merge(n._inputs[i]._shape_raw, raw)
    except ValueError as error:
        text = f"{error}\n\tFrom merging shape {i} with other shapes."
        raise invalid(n, text) from None


def _packed(n: Operation) -> RawShape:
    raw = n._inputs[-1]._shape_raw
    for i in range(len(n._inputs) - 2, -1, -1):
        raw = _merged_input(n, i, raw)
    if raw is None:
        return None
    at = _pack_axis(n, len(raw) + 1)
    return (*raw[:at], len(n._inputs), *raw[at:])


@op(
    "Pack",
    infer=_packed,
    math="y = [x₀, x₁, …] along the new axis",
    grad=lambda n, dy: unstack(dy, num=n.attrs["N"], axis=n.attrs["axis"]),
    notation=dict(values="x̄ᵢ = ȳ at i along the axis"),
    traits=Traits(linear=("values",)),
)
def pack_kernel(xp: Arrays, *xs: Array, axis: int) -> Array:
    """Tensors of one shape, side by side along a new axis."""
    first = np.shape(xs[0])
    if not -len(first) - 1 <= axis <= len(first):
        raise refused(f"axis = {axis} not in [{-len(first) - 1}, {len(first) + 1})")
    for i, x in enumerate(xs):
        if np.shape(x) != first:
            raise refused(
                "Shapes of all inputs must match: values[0].shape = "
                f"{shape_text(first)} != values[{i}].shape = {shape_text(np.shape(x))}"
            )
    return xp.stack(xs, axis)


def _unpacked(n: Operation) -> list[RawShape]:
    raw, count = n._inputs[0]._shape_raw, len(n._outputs)
    if raw is None:
        return [None] * count
    at = _pack_axis(n, len(raw))
    if raw[at] not in (None, count):
        raise invalid(n, f"Dimension must be {count} but is {raw[at]}")
    return [(*raw[:at], *raw[at + 1 :])] * count


@op(
    "Unpack",
    infer=_unpacked,
    math="yᵢ = x at i along the axis",
    grad=lambda n, *dys: stack(dys, axis=n.attrs["axis"]),
    notation=dict(value="x̄ = [ȳ₀, ȳ₁, …] along the axis"),
    traits=Traits(passes=Passes.MOVED),
)
def unpack_kernel(
    xp: Arrays, x: Array, *, axis: int, num: int
) -> Array | tuple[Array | TensorList, ...]:
    """The slices of x along an axis, each without that axis."""
    del xp
    have = np.shape(x)
    if not -len(have) <= axis < len(have):
        raise refused(f"axis = {axis} not in [{-len(have)}, {len(have)})")
    at = axis % len(have)
    if have[at] != num:
        raise refused(
            f"Input shape axis {at} must equal {num}, got shape {shape_text(have)}"
        )
    before = (slice(None),) * at
    found = tuple(x[(*before, i)] for i in range(num))
    return found[0] if num == 1 else found


# ---------------------------------------------------------------------- concat


def joined_shape(n: Operation, parts: Sequence[Tensor], axis_input: int) -> RawShape:
    with_rank(n, axis_input, 0)
    axis = static_value(n._inputs[axis_input])
    raws = [t._shape_raw for t in parts]
    unplaced = _of_some_rank(n, parts)
    if axis is None:
        return unplaced
    at = int(axis)
    least = -at if at < 0 else at + 1
    before: RawShape = None
    after: RawShape = None
    whole: int | None = 0
    for raw in reversed(raws):
        if raw is None:
            whole = None
            continue
        if len(raw) < least:
            raise invalid(
                n, f"Shape must be at least rank {least} but is rank {len(raw)}"
            )
        size = raw[at]
        whole = None if whole is None or size is None else whole + size
        before = merged(n, raw[:at], before)
        after = merged(n, raw[at + 1 :] if at != -1 else (), after)
    if before is None or after is None:
        return None
    return (*before, whole, *after)


def _of_some_rank(n: Operation, parts: Sequence[Tensor]) -> RawShape:
    """The shape where the axis is not known: only the rank is."""
    ranks = [len(t._shape_raw) for t in parts if t._shape_raw is not None]
    if not ranks:
        return None
    if ranks[0] == 0:
        raise invalid(n, "Can't concatenate scalars (use tf.stack instead)")
    for other in ranks:
        if other != ranks[0]:
            raise invalid(n, f"Shape must be rank {ranks[0]} but is rank {other}")
    return (None,) * ranks[0]


def _joined(xp: Arrays, xs: Sequence[Array], axis: Array) -> Array:
    if np.ndim(axis):
        raise refused(
            "axis tensor should be a scalar integer, but got shape "
            f"{shape_text(np.shape(axis))}"
        )
    first = np.shape(xs[0])
    at = int(axis)
    if not -len(first) <= at < len(first):
        raise refused(
            "ConcatOp : Expected concatenating dimensions in the range "
            f"[{-len(first)}, {len(first)}), but got {at}"
        )
    at %= len(first)
    rest = first[:at] + first[at + 1 :]
    for i, x in enumerate(xs):
        have = np.shape(x)
        if len(have) != len(first):
            what = "Ranks of all input tensors should match"
        elif have[:at] + have[at + 1 :] != rest:
            what = "Dimensions of inputs should match"
        else:
            continue
        raise refused(
            f"ConcatOp : {what}: shape[0] = {shape_text(first)} vs. shape[{i}] = "
            f"{shape_text(have)}"
        )
    return xp.concatenate(xs, at)


@op(
    "ConcatV2",
    infer=lambda n: joined_shape(n, n._inputs[:-1], len(n._inputs) - 1),
    math="y = x₀, x₁, … along axis a",
    grad=lambda n, dy: [*_parts_of(n, dy, n.inputs[:-1], n.inputs[-1]), None],
    static="axis",
    notation=dict(values="x̄ᵢ = part i of ȳ", axis="a"),
    traits=Traits(linear=("values",)),
)
def concat_v2_kernel(xp: Arrays, *xs: Array) -> Array:
    """Tensors one after another along an axis, the last input."""
    return _joined(xp, xs[:-1], xs[-1])


@op(
    "Concat",
    infer=lambda n: joined_shape(n, n._inputs[1:], 0),
    math="y = x₀, x₁, … along axis a",
    grad=lambda n, dy: [None, *_parts_of(n, dy, n.inputs[1:], n.inputs[0])],
    static="concat_dim",
    notation=dict(values="x̄ᵢ = part i of ȳ", concat_dim="a"),
    traits=Traits(linear=("values",)),
)
def concat_kernel(xp: Arrays, axis: Array, *xs: Array) -> Array:
    """Tensors one after another along an axis, the first input."""
    return _joined(xp, xs, axis)


@op(
    "ConcatOffset",
    infer=lambda n: [t._shape_raw for t in n._inputs[1:]],
    math="where each part begins in the whole",
    grad=NOT_DIFFERENTIABLE,
    static=("concat_dim", "shape"),
)
def concat_offset(xp: Arrays, concat_dim: Array, *sizes: Array) -> tuple[Array, ...]:
    """Where each of several tensors begins in their concatenation."""
    del xp
    first, at = sizes[0], int(concat_dim)
    length = len(first)
    if not -length <= at < length:
        raise refused(f"Concat dim is out of range: {at} vs. {length}")
    at %= length
    found, offset = [], 0
    for i, part in enumerate(sizes):
        if len(part) != length:
            raise refused(
                f"input {i} should contain {length} elements, but got {len(part)}"
            )
        differs = part != first
        differs[at] = False
        if differs.any():
            raise refused(
                f"All dimensions except {at} must match. Input {i} has shape "
                f"[{' '.join(map(str, part))}] and doesn't match input 0 with shape "
                f"[{' '.join(map(str, first))}]."
            )
        begin = np.zeros_like(first)
        begin[at] = offset
        offset += int(part[at])
        found.append(begin)
    return tuple(found)


def _sizes_of(parts: Sequence[Tensor]) -> list[Tensor]:
    """The shape of each part: constants, or the outputs of one ShapeN."""
    if not context.executing_eagerly():
        sizes = []
        for part in parts:
            size = shape(part)
            if size.op.type != "Const":
                break
            sizes.append(size)
        else:
            return sizes
    return shape_n(list(parts))


def _parts_of(
    n: Operation, dy: Tensor | IndexedSlices, parts: Sequence[Tensor], axis: Tensor
) -> Sequence[Tensor | IndexedSlices]:
    """The part of ȳ that belongs to each of the concatenated tensors."""
    if len(parts) == 1:
        return [dy]
    if isinstance(dy, IndexedSlices):
        return _sparse_parts_of(dy, parts, axis)
    at = F.FloorMod(axis, rank(parts[0]), name="mod")
    sizes = _sizes_of(parts)
    if len(sizes) > 16:
        along = squeeze(F.Slice(stack(sizes, axis=1), [at, 0], [1, -1]))
        return split(dy, along, at)
    offsets = F.ConcatOffset(at, sizes)
    return [F.Slice(dy, b, s) for b, s in zip(offsets, sizes, strict=True)]


def _sparse_parts_of(
    dy: IndexedSlices, parts: Sequence[Tensor], axis: Tensor
) -> list[IndexedSlices]:
    at = F.FloorMod(axis, rank(parts[0]), name="mod")
    known = static_value(axis)
    if known is None:
        raise ValueError(
            "Can only compute IndexedSlices gradient with statically-known concat_dim"
        )
    place = int(known)
    if place < 0:
        rank_ = static_value(rank(parts[0]))
        if rank_ is None:
            raise ValueError(
                "Can only compute IndexedSlices gradient with negative concat_dim "
                "when first value rank is statically-known."
            )
        place %= int(rank_)
    sizes = [shape(part) for part in parts]
    if place:
        return _sparse_columns(dy, sizes, at)
    return _sparse_rows(dy, sizes, at)


def _sparse_columns(
    dy: IndexedSlices, sizes: list[Tensor], at: Tensor
) -> list[IndexedSlices]:
    """Each part gets all rows, of each its own columns."""
    length = shape(sizes[0])
    mask = concat([F.Fill(expand_dims(at, 0), 0), [1], F.Fill(length - at - 1, 0)], 0)
    begin = F.Fill(length, 0)
    found = []
    for size in sizes:
        kept = concat([[-1], F.Slice(size, [1], [-1])], 0)
        values = F.Slice(dy.values, begin, kept)
        found.append(IndexedSlices(values, dy.indices, size))
        begin = F.Add(begin, size * mask)
    return found


def _sparse_rows(
    dy: IndexedSlices, sizes: list[Tensor], at: Tensor
) -> list[IndexedSlices]:
    """Each part gets the rows that lie in it."""
    start = constant(0, dtype=dy.indices.dtype)
    found = []
    for size in sizes:
        rows = F.GatherV2(size, at, 0)
        if rows.dtype != dy.indices.dtype:
            rows = F.Cast(rows, DstT=dy.indices.dtype)
        end = start + rows
        chosen = squeeze(
            F.Where(F.LogicalAnd(dy.indices >= start, dy.indices < end)),
            squeeze_dims=[1],
        )
        indices = F.GatherV2(dy.indices, chosen, 0) - start
        values = F.GatherV2(dy.values, chosen, 0)
        found.append(IndexedSlices(values, indices, size))
        start = end
    return found


# ---------------------------------------------------------------------- split


def _split_axis(n: Operation, index: int) -> int | None:
    axis = static_value(n._inputs[index])
    if axis is None:
        return None
    if axis.ndim:
        raise invalid(n, f"Input must be scalar but has rank {axis.ndim}")
    return int(axis)


def _checked_axis(n: Operation, axis: int, rank_: int) -> int:
    if not -rank_ <= axis < rank_:
        raise invalid(
            n,
            f"Dimension size, given by scalar input {axis} must be in range "
            f"[-{rank_}, {rank_})",
        )
    return axis % rank_


def _split_shape(n: Operation) -> list[RawShape]:
    raw, count = n._inputs[1]._shape_raw, n.attrs["num_split"]
    axis = _split_axis(n, 0)
    if raw is None:
        return [None] * count
    if axis is None:
        return [(None,) * len(raw)] * count
    at = _checked_axis(n, axis, len(raw))
    size = raw[at]
    if size is not None and size % count:
        raise ValueError(
            f"Dimension size must be evenly divisible by {count} but is {size}\n\t"
            "Number of ways to split should evenly divide the split dimension for "
            f"{str(invalid(n, '')).removeprefix(' for ')}"
        )
    part = None if size is None else size // count
    return [(*raw[:at], part, *raw[at + 1 :])] * count


def _cut(
    xp: Arrays, x: Array, ends: Sequence[int], at: int
) -> Array | tuple[Array, ...]:
    """x cut along an axis before each of `ends`."""
    del xp
    before = (slice(None),) * at
    starts = [0, *ends[:-1]]
    found = tuple(x[(*before, slice(b, e))] for b, e in zip(starts, ends, strict=True))
    return found[0] if len(found) == 1 else found


@op(
    "Split",
    infer=_split_shape,
    math="y₀, y₁, … = x cut in equal parts along axis a",
    grad=lambda n, *dys: [None, concat(list(dys), n.inputs[0])],
    static="split_dim",
    notation=dict(value="x̄ = ȳ₀, ȳ₁, … along axis a", split_dim="a"),
    traits=Traits(passes=Passes.MOVED, passed="value"),
)
def split_kernel(
    xp: Arrays, split_dim: Array, x: Array, *, num_split: int
) -> Array | tuple[Array, ...]:
    """x cut into equal parts along an axis."""
    if np.ndim(split_dim):
        raise refused(f"split_dim must be a scalar but has rank {np.ndim(split_dim)}")
    at, have = int(split_dim), np.shape(x)
    if not -len(have) <= at < len(have):
        raise refused(
            f"-input rank(-{len(have)}) <= split_dim < input rank ({len(have)}), but "
            f"got {at}"
        )
    at %= len(have)
    if have[at] % num_split:
        raise refused(
            "Number of ways to split should evenly divide the split dimension, but "
            f"got split_dim {at} (size = {have[at]}) and num_split {num_split}"
        )
    part = have[at] // num_split
    return _cut(xp, x, [part * (i + 1) for i in range(num_split)], at)


def _split_v_shape(n: Operation) -> list[RawShape]:
    raw, count = n._inputs[0]._shape_raw, n.attrs["num_split"]
    sizes, axis = static_value(n._inputs[1]), _split_axis(n, 2)
    if raw is None:
        return [None] * count
    if not raw:
        raise invalid(n, "Can't split scalars")
    if axis is None:
        if sizes is not None and sizes.size != count:
            raise invalid(n, "Length of size_splits should be equal to num_outputs")
        return [(None,) * len(raw)] * count
    at = _checked_axis(n, axis, len(raw))
    parts = [None] * count if sizes is None else _split_sizes(n, sizes, raw[at])
    return [(*raw[:at], part, *raw[at + 1 :]) for part in parts]


def _split_sizes(
    n: Operation, sizes: np.ndarray, whole: int | None
) -> list[int | None]:
    """The sizes of the parts; one that is −1 gets what is left."""
    listed = sizes.tolist()
    if len(listed) != n.attrs["num_split"]:
        raise invalid(n, "Length of size_splits should be equal to num_outputs")
    total = sum(d for d in listed if d != -1)
    guessed = listed.count(-1)
    if guessed > 1:
        raise invalid(n, "size_splits can only have one -1")
    if whole is None:
        return [None if d == -1 else d for d in listed]
    if total > whole or (total != whole and not guessed):
        pieces = ",".join(map(str, listed))
        raise invalid(
            n, f"can't split axis of size {whole} into pieces of size [{pieces}]"
        )
    return [whole - total if d == -1 else d for d in listed]


@op(
    "SplitV",
    infer=_split_v_shape,
    math="y₀, y₁, … = x cut in parts along axis a",
    grad=lambda n, *dys: [concat(list(dys), n.inputs[2]), None, None],
    static=("size_splits", "split_dim"),
    notation=dict(value="x̄ = ȳ₀, ȳ₁, … along axis a", split_dim="a"),
    traits=Traits(passes=Passes.MOVED),
)
def split_v_kernel(
    xp: Arrays, x: Array, size_splits: Array, split_dim: Array, *, num_split: int
) -> Array | tuple[Array, ...]:
    """x cut into parts of given sizes along an axis; one size may be −1."""
    if np.size(split_dim) != 1:
        raise refused("split_dim_tensor must have exactly one element.")
    at, have = int(np.reshape(split_dim, ())), np.shape(x)
    sizes = np.asarray(size_splits).tolist()
    if np.ndim(size_splits) != 1 or len(sizes) != num_split:
        raise refused(
            "size of the split_tensor must be 1-D and have the same elements as "
            f"outputs got {np.ndim(size_splits)} -D and {np.size(size_splits)} elements"
        )
    if not -len(have) <= at < len(have):
        raise refused(
            f"-input rank(-{len(have)}) <= split_dim < input rank ({len(have)}), but "
            f"got {at}"
        )
    at %= len(have)
    total = sum(d for d in sizes if d != -1)
    if num_split == 1 and sizes[0] not in (-1, have[at]):
        raise refused(
            "If there is only one output, it must have the same size as the input. "
            f"Input size: {have[at]} output size: {sizes[0]}"
        )
    if sizes.count(-1) > 1:
        raise refused("There can only be one -1 in the input.")
    if -1 in sizes and total <= have[at]:
        sizes[sizes.index(-1)] = have[at] - total
    elif total != have[at]:
        raise refused(
            "Determined shape must either match input shape along split_dim exactly "
            "if fully specified, or be less than the size of the input along "
            f"split_dim if not fully specified.  Got: {total}"
        )
    return _cut(xp, x, np.cumsum(sizes).tolist(), at)


# ---------------------------------------------------------------------- parallel


def _parallel_shape(n: Operation) -> RawShape:
    whole = n.attrs["shape"]
    if not shapes.is_full(whole):
        raise invalid(n, "shape attr must be fully defined.")
    part: RawShape = (1, *whole[1:])
    for i, tensor in enumerate(n._inputs):
        if not shapes.is_full(tensor._shape_raw):
            raise invalid(n, "All input shapes must be fully defined.")
        if (tensor._shape_raw or ())[:1] != (1,):
            raise invalid(n, "Size of first dimension must be 1.")
        part = _merged_input(n, i, part)
    return whole


@op("ParallelConcat", infer=_parallel_shape, math="y = x₀, x₁, …")
def parallel_concat(xp: Arrays, *xs: Array) -> Array:
    """Tensors of leading size 1 one after another."""
    return xp.concatenate(xs, 0)
