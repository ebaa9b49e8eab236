"""Which shapes of indices and updates fit what is scattered into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.ops.infer import invalid, shape_text

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import RawShape


def check_scatter(
    n: Operation, indices: RawShape, updates: RawShape, whole: RawShape, word: str
) -> None:
    """Refuse updates that do not fit the indices and the whole."""
    counts = [shapes.size(s) for s in (indices, updates)]
    empty = whole is not None and 0 in whole
    if empty and any(c is not None and c > 0 for c in counts):
        raise invalid(n, "Indices and updates specified for empty output shape")
    if indices is None or updates is None or indices[-1] is None:
        return
    outer, depth = len(indices) - 1, indices[-1]
    _check_part(
        n,
        (indices[:-1], updates[:outer]),
        f"The outer {outer} dimensions of indices.shape={shape_text(indices)} must "
        f"match the outer {outer} dimensions of updates.shape={shape_text(updates)}",
    )
    if whole is not None:
        _check_part(
            n,
            (whole[depth:], updates[outer:]),
            f"The inner {len(whole) - depth} dimensions of {word}.shape="
            f"{shape_text(whole)} must match the inner {len(updates) - outer} "
            f"dimensions of updates.shape={shape_text(updates)}",
        )


def _check_part(n: Operation, parts: tuple[RawShape, RawShape], text: str) -> None:
    try:
        shapes.merge(*parts)
    except ValueError as error:
        raise invalid(n, f"{text}: {error}") from None
