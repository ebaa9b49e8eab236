"""Functions of each element of tensors: arithmetic, comparison, rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.declare import F
from retrograd.ops.math import compare, elementwise, unary
from retrograd.ops.math.clip import clip_by_value

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import CompositeLike, Convertible, DTypeLike, TensorLike


def square(x: TensorLike) -> Tensor:
    """x²."""
    return F.Square(x)


def abs(x: CompositeLike) -> Any:
    """|x|."""
    return unary.abs(x)


def sqrt(x: Convertible) -> Tensor:
    """√x; zero where x is negative."""
    kind = x.dtype.base_dtype
    zero, infinity = (as_tensor(value, kind) for value in (0.0, float("inf")))
    return F.Sqrt(clip_by_value(x, zero, infinity))


def as_tensor(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """`x` as a tensor of a dtype."""
    return convert_to_tensor(x, dtype)


def exp(x: TensorLike) -> Tensor:
    """eˣ."""
    return F.Exp(x)


def log(x: TensorLike) -> Tensor:
    """The natural logarithm."""
    return F.Log(x)


def round(x: TensorLike) -> Tensor:
    """The nearest whole numbers; halves go to the even one."""
    return unary.round(x)


def sign(x: TensorLike) -> Tensor:
    """−1, 0 or 1."""
    return F.Sign(x)


def pow(x: TensorLike, a: TensorLike) -> Tensor:
    """xᵃ."""
    return elementwise.pow(x, a)


def clip(x: Convertible, min_value: Any, max_value: Any) -> Any:
    """x between two bounds; for None as the upper one there is none.

    An upper bound below the lower one counts as the lower one.
    """
    if (
        isinstance(min_value, (int, float))
        and isinstance(max_value, (int, float))
        and max_value < min_value
    ):
        max_value = min_value
    if max_value is None:
        max_value = float("inf")
    kind = x.dtype.base_dtype
    return clip_by_value(x, as_tensor(min_value, kind), as_tensor(max_value, kind))


def equal(x: TensorLike, y: TensorLike) -> Tensor:
    """Whether elements are equal."""
    return compare.equal(x, y)


def not_equal(x: TensorLike, y: TensorLike) -> Tensor:
    """Whether elements differ."""
    return compare.not_equal(x, y)


def greater(x: TensorLike, y: TensorLike) -> Tensor:
    """x > y."""
    return compare.greater(x, y)


def greater_equal(x: TensorLike, y: TensorLike) -> Tensor:
    """x ≥ y."""
    return compare.greater_equal(x, y)


def less(x: TensorLike, y: TensorLike) -> Tensor:
    """x < y."""
    return compare.less(x, y)


def less_equal(x: TensorLike, y: TensorLike) -> Tensor:
    """x ≤ y."""
    return compare.less_equal(x, y)


def maximum(x: TensorLike, y: TensorLike) -> Tensor:
    """The larger of two."""
    return elementwise.maximum(x, y)


def minimum(x: TensorLike, y: TensorLike) -> Tensor:
    """The smaller of two."""
    return elementwise.minimum(x, y)


def sin(x: TensorLike) -> Tensor:
    """The sine."""
    return F.Sin(x)


def cos(x: TensorLike) -> Tensor:
    """The cosine."""
    return F.Cos(x)
