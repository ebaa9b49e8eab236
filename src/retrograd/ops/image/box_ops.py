"""Ops: which boxes are kept of those that overlap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import invalid, same_dim, shape_text, with_rank
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrograd.typing import Array, Arrays

# ---------------------------------------------------------------------- what is kept


def _check_boxes(n: Operation) -> None:
    boxes, four = with_rank(n, 0, 2)
    (scores,) = with_rank(n, 1, 1)
    same_dim(n, boxes, scores)
    if four not in (None, 4):
        raise invalid(n, f"Dimension must be 4 but is {four}")
    for i in range(2, len(n._inputs)):
        with_rank(n, i, 0)


def _kept(n: Operation) -> RawShape:
    _check_boxes(n)
    return (None,)


def _padded(n: Operation) -> RawShape:
    """As many as asked for, where it is filled up; else unknown."""
    most = constant(n._inputs[2]) if n.attrs["pad_to_max_output_size"] else None
    return (None if most is None else int(most),)


def _kept_and_count(n: Operation) -> list[RawShape]:
    _check_boxes(n)
    return [_padded(n), ()]


def _kept_scored(n: Operation) -> list[RawShape]:
    _check_boxes(n)
    return [_padded(n), _padded(n), ()]


def _refuse_boxes(boxes: Array, scores: Array) -> None:
    if boxes.ndim != 2:
        raise refused(f"boxes must be 2-D{shape_text(boxes.shape)}")
    if boxes.shape[1] != 4:
        raise refused("boxes must have 4 columns")
    _refuse_scores(boxes, scores)


def _refuse_scores(boxes: Array, scores: Array) -> None:
    if scores.ndim != 1:
        raise refused(f"scores must be 1-D{shape_text(scores.shape)}")
    if len(scores) != len(boxes):
        raise refused("scores has incompatible shape")


def _refuse_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise refused("iou_threshold must be in [0, 1]")


def _overlaps(boxes: Array) -> Callable[[int, int], float]:
    """The share of two boxes that both cover, of what one of them does."""
    wide = boxes.astype(np.float32)
    low = np.minimum(wide[:, :2], wide[:, 2:])
    high = np.maximum(wide[:, :2], wide[:, 2:])
    areas = np.prod(high - low, axis=1)

    def overlap(i: int, j: int) -> float:
        if areas[i] <= 0 or areas[j] <= 0:
            return 0.0
        both = np.minimum(high[i], high[j]) - np.maximum(low[i], low[j])
        shared = np.prod(np.maximum(both, np.float32(0)))
        return float(shared / (areas[i] + areas[j] - shared))

    return overlap


class Kept(NamedTuple):
    """The boxes that are kept, best first, and their scores."""

    places: list[int]
    scores: list[float]


def _suppressed(
    scores: Array,
    overlap: Callable[[int, int], float],
    most: int,
    threshold: float,
    least: float = -math.inf,
    sigma: float = 0.0,
) -> Kept:
    """Take the best box again and again, and drop those that overlap it too much.

    Args:
      scores: of the boxes.
      overlap: that of two boxes.
      most: how many are kept.
      threshold: from where on two overlap too much.
      least: the score that a box must be above.
      sigma: where positive, a box loses of its score instead, the more the more it
        overlaps; this says how fast.
    """
    import heapq

    scale = np.float32(-0.5 / sigma) if sigma > 0 else np.float32(0)
    # of equal scores the first
    heap = [
        (-float(score), i, 0) for i, score in enumerate(scores) if float(score) > least
    ]
    heapq.heapify(heap)
    kept = Kept([], [])
    while heap and len(kept.places) < most:
        negative, place, begin = heapq.heappop(heap)
        score = before = np.float32(-negative)
        dropped = False
        # those kept before `begin` have lowered its score already
        for j in range(len(kept.places) - 1, begin - 1, -1):
            shared = np.float32(overlap(place, kept.places[j]))
            if sigma <= 0 or shared > threshold:
                dropped = bool(shared > threshold)
            if not dropped:
                score = score * np.exp(scale * shared * shared)
            if dropped or score <= least:
                break
        if dropped or (score <= least and score != before):
            continue
        if score == before:
            kept.places.append(place)
            kept.scores.append(float(score))
        else:
            heapq.heappush(heap, (-float(score), place, len(kept.places)))
    return kept


def _indices(kept: Kept, size: int | None = None) -> Array:
    found = kept.places + [0] * ((size or 0) - len(kept.places))
    return np.array(found, np.int32)


def _non_max(
    boxes: Array, scores: Array, most: Array, threshold: float, least: float = -math.inf
) -> Array:
    _refuse_threshold(threshold)
    _refuse_boxes(boxes, scores)
    return _indices(_suppressed(scores, _overlaps(boxes), int(most), threshold, least))


@op("NonMaxSuppression", infer=_kept, grad=NOT_DIFFERENTIABLE, host=True)
def non_max_suppression_kernel(
    xp: Arrays, boxes: Array, scores: Array, most: Array, *, iou_threshold: float
) -> Array:
    """The places of boxes that do not overlap better ones too much."""
    del xp
    return _non_max(boxes, scores, most, iou_threshold)


@op("NonMaxSuppressionV2", infer=_kept, grad=NOT_DIFFERENTIABLE, host=True)
def non_max_suppression_v2_kernel(
    xp: Arrays, boxes: Array, scores: Array, most: Array, threshold: Array
) -> Array:
    """As NonMaxSuppression."""
    del xp
    return _non_max(boxes, scores, most, float(threshold))


@op("NonMaxSuppressionV3", infer=_kept, host=True)
def non_max_suppression_v3_kernel(
    xp: Arrays,
    boxes: Array,
    scores: Array,
    most: Array,
    threshold: Array,
    least: Array,
) -> Array:
    """As NonMaxSuppression, of boxes with a score above the least."""
    del xp
    return _non_max(boxes, scores, most, float(threshold), float(least))


@op("NonMaxSuppressionV4", infer=_kept_and_count, host=True)
def non_max_suppression_v4_kernel(
    xp: Arrays,
    boxes: Array,
    scores: Array,
    most: Array,
    threshold: Array,
    least: Array,
    *,
    pad_to_max_output_size: bool,
) -> tuple[Array, Array]:
    """As NonMaxSuppressionV3, filled up with zeros; and how many there are."""
    del xp
    found = _non_max(boxes, scores, most, float(threshold), float(least))
    count = np.array(len(found), np.int32)
    if pad_to_max_output_size:
        found = np.pad(found, (0, max(int(most) - len(found), 0)))
    return found, count


@op("NonMaxSuppressionV5", infer=_kept_scored, host=True)
def non_max_suppression_v5_kernel(
    xp: Arrays,
    boxes: Array,
    scores: Array,
    most: Array,
    threshold: Array,
    least: Array,
    sigma: Array,
    *,
    pad_to_max_output_size: bool,
) -> tuple[Array, Array, Array]:
    """As NonMaxSuppressionV4, with the scores, which overlapping may lower."""
    del xp
    _refuse_threshold(float(threshold))
    if float(sigma) < 0:
        raise refused("soft_nms_sigma_val must be >= 0")
    _refuse_boxes(boxes, scores)
    kept = _suppressed(
        scores,
        _overlaps(boxes),
        int(most),
        float(threshold),
        float(least),
        float(sigma),
    )
    size = int(most) if pad_to_max_output_size else None
    places = _indices(kept, size)
    values = np.zeros(len(places), scores.dtype)
    values[: len(kept.scores)] = kept.scores
    return places, values, np.array(len(kept.places), np.int32)


def _kept_of_square(n: Operation) -> RawShape:
    rows, columns = with_rank(n, 0, 2)
    (scores,) = with_rank(n, 1, 1)
    same_dim(n, same_dim(n, rows, scores), columns)
    return (None,)


@op(
    "NonMaxSuppressionWithOverlaps",
    infer=_kept_of_square,
    grad=NOT_DIFFERENTIABLE,
    host=True,
)
def non_max_suppression_with_overlaps_kernel(
    xp: Arrays,
    overlaps: Array,
    scores: Array,
    most: Array,
    threshold: Array,
    least: Array,
) -> Array:
    """As NonMaxSuppressionV3, with the overlap of each two boxes given."""
    del xp
    if overlaps.ndim != 2:
        raise refused(f"overlaps must be 2-D{shape_text(overlaps.shape)}")
    if overlaps.shape[0] != overlaps.shape[1]:
        raise refused(f"overlaps must be square{shape_text(overlaps.shape)}")
    _refuse_scores(overlaps, scores)

    def overlap(i: int, j: int) -> float:
        return float(overlaps[i, j])

    return _indices(
        _suppressed(scores, overlap, int(most), float(threshold), float(least))
    )


# ---------------------------------------------------------------------- several classes


def _combined(n: Operation) -> list[RawShape]:
    boxes, scores = with_rank(n, 0, 4), with_rank(n, 1, 3)
    batch = same_dim(n, boxes[0], scores[0])
    total = constant(n._inputs[3])
    size = None if total is None else int(total)
    if n.attrs["pad_per_class"] and size is not None:
        each = constant(n._inputs[2])
        classes = scores[2]
        if each is None or classes is None:
            size = None
        else:
            size = min(size, int(each) * classes)
    return [(batch, size, 4), (batch, size), (batch, size), (batch,)]


@op("CombinedNonMaxSuppression", infer=_combined, host=True)
def combined_non_max_suppression_kernel(
    xp: Arrays,
    boxes: Array,
    scores: Array,
    each: Array,
    total: Array,
    threshold: Array,
    least: Array,
    *,
    pad_per_class: bool,
    clip_boxes: bool,
) -> tuple[Array, ...]:
    """NonMaxSuppression in each class of each image; the best boxes of all classes."""
    del xp
    _refuse_threshold(float(threshold))
    batch, _, separate, _ = boxes.shape
    classes = scores.shape[2]
    size = int(total)
    if pad_per_class:
        size = min(size, int(each) * classes)
    made = np.zeros((batch, size, 4), np.float32)
    values, names = (np.zeros((batch, size), np.float32) for _ in range(2))
    counts = np.zeros(batch, np.int32)
    for i in range(batch):
        found = []
        for label in range(classes):
            own = boxes[i, :, label if separate > 1 else 0]
            kept = _suppressed(
                scores[i, :, label],
                _overlaps(own),
                int(each),
                float(threshold),
                float(least),
            )
            found += [
                (score, label, own[place])
                for place, score in zip(kept.places, kept.scores, strict=True)
            ]
        found.sort(key=lambda entry: -entry[0])
        counts[i] = min(len(found), size)
        for j, (score, label, box) in enumerate(found[:size]):
            made[i, j] = np.clip(box, 0, 1) if clip_boxes else box
            values[i, j], names[i, j] = score, label
    return made, values, names, counts
