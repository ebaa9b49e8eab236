"""What makes tensors of an example that was read."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor


class DataDecoder(abc.ABC):
    """Makes tensors of an example; subclasses say how."""

    @abc.abstractmethod
    def decode(self, data: Tensor, items: Sequence[str]) -> Any:
        """The tensors of what was read.

        Args:
          data: what was read.
          items: the names of those that are wanted.
        """

    @abc.abstractmethod
    def list_items(self) -> Any:
        """The names of what there is."""
