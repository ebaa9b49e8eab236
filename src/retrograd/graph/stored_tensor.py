"""The value of a tensor attribute that stays in its message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Message


class StoredTensor:
    """A tensor that is read from its message when it is first needed.

    A graph file may hold a constant that is far larger than its message, or that cannot
    be read at all. TensorFlow 1.15 takes it, and fails when it is run.

    Args:
      proto: the TensorProto.
      shape: its sizes.
      read: gives the array; raises an OpError where that cannot be done.
    """

    def __init__(
        self, proto: Message, shape: tuple[int, ...], read: Callable[[], np.ndarray]
    ) -> None:
        self.proto = proto
        self.shape = shape
        self._read = read
        self._array: np.ndarray | None = None

    def array(self) -> np.ndarray:
        """The value.

        Raises:
          OpError: the message cannot be read.
        """
        if self._array is None:
            self._array = self._read()
        return self._array
