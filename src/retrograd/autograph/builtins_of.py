"""Python's own functions, for tensors and datasets too."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from retrograd import dtypes
from retrograd.autograph.state import is_dense
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.array.fill import range_ as tensor_range
from retrograd.ops.declare import F
from retrograd.ops.host.printing import print_v2
from retrograd.ops.lists.tensor_array import TensorArray


def len_(s: Any) -> Any:
    """The length of something; of a tensor its first size.

    Raises:
      ValueError: a tensor without dimensions.
    """
    if isinstance(s, TensorArray):
        return s.size()
    if not is_dense(s):
        return len(s)
    s = convert_to_tensor(s)
    shape = s.shape
    if shape.ndims and shape.as_list()[0] is not None:
        return shape.as_list()[0]
    found = F.Shape(s)
    if shape.ndims == 0:
        raise ValueError(f"len requires a non-scalar tensor, got one of shape {found}")
    return found[0]


def abs_(x: Any) -> Any:
    """The absolute value."""
    return F.Abs(x) if is_dense(x) else abs(x)


def float_(x: Any = 0) -> Any:
    """A number; of a tensor another of dtype float32."""
    return _number(x, dtypes.float32) if is_dense(x) else float(x)


def int_(x: Any = 0, base: Any = None) -> Any:
    """An integer; of a tensor another of dtype int32.

    Raises:
      NotImplementedError: a tensor of numerals of another base than ten.
    """
    if not is_dense(x):
        return int(x) if base is None else int(x, base)
    if base not in (None, 10, ""):
        raise NotImplementedError(f"base {base} not supported for int")
    return _number(x, dtypes.int32)


def _number(x: Any, dtype: dtypes.DType) -> Any:
    x = convert_to_tensor(x)
    if x.dtype.base_dtype is dtypes.string:
        return F.StringToNumber(x, out_type=dtype)
    return x if x.dtype.base_dtype is dtype else F.Cast(x, DstT=dtype)


def print_(*objects: Any, **options: Any) -> Any:
    """Print; tensors are printed when the graph runs.

    Raises:
      ValueError: an option that `print` does not have.
    """
    unknown = tuple(set(options) - {"sep", "end", "file", "flush"})
    if unknown:
        raise ValueError(f"invalid keyword arguments: {unknown}")
    if any(map(is_dense, objects)) and not context.executing_eagerly():
        return print_v2(*objects, **{k: v for k, v in options.items() if k == "end"})
    return print(*objects, **options)


def range_(start_or_stop: Any, stop: Any = None, step: Any = None) -> Any:
    """A range; of tensors a tensor."""
    given = [v for v in (start_or_stop, stop, step) if v is not None]
    if not any(map(is_dense, given)):
        return range(*given)
    if len(given) == 1:
        return tensor_range(start_or_stop)
    start, limit = start_or_stop, stop
    if step is not None:
        return tensor_range(start, limit, step)
    # an empty range where it would run backwards
    return tensor_range(start, F.Maximum(start, limit))


def enumerate_(s: Any, start: int = 0) -> Any:
    """Items with their numbers; a dataset of them if `s` is one."""
    return s.enumerate(start) if is_dataset(s) else enumerate(s, start)


def zip_(*iterables: Any) -> Any:
    """Items side by side; a dataset of them if all are."""
    if iterables and all(map(is_dataset, iterables)):
        return type(iterables[0]).zip(iterables)
    return zip(*iterables, strict=False)


def map_(fn: Callable[..., Any], *iterables: Any) -> Any:
    """What a function makes of items; a dataset of it if all are."""
    if iterables and all(map(is_dataset, iterables)):
        return type(iterables[0]).zip(iterables).map(fn)
    return map(fn, *iterables)


def is_dataset(s: object) -> bool:
    """Whether something is a dataset."""
    return hasattr(s, "_variant_tensor") and hasattr(s, "element_spec")


#: what converted code calls in place of a function of Python
OVERLOADS: dict[object, Callable[..., Any]] = {
    builtins.abs: abs_,
    builtins.float: float_,
    builtins.int: int_,
    builtins.len: len_,
    builtins.print: print_,
    builtins.range: range_,
    builtins.enumerate: enumerate_,
    builtins.zip: zip_,
    builtins.map: map_,
}


def overload_of(f: Any) -> Any:
    """What converted code calls in place of `f`."""
    try:
        return OVERLOADS.get(f, f)
    except TypeError:  # not hashable: none of Python's
        return f
