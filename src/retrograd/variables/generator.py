"""`tf.random.experimental`: generators of random numbers that keep their own state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import reshape
from retrograd.ops.declare import F
from retrograd.util.tracking import AutoTrackable
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.typing import Array, DTypeLike, DynamicShape, TensorLike

RNG_ALG_PHILOX = 1
RNG_ALG_THREEFRY = 2
DEFAULT_ALGORITHM = RNG_ALG_PHILOX
PHILOX_STATE_SIZE = 3
THREEFRY_STATE_SIZE = 2
SEED_TYPE = STATE_TYPE = ALGORITHM_TYPE = "int64"
SEED_SIZE = 16
MAX_INT64, MIN_INT64, UINT64_SPAN = 2**63 - 1, -(2**63), 2**64
SEED_MIN, SEED_MAX, SEED_UINT_SPAN = MIN_INT64, MAX_INT64, UINT64_SPAN
SEED_TYPE_BITS, SEED_BIT_MASK = 64, UINT64_SPAN - 1


def non_deterministic_ints(
    shape: DynamicShape, dtype: DTypeLike = dtypes.int64
) -> Tensor:
    """Integers from the system's source of randomness, others in each run."""
    return F.NonDeterministicInts(shape, dtype=dtype)


def _uint_to_int(n: Any) -> Any:
    """The int64 with the bits of a uint64."""
    return n - UINT64_SPAN if n > MAX_INT64 else n


def _get_state_size(alg: int) -> int:
    """How many int64 an algorithm needs.

    Raises:
      ValueError: there is no such algorithm.
    """
    if alg == RNG_ALG_PHILOX:
        return PHILOX_STATE_SIZE
    if alg == RNG_ALG_THREEFRY:
        return THREEFRY_STATE_SIZE
    raise _unsupported(alg)


def _unsupported(alg: object) -> ValueError:
    return ValueError(f"Unsupported algorithm id: {alg}")


def create_rng_state(seed: int | Sequence[int] | Array, algorithm: int) -> np.ndarray:
    """A state made of a seed: its low words, or zeros before it.

    Args:
      seed: an integer of any size, or a vector of integers.
      algorithm: the number of an algorithm.

    Returns:
      int64 [2] or [3].

    Raises:
      ValueError: `seed` has more than one axis, or there is no such algorithm.
    """
    size = _get_state_size(algorithm)
    if isinstance(seed, int):
        seed = [seed >> 64 * i & SEED_BIT_MASK for i in range(size)]
    words = np.asarray(list(map(_uint_to_int, seed)), np.int64)
    if words.ndim != 1:
        raise ValueError(
            f"seed should only have one dimension; got shape: {words.shape}"
        )
    words = words[:size]
    # zeros come first, where the counter is: seeds are to differ in the key
    return np.pad(words, (size - len(words), 0))


def _shape_tensor(shape: DynamicShape) -> Tensor:
    empty = isinstance(shape, (tuple, list)) and not shape
    return convert_to_tensor(shape, dtypes.int64 if empty else None, "shape")


def _state_tensor(value: TensorLike) -> Tensor:
    if isinstance(value, list):
        value = list(map(_uint_to_int, value))
    return convert_to_tensor(value, dtypes.int64)


class Generator(AutoTrackable):
    """A generator of random numbers; its state is a variable.

    Args:
      copy_from: another one, whose state and algorithm it begins with.
      state: the state it begins with, int64 [3] for Philox: counter and key.
      alg: the algorithm: RNG_ALG_PHILOX.
    """

    def __init__(
        self,
        copy_from: Generator | None = None,
        state: TensorLike | None = None,
        alg: int | None = None,
    ) -> None:
        if copy_from is not None:
            assert (alg or state) is None
            value, alg = copy_from.state, copy_from.algorithm
        else:
            assert alg is not None and state is not None
            value = _state_tensor(state)
            value.shape.assert_is_compatible_with([_get_state_size(alg)])
        self._state_var = Variable(value, dtype=dtypes.int64, trainable=False)
        self._alg_var = alg

    @classmethod
    def from_state(cls, state: TensorLike, alg: int) -> Generator:
        """A generator that begins with a state."""
        return cls(alg=alg, state=state)

    @classmethod
    def from_seed(
        cls, seed: int | Sequence[int] | Array, alg: int | None = None
    ) -> Generator:
        """A generator for a seed: an integer of any size, or several."""
        alg = DEFAULT_ALGORITHM if alg is None else alg
        return cls(state=create_rng_state(seed, alg), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: int | None = None) -> Generator:
        """A generator that begins anywhere."""
        alg = DEFAULT_ALGORITHM if alg is None else alg
        return cls(state=non_deterministic_ints([_get_state_size(alg)]), alg=alg)

    @classmethod
    def from_key_counter(
        cls, key: TensorLike, counter: TensorLike, alg: int
    ) -> Generator:
        """A generator that begins with a key (a scalar) and a counter (a vector)."""
        return cls(state=_joined(key, counter, alg), alg=alg)

    def reset(self, state: TensorLike) -> None:
        """Begin with another state."""
        value = _state_tensor(state)
        value.shape.assert_is_compatible_with([_get_state_size(self.algorithm)])
        self._state_var.assign(value)

    def reset_from_seed(self, seed: int | Sequence[int] | Array) -> None:
        """Begin with another seed."""
        self._state_var.assign(create_rng_state(seed, self.algorithm))

    def reset_from_key_counter(self, key: TensorLike, counter: TensorLike) -> None:
        """Begin with another key and counter."""
        self._state_var.assign(_joined(key, counter, self.algorithm))

    @property
    def state(self) -> Any:
        """The variable that holds the state."""
        return self._state_var

    @property
    def algorithm(self) -> Any:
        """The number of the algorithm."""
        return self._alg_var

    @property
    def key(self) -> Tensor:
        """The key: generators with different keys give independent numbers."""
        self._counter_based()
        return self._state_var[-1]

    def _counter_based(self) -> None:
        if self.algorithm not in (RNG_ALG_PHILOX, RNG_ALG_THREEFRY):
            raise _unsupported(self.algorithm)

    def skip(self, delta: TensorLike) -> None:
        """Move on as if `delta` numbers had been drawn."""
        F.RngSkip(self.state.handle, self.algorithm, delta)

    def _drawn(
        self,
        op_type: str,
        shape: DynamicShape,
        *bounds: TensorLike,
        name: str | None = None,
        **attrs: Any,
    ) -> Tensor:
        return getattr(F, op_type)(
            self.state.handle, self.algorithm, shape, *bounds, name=name, **attrs
        )

    def _scaled(
        self,
        op_type: str,
        scope: str,
        name: str | None,
        given: tuple[DynamicShape, TensorLike, TensorLike],
        dtype: DTypeLike,
    ) -> Tensor:
        """Standard numbers times a deviation, plus a mean."""
        shape, mean, stddev = given
        with dispatch.name_scope(name, scope, list(given)) as inner:
            sizes = _shape_tensor(shape)
            mean = convert_to_tensor(mean, dtype, "mean")
            stddev = convert_to_tensor(stddev, dtype, "stddev")
            drawn = self._drawn(op_type, sizes, dtype=dtype)
            return F.Add(drawn * stddev, mean, name=inner)

    def normal(
        self,
        shape: DynamicShape,
        mean: TensorLike = 0.0,
        stddev: TensorLike = 1.0,
        dtype: DTypeLike = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:
        """Normal numbers of a mean and a standard deviation (scalars)."""
        given = (shape, mean, stddev)
        op_type = "StatefulStandardNormalV2"
        return self._scaled(op_type, "stateful_normal", name, given, dtype)

    def truncated_normal(
        self,
        shape: DynamicShape,
        mean: TensorLike = 0.0,
        stddev: TensorLike = 1.0,
        dtype: DTypeLike = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:
        """Normal numbers, drawn again where two deviations or more from the mean."""
        given = (shape, mean, stddev)
        op_type = "StatefulTruncatedNormal"
        return self._scaled(op_type, "truncated_normal", name, given, dtype)

    def uniform(
        self,
        shape: DynamicShape,
        minval: TensorLike = 0,
        maxval: TensorLike | None = None,
        dtype: DTypeLike = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:
        """Uniform numbers in [minval, maxval), whole ones for an integer dtype.

        Raises:
          ValueError: `maxval` is not given, for integers.
        """
        dtype = dtypes.as_dtype(dtype)
        if maxval is None:
            if dtype.is_integer:
                raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
            maxval = 1
        with dispatch.name_scope(
            name, "stateful_uniform", [shape, minval, maxval]
        ) as scope:
            sizes = _shape_tensor(shape)
            low = convert_to_tensor(minval, dtype, "min")
            high = convert_to_tensor(maxval, dtype, "max")
            if dtype.is_integer:
                return self._drawn("StatefulUniformInt", sizes, low, high, name=scope)
            drawn = self._drawn("StatefulUniform", sizes, dtype=dtype)
            return F.Add(drawn * (high - low), low, name=scope)

    def uniform_full_int(
        self,
        shape: DynamicShape,
        dtype: DTypeLike = dtypes.uint64,
        name: str | None = None,
    ) -> Tensor:
        """Integers over the whole of their type."""
        dtype = dtypes.as_dtype(dtype)
        with dispatch.name_scope(name, "stateful_uniform_full_int", [shape]) as scope:
            sizes = _shape_tensor(shape)
            return self._drawn("StatefulUniformFullInt", sizes, dtype=dtype, name=scope)

    def binomial(
        self,
        shape: DynamicShape,
        counts: TensorLike,
        probs: TensorLike,
        dtype: DTypeLike = dtypes.int32,
        name: str | None = None,
    ) -> Tensor:
        """How many of `counts` trials succeed, each with probability `probs`.

        Args:
          shape: the shape of the result.
          counts, probs: scalars, or vectors with one for each row of the result.
          dtype: the type of the result.
          name: the name of the operation.
        """
        dtype = dtypes.as_dtype(dtype)
        with dispatch.name_scope(name, "binomial", [shape, counts, probs]) as scope:
            counts = convert_to_tensor(counts, name="counts")
            probs = convert_to_tensor(probs, name="probs")
            sizes = _shape_tensor(shape)
            return self._drawn(
                "StatefulRandomBinomial", sizes, counts, probs, dtype=dtype, name=scope
            )

    def _make_int64_keys(self, shape: DynamicShape = ()) -> Tensor:
        return self.uniform_full_int(shape=shape, dtype=dtypes.int64)

    def make_seeds(self, count: int = 1) -> Tensor:
        """Seeds for stateless random ops, int64 [2, count]."""
        self._counter_based()
        keys = self._make_int64_keys(shape=[count])
        return stack([keys, zeros_like(keys)])

    def split(self, count: int = 1) -> list[Generator]:
        """`count` generators independent of each other and of this one."""
        self._counter_based()
        keys = self._make_int64_keys(shape=[count])
        zeros = [0] * (_get_state_size(self.algorithm) - 1)
        return [
            Generator(state=[*zeros, key], alg=self.algorithm)
            for key in keys.numpy()  # pyright: ignore[reportAttributeAccessIssue]
        ]


def _joined(key: TensorLike, counter: TensorLike, alg: int) -> Tensor:
    counter, key = _state_tensor(counter), _state_tensor(key)
    counter.shape.assert_is_compatible_with([_get_state_size(alg) - 1])
    key.shape.assert_is_compatible_with([])
    return concat([counter, reshape(key, [1])], 0)


class _Global:
    """The generator of the program."""

    generator: Generator | None = None


def get_global_generator() -> Generator:
    """The generator of the program, made when first asked for."""
    if _Global.generator is None:
        _Global.generator = Generator.from_non_deterministic_state()
    return _Global.generator


def set_global_generator(generator: Generator) -> None:
    """Replace the generator of the program."""
    _Global.generator = generator
