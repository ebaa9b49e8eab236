"""What scikit-learn has dropped: `cross_validation`, `Imputer`, `linear_assignment`.

The classes of `cross_validation` took what is to be split first and were iterated over;
those of `model_selection`, which do the work, are asked to split.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import model_selection
from sklearn.impute import SimpleImputer
from sklearn.model_selection import (  # noqa: F401  names of cross_validation
    check_cv,
    cross_val_predict,
    cross_val_score,
    permutation_test_score,
    train_test_split,
)

if TYPE_CHECKING:
    from retrograd.typing import Array

Seed = int | np.random.RandomState | None


class _Splits:
    """Pairs of training and test indices.

    Args:
      splitter: of `model_selection`.
      y: for each sample its class, or its number.
    """

    def __init__(self, splitter: Any, y: Array) -> None:
        self._splitter, self._y = splitter, np.asarray(y)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return self._splitter.split(np.zeros(len(self._y)), self._y)

    def __len__(self) -> int:
        return self._splitter.get_n_splits(self._y, self._y)


class KFold(_Splits):
    """`n_folds` parts of `n` samples, each the test set once."""

    def __init__(
        self,
        n: int,
        n_folds: int = 3,
        shuffle: bool = False,
        random_state: Seed = None,
    ) -> None:
        folds = _folds(model_selection.KFold, n_folds, shuffle, random_state)
        super().__init__(folds, np.arange(n))


class StratifiedKFold(_Splits):
    """The same, with as many samples of each class of `y` in each part."""

    def __init__(
        self,
        y: Array,
        n_folds: int = 3,
        shuffle: bool = False,
        random_state: Seed = None,
    ) -> None:
        folds = _folds(model_selection.StratifiedKFold, n_folds, shuffle, random_state)
        super().__init__(folds, y)


class ShuffleSplit(_Splits):
    """`n_iter` random test sets of `n` samples."""

    def __init__(
        self,
        n: int,
        n_iter: int = 10,
        test_size: float = 0.1,
        train_size: float | None = None,
        random_state: Seed = None,
    ) -> None:
        splits = model_selection.ShuffleSplit(
            n_iter,
            test_size=test_size,
            train_size=train_size,
            random_state=random_state,
        )
        super().__init__(splits, np.arange(n))


class StratifiedShuffleSplit(_Splits):
    """The same, with each class of `y` in proportion."""

    def __init__(
        self,
        y: Array,
        n_iter: int = 10,
        test_size: float = 0.1,
        train_size: float | None = None,
        random_state: Seed = None,
    ) -> None:
        splits = model_selection.StratifiedShuffleSplit(
            n_iter,
            test_size=test_size,
            train_size=train_size,
            random_state=random_state,
        )
        super().__init__(splits, y)


class LeaveOneOut(_Splits):
    """Each of `n` samples is the test set once."""

    def __init__(self, n: int) -> None:
        super().__init__(model_selection.LeaveOneOut(), np.arange(n))


def _folds(splitter: Any, n_folds: int, shuffle: bool, random_state: Seed) -> Any:
    # today's classes refuse a seed that nothing uses
    return splitter(
        n_folds, shuffle=shuffle, random_state=random_state if shuffle else None
    )


class Imputer(SimpleImputer):
    """`sklearn.preprocessing.Imputer`: missing numbers from their column or row."""

    def __init__(
        self,
        missing_values: float | str = "NaN",
        strategy: str = "mean",
        axis: int = 0,
        verbose: int = 0,
        copy: bool = True,
    ) -> None:
        given: Any = np.nan if missing_values == "NaN" else missing_values
        super().__init__(missing_values=given, strategy=strategy, copy=copy)
        self.axis, self.verbose = axis, verbose

    def fit(self, X: Any, y: Any = None) -> Imputer:
        """See `SimpleImputer.fit`."""
        super().fit(np.transpose(X) if self.axis else X, y)
        return self

    def transform(self, X: Any) -> Any:
        """See `SimpleImputer.transform`."""
        if self.axis:
            filled: Any = super().transform(np.transpose(X))
            return np.transpose(filled)
        return super().transform(X)


def linear_assignment(X: Array) -> np.ndarray:
    """Pairs of rows and columns of a cost matrix with the least sum."""
    from scipy.optimize import linear_sum_assignment

    return np.transpose(linear_sum_assignment(X))
