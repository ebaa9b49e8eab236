"""What gives the tensors of an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class DataProvider:
    """Gives tensors by name, another example in each run.

    Args:
      items_to_tensors: the tensors.
      num_samples: how many examples there are.
    """

    def __init__(self, items_to_tensors: Mapping[str, Any], num_samples: int) -> None:
        self._items_to_tensors = items_to_tensors
        self._num_samples = num_samples

    def get(self, items: Sequence[str]) -> list[Any]:
        """The tensors of some names.

        Args:
          items: the names.

        Raises:
          ValueError: there is no such one.
        """
        self._validate_items(items)
        return [self._items_to_tensors[item] for item in items]

    def list_items(self) -> Any:
        """The names of all."""
        return self._items_to_tensors.keys()

    def num_samples(self) -> int:
        """How many examples there are."""
        return self._num_samples

    def _validate_items(self, items: Sequence[str]) -> None:
        if not isinstance(items, list | tuple):
            raise ValueError("items must be a list or tuple")
        valid = self.list_items()
        for item in items:
            if item not in valid:
                raise ValueError(
                    f"Item [{item}] is invalid. Valid entries include: {valid}"
                )
