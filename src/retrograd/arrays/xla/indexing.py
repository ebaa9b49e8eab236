"""Gathering, scattering, segments and ranking through XLA.

Compiled code cannot raise: an index out of range gathers 0 and scatters nothing, and
the run tells of it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import Array, lax

from retrograd.arrays.xla import told
from retrograd.arrays.xla.reduce import widen

_OUTSIDE = lax.GatherScatterMode.FILL_OR_DROP


def _check(indices: Array, sizes: int | np.ndarray) -> None:
    """Have the run tell whether an index is negative or not below its size."""
    if indices.size and told.is_asked():
        # seen as unsigned, a negative number is larger than any size
        kind = np.dtype(f"u{indices.dtype.itemsize}")
        seen = lax.bitcast_convert_type(indices, kind)
        told.tell(told.FAILED, seen >= np.asarray(sizes, kind))


def gather(params: Array, indices: Array, axis: int = 0, batch_dims: int = 0) -> Array:
    """`arrays.numpy.gather`."""
    params, indices = jnp.asarray(params), jnp.asarray(indices)
    axis = axis % params.ndim
    _check(indices, params.shape[axis])
    batch = tuple(range(batch_dims))
    wanted = indices.ndim - batch_dims
    kept = [d for d in range(params.ndim) if d != axis and d >= batch_dims]
    # In the result the kept axes stand around the indices' own, at the place of `axis`.
    offsets = tuple(d if d < axis else d + wanted - 1 for d in kept)
    dims = lax.GatherDimensionNumbers(
        offset_dims=offsets,
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
        operand_batching_dims=batch,
        start_indices_batching_dims=batch,
    )
    sizes = tuple(n if d in kept else 1 for d, n in enumerate(params.shape))
    return lax.gather(
        params, indices[..., None], dims, sizes, mode=_OUTSIDE, fill_value=0
    )


def gather_nd(params: Array, indices: Array) -> Array:
    """`arrays.numpy.gather_nd`."""
    params, indices = jnp.asarray(params), jnp.asarray(indices)
    depth, outer = indices.shape[-1], indices.ndim - 1
    _check(indices, np.array(params.shape[:depth]))
    inner = params.ndim - depth
    dims = lax.GatherDimensionNumbers(
        offset_dims=tuple(range(outer, outer + inner)),
        collapsed_slice_dims=tuple(range(depth)),
        start_index_map=tuple(range(depth)),
    )
    sizes = (1,) * depth + params.shape[depth:]
    return lax.gather(params, indices, dims, sizes, mode=_OUTSIDE, fill_value=0)


_SCATTERS: dict[str, Callable[..., Array]] = {
    "update": lax.scatter,
    "add": lax.scatter_add,
    "sub": lax.scatter_sub,
    "mul": lax.scatter_mul,
    "min": lax.scatter_min,
    "max": lax.scatter_max,
}


def scatter(
    ref: Array,
    indices: Array,
    updates: Array,
    mode: str = "update",
    *,
    in_place: bool = False,
) -> Array:
    """`arrays.numpy.scatter`."""
    indices = jnp.asarray(indices)
    if jnp.ndim(updates):
        updates = jnp.reshape(updates, indices.shape + ref.shape[1:])
    return scatter_nd(ref, indices[..., None], updates, mode)


def scatter_nd(
    ref: Array,
    indices: Array,
    updates: Array,
    mode: str = "update",
    *,
    in_place: bool = False,
) -> Array:
    """`arrays.numpy.scatter_nd`."""
    indices = jnp.asarray(indices)
    _check(indices, np.array(np.shape(ref)[: indices.shape[-1]]))
    return _scattered(jnp.asarray(ref), indices, updates, mode)


def _scattered(ref: Array, indices: Array, updates: Array, mode: str) -> Array:
    """`scatter_nd`, which leaves out what is outside."""
    depth, outer = indices.shape[-1], indices.ndim - 1
    inner = ref.shape[depth:]
    updates = jnp.broadcast_to(updates, (*indices.shape[:-1], *inner))
    if mode == "div":
        # Divide once, by the product: exact for integers too, whose division truncates.
        ones = jnp.ones_like(ref)
        return lax.div(ref, _scattered(ones, indices, updates, "mul"))
    if ref.dtype == bool and mode == "sub":
        ones, changes = (x.astype(np.uint8) for x in (ref, updates))
        return _scattered(ones, indices, changes, "add") % 2 == 1
    if ref.dtype == bool:  # XLA adds and multiplies numbers only
        mode = {"add": "max", "mul": "min"}.get(mode, mode)
    dims = lax.ScatterDimensionNumbers(
        update_window_dims=tuple(range(outer, outer + len(inner))),
        inserted_window_dims=tuple(range(depth)),
        scatter_dims_to_operand_dims=tuple(range(depth)),
    )
    scatter = partial(_SCATTERS[mode], dimension_numbers=dims, mode=_OUTSIDE)
    return told.gated(scatter, ref, indices, updates)


def _segments(data: Array, ids: Array, num: int, mode: str, empty: Any) -> Array:
    data, ids = jnp.asarray(data), jnp.asarray(ids)
    inner = data.shape[ids.ndim :]
    out = jnp.full((num, *inner), empty, data.dtype)
    rows = data.reshape(ids.size, *inner)
    told.tell(told.FAILED, ids >= num)
    return _scattered(out, ids.reshape(-1, 1), rows, mode)


def segment_sum(data: Array, ids: Array, num: int) -> Array:
    """`arrays.numpy.segment_sum`."""
    return _segments(widen(data), ids, num, "add", 0).astype(data.dtype)


def segment_prod(data: Array, ids: Array, num: int) -> Array:
    """`arrays.numpy.segment_prod`."""
    return _segments(data, ids, num, "mul", 1)


def _limits(dtype: np.dtype) -> Any:
    return np.iinfo(dtype) if dtype.kind in "iu" else ml_dtypes.finfo(dtype)


def _start(dtype: np.dtype, highest: bool, empty: float | None) -> Any:
    """As in `arrays.numpy`: what an extreme begins with."""
    if empty is None or dtype.kind in "iu":
        return _limits(dtype).max if highest else _limits(dtype).min
    return np.inf if highest else -np.inf


def segment_max(data: Array, ids: Array, num: int, empty: float | None = None) -> Array:
    """`arrays.numpy.segment_max`."""
    found = _segments(data, ids, num, "max", _start(data.dtype, False, empty))
    return found if empty is None else _fill(found, ids, empty)


def segment_min(data: Array, ids: Array, num: int, empty: float | None = None) -> Array:
    """`arrays.numpy.segment_min`."""
    found = _segments(data, ids, num, "min", _start(data.dtype, True, empty))
    return found if empty is None else _fill(found, ids, empty)


def _fill(found: Array, ids: Array, empty: float) -> Array:
    num = found.shape[0]
    seen = _segments(jnp.ones(np.shape(ids), np.int32), ids, num, "add", 0) > 0
    seen = seen.reshape(num, *(1,) * (found.ndim - 1))
    return jnp.where(seen, found, found.dtype.type(empty))


def bincount(ids: Array, num: int, weights: Array | None = None) -> Array:
    """`arrays.numpy.bincount`."""
    ids = jnp.minimum(ids, num)  # one more row, of those that are left out
    if weights is None:
        weights = jnp.ones(np.shape(ids), np.int32)
    return segment_sum(weights, ids, num + 1)[:num]


def _at(x: Array, places: Array) -> Array:
    """The elements at places along the last axis, all of which there are."""
    return jnp.take_along_axis(x, places, -1, mode="promise_in_bounds")


def top_k(x: Array, k: int) -> tuple[Array, Array]:
    """`arrays.numpy.top_k`."""
    if x.dtype.kind in "iu":
        values, places = lax.top_k(x, k)
        return values, places.astype(np.int32)
    if k == 1 and x.shape[-1]:
        known = jnp.where(jnp.isnan(x), -np.inf, x)
        places = jnp.argmax(known, -1, keepdims=True)
        return _at(x, places), places.astype(np.int32)
    # XLA tells the signs of zeros and of NaN apart
    one_sign = jnp.where(jnp.isnan(x), x.dtype.type(np.nan), x)
    one_sign = jnp.where(x == 0, x.dtype.type(0), one_sign)
    places = lax.top_k(one_sign, k)[1]
    return _at(x, places), places.astype(np.int32)
