"""Ops: colors: hue and saturation, contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.errors import FailedPreconditionError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.join import stack, unstack
from retrograd.ops.array.selection import where
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op, rule
from retrograd.ops.infer import invalid, like, with_rank_at_least

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _colored(n: Operation) -> RawShape:
    """The shape of the input, whose last axis holds red, green and blue."""
    shape = with_rank_at_least(n, 0, 1)
    if shape is None:
        return None
    if shape[-1] not in (None, 3):
        raise invalid(n, f"Dimension must be 3 but is {shape[-1]}")
    return (*shape[:-1], 3)


def _check_colors(x: Array) -> None:
    """Refuse what has other than three channels.

    Raises:
      InvalidArgumentError: it has no axes.
      FailedPreconditionError: its last axis has another size.
    """
    if x.ndim < 1:
        raise refused("input must be at least 1D")
    if x.shape[-1] != 3:
        raise FailedPreconditionError(
            None,
            None,
            f"input must have 3 channels but input only has {x.shape[-1]} channels.",
        )


def _hsv(xp: Arrays, x: Array) -> Array:
    """Hue, saturation and value of red, green and blue, along the last axis."""
    number = x.dtype.type
    zero, one, two, four, six = (number(n) for n in (0, 1, 2, 4, 6))
    red, green, blue = (x[..., i] for i in range(3))
    value = xp.fmax(xp.fmax(red, green), blue)
    spread = value - xp.fmin(xp.fmin(red, green), blue)
    saturation = xp.where(
        value > zero, spread / xp.where(value > zero, value, one), zero
    )
    unit = one / (six * xp.where(spread > zero, spread, one))
    hue = xp.where(
        value == red,
        unit * (green - blue),
        xp.where(
            value == green,
            unit * (blue - red) + two / six,
            unit * (red - green) + four / six,
        ),
    )
    hue = xp.where(spread > zero, hue, zero)
    hue = xp.where(hue < zero, hue + one, hue)
    return xp.stack([hue, saturation, value], axis=-1)


def _rgb(xp: Arrays, x: Array) -> Array:
    """Red, green and blue of hue, saturation and value, along the last axis."""
    number = x.dtype.type
    zero, one, two, three, four, six = (number(n) for n in (0, 1, 2, 3, 4, 6))
    hue, saturation, value = (x[..., i] for i in range(3))
    angle = hue * six
    parts = (
        xp.abs(angle - three) - one,
        two - xp.abs(angle - two),
        two - xp.abs(angle - four),
    )
    made = [
        (one - saturation + saturation * xp.minimum(xp.maximum(part, zero), one))
        * value
        for part in parts
    ]
    return xp.stack(made, axis=-1)


def _rgb_gradient(n: Operation, dy: Tensor) -> Tensor:
    """Hue is an angle between the colors that are largest and smallest."""
    x = n.inputs[0]
    red, green, blue = unstack(x, axis=-1)
    _, saturation, value = unstack(n.outputs[0], axis=-1)
    dh, ds, dv = unstack(dy, axis=-1)
    spread = saturation * value
    largest = (
        (red >= blue) & (red >= green),
        (green > red) & (green >= blue),
        (blue > red) & (blue > green),
    )
    smallest = (
        (red < blue) & (red < green),
        (green <= red) & (green < blue),
        (blue <= red) & (blue <= green),
    )
    is_largest = [F.Cast(m, DstT=x.dtype) for m in largest]
    is_smallest = [F.Cast(m, DstT=x.dtype) for m in smallest]
    zero = F.ZerosLike(value)
    by_value = F.DivNoNan(F.OnesLike(value), value)
    unit = F.DivNoNan(F.OnesLike(value), 6 * spread)
    colors = (red, green, blue)
    found = []
    for i in range(3):
        # s = 1 − min / max
        along = (is_largest[i] * (1 - saturation) - is_smallest[i]) * by_value
        total = dv * is_largest[i] + ds * along
        angle = zero
        for top in range(3):
            after, before = (top + 1) % 3, (top + 2) % 3
            # h = (after − before) / 6 (max − min) + a constant
            span = colors[after] - colors[before]
            own = (1.0 if i == after else 0.0) - (1.0 if i == before else 0.0)
            inner = own * unit - 6 * span * unit * unit * (
                is_largest[i] - is_smallest[i]
            )
            angle = where(largest[top], inner, angle)
        found.append(total + dh * angle)
    return stack(found, axis=-1)


@op(
    "RGBToHSV",
    infer=_colored,
    math="y = x as hue, saturation and value",
    grad=dict(images=rule("x̄ = Σ of ȳ times the slopes of y", _rgb_gradient)),
)
def rgb_to_hsv_kernel(xp: Arrays, x: Array) -> Array:
    """Hue, saturation and value, each in [0, 1], of red, green and blue."""
    _check_colors(x)
    return _hsv(xp, x)


@op(
    "HSVToRGB",
    infer=_colored,
    math="y = x as red, green and blue",
    grad=NOT_DIFFERENTIABLE,
)
def hsv_to_rgb_kernel(xp: Arrays, x: Array) -> Array:
    """Red, green and blue of hue, saturation and value, each in [0, 1]."""
    _check_colors(x)
    return _rgb(xp, x)


# ---------------------------------------------------------------------- adjusted


def _check_contrast(x: Array, name: str, number: Array) -> None:
    if x.ndim < 3:
        raise refused(f"input must be at least 3-D, got shape{_shown(x)}")
    if np.ndim(number):
        raise refused(f"{name} must be scalar: {_shown(number)}")


def _shown(x: Array) -> str:
    return f"[{','.join(map(str, x.shape))}]"


def _check_images(x: Array, name: str, number: Array) -> None:
    _check_contrast(x, name, number)
    if x.shape[-1] != 3:
        raise refused(
            f"input must have 3 channels but instead has {x.shape[-1]} channels."
        )


@op("AdjustHue", infer=like(0), math="y = x with another hue")
def adjust_hue_kernel(xp: Arrays, x: Array, delta: Array) -> Array:
    """Colors turned by a share of the circle."""
    _check_images(x, "delta", delta)
    hsv = _hsv(xp, xp.cast(x, np.float32))
    hue = hsv[..., 0] + delta
    turned = xp.stack([hue - xp.floor(hue), hsv[..., 1], hsv[..., 2]], axis=-1)
    return xp.cast(_rgb(xp, turned), x.dtype)


@op("AdjustSaturation", infer=like(0), math="y = x with another saturation")
def adjust_saturation_kernel(xp: Arrays, x: Array, scale: Array) -> Array:
    """Colors with a saturation that is multiplied, at most 1."""
    _check_images(x, "scale", scale)
    hsv = _hsv(xp, xp.cast(x, np.float32))
    zero, one = np.float32(0), np.float32(1)
    saturation = xp.clip(hsv[..., 1] * scale, zero, one)
    scaled = xp.stack([hsv[..., 0], saturation, hsv[..., 2]], axis=-1)
    return xp.cast(_rgb(xp, scaled), x.dtype)


@op("AdjustContrastv2", infer=like(0), math="y = (x − m) factor + m, m = mean x")
def adjust_contrast_kernel(xp: Arrays, x: Array, factor: Array) -> Array:
    """Images further from, or nearer to, the mean of each channel.

    Raises:
      InvalidArgumentError: fewer than three axes, or a factor that is no scalar.
    """
    _check_contrast(x, "contrast_factor", factor)
    wide = xp.cast(x, np.float32)
    mean = xp.mean(wide, axis=(-3, -2), keepdims=True)
    return xp.cast((wide - mean) * factor + mean, x.dtype)
