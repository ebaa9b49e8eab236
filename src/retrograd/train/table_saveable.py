"""How savers save tables: all keys, and all values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd.graph.hooks import hooks
from retrograd.ops.declare import F
from retrograd.train.saveable import SaveableObject, SaveSpec

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.ops.tables.lookup import DenseHashTable, MutableHashTable
    from retrograd.typing import DynamicShape


class TableSaveable(SaveableObject):
    """The keys and the values of a table, under its name.

    Args:
      table: a table that can be changed.
      name: its name in the checkpoint.
    """

    def __init__(self, table: MutableHashTable | DenseHashTable, name: str) -> None:
        specs = [
            SaveSpec(tensor, "", f"{name}-{word}")
            for tensor, word in zip(table.export(), ("keys", "values"), strict=True)
        ]
        super().__init__(table, specs, name)

    def restore(
        self,
        restored_tensors: Sequence[Tensor],
        restored_shapes: Sequence[DynamicShape] | None,
    ) -> Operation:
        """Put the keys and values into the table, and nothing else."""
        del restored_shapes
        keys, values = restored_tensors
        return F.LookupTableImportV2(self.op.resource_handle, keys, values)


hooks.provide(saveable_of_table=TableSaveable)
