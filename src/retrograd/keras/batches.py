"""Where the batches of `fit` and its kin come from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrograd import nest
from retrograd.data.dataset import DatasetV2
from retrograd.data.experimental.elements_of import INFINITE, UNKNOWN, cardinality
from retrograd.data.iterator import Iterator as GraphIterator
from retrograd.errors import OutOfRangeError
from retrograd.graph import context
from retrograd.graph.tensor import Tensor
from retrograd.layers.values import get_session

if TYPE_CHECKING:
    from retrograd.keras.model import Model


class Batch(NamedTuple):
    """What one step is given.

    Attributes:
      x, y, weights: arrays; None in `weights` where samples count alike.
      size: the number of samples.
    """

    x: list[Any]
    y: list[Any]
    weights: list[Any]
    size: int


class Arrays:
    """Batches of arrays.

    Args:
      x, y, weights: arrays with as many samples each.
      batch_size: the number of samples in a batch; the last may be smaller.
      shuffle: whether each epoch has another order; `batch` keeps batches together.
      steps: how many times all samples are a single step, in place of batches.
    """

    def __init__(
        self,
        x: Sequence[Any],
        y: Sequence[Any],
        weights: Sequence[Any],
        batch_size: int,
        shuffle: bool | str = False,
        steps: int | None = None,
    ) -> None:
        self.lists = list(x), list(y), list(weights)
        every = [a for values in self.lists for a in values if a is not None]
        self.samples: int | None = len(every[0]) if every else None
        self.batch_size, self.shuffle, self.steps = batch_size, shuffle, steps
        self.counts_samples = steps is None

    @property
    def size(self) -> int | None:
        """How many steps or samples an epoch has."""
        return self.samples if self.counts_samples else self.steps

    def epoch(self) -> Iterator[Batch]:
        """The batches of an epoch."""
        count = self.samples or 0
        if self.steps is not None:
            for _ in range(self.steps):
                yield Batch(*self.lists, count)
            return
        order = self._order()
        for start in range(0, count, self.batch_size):
            chosen: Any = slice(start, min(start + self.batch_size, count))
            size = chosen.stop - start
            if order is not None:
                chosen = order[chosen]
            x, y, weights = (self._part(values, chosen) for values in self.lists)
            yield Batch(x, y, weights, size)

    def _part(self, values: Sequence[Any], chosen: Any) -> list[Any]:
        return [None if x is None else _rows(x, chosen) for x in values]

    def _order(self) -> np.ndarray | None:
        """The order of an epoch, None where it is that of the arrays."""
        if not self.shuffle:
            return None
        order = np.arange(self.samples or 0)
        if self.shuffle == "batch":
            whole = len(order) // self.batch_size * self.batch_size
            in_batches = order[:whole].reshape(-1, self.batch_size)
            np.random.shuffle(in_batches)
        else:
            np.random.shuffle(order)
        return order

    def close(self) -> None:
        """Nothing is held."""


def _rows(values: Any, chosen: Any) -> Any:
    """Some rows of an array, or of a sparse matrix, which becomes dense."""
    if hasattr(values, "toarray"):
        return values[chosen].toarray()
    if isinstance(chosen, np.ndarray) and not isinstance(values, np.ndarray):
        return np.asarray(values)[chosen]
    return values[chosen]


class Elements:
    """Batches that come one by one, each a tuple of x, y and weights.

    Args:
      draw: makes an iterator over elements; for an epoch, or all.
      prepare: makes a batch of an element.
      steps: how many an epoch has; None to go on until the end.
      anew: whether each epoch begins again.
      ends_text: what is warned of where elements end too early.
    """

    counts_samples = False
    samples: int | None = None

    def __init__(
        self,
        draw: Callable[[], Iterator[Any]],
        prepare: Callable[[Any], Batch],
        steps: int | None,
        anew: bool,
        ends_text: str = "",
    ) -> None:
        self.draw, self.prepare, self.steps, self.anew = draw, prepare, steps, anew
        self.ends_text = ends_text
        self._elements: Iterator[Any] | None = None
        #: whether `fit` says how many there are: not of what a generator gives
        self.announced = True
        #: whether the elements have come to their end before the steps did
        self.ended = False

    @property
    def size(self) -> int | None:
        """How many steps an epoch has, None where that is not known yet."""
        return self.steps

    def epoch(self) -> Iterator[Batch]:
        """The batches of an epoch."""
        if self._elements is None or self.anew:
            self._elements = self.draw()
        done = 0
        while self.steps is None or done < self.steps:
            try:
                element = next(self._elements)
            except (StopIteration, OutOfRangeError):
                if self.steps is not None and not self.anew:
                    self.ended = True
                    logging.getLogger("tensorflow").warning(self.ends_text)
                elif self.steps is None:
                    self.steps = done
                return
            yield self.prepare(element)
            done += 1

    def close(self) -> None:
        """Let go of what the elements come from."""
        close: Any = getattr(self._elements, "close", None)
        if close is not None:
            close()


def is_dataset(value: object) -> bool:
    """Whether a value is a dataset, or an iterator over one."""
    return isinstance(value, DatasetV2) or _is_iterator(value)


def _is_iterator(value: object) -> bool:
    return isinstance(value, GraphIterator) or hasattr(value, "_iterator_resource")


def elements_of_dataset(data: Any) -> Callable[[], Iterator[Any]]:
    """What draws the elements of a dataset as arrays."""

    def draw() -> Iterator[Any]:
        if context.executing_eagerly():
            for element in data:
                yield nest.map_structure(_array, element)
            return
        if isinstance(data, DatasetV2):
            iterator: Any = data.make_initializable_iterator()  # pyright: ignore[reportAttributeAccessIssue]
            get_session().run(iterator.initializer)
        else:
            iterator = data
        yield from values_of_tensors(iterator.get_next())

    return draw


def count_of_dataset(data: object, argument: str) -> int | None:
    """How many batches a dataset has, None where that is not known.

    Args:
      data: the dataset, or an iterator.
      argument: the argument that says how many of them are wanted.

    Raises:
      ValueError: it has no end.
    """
    if not isinstance(data, DatasetV2):
        return None
    found = cardinality(data)
    if not context.executing_eagerly():
        count = int(get_session().run(found))
    else:
        count = int(_array(found))
    if count == INFINITE:
        raise ValueError(
            "When passing an infinitely repeating dataset, you must specify the "
            f"`{argument}` argument."
        )
    return None if count == UNKNOWN else count


def values_of_tensors(tensors: Any) -> Iterator[Any]:
    """The values of tensors of a graph, again and again."""
    flat = nest.flatten(tensors)
    run: Any = None
    while True:
        if run is None:
            run = get_session().make_callable([x for x in flat if x is not None])
        found = iter(run())
        values = [None if x is None else next(found) for x in flat]
        yield nest.pack_sequence_as(tensors, values)


def _array(value: Any) -> Any:
    return value.numpy() if hasattr(value, "numpy") else value


def are_tensors(*lists: Sequence[Any]) -> bool:
    """Whether the data is in tensors of a graph."""
    return any(
        isinstance(x, Tensor) and not getattr(x, "_is_eager", False)
        for values in lists
        for x in values
    )


def check_element(element: Any) -> tuple[Any, Any, Any]:
    """The x, y and weights of an element; a single value is x.

    Raises:
      ValueError: a tuple of none or too many.
    """
    if not isinstance(element, tuple):
        return element, None, None
    if not 1 <= len(element) <= 3:
        raise ValueError(
            "Output of generator should be a tuple `(x, y, sample_weight)` or "
            f"`(x, y)`. Found: {element}"
        )
    return (*element, *[None] * (3 - len(element)))  # pyright: ignore[reportReturnType]


def batch_of(model: Model, element: Any, class_weight: Any = None) -> Batch:
    """An element as a batch for a model."""
    x, y, given = check_element(element)
    inputs, targets, weights = model._standardize(x, y, given, class_weight)
    size = next((np.shape(v)[0] for v in inputs if v is not None and np.ndim(v)), 1)
    return Batch(inputs, targets, weights, size)
