"""Functions that have moved to `tf.train`, by their names and arguments in contrib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.train import checkpoint_utils, training_util

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.typing import PathLike, VariableLike


def get_global_step(graph: Graph | None = None) -> Any:
    """As `tf.train.get_global_step`."""
    return training_util.get_global_step(graph)


def create_global_step(graph: Graph | None = None) -> Any:
    """As `tf.train.create_global_step`."""
    return training_util.create_global_step(graph)


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """As `tf.train.get_or_create_global_step`."""
    return training_util.get_or_create_global_step(graph)


def assert_global_step(global_step_tensor: VariableLike) -> None:
    """As `tf.train.assert_global_step`."""
    training_util.assert_global_step(global_step_tensor)


def load_checkpoint(filepattern: PathLike) -> Any:
    """As `tf.train.load_checkpoint`."""
    return checkpoint_utils.load_checkpoint(filepattern)


def load_variable(checkpoint_dir: PathLike, name: str) -> Any:
    """As `tf.train.load_variable`."""
    return checkpoint_utils.load_variable(checkpoint_dir, name)


def list_variables(checkpoint_dir: PathLike) -> Any:
    """As `tf.train.list_variables`."""
    return checkpoint_utils.list_variables(checkpoint_dir)


def init_from_checkpoint(
    checkpoint_dir: PathLike, assignment_map: Mapping[str, Any]
) -> None:
    """As `tf.train.init_from_checkpoint`."""
    checkpoint_utils.init_from_checkpoint(checkpoint_dir, assignment_map)
