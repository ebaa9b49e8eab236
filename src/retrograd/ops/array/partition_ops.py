"""Ops: rows dealt out by number, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.composite import IndexedSlices
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.blank import blank
from retrograd.ops.array.fill import range_
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import (
    invalid,
    merged,
    shape_text,
)
from retrograd.ops.static import constant as static_value
from retrograd.ops.traits import Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _prefixed(n: Operation, data: RawShape, ids: RawShape) -> RawShape:
    """What follows in the shape of `data` after that of `ids`, which it starts with."""
    if data is None or ids is None:
        return None
    if len(data) < len(ids):
        raise invalid(
            n, f"Shape must be at least rank {len(ids)} but is rank {len(data)}"
        )
    for a, b in zip(data, ids, strict=False):
        if a is not None and b is not None and a != b:
            raise invalid(n, f"Dimensions must be equal, but are {a} and {b}")
    return data[len(ids) :]


def _partition_shape(n: Operation) -> list[RawShape]:
    rest = _prefixed(n, n._inputs[0]._shape_raw, n._inputs[1]._shape_raw)
    return [None if rest is None else (None, *rest)] * len(n._outputs)


@op(
    "DynamicPartition",
    infer=_partition_shape,
    math="yₖ = rows xᵢ with pᵢ = k",
    host=True,
)
def dynamic_partition_kernel(
    xp: Arrays, data: Array, partitions: Array, *, num_partitions: int
) -> Array | tuple[Array, ...]:
    """The rows of each partition, in their order."""
    del xp
    ids = np.shape(partitions)
    if np.shape(data)[: len(ids)] != ids:
        raise refused(
            "data.shape must start with partitions.shape, got data.shape = "
            f"{shape_text(np.shape(data))}, partitions.shape = {shape_text(ids)}"
        )
    outside = np.argwhere((partitions < 0) | (partitions >= num_partitions))
    if len(outside):
        at = tuple(outside[0])
        place = f"[{','.join(map(str, at))}]" if at else ""
        raise refused(
            f"partitions{place} = {partitions[at]} is not in [0, {num_partitions})"
        )
    found = tuple(data[np.equal(partitions, k)] for k in range(num_partitions))
    return found[0] if num_partitions == 1 else found


@gradient("DynamicPartition", data="x̄ᵢ = its row of ȳₖ, k = pᵢ", partitions="p")
def dynamic_partition_gradient(n: Operation, *dys: Tensor) -> list[Tensor | None]:
    """Stitch the rows together again."""
    data, ids = n.inputs
    prefix = shape(ids)
    places = reshape(range_(F.Prod(prefix, [0])), prefix)
    parts = F.DynamicPartition(places, ids, num_partitions=n.attrs["num_partitions"])
    whole = F.DynamicStitch(parts, list(dys))
    return [reshape(whole, shape(data)), None]


def _stitched_shape(n: Operation) -> RawShape:
    count = n.attrs["N"]
    rest: RawShape = None
    last: int | None = 0
    for indices, data in zip(n._inputs[:count], n._inputs[count:], strict=True):
        places = static_value(indices)
        if places is None:
            last = None
        elif last is not None and places.size:
            last = max(last, int(places.max()))
        if indices._shape_raw is not None:
            part = _prefixed(n, data._shape_raw, indices._shape_raw)
            rest = merged(n, rest, part)
    if rest is None:
        return None
    return (None if last is None else last + 1, *rest)


def _stitch_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    count = n.attrs["N"]
    if isinstance(dy, IndexedSlices):
        dy = F.UnsortedSegmentSum(dy.values, dy.indices, shape(n.outputs[0])[0])
    return [None] * count + [F.GatherV2(dy, i, 0) for i in n.inputs[:count]]


def _stitched(xp: Arrays, parts: tuple[Array, ...]) -> Array:
    count = len(parts) // 2
    indices, data = parts[:count], parts[count:]
    rows, flat = [], []
    rest = np.shape(data[0])[np.ndim(indices[0]) :]
    for i, (places, values) in enumerate(zip(indices, data, strict=True)):
        ish, dsh = np.shape(places), np.shape(values)
        if dsh[: len(ish)] != ish:
            raise refused(
                f"data[{i}].shape = {shape_text(dsh)} does not start with "
                f"indices[{i}].shape = {shape_text(ish)}"
            )
        if dsh[len(ish) :] != rest:
            first = np.ndim(indices[0])
            raise refused(
                f"Need data[0].shape[{first}:] = data[{i}].shape[{len(ish)}:], got "
                f"data[0].shape = {shape_text(np.shape(data[0]))}, data[{i}].shape = "
                f"{shape_text(dsh)}, indices[0].shape = "
                f"{shape_text(np.shape(indices[0]))}, indices[{i}].shape = "
                f"{shape_text(ish)}"
            )
        flat.append(np.asarray(places).reshape(-1))
        rows.append(xp.reshape(values, (-1, *rest)) if len(flat[-1]) else None)
    return _placed(xp, flat, rows, rest, data[0].dtype)


def _placed(
    xp: Arrays,
    flat: Sequence[Array],
    rows: Sequence[Array | None],
    rest: Sequence[int],
    dtype: np.dtype,
) -> Array:
    """Rows at their places, later ones in place of earlier ones."""
    places = np.concatenate(flat)
    for numbers in flat:
        if len(numbers) and numbers.min() < 0:
            at = int(np.argmax(numbers < 0))
            raise refused(f"indices[{at}] is out of range")
    length = int(places.max()) + 1 if len(places) else 0
    whole = blank(xp, (length, *rest), dtype)
    kept = [r for r in rows if r is not None]
    if not kept:
        return whole
    values = xp.concatenate(kept, 0)
    # the last row for each place is the one that stays
    last = np.full(length, -1)
    last[places] = np.arange(len(places))
    used = np.flatnonzero(last >= 0)
    taken = xp.gather(values, last[used], 0)
    if len(used) == length:
        return taken
    return xp.scatter(whole, used, taken)


@op(
    "DynamicStitch",
    infer=_stitched_shape,
    math="y[iₖ] = xₖ",
    grad=_stitch_gradient,
    static="indices",
    notation=dict(indices="iₖ", data="x̄ₖ = ȳ[iₖ]"),
    traits=Traits(int32_on_host="T"),
)
def dynamic_stitch_kernel(xp: Arrays, *parts: Array) -> Array:
    """Rows of several tensors, each at its place in the whole."""
    return _stitched(xp, parts)


@op(
    "ParallelDynamicStitch",
    infer=_stitched_shape,
    math="y[iₖ] = xₖ",
    grad=_stitch_gradient,
    static="indices",
    notation=dict(indices="iₖ", data="x̄ₖ = ȳ[iₖ]"),
    traits=Traits(int32_on_host="T"),
)
def parallel_dynamic_stitch_kernel(xp: Arrays, *parts: Array) -> Array:
    """Rows of several tensors, each at its place in the whole."""
    return _stitched(xp, parts)
