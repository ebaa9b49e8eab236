"""Philox4x32-10 and the distributions drawn from it, number for number as TensorFlow.

A generator is a *state*: uint64 [3], the low and high half of a 128-bit counter, then
the key. It is the layout of the variable behind `tf.random.experimental.Generator`,
there read as int64. Every drawing function takes a state and returns `(values, next
state)`; nothing is changed in place. An op keeps one state per session, made by
`initial_state` from its two seed attributes, and puts the returned one in its place:
then successive runs draw what successive runs of TensorFlow 1.15's CPU kernel draw. A
stateless op draws from `stateless_state(xp, seed)` and drops the state it gets back.

`xp` is NumPy or jax.numpy (64-bit types enabled), or a namespace with their names.
A NumPy state is drawn from at once, in pieces that stay in the cache. Any other state
may be traced: shapes and dtypes are then static, the state, seeds and bounds are not.
Only `truncated_normal` needs a name that NumPy lacks, `xp.while_loop(cond, body, init)`
with jax.lax's meaning, and only for a state that is not NumPy's.

Algorithm: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.ops.random.philox_math import log_float, sincos_float

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


DEFAULT_GRAPH_SEED = 87654321
_MAXINT32 = 2**31 - 1

_MULTIPLY_0 = np.uint64(0xD2511F53)
_MULTIPLY_1 = np.uint64(0xCD9E8D57)
_ROUNDS = np.arange(10, dtype=np.uint64)
_RAISE_0 = np.uint64(0x9E3779B9) * _ROUNDS  # what the key's words gain, round by round
_RAISE_1 = np.uint64(0xBB67AE85) * _ROUNDS
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)

# TensorFlow sets aside this many blocks of the stream for every value it draws, however
# few it uses, so that a sampler with rejection has room and threads need not agree.
RESERVED = 256

_PIECE = 16384  # blocks drawn at a time on NumPy: the temporaries fit a level-2 cache
_SMALLEST = 1e-7  # what Box-Muller takes the logarithm of is not below this
_CUT = 2.0  # a truncated normal lies within this many standard deviations


def op_seeds(
    graph_seed: int | None, op_seed: int | None, last_id: int
) -> tuple[int | None, int | None]:
    """The two seeds of an op, `tf.get_seed`'s rule; (None, None): not deterministic.

    `graph_seed` is what `tf.set_random_seed` left on the graph, or None. `op_seed` is
    the op's `seed` argument. `last_id` stands in for it when only the graph is seeded:
    the number of operations made in the graph so far, counted when the seeds are
    derived, so before the random op itself but after its shape and bounds have become
    constants. When executing eagerly it is instead the next `randint(0, 2³¹ − 1)` of
    the `random.Random(seed)` that was made when the global seed was set.

    The seeds become the attributes `seed` and `seed2`, None as 0; so (0, 0), which
    would read as "no seed", becomes (0, 2³¹ − 1).
    """
    if graph_seed is None and op_seed is None:
        return None, None
    if graph_seed is None:
        graph_seed = DEFAULT_GRAPH_SEED
    elif op_seed is None:
        op_seed = last_id
    assert op_seed is not None
    seeds = graph_seed % _MAXINT32, op_seed % _MAXINT32
    return (0, _MAXINT32) if seeds == (0, 0) else seeds


def initial_state(seed: int, seed2: int) -> np.ndarray:
    """State of an op with these seed attributes; both 0: from the system's entropy."""
    words = (0, seed2, seed)
    if seed == 0 and seed2 == 0:
        words = (0, *(int.from_bytes(os.urandom(8), "little") for _ in range(2)))
    return np.array([w % 2**64 for w in words], np.uint64)


def invalid(text: str) -> errors.InvalidArgumentError:
    """The error of an argument that a kernel refuses."""
    return errors.InvalidArgumentError(None, None, text)


def shape_text(value: Array) -> str:
    """An array's shape as TensorFlow's kernels print it: [2,3]."""
    return f"[{','.join(map(str, value.shape))}]"


def namespace(xp: Arrays, state: Array) -> Arrays:
    """NumPy for a state that NumPy holds, which is drawn from at once; else `xp`."""
    return np if isinstance(state, np.ndarray) else xp


def stateless_state(xp: Arrays, seed: Array) -> Array:
    """State of a stateless op: `seed`, int32 or int64 [2], scrambled as 1.15 does."""
    if tuple(seed.shape) != (2,):
        raise invalid(f"seed must have shape [2], not {shape_text(seed)}")
    xp = namespace(xp, seed)
    wide = seed.astype(np.int64).view(np.uint64)
    scramble = xp.asarray(np.array([0x02461E293EC8F720], np.uint64))
    mixed = _block(xp.concatenate([wide, scramble]), _ZERO)
    key = _pair_bits(mixed[0], mixed[1])
    return xp.concatenate([xp.asarray(_ZERO), _pair_bits(mixed[2], mixed[3]), key])


def skip(xp: Arrays, state: Array, blocks: int) -> Array:
    """`state` moved on by `blocks` (an integer ≥ 0) blocks of 128 bits."""
    low, high = _counter(state, np.array([blocks], np.uint64))
    return xp.concatenate([low, high, state[2:3]])


_ZERO = np.zeros(1, np.uint64)


def _counter(state: Array, offset: Array) -> tuple[Array, Array]:
    """Low and high half of the state's counter plus `offset`, each uint64 [n]."""
    low = state[0:1] + offset
    return low, state[1:2] + (low < offset).astype(np.uint64)


def _block(state: Array, offset: Array) -> tuple[Array, Array, Array, Array]:
    """The four uint32 words of each block at `offset` (uint64 [n]) from the state."""
    low, high = _counter(state, offset)
    c0, c1, c2, c3 = low & _LOW, low >> _HALF, high & _LOW, high >> _HALF
    key0 = ((state[2:3] & _LOW) + _RAISE_0) & _LOW
    key1 = ((state[2:3] >> _HALF) + _RAISE_1) & _LOW
    for i in range(10):
        left, right = c0 * _MULTIPLY_0, c2 * _MULTIPLY_1
        c0 = (right >> _HALF) ^ c1 ^ key0[i : i + 1]
        c2 = (left >> _HALF) ^ c3 ^ key1[i : i + 1]
        c1, c3 = right & _LOW, left & _LOW
    u32 = np.uint32
    return c0.astype(u32), c1.astype(u32), c2.astype(u32), c3.astype(u32)


def blocks(xp: Arrays, state: Array, offset: Array) -> Array:
    """Words, uint32 [n, 4], of the blocks at `offset`, uint64 [n], from the state."""
    return xp.stack(_block(state, offset), axis=-1)


class Words:
    """The 32-bit words of a generator, in order."""

    def __init__(self, state: np.ndarray) -> None:
        self.state = state
        self.spare = np.empty(0, np.uint32)

    def take(self, count: int) -> np.ndarray:
        """The next `count` words."""
        missing = count - len(self.spare)
        if missing > 0:
            count_blocks = -(-missing // 4)
            places = np.arange(count_blocks, dtype=np.uint64)
            drawn = blocks(np, self.state, places)
            self.state = skip(np, self.state, count_blocks)
            self.spare = np.concatenate([self.spare, drawn.reshape(-1)])
        found, self.spare = self.spare[:count], self.spare[count:]
        return found

    def pairs(self, count: int) -> np.ndarray:
        """The next `count` words of 64 bits."""
        words = self.take(2 * count).astype(np.uint64).reshape(-1, 2)
        return words[:, 0] | words[:, 1] << np.uint64(32)

    def below(self, limit: int, count: int, wide: bool = False) -> np.ndarray:
        """`count` numbers in [0, limit), by rejection: none more likely than others."""
        bits, draw = (64, self.pairs) if wide else (32, self.take)
        if limit & (limit - 1) == 0:
            return draw(count).astype(np.int64) & (limit - 1)
        least = (2**bits - 1) % limit + 1
        kind = np.uint64 if wide else np.uint32
        found = np.empty(0, kind)
        while len(found) < count:
            drawn = draw(count - len(found))
            found = np.concatenate([found, drawn[drawn >= kind(least)]])
        return (found % kind(limit)).astype(np.int64)


def _pair_bits(low: Array, high: Array) -> Array:
    """One uint64 from two uint32."""
    return low.astype(np.uint64) | (high.astype(np.uint64) << _HALF)


# ---- filling an array block by block -------------------------------------------------

Columns = Sequence[Any]
Draw = Callable[
    ..., Columns
]  # the four words of blocks, uint32 [n] each -> columns [n]


def _fill(
    xp: Arrays,
    state: Array,
    shape: Sequence[int],
    dtype: np.dtype,
    draw: Draw,
) -> tuple[Array, Array]:
    """Values of `shape` from consecutive blocks, in order.

    `draw` gives a column of `dtype` for each value of a block: two of 64 bits, or four.
    """
    xp = namespace(xp, state)
    per_block = 2 if dtype.itemsize == 8 else 4
    size = math.prod(shape)
    count = -(-size // per_block)
    after = skip(xp, state, size * RESERVED)
    if isinstance(state, np.ndarray):
        table = np.empty((count, per_block), dtype)
        for start in range(0, count, _PIECE):
            stop = min(start + _PIECE, count)
            words = _block(state, np.arange(start, stop, dtype=np.uint64))
            for i, column in enumerate(draw(*words)):
                table[start:stop, i] = column
        flat = table.reshape(-1)
    else:
        words = _block(state, xp.arange(count, dtype=np.uint64))
        flat = _interleave(xp, draw(*words), dtype)
    return flat[:size].reshape(tuple(shape)), after


def _interleave(xp: Arrays, columns: Columns, dtype: np.dtype) -> Array:
    """[n] columns, one after another in each row, flat.

    Columns are joined bit by bit into as few uint64 as possible first. XLA computes
    each operand of a concatenation by itself, and all the rounds of Philox with it.
    """
    bits = 8 * dtype.itemsize
    if bits == 64:
        return xp.stack(columns, axis=-1).reshape(-1)
    each = 64 // bits
    unsigned = np.dtype(f"uint{bits}")
    wide = [c.view(unsigned).astype(np.uint64) for c in columns]
    joined = []
    for first in range(0, len(wide), each):
        word = wide[first]
        for i in range(1, each):
            word = word | (wide[first + i] << np.uint64(bits * i))
        joined.append(word)
    return xp.stack(joined, axis=-1).reshape(-1).view(dtype)


# ---- uniform -------------------------------------------------------------------------


def unit_float(x: Array) -> Array:
    """float32 in [0, 1) from uint32 words: their low 23 bits."""
    mantissa = (x & np.uint32(0x7FFFFF)).view(np.int32)
    return mantissa.astype(np.float32) * np.float32(2.0**-23)


def unit_double(x0: Array, x1: Array) -> Array:
    """float64 in [0, 1): 20 bits of the first word above all of the second."""
    bits = _pair_bits(x1, x0 & np.uint32(0xFFFFF))
    return bits.view(np.int64).astype(np.float64) * 2.0**-52


def random_uniform(
    xp: Arrays, state: Array, shape: Sequence[int], dtype: np.dtype
) -> tuple[Array, Array]:
    """Uniform in [0, 1), op `RandomUniform`: float16, bfloat16, float32 or float64."""
    dtype = np.dtype(dtype)
    return _fill(xp, state, shape, dtype, uniform_columns(dtype))


def uniform_columns(dtype: np.dtype) -> Draw:
    """The function from a block's four words to its columns of uniforms."""
    if dtype == np.float64:
        return lambda x0, x1, x2, x3: (unit_double(x0, x1), unit_double(x2, x3))
    if dtype == np.float32:
        return lambda *words: [unit_float(x) for x in words]
    bits = 10 if dtype == np.float16 else 7  # the type's stored mantissa
    mask, step = np.uint32(2**bits - 1), np.float32(2.0**-bits)
    return lambda *words: [
        ((x & mask).astype(np.float32) * step).astype(dtype) for x in words
    ]


def random_uniform_int(
    xp: Arrays,
    state: Array,
    shape: Sequence[int],
    low: Array | int,
    high: Array | int,
    dtype: np.dtype,
) -> tuple[Array, Array]:
    """Integers in [low, high), op `RandomUniformInt`: int32 or int64.

    `low` and `high` are scalars of `dtype`, in order unless the result is empty. A
    word modulo the range is slightly biased, as in TensorFlow.

    Raises:
      InvalidArgumentError: they are not.
    """
    dtype = np.dtype(dtype)
    unsigned = np.dtype(f"uint{8 * dtype.itemsize}")
    known = all(isinstance(v, int | np.integer | np.ndarray) for v in (low, high))
    if known:
        low, high = np.asarray(low, dtype), np.asarray(high, dtype)
    if math.prod(shape):
        text = "Need minval < maxval, got {} >= {}"
        xp.check(low < high, lambda: invalid(text.format(low, high)))
    xp = namespace(xp, state) if known else xp
    first = xp.asarray(low, dtype=dtype).reshape(1).view(unsigned)
    span = xp.asarray(high, dtype=dtype).reshape(1).view(unsigned) - first

    def place(bits: Array) -> Array:
        return (bits % span + first).view(dtype)

    return _full_int(xp, state, shape, dtype, place)


def random_uniform_full_int(
    xp: Arrays, state: Array, shape: Sequence[int], dtype: np.dtype
) -> tuple[Array, Array]:
    """Integers over the whole of int32, uint32, int64 or uint64."""
    dtype = np.dtype(dtype)
    return _full_int(xp, state, shape, dtype, lambda bits: bits.view(dtype))


def _full_int(
    xp: Arrays,
    state: Array,
    shape: Sequence[int],
    dtype: np.dtype,
    place: Callable[[Any], Any],
) -> tuple[Array, Array]:
    """Fill from words of the dtype's size, each sent through `place`."""

    def draw(*words: Array) -> Columns:
        if dtype.itemsize == 8:
            words = _pair_bits(*words[:2]), _pair_bits(*words[2:])
        return [place(w) for w in words]

    return _fill(xp, state, shape, dtype, draw)


# ---- normal --------------------------------------------------------------------------


def normal_floats(xp: Arrays, x0: Array, x1: Array) -> tuple[Array, Array]:
    """Two columns of float32 normals from two of words (Box-Muller)."""
    radius = xp.maximum(unit_float(x0), np.float32(_SMALLEST))
    radius = xp.sqrt(np.float32(-2) * log_float(xp, radius))
    angle = (2 * np.pi) * unit_float(x1).astype(np.float64)
    sine, cosine = sincos_float(xp, angle.astype(np.float32))
    return sine * radius, cosine * radius


def normal_doubles(
    xp: Arrays, x0: Array, x1: Array, x2: Array, x3: Array
) -> tuple[Array, Array]:
    """Two columns of float64 normals from the words of a block (Box-Muller)."""
    radius = xp.maximum(unit_double(x0, x1), _SMALLEST)
    radius = xp.sqrt(-2.0 * xp.log(radius))
    angle = (2 * np.pi) * unit_double(x2, x3)
    return xp.sin(angle) * radius, xp.cos(angle) * radius


def normal_columns(xp: Arrays, dtype: np.dtype) -> Draw:
    """The function from a block's four words to its columns of normals."""
    if dtype == np.float64:
        return lambda *words: normal_doubles(xp, *words)

    def draw(x0: Array, x1: Array, x2: Array, x3: Array) -> Columns:
        values = (*normal_floats(xp, x0, x1), *normal_floats(xp, x2, x3))
        return [v.astype(dtype) for v in values]

    return draw


def random_standard_normal(
    xp: Arrays, state: Array, shape: Sequence[int], dtype: np.dtype
) -> tuple[Array, Array]:
    """Normal, mean 0 and deviation 1, op `RandomStandardNormal`; dtypes as uniform."""
    dtype, xp = np.dtype(dtype), namespace(xp, state)
    return _fill(xp, state, shape, dtype, normal_columns(xp, dtype))


def truncated_normal(
    xp: Arrays, state: Array, shape: Sequence[int], dtype: np.dtype
) -> tuple[Array, Array]:
    """Standard normal redrawn until within (−2, 2), op `TruncatedNormal`.

    Values come in groups of a block's size. Group g reads the stream from block
    g · 256 · size / 4 on and keeps the first of its normals that lie within.
    """
    dtype, xp = np.dtype(dtype), namespace(xp, state)
    work = np.dtype(np.float64 if dtype == np.float64 else np.float32)
    group = 16 // work.itemsize
    size = math.prod(shape)
    count = -(-size // group)
    stride = np.uint64(group * RESERVED // 4)
    draw = normal_columns(xp, work)

    def candidates(groups: Array, turn: Array) -> Columns:
        return draw(*_block(state, groups * stride + turn))

    if isinstance(state, np.ndarray):
        table = np.empty((count, group), work)
        for start in range(0, count, _PIECE):
            stop = min(start + _PIECE, count)
            groups = np.arange(start, stop, dtype=np.uint64)
            _truncate_now(candidates, groups, table[start:stop])
        flat = table.reshape(-1).astype(dtype, copy=False)
    else:
        groups = xp.arange(count, dtype=np.uint64)
        kept = _truncate_traced(xp, candidates, groups, work, group)
        flat = _interleave(xp, [k.astype(dtype) for k in kept], dtype)
    after = skip(xp, state, size * RESERVED)
    return flat[:size].reshape(tuple(shape)), after


def _truncate_now(candidates: Draw, groups: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` [n, size]; only groups that still lack values are drawn again."""
    size = out.shape[1]
    for i, column in enumerate(candidates(groups, np.uint64(0))):
        out[:, i] = column
    drawn = out
    rows = np.arange(len(out))
    have = np.zeros(len(out), np.int64)
    turn = 0
    while len(rows):
        within = np.abs(drawn) < _CUT
        if turn == 0:  # most groups are complete at once, and in place
            rows = np.flatnonzero(~within.all(axis=1))
            drawn, within, have = drawn[rows], within[rows], have[rows]
        place = have[:, None] + np.cumsum(within, axis=1) - 1
        within &= place < size
        row, column = np.nonzero(within)
        out[rows[row], place[row, column]] = drawn[row, column]
        have = have + within.sum(axis=1)
        lacking = have < size
        rows, have = rows[lacking], have[lacking]
        turn += 1
        drawn = np.stack(candidates(groups[rows], np.uint64(turn)), axis=-1)


def _truncate_traced(
    xp: Arrays,
    candidates: Draw,
    groups: Array,
    dtype: np.dtype,
    size: int,
) -> Columns:
    """`size` columns of values; every group is drawn until the last one is complete."""

    def unfinished(carry: Sequence[Array]) -> Array:
        return xp.any(carry[1] < size)

    def draw_again(carry: Sequence[Array]) -> tuple[Array, ...]:
        turn, have, *kept = carry
        for column in candidates(groups, turn):
            within = xp.abs(column) < _CUT
            for i in range(size):
                kept[i] = xp.where(within & (have == i), column, kept[i])
            have = have + within.astype(np.int32)
        return (turn + np.uint64(1), have, *kept)

    empty = [xp.zeros(groups.shape, dtype) for _ in range(size)]
    have = xp.zeros(groups.shape, np.int32)
    start = (xp.asarray(np.uint64(0)), have, *empty)
    return xp.while_loop(unfinished, draw_again, start)[2:]
