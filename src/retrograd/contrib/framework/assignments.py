"""Assigning values, given or of a checkpoint, to variables by their names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.contrib.framework.model_variables import (
    get_variable_full_name,
    get_variables,
)
from retrograd.ops.array.constant import placeholder
from retrograd.ops.flow.control import group
from retrograd.platform import logs
from retrograd.train import checkpoint_utils
from retrograd.train.saver import Saver
from retrograd.variables.partition import PartitionedVariable
from retrograd.variables.updates import assign

if TYPE_CHECKING:
    from retrograd.formats.checkpoint_reader import CheckpointReader
    from retrograd.graph.operation import Operation
    from retrograd.run.session import BaseSession
    from retrograd.typing import PathLike
    from retrograd.variables.variable import Variable

Feed = dict[Any, Any]
#: of the operations that would save; they are never run
_VERSION = 1


def assign_from_values(
    var_names_to_values: Mapping[str, np.ndarray],
) -> tuple[Operation, Feed]:
    """An operation that assigns values to variables, and what to feed it.

    Args:
      var_names_to_values: the values by the variables' operation names.

    Raises:
      ValueError: there is no such variable, or a value does not fit it.
    """
    feed: Feed = {}
    assignments = []
    for name, value in var_names_to_values.items():
        found = get_variables(scope=name)
        if not found:
            raise ValueError(f"Variable {name} wasn't found")
        if len(found) > 1:
            found = [var for var in found if var.op.name == name]
            if not found:
                raise ValueError(f"Variable {name} is ambiguous")
        assignments.append(_assign_fed(found[0], value, feed))
    return group(*assignments), feed


def _assign_fed(var: Variable, value: np.ndarray, feed: Feed) -> Any:
    """Assign what is fed to a variable, and feed it the value in the shape it needs."""
    fed = placeholder(
        dtype=var.dtype.base_dtype, shape=var.get_shape(), name=_placeholder_name(var)
    )
    assigned = assign(var, fed)
    feed[fed] = np.reshape(value, _sizes(var))
    return assigned


def _sizes(var: Variable) -> list[Any]:
    return var.get_shape().as_list()


def _placeholder_name(var: Variable) -> str:
    return "placeholder/" + var.op.name


def assign_from_values_fn(
    var_names_to_values: Mapping[str, np.ndarray],
) -> Callable[[BaseSession], Any]:
    """A function that assigns values to variables in a session.

    Args:
      var_names_to_values: the values by the variables' operation names.
    """
    assigned, feed = assign_from_values(var_names_to_values)

    def callback(session: BaseSession) -> Any:
        return session.run(assigned, feed)

    return callback


def assign_from_checkpoint(
    model_path: PathLike,
    var_list: Mapping[str, Any] | Sequence[Any],
    ignore_missing_vars: bool = False,
) -> tuple[Operation, Feed]:
    """An operation that assigns values of a checkpoint, and what to feed it.

    Args:
      model_path: the checkpoint.
      var_list: variables, which have the names of the checkpoint; or variables, or
        lists of their slices, by their names there.
      ignore_missing_vars: whether what the checkpoint lacks is left out.

    Raises:
      ValueError: the checkpoint lacks a variable, or has another shape for it.
    """
    reader = checkpoint_utils.load_checkpoint(model_path)
    feed: Feed = {}
    assignments = []
    for name, variables in _by_name(var_list).items():
        if not reader.has_tensor(name):
            text = f"Checkpoint is missing variable [{name}]"
            if not ignore_missing_vars:
                raise ValueError(text)
            logs.warning(text)
            continue
        value = reader.get_tensor(name)
        assignments.extend(_assign_checked(name, var, value, feed) for var in variables)
    return group(*assignments), feed


def _assign_checked(name: str, var: Variable, value: np.ndarray, feed: Feed) -> Any:
    """Assign a value of a checkpoint, or the slice of it that a variable is."""
    part = var._save_slice_info
    if part:
        window = zip(part.var_offset, part.var_shape, strict=True)
        value = value[tuple(slice(start, start + size) for start, size in window)]
    if math.prod(_sizes(var)) != value.size:
        raise ValueError(
            f"Total size of new array must be unchanged for {name} "
            f"lh_shape: [{value.shape}], rh_shape: [{tuple(var.get_shape().as_list())}]"
        )
    return _assign_fed(var, value, feed)


def _by_name(var_list: Mapping[str, Any] | Sequence[Any]) -> dict[str, list[Any]]:
    """For each name in a checkpoint, the variables whose values it holds."""
    if not isinstance(var_list, Mapping):
        grouped: dict[str, list[Any]] = {}
        for var in var_list:
            grouped.setdefault(get_variable_full_name(var), []).append(var)
        return grouped
    listed = (list, PartitionedVariable)
    return {
        name: list(var) if isinstance(var, listed) else [var]
        for name, var in var_list.items()
    }


def assign_from_checkpoint_fn(
    model_path: PathLike,
    var_list: Mapping[str, Any] | Sequence[Any],
    ignore_missing_vars: bool = False,
    reshape_variables: bool = False,
) -> Callable[[BaseSession], None] | None:
    """A function that restores variables in a session; None if there are none.

    Args:
      model_path: the checkpoint.
      var_list: the variables, or the variables by their names in the checkpoint.
      ignore_missing_vars: whether what the checkpoint lacks is left out.
      reshape_variables: whether values of other shapes and equal sizes are taken.

    Raises:
      ValueError: `var_list` is empty.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    if ignore_missing_vars:
        var_list = _available(checkpoint_utils.load_checkpoint(model_path), var_list)
    if not var_list:
        logs.warning("No Variables to restore")
        return None
    saver = Saver(var_list, reshape=reshape_variables, write_version=_VERSION)

    def callback(session: BaseSession) -> None:
        saver.restore(session, model_path)

    return callback


def _available(
    reader: CheckpointReader, var_list: Mapping[str, Any] | Sequence[Any]
) -> dict[str, Any]:
    """The variables, by their names, that a checkpoint has."""
    if not isinstance(var_list, Mapping):
        var_list = {var.op.name: var for var in var_list}
    found = {}
    for name, var in var_list.items():
        if reader.has_tensor(name):
            found[name] = var
        else:
            logs.warning(f"Variable {name} missing in checkpoint {reader}")
    return found
