"""tf.quantization's functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd import dtypes
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike


_ONES = [1, 1, 1, 1]


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


# ---------------------------------------------------------------------- as integers


def quantize(
    input: TensorLike,
    min_range: TensorLike,
    max_range: TensorLike,
    T: DTypeLike,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Floats as integers of few bits.

    Args:
      input: float32.
      min_range, max_range: the limits that the integers stand for; 0 is always within.
      T: a quantized type.
      mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED": how integers stand for floats.
      round_mode: "HALF_AWAY_FROM_ZERO", or "HALF_TO_EVEN" of mode "SCALED".
      name: the name of the operation.

    Returns:
      A named tuple: output, and the limits that it stands for, output_min and
      output_max.
    """
    return F.QuantizeV2(
        input,
        min_range,
        max_range,
        T=T,
        mode=mode,
        round_mode=round_mode,
        name=name,
    )


def quantize_v2(
    input: TensorLike,
    min_range: TensorLike,
    max_range: TensorLike,
    T: DTypeLike,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
    round_mode: str = "HALF_AWAY_FROM_ZERO",
) -> tuple[Tensor, Tensor, Tensor]:
    """As `quantize`, with the name before the mode of rounding."""
    return quantize(input, min_range, max_range, T, mode, round_mode, name)


def dequantize(
    input: TensorLike,
    min_range: TensorLike,
    max_range: TensorLike,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
) -> Tensor:
    """The floats that integers stand for.

    Args:
      input: of a quantized type.
      min_range, max_range: the limits that the integers stand for.
      mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED": how integers stand for floats.
      name: the name of the operation.
    """
    return F.Dequantize(input, min_range, max_range, mode=mode, name=name)


def quantized_concat(
    concat_dim: TensorLike,
    values: Sequence[TensorLike],
    input_mins: Sequence[TensorLike],
    input_maxes: Sequence[TensorLike],
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Tensors of a quantized type in a row.

    Args:
      concat_dim: along which axis.
      values: tensors of one type.
      input_mins, input_maxes: the limits that each stands for.
      name: the name of the operation.

    Returns:
      A named tuple: output, and the limits that it stands for, output_min and
      output_max.
    """
    return F.QuantizedConcat(concat_dim, values, input_mins, input_maxes, name=name)


# ---------------------------------------------------------------------- layers


def quantized_conv2d(
    input: TensorLike,
    filter: TensorLike,
    min_input: TensorLike,
    max_input: TensorLike,
    min_filter: TensorLike,
    max_filter: TensorLike,
    strides: Sequence[int],
    padding: str,
    out_type: DTypeLike = dtypes.qint32,
    dilations: Sequence[int] = _ONES,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The convolution of images of a quantized type.

    Args:
      input: [batch, height, width, channels].
      filter: [height, width, channels, channels made].
      min_input, max_input, min_filter, max_filter: the limits that they stand for.
      strides: how far windows are apart, by axis.
      padding: "SAME" or "VALID".
      out_type: the type of the result.
      dilations: 1 for each axis.
      name: the name of the operation.

    Returns:
      A named tuple: output, and the limits that it stands for, min_output and
      max_output.
    """
    return F.QuantizedConv2D(
        input,
        filter,
        min_input,
        max_input,
        min_filter,
        max_filter,
        strides=strides,
        padding=padding,
        out_type=out_type,
        dilations=dilations,
        name=name,
    )


def quantized_max_pool(
    input: TensorLike,
    min_input: TensorLike,
    max_input: TensorLike,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The largest number of each window of images of a quantized type."""
    how = dict(ksize=ksize, strides=strides, padding=padding, name=name)
    return F.QuantizedMaxPool(input, min_input, max_input, **how)


def quantized_avg_pool(
    input: TensorLike,
    min_input: TensorLike,
    max_input: TensorLike,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The mean of each window of images of a quantized type, rounded down."""
    how = dict(ksize=ksize, strides=strides, padding=padding, name=name)
    return F.QuantizedAvgPool(input, min_input, max_input, **how)


def quantized_relu_x(
    features: TensorLike,
    max_value: TensorLike,
    min_features: TensorLike,
    max_features: TensorLike,
    out_type: DTypeLike = dtypes.quint8,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """min(max(features, 0), max_value), for which TensorFlow has no kernel."""
    return F.QuantizedReluX(
        features, max_value, min_features, max_features, out_type=out_type, name=name
    )
