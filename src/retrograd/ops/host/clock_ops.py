"""Ops: the time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op
from retrograd.ops.infer import scalar

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


@op("Timestamp", infer=scalar, host=True, pure=False, grad=NOT_DIFFERENTIABLE)
def _timestamp(xp: Arrays) -> Array:
    """Seconds since 1970, to the microsecond."""
    del xp
    return np.array(time.time_ns() // 1000 / 1e6)


def timestamp(name: str | None = None) -> Tensor:
    """The time when it is run: seconds since 1970."""
    return F.Timestamp(name=name)
