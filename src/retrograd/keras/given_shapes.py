"""Shapes as programs give them: one, or several in lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from retrograd.shapes import TensorShape


def _is_one(value: Any) -> bool:
    if isinstance(value, TensorShape):
        return True
    return isinstance(value, (tuple, list)) and all(
        x is None or isinstance(x, int) or hasattr(x, "value") for x in value
    )


def shapes_of(value: Any) -> list[Any]:
    """The shapes in a structure of them."""
    if _is_one(value):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value
    return [shape for item in items for shape in shapes_of(item)]


def each_shape(value: Any, function: Callable[[Any], Any]) -> Any:
    """`function` of each shape in a structure of them."""
    if _is_one(value):
        return function(value)
    if isinstance(value, Mapping):
        return {key: each_shape(item, function) for key, item in value.items()}
    return [each_shape(item, function) for item in value]
