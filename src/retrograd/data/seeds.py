"""The seeds of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
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
    if isinstance(first, int) and isinstance(second, int):
        two = 2**31 - 1 if first == second == 0 else second
        return one, convert_to_tensor(two, dtypes.int64, "seed2")
    two = convert_to_tensor(second, dtypes.int64, "seed2")
    none = F.LogicalAnd(F.Equal(one, 0), F.Equal(two, 0))
    most = convert_to_tensor(2**31 - 1, dtypes.int64)
    return one, F.Select(none, most, two, name="seed2")
