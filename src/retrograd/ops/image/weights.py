"""Images of another size as sums: which pixels make each new one, with which shares.

Rows and columns are treated apart; each axis has its `Taps`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

#: into how many steps TensorFlow divides the way between two pixels
_STEPS = 1024
_TINY = 1000 * np.finfo(np.float32).tiny


class Taps(NamedTuple):
    """The pixels of an axis that each new one is a sum of, [new size, taps].

    Attributes:
      at: their places.
      shares: what they are multiplied by.
    """

    at: np.ndarray
    shares: np.ndarray

    def gathered(self, xp: Arrays, x: Array, axis: int, skip: bool = False) -> Array:
        """Images [batch, height, width, channels] with new pixels along an axis.

        Args:
          xp: the arrays' namespace.
          x: the images.
          axis: 1 or 2.
          skip: whether a pixel without a share does not count even if it is infinite.
        """
        total = None
        for at, share in zip(self.at.T, self.shares.T, strict=True):
            factor = _along(share, axis)
            term = xp.take(x, at, axis)
            if skip and not share.all():
                term = xp.where(factor == 0, np.zeros((), x.dtype), term)
            term = term * factor
            total = term if total is None else total + term
        assert total is not None
        return total

    def spread(self, xp: Arrays, dy: Array, axis: int, size: int) -> Array:
        """The backward pass of `gathered` for `size` pixels."""
        order = [axis, *(i for i in range(4) if i != axis)]
        terms = [
            xp.transpose(dy * _along(share, axis), order) for share in self.shares.T
        ]
        total = xp.segment_sum(xp.concatenate(terms), self.at.T.ravel(), size)
        return xp.transpose(total, np.argsort(order).tolist())


def _along(share: np.ndarray, axis: int) -> np.ndarray:
    return share.reshape((-1,) + (1,) * (3 - axis))


def scale_of(size: int, count: int, align_corners: bool) -> np.float32:
    """How many of `size` pixels a new one of `count` stands for."""
    if align_corners and count > 1:
        return np.float32(size - 1) / np.float32(count - 1)
    return np.float32(size) / np.float32(count)


# ---------------------------------------------------------------------- area


def area(size: int, count: int, align_corners: bool) -> Taps:
    """Each new pixel is the sum of what it covers."""
    scale = scale_of(size, count, align_corners)
    place = np.arange(count, dtype=np.float32)
    first, last = place * scale, (place + np.float32(1)) * scale
    start, stop = np.floor(first)[:, None], np.ceil(last)[:, None]
    taps = max(int((stop - start).max()), 1)
    at = start + np.arange(taps, dtype=np.float32)
    first, last = first[:, None], last[:, None]
    shares = np.where(
        at < first,
        np.where(at + 1 > last, scale, at + 1 - first),
        np.where(at + 1 > last, last - at, np.float32(1)),
    )
    # those that a pixel does not have are its first, which counts once
    shares = np.where(at < stop, shares, np.float32(0))
    near = np.clip(np.where(at < stop, at, start), 0, size - 1)
    return Taps(near.astype(np.int64), shares.astype(np.float32))


# ---------------------------------------------------------------------- bicubic


def _cubic(a: float, x: Array) -> Array:
    """The cubic convolution of parameter a at distances below 2."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, far)


def bicubic(
    size: int, count: int, align_corners: bool, half_pixel_centers: bool
) -> Taps:
    """Each new pixel is a cubic of the four around it along each axis.

    With `half_pixel_centers` those outside of the image do not count; else they are
    those on its edge, and the cubic is another one.
    """
    scale = scale_of(size, count, align_corners)
    place = np.arange(count, dtype=np.float32)
    half = np.float32(0.5)
    at = (place + half) * scale - half if half_pixel_centers else place * scale
    before = np.floor(at)
    # TensorFlow looks the weights up in a table
    way = np.rint((at - before) * np.float32(_STEPS)) / np.float32(_STEPS)
    distances = np.stack([way + 1, way, 1 - way, 2 - way], axis=1)
    shares = _cubic(-0.5 if half_pixel_centers else -0.75, distances)
    wanted = before.astype(np.int64)[:, None] + np.arange(-1, 3)
    near = np.clip(wanted, 0, size - 1)
    if half_pixel_centers:
        shares = np.where(near == wanted, shares, 0)
        total = shares.sum(axis=1, keepdims=True)
        shares = np.where(np.abs(total) >= _TINY, shares / total, shares)
    return Taps(near, shares.astype(np.float32))


# ---------------------------------------------------------------------- any kernel


def _lanczos(radius: float) -> Callable[[Array], Array]:
    def shares(x: Array) -> Array:
        angle = np.pi * np.maximum(x, 1e-3)
        wave = radius * np.sin(angle) * np.sin(angle / radius) / (angle * angle)
        return np.where(x > radius, 0, np.where(x <= 1e-3, 1, wave))

    return shares


def _gaussian(x: Array) -> Array:
    return np.where(x >= 1.5, 0, np.exp(-x * x / (2 * 0.5**2)))


def _box(x: Array) -> Array:
    return np.where(x < 0.5, 1.0, np.where(x == 0.5, 0.5, 0.0))


def _triangle(x: Array) -> Array:
    return np.where(x < 1, 1 - x, 0)


def _keys(x: Array) -> Array:
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    near = ((1.5 * x - 2.5) * x) * x + 1
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _mitchell(x: Array) -> Array:
    far = (((-7 / 18) * x + 2) * x - 10 / 3) * x + 16 / 9
    near = (((7 / 6) * x - 2) * x) * x + 8 / 9
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


#: the share of a pixel by its distance, and from which distance on it has none
KERNELS: dict[str, tuple[Callable[[Array], Array], float]] = {
    "lanczos1": (_lanczos(1.0), 1.0),
    "lanczos3": (_lanczos(3.0), 3.0),
    "lanczos5": (_lanczos(5.0), 5.0),
    "gaussian": (_gaussian, 1.5),
    "box": (_box, 1.0),
    "triangle": (_triangle, 1.0),
    "keyscubic": (_keys, 2.0),
    "mitchellcubic": (_mitchell, 2.0),
}


def sampled(
    size: int, count: int, scale: float, shift: float, kernel: str, antialias: bool
) -> Taps:
    """Each new pixel is a mean around where it was before it was scaled and shifted.

    Args:
      size, count: how many pixels there are, and how many there shall be.
      scale, shift: where a place x goes: scale · x + shift.
      kernel: the name of one of `KERNELS`.
      antialias: whether the kernel is as wide as a new pixel, where that is more.
    """
    shares_at, radius = KERNELS[kernel]
    back = 1 / np.float32(scale)
    move = -back * np.float32(shift)
    wide = np.maximum(back, np.float32(1)) if antialias else np.float32(1)
    place = np.arange(count, dtype=np.float32) + np.float32(0.5)
    center = (place * back + move)[:, None]
    reach = np.float32(radius) * wide
    first = np.clip(np.ceil(center - reach - np.float32(0.5)), 0, size - 1)
    last = np.clip(np.floor(center + reach - np.float32(0.5)), 0, size - 1)
    taps = max(int((last - first).max()) + 1, 1)
    wanted = first + np.arange(taps, dtype=np.float32)
    at = np.minimum(wanted, last)
    distance = np.abs((at + np.float32(0.5) - center) / wide)
    shares = np.where(wanted <= last, shares_at(distance), 0)
    total = shares.sum(axis=1, keepdims=True)
    shares = np.where(np.abs(total) >= _TINY, shares / np.where(total, total, 1), 0)
    inside = (center >= 0) & (center <= size)
    shares = np.where(inside, shares, 0).astype(np.float32)
    return Taps(at.astype(np.int64), shares)
