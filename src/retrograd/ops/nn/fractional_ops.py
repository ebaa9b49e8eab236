"""Ops: fractional pooling: windows of two sizes, k and k + 1, in random order.

Graham, Fractional max-pooling (2014). The windows are drawn as TensorFlow 1.15 does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import UnimplementedError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import invalid, with_rank
from retrograd.ops.random import philox
from retrograd.ops.static import constant, constant_as_shape

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- windows


def _pooled_size(size: int, ratio: float) -> int:
    return int(np.floor(np.float32(size) / np.float32(ratio)))


def _pooled(n: Operation) -> list[RawShape]:
    x, ratios = with_rank(n, 0, 4), n.attrs["pooling_ratio"]
    if len(ratios) != 4:
        raise invalid(n, "pooling_ratio field must specify 4 dimensions")
    sizes = [
        None if size is None else _pooled_size(size, ratio)
        for size, ratio in zip(x, ratios, strict=True)
    ]
    for place, size in enumerate(sizes):
        if size is not None and size < 0:
            raise invalid(n, f"Size computed for dim {place} is negative: {size}")
    edges = [(None if size is None else size + 1,) for size in sizes[1:3]]
    return [tuple(sizes), *edges]


def _pseudo_random(words: np.ndarray, size: int, count: int) -> np.ndarray:
    """Sizes of windows that follow a line with a random offset."""
    ratio, least = size / count, size // count
    most = min((least + 2) / ratio - 1, (size + 1 - least) / ratio - (count - 1))
    offset = philox.unit_double(words[0:1], words[1:2])[0] * most
    edges = np.empty(count + 1, np.int64)
    edges[0], edges[-1] = 1, size + 1
    edges[1:-1] = np.ceil(ratio * (np.arange(1, count) + offset))
    return np.diff(edges)


def _random(words: np.ndarray, size: int, count: int) -> np.ndarray:
    """Sizes of windows, k + 1 for as many as needed and k, shuffled."""
    sizes = np.full(count, size // count, np.int64)
    sizes[: size % count] += 1
    for i in range(count - 1):
        other = i + int(words[i]) % (count - i)
        sizes[[i, other]] = sizes[[other, i]]
    return sizes


def _edges(
    state: np.ndarray, size: int, count: int, pseudo_random: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Where windows start, with the end of the last; and the generator's next state."""
    blocks = 1 if pseudo_random else -(-count // 4)
    words = philox.blocks(np, state, np.arange(blocks, dtype=np.uint64)).reshape(-1)
    sizes = (_pseudo_random if pseudo_random else _random)(words, size, count)
    edges = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    return edges, philox.skip(np, state, blocks)


class _Cells:
    """The windows along one axis.

    Attributes:
      start: the first place of each.
      length: how many places each has.
    """

    def __init__(self, edges: np.ndarray, size: int, overlapping: bool) -> None:
        last = np.minimum(edges[1:] - (0 if overlapping else 1), size - 1)
        self.start = edges[:-1]
        self.length = last - self.start + 1

    def at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The place `step` into each window, and whether the window reaches so far."""
        inside = step < self.length
        return np.where(inside, self.start + step, self.start), inside


def _each(rows: _Cells, columns: _Cells) -> Any:
    """For each place in a window: rows, columns, and which windows have it."""
    for down in range(int(rows.length.max(initial=0))):
        at_rows, has_row = rows.at(down)
        for right in range(int(columns.length.max(initial=0))):
            at_columns, has_column = columns.at(right)
            inside = has_row[:, None] & has_column
            yield at_rows[:, None], at_columns, inside[:, :, None]


# ---------------------------------------------------------------------- forward


def _start(n: Operation) -> np.ndarray | None:
    """The generator of an op that draws the same windows in each run."""
    attrs = n.attrs
    if attrs["deterministic"]:
        return philox.initial_state(attrs["seed"], attrs["seed2"])
    return None


def _drawn(
    state: Array | None, x: Array, attrs: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """The edges of the windows, by axis.

    Raises:
      InvalidArgumentError: an input or seed that cannot be.
      UnimplementedError: pooling over the batch and the channels.
    """
    ratios = attrs["pooling_ratio"]
    if ratios[0] != 1 and ratios[3] != 1:
        raise UnimplementedError(
            None,
            None,
            "Fractional max pooling is not yet supported on the batch nor channel "
            "dimension.",
        )
    if not attrs["deterministic"] and (attrs["seed"] or attrs["seed2"]):
        raise refused("Both seed and seed2 should be 0 if deterministic is false.")
    if x.ndim != 4:
        raise refused("tensor_in must be 4-dimensional")
    state = philox.initial_state(0, 0) if state is None else state
    edges = []
    for size, ratio in zip(x.shape[1:3], ratios[1:3], strict=True):
        count = _pooled_size(size, ratio)
        found, state = _edges(state, size, count, attrs["pseudo_random"])
        edges.append(found)
    return edges[0], edges[1]


def _cells(
    x_shape: Array | Sequence[int], rows: Array, columns: Array, overlapping: bool
) -> tuple[_Cells, _Cells]:
    return (
        _Cells(rows, x_shape[1], overlapping),
        _Cells(columns, x_shape[2], overlapping),
    )


def _largest(x: np.ndarray, rows: _Cells, columns: _Cells) -> np.ndarray:
    best = None
    for at_rows, at_columns, inside in _each(rows, columns):
        part = x[:, at_rows, at_columns]
        best = part if best is None else np.where(inside & (part > best), part, best)
    assert best is not None
    return best


def _means(x: np.ndarray, rows: _Cells, columns: _Cells) -> np.ndarray:
    total = np.zeros((), x.dtype)
    for at_rows, at_columns, inside in _each(rows, columns):
        total = total + np.where(inside, x[:, at_rows, at_columns], x.dtype.type(0))
    count = (rows.length[:, None] * columns.length)[:, :, None].astype(x.dtype)
    if x.dtype.kind == "i":
        return np.trunc(total / count).astype(x.dtype)
    return total / count


def _declare(name: str, reduce: Callable[..., np.ndarray], math: str) -> None:
    def kernel(
        xp: Arrays, state: Array, x: Array, *, n: Operation
    ) -> tuple[Array, ...]:
        del xp
        rows, columns = _drawn(state, x, n.attrs)
        cells = _cells(x.shape, rows, columns, n.attrs["overlapping"])
        return state, reduce(x, *cells), rows, columns

    kernel.__doc__ = "Pool windows of random sizes; give their edges as well."
    op(name, infer=_pooled, state=_start, host=True, math=math)(kernel)


_declare("FractionalMaxPool", _largest, "y = max of each window of x")
_declare("FractionalAvgPool", _means, "y = mean of each window of x")

# ---------------------------------------------------------------------- backward


@gradient("FractionalMaxPool", value="x̄ = Σ of ȳ where x = y, the window's maximum")
def _max_gradient(n: Operation, dy: Tensor, *unused: Tensor | None) -> Tensor:
    del unused
    y, rows, columns = n.outputs
    overlapping = n.attrs["overlapping"]
    return F.FractionalMaxPoolGrad(
        n.inputs[0], y, dy, rows, columns, overlapping=overlapping
    )


@gradient("FractionalAvgPool", value="x̄ = Σ over windows of ȳ / (their size)")
def _mean_gradient(n: Operation, dy: Tensor, *unused: Tensor | None) -> Tensor:
    del unused
    _, rows, columns = n.outputs
    sizes = F.Shape(n.inputs[0], out_type="int64")
    return F.FractionalAvgPoolGrad(
        sizes, dy, rows, columns, overlapping=n.attrs["overlapping"]
    )


@op(
    "FractionalMaxPoolGrad",
    infer=lambda n: with_rank(n, 0, 4),
    host=True,
    math="z = Σ of g where x = y, the window's maximum",
)
def fractional_max_pool_grad_kernel(
    xp: Arrays,
    x: Array,
    y: Array,
    dy: Array,
    rows: Array,
    columns: Array,
    *,
    overlapping: bool,
) -> Array:
    """The backward pass of FractionalMaxPool; of equal maxima the first gets all."""
    del xp
    dx, free = np.zeros(x.shape, dy.dtype), np.ones(y.shape, bool)
    for at_rows, at_columns, inside in _each(
        *_cells(x.shape, rows, columns, overlapping)
    ):
        won = inside & free & (x[:, at_rows, at_columns] == y)
        free &= ~won
        part = np.where(won, dy, dy.dtype.type(0))
        place: Any = (slice(None), at_rows, at_columns)
        np.add.at(dx, place, part)
    return dx


def _held(n: Operation) -> RawShape:
    if constant(n._inputs[0]) is None:
        return (None,) * 4
    with_rank(n, 0, 1)
    return constant_as_shape(n._inputs[0])


@op(
    "FractionalAvgPoolGrad",
    infer=_held,
    host=True,
    math="z = Σ over windows of g / (their size)",
)
def fractional_avg_pool_grad_kernel(
    xp: Arrays,
    sizes: Array,
    dy: Array,
    rows: Array,
    columns: Array,
    *,
    overlapping: bool,
) -> Array:
    """The backward pass of FractionalAvgPool."""
    del xp
    if sizes.shape != (4,):
        raise refused("original input tensor shape must be1-dimensional and 4 elements")
    dx = np.zeros(tuple(sizes), np.float64)
    over_rows, over_columns = _cells(sizes, rows, columns, overlapping)
    count = (over_rows.length[:, None] * over_columns.length)[:, :, None]
    share = dy.astype(np.float64) / count
    for at_rows, at_columns, inside in _each(over_rows, over_columns):
        place: Any = (slice(None), at_rows, at_columns)
        np.add.at(dx, place, np.where(inside, share, 0.0))
    return dx.astype(dy.dtype)
