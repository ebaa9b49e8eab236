"""What branches and loops change, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from retrograd import dtypes, nest
from retrograd.autograph.undefined import Undefined, is_undefined_return
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.tensor_values import is_tensor

GetState: TypeAlias = Callable[[], tuple[Any, ...]]
SetState: TypeAlias = Callable[[tuple[Any, ...]], None]


def ldu(read: Callable[[], Any], name: str) -> Any:
    """The value of a variable; Undefined where it has none."""
    try:
        return read()
    except NameError:
        return Undefined(name)


def is_dense(value: object) -> bool:
    """Whether a value is a tensor or a variable, not several of them."""
    return isinstance(value, Tensor) or (
        not isinstance(value, np.ndarray | np.generic | int | float | str | bool)
        and is_tensor(value)
        and not hasattr(value, "indices")
    )


def refuse_undefined_in_loop(values: Sequence[object]) -> None:
    """Refuse a loop over tensors that begins without the values that it changes.

    Raises:
      ValueError: there are none.
    """
    undefined = [v.symbol_name for v in values if isinstance(v, Undefined)]
    if undefined:
        raise ValueError(
            "TensorFlow requires that the following symbols must be defined before the "
            f"loop: {tuple(undefined)}"
        )
    if any(is_undefined_return(value) for value in values):
        raise ValueError(
            "return statements are not supported within a TensorFlow loop."
        )


def refuse_undefined_in_branch(values: Sequence[object], branch: str) -> None:
    """Refuse a branch that leaves variables without a value.

    Raises:
      ValueError: it does.
    """
    undefined = [v.symbol_name for v in values if isinstance(v, Undefined)]
    if undefined:
        raise ValueError(
            "The following symbols must also be initialized in the "
            f"{branch} branch: {tuple(undefined)}. Alternatively, you may initialize "
            "them before the if statement."
        )
    if any(is_undefined_return(value) for value in values):
        raise ValueError(
            f"A value must also be returned from the {branch} branch. If a value is "
            "returned from one branch of a conditional a value must be returned from "
            "all branches."
        )


def _dtype_of(value: object) -> Any:
    """The dtype that a loop or a branch sees; None for what is no tensor."""
    if isinstance(value, bool | int | float | str | np.ndarray | np.generic):
        return convert_to_tensor(value).dtype.base_dtype
    found = getattr(value, "dtype", None)
    return found.base_dtype if isinstance(found, dtypes.DType) else None


def check_loop(
    before: Sequence[Any], after: Sequence[Any], names: Sequence[str]
) -> None:
    """Check that a turn of a loop keeps the types of what it changes.

    Raises:
      TypeError: a structure or dtype changes.
      ValueError: a shape does.
    """
    for name, entered, left in zip(names, before, after, strict=True):
        try:
            nest.assert_same_structure(entered, left, expand_composites=True)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f'"{name}" does not have the same nested structure after one iteration.'
                f"\n\n{error}"
            ) from None
        nest.map_structure(lambda a, b, n=name: _check_turn(n, a, b), entered, left)


def _check_turn(name: str, entered: Any, left: Any) -> None:
    before, after = _dtype_of(entered), _dtype_of(left)
    if before is None or after is None:
        return
    if before != after:
        raise TypeError(
            f'"{name}" has dtype {before.name} before the loop, but dtype {after.name} '
            "after one iteration. TensorFlow control flow requires it stays the same."
        )
    one, other = getattr(entered, "shape", None), getattr(left, "shape", None)
    if one is None or other is None or not isinstance(left, Tensor):
        return
    if not _covers(one, other):
        raise ValueError(
            f'"{name}" has shape {one} before the loop, but shape {other} after one '
            "iteration. TensorFlow control flow requires it stays the same or be more "
            "specific."
        )


def _covers(wide: Any, narrow: Any) -> bool:
    if wide.ndims is None:
        return True
    if narrow.ndims != wide.ndims:
        return False
    pairs = zip(wide.as_list(), narrow.as_list(), strict=True)
    return all(a is None or a == b for a, b in pairs)


def check_branches(
    one: Sequence[Any], other: Sequence[Any], names: Sequence[str]
) -> None:
    """Check that two branches leave values of the same types.

    Raises:
      TypeError: structures or dtypes differ.
    """
    for name, true, false in zip(names, one, other, strict=True):
        try:
            nest.assert_same_structure(true, false)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f'"{name}" does not have the same nested structure in the TRUE and '
                f"FALSE branches.\n\n{error}"
            ) from None
        nest.map_structure(lambda a, b, n=name: _check_both(n, a, b), true, false)


def _check_both(name: str, true: Any, false: Any) -> None:
    one, other = _dtype_of(true), _dtype_of(false)
    if one is not None and other is not None and one != other:
        raise TypeError(
            f'"{name}" has dtype {one.name} in the TRUE branch, but '
            f"dtype={other.name} in the FALSE branch. TensorFlow control flow requires "
            "that they are the same."
        )
