"""Datasets whose order or elements are drawn, as TensorFlow 1.15 draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.data.elements import (
    INFINITE,
    Element,
    Elements,
    Scope,
    declare,
    declare_held,
    drawn,
    invalid_argument,
    repeated_count,
)
from retrograd.ops.random import philox

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

_AHEAD = 256  # words that are computed at a time


class Seeded:
    """A generator of 32-bit words.

    Args:
      seed, seed2: where it begins.
    """

    def __init__(self, seed: int, seed2: int) -> None:
        self._words = philox.Words(philox.initial_state(seed, seed2))
        self._ready: list[int] = []

    def next(self) -> int:
        """The next word."""
        if not self._ready:
            self._ready = self._words.take(_AHEAD)[::-1].tolist()
        return self._ready.pop()

    def seeds(self) -> tuple[int, int]:
        """Seeds for another generator."""
        return self.next(), self.next()


def _seeds(seed: Array, seed2: Array) -> tuple[int, int]:
    """The seeds of a dataset; where both are 0, some from the system's entropy."""
    both = int(seed), int(seed2)
    if both != (0, 0):
        return both
    first, second = philox.initial_state(0, 0)[1:].tolist()
    return first, second


class _Shuffling:
    """Goes through a dataset in an order that is drawn from a buffer.

    Elements of one turn through the dataset are all given before those of the next. An
    element is drawn from those of its turn in the buffer; the first of these then takes
    its place there.
    """

    def __init__(
        self, dataset: Elements, scope: Scope, size: int, times: int, words: Seeded
    ) -> None:
        self._dataset, self._scope, self._words = dataset, scope, words
        self._buffer: list[Element | None] = []
        self._size = size
        self._times, self._turn = times, 0
        self._held = 0
        #: of each turn in the buffer, the first place and the last
        self._turns = [[0, 0]]
        self._source: Iterator[Element] | None = None
        self._begun = False

    def draw(self) -> Element:
        """The next element."""
        first = not self._begun
        if first:
            self._begun = True
            self._source = self._dataset.begin(self._scope)
        while self._source is not None and self._held < self._size:
            element = self._read(first)
            if element is None:
                self._source = None
                break
            self._put(element)
        if not self._held:
            raise StopIteration
        return self._taken()

    def _read(self, first: bool) -> Element | None:
        """An element of this turn or of the next; None at the end."""
        while self._times < 0 or self._turn < self._times:
            assert self._source is not None
            for element in self._source:
                return element
            if first and self._times < 0 and not self._held:
                return None
            self._turn += 1
            end = self._turns[-1][1]
            self._turns.append([end, end])
            self._source = self._dataset.begin(self._scope)
        return None

    def _put(self, element: Element) -> None:
        at = self._turns[-1][1] % self._size
        if at < len(self._buffer):
            self._buffer[at] = element
        else:
            self._buffer.append(element)
        self._turns[-1][1] += 1
        self._held += 1

    def _taken(self) -> Element:
        while self._turns[0][0] == self._turns[0][1]:
            del self._turns[0]
        begin, end = self._turns[0]
        at = (begin + self._words.next() % (end - begin)) % self._size
        front = begin % self._size
        buffer = self._buffer
        element = buffer[at]
        assert element is not None
        buffer[at], buffer[front] = buffer[front], None
        self._turns[0][0] += 1
        self._held -= 1
        return element


def _shuffled(
    dataset: Elements,
    size: int,
    times: int,
    name: str,
    seeds: Callable[[Scope], tuple[int, int]],
) -> Elements:
    """A dataset in another order.

    Args:
      dataset: the dataset.
      size: how many elements there are to draw from.
      times: how often to go through it.
      name: what the dataset is called among those of an iterator.
      seeds: the two seeds, for each iterator anew.
    """
    if size < 1:
        raise invalid_argument("buffer_size must be greater than zero.")

    def start(scope: Scope) -> Iterator[Element]:
        words = Seeded(*seeds(scope))
        return drawn(_Shuffling(dataset, scope.at(name), size, times, words).draw)

    return Elements(start, repeated_count(dataset.count, times))


def _shuffle(
    xp: Arrays,
    input_dataset: Elements,
    buffer_size: Array,
    seed: Array,
    seed2: Array,
    *,
    reshuffle_each_iteration: bool,
) -> Elements:
    """The elements in another order; in a new one whenever it is begun again."""
    del xp
    size, seeds = int(buffer_size), _seeds(seed, seed2)
    if not reshuffle_each_iteration:
        return _shuffled(input_dataset, size, 1, "Shuffle", lambda _: seeds)

    def anew(scope: Scope) -> tuple[int, int]:
        return scope.kept("Shuffle", lambda: Seeded(*seeds)).seeds()

    found = _shuffled(input_dataset, size, 1, "Shuffle", anew)
    found.repeated = lambda times: _shuffled(
        input_dataset, size, times, "ShuffleAndRepeat", lambda _: seeds
    )
    return found


def _shuffle_and_repeat(
    xp: Arrays,
    input_dataset: Elements,
    buffer_size: Array,
    seed: Array,
    seed2: Array,
    count: Array,
) -> Elements:
    """The elements in another order, several times; the next time flows into one."""
    del xp
    if count == 0:
        return Elements(lambda _: (), 0)
    size, seeds = int(buffer_size), _seeds(seed, seed2)
    name = "ShuffleAndRepeat"
    return _shuffled(input_dataset, size, int(count), name, lambda _: seeds)


declare("ShuffleDataset", _shuffle)
declare("ShuffleAndRepeatDataset", _shuffle_and_repeat)


def _random(xp: Arrays, seed: Array, seed2: Array) -> Elements:
    """Random numbers of 32 bits, without end."""
    del xp
    seeds = _seeds(seed, seed2)

    def start(_: Scope) -> Iterator[Element]:
        words = Seeded(*seeds)
        return drawn(lambda: (np.int64(words.next()),))

    return Elements(start, INFINITE)


def _sampled(
    xp: Arrays, input_dataset: Elements, rate: Array, seed: Array, seed2: Array
) -> Elements:
    """Some of the elements, each with the same probability."""
    del xp
    seeds, limit = _seeds(seed, seed2), float(rate)

    def start(scope: Scope) -> Iterator[Element]:
        words, source = Seeded(*seeds), input_dataset.begin(scope.at("Sampling"))

        def draw() -> Element:
            while True:
                element = next(source)
                word = np.array([words.next()], np.uint32)
                if philox.unit_float(word)[0] < limit:
                    return element

        return drawn(draw)

    return Elements(start)


declare("RandomDataset", _random)
declare("ExperimentalRandomDataset", _random)
declare("SamplingDataset", _sampled)


def _shuffle_v2(
    xp: Arrays, input_dataset: Elements, buffer_size: Array, seed_generator: Seeded
) -> Elements:
    """The elements in another order, a new one for each iterator."""
    del xp
    size = int(buffer_size)
    return _shuffled(
        input_dataset, size, 1, "Shuffle", lambda _: seed_generator.seeds()
    )


def _seed_generator(xp: Arrays, seed: Array, seed2: Array) -> tuple[Seeded, None]:
    """A generator of seeds, and what would delete it."""
    del xp
    return Seeded(*_seeds(seed, seed2)), None


declare("ShuffleDatasetV2", _shuffle_v2, cells="seed_generator")
declare_held(
    "AnonymousRandomSeedGenerator", "DeleteRandomSeedGenerator", _seed_generator
)
