"""Arrays of labels and of numbers, made ready for models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike


def to_categorical(
    y: ArrayLike, num_classes: int | None = None, dtype: DTypeLike = "float32"
) -> np.ndarray:
    """Classes as unit vectors.

    Args:
      y: numbers of classes, of any shape; a last dimension of one is left out.
      num_classes: how many there are; by default one more than the largest.
      dtype: of the result.

    Raises:
      IndexError: a class is not below `num_classes`.
    """
    classes = np.array(y, dtype="int")
    sizes = classes.shape
    if len(sizes) > 1 and sizes[-1] == 1:
        sizes = sizes[:-1]
    classes = classes.ravel()
    if not num_classes:
        num_classes = int(np.max(classes)) + 1
    found = np.zeros((classes.shape[0], num_classes), dtype=dtype)
    found[np.arange(classes.shape[0]), classes] = 1
    return np.reshape(found, (*sizes, num_classes))


def normalize(x: ArrayLike, axis: int = -1, order: int = 2) -> np.ndarray:
    """An array whose norms along an axis are one; zeros stay.

    Args:
      x: the array.
      axis: the axis.
      order: of the norm.
    """
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return np.asarray(x) / np.expand_dims(norms, axis)
