"""The ops that write and read checkpoints."""

from __future__ import annotations

#: op types by which a MetaGraph tells the nodes of savers
SAVE_AND_RESTORE_OPS = frozenset(
    "SaveV2 Save SaveSlice LegacySave LegacySaveSlice RestoreV2 Restore RestoreSlice "
    "LegacyRestore LegacyRestoreSlice".split()
)
