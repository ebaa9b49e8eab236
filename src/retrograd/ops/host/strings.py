"""Functions of texts: `tf.strings.join`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def string_join(
    inputs: Sequence[TensorLike], separator: str = "", name: str | None = None
) -> Tensor:
    """The texts of all inputs in a row.

    Args:
      inputs: tensors of text, of one shape or scalars.
      separator: what is put between them.
      name: the name of the operation.
    """
    return F.StringJoin(inputs, separator=separator, name=name)
