"""Reading checkpoints, by the names that `tf.contrib.framework` has for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.train import checkpoint_utils

if TYPE_CHECKING:
    from retrograd.formats.checkpoint_reader import CheckpointReader
    from retrograd.typing import PathLike


def load_checkpoint(filepattern: PathLike) -> CheckpointReader:
    """As `tf.train.load_checkpoint`."""
    return checkpoint_utils.load_checkpoint(filepattern)


def load_variable(checkpoint_dir: PathLike, name: str) -> Any:
    """As `tf.train.load_variable`."""
    return checkpoint_utils.load_variable(checkpoint_dir, name)


def list_variables(checkpoint_dir: PathLike) -> list[tuple[str, list[int]]]:
    """As `tf.train.list_variables`."""
    return checkpoint_utils.list_variables(checkpoint_dir)


def init_from_checkpoint(
    checkpoint_dir: PathLike, assignment_map: Mapping[str, Any]
) -> None:
    """As `tf.train.init_from_checkpoint`."""
    checkpoint_utils.init_from_checkpoint(checkpoint_dir, assignment_map)
