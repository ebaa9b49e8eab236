"""`tf.contrib.framework`: variables get the values of a checkpoint, or given ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.formats.checkpoint_reader import CheckpointReader, NewCheckpointReader
from retrograd.graph.defaults import get_collection
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.constant import placeholder
from retrograd.ops.flow.control import group
from retrograd.platform import logs
from retrograd.train import checkpoint_utils
from retrograd.train.saver import Saver
from retrograd.train.saver_builder import V1

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.run.session import BaseSession
    from retrograd.typing import PathLike, VariableLike


def get_variable_full_name(var: VariableLike) -> str:
    """The name of a variable in a checkpoint: for a slice, that of the whole."""
    known: Any = var
    info = known._save_slice_info
    return info.full_name if info else known.op.name


def get_variables_to_restore(
    include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
) -> list[Any]:
    """The global variables of some scopes.

    Args:
      include: the scopes, by default all.
      exclude: scopes to leave out.

    Raises:
      TypeError: an argument is no list.
    """
    for name, value in (("include", include), ("exclude", exclude)):
        if value is not None and not isinstance(value, list | tuple):
            raise TypeError(f"{name} is provided but is not iterable.")
    wanted: list[Any] = []
    for scope in [None] if include is None else include:
        wanted += get_collection(GraphKeys.GLOBAL_VARIABLES, scope)
    out = [
        v
        for scope in exclude or ()
        for v in get_collection(GraphKeys.GLOBAL_VARIABLES, scope)
    ]
    return [v for v in wanted if not any(v is other for other in out)]


def _by_name(var_list: Mapping[str, Any] | Sequence[Any]) -> dict[str, list[Any]]:
    """Variables, or lists of slices, by their names in a checkpoint."""
    found: dict[str, list[Any]] = {}
    if isinstance(var_list, Mapping):
        for name, value in var_list.items():
            found[name] = list(value) if isinstance(value, list | tuple) else [value]
    else:
        for variable in var_list:
            found.setdefault(get_variable_full_name(variable), []).append(variable)
    return found


def _part_for(var: VariableLike, value: np.ndarray, name: str) -> np.ndarray:
    """What a variable gets of a value: all, or its slice."""
    variable: Any = var
    info = variable._save_slice_info
    if info:
        index = tuple(
            slice(start, start + size)
            for start, size in zip(info.var_offset, info.var_shape, strict=True)
        )
        return value[index]
    if not variable.get_shape().is_compatible_with(value.shape):
        raise ValueError(
            f"Total size of new array must be unchanged for {name} "
            f"lh_shape: [{value.shape}], rh_shape: [{variable.get_shape()}]"
        )
    return value


def _assigned(pairs: Sequence[tuple[Any, Any]]) -> tuple[Operation, dict[Any, Any]]:
    """An operation that assigns values, and the feeds it takes."""
    done, feeds = [], {}
    for variable, value in pairs:
        fed = placeholder(
            variable.dtype.base_dtype,
            variable.get_shape(),
            name=f"placeholder/{variable.op.name}",
        )
        done.append(variable.assign(fed))
        feeds[fed] = value
    return group(*done), feeds


def assign_from_values(
    var_names_to_values: Mapping[str, Any],
) -> tuple[Operation, dict[Any, Any]]:
    """An operation that gives variables values, and the feed_dict it takes.

    Args:
      var_names_to_values: values by the names of variables.

    Raises:
      ValueError: there is no such variable, or there are several.
    """
    pairs = []
    for name, value in var_names_to_values.items():
        found = get_collection(GraphKeys.GLOBAL_VARIABLES, name)
        if not found:
            raise ValueError(f"Variable {name} wasn't found")
        if len(found) > 1:
            found = [v for v in found if v.op.name == name]
            if not found:
                raise ValueError(
                    f"Variable {name} doesn't uniquely identify a variable"
                )
        pairs.append((found[0], value))
    return _assigned(pairs)


def assign_from_values_fn(
    var_names_to_values: Mapping[str, Any],
) -> Callable[[Any], None]:
    """A function of a session that gives variables values; see `assign_from_values`."""
    operation, feeds = assign_from_values(var_names_to_values)

    def assign(session: BaseSession) -> None:
        session.run(operation, feeds)

    return assign


def assign_from_checkpoint(
    model_path: str,
    var_list: Mapping[str, Any] | Sequence[Any],
    ignore_missing_vars: bool = False,
) -> tuple[Operation, dict[Any, Any]]:
    """An operation that gives variables the values of a checkpoint, and its feed_dict.

    Args:
      model_path: the checkpoint.
      var_list: variables, or a dictionary of them by their names in the checkpoint.
      ignore_missing_vars: whether variables may be missing there.

    Raises:
      ValueError: a variable is missing, or has another size.
    """
    reader = NewCheckpointReader(model_path)
    pairs = []
    for name, variables in _by_name(var_list).items():
        if not reader.has_tensor(name):
            text = f"Checkpoint is missing variable [{name}]"
            if not ignore_missing_vars:
                raise ValueError(text)
            logs.warning(text)
            continue
        value = np.asarray(reader.get_tensor(name))
        pairs += [(v, _part_for(v, value, name)) for v in variables]
    return _assigned(pairs)


def assign_from_checkpoint_fn(
    model_path: str,
    var_list: Mapping[str, Any] | Sequence[Any],
    ignore_missing_vars: bool = False,
    reshape_variables: bool = False,
) -> Callable[[Any], None] | None:
    """A function of a session that restores variables of a checkpoint.

    Args:
      model_path, var_list, ignore_missing_vars: see `assign_from_checkpoint`.
      reshape_variables: whether a value may have another shape than its variable.

    Returns:
      The function; None if there is nothing to restore.

    Raises:
      ValueError: `var_list` is empty.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    wanted: Any = var_list
    if ignore_missing_vars:
        reader = NewCheckpointReader(model_path)
        named = wanted if isinstance(wanted, dict) else {v.op.name: v for v in wanted}
        wanted = {}
        for name, variable in named.items():
            if reader.has_tensor(name):
                wanted[name] = variable
            else:
                logs.warning("Variable %s missing in checkpoint %s", name, model_path)
    if not wanted:
        logs.warning("No Variables to restore")
        return None
    saver = Saver(wanted, reshape=reshape_variables, write_version=V1)

    def restore(session: BaseSession) -> None:
        saver.restore(session, model_path)

    return restore


def load_checkpoint(filepattern: PathLike) -> CheckpointReader:
    """A reader of a checkpoint; see `tf.train.load_checkpoint`."""
    return checkpoint_utils.load_checkpoint(filepattern)


def load_variable(checkpoint_dir: PathLike, name: str) -> Any:
    """The value of a variable in a checkpoint; see `tf.train.load_variable`."""
    return checkpoint_utils.load_variable(checkpoint_dir, name)


def list_variables(checkpoint_dir: PathLike) -> list[tuple[str, list[int]]]:
    """The variables in a checkpoint; see `tf.train.list_variables`."""
    return checkpoint_utils.list_variables(checkpoint_dir)


def init_from_checkpoint(
    checkpoint_dir: PathLike, assignment_map: Mapping[str, Any]
) -> None:
    """Variables that begin with values; see `tf.train.init_from_checkpoint`."""
    checkpoint_utils.init_from_checkpoint(checkpoint_dir, assignment_map)
