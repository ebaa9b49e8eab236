"""Gathering, scattering, segments and ranking on NumPy.

Indices are checked here, as TensorFlow does on the CPU; a scatter is `ufunc.at` on the
flattened array, which NumPy runs several times faster than on rows.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from retrograd.arrays.numpy.reduce import widen
from retrograd.errors import InvalidArgumentError, message

Array = np.ndarray

_UFUNCS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
}


def _outside(index: Array, size: int) -> bool:
    """Say whether an index is negative or not below `size`, in one pass."""
    if not index.size:
        return False
    # Seen as unsigned, a negative number is larger than any size.
    seen = index.view(f"u{index.dtype.itemsize}") if index.dtype.kind == "i" else index
    return int(seen.max()) >= size


def _where(index: Array, size: int) -> tuple[str, int]:
    """Return the first wrong index: its position as text, and its value."""
    at = np.argwhere((index < 0) | (index >= size))[0]
    place = f"[{','.join(map(str, at))}]" if len(at) else ""
    return place, int(index[tuple(at)])


def _check(index: Array, size: int) -> None:
    if _outside(index, size):
        at, value = _where(index, size)
        raise InvalidArgumentError(
            None, None, message(f"indices{at} = {value} is not in [0, {size})")
        )


def gather(params: Array, indices: Array, axis: int = 0, batch_dims: int = 0) -> Array:
    """Take slices of `params` along `axis`, by index.

    The first `batch_dims` axes of both go together. The result has the shape
    params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:].

    Raises:
        InvalidArgumentError: an index is negative or too large.
    """
    indices = np.asarray(indices)
    size = params.shape[axis]
    if not batch_dims:
        _check(indices, size)
        # "clip" reads straight into the result; "raise" goes through a buffer.
        return params.take(indices, axis, mode="clip")
    batch, outer = params.shape[:batch_dims], params.shape[batch_dims:axis]
    inner, wanted = params.shape[axis + 1 :], indices.shape[batch_dims:]
    flat = indices.reshape(-1, 1, prod(wanted))
    _check(flat.reshape(-1, *wanted), size)
    b = np.arange(flat.shape[0])[:, None, None]
    o = np.arange(prod(outer))[None, :, None]
    taken = params.reshape(flat.shape[0], prod(outer), size, prod(inner))[b, o, flat]
    return taken.reshape(*batch, *outer, *wanted, *inner)


def _check_nd(indices: Array, shape: Sequence[int], what: str) -> None:
    """Check index vectors, the last axis of `indices`, against the leading sizes."""
    depth = indices.shape[-1]
    sizes = np.array(shape[:depth], np.int64)
    if not indices.size or not np.any((indices < 0) | (indices >= sizes)):
        return
    wrong = ((indices < 0) | (indices >= sizes)).any(-1)
    at = np.argwhere(wrong)[0] if wrong.ndim else np.zeros(1, int)
    vector = indices[tuple(at)] if wrong.ndim else indices
    place = f"[{','.join(map(str, at))}]" if wrong.ndim else ""
    text = f"indices{place} = [{', '.join(map(str, vector))}]"
    full = ",".join(map(str, shape))
    raise InvalidArgumentError(
        None, None, message(f"{text} does not index into {what} [{full}]")
    )


def gather_nd(params: Array, indices: Array) -> Array:
    """Take elements or slices of `params` by index vectors, the last axis of `indices`.

    The result has the shape indices.shape[:-1] + params.shape[indices.shape[-1]:].

    Raises:
        InvalidArgumentError: an index vector points outside.
    """
    indices = np.asarray(indices)
    _check_nd(indices, params.shape, "param shape")
    if not indices.shape[-1]:
        return np.broadcast_to(params, indices.shape[:-1] + params.shape).copy()
    return np.asarray(params[tuple(np.moveaxis(indices, -1, 0))])


def _apply(ref: Array, index: Array, updates: Array, mode: str) -> None:
    """Change rows ref[index] of the contiguous `ref` in place, in order."""
    rows = np.broadcast_to(updates, (index.size, *ref.shape[1:]))
    if mode == "update":
        ref[index] = rows
        return
    if mode == "div":
        # Divide once, by the product: exact for integers too, whose division truncates.
        by = np.ones(ref.shape, ref.dtype)
        _apply(by, index, rows, "mul")
        touched = np.unique(index)
        ref[touched] = _quotient(ref[touched], by[touched])
        return
    width = prod(ref.shape[1:])
    where = index
    if width != 1:
        where = (index[:, None] * width + np.arange(width)).reshape(-1)
    change = _UFUNCS[mode]
    if mode == "sub" and ref.dtype == bool:
        change = np.logical_xor  # what the difference of 0 and 1 is, as a truth value
    change.at(ref.reshape(-1), where, np.ascontiguousarray(rows).reshape(-1))


def _quotient(a: Array, b: Array) -> Array:
    if a.dtype.kind not in "iu":
        return a / b
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))


def _own(ref: Array, in_place: bool) -> Array:
    if in_place and ref.flags.c_contiguous and ref.flags.writeable:
        return ref
    return np.array(ref, order="C")


def scatter(
    ref: Array,
    indices: Array,
    updates: Array,
    mode: str = "update",
    *,
    in_place: bool = False,
) -> Array:
    """Return `ref` with ref[i] = or op= updates for each index i along axis 0.

    `updates` is indices.shape + ref.shape[1:], or a scalar. `mode` is update, add, sub,
    mul, div, min or max; repeated indices apply in order. `in_place` allows `ref`
    itself to be changed and returned; the compiled tier does so when `ref` is donated.

    Raises:
        InvalidArgumentError: an index is negative or too large.
    """
    indices = np.asarray(indices)
    _check(indices, ref.shape[0])
    out = _own(ref, in_place)
    if np.ndim(updates):
        updates = np.reshape(updates, (indices.size, *ref.shape[1:]))
    _apply(out, indices.reshape(-1).astype(np.intp), updates, mode)
    return out


def scatter_nd(
    ref: Array,
    indices: Array,
    updates: Array,
    mode: str = "update",
    *,
    in_place: bool = False,
) -> Array:
    """Return `ref` changed at index vectors, the last axis of `indices`.

    `updates` is indices.shape[:-1] + ref.shape[indices.shape[-1]:]; `mode` and
    `in_place` are those of `scatter`.

    Raises:
        InvalidArgumentError: an index vector points outside.
    """
    indices = np.asarray(indices)
    _check_nd(indices, ref.shape, "shape")
    depth = indices.shape[-1]
    out = _own(ref, in_place)
    outer, inner = out.shape[:depth], out.shape[depth:]
    steps = [prod(outer[i + 1 :]) for i in range(depth)]
    rows = indices.reshape(prod(indices.shape[:-1]), depth) @ np.array(steps, np.intp)
    updates = np.broadcast_to(updates, (*indices.shape[:-1], *inner))
    # reshape of a contiguous array is a view, so `out` itself changes.
    _apply(
        out.reshape(prod(outer), *inner),
        rows.astype(np.intp),
        np.reshape(updates, (len(rows), *inner)),
        mode,
    )
    return out


def _segments(data: Array, ids: Array, num: int, mode: str, empty: float) -> Array:
    ids = np.asarray(ids)
    inner = data.shape[ids.ndim :]
    rows, flat = data.reshape(ids.size, *inner), ids.reshape(-1)
    if _outside(flat, num):
        if int(flat.max()) >= num:
            at, value = _where(np.maximum(ids, 0), num)
            text = f"segment_ids{at} = {value} is out of range [0, {num})"
            raise InvalidArgumentError(None, None, message(text))
        keep = flat >= 0
        rows, flat = rows[keep], flat[keep]
    rows = widen(rows) if mode == "add" else rows
    out = np.full((num, *inner), empty, rows.dtype)
    _apply(out, flat.astype(np.intp), rows, mode)
    return out.astype(data.dtype, copy=False)


def segment_sum(data: Array, ids: Array, num: int) -> Array:
    """Return [num, …]: the sum of the elements of `data` that bear each id.

    The shape of `ids` is a prefix of data's. Ids need not be sorted; elements with a
    negative id are left out; an id no element bears gets 0.

    Raises:
        InvalidArgumentError: an id is `num` or more.
    """
    return _segments(data, ids, num, "add", 0)


def segment_prod(data: Array, ids: Array, num: int) -> Array:
    """Return products by id, as `segment_sum`; an id no element bears gets 1."""
    return _segments(data, ids, num, "mul", 1)


def _limit(dtype: np.dtype, highest: bool) -> Any:
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
    elif dtype.kind == "f":
        info = np.finfo(dtype)
    else:
        import ml_dtypes

        info = ml_dtypes.finfo(dtype)
    return info.max if highest else info.min


def _start(dtype: np.dtype, highest: bool, empty: float | None) -> Any:
    """What an extreme begins with: infinity, where segments without rows are filled."""
    if empty is None or dtype.kind in "iu":
        return _limit(dtype, highest)
    return np.inf if highest else -np.inf


def segment_max(data: Array, ids: Array, num: int, empty: float | None = None) -> Array:
    """Return maxima by id, as `segment_sum`.

    An id no element bears gets `empty`: by default the dtype's lowest finite value, as
    TensorFlow's UnsortedSegmentMax has it; its SegmentMax gives 0.
    """
    found = _segments(data, ids, num, "max", _start(data.dtype, False, empty))
    return found if empty is None else _fill(found, ids, empty)


def segment_min(data: Array, ids: Array, num: int, empty: float | None = None) -> Array:
    """Return minima by id, as `segment_max`; by default the highest finite value."""
    found = _segments(data, ids, num, "min", _start(data.dtype, True, empty))
    return found if empty is None else _fill(found, ids, empty)


def _fill(found: Array, ids: Array, empty: float) -> Array:
    seen = np.zeros(len(found), bool)
    ids = np.asarray(ids).reshape(-1)
    seen[ids[ids >= 0]] = True
    found[~seen] = empty
    return found


def bincount(ids: Array, num: int, weights: Array | None = None) -> Array:
    """Count the elements equal to 0 … num − 1, or add up their weights.

    Larger values are left out, as in TensorFlow. int32, or the dtype of the weights.
    """
    ids = np.asarray(ids).reshape(-1)
    keep = ids < num
    if weights is None:
        return np.bincount(ids[keep], minlength=num).astype(np.int32)
    return segment_sum(np.reshape(weights, -1)[keep], ids[keep], num)


def top_k(x: Array, k: int) -> tuple[Array, Array]:
    """Return the k largest along the last axis, largest first, and their int32 places.

    Among equals the one with the lower index comes first. NaN is above all numbers, but
    below them if only one is asked for.
    """
    n = x.shape[-1]
    if k == 1 and x.size:
        known = x if x.dtype.kind in "iu" else np.where(np.isnan(x), -np.inf, x)
        places = np.argmax(known, -1)[..., None]
        return np.take_along_axis(x, places, -1), places.astype(np.int32)
    if 0 < k and 8 * k <= n and x.size:
        places = _few_of_many(x.reshape(-1, n), k)
        if places is not None:
            places = places.reshape(*x.shape[:-1], k)
            return np.take_along_axis(x, places, -1), places.astype(np.int32)
    # Stable and ascending on the mirrored row: equals come out in falling mirrored
    # order, which read backwards is rising order of the original.
    places = np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1][..., :k]
    places = n - 1 - places
    return np.take_along_axis(x, places, -1), places.astype(np.int32)


def _few_of_many(x: Array, k: int) -> Array | None:
    """`top_k`'s places for rows much longer than k; None if a NaN stands in the way."""
    n = x.shape[-1]
    least = np.partition(x, n - k, -1)[:, n - k, None]
    if np.isnan(least).any():
        return None
    above, equal = x > least, x == least
    spare = k - above.sum(-1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, -1) <= spare))
    if int(chosen.sum()) != k * len(x):
        return None
    places = np.nonzero(chosen)[1].reshape(len(x), k)
    order = top_k(np.take_along_axis(x, places, -1), k)[1]
    return np.take_along_axis(places, order, -1)
