"""Random numbers: TensorFlow's generators and samplers, as ops and as functions.

An operation keeps the state of its generator in the session, so that each run goes on
where the last one ended; stateless ops take it from their seed input every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import F
from retrograd.ops.math.reduce import reduce_all
from retrograd.ops.random.seeds import get_seed

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


# ---------------------------------------------------------------------- functions


def shape_tensor(shape: TensorLike) -> Tensor:
    """A shape argument as a tensor: an empty list has int32 elements."""
    dtype = None
    if isinstance(shape, (tuple, list)):
        if not shape:
            dtype = dtypes.int32
        else:
            shape = tuple(map(shapes.dimension_value, shape))
    return convert_to_tensor(shape, dtype, "shape")


def _scaled(
    op_type: str,
    name: str | None,
    default: str,
    arguments: tuple[TensorLike, TensorLike, TensorLike],
    dtype: DTypeLike,
    seed: int | None,
) -> Tensor:
    """Standard numbers times a deviation, plus a mean."""
    shape, mean, stddev = arguments
    with dispatch.name_scope(name, default, [shape, mean, stddev]) as scope:
        sizes = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, "mean")
        stddev = convert_to_tensor(stddev, dtype, "stddev")
        seed1, seed2 = get_seed(seed)
        drawn = getattr(F, op_type)(sizes, dtype=dtype, seed=seed1, seed2=seed2)
        return F.Add(drawn * stddev, mean, name=scope)


def random_normal(
    shape: TensorLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Normal numbers.

    Args:
      shape: the shape of the result, a list or an integer vector.
      mean, stddev: their mean and standard deviation, broadcast to the shape.
      dtype: a floating-point type.
      seed: the seed of the operation (see `set_random_seed`).
      name: the name of the operations.
    """
    arguments = (shape, mean, stddev)
    return _scaled(
        "RandomStandardNormal", name, "random_normal", arguments, dtype, seed
    )


def truncated_normal(
    shape: TensorLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Normal numbers, drawn again where they are two deviations or more from the mean.

    Arguments as for `random_normal`.
    """
    arguments = (shape, mean, stddev)
    return _scaled("TruncatedNormal", name, "truncated_normal", arguments, dtype, seed)


def parameterized_truncated_normal(
    shape: TensorLike,
    means: TensorLike = 0.0,
    stddevs: TensorLike = 1.0,
    minvals: TensorLike = -2.0,
    maxvals: TensorLike = 2.0,
    dtype: DTypeLike = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Normal numbers within bounds; parameters may differ along the first axis."""
    values = [shape, means, stddevs, minvals, maxvals]
    with dispatch.name_scope(name, "parameterized_truncated_normal", values):
        sizes = shape_tensor(shape)
        names = ("means", "stddevs", "minvals", "maxvals")
        parameters = [
            convert_to_tensor(v, dtype, n)
            for v, n in zip(values[1:], names, strict=True)
        ]
        seed1, seed2 = get_seed(seed)
        return F.ParameterizedTruncatedNormal(
            sizes, *parameters, seed=seed1, seed2=seed2
        )


_UNIFORM = (
    dtypes.float16,
    dtypes.bfloat16,
    dtypes.float32,
    dtypes.float64,
    dtypes.int32,
    dtypes.int64,
)


def _uniform_bound(maxval: TensorLike | None, dtype: dtypes.DType) -> TensorLike:
    if dtype not in _UNIFORM:
        raise ValueError(f"Invalid dtype {dtype!r}")
    if maxval is not None:
        return maxval
    if dtype.is_integer:
        raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
    return 1


def random_uniform(
    shape: TensorLike,
    minval: TensorLike = 0,
    maxval: TensorLike | None = None,
    dtype: DTypeLike = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Uniform numbers in [minval, maxval), whole ones for an integer dtype.

    Args:
      shape: the shape of the result, a list or an integer vector.
      minval: the lowest value.
      maxval: what all values are below, by default 1 for floating point.
      dtype: float16, bfloat16, float32, float64, int32 or int64.
      seed: the seed of the operation (see `set_random_seed`).
      name: the name of the operations.

    Raises:
      ValueError: another dtype, or an integer one without `maxval`.
    """
    dtype = dtypes.as_dtype(dtype)
    maxval = _uniform_bound(maxval, dtype)
    with dispatch.name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        sizes = shape_tensor(shape)
        minval = convert_to_tensor(minval, dtype, "min")
        maxval = convert_to_tensor(maxval, dtype, "max")
        seed1, seed2 = get_seed(seed)
        if dtype.is_integer:
            return F.RandomUniformInt(
                sizes, minval, maxval, seed=seed1, seed2=seed2, name=scope
            )
        drawn = F.RandomUniform(sizes, dtype=dtype, seed=seed1, seed2=seed2)
        return F.Add(drawn * (maxval - minval), minval, name=scope)


def random_shuffle(
    value: TensorLike, seed: int | None = None, name: str | None = None
) -> Tensor:
    """The rows of a tensor in random order; columns stay together."""
    seed1, seed2 = get_seed(seed)
    return F.RandomShuffle(value, seed=seed1, seed2=seed2, name=name)


def random_crop(
    value: TensorLike,
    size: TensorLike,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """A part of `value` of the given size, at a random place.

    Args:
      value: a tensor.
      size: int32 [rank], not larger than its shape.
      seed: the seed of the operation (see `set_random_seed`).
      name: the name of the operations.
    """
    from retrograd.ops.array.slicing import slice_
    from retrograd.ops.flow.control import with_dependencies
    from retrograd.ops.host.printing import Assert

    with dispatch.name_scope(name, "random_crop", [value, size]) as scope:
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, dtypes.int32, "size")
        whole: Any = shape_of(value)
        check = Assert(
            reduce_all(whole >= size),
            ["Need value.shape >= size, got ", whole, size],
            summarize=1000,
        )
        whole = with_dependencies([check], whole)
        limit = whole - size + 1
        drawn = random_uniform(
            shape_of(whole), dtype=size.dtype, maxval=size.dtype.max, seed=seed
        )
        return slice_(value, drawn % limit, size, name=scope)


def _categorical(
    logits: TensorLike,
    num_samples: TensorLike,
    dtype: DTypeLike | None,
    seed: int | None,
) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    seed1, seed2 = get_seed(seed)
    return F.Multinomial(
        logits, num_samples, seed=seed1, seed2=seed2, output_dtype=dtype
    )


def multinomial(
    logits: TensorLike,
    num_samples: TensorLike,
    seed: int | None = None,
    name: str | None = None,
    output_dtype: DTypeLike | None = None,
) -> Tensor:
    """Categories drawn with weights exp(logits).

    Args:
      logits: floating point, [batch, classes].
      num_samples: how many to draw for each row, an integer scalar.
      seed: the seed of the operation (see `set_random_seed`).
      name: the name scope of the operations.
      output_dtype: int32 or int64, the default.

    Returns:
      Integers in [0, classes), [batch, num_samples].
    """
    with dispatch.name_scope(name, "multinomial", [logits]):
        return _categorical(logits, num_samples, output_dtype, seed)


def categorical(
    logits: TensorLike,
    num_samples: TensorLike,
    dtype: DTypeLike | None = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Categories drawn with weights exp(logits). See `multinomial`."""
    with dispatch.name_scope(name, "categorical", [logits]):
        return _categorical(logits, num_samples, dtype, seed)


def random_gamma(
    shape: TensorLike,
    alpha: TensorLike,
    beta: TensorLike | None = None,
    dtype: DTypeLike = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Gamma numbers, differentiable with respect to alpha and beta.

    Args:
      shape: how many to draw for each pair of parameters.
      alpha: the shape parameter.
      beta: the rate, by default 1; the two are broadcast.
      dtype: float16, float32 or float64.
      seed: the seed of the operation (see `set_random_seed`).
      name: the name scope of the operations.

    Returns:
      Shape `shape` + that of alpha + beta.
    """
    with dispatch.name_scope(name, "random_gamma", [shape, alpha, beta]):
        sizes = convert_to_tensor(shape, dtypes.int32, "shape")
        alpha = convert_to_tensor(alpha, dtype, "alpha")
        beta = convert_to_tensor(1 if beta is None else beta, dtype, "beta")
        spread = alpha + zeros_like(beta)
        seed1, seed2 = get_seed(seed)
        drawn = F.RandomGamma(sizes, spread, seed=seed1, seed2=seed2) / beta
        tiny = np.finfo(alpha.dtype.as_numpy_dtype).tiny
        return F.Maximum(tiny, drawn)


def random_poisson(
    lam: TensorLike,
    shape: TensorLike,
    dtype: DTypeLike = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Poisson counts of rate `lam`: shape `shape` + that of `lam`."""
    return random_poisson_v2(shape, lam, dtype, seed, name)


def random_poisson_v2(
    shape: TensorLike,
    lam: TensorLike,
    dtype: DTypeLike = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Poisson counts of rate `lam`: shape `shape` + that of `lam`."""
    with dispatch.name_scope(name, "random_poisson", [lam, shape]):
        sizes = convert_to_tensor(shape, dtypes.int32, "shape")
        seed1, seed2 = get_seed(seed)
        return F.RandomPoissonV2(sizes, lam, dtype=dtype, seed=seed1, seed2=seed2)


# ---------------------------------------------------------------------- stateless


def stateless_random_uniform(
    shape: TensorLike,
    seed: TensorLike,
    minval: TensorLike = 0,
    maxval: TensorLike | None = None,
    dtype: DTypeLike = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """As `random_uniform`; `seed`, two integers, decides the numbers alone."""
    dtype = dtypes.as_dtype(dtype)
    maxval = _uniform_bound(maxval, dtype)
    values = [shape, seed, minval, maxval]
    with dispatch.name_scope(name, "stateless_random_uniform", values) as scope:
        sizes = shape_tensor(shape)
        minval = convert_to_tensor(minval, dtype, "min")
        maxval = convert_to_tensor(maxval, dtype, "max")
        if dtype.is_integer:
            return F.StatelessRandomUniformInt(sizes, seed, minval, maxval, name=scope)
        drawn = F.StatelessRandomUniform(sizes, seed, dtype=dtype)
        return F.Add(drawn * (maxval - minval), minval, name=scope)


def _stateless_scaled(
    op_type: str,
    name: str | None,
    default: str,
    arguments: tuple[TensorLike, TensorLike, TensorLike, TensorLike],
    dtype: DTypeLike,
) -> Tensor:
    shape, seed, mean, stddev = arguments
    with dispatch.name_scope(name, default, list(arguments)) as scope:
        sizes = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, "mean")
        stddev = convert_to_tensor(stddev, dtype, "stddev")
        drawn = getattr(F, op_type)(sizes, seed, dtype=dtype)
        return F.Add(drawn * stddev, mean, name=scope)


def stateless_random_normal(
    shape: TensorLike,
    seed: TensorLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """As `random_normal`; `seed`, two integers, decides the numbers alone."""
    arguments = (shape, seed, mean, stddev)
    return _stateless_scaled(
        "StatelessRandomNormal", name, "stateless_random_normal", arguments, dtype
    )


def stateless_truncated_normal(
    shape: TensorLike,
    seed: TensorLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """As `truncated_normal`; `seed`, two integers, decides the numbers alone."""
    arguments = (shape, seed, mean, stddev)
    return _stateless_scaled(
        "StatelessTruncatedNormal", name, "stateless_truncated_normal", arguments, dtype
    )


def stateless_multinomial(
    logits: TensorLike,
    num_samples: TensorLike,
    seed: TensorLike,
    output_dtype: DTypeLike = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """As `multinomial`; `seed`, two integers, decides the numbers alone."""
    with dispatch.name_scope(name, "stateless_multinomial", [logits, seed]):
        logits = convert_to_tensor(logits, name="logits")
        return F.StatelessMultinomial(
            logits, num_samples, seed, output_dtype=output_dtype
        )


def stateless_categorical(
    logits: TensorLike,
    num_samples: TensorLike,
    seed: TensorLike,
    dtype: DTypeLike = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """As `categorical`; `seed`, two integers, decides the numbers alone."""
    with dispatch.name_scope(name, "stateless_categorical", [logits, seed]):
        logits = convert_to_tensor(logits, name="logits")
        return F.StatelessMultinomial(logits, num_samples, seed, output_dtype=dtype)
