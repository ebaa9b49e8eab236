"""Sparse tensors as one value: what stands for them in the elements of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array


def pack(indices: Array, values: Array, dense_shape: Array) -> np.ndarray:
    """The parts of a sparse tensor as an array of three objects."""
    made = np.empty(3, object)
    made[0], made[1], made[2] = indices, np.asarray(values), dense_shape
    return made
