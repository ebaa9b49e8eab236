"""Datasets of tensors, and those that are made of others without a function."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.data.elements import (
    INFINITE,
    UNKNOWN,
    Element,
    Elements,
    Scope,
    declare,
    drawn,
    invalid_argument,
    repeated_count,
)
from retrograd.ops.declare import op
from retrograd.ops.host.text import text_of
from retrograd.ops.infer import scalar
from retrograd.ops.traits import Traits

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

# ---------------------------------------------------------------------- sources


def _tensors(xp: Arrays, *components: Array) -> Elements:
    """One element: the tensors."""
    del xp
    return Elements(lambda _: [components], 1)


def _slices(xp: Arrays, *components: Array) -> Elements:
    """An element for each row of the tensors."""
    del xp
    rows = {len(c) for c in components}
    if len(rows) > 1:
        raise invalid_argument(f"Dimensions of the components differ: {sorted(rows)}")
    return Elements(lambda _: zip(*components, strict=True), min(rows))


def _range(xp: Arrays, start: Array, stop: Array, step: Array) -> Elements:
    """Numbers from `start` to below `stop`."""
    del xp
    if not step:
        raise invalid_argument("step must be a non-zero integer.")
    numbers = range(int(start), int(stop), int(step))
    return Elements(lambda _: ((np.int64(i),) for i in numbers), len(numbers))


declare("TensorDataset", _tensors, traits=Traits(keeps=True))
declare("TensorSliceDataset", _slices, traits=Traits(keeps=True))
declare("RangeDataset", _range)

# ---------------------------------------------------------------------- of another


def _repeat(xp: Arrays, input_dataset: Elements, count: Array) -> Elements:
    """The elements `count` times; for ever where it is negative."""
    del xp
    times = int(count)
    fused = input_dataset.repeated
    plain = _repeated(input_dataset, times)
    if fused is None:
        return plain
    other = fused(times)

    def start(scope: Scope) -> Iterator[Element]:
        if "shuffle_and_repeat_fusion" in scope.optimizations:
            return other.begin(scope)
        return plain.begin(scope)

    return Elements(start, plain.count)


def _repeated(dataset: Elements, times: int) -> Elements:
    def start(scope: Scope) -> Iterator[Element]:
        within = scope.at("Repeat")
        left = times
        if times == 0:
            return iter(())
        source, empty = dataset.begin(within), True

        def draw() -> Element:
            nonlocal source, empty, left
            while True:
                for element in source:
                    empty = False
                    return element
                left -= 1
                if left == 0 or empty:
                    left = 1
                    raise StopIteration
                source, empty = dataset.begin(within), True

        return drawn(draw)

    return Elements(start, repeated_count(dataset.count, times))


def _take(xp: Arrays, input_dataset: Elements, count: Array) -> Elements:
    """The first elements; all where `count` is negative."""
    del xp
    most = int(count)

    def start(scope: Scope) -> Iterator[Element]:
        source, left = input_dataset.begin(scope.at("Take")), most

        def draw() -> Element:
            nonlocal left
            if left == 0:
                raise StopIteration
            element = next(source)
            left -= 1
            return element

        return drawn(draw)

    known = input_dataset.count
    if known != UNKNOWN:
        # all that there are count as endless, for TensorFlow
        known = most if known == INFINITE else min(known, most)
    return Elements(start, known)


def _skip(xp: Arrays, input_dataset: Elements, count: Array) -> Elements:
    """The elements without the first; none where `count` is negative."""
    del xp
    first, known = int(count), input_dataset.count
    if first < 0:
        return Elements(lambda _: (), min(known, 0) if known != INFINITE else 0)

    def start(scope: Scope) -> Iterator[Element]:
        source, left = input_dataset.begin(scope.at("Skip")), first

        def draw() -> Element:
            nonlocal left
            while left:
                next(source)
                left -= 1
            return next(source)

        return drawn(draw)

    return Elements(start, known if known < 0 else max(known - first, 0))


def _shard(
    xp: Arrays,
    input_dataset: Elements,
    num_shards: Array,
    index: Array,
    *,
    require_non_empty: bool,
) -> Elements:
    """Every `num_shards`-th element, from the one with the number `index` on."""
    del xp, require_non_empty
    if num_shards < 1:
        raise invalid_argument(
            "Number of shards must be greater than zero (currently num_shards = "
            f"{num_shards})."
        )
    if not 0 <= index < num_shards:
        raise invalid_argument(
            f"Index must be between 0 and {num_shards - 1} (currently index = {index})."
        )
    first, step = int(index), int(num_shards)

    def start(scope: Scope) -> Iterator[Element]:
        source, place = input_dataset.begin(scope.at("Shard")), 0

        def draw() -> Element:
            nonlocal place
            while True:
                element = next(source)
                place += 1
                if (place - 1) % step == first:
                    return element

        return drawn(draw)

    known = input_dataset.count
    if known >= 0:
        known = known // step + (first < known % step)
    return Elements(start, known)


def _concatenate(
    xp: Arrays, input_dataset: Elements, another_dataset: Elements
) -> Elements:
    """The elements of one, then those of the other."""
    del xp
    parts = (input_dataset, another_dataset)
    counts = [part.count for part in parts]
    known = min(counts) if min(counts) < 0 else sum(counts)
    if INFINITE in counts:
        known = INFINITE

    def start(scope: Scope) -> Iterator[Element]:
        return itertools.chain.from_iterable(
            part.begin(scope.at(f"Concatenate[{i}]")) for i, part in enumerate(parts)
        )

    return Elements(start, known)


def _zip(xp: Arrays, *input_datasets: Elements) -> Elements:
    """Elements side by side, until one dataset ends."""
    del xp

    def start(scope: Scope) -> Iterator[Element]:
        sources = [
            part.begin(scope.at(f"Zip[{i}]")) for i, part in enumerate(input_datasets)
        ]
        return map(_joined, *sources)

    counts = [part.count for part in input_datasets]
    finite = [count for count in counts if count != INFINITE]
    known = UNKNOWN if UNKNOWN in counts else min(finite, default=INFINITE)
    return Elements(start, known)


def _joined(*parts: Element) -> Element:
    return tuple(itertools.chain(*parts))


declare("RepeatDataset", _repeat)
declare("TakeDataset", _take)
declare("SkipDataset", _skip)
declare("ShardDataset", _shard)
declare("ConcatenateDataset", _concatenate)
declare("ZipDataset", _zip)

# ------------------------------------------------------------- how they are run


def _optimize(
    xp: Arrays,
    input_dataset: Elements,
    optimizations: Array,
    *,
    optimization_configs: Iterable[object],
) -> Elements:
    """The same elements; where a shuffled dataset is repeated, both are done in one."""
    del xp, optimization_configs
    names = [text_of(name) for name in np.asarray(optimizations, object).ravel()]
    return Elements(
        lambda scope: input_dataset.begin(scope.optimized(names)), input_dataset.count
    )


def _same(xp: Arrays, input_dataset: Elements, *unused: object) -> Elements:
    """The same elements."""
    del xp, unused
    return input_dataset


def _slow(xp: Arrays, input_dataset: Elements, sleep_microseconds: Array) -> Elements:
    """The same elements, each after a time."""
    del xp
    import time

    def start(scope: Scope) -> Iterator[Element]:
        source = input_dataset.begin(scope.at("Sleep"))

        def draw() -> Element:
            time.sleep(int(sleep_microseconds) / 1e6)
            return next(source)

        return drawn(draw)

    return Elements(start, input_dataset.count)


declare("OptimizeDataset", _optimize)
for _name in (
    "ModelDataset",
    "MaxIntraOpParallelismDataset",
    "ExperimentalMaxIntraOpParallelismDataset",
    "PrivateThreadPoolDataset",
    "ExperimentalPrivateThreadPoolDataset",
    "NonSerializableDataset",
    "ExperimentalNonSerializableDataset",
    "AutoShardDataset",
    "ExperimentalAutoShardDataset",
    "WrapDatasetVariant",
    "UnwrapDatasetVariant",
    # the order of transformations, which these check, is never changed here
    "AssertNextDataset",
    "ExperimentalAssertNextDataset",
):
    declare(_name, _same)
declare("SleepDataset", _slow)
declare("ExperimentalSleepDataset", _slow)


def _cardinality(xp: Arrays, input_dataset: Elements) -> np.int64:
    """How many elements there are: −1 without end, −2 where that is not known."""
    del xp
    return np.int64(input_dataset.count)


for _name in ("DatasetCardinality", "ExperimentalDatasetCardinality"):
    op(_name, infer=scalar, host=True, pure=False)(_cardinality)
