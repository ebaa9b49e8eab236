"""What a tensor has besides its value: a shape, a memory, a count of its changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array


class Size(tuple[int, ...]):
    """A shape: a tuple that prints as PyTorch's."""

    __slots__ = ()

    def numel(self) -> int:
        """How many elements there are."""
        return int(np.prod(self, dtype=np.int64))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


class Version:
    """Counts the in-place changes of a tensor, its views and its detached forms.

    Attributes:
      value: how many there were.
      title: what made the tensor, after the last of them; "" for nothing.
    """

    __slots__ = ("title", "value")

    def __init__(self) -> None:
        self.value = 0
        self.title = ""


class Storage:
    """The value that a tensor, its views, `detach()` and `.data` have in common.

    Attributes:
      value: the whole, as an array that is never written to.
      generation: how often it has been replaced.
    """

    __slots__ = ("generation", "value")

    def __init__(self, value: Array) -> None:
        self.value = value
        self.generation = 0
