"""Random numbers as PyTorch draws them on the CPU: Mersenne Twister, from a seed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array

_BLOCK = 16  # from so many numbers on, normal ones are made in blocks


class Generator:
    """A source of random numbers.

    Args:
      seed: where it starts; the same seed gives the same numbers.
    """

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start again from a seed; itself."""
        self._seed = int(seed)
        self._bits = np.random.MT19937()
        self._bits._legacy_seeding(self._seed & 0xFFFFFFFF)
        self._next: float | None = None
        return self

    def initial_seed(self) -> int:
        """The seed it was started from."""
        return self._seed

    def words(self, count: int) -> Any:
        """`count` numbers of 32 random bits."""
        with self._lock:
            return self._bits.random_raw(count).astype(np.uint64)

    def long_words(self, count: int) -> Any:
        """`count` numbers of 64 random bits."""
        pairs = self.words(2 * count).reshape(count, 2)
        return (pairs[:, 0] << np.uint64(32)) | pairs[:, 1]

    def uniform(self, count: int, dtype: Any) -> Any:
        """Numbers in [0, 1), as fine as the type is."""
        if np.dtype(dtype) == np.float64:
            return (self.long_words(count) & np.uint64(2**53 - 1)) * 2.0**-53
        kept = self.words(count) & np.uint64(2**24 - 1)
        return kept.astype(np.float32) * np.float32(2.0**-24)

    def normal(self, count: int, dtype: Any) -> Any:
        """Numbers of mean 0 and standard deviation 1."""
        if count < _BLOCK:
            return np.array([self._one_normal() for _ in range(count)], dtype)
        data = self.uniform(count, dtype)
        whole = count // _BLOCK * _BLOCK
        data[:whole] = _box_muller(data[:whole])
        if whole < count:  # the last block is drawn anew, and overlaps
            data[-_BLOCK:] = _box_muller(self.uniform(_BLOCK, dtype))
        return data

    def _one_normal(self) -> float:
        """One number; every second one was made with the one before."""
        if self._next is not None:
            value, self._next = self._next, None
            return value
        angle, size = self.uniform(2, np.float64)
        radius = np.sqrt(-2.0 * np.log1p(-size))
        self._next = float(radius * np.sin(2 * np.pi * angle))
        return float(radius * np.cos(2 * np.pi * angle))

    def integers(self, low: int, high: int, count: int) -> Any:
        """Whole numbers from `low` up to, and without, `high`."""
        span = high - low
        words = self.long_words(count) if span >= 2**32 else self.words(count)
        return (words % np.uint64(span)).astype(np.int64) + low

    def permutation(self, count: int) -> Any:
        """The numbers below `count` in random order."""
        order = np.arange(count)
        for i, word in enumerate(self.words(max(count - 1, 0))):
            j = i + int(word) % (count - i)
            order[i], order[j] = order[j], order[i]
        return order


def _box_muller(data: Array) -> Any:
    """Pairs of uniform numbers, eight apart, made into pairs of normal ones."""
    first, second = np.moveaxis(data.reshape(-1, 2, _BLOCK // 2), 1, 0)
    radius = np.sqrt(-2 * np.log(1 - first))
    angle = (2 * np.pi * second.astype(np.float64)).astype(data.dtype)
    pairs = (radius * np.cos(angle), radius * np.sin(angle))
    return np.stack(pairs, axis=1).reshape(-1)


#: what random functions draw from unless they are given another
default = Generator(67280421310721)


def manual_seed(seed: int) -> Generator:
    """Start the random numbers of this process again from a seed."""
    return default.manual_seed(seed)
