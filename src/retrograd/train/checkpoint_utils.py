"""Reading checkpoints by name, and variables that begin with values of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.distribute import current
from retrograd.formats.checkpoint_reader import CheckpointReader, NewCheckpointReader
from retrograd.graph.defaults import device
from retrograd.ops.declare import F
from retrograd.platform import files, logs
from retrograd.train.checkpoint_state import latest_checkpoint
from retrograd.train.saveable import op_list_to_dict, saveable_objects_for_op
from retrograd.variables.partition import PartitionedVariable
from retrograd.variables.store import _get_default_variable_store
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.typing import PathLike


def load_checkpoint(ckpt_dir_or_file: PathLike) -> CheckpointReader:
    """A reader of a checkpoint.

    Args:
      ckpt_dir_or_file: the checkpoint, or a folder, whose latest it is then.

    Raises:
      ValueError: there is none in the folder.
      NotFoundError: there is no such checkpoint.
    """
    filename = _get_checkpoint_filename(ckpt_dir_or_file)
    if filename is None:
        raise ValueError(
            "Couldn't find 'checkpoint' file or checkpoints in given directory "
            f"{ckpt_dir_or_file}"
        )
    return NewCheckpointReader(filename)


def load_variable(ckpt_dir_or_file: PathLike, name: str) -> Any:
    """The value of a variable in a checkpoint.

    Args:
      ckpt_dir_or_file: see `load_checkpoint`.
      name: its name.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: PathLike) -> list[tuple[str, list[int]]]:
    """Names and shapes of all variables in a checkpoint, sorted by name.

    Args:
      ckpt_dir_or_file: see `load_checkpoint`.
    """
    shapes = load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map()
    return sorted(shapes.items())


def _get_checkpoint_filename(ckpt_dir_or_file: PathLike) -> Any:
    """A checkpoint, or the latest of a folder; None if it has none."""
    if files.is_directory(ckpt_dir_or_file):
        return latest_checkpoint(ckpt_dir_or_file)
    return files.local_path(ckpt_dir_or_file)


# ---------------------------------------------------------------------- initializing


def init_from_checkpoint(
    ckpt_dir_or_file: PathLike, assignment_map: Mapping[str, Any]
) -> None:
    """Let variables begin with values of a checkpoint; their initializers read it.

    Args:
      ckpt_dir_or_file: see `load_checkpoint`.
      assignment_map: names in the checkpoint, and for each a variable, a list of its
        parts, or the name of a variable; or scopes of names with a slash at the end,
        and for each the variable scope in the graph; "/" is the outermost one.

    Raises:
      ValueError: a name is not in the checkpoint, or a shape is another.

    Example:
      >>> import os, tempfile
      >>> import retrograd as tf
      >>> prefix = os.path.join(tempfile.mkdtemp(), "model")
      >>> w = tf.Variable([3.0], name="old/w")
      >>> with tf.Session() as session:
      ...     session.run(w.initializer)
      ...     path = tf.train.Saver([w]).save(session, prefix)
      >>> with tf.variable_scope("new"):
      ...     mine = tf.get_variable("w", [1])
      >>> tf.train.init_from_checkpoint(path, {"old/": "new/"})
      >>> with tf.Session() as session:
      ...     session.run(mine.initializer)
      ...     session.run(mine)
      array([3.], dtype=float32)
    """

    def init(*unused: object) -> None:
        _init(ckpt_dir_or_file, assignment_map)

    if current.get_cross_replica_context():
        init()
    else:
        replica: Any = current.get_replica_context()
        replica.merge_call(init)


def _init(ckpt_dir_or_file: PathLike, assignment_map: Mapping[str, Any]) -> None:
    filename = _get_checkpoint_filename(ckpt_dir_or_file)
    reader = load_checkpoint(ckpt_dir_or_file)
    stored = reader.get_variable_to_shape_map()
    for name, target in sorted(assignment_map.items(), key=lambda item: item[0]):
        variable = _given(target)
        if variable is None:
            variable = _by_name(target)
        if variable is None:
            pairs = _in_scope(name, target, stored, ckpt_dir_or_file)
        else:
            _check(name, variable, stored, ckpt_dir_or_file)
            pairs = [(name, variable)]
        for full, found in pairs:
            if isinstance(found, list):
                _check_parts(found)
            for part in found if isinstance(found, list) else [found]:
                _set_initializer(part, filename, full)
                logs.debug(
                    "Initialize variable %s from checkpoint %s with %s",
                    part.name,
                    ckpt_dir_or_file,
                    full,
                )


def _check_parts(parts: list[Any]) -> None:
    """Check that variables are the parts of one.

    Raises:
      ValueError: they are not.
    """
    wholes = [part._get_save_slice_info().full_name for part in parts]
    for whole in wholes:
        if whole != wholes[0]:
            raise ValueError(
                f"Slices must all be from the same tensor: {wholes[0]} != {whole}"
            )


def _given(target: object) -> Any:
    """A variable, or the list of its parts, if it is one."""
    if isinstance(target, PartitionedVariable):
        return list(target)
    if isinstance(target, Variable):
        return target
    if isinstance(target, list) and all(isinstance(v, Variable) for v in target):
        return target
    return None


def _by_name(name: str) -> Any:
    """The variable of a name, or the list of its parts; None if there is none."""
    known = _get_default_variable_store()._vars
    if name in known:
        return known[name]
    parts = []
    while (part := f"{name}/part_{len(parts)}") in known:
        parts.append(known[part])
    return parts or None


def _check(
    name: str, variable: Any, stored: dict[str, list[int]], where: PathLike
) -> None:
    if name not in stored:
        raise ValueError(f"Tensor {name} is not found in {where} checkpoint {stored}")
    if isinstance(variable, list):
        return
    if not variable.get_shape().is_compatible_with(stored[name]):
        raise ValueError(
            f"Shape of variable {variable.name} ({variable.get_shape()}) doesn't match "
            f"with shape of tensor {name} ({stored[name]}) from checkpoint reader."
        )


def _in_scope(
    name: str, target: str, stored: dict[str, list[int]], where: PathLike
) -> list[tuple[str, Any]]:
    """The variables of a scope, and their names in the checkpoint."""
    scope = target.rpartition("/")[0]
    if not name.endswith("/"):
        raise ValueError(
            f"Assignment map with scope only name {scope} should map to scope only "
            f"{name}. Should be 'scope/': 'other_scope/'."
        )
    inside = {
        known.partition("/part_")[0]
        for known in _get_default_variable_store()._vars
        if not scope or known.startswith(scope + "/")
    }
    found = []
    for known in sorted(inside):
        rest = (
            known[len(scope) :] if target == "/" else known[len(scope) + bool(scope) :]
        )
        full = (rest if name == "/" else name + rest).removesuffix("/")
        if full not in stored:
            raise ValueError(
                f"Tensor {full} ({known[len(scope) + 1 :]} in {name}) is not found in "
                f"{where} checkpoint"
            )
        found.append((full, _by_name(known)))
    return found


def _set_initializer(variable: Any, filename: str, name: str) -> None:
    """Let the variable's initializer restore it."""
    info = variable._save_slice_info
    # restoring runs on the CPU; lying where the variable is would bring it there too
    with device(variable.device), device("/cpu:0"):
        value = F.RestoreV2(
            filename,
            [name],
            [info.spec if info else ""],
            dtypes=[variable.dtype.base_dtype],
            name="checkpoint_initializer",
        )
        value = value[0] if isinstance(value, list | tuple) else value
        ((known, op),) = op_list_to_dict([variable]).items()
        (saveable,) = saveable_objects_for_op(op, known)
    variable._initializer_op = saveable.restore([value], None)
    value.set_shape(variable.shape)
    variable._initial_value = value
