"""Running totals along an axis: sums, products, log-sum-exps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, TensorLike


def cumsum(
    x: TensorLike,
    axis: AxisLike = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Running sums along `axis`.

    Args:
      x: numbers.
      axis: the axis to go along.
      exclusive: whether an element is left out of its own sum.
      reverse: whether to begin at the end.
      name: the name of the operation.
    """
    with name_scope(name, "Cumsum", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return F.Cumsum(x, axis, exclusive=exclusive, reverse=reverse, name=scope)


def cumprod(
    x: TensorLike,
    axis: AxisLike = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Running products along `axis`; arguments as for `cumsum`."""
    with name_scope(name, "Cumprod", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return F.Cumprod(x, axis, exclusive=exclusive, reverse=reverse, name=scope)


def cumulative_logsumexp(
    x: TensorLike,
    axis: AxisLike = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Running log Σ exp along `axis`; arguments as for `cumsum`."""
    with name_scope(name, "CumulativeLogsumexp", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return F.CumulativeLogsumexp(
            x, axis, exclusive=exclusive, reverse=reverse, name=scope
        )
