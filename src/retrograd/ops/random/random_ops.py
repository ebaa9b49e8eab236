"""Ops: random numbers: TensorFlow's generators and samplers, as ops and as functions.

An operation keeps the state of its generator in the session, so that each run goes on
where the last one ended; stateless ops take it from their seed input every time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.array.fill import ones, range_
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import reshape
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import (
    broadcast,
    from_input,
    like,
    size_input,
    with_rank,
)
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.random import philox, philox_distributions
from retrograd.ops.static import constant_as_shape
from retrograd.ops.traits import NONE, Blocks, Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _start(n: Operation) -> np.ndarray:
    """The state that an operation's generator has in a new session."""
    return philox.initial_state(n.attrs["seed"], n.attrs["seed2"])


def _sizes(shape: Array) -> tuple[int, ...]:
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
    name: str,
    stateless_name: str,
    draw: Callable[..., Any],
    math: str,
    traits: Traits = NONE,
) -> None:
    """Declare the two ops that fill a shape with floating-point numbers."""

    def kernel(
        xp: Arrays, state: Array, shape: Array, *, dtype: np.dtype
    ) -> tuple[Array, ...]:
        values, after = draw(xp, state, _sizes(shape), dtype)
        return after, values

    def stateless(xp: Arrays, shape: Array, seed: Array, *, dtype: np.dtype) -> Array:
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
        traits=traits,
    )(kernel)
    op(
        stateless_name,
        infer=from_input(0),
        static="shape",
        math=math,
        grad=NOT_DIFFERENTIABLE,
    )(stateless)


_sampler(
    "RandomUniform", "StatelessRandomUniform", philox.random_uniform, "y ~ U[0, 1)"
)
_sampler(
    "RandomStandardNormal",
    "StatelessRandomNormal",
    philox.random_standard_normal,
    "y ~ N(0, 1)",
)
_sampler(
    "TruncatedNormal",
    "StatelessTruncatedNormal",
    philox.truncated_normal,
    "y ~ N(0, 1) within (−2, 2)",
    Traits(beside_variables=True),
)


@op(
    "RandomUniformInt",
    infer=from_input(0),
    static="shape",
    state=_start,
    math="y ~ U{a, …, b − 1}",
)
def random_uniform_int_kernel(
    xp: Arrays, state: Array, shape: Array, low: Array, high: Array, *, Tout: np.dtype
) -> tuple[Array, ...]:
    """Integers from `low` on and below `high`."""
    _scalars(minval=low, maxval=high)
    values, after = philox.random_uniform_int(xp, state, _sizes(shape), low, high, Tout)
    return after, values


def _scalars(**bounds: Array) -> None:
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
    xp: Arrays, shape: Array, seed: Array, low: Array, high: Array, *, dtype: np.dtype
) -> Array:
    """Integers from `low` on and below `high`."""
    _scalars(minval=low, maxval=high)
    state = philox.stateless_state(xp, seed)
    return philox.random_uniform_int(xp, state, _sizes(shape), low, high, dtype)[0]


@op(
    "RandomShuffle",
    infer=like(0),
    state=_start,
    host=True,
    traits=Traits(passes=Passes.MOVED),
)
def random_shuffle_kernel(xp: Arrays, state: Array, value: Array) -> tuple[Array, ...]:
    """The rows in random order."""
    if value.ndim == 0 or value.size == 0 or value.shape[0] <= 1:
        return state, value
    order, after = philox_distributions.random_shuffle(state, value.shape[0])
    return after, value[order]


def _categories(n: Operation) -> RawShape:
    return with_rank(n, 0, 2)[0], size_input(n, 1)


@op(
    "Multinomial",
    infer=_categories,
    static="num_samples",
    state=_start,
    math="P(y = k) ∝ exp xₖ",
    grad=NOT_DIFFERENTIABLE,
)
def multinomial_kernel(
    xp: Arrays,
    state: Array,
    logits: Array,
    num_samples: Array,
    *,
    output_dtype: np.dtype,
) -> tuple[Array, ...]:
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
    traits=Traits(blocks=Blocks.RANDOM),
)
def stateless_multinomial_kernel(
    xp: Arrays,
    logits: Array,
    num_samples: Array,
    seed: Array,
    *,
    output_dtype: np.dtype,
) -> Array:
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
def random_gamma_kernel(
    xp: Arrays, state: Array, shape: Array, alpha: Array
) -> tuple[Array, ...]:
    """Gamma numbers of rate 1, for each element of alpha."""
    values, after = philox_distributions.random_gamma(state, _sizes(shape), alpha)
    return after, values


@gradient("RandomGamma", alpha="ᾱ = Σ ȳ · ∂y/∂α")
def random_gamma_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Differentiates the sample implicitly: Figurnov et al., arXiv 1805.08498."""
    shape, alpha = n.inputs
    with _after(dy):
        rank = shape_of(shape)[0]
        sizes = concat([ones([rank], dtype=dtypes.int32), shape_of(alpha)], axis=0)
        slope = F.RandomGammaGrad(reshape(alpha, sizes), n.out)
        return [None, reduce_sum(dy * slope, axis=range_(rank))]


def _after(tensor: Tensor) -> contextlib.AbstractContextManager[Any]:
    """A context whose operations run after `tensor`."""
    if context.executing_eagerly():
        return contextlib.nullcontext()
    return context.get_default_graph().control_dependencies([tensor])


@op("RandomGammaGrad", infer=broadcast, math="∂y/∂α of y ~ Γ(α, 1)")
def random_gamma_grad_kernel(xp: Arrays, alpha: Array, sample: Array) -> Array:
    """The derivative of a gamma number with respect to alpha."""
    return xp.random_gamma_grad(alpha, sample)


def _poisson(
    xp: Arrays, state: Array, shape: Array, rate: Array, *, dtype: np.dtype
) -> tuple[Array, ...]:
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
    xp: Arrays,
    state: Array,
    shape: Array,
    means: Array,
    stdevs: Array,
    minvals: Array,
    maxvals: Array,
) -> tuple[Array, ...]:
    """Normal numbers within bounds."""
    values, after = philox_distributions.parameterized_truncated_normal(
        state, _sizes(shape), means, stdevs, minvals, maxvals
    )
    return after, values
