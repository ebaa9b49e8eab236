"""Shapes as programs give them: one, or several in lists, tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from retrograd import shapes


def _is_size(value: object) -> bool:
    return value is None or isinstance(value, (int, shapes.Dimension))


def is_one(value: object) -> bool:
    """Whether this is one shape, or one of its sizes, rather than several shapes."""
    if isinstance(value, (list, tuple)):
        return all(_is_size(item) for item in value)
    return isinstance(value, shapes.TensorShape) or _is_size(value)


def each_shape(function: Callable[[Any], Any], value: Any) -> Any:
    """`function` of each shape in a structure; lists of sizes are shapes."""
    if is_one(value):
        return function(value)
    if isinstance(value, Mapping):
        return {key: each_shape(function, item) for key, item in value.items()}
    return type(value)(each_shape(function, item) for item in value)


def shapes_of(value: Any) -> list[Any]:
    """The shapes in a structure of them, in order."""
    found: list[Any] = []
    each_shape(found.append, value)
    return found


def as_shapes(value: Any) -> Any:
    """A structure of shapes with each as a TensorShape."""
    return each_shape(shapes.TensorShape, value)


def as_tuples(value: Any) -> Any:
    """A structure of shapes with each as a tuple."""
    return each_shape(lambda s: tuple(shapes.TensorShape(s).as_list()), value)
