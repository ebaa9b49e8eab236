"""Random numbers: TensorFlow's generators and samplers, as ops and as functions.

An operation keeps the state of its generator in the session, so that each run goes on
where the last one ended; stateless ops take it from their seed input every time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.array.fill import ones, range_, zeros_like
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import (
    broadcast,
    from_input,
    same,
    with_rank,
)
from retrograd.ops.math.reduce import reduce_all, reduce_sum
from retrograd.ops.random import philox, philox_distributions
from retrograd.ops.random.seeds import get_seed
from retrograd.ops.static import constant, constant_as_shape

# ---------------------------------------------------------------------- ops


def _start(n: Operation) -> np.ndarray:
    """The state that an operation's generator has in a new session."""
    return philox.initial_state(n.attrs["seed"], n.attrs["seed2"])


def _sizes(shape: Any) -> tuple[int, ...]:
    """A shape input as a tuple.

    Raises:
      InvalidArgumentError: it is not a vector, or a size is negative.
    """
    if shape.ndim != 1:
        raise philox.invalid(
            f"shape must be a vector of {{int32,int64}}, got shape "
            f"{philox.shape_text(shape)}"
        )
    for size in shape.tolist():
        if size < 0:
            raise philox.invalid(f"Dimension {size} must be >= 0")
    return tuple(shape.tolist())


def _sampler(
    name: str, stateless_name: str, draw: Callable[..., Any], math: str
) -> None:
    """Declare the two ops that fill a shape with floating-point numbers."""

    def kernel(xp: Any, state: Any, shape: Any, *, dtype: Any) -> Any:
        values, after = draw(xp, state, _sizes(shape), dtype)
        return after, values

    def stateless(xp: Any, shape: Any, seed: Any, *, dtype: Any) -> Any:
        state = philox.stateless_state(xp, seed)
        return draw(xp, state, _sizes(shape), dtype)[0]

    kernel.__doc__ = stateless.__doc__ = draw.__doc__
    op(
        name,
        infer=from_input(0),
        static="shape",
        state=_start,
        math=math,
        grad=NOT_DIFFERENTIABLE,
    )(kernel)
    op(
        stateless_name,
        infer=from_input(0),
        static="shape",
        math=math,
        grad=NOT_DIFFERENTIABLE,
    )(stateless)


for _row in (
    ("RandomUniform", "StatelessRandomUniform", philox.random_uniform, "y ~ U[0, 1)"),
    (
        "RandomStandardNormal",
        "StatelessRandomNormal",
        philox.random_standard_normal,
        "y ~ N(0, 1)",
    ),
    (
        "TruncatedNormal",
        "StatelessTruncatedNormal",
        philox.truncated_normal,
        "y ~ N(0, 1) within (−2, 2)",
    ),
):
    _sampler(*_row)


@op(
    "RandomUniformInt",
    infer=from_input(0),
    static="shape",
    state=_start,
    math="y ~ U{a, …, b − 1}",
    grad=NOT_DIFFERENTIABLE,
)
def random_uniform_int_kernel(
    xp: Any, state: Any, shape: Any, low: Any, high: Any, *, Tout: Any
) -> Any:
    """Integers from `low` on and below `high`."""
    _scalars(minval=low, maxval=high)
    values, after = philox.random_uniform_int(xp, state, _sizes(shape), low, high, Tout)
    return after, values


def _scalars(**bounds: Any) -> None:
    for name, value in bounds.items():
        if value.shape:
            raise philox.invalid(
                f"{name} must be 0-D, got shape {philox.shape_text(value)}"
            )


@op(
    "StatelessRandomUniformInt",
    infer=from_input(0),
    static="shape",
    math="y ~ U{a, …, b − 1}",
    grad=NOT_DIFFERENTIABLE,
)
def stateless_random_uniform_int_kernel(
    xp: Any, shape: Any, seed: Any, low: Any, high: Any, *, dtype: Any
) -> Any:
    """Integers from `low` on and below `high`."""
    _scalars(minval=low, maxval=high)
    state = philox.stateless_state(xp, seed)
    return philox.random_uniform_int(xp, state, _sizes(shape), low, high, dtype)[0]


@op("RandomShuffle", infer=same, state=_start, host=True, grad=NOT_DIFFERENTIABLE)
def random_shuffle_kernel(xp: Any, state: Any, value: Any) -> Any:
    """The rows in random order."""
    if value.ndim == 0 or value.size == 0 or value.shape[0] <= 1:
        return state, value
    order, after = philox_distributions.random_shuffle(state, value.shape[0])
    return after, value[order]


def _categories(n: Operation) -> RawShape:
    batch = with_rank(n, 0, 2)[0]
    with_rank(n, 1, 0)
    count = constant(n._inputs[1])
    return batch, None if count is None else max(int(count), 0)


@op(
    "Multinomial",
    infer=_categories,
    static="num_samples",
    state=_start,
    math="P(y = k) ∝ exp xₖ",
    grad=NOT_DIFFERENTIABLE,
)
def multinomial_kernel(
    xp: Any, state: Any, logits: Any, num_samples: Any, *, output_dtype: Any
) -> Any:
    """Categories drawn with weights exp(logits)."""
    values, after = philox_distributions.multinomial(
        xp, state, logits, int(num_samples), output_dtype
    )
    return after, values


@op(
    "StatelessMultinomial",
    infer=_categories,
    static="num_samples",
    math="P(y = k) ∝ exp xₖ",
    grad=NOT_DIFFERENTIABLE,
)
def stateless_multinomial_kernel(
    xp: Any, logits: Any, num_samples: Any, seed: Any, *, output_dtype: Any
) -> Any:
    """Categories drawn with weights exp(logits)."""
    state = philox.stateless_state(xp, seed)
    return philox_distributions.multinomial(
        xp, state, logits, int(num_samples), output_dtype
    )[0]


def _per_parameter(n: Operation) -> RawShape:
    """The shape asked for, then that of the parameters."""
    outer, inner = constant_as_shape(n._inputs[0]), n._inputs[1]._shape_raw
    return None if outer is None or inner is None else outer + inner


@op(
    "RandomGamma",
    infer=_per_parameter,
    state=_start,
    host=True,
    math="y ~ Γ(α, 1)",
)
def random_gamma_kernel(xp: Any, state: Any, shape: Any, alpha: Any) -> Any:
    """Gamma numbers of rate 1, for each element of alpha."""
    values, after = philox_distributions.random_gamma(state, _sizes(shape), alpha)
    return after, values


@gradient("RandomGamma", alpha="ᾱ = Σ ȳ · ∂y/∂α")
def random_gamma_gradient(n: Any, dy: Any) -> list[Any]:
    """Differentiates the sample implicitly: Figurnov et al., arXiv 1805.08498."""
    shape, alpha = n.inputs
    with _after(dy):
        rank = shape_of(shape)[0]
        sizes = concat([ones([rank], dtype=dtypes.int32), shape_of(alpha)], axis=0)
        slope = F.RandomGammaGrad(reshape(alpha, sizes), n.out)
        return [None, reduce_sum(dy * slope, axis=range_(rank))]


def _after(tensor: Any) -> Any:
    """A context whose operations run after `tensor`."""
    if context.executing_eagerly():
        return contextlib.nullcontext()
    return context.get_default_graph().control_dependencies([tensor])


@op("RandomGammaGrad", infer=broadcast, math="∂y/∂α of y ~ Γ(α, 1)")
def random_gamma_grad_kernel(xp: Any, alpha: Any, sample: Any) -> Any:
    """The derivative of a gamma number with respect to alpha."""
    return xp.random_gamma_grad(alpha, sample)


def _poisson(xp: Any, state: Any, shape: Any, rate: Any, *, dtype: Any) -> Any:
    """Poisson counts, for each element of the rate."""
    values, after = philox_distributions.random_poisson(
        state, _sizes(shape), rate, dtype
    )
    return after, values


for _name in ("RandomPoisson", "RandomPoissonV2"):
    op(
        _name,
        infer=_per_parameter,
        state=_start,
        host=True,
        math="y ~ Poisson(λ)",
        grad=NOT_DIFFERENTIABLE,
    )(_poisson)


@op(
    "ParameterizedTruncatedNormal",
    infer=from_input(0),
    state=_start,
    host=True,
    math="y ~ N(μ, σ²) within [a, b]",
    grad=NOT_DIFFERENTIABLE,
)
def parameterized_truncated_normal_kernel(
    xp: Any,
    state: Any,
    shape: Any,
    means: Any,
    stdevs: Any,
    minvals: Any,
    maxvals: Any,
) -> Any:
    """Normal numbers within bounds."""
    values, after = philox_distributions.parameterized_truncated_normal(
        state, _sizes(shape), means, stdevs, minvals, maxvals
    )
    return after, values


# ---------------------------------------------------------------------- functions


def shape_tensor(shape: Any) -> Tensor:
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
    arguments: tuple[Any, Any, Any],
    dtype: Any,
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
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
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
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Normal numbers, drawn again where they are two deviations or more from the mean.

    Arguments as for `random_normal`.
    """
    arguments = (shape, mean, stddev)
    return _scaled("TruncatedNormal", name, "truncated_normal", arguments, dtype, seed)


def parameterized_truncated_normal(
    shape: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    dtype: Any = dtypes.float32,
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


def _uniform_bound(maxval: Any, dtype: dtypes.DType) -> Any:
    if dtype not in _UNIFORM:
        raise ValueError(f"Invalid dtype {dtype!r}")
    if maxval is not None:
        return maxval
    if dtype.is_integer:
        raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
    return 1


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
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
    value: Any, seed: int | None = None, name: str | None = None
) -> Tensor:
    """The rows of a tensor in random order; columns stay together."""
    seed1, seed2 = get_seed(seed)
    return F.RandomShuffle(value, seed=seed1, seed2=seed2, name=name)


def random_crop(
    value: Any, size: Any, seed: int | None = None, name: str | None = None
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


def _categorical(logits: Any, num_samples: Any, dtype: Any, seed: Any) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    seed1, seed2 = get_seed(seed)
    return F.Multinomial(
        logits, num_samples, seed=seed1, seed2=seed2, output_dtype=dtype
    )


def multinomial(
    logits: Any,
    num_samples: Any,
    seed: int | None = None,
    name: str | None = None,
    output_dtype: Any = None,
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
    logits: Any,
    num_samples: Any,
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Categories drawn with weights exp(logits). See `multinomial`."""
    with dispatch.name_scope(name, "categorical", [logits]):
        return _categorical(logits, num_samples, dtype, seed)


def random_gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
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
    lam: Any,
    shape: Any,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Poisson counts of rate `lam`: shape `shape` + that of `lam`."""
    return random_poisson_v2(shape, lam, dtype, seed, name)


def random_poisson_v2(
    shape: Any,
    lam: Any,
    dtype: Any = dtypes.float32,
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
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
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
    arguments: tuple[Any, Any, Any, Any],
    dtype: Any,
) -> Tensor:
    shape, seed, mean, stddev = arguments
    with dispatch.name_scope(name, default, list(arguments)) as scope:
        sizes = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, "mean")
        stddev = convert_to_tensor(stddev, dtype, "stddev")
        drawn = getattr(F, op_type)(sizes, seed, dtype=dtype)
        return F.Add(drawn * stddev, mean, name=scope)


def stateless_random_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """As `random_normal`; `seed`, two integers, decides the numbers alone."""
    arguments = (shape, seed, mean, stddev)
    return _stateless_scaled(
        "StatelessRandomNormal", name, "stateless_random_normal", arguments, dtype
    )


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """As `truncated_normal`; `seed`, two integers, decides the numbers alone."""
    arguments = (shape, seed, mean, stddev)
    return _stateless_scaled(
        "StatelessTruncatedNormal", name, "stateless_truncated_normal", arguments, dtype
    )


def stateless_multinomial(
    logits: Any,
    num_samples: Any,
    seed: Any,
    output_dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """As `multinomial`; `seed`, two integers, decides the numbers alone."""
    with dispatch.name_scope(name, "stateless_multinomial", [logits, seed]):
        logits = convert_to_tensor(logits, name="logits")
        return F.StatelessMultinomial(
            logits, num_samples, seed, output_dtype=output_dtype
        )


def stateless_categorical(
    logits: Any,
    num_samples: Any,
    seed: Any,
    dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """As `categorical`; `seed`, two integers, decides the numbers alone."""
    with dispatch.name_scope(name, "stateless_categorical", [logits, seed]):
        logits = convert_to_tensor(logits, name="logits")
        return F.StatelessMultinomial(logits, num_samples, seed, output_dtype=dtype)
