"""Ops: activation functions, each with its backward op."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import merged, same
from retrograd.ops.traits import Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import RawShape, Tensor
    from retrograd.typing import Array, Arrays


# Klambauer et al., Self-Normalizing Neural Networks (2017), with their product.
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def merged_inputs(n: Operation) -> RawShape:
    """The shape that both inputs have."""
    return merged(n, n.inputs[0]._shape_raw, n.inputs[1]._shape_raw)


def zeros_of(n: Operation, index: int) -> Tensor:
    """Zeros like an input: a derivative that is zero, not absent."""
    return F.ZerosLike(n.inputs[index])


# Kernels choose between two values by products with 0 and 1: NumPy's `where` takes ten
# times as long on a mask that the processor cannot predict.

# ---------------------------------------------------------------------- relu family


@op(
    "Relu",
    infer=same,
    math="y = max(x, 0)",
    grad=dict(features=rule("x̄ = ȳ · [y > 0]", lambda n, dy: F.ReluGrad(dy, n.out))),
    traits=Traits(function=Function.RECTIFIER, flat="≤ 0"),
)
def relu_kernel(xp: Arrays, x: Array) -> Array:
    """Each element, or 0 where it is negative."""
    return xp.maximum(x, x.dtype.type(0))


@op(
    "ReluGrad",
    infer=merged_inputs,
    math="z = g · [x > 0]",
    grad=dict(
        gradients=rule("ḡ = z̄ · [x > 0]", lambda n, dz: F.ReluGrad(dz, n.inputs[1])),
        features=rule("x̄ = 0", lambda n, dz: zeros_of(n, 1)),
    ),
    traits=Traits(linear=("gradients",)),
)
def relu_grad_kernel(xp: Arrays, dy: Array, x: Array) -> Array:
    """The backward pass of Relu; `x` may be its input or its output."""
    del xp
    return dy * (x > x.dtype.type(0))


@op(
    "Relu6",
    infer=same,
    math="y = min(max(x, 0), 6)",
    grad=dict(
        features=rule("x̄ = ȳ · [0 < y < 6]", lambda n, dy: F.Relu6Grad(dy, n.out))
    ),
    traits=Traits(function=Function.RECTIFIER, flat="≤ 0 or ≥ 6"),
)
def relu6_kernel(xp: Arrays, x: Array) -> Array:
    """Each element, brought into [0, 6]."""
    return xp.minimum(xp.maximum(x, x.dtype.type(0)), x.dtype.type(6))


@op(
    "Relu6Grad",
    infer=merged_inputs,
    math="z = g · [0 < x < 6]",
    grad=dict(
        gradients=rule(
            "ḡ = z̄ · [0 < x < 6]", lambda n, dz: F.Relu6Grad(dz, n.inputs[1])
        ),
        features=rule("x̄ = 0", lambda n, dz: zeros_of(n, 1)),
    ),
    traits=Traits(linear=("gradients",)),
)
def relu6_grad_kernel(xp: Arrays, dy: Array, x: Array) -> Array:
    """The backward pass of Relu6; `x` may be its input or its output."""
    del xp
    return dy * ((x > x.dtype.type(0)) & (x < x.dtype.type(6)))


@op(
    "LeakyRelu",
    infer=same,
    math="y = x where x > 0, else α x",
    grad=dict(
        features=rule(
            "x̄ = ȳ where x > 0, else α ȳ",
            lambda n, dy: F.LeakyReluGrad(dy, n.inputs[0], alpha=n.attrs["alpha"]),
        )
    ),
)
def leaky_relu_kernel(xp: Arrays, x: Array, *, alpha: float) -> Array:
    """Each element, `alpha` times it where it is not positive."""
    zero = x.dtype.type(0)
    return xp.maximum(x, zero) + x.dtype.type(alpha) * xp.minimum(x, zero)


@op(
    "LeakyReluGrad",
    infer=merged_inputs,
    math="z = g where x > 0, else α g",
    grad=dict(
        gradients=rule(
            "ḡ = z̄ where x > 0, else α z̄",
            lambda n, dz: F.LeakyReluGrad(dz, n.inputs[1], alpha=n.attrs["alpha"]),
        ),
        features=rule("x̄ = 0", lambda n, dz: zeros_of(n, 1)),
    ),
)
def leaky_relu_grad_kernel(xp: Arrays, dy: Array, x: Array, *, alpha: float) -> Array:
    """The backward pass of LeakyRelu."""
    del xp
    above = x > x.dtype.type(0)
    return dy * (above + x.dtype.type(alpha) * ~above)


# ---------------------------------------------------------------------- exponential


@op(
    "Elu",
    infer=same,
    math="y = x where x ≥ 0, else exp x − 1",
    grad=dict(
        features=rule(
            "x̄ = ȳ where y ≥ 0, else ȳ (y + 1)", lambda n, dy: F.EluGrad(dy, n.out)
        )
    ),
    traits=Traits(saturates=True),
)
def elu_kernel(xp: Arrays, x: Array) -> Array:
    """Each element, exp x − 1 where it is negative."""
    zero = x.dtype.type(0)
    return xp.maximum(x, zero) + xp.expm1(xp.minimum(x, zero))


@op(
    "EluGrad",
    infer=merged_inputs,
    math="z = g where y ≥ 0, else g (y + 1)",
    grad=dict(
        gradients=rule(
            "ḡ = z̄ where y ≥ 0, else z̄ (y + 1)",
            lambda n, dz: F.EluGrad(dz, n.inputs[1]),
        ),
        outputs=rule("ȳ = z̄ · g where y < 0, else 0", lambda n, dz: _below_zero(n, dz)),
    ),
)
def elu_grad_kernel(xp: Arrays, dy: Array, y: Array) -> Array:
    """The backward pass of Elu, from its output."""
    one, zero = y.dtype.type(1), y.dtype.type(0)
    return dy * (xp.where(y < zero, y, zero) + one)


def _below_zero(n: Operation, dz: Tensor) -> Tensor:
    """dz · dy where the activation was negative, else 0."""
    dy, y = n.inputs
    zero = np.zeros((), y.dtype.as_numpy_dtype)
    return F.Select(F.Less(y, zero), F.Mul(dz, dy, name="mul"), F.ZerosLike(y))


@op(
    "Selu",
    infer=same,
    math="y = λ x where x ≥ 0, else λ α (exp x − 1)",
    grad=dict(
        features=rule(
            "x̄ = λ ȳ where y ≥ 0, else ȳ (y + λ α)",
            lambda n, dy: F.SeluGrad(dy, n.out),
        )
    ),
    traits=Traits(saturates=True),
)
def selu_kernel(xp: Arrays, x: Array) -> Array:
    """The scaled exponential unit, which keeps mean 0 and variance 1."""
    zero = x.dtype.type(0)
    below = x.dtype.type(_SELU_SCALE_ALPHA) * xp.expm1(xp.minimum(x, zero))
    return x.dtype.type(_SELU_SCALE) * xp.maximum(x, zero) + below


@op(
    "SeluGrad",
    infer=merged_inputs,
    math="z = λ g where y ≥ 0, else g (y + λ α)",
    grad=dict(
        gradients=rule(
            "ḡ = λ z̄ where y ≥ 0, else z̄ (y + λ α)",
            lambda n, dz: F.SeluGrad(dz, n.inputs[1]),
        ),
        outputs=rule("ȳ = z̄ · g where y < 0, else 0", lambda n, dz: _below_zero(n, dz)),
    ),
)
def selu_grad_kernel(xp: Arrays, dy: Array, y: Array) -> Array:
    """The backward pass of Selu, from its output."""
    zero = y.dtype.type(0)
    below = y < zero
    slope = xp.where(below, y, zero) + y.dtype.type(_SELU_SCALE_ALPHA)
    return dy * xp.where(below, slope, y.dtype.type(_SELU_SCALE))


# ---------------------------------------------------------------------- softened


@op(
    "Softplus",
    infer=same,
    math="y = log(1 + exp x)",
    grad=dict(
        features=rule(
            "x̄ = ȳ · sigmoid x",
            lambda n, dy: F.Mul(dy, F.Sigmoid(n.inputs[0]), name="mul"),
        )
    ),
    traits=Traits(saturates=True),
)
def softplus_kernel(xp: Arrays, x: Array) -> Array:
    """The logarithm of 1 + exp x, without overflow."""
    return xp.softplus(x)


@op(
    "SoftplusGrad",
    infer=merged_inputs,
    math="z = g / (1 + exp(−x))",
    grad=dict(
        gradients=rule(
            "ḡ = z̄ / (1 + exp(−x))", lambda n, dz: F.SoftplusGrad(dz, n.inputs[1])
        ),
        features=rule(
            "x̄ = z̄ g / (exp(−x) + 2 + exp x)", lambda n, dz: _softplus_bend(n, dz)
        ),
    ),
)
def softplus_grad_kernel(xp: Arrays, dy: Array, x: Array) -> Array:
    """The backward pass of Softplus."""
    return dy / (xp.exp(-x) + x.dtype.type(1))


def _softplus_bend(n: Operation, dz: Tensor) -> Tensor:
    dy, x = n.inputs
    two = np.array(2, x.dtype.as_numpy_dtype)
    below = F.Add(F.Add(F.Exp(F.Neg(x)), two, name="add"), F.Exp(x), name="add")
    return F.RealDiv(F.Mul(dz, dy, name="mul"), below, name="truediv")


@op(
    "Softsign",
    infer=same,
    math="y = x / (1 + |x|)",
    grad=dict(
        features=rule(
            "x̄ = ȳ / (1 + |x|)²", lambda n, dy: F.SoftsignGrad(dy, n.inputs[0])
        )
    ),
    traits=Traits(saturates=True),
)
def softsign_kernel(xp: Arrays, x: Array) -> Array:
    """x / (1 + |x|), in (−1, 1)."""
    return x / (xp.absolute(x) + x.dtype.type(1))


@op("SoftsignGrad", infer=merged_inputs, math="z = g / (1 + |x|)²")
def softsign_grad_kernel(xp: Arrays, dy: Array, x: Array) -> Array:
    """The backward pass of Softsign; TensorFlow 1.15 has no derivative of it."""
    return dy / xp.square(xp.absolute(x) + x.dtype.type(1))
