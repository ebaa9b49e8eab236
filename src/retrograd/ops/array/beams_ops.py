"""Ops of beam search: whole sequences from each step's choices and parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import shapes
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import merged as merged_shapes
from retrograd.ops.infer import same_dim, shape_text, with_rank

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import Array, Arrays


def _beams(n: Operation) -> RawShape:
    found = merged_shapes(n, with_rank(n, 0, 3), with_rank(n, 1, 3))
    lengths = with_rank(n, 2, 1)
    with_rank(n, 3, 0)
    if found is None:
        return None
    steps, batch, beams = found
    return steps, same_dim(n, batch, lengths[0]), beams


def _check_shapes(
    steps: shapes.Raw, parents: shapes.Raw, lengths: shapes.Raw, end: shapes.Raw
) -> None:
    """Require the shapes that shape inference requires where it knows them."""
    for called, found, rank, noun in (
        ("step_ids", steps, 3, "3-tensor"),
        ("parent_ids", parents, 3, "3-tensor"),
        ("max_sequence_lengths", lengths, 1, "vector"),
        ("end_token", end, 0, "scalar"),
    ):
        if found is None or len(found) != rank:
            raise refused(f"{called} must be a {noun}, saw shape: {shape_text(found)}")


@op(
    "GatherTree",
    signature="GatherTree\tstep_ids:T parent_ids:T max_sequence_lengths:int32 "
    "end_token:T\tbeams:T\tT:type{int32}\t",
    infer=_beams,
    math="y = each beam's ids, followed back from its last parent",
)
def gather_tree_kernel(
    xp: Arrays,
    step_ids: Array,
    parent_ids: Array,
    max_sequence_lengths: Array,
    end_token: Array,
) -> Array:
    """The ids of each beam, [steps, batch, beams], with `end_token` behind the end."""
    given = (step_ids, parent_ids, max_sequence_lengths, end_token)
    _check_shapes(*(np.shape(x) for x in given))
    steps, batch, beams = np.shape(step_ids)
    _check_sizes(*(np.shape(x) for x in given[:3]))
    if step_ids.size == 0:
        return step_ids
    lengths = xp.expand_dims(max_sequence_lengths, 1)
    place = np.broadcast_to(np.arange(beams, dtype=np.int32), (batch, beams))
    rows = []
    for time in range(steps - 1, -1, -1):
        inside = time < lengths
        there = (place >= 0) & (place < beams)
        xp.check(there | ~inside, lambda p=place, i=inside, t=time: _lost(p, i, t))
        safe = xp.clip(place, 0, beams - 1)
        row = xp.take_along_axis(step_ids[time], safe, axis=1)
        rows.append(xp.where(inside, row, end_token))
        parent = xp.take_along_axis(parent_ids[time], safe, axis=1)
        place = xp.where(inside, parent, place)
    ended = np.zeros((batch, beams), bool)
    found = []
    for row in reversed(rows):
        kept = xp.where(ended, end_token, row)
        ended = ended | (kept == end_token)
        found.append(kept)
    return xp.stack(found)


def _check_sizes(
    steps: tuple[int, ...], parents: tuple[int, ...], lengths: tuple[int, ...]
) -> None:
    if steps != parents:
        raise refused(
            "step_ids.shape must match parent_ids.shape.  but shapes are: "
            f"{shape_text(steps)} and {shape_text(parents)}"
        )
    if steps[1] != lengths[0]:
        raise refused(
            "batch size dimensions step_ids.shape[1] and max_sequence_lengths.shape[0] "
            f"must match.  but shapes are: {shape_text(steps)} and "
            f"{shape_text(lengths)}"
        )


def _lost(place: Array, inside: Array, time: int) -> Exception:
    """The error of a parent that is no beam."""
    beams = place.shape[1]
    wrong = ((place < 0) | (place >= beams)) & inside
    batch, beam = (int(i) for i in np.argwhere(wrong)[0])
    return refused(
        f"Saw invalid parent id {place[batch, beam]} at (batch, time, beam) == "
        f"({batch}, {time}, {beam})"
    )
