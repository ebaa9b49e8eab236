"""The checks of values and shapes with the arguments of TensorFlow 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.ops.host import checks, shape_checks

if TYPE_CHECKING:
    from retrograd.ops.host.shape_checks import Shapes
    from retrograd.typing import DTypeLike, TensorLike


Check = Callable[..., Any]


def _named(function: Check, check: Check) -> Check:
    function.__name__ = function.__qualname__ = f"{check.__name__}_v2"
    function.__doc__ = check.__doc__
    return function


def _of_two(check: Check) -> Check:
    def function(
        x: TensorLike,
        y: TensorLike,
        message: str | None = None,
        summarize: int | None = None,
        name: str | None = None,
    ) -> Any:
        return check(x, y, message=message, summarize=summarize, name=name)

    return _named(function, check)


def _of_one(check: Check) -> Check:
    def function(
        x: TensorLike,
        message: str | None = None,
        summarize: int | None = None,
        name: str | None = None,
    ) -> Any:
        return check(x, message=message, summarize=summarize, name=name)

    return _named(function, check)


assert_equal_v2 = _of_two(checks.assert_equal)
assert_less_v2 = _of_two(checks.assert_less)
assert_less_equal_v2 = _of_two(checks.assert_less_equal)
assert_greater_v2 = _of_two(checks.assert_greater)
assert_greater_equal_v2 = _of_two(checks.assert_greater_equal)
assert_negative_v2 = _of_one(checks.assert_negative)
assert_positive_v2 = _of_one(checks.assert_positive)
assert_non_negative_v2 = _of_one(checks.assert_non_negative)
assert_non_positive_v2 = _of_one(checks.assert_non_positive)


def assert_none_equal_v2(
    x: TensorLike,
    y: TensorLike,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """See `checks.assert_none_equal`."""
    return checks.assert_none_equal(x, y, None, summarize, message, name)


def assert_near_v2(
    x: TensorLike,
    y: TensorLike,
    rtol: TensorLike | None = None,
    atol: TensorLike | None = None,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """See `checks.assert_near`."""
    return checks.assert_near(x, y, rtol, atol, None, summarize, message, name)


def assert_rank_v2(
    x: TensorLike, rank: TensorLike, message: str | None = None, name: str | None = None
) -> Any:
    """See `shape_checks.assert_rank`."""
    return shape_checks.assert_rank(x, rank, message=message, name=name)


def assert_rank_at_least_v2(
    x: TensorLike, rank: TensorLike, message: str | None = None, name: str | None = None
) -> Any:
    """See `shape_checks.assert_rank_at_least`."""
    return shape_checks.assert_rank_at_least(x, rank, message=message, name=name)


def assert_rank_in_v2(
    x: TensorLike,
    ranks: Sequence[TensorLike],
    message: str | None = None,
    name: str | None = None,
) -> Any:
    """See `shape_checks.assert_rank_in`."""
    return shape_checks.assert_rank_in(x, ranks, message=message, name=name)


def assert_integer_v2(
    x: TensorLike, message: str | None = None, name: str | None = None
) -> None:
    """See `shape_checks.assert_integer`."""
    shape_checks.assert_integer(x, message, name)


def assert_type_v2(
    tensor: TensorLike,
    tf_type: DTypeLike,
    message: str | None = None,
    name: str | None = None,
) -> None:
    """See `shape_checks.assert_type`."""
    shape_checks.assert_type(tensor, tf_type, message, name)


def assert_scalar_v2(
    tensor: TensorLike, message: str | None = None, name: str | None = None
) -> None:
    """See `shape_checks.assert_scalar`."""
    shape_checks.assert_scalar(tensor, name, message)


def assert_shapes_v2(
    shapes: Shapes,
    data: Sequence[TensorLike] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> None:
    """See `shape_checks.assert_shapes`."""
    shape_checks.assert_shapes(shapes, data, summarize, message, name)
