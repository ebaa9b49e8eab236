"""Floats of two bytes: what is not computed with them is computed in float32."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

Taken = ParamSpec("Taken")
Found = TypeVar("Found")


def is_short_float(dtype: np.dtype) -> bool:
    """Say whether `dtype` is float16 or bfloat16."""
    return dtype.itemsize == 2 and dtype.kind not in "iu"


def in_float32(function: Callable[Taken, Found]) -> Callable[Taken, Found]:
    """Let a function of arrays take short floats, whose results it rounds once.

    Its first argument is an array, the dtype of which all its results have.
    """

    @functools.wraps(function)
    def run(*args: Taken.args, **named: Taken.kwargs) -> Found:
        first: Any = args[0]
        dtype = first.dtype
        if not is_short_float(dtype):
            return function(*args, **named)
        wide: Any = function
        found = wide(*map(_widened, args), **named)
        if isinstance(found, tuple):
            return tuple(f.astype(dtype) for f in found)  # pyright: ignore
        return found.astype(dtype)

    return run


def _widened(value: Any) -> Any:
    dtype = getattr(value, "dtype", None)
    if dtype is None or not is_short_float(dtype):
        return value
    return value.astype(np.float32)


def furthest(dtype: np.dtype, highest: bool) -> Any:
    """The highest or lowest finite number of a dtype of floats."""
    if is_short_float(dtype):
        from ml_dtypes import finfo
    else:
        finfo = np.finfo
    return dtype.type(finfo(dtype).max if highest else finfo(dtype).min)
