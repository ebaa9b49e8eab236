"""Whole files in a graph: `tf.read_file`, `tf.write_file`, `tf.matching_files`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def read_file(filename: TensorLike, name: str | None = None) -> Tensor:
    """All that a file holds, as a string.

    Args:
      filename: its path.
      name: the name of the operation.
    """
    return F.ReadFile(filename, name=name)


def write_file(
    filename: TensorLike, contents: TensorLike, name: str | None = None
) -> Any:
    """An operation that makes a file hold a string; folders are made if need be.

    Args:
      filename: its path.
      contents: the string.
      name: the name of the operation.
    """
    return F.WriteFile(filename, contents, name=name)


def matching_files(pattern: TensorLike, name: str | None = None) -> Tensor:
    """The paths of the files that match a pattern, or any of several, in order.

    Args:
      pattern: a string or several; `*` and `?` do not stand for a slash.
      name: the name of the operation.
    """
    return F.MatchingFiles(pattern, name=name)
