"""Where a program made its operations, as a GraphDebugInfo message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from retrograd.graph.operation import Operation
from retrograd.util import protos

#: frames that are kept of each operation
_MOST_FRAMES = 10


def create_graph_debug_info_def(operations: Iterable[tuple[str, Operation]]) -> Any:
    """The lines that made some operations.

    Args:
      operations: pairs of a function's name, "" for none, and an operation.

    Returns:
      A GraphDebugInfo with a trace for each operation, its innermost frame first.
    """
    GraphDebugInfo = protos.message("graph_debug_info.GraphDebugInfo")
    result = GraphDebugInfo()
    files: dict[str, int] = {}
    for function, op in operations:
        trace = result.traces[function + op.name]
        for row in reversed(op.traceback[-_MOST_FRAMES:]):
            index = files.setdefault(row[0], len(files))
            trace.file_line_cols.add(file_index=index, line=row[1])
    result.files.extend(files)
    return result
