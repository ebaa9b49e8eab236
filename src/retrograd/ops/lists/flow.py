"""What is one tensor while a body is traced: the base of TensorArrays."""

from __future__ import annotations

from typing import Self

from retrograd.graph.tensor import Tensor


class Flowing:
    """A value that loops, branches and functions carry as one tensor."""

    @property
    def flow(self) -> Tensor:
        """The tensor that it is carried as."""
        raise NotImplementedError

    def _with(self, flow: Tensor) -> Self:
        """One like it, with what another tensor holds."""
        raise NotImplementedError
