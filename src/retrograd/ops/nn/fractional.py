"""Fractional pooling: windows of two sizes, k and k + 1, in random order.

Graham, Fractional max-pooling (2014). The windows are drawn as TensorFlow 1.15 does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.ops.declare import F
from retrograd.ops.nn.conv import for_each_axis
from retrograd.ops.random.seeds import get_seed

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def fractional_max_pool(
    value: TensorLike,
    pooling_ratio: float | Sequence[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """The largest element of windows whose sizes are drawn at random.

    Args:
      value: [batch, height, width, channels].
      pooling_ratio: four numbers ≥ 1, by how much each axis shrinks; 1 for the batch
        and the channels.
      pseudo_random: follow a line with a random offset, instead of shuffling.
      overlapping: whether windows share their edges.
      deterministic: draw the same windows in each run.
      seed, seed2: the seeds, for `deterministic`.
      name: the name of the operation.

    Returns:
      output, and the edges of the windows: row_pooling_sequence and
      col_pooling_sequence, int64.
    """
    return F.FractionalMaxPool(
        value,
        pooling_ratio=pooling_ratio,
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )


def fractional_avg_pool(
    value: TensorLike,
    pooling_ratio: float | Sequence[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """The mean of windows of random sizes (see `fractional_max_pool`)."""
    return F.FractionalAvgPool(
        value,
        pooling_ratio=pooling_ratio,
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        deterministic=deterministic,
        seed=seed,
        seed2=seed2,
        name=name,
    )


def _seeded(seed: int) -> dict[str, Any]:
    """The attributes for one seed, 0 for none."""
    seed1, seed2 = get_seed(seed) if seed else (0, 0)
    return dict(deterministic=bool(seed), seed=seed1, seed2=seed2)


def fractional_max_pool_v2(
    value: TensorLike,
    pooling_ratio: float | Sequence[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Any:
    """As `fractional_max_pool`, with one seed; 0 draws anew in each run."""
    return F.FractionalMaxPool(
        value,
        pooling_ratio=for_each_axis(pooling_ratio, 2, 3, "pooling_ratio"),
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        name=name,
        **_seeded(seed),
    )


def fractional_avg_pool_v2(
    value: TensorLike,
    pooling_ratio: float | Sequence[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Any:
    """As `fractional_avg_pool`, with one seed; 0 draws anew in each run."""
    return F.FractionalAvgPool(
        value,
        pooling_ratio=pooling_ratio,
        pseudo_random=pseudo_random,
        overlapping=overlapping,
        name=name,
        **_seeded(seed),
    )
