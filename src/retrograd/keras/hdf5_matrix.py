"""A part of an array in an HDF5 file, which is read as it is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np


class HDF5Matrix:
    """Rows of a dataset of an HDF5 file, for use in place of an array.

    Args:
      datapath: the file.
      dataset: the name of the dataset.
      start, end: which rows; by default all.
      normalizer: a function of what is read.

    Raises:
      ImportError: h5py is not installed.
    """

    #: the files that are open
    refs: ClassVar[dict[str, Any]] = defaultdict(int)

    def __init__(
        self,
        datapath: str,
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable[[Any], Any] | None = None,
    ) -> None:
        try:
            import h5py
        except ImportError:
            raise ImportError(
                "The use of HDF5Matrix requires HDF5 and h5py installed."
            ) from None
        if datapath not in self.refs:
            self.refs[datapath] = h5py.File(datapath, "r")
        self.data = self.refs[datapath][dataset]
        self.start = start
        self.end = self.data.shape[0] if end is None else end
        self.normalizer = normalizer

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        """The rows of a number, a slice, a list or an array of numbers.

        Raises:
          IndexError: one is past the end.
        """
        where: Any
        if isinstance(key, slice):
            start, stop = key.start or 0, key.stop
            stop = len(self) if stop is None else stop
            self._require(stop + self.start <= self.end)
            where = slice(start + self.start, stop + self.start)
        elif isinstance(key, (int, np.integer)):
            self._require(key + self.start < self.end)
            where = key + self.start
        elif isinstance(key, (list, np.ndarray)):
            rows = np.asarray(key) + self.start
            self._require(rows.size == 0 or rows.max() < self.end)
            where = rows.tolist()
        else:
            raise IndexError
        found = self.data[where]
        return found if self.normalizer is None else self.normalizer(found)

    def _require(self, holds: bool) -> None:
        if not holds:
            raise IndexError

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of all rows."""
        return (len(self), *self.data.shape[1:])

    @property
    def dtype(self) -> Any:
        """The dtype of the dataset."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """How many elements there are."""
        return int(np.prod(self.shape))
