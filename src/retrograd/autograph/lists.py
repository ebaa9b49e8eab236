"""Lists of converted code as lists of the graph."""

from __future__ import annotations

from typing import Any

from retrograd.autograph.state import is_dense


def stack(list_or_tensor: Any, element_dtype: Any = None, strict: bool = True) -> Any:
    """The elements of a list as one tensor.

    Raises:
      ValueError: with `strict`, it is no list.
    """
    del element_dtype
    if strict and not is_dense(list_or_tensor):
        raise ValueError(f"cannot stack {list_or_tensor}")
    return list_or_tensor
