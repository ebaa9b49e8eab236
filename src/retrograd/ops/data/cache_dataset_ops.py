"""Datasets that keep elements: some that are made ahead, or all that were seen."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, errors
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.ops.data.ahead import Prefetched
from retrograd.ops.data.elements import (
    Element,
    Elements,
    Scope,
    array_of,
    declare,
    declare_held,
    drawn,
    invalid_argument,
)
from retrograd.ops.host.text import text_of

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _prefetch(
    xp: Arrays, input_dataset: Elements, buffer_size: Array, **unused: object
) -> Elements:
    """The same elements, some of them made ahead in a thread."""
    del xp, unused
    size = int(buffer_size)
    if size < -1:
        raise invalid_argument(
            "buffer_size must be >= 0 or set buffer_size to be -1 for auto-tuning"
        )

    def start(scope: Scope) -> Iterator[Element]:
        within = scope.at("Prefetch")
        if size == 0:
            return input_dataset.begin(within)
        return Prefetched(lambda: input_dataset.begin(within), size)

    return Elements(start, input_dataset.count)


declare("PrefetchDataset", _prefetch)

# ---------------------------------------------------------------------- in memory


class Memory:
    """The elements of a dataset, once all of them have been seen."""

    def __init__(self) -> None:
        self.elements: list[Element] | None = None


def _remembering(source: Iterator[Element], memory: Memory) -> Iterator[Element]:
    rows: list[Element] = []

    def draw() -> Element:
        for element in source:
            rows.append(element)
            return element
        if memory.elements is None:
            memory.elements = rows
        raise StopIteration

    return drawn(draw)


def _in_memory(dataset: Elements, memory: Memory | None) -> Elements:
    def start(scope: Scope) -> Iterator[Element]:
        found = memory or scope.kept("MemoryCache", Memory)
        if found.elements is not None:
            return iter(found.elements)
        return _remembering(dataset.begin(scope.at("Cache")), found)

    return Elements(start, dataset.count)


def _cache(
    xp: Arrays,
    input_dataset: Elements,
    filename: Array | bytes,
    cache: Memory | None = None,
    *,
    n: Operation,
) -> Elements:
    """The same elements; the second time they come from memory, or from a file.

    What is in memory is kept by a resource, `cache`, or else by the iterator.
    """
    del xp
    path = text_of(filename)
    if not path:
        return _in_memory(input_dataset, cache)
    return _in_file(input_dataset, path, n.attrs["output_types"])


def _memory(xp: Arrays) -> tuple[Memory, None]:
    """A place for elements, and what would delete it."""
    del xp
    return Memory(), None


declare("CacheDataset", _cache)
declare("CacheDatasetV2", _cache, cells="cache")
declare_held("AnonymousMemoryCache", "DeleteMemoryCache", _memory)

# ---------------------------------------------------------------------- in a file


def _in_file(dataset: Elements, path: str, kinds: Sequence[dtypes.DType]) -> Elements:
    """The same elements; the second time they come from a file of TensorFlow's kind."""
    width = len(str(len(kinds) - 1))

    def key(element: int, component: int) -> str:
        return f"{element:7d}_{component:{width}d}"

    def start(scope: Scope) -> Iterator[Element]:
        if glob.glob(glob.escape(path) + ".index"):
            return _read(path, len(kinds), key)
        return _written(dataset.begin(scope.at("Cache")), path, kinds, key)

    return Elements(start, dataset.count)


def _read(path: str, components: int, key: Any) -> Iterator[Element]:
    with hooks.bundle_reader(path) as reader:
        number = 0
        while True:
            try:
                first = reader.get(key(number, 0))
            except errors.NotFoundError:
                return
            rest = (reader.get(key(number, i)) for i in range(1, components))
            yield (first, *rest)
            number += 1


def _written(
    source: Iterator[Element], path: str, kinds: Sequence[dtypes.DType], key: Any
) -> Iterator[Element]:
    """The elements; they are written as they come, and the file is there at the end."""
    lock = f"{path}_0.lockfile"
    _take_lock(lock)
    try:
        with hooks.bundle_writer(path) as writer:
            for number, element in enumerate(source):
                for i, (value, kind) in enumerate(zip(element, kinds, strict=True)):
                    writer.add(key(number, i), array_of(value), kind)
                yield element
    finally:
        os.remove(lock)


def _take_lock(lock: str) -> None:
    try:
        with open(lock, "x", encoding="utf-8") as stream:
            stream.write(f"Created at: {int(time.time())}")
    except FileExistsError:
        with open(lock, encoding="utf-8") as stream:
            held = stream.read()
        raise errors.AlreadyExistsError(
            None,
            None,
            "There appears to be a concurrent caching iterator running - cache "
            f"lockfile already exists ('{lock}'). If you are sure no other running TF "
            "computations are using this cache prefix, delete the lockfile and "
            f"re-initialize the iterator. Lockfile contents: {held}",
        ) from None
    except FileNotFoundError:
        raise errors.NotFoundError(
            None, None, f"{lock}; No such file or directory"
        ) from None
