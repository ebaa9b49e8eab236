"""Datasets of some elements of others: without failures or repetitions, chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.ops.data.elements import (
    Element,
    Elements,
    Scope,
    array_of,
    declare,
    drawn,
    invalid_argument,
)
from retrograd.ops.declare import op
from retrograd.ops.infer import from_attr_of_each

if TYPE_CHECKING:
    from retrograd.typing import Arrays


def _ignore_errors(xp: Arrays, input_dataset: Elements) -> Elements:
    """The elements that can be made."""
    del xp

    def start(scope: Scope) -> Iterator[Element]:
        source = input_dataset.begin(scope.at("IgnoreErrors"))

        def draw() -> Element:
            while True:
                try:
                    return next(source)
                except errors.OpError:
                    continue

        return drawn(draw)

    return Elements(start, input_dataset.count)


def _unique(xp: Arrays, input_dataset: Elements) -> Elements:
    """The elements that have not been there before."""
    del xp

    def start(scope: Scope) -> Iterator[Element]:
        source = input_dataset.begin(scope.at("Unique"))
        seen: set[Any] = set()

        def draw() -> Element:
            while True:
                element = next(source)
                value = array_of(element[0])
                key = (value.shape, tuple(value.reshape(-1).tolist()))
                if key not in seen:
                    seen.add(key)
                    return element

        return drawn(draw)

    return Elements(start)


def _directed(
    xp: Arrays, selector_input_dataset: Elements, *data_input_datasets: Elements
) -> Elements:
    """The next element of the dataset whose number another dataset gives."""
    del xp

    def start(scope: Scope) -> Iterator[Element]:
        name = "DirectedInterleave"
        selector = selector_input_dataset.begin(scope.at(name))
        sources: list[Iterator[Element] | None] = [
            dataset.begin(scope.at(f"{name}[{i}]"))
            for i, dataset in enumerate(data_input_datasets)
        ]

        def draw() -> Element:
            while any(source is not None for source in sources):
                (found,) = next(selector)
                number = int(found)
                if not 0 <= number < len(sources):
                    raise invalid_argument(
                        f"Selector index out of range: {number} >= {len(sources)}"
                    )
                chosen = sources[number]
                if chosen is None:
                    continue
                for element in chosen:
                    return element
                sources[number] = None
            raise StopIteration

        return drawn(draw)

    return Elements(start)


for _name, _kernel in {
    "IgnoreErrorsDataset": _ignore_errors,
    "ExperimentalIgnoreErrorsDataset": _ignore_errors,
    "UniqueDataset": _unique,
    "ExperimentalUniqueDataset": _unique,
    "DirectedInterleaveDataset": _directed,
    "ExperimentalDirectedInterleaveDataset": _directed,
}.items():
    declare(_name, _kernel)


def _fastest(xp: Arrays, *input_datasets: Elements, num_experiments: int) -> Elements:
    """The elements of the first of several datasets that have the same."""
    del xp, num_experiments
    return input_datasets[0]


declare("ChooseFastestDataset", _fastest)
declare("ExperimentalChooseFastestDataset", _fastest)


@op("DatasetToSingleElement", infer=from_attr_of_each, host=True, pure=False)
def _single(xp: Arrays, dataset: Elements) -> Any:
    """The only element of a dataset."""
    del xp
    source = iter(dataset)
    for element in source:
        found: Any = element
        for _ in source:
            raise invalid_argument("Dataset had more than one element.")
        return found if len(found) > 1 else found[0]
    raise invalid_argument("Dataset was empty.")
