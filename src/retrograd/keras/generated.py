"""Batches from generators and sequences, made ahead by workers."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Generated(NamedTuple):
    """Where elements are drawn from, and how many an epoch has."""

    draw: Callable[[], Iterator[Any]]
    steps: int | None


def is_sequence(value: object) -> bool:
    """Whether a value is a `Sequence`, that of the package keras too."""
    names = ("__getitem__", "__len__", "on_epoch_end")
    return all(hasattr(value, name) for name in names)


def is_generator(value: object) -> bool:
    """Whether a value gives batches one by one."""
    return (
        inspect.isgenerator(value)
        or is_sequence(value)
        or (hasattr(value, "__next__") and not hasattr(value, "shape"))
    )


def generated(
    source: Any, queue: tuple[int, int, bool], shuffle: bool | str
) -> Generated:
    """The elements of a generator or a `Sequence`.

    Args:
      source: it.
      queue: how many elements are made ahead, by how many workers, and whether these
        are processes.
      shuffle: whether a `Sequence` gives its batches in another order each time.
    """
    size, workers, processes = queue
    in_order = is_sequence(source)
    steps = len(source) if in_order else None

    def draw() -> Iterator[Any]:
        if workers == 0:
            yield from _in_turn(source) if in_order else source
            return
        from retrograd.keras.enqueuers import GeneratorEnqueuer, OrderedEnqueuer

        if in_order:
            enqueuer: Any = OrderedEnqueuer(source, processes, shuffle=bool(shuffle))
        else:
            enqueuer = GeneratorEnqueuer(source, processes)
        enqueuer.start(workers=workers, max_queue_size=size)
        try:
            yield from enqueuer.get()
        finally:
            enqueuer.stop()

    return Generated(draw, steps)


def _in_turn(sequence: Any) -> Iterator[Any]:
    """The batches of a `Sequence`, again and again."""
    while True:
        for i in range(len(sequence)):
            yield sequence[i]
        sequence.on_epoch_end()


def chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    """An element that was drawn before, then the others."""
    return itertools.chain([first], rest)
