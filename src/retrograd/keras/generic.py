"""Small functions that programs take from Keras' utilities."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.layers import serialization

if TYPE_CHECKING:
    from retrograd.typing import Named


def serialize_keras_object(instance: Named) -> Any:
    """A name, or a class's name with its configuration; None for None.

    Raises:
      ValueError: the object has neither.
    """
    return serialization.serialize(instance)


def deserialize_keras_object(
    identifier: Named,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that a name or a configuration stands for.

    Args:
      identifier: a name, or a dict with `class_name` and `config`.
      module_objects: the objects by their names.
      custom_objects: the program's own.
      printable_module_name: what is looked for, for errors.

    Raises:
      ValueError: there is none of that name.
    """
    return serialization.deserialize(
        identifier, module_objects, custom_objects, printable_module_name
    )


def has_arg(fn: Callable[..., Any], name: str, accept_all: bool = False) -> bool:
    """Whether a function has a parameter; `accept_all`: or takes any by name."""
    spec = inspect.getfullargspec(fn)
    if accept_all and spec.varkw is not None:
        return True
    return name in spec.args or name in spec.kwonlyargs


def to_list(x: Any) -> list[Any]:
    """A list as it is, anything else in one."""
    return x if isinstance(x, list) else [x]


def is_all_none(structure: Any) -> bool:
    """Whether a value, or all of a list's or a tuple's, are None."""
    values = structure if isinstance(structure, (list, tuple)) else [structure]
    return all(value is None for value in values)


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """Where batches of so many samples begin and end."""
    return [(i, min(size, i + batch_size)) for i in range(0, size, batch_size)]


def slice_arrays(arrays: Any, start: Any = None, stop: int | None = None) -> Any:
    """Some rows of an array, or of each of a list.

    Args:
      arrays: the arrays; None stays.
      start: the first row, or a list of rows.
      stop: the row after the last one.

    Raises:
      ValueError: a list of rows, and `stop`.
    """
    if arrays is None:
        return [None]
    if isinstance(start, list) and stop is not None:
        raise ValueError(
            "The stop argument has to be None if the value of start is a list."
        )
    if hasattr(start, "__len__"):
        rows = start.tolist() if isinstance(start, np.ndarray) else start
    else:
        rows = slice(start, stop)
    if isinstance(arrays, list):
        return [None if x is None else x[rows] for x in arrays]
    return arrays[rows] if hasattr(arrays, "__getitem__") else [None]
