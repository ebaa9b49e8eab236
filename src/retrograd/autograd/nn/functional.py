"""Activations, affine maps and losses, as functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd import dtypes
from retrograd.autograd import elementwise, products, reductions, table, types
from retrograd.autograd.apply import differentiable
from retrograd.errors import message
from retrograd.ops.declare import F
from retrograd.run.eager import EagerTensor

relu = table.functions["relu"]
sigmoid = table.functions["sigmoid"]
tanh = table.functions["tanh"]
softmax = table.functions["softmax"]
log_softmax = table.functions["log_softmax"]


def _offered(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors, from one of the engine's tensors."""
    return differentiable(function, table.titled(function.__name__))


@_offered
def softplus(input: EagerTensor) -> EagerTensor:
    """log(1 + exp x), of any x."""
    return F.Softplus(input)


@_offered
def leaky_relu(input: EagerTensor, negative_slope: float = 0.01) -> EagerTensor:
    """x where positive, else negative_slope · x."""
    if input.dtype.name != "float64":
        return F.LeakyRelu(input, alpha=negative_slope)
    # an attribute of an op has the digits of float32 only
    scaled = F.Mul(input, negative_slope)
    return F.SelectV2(F.Greater(input, 0.0), input, scaled)


@_offered
def elu(input: EagerTensor) -> EagerTensor:
    """x where positive, else exp x − 1."""
    return F.Elu(input)


@_offered
def selu(input: EagerTensor) -> EagerTensor:
    """The exponential unit whose results keep mean and variance."""
    return F.Selu(input)


@_offered
def gelu(input: EagerTensor) -> EagerTensor:
    """x · Φ(x), with Φ the normal distribution function."""
    dtype = input._dtype
    root, half = types.constant(0.5**0.5, dtype), types.constant(0.5, dtype)
    weight = F.AddV2(types.constant(1, dtype), F.Erf(F.Mul(input, root)))
    return F.Mul(F.Mul(half, input), weight)


@_offered
def silu(input: EagerTensor) -> EagerTensor:
    """x · sigmoid x."""
    return F.Mul(input, F.Sigmoid(input))


@_offered
def logsigmoid(input: EagerTensor) -> EagerTensor:
    """log sigmoid x, of any x."""
    return F.Neg(F.Softplus(F.Neg(input)))


@_offered
def linear(
    input: EagerTensor, weight: EagerTensor, bias: EagerTensor | None = None
) -> EagerTensor:
    """input · weightᵀ + bias; weight has shape (out, in)."""
    product = products.matmul(input, F.Transpose(weight, [1, 0]))
    return product if bias is None else elementwise.add(product, bias)


# ---------------------------------------------------------------------- losses


def _reduced(
    losses: EagerTensor, reduction: str, count: EagerTensor | None = None
) -> EagerTensor:
    """The mean of losses, their sum, or the losses ("none").

    Args:
      losses: one for each element.
      reduction: "mean", "sum" or "none".
      count: what the sum is divided by for the mean, where it is not their number.

    Raises:
      ValueError: another word.
    """
    if reduction == "none":
        return losses
    if reduction == "sum":
        return reductions.total(losses)
    if reduction == "mean":
        if count is None:
            return reductions.mean(losses)
        return elementwise.div(reductions.total(losses), count)
    raise ValueError(f"{reduction} is not a valid value for reduction")


@_offered
def mse_loss(
    input: EagerTensor, target: EagerTensor, reduction: str = "mean"
) -> EagerTensor:
    """The squared distance of each element from its target."""
    return _reduced(F.Square(elementwise.sub(input, target)), reduction)


@_offered
def l1_loss(
    input: EagerTensor, target: EagerTensor, reduction: str = "mean"
) -> EagerTensor:
    """The distance of each element from its target."""
    return _reduced(F.Abs(elementwise.sub(input, target)), reduction)


def _nll(
    logs: EagerTensor, target: EagerTensor, weight: EagerTensor | None, reduction: str
) -> EagerTensor:
    classes = logs._shape_raw[1]
    wide = types.cast(target, dtypes.int64)
    ones = types.constant(1, logs._dtype), types.constant(0, logs._dtype)
    chosen = F.OneHot(wide, classes, *ones, axis=1)
    losses = F.Neg(F.Sum(F.Mul(logs, chosen), [1]))
    if weight is None:
        return _reduced(losses, reduction)
    each = F.GatherV2(weight, wide, 0)
    return _reduced(F.Mul(losses, each), reduction, F.Sum(each, [0]))


@_offered
def nll_loss(
    input: EagerTensor,
    target: EagerTensor,
    weight: EagerTensor | None = None,
    reduction: str = "mean",
) -> EagerTensor:
    """Minus the log probability of each target class.

    Args:
      input: log probabilities, (batch, classes).
      target: whole numbers below the number of classes, (batch,).
      weight: one for each class.
      reduction: "mean", "sum" or "none".
    """
    return _nll(input, target, weight, reduction)


@_offered
def cross_entropy(
    input: EagerTensor,
    target: EagerTensor,
    weight: EagerTensor | None = None,
    reduction: str = "mean",
) -> EagerTensor:
    """`nll_loss` of the log softmax of `input`, (batch, classes).

    `target` holds classes, (batch,), or probabilities in the shape of `input`.
    """
    logs = reductions.log_softmax(input, 1)
    if target._dtype.is_integer:
        return _nll(logs, target, weight, reduction)
    weighted = logs if weight is None else elementwise.mul(logs, weight)
    losses = F.Neg(F.Sum(elementwise.mul(weighted, target), [1]))
    return _reduced(losses, reduction)


@_offered
def binary_cross_entropy(
    input: EagerTensor, target: EagerTensor, reduction: str = "mean"
) -> EagerTensor:
    """−t log p − (1 − t) log(1 − p) for probabilities p; logarithms are at least −100.

    Raises:
      ValueError: the shapes differ.
    """
    _check_target(input, target)
    least = types.constant(-100, input._dtype)
    one = types.constant(1, input._dtype)
    yes = F.Maximum(F.Log(input), least)
    no = F.Maximum(F.Log(F.Sub(one, input)), least)
    losses = F.Neg(F.AddV2(F.Mul(target, yes), F.Mul(F.Sub(one, target), no)))
    return _reduced(losses, reduction)


@_offered
def binary_cross_entropy_with_logits(
    input: EagerTensor, target: EagerTensor, reduction: str = "mean"
) -> EagerTensor:
    """`binary_cross_entropy` of sigmoid x, of any x.

    Raises:
      ValueError: the shapes differ.
    """
    _check_target(input, target)
    one = types.constant(1, input._dtype)
    losses = F.AddV2(F.Mul(F.Sub(one, target), input), F.Softplus(F.Neg(input)))
    return _reduced(losses, reduction)


def _check_target(input: EagerTensor, target: EagerTensor) -> None:
    if input._shape_raw != target._shape_raw:
        raise ValueError(
            message(
                f"Using a target size ({list(target._shape_raw)}) that is different to "
                f"the input size ({list(input._shape_raw)}) is deprecated. Please "
                "ensure they have the same size.",
                fix="target.view_as(input)",
            )
        )
