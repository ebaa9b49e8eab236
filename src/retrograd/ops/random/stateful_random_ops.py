"""Random numbers whose generator is a variable: counter and key, three int64."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.ops.declare import op
from retrograd.ops.infer import from_input, nothing
from retrograd.ops.random import philox
from retrograd.ops.random.philox_binomial import binomial
from retrograd.ops.random.random_ops import _scalars, _sizes
from retrograd.ops.traits import Blocks, Traits

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


#: the one algorithm that 1.15 has on a CPU
PHILOX = 1
#: elements of a variable that it uses
_STATE_SIZE = 3
#: blocks of the generator set aside for each number, whatever the distribution needs
_BLOCKS = 256


def _shape_of(shape: Array) -> tuple[int, ...]:
    """The sizes that are asked for.

    Raises:
      InvalidArgumentError: they are of another type, or negative.
    """
    if shape.dtype.name not in ("int32", "int64"):
        raise philox.invalid("shape must be a vector of {int32,int64}.")
    return _sizes(shape)


def _checked(state: Array, first: int = 0) -> None:
    """Check that the value of a variable can be a state.

    Raises:
      InvalidArgumentError: it is no vector of int64, or too short.
    """
    if state.dtype != np.int64:
        raise philox.invalid(
            f"dtype of RNG state variable must be int64, not {state.dtype}"
        )
    if state.ndim != 1:
        raise philox.invalid(
            f"RNG state must have one and only one dimension, not {state.ndim}"
        )
    if state.shape[0] < _STATE_SIZE + first:
        raise philox.invalid(
            "For the Philox algorithm, the size of state must be at least "
            f"{_STATE_SIZE + first}; got {state.shape[0]}"
        )


def _scalar(value: Array, place: int) -> int:
    if value.shape:
        raise philox.invalid(
            f"input {place} (0-based) must have shape [], not "
            f"{philox.shape_text(value)}"
        )
    return int(value)


def _supported(algorithm: int) -> None:
    if algorithm != PHILOX:
        raise philox.invalid(f"Unsupported algorithm id: {algorithm}")


def _moved(xp: Arrays, state: Array, count: int, first: int = 0) -> tuple[Array, Array]:
    """The generator in a variable, and the value of the variable `count` numbers on."""
    end = first + _STATE_SIZE
    generator = state[first:end].astype(np.uint64)
    after = philox.skip(xp, generator, (count * _BLOCKS) % 2**64).astype(np.int64)
    return generator, xp.concatenate([state[:first], after, state[end:]])


def _start(
    xp: Arrays, state: Array, algorithm: Array, shape: Array
) -> tuple[Array, Array, tuple[int, ...]]:
    """The generator, what the variable becomes, and the shape of the numbers."""
    kind = _scalar(algorithm, 1)
    sizes = _shape_of(shape)
    _checked_kind(state, kind)
    generator, after = _moved(xp, state, _count(sizes))
    return generator, after, sizes


def _checked_kind(state: Array, algorithm: int) -> None:
    if state.dtype == np.int64 and state.ndim == 1:
        _supported(algorithm)
    _checked(state)


def _count(sizes: Sequence[int]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count


def _declare(name: str, draw: Callable[..., Any], math: str) -> None:
    """Declare an op that fills a shape."""

    def kernel(
        xp: Arrays, state: Array, algorithm: Array, shape: Array, *, dtype: np.dtype
    ) -> tuple[Array, Array]:
        generator, after, sizes = _start(xp, state, algorithm, shape)
        return after, draw(xp, generator, sizes, dtype)[0]

    kernel.__doc__ = draw.__doc__
    op(
        name,
        infer=from_input(2),
        static=("algorithm", "shape"),
        updates="resource",
        math=math,
        traits=Traits(blocks=Blocks.RANDOM),
    )(kernel)


_declare("StatefulUniform", philox.random_uniform, "y ~ U[0, 1)")
_declare("StatefulStandardNormalV2", philox.random_standard_normal, "y ~ N(0, 1)")
_declare("StatefulTruncatedNormal", philox.truncated_normal, "y ~ N(0, 1) in (−2, 2)")
_declare("StatefulUniformFullInt", philox.random_uniform_full_int, "y ~ U")


@op(
    "StatefulStandardNormal",
    infer=from_input(1),
    host=True,
    updates="resource",
    math="y ~ N(0, 1)",
    traits=Traits(blocks=Blocks.RANDOM),
)
def standard_normal_kernel(
    xp: Arrays, state: Array, shape: Array, *, dtype: np.dtype
) -> tuple[Array, Array]:
    """Normal numbers; the first element of the variable is the algorithm."""
    if state.size < 1:
        raise philox.invalid("Size of tensor must be at least 1")
    sizes = _shape_of(shape)
    _supported(int(state.reshape(-1)[0]))
    _checked(state, 1)
    generator, after = _moved(xp, state, _count(sizes), 1)
    return after, philox.random_standard_normal(xp, generator, sizes, dtype)[0]


@op(
    "StatefulUniformInt",
    infer=from_input(2),
    static=("algorithm", "shape"),
    updates="resource",
    math="y ~ U{a, …, b − 1}",
    traits=Traits(blocks=Blocks.RANDOM),
)
def uniform_int_kernel(
    xp: Arrays,
    state: Array,
    algorithm: Array,
    shape: Array,
    low: Array,
    high: Array,
    *,
    dtype: np.dtype,
) -> tuple[Array, Array]:
    """Integers from `low` on and below `high`."""
    _scalars(minval=low, maxval=high)
    generator, after, sizes = _start(xp, state, algorithm, shape)
    values, _ = philox.random_uniform_int(xp, generator, sizes, low, high, dtype)
    return after, values


@op(
    "StatefulRandomBinomial",
    infer=from_input(2),
    host=True,
    updates="resource",
    math="y ~ B(n, p)",
    traits=Traits(blocks=Blocks.RANDOM),
)
def binomial_kernel(
    xp: Arrays,
    state: Array,
    algorithm: Array,
    shape: Array,
    counts: Array,
    probs: Array,
    *,
    dtype: np.dtype,
) -> tuple[Array, Array]:
    """How many of `counts` trials succeed, each with probability `probs`."""
    if algorithm.shape:
        raise philox.invalid(
            f"algorithm must be of shape [], not {philox.shape_text(algorithm)}"
        )
    _checked_kind(state, int(algorithm))
    generator, _ = _moved(xp, state, 0)
    values, count = binomial(generator, _shape_of(shape), counts, probs, dtype)
    return _moved(xp, state, count)[1], values


@op(
    "RngSkip",
    infer=nothing,
    static=("algorithm", "delta"),
    updates="resource",
)
def skip_kernel(xp: Arrays, state: Array, algorithm: Array, delta: Array) -> Array:
    """The state after `delta` more numbers."""
    kind, count = _scalar(algorithm, 1), _scalar(delta, 2)
    _checked_kind(state, kind)
    return _moved(xp, state, count)[1]


@op(
    "NonDeterministicInts",
    infer=from_input(0),
    host=True,
    pure=False,
)
def non_deterministic_ints_kernel(
    xp: Arrays, shape: Array, *, dtype: np.dtype
) -> Array:
    """Integers from the system's source of randomness."""
    del xp
    sizes = _shape_of(shape)
    kind = np.dtype(dtype)
    if kind.name not in ("int32", "uint32", "int64", "uint64"):
        raise philox.invalid(f"Unsupported dtype: {kind.name}")
    drawn = secrets.token_bytes(_count(sizes) * kind.itemsize)
    return np.frombuffer(drawn, kind).reshape(sizes)
