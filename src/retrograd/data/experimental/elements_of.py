"""What is taken out of datasets and iterators: one element, how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.data import elements
from retrograd.data.base import DatasetBase
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor

INFINITE = INFINITE_CARDINALITY = -1
UNKNOWN = UNKNOWN_CARDINALITY = -2
AUTOTUNE = -1


def cardinality(dataset: DatasetBase) -> Tensor:
    """How many elements a dataset has, an int64 scalar.

    It is `INFINITE_CARDINALITY` without an end, `UNKNOWN_CARDINALITY` where that is not
    known.
    """
    return F.DatasetCardinality(dataset._variant_tensor)


def get_single_element(dataset: DatasetBase) -> Any:
    """The only element of a dataset.

    Raises:
      TypeError: it is no dataset.
      InvalidArgumentError: (when run) it has none, or more than one.
    """
    if not isinstance(dataset, DatasetBase):
        raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
    specs = dataset.element_spec
    found = F.DatasetToSingleElement(
        dataset._variant_tensor, **elements.attrs_of(specs)
    )
    return elements.packed(specs, found)
