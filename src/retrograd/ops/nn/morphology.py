"""Grayscale dilation and erosion: maxima of image plus window, and the opposite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import Sizes, TensorLike


def dilation2d(
    input: TensorLike,
    filter: TensorLike | None = None,
    strides: Sizes | None = None,
    rates: Sizes | None = None,
    padding: str | None = None,
    name: str | None = None,
    filters: TensorLike | None = None,
    dilations: Sizes | None = None,
) -> Tensor:
    """The maximum of image plus window over each position of the window.

    Args:
      input: [batch, height, width, channels].
      filter: [height, width, channels].
      strides: four numbers, how far the window moves.
      rates: four numbers, how far apart the window's elements lie.
      padding: SAME or VALID.
      name: the name of the operation.
      filters, dilations: newer names of `filter` and `rates`.
    """
    filter = renamed("filters", filters, "filter", filter)
    rates = renamed("dilations", dilations, "rates", rates)
    return F.Dilation2D(
        input, filter, strides=strides, rates=rates, padding=padding, name=name
    )


def dilation2d_v2(
    input: TensorLike,
    filters: TensorLike,
    strides: Sizes,
    padding: str,
    data_format: str,
    dilations: Sizes,
    name: str | None = None,
) -> Tensor:
    """As `dilation2d`.

    Raises:
      ValueError: a data format other than NHWC.
    """
    _check_format(data_format)
    return dilation2d(input, filters, strides, dilations, padding, name)


def erosion2d(
    value: TensorLike,
    kernel: TensorLike,
    strides: Sizes,
    rates: Sizes,
    padding: str,
    name: str | None = None,
) -> Tensor:
    """The minimum of image minus window over each position of the window.

    Args:
      value: [batch, height, width, channels].
      kernel: [height, width, channels].
      strides, rates, padding: as for `dilation2d`.
      name: the name of the operations.
    """
    with name_scope(name, "erosion2d", [value, kernel]) as scope:
        grown = F.Dilation2D(
            F.Neg(value),
            F.ReverseV2(kernel, [0, 1]),
            strides=strides,
            rates=rates,
            padding=padding,
            name=scope,
        )
        return F.Neg(grown)


def erosion2d_v2(
    value: TensorLike,
    filters: TensorLike,
    strides: Sizes,
    padding: str,
    data_format: str,
    dilations: Sizes,
    name: str | None = None,
) -> Tensor:
    """As `erosion2d`.

    Raises:
      ValueError: a data format other than NHWC.
    """
    _check_format(data_format)
    return erosion2d(value, filters, strides, dilations, padding, name)


def _check_format(data_format: str) -> None:
    if data_format != "NHWC":
        raise ValueError("Data formats other than NHWC are not yet supported")
