"""The seeds of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.declare import F
from retrograd.ops.random import seeds

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def get_seed(seed: TensorLike | None) -> tuple[Any, Any]:
    """The two seeds of a dataset, as tensors; both are 0 where nobody chose one."""
    first, second = seeds.get_seed(seed)  # pyright: ignore[reportArgumentType]
    one = convert_to_tensor(0 if first is None else first, dtypes.int64, "seed")
    if second is None:
        return one, convert_to_tensor(0, dtypes.int64, "seed2")
    # TensorFlow's operations, as seeds of others count them
    with name_scope("seed2") as scope:
        two = convert_to_tensor(second, dtypes.int64)
        none = F.LogicalAnd(F.Equal(one, 0), F.Equal(two, 0))
        most = convert_to_tensor(2**31 - 1, dtypes.int64)
        return one, F.Select(none, most, two, name=scope)
