"""tf.quantization's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


# ---------------------------------------------------------------------- as floats


def fake_quant_with_min_max_args(
    inputs: TensorLike,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """Floats rounded to what numbers of few bits can stand for.

    Args:
      inputs: float32.
      min, max: the limits; they are moved a little, so that 0 is kept.
      num_bits: 2 to 16.
      narrow_range: whether the lowest number is left out.
      name: the name of the operation.

    Example:
      tf.quantization.fake_quant_with_min_max_args([0.1, 9.0], 0, 3, 2) is [0, 3].
    """
    return F.FakeQuantWithMinMaxArgs(
        inputs,
        min=min,
        max=max,
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def fake_quant_with_min_max_args_gradient(
    gradients: TensorLike,
    inputs: TensorLike,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """`gradients` where `inputs` are within the limits, else 0."""
    return F.FakeQuantWithMinMaxArgsGradient(
        gradients,
        inputs,
        min=min,
        max=max,
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def fake_quant_with_min_max_vars(
    inputs: TensorLike,
    min: TensorLike,
    max: TensorLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """As `fake_quant_with_min_max_args`, with limits that can be learned."""
    return F.FakeQuantWithMinMaxVars(
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_gradient(
    gradients: TensorLike,
    inputs: TensorLike,
    min: TensorLike,
    max: TensorLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The terms of the inputs and of both limits: within, the sum below, that above."""
    return F.FakeQuantWithMinMaxVarsGradient(
        gradients,
        inputs,
        min,
        max,
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def fake_quant_with_min_max_vars_per_channel(
    inputs: TensorLike,
    min: TensorLike,
    max: TensorLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """As `fake_quant_with_min_max_vars`, with limits by index of the last axis."""
    return F.FakeQuantWithMinMaxVarsPerChannel(
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: TensorLike,
    inputs: TensorLike,
    min: TensorLike,
    max: TensorLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """As `fake_quant_with_min_max_vars_gradient`, by index of the last axis."""
    return F.FakeQuantWithMinMaxVarsPerChannelGradient(
        gradients,
        inputs,
        min,
        max,
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def quantize_and_dequantize(
    input: TensorLike,
    input_min: TensorLike,
    input_max: TensorLike,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
) -> Tensor:
    """Floats that went through integers of some bits.

    Args:
      input: floats.
      input_min, input_max: the limits that the integers stand for.
      signed_input: whether integers can be negative.
      num_bits: how many bits they have.
      range_given: whether the limits count; else they are those of `input`.
      round_mode: "HALF_TO_EVEN" or "HALF_UP".
      name: the name of the operation.
      narrow_range: whether the lowest integer is left out.
    """
    return F.QuantizeAndDequantizeV2(
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        name=name,
    )
