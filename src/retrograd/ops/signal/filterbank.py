"""Bands of frequencies on the mel scale, as the op Mfcc has them."""

from __future__ import annotations

import math

import numpy as np

#: the least energy of a band: of less there would be no logarithm
_LEAST = 1e-12


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    """Frequencies on the mel scale."""
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)


def weights(
    size: int, rate: int, bands: int, lowest: float, highest: float
) -> np.ndarray | None:
    """How much of each of `size` frequencies each band has, [size, bands].

    Bands are triangles that overlap by half: what one has not of a frequency, the
    next one has. A frequency that is in no band counts for none.

    Args:
      size: how many frequencies, from 0 to half the rate.
      rate: samples a second.
      bands: how many bands.
      lowest: where the first one begins.
      highest: where the last one ends.

    Returns:
      The weights, or None where there are no such bands.
    """
    if bands < 1 or rate <= 0 or size < 2 or lowest < 0 or highest <= lowest:
        return None
    low = float(_mel(lowest))
    spacing = (float(_mel(highest)) - low) / (bands + 1)
    centers = low + spacing * np.arange(1, bands + 2)
    width = 0.5 * rate / (size - 1)
    place = np.arange(size)
    mel = _mel(place * width)
    used = (place >= int(1.5 + lowest / width)) & (place <= int(highest / width))
    # the last band whose center is not above; −1 before the first
    band = np.searchsorted(centers[:bands], mel, side="left") - 1
    below = np.where(band >= 0, centers[band], low)
    share = (centers[band + 1] - mel) / (centers[band + 1] - below)
    found = np.zeros((size, bands))
    for i in np.flatnonzero(used):
        if band[i] >= 0:
            found[i, band[i]] += share[i]
        if band[i] + 1 < bands:
            found[i, band[i] + 1] += 1.0 - share[i]
    return found


def beyond(size: int, rate: int, highest: float) -> bool:
    """Whether a frequency is above the last of `size`."""
    return int(highest / (0.5 * rate / (size - 1))) >= size


def energies(magnitudes: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """What each band has of magnitudes [..., frequencies], but never nothing."""
    used = bands.any(axis=1)  # a frequency that is not used may be no number
    found = magnitudes[..., used] @ bands[used]
    return np.where(found < _LEAST, _LEAST, found)


def cosines(count: int, size: int) -> np.ndarray:
    """The first `count` rows of the cosine transform of `size` numbers."""
    angles = math.pi / size * np.outer(np.arange(count), np.arange(size) + 0.5)
    return math.sqrt(2.0 / size) * np.cos(angles)
