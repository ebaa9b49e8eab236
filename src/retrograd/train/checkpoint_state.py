"""The file `checkpoint`, which says what the latest checkpoints of a folder are."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import errors
from retrograd.formats import messages
from retrograd.platform import files, logs
from retrograd.train.saver_builder import V2

if TYPE_CHECKING:
    from retrograd.typing import PathLike


def _state_file(save_dir: PathLike, latest_filename: str | None) -> str:
    return os.path.join(save_dir, latest_filename or "checkpoint")  # pyright: ignore


def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """A CheckpointState message.

    Args:
      save_dir: the folder; relative paths become relative to it.
      model_checkpoint_path: the latest checkpoint.
      all_model_checkpoint_paths: all that are kept, the oldest first.
      all_model_checkpoint_timestamps: when each was written.
      last_preserved_timestamp: when the last was written that is kept for good.

    Raises:
      ValueError: there are not as many times as paths.
    """
    given: Any = all_model_checkpoint_paths
    # a list that is given gets the path too, as in TensorFlow
    paths: list[str] = given if isinstance(given, list) else list(given or ())
    if not paths or paths[-1] != model_checkpoint_path:
        logs.info(
            "%s is not in all_model_checkpoint_paths. Manually adding it.",
            model_checkpoint_path,
        )
        paths.append(model_checkpoint_path)
    times = all_model_checkpoint_timestamps
    if times and len(times) != len(paths):
        raise ValueError(
            "Checkpoint timestamps, if provided, must match checkpoint paths (got "
            f"paths {paths} and timestamps {times})"
        )
    if not os.path.isabs(save_dir):
        paths = [_relative(path, save_dir) for path in paths]
        model_checkpoint_path = _relative(model_checkpoint_path, save_dir)
    return messages.CheckpointState(
        model_checkpoint_path=model_checkpoint_path,
        all_model_checkpoint_paths=paths,
        all_model_checkpoint_timestamps=times,
        last_preserved_timestamp=last_preserved_timestamp,
    )


def _relative(path: str, folder: str) -> str:
    return path if os.path.isabs(path) else os.path.relpath(path, folder)


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Write the file `checkpoint` of a folder.

    Args:
      latest_filename: its name, if it is another.
      save_dir, model_checkpoint_path, all_model_checkpoint_paths,
      all_model_checkpoint_timestamps, last_preserved_timestamp: see
        `generate_checkpoint_state_proto`.

    Raises:
      RuntimeError: that name is the checkpoint's too.
    """
    update_checkpoint_state_internal(
        save_dir=save_dir,
        model_checkpoint_path=model_checkpoint_path,
        all_model_checkpoint_paths=all_model_checkpoint_paths,
        latest_filename=latest_filename,
        save_relative_paths=False,
        all_model_checkpoint_timestamps=all_model_checkpoint_timestamps,
        last_preserved_timestamp=last_preserved_timestamp,
    )


def update_checkpoint_state_internal(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    save_relative_paths: bool = False,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """As `update_checkpoint_state`; all paths can be made relative to the folder."""
    from google.protobuf import text_format

    state_file = _state_file(save_dir, latest_filename)
    path, paths = model_checkpoint_path, list(all_model_checkpoint_paths or [])
    if save_relative_paths:
        folder = os.path.dirname(state_file)
        path, *paths = (_within(p, folder) for p in (path, *paths))
    state = generate_checkpoint_state_proto(
        save_dir,
        path,
        all_model_checkpoint_paths=paths,
        all_model_checkpoint_timestamps=all_model_checkpoint_timestamps,
        last_preserved_timestamp=last_preserved_timestamp,
    )
    if state_file == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for "
            "checkpoint state.  Please use a different save path."
        )
    text = text_format.MessageToString(state)
    files.atomic_write_string_to_file(state_file, text)


def _within(path: str, folder: str) -> str:
    return os.path.relpath(path, folder) if os.path.isabs(path) else path


def get_checkpoint_state(
    checkpoint_dir: PathLike, latest_filename: str | None = None
) -> Any:
    """The CheckpointState of a folder, with paths that can be used as they are.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the name of the file, by default `checkpoint`.

    Returns:
      The message; None if there is no such file, or it cannot be read.

    Raises:
      ValueError: it names no checkpoint.
    """
    from google.protobuf import text_format

    if hasattr(checkpoint_dir, "__fspath__"):
        checkpoint_dir = os.fspath(checkpoint_dir)
    name = _state_file(checkpoint_dir, latest_filename)
    if not files.file_exists(name):
        return None
    state = messages.CheckpointState()
    try:
        text_format.Merge(files.read_file_to_string(name), state)
    except (errors.OpError, text_format.ParseError, UnicodeDecodeError) as error:
        logs.warning("%s: %s", type(error).__name__, error)
        logs.warning("%s: Checkpoint ignored", name)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {checkpoint_dir}")
    folder = str(checkpoint_dir)
    state.model_checkpoint_path = os.path.join(folder, state.model_checkpoint_path)
    paths = state.all_model_checkpoint_paths
    paths[:] = [os.path.join(folder, path) for path in paths]
    return state


def latest_checkpoint(
    checkpoint_dir: PathLike, latest_filename: str | None = None
) -> str | None:
    """The latest checkpoint of a folder, as `restore` takes it; None if there is none.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the name of the file that says so, by default `checkpoint`.
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state and state.model_checkpoint_path:
        path = state.model_checkpoint_path
        if checkpoint_exists_internal(path):
            return path
        logs.error("Couldn't match files for checkpoint %s", path)
    return None


# ---------------------------------------------------------------------- files


def checkpoint_exists_internal(checkpoint_prefix: str) -> bool:
    """Whether there is a checkpoint, of either version."""
    return bool(
        files.get_matching_files(checkpoint_prefix + ".index")
        or files.get_matching_files(checkpoint_prefix)
    )


def checkpoint_exists(checkpoint_prefix: str) -> bool:
    """Whether there is a checkpoint, of either version."""
    return checkpoint_exists_internal(checkpoint_prefix)


def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """When checkpoints were written, in seconds; those that are gone are left out."""
    found = []
    for prefix in checkpoint_prefixes:
        for pattern in (prefix + ".index", prefix):
            paths = files.get_matching_files(pattern)
            if paths:
                found.append(files.stat(paths[0]).mtime_nsec / 1e9)
                break
    return found


def remove_checkpoint(
    checkpoint_prefix: str,
    checkpoint_format_version: int = V2,
    meta_graph_suffix: str = "meta",
) -> None:
    """Delete a checkpoint and the graph that was written with it.

    Args:
      checkpoint_prefix: the checkpoint.
      checkpoint_format_version: its format, of `tf.train.SaverDef`.
      meta_graph_suffix: the ending of the graph's file.
    """
    _delete_matching(meta_graph_filename(checkpoint_prefix, meta_graph_suffix))
    if checkpoint_format_version == V2:
        _delete_matching(checkpoint_prefix + ".index")
        _delete_matching(checkpoint_prefix + ".data-?????-of-?????")
    else:
        _delete_matching(checkpoint_prefix)


def _delete_matching(pattern: str) -> None:
    for path in files.get_matching_files(pattern):
        with contextlib.suppress(errors.NotFoundError):
            files.delete_file(path)


def meta_graph_filename(
    checkpoint_filename: str, meta_graph_suffix: str = "meta"
) -> str:
    """The file of the graph that is written with a checkpoint."""
    # a pattern of several files has one graph
    base = re.sub(r"-[\d\?]+-of-\d+$", "", checkpoint_filename)
    return f"{base}.{meta_graph_suffix}"
