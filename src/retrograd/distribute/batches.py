"""Batches for replicas: a dataset whose batches are shared out, and its iterators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.data import iterator as iterators
from retrograd.distribute.values import regroup
from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies
from retrograd.nest import flatten

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.distribute.extended import StrategyExtendedV1


class DistributedIterator(iterators.PythonIterator):
    """Takes an element for each replica at a time.

    Args:
      extended: the strategy's side for libraries.
      dataset: gives the elements, one replica's after the other's.
    """

    def __init__(self, extended: StrategyExtendedV1, dataset: DatasetV2) -> None:
        self._device_map = extended._device_map
        self._dataset = dataset
        self._eager = context.executing_eagerly()
        make = iterators.IteratorV2 if self._eager else iterators.initializable
        self._iterator: Any = make(dataset)

    def get_next(self, name: str | None = None) -> Any:
        """The structure of an element, with a value for each replica.

        Raises:
          OutOfRangeError: there are no elements left; in a graph, when it is run.
        """
        parts: list[Any] = []
        for _ in range(self._device_map.num_replicas_in_graph):
            # replicas get their elements in order
            before = flatten(parts[-1])[:1] if parts else []
            with control_dependencies(before):
                parts.append(self._iterator.get_next(name))
        return regroup(self._device_map, tuple(parts))

    def initialize(self) -> list[Any]:
        """Go to the first element: what to run for that, nothing where it is done."""
        if self._eager:
            self._iterator = iterators.IteratorV2(self._dataset)
            return []
        return [self._iterator.initializer]

    @property
    def initializer(self) -> list[Any]:
        """The operations that go to the first element."""
        return self.initialize()

    @property
    def output_classes(self) -> Any:
        """The Python types of an element's parts."""
        return self._iterator.output_classes

    @property
    def output_shapes(self) -> Any:
        """The static shapes of one replica's tensors."""
        return self._iterator.output_shapes

    @property
    def output_types(self) -> Any:
        """The dtypes of an element's tensors."""
        return self._iterator.output_types


class DistributedDataset:
    """A dataset that gives an element for each replica at a time.

    Args:
      extended: the strategy's side for libraries.
      dataset: gives the elements, one replica's after the other's.
    """

    def __init__(self, extended: StrategyExtendedV1, dataset: DatasetV2) -> None:
        self._extended = extended
        self._dataset = dataset

    def __iter__(self) -> DistributedIterator:
        if not context.executing_eagerly():
            raise RuntimeError(
                "__iter__() is only supported inside of tf.function or when eager "
                "execution is enabled."
            )
        return DistributedIterator(self._extended, self._dataset)

    def make_initializable_iterator(self) -> DistributedIterator:
        """An iterator that begins when its initializer is run."""
        return DistributedIterator(self._extended, self._dataset)

    def make_one_shot_iterator(self) -> DistributedIterator:
        """An iterator; in a graph its initializer has to be run."""
        return DistributedIterator(self._extended, self._dataset)
