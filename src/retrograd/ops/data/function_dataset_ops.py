"""Datasets that functions of a program make of the elements of others."""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.ops.data.ahead import Prefetched, called_ahead
from retrograd.ops.data.batch_dataset_ops import in_whole_batches
from retrograd.ops.data.elements import (
    Element,
    Elements,
    Scope,
    declare,
    drawn,
    invalid_argument,
)
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import from_attr_of_each

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays

Function = Callable[..., Sequence[Any]]

# ---------------------------------------------------------------------- map, filter


def _map(
    xp: Arrays,
    input_dataset: Elements,
    *other_arguments: Array,
    f: Function,
    **unused: object,
) -> Elements:
    """What a function makes of each element."""
    del xp, unused
    return _mapped(input_dataset, other_arguments, f, 1)


def _parallel_map(
    xp: Arrays, input_dataset: Elements, *others: Array, f: Function, **unused: object
) -> Elements:
    """As `_map`; the last input says how many calls may be under way at a time."""
    del xp, unused
    return _mapped(input_dataset, others[:-1], f, _calls(others[-1]))


def _calls(given: Array) -> int:
    """How many calls may be under way at a time; −1 leaves it to the library."""
    if given < 1 and given != -1:
        raise invalid_argument("num_parallel_calls must be greater than zero.")
    return int(given)


def _mapped(
    dataset: Elements, others: Sequence[Array], f: Function, calls: int
) -> Elements:
    def call(element: Element) -> Element:
        return tuple(f(*element, *others))

    def start(scope: Scope) -> Iterator[Element]:
        return called_ahead(dataset.begin(scope.at("Map")), call, calls)

    return Elements(start, dataset.count, mapped=True)


def _filter(
    xp: Arrays,
    input_dataset: Elements,
    *other_arguments: Array,
    predicate: Function,
    **unused: object,
) -> Elements:
    """The elements for which a function gives True."""
    del xp, unused

    def start(scope: Scope) -> Iterator[Element]:
        source = input_dataset.begin(scope.at("Filter"))

        def draw() -> Element:
            while True:
                element = next(source)
                (chosen,) = predicate(*element, *other_arguments)
                if chosen:
                    return element

        return drawn(draw)

    return Elements(start)


def _take_while(
    xp: Arrays,
    input_dataset: Elements,
    *other_arguments: Array,
    predicate: Function,
    **unused: object,
) -> Elements:
    """The elements before the first for which a function gives False."""
    del xp, unused

    def start(scope: Scope) -> Iterator[Element]:
        source = input_dataset.begin(scope.at("TakeWhile"))

        def draw() -> Element:
            element = next(source)
            (chosen,) = predicate(*element, *other_arguments)
            if not chosen:
                raise StopIteration
            return element

        return drawn(draw)

    return Elements(start)


def _map_and_batch(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    f: Function,
    **unused: object,
) -> Elements:
    """What a function makes of each element, put together in batches."""
    del xp, unused
    *arguments, batch_size, num_parallel_calls, drop_remainder = others
    if batch_size < 1:
        raise invalid_argument("batch_size must be greater than zero.")
    made = _mapped(input_dataset, arguments, f, _calls(num_parallel_calls))
    return in_whole_batches(made, int(batch_size), bool(drop_remainder))


for _name, _kernel in {
    "MapDataset": _map,
    "ExperimentalMapDataset": _map,
    "ParallelMapDataset": _parallel_map,
    "FilterDataset": _filter,
    "TakeWhileDataset": _take_while,
    "ExperimentalTakeWhileDataset": _take_while,
    "MapAndBatchDataset": _map_and_batch,
    "ExperimentalMapAndBatchDataset": _map_and_batch,
}.items():
    declare(_name, _kernel)

# ---------------------------------------------------------------------- of datasets


def _flat_map(
    xp: Arrays,
    input_dataset: Elements,
    *other_arguments: Array,
    f: Function,
    **unused: object,
) -> Elements:
    """The elements of the datasets that a function makes, one after another."""
    del xp, unused

    def start(scope: Scope) -> Iterator[Element]:
        source = input_dataset.begin(scope.at("FlatMap"))
        inner: Iterator[Element] = iter(())
        place = itertools.count()

        def draw() -> Element:
            nonlocal inner
            while True:
                for element in inner:
                    return element
                element = next(source)
                (dataset,) = f(*element, *other_arguments)
                inner = dataset.begin(scope.at(f"FlatMap[{next(place)}]"))

        return drawn(draw)

    return Elements(start)


def _interleave(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    f: Function,
    **unused: object,
) -> Elements:
    """The elements of some datasets at a time, a block of each in turn."""
    del xp, unused
    *arguments, cycle, block = others
    return _interleaved(input_dataset, arguments, f, int(cycle), int(block))


def _parallel_interleave(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    f: Function,
    **unused: object,
) -> Elements:
    """As `_interleave`; elements are read ahead."""
    del xp, unused
    *arguments, cycle, block, calls = others
    _calls(calls)
    return _interleaved(input_dataset, arguments, f, int(cycle), int(block), ahead=True)


def _interleaved(
    dataset: Elements,
    arguments: Sequence[Array],
    f: Function,
    cycle: int,
    block: int,
    ahead: bool = False,
) -> Elements:
    if cycle == -1:
        cycle = len(os.sched_getaffinity(0))
    if cycle < 1:
        raise invalid_argument("cycle_length must be greater than zero.")
    if block < 1:
        raise invalid_argument("block_length must be greater than zero.")

    def start(scope: Scope) -> Iterator[Element]:
        source = dataset.begin(scope.at("Interleave"))
        number = itertools.count()

        def opened(element: Element) -> Iterator[Element]:
            (made,) = f(*element, *arguments)
            within = scope.at(f"Interleave[{next(number)}]")
            if ahead:
                return Prefetched(lambda: made.begin(within), block)
            return made.begin(within)

        return drawn(_Cycle(source, opened, cycle, block).draw)

    return Elements(start)


class _Cycle:
    """Goes through several sources in turn, `block` elements of each.

    A source that ends gives its place to the next one when its turn comes again.
    """

    def __init__(
        self,
        source: Iterator[Element],
        opened: Callable[[Element], Iterator[Element]],
        cycle: int,
        block: int,
    ) -> None:
        self._source, self._opened, self._block = source, opened, block
        self._open: list[Iterator[Element] | None] = [None] * cycle
        self._at = self._given = 0
        self._ended = False

    def draw(self) -> Element:
        """The next element."""
        while not self._ended or any(source is not None for source in self._open):
            current = self._open[self._at]
            if current is not None:
                for element in current:
                    self._given += 1
                    if self._given == self._block:
                        self._on()
                    return element
                self._open[self._at] = None
                self._on()
            elif not self._ended:
                try:
                    element = next(self._source)
                except StopIteration:
                    self._ended = True
                    continue
                self._open[self._at] = self._opened(element)
            else:
                self._on()
        raise StopIteration

    def _on(self) -> None:
        self._given = 0
        self._at = (self._at + 1) % len(self._open)


def _contrib_interleave(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    f: Function,
    **unused: object,
) -> Elements:
    """The older form of `_parallel_interleave`."""
    del xp, unused
    *arguments, cycle, block, _sloppy, buffered, prefetched = others
    for name, value, least in (
        ("cycle_length", cycle, 1),
        ("block_length", block, 1),
        ("buffer_output_elements", buffered, 1),
        ("prefetch_input_elements", prefetched, 0),
    ):
        if value < least:
            limit = "> 0" if least else ">= 0"
            raise invalid_argument(f"`{name}` must be {limit}")
    return _interleaved(input_dataset, arguments, f, int(cycle), int(block), ahead=True)


for _name, _kernel in {
    "FlatMapDataset": _flat_map,
    "InterleaveDataset": _interleave,
    "ParallelInterleaveDatasetV2": _parallel_interleave,
    "ParallelInterleaveDataset": _contrib_interleave,
    "ExperimentalParallelInterleaveDataset": _contrib_interleave,
}.items():
    declare(_name, _kernel)

# ---------------------------------------------------------------------- with a state


def _scan(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    f: Function,
    n: Operation,
    **unused: object,
) -> Elements:
    """What a function makes of a state and each element, besides the next state."""
    del xp, unused
    width = len(n.attrs["Tstate"])
    first, arguments = others[:width], others[width:]

    def start(scope: Scope) -> Iterator[Element]:
        source, state = input_dataset.begin(scope.at("Scan")), first

        def draw() -> Element:
            nonlocal state
            found = f(*state, *next(source), *arguments)
            state = tuple(found[:width])
            return tuple(found[width:])

        return drawn(draw)

    return Elements(start, input_dataset.count)


@op(
    "ReduceDataset",
    infer=from_attr_of_each,
    host=True,
    pure=False,
    grad=NOT_DIFFERENTIABLE,
)
def _reduce(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    f: Function,
    n: Operation,
    **unused: object,
) -> Any:
    """The state that is left when a function has taken all elements into it."""
    del xp, unused
    width = len(n.attrs["Tstate"])
    state, arguments = others[:width], others[width:]
    for element in input_dataset:
        state = tuple(f(*state, *element, *arguments))
    return state if width > 1 else state[0]


declare("ScanDataset", _scan)
declare("ExperimentalScanDataset", _scan)

# ---------------------------------------------------------------------- by keys


def _split(n: Operation, others: Sequence[Array], *names: str) -> list[Sequence[Any]]:
    """Arguments of several functions, each as many as an attribute has types."""
    rest = iter(others)
    return [list(itertools.islice(rest, len(n.attrs[name]))) for name in names]


def _group_by_window(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    key_func: Function,
    reduce_func: Function,
    window_size_func: Function,
    n: Operation,
    **unused: object,
) -> Elements:
    """What a function makes of a window of elements with one key."""
    del xp, unused
    for_key, for_reduce, for_size = _split(
        n,
        others,
        "Tkey_func_other_arguments",
        "Treduce_func_other_arguments",
        "Twindow_size_func_other_arguments",
    )

    def start(scope: Scope) -> Iterator[Element]:
        source = input_dataset.begin(scope.at("GroupByWindow"))
        groups: dict[int, list[Element]] = {}
        sizes: dict[int, int] = {}
        number = itertools.count()

        def made(key: int) -> Iterator[Element]:
            rows = groups.pop(key)
            window = Elements(lambda _: rows, len(rows))
            (dataset,) = reduce_func(np.int64(key), window, *for_reduce)
            return dataset.begin(scope.at(f"GroupByWindow[{next(number)}]"))

        for element in source:
            (found,) = key_func(*element, *for_key)
            key = int(found)
            if key not in sizes:
                (size,) = window_size_func(np.int64(key), *for_size)
                if size <= 0:
                    raise invalid_argument(
                        f"Window size must be greater than zero, but got {size}."
                    )
                sizes[key] = int(size)
            groups.setdefault(key, []).append(element)
            if len(groups[key]) == sizes[key]:
                yield from made(key)
        for key in sorted(groups):
            yield from made(key)

    return Elements(start)


def _group_by_reducer(
    xp: Arrays,
    input_dataset: Elements,
    *others: Array,
    key_func: Function,
    init_func: Function,
    reduce_func: Function,
    finalize_func: Function,
    n: Operation,
    **unused: object,
) -> Elements:
    """What a reducer makes of all elements with one key."""
    del xp, unused
    for_key, for_init, for_reduce, for_finalize = _split(
        n,
        others,
        "Tkey_func_other_arguments",
        "Tinit_func_other_arguments",
        "Treduce_func_other_arguments",
        "Tfinalize_func_other_arguments",
    )

    def start(scope: Scope) -> Iterator[Element]:
        states: dict[int, Sequence[Any]] = collections.OrderedDict()
        for element in input_dataset.begin(scope.at("GroupByReducer")):
            (found,) = key_func(*element, *for_key)
            key = int(found)
            if key not in states:
                states[key] = init_func(np.int64(key), *for_init)
            states[key] = reduce_func(*states[key], *element, *for_reduce)
        for key in sorted(states):
            yield tuple(finalize_func(*states[key], *for_finalize))

    return Elements(start)


for _name, _kernel in {
    "GroupByWindowDataset": _group_by_window,
    "ExperimentalGroupByWindowDataset": _group_by_window,
    "GroupByReducerDataset": _group_by_reducer,
    "ExperimentalGroupByReducerDataset": _group_by_reducer,
}.items():
    declare(_name, _kernel)

# ---------------------------------------------------------------------- generators


def _generator(
    xp: Arrays,
    *others: Array,
    init_func: Function,
    next_func: Function,
    finalize_func: Function,
    n: Operation,
    **unused: object,
) -> Elements:
    """What a function gives, of a state, until it raises OutOfRangeError."""
    del xp, unused
    for_init, for_next, for_finalize = _split(
        n, others, "Tinit_func_args", "Tnext_func_args", "Tfinalize_func_args"
    )
    return Elements(
        lambda _: _Generated(
            lambda: init_func(*for_init),
            lambda state: next_func(*state, *for_next),
            lambda state: finalize_func(*state, *for_finalize),
        )
    )


declare("GeneratorDataset", _generator)


class _Generated:
    """Goes through what functions generate, and tells them when it is done."""

    def __init__(
        self,
        init: Callable[[], Sequence[Any]],
        following: Callable[[Sequence[Any]], Sequence[Any]],
        finalize: Callable[[Sequence[Any]], object],
    ) -> None:
        self._init, self._next, self._finalize = init, following, finalize
        self._state: Sequence[Any] | None = None
        self._done = False

    def __iter__(self) -> _Generated:
        return self

    def __next__(self) -> Element:
        from retrograd.errors import OutOfRangeError

        if self._done:
            raise StopIteration
        if self._state is None:
            self._state = self._init()
        try:
            return tuple(self._next(self._state))
        except OutOfRangeError:
            self._end()
            raise StopIteration from None

    def _end(self) -> None:
        self._done = True
        if self._state is not None:
            self._finalize(self._state)

    def __del__(self) -> None:
        if not self._done and self._state is not None:
            # the graph that holds the functions may be gone before
            with contextlib.suppress(Exception):
                self._end()
