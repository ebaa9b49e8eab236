"""One large batch beside the small ones it is split into: what agrees, and what not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import message
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import find
from retrograd.run.observe import Observed
from retrograd.run.plan import make_plan

if TYPE_CHECKING:
    from retrograd.typing import Array

#: how a tensor of the small batches goes together to that of the large one
ROWS, SAME, SUM, MEAN, WEIGHTED, OTHER, UNKNOWN = (
    "rows",
    "same",
    "sum",
    "mean",
    "weighted mean",
    "other",
    "unknown",
)
#: those that say that nothing is wrong
AGREEING = frozenset((ROWS, SAME, SUM, MEAN, WEIGHTED))
_TOLERANCE = {"float64": 1e-8, "float16": 2e-2, "bfloat16": 5e-2}


def tolerance(dtype: np.dtype[Any]) -> float:
    """The error, relative to the largest element, that rounding explains.

    Sums over a batch are rounded in another order: about the square root of the size
    times the unit of rounding, 6e-8 for float32.
    """
    return _TOLERANCE.get(np.dtype(dtype).name, 2e-4)


def relative_error(found: Array, wanted: Array) -> float:
    """The largest difference, relative to the largest element that is wanted."""
    wide = np.complex128 if np.iscomplexobj(wanted) else np.float64
    a, b = np.asarray(found).astype(wide), np.asarray(wanted).astype(wide)
    if a.shape != b.shape:
        return float("inf")
    if not b.size:
        return 0.0
    difference = float(np.max(np.abs(a - b)))
    scale = max(float(np.max(np.abs(b))), float(np.max(np.abs(a))))
    return difference / scale if scale else 0.0


@dataclass(slots=True)
class Split:
    """A batch and its parts.

    Attributes:
      axis: along which it is split.
      tensors: the fed tensors that have such an axis.
      whole: how many examples there are.
      parts: how many each small batch has.
    """

    axis: int
    tensors: list[Tensor]
    whole: int
    parts: list[int]

    def feeds(self, values: dict[Tensor, Any]) -> list[dict[Tensor, Any]]:
        """The feeds of each small batch, of values that have the axis."""
        ends = np.cumsum(self.parts)[:-1]
        pieces = {t: np.split(v, ends, self.axis) for t, v in values.items()}
        return [{t: p[i] for t, p in pieces.items()} for i in range(len(self.parts))]


def split(feeds: dict[Tensor, Any], k: int, axis: int) -> Split:
    """How a batch is split; the first small ones get what cannot be shared evenly.

    Raises:
      ValueError: no feed has a batch axis of a size that is not fixed, feeds differ in
        it, or it has fewer than k examples.
    """
    found = {}
    for tensor, value in feeds.items():
        raw = tensor._shape_raw
        if np.ndim(value) > axis and (raw is None or raw[axis] is None):
            found[tensor] = np.shape(value)[axis]
    if not found:
        raise ValueError(
            message(
                f"accumulation_check: no feed has a batch along axis {axis}.",
                got=", ".join(f"{t.name} {t.shape}" for t in feeds) or "no feeds",
                fix="a placeholder whose size is None there, and a value for it in "
                "feed_dict",
            )
        )
    whole, _ = Counter(found.values()).most_common(1)[0]
    tensors = [t for t, size in found.items() if size == whole]
    if whole < k or k < 2:
        raise ValueError(
            message(
                f"accumulation_check: {whole} examples cannot be split into {k} small "
                "batches.",
                fix="2 ≤ k ≤ the number of examples",
            )
        )
    parts = [len(p) for p in np.array_split(np.arange(whole), k)]
    return Split(axis, tensors, whole, parts)


class Compared:
    """The forward pass of a loss on a batch, and on its parts.

    Random numbers are those of the large batch in both, as far as they go by example.

    Args:
      observed: runs the graph.
      split_: the batch.
      loss: what is computed.

    Attributes:
      ops: the operations that depend on the batch, in order.
      kinds: for each tensor that does, how the small batches' values go together.
      random: the operations that draw random numbers.
      parts: the feeds of each small batch, random numbers among them.
    """

    def __init__(self, observed: Observed, split_: Split, loss: Tensor) -> None:
        self.observed, self.split, self.loss = observed, split_, loss
        plan = make_plan([loss], [], list(observed.feeds))
        self.random = [op for op in plan.ops if _is_random(op)]
        self.ops = _dependent(plan.ops, split_.tensors)
        drawn = [t for op in self.random for t in op._outputs]
        inside = [t for op in self.ops for t in op._outputs if _is_number(t)]
        whole = observed([*inside, *drawn])
        self.whole = {t: v for t, v in whole.items() if t in set(inside)}
        self.fixed = {t: whole[t] for t in drawn if t in whole}
        self.parts = self._parts(observed)
        runs = [observed(inside, part) for part in self.parts]
        self.kinds = {
            t: self._kind(v, [r[t] for r in runs])
            for t, v in self.whole.items()
            if all(t in r for r in runs)
        }
        self.kinds.update(dict.fromkeys(split_.tensors, ROWS))

    def _parts(self, observed: Observed) -> list[dict[Tensor, Any]]:
        by_example = {t: observed.feeds[t] for t in self.split.tensors}
        constant = {}
        for tensor, value in self.fixed.items():
            if np.ndim(value) > self.split.axis and (
                np.shape(value)[self.split.axis] == self.split.whole
            ):
                by_example[tensor] = value
            else:
                constant[tensor] = value
        return [{**constant, **part} for part in self.split.feeds(by_example)]

    # ------------------------------------------------------------------ kinds

    def _kind(self, whole: Array, parts: Sequence[Any]) -> str:
        allowed = tolerance(np.asarray(whole).dtype)
        together = self._together(whole, parts)
        if together is not None:
            return ROWS if relative_error(together, whole) <= allowed else OTHER
        if any(np.shape(p) != np.shape(whole) for p in parts):
            return UNKNOWN
        if all(relative_error(p, whole) <= allowed for p in parts):
            return SAME
        weights = np.asarray(self.split.parts) / self.split.whole
        wide = [np.asarray(p).astype(np.float64) for p in parts]
        for kind, value in (
            (MEAN, np.mean(wide, 0)),
            (SUM, np.sum(wide, 0)),
            (WEIGHTED, np.tensordot(weights, np.stack(wide), 1)),
        ):
            if relative_error(value, whole) <= allowed:
                return kind
        return OTHER

    def _together(self, whole: Array, parts: Sequence[Any]) -> Any:
        """The parts one after the other, where they go by example; else None."""
        axes = dict.fromkeys((self.split.axis, *range(np.ndim(whole))))
        for axis in (a for a in axes if a < np.ndim(whole)):
            sizes = [np.shape(p)[axis] for p in parts if np.ndim(p) > axis]
            if len(sizes) != len(parts) or sum(sizes) != np.shape(whole)[axis]:
                continue
            total = np.shape(whole)[axis]
            even = zip(sizes, self.split.parts, strict=True)
            if all(s * self.split.whole == total * n for s, n in even):
                return np.concatenate([np.asarray(p) for p in parts], axis)
        return None

    def responsible(self) -> list[Operation]:
        """The operations whose results do not go together though their operands do."""
        first, vague = [], []
        for op in self.ops:
            kinds = [self.kinds[t] for t in op._outputs if t in self.kinds]
            before = [self.kinds[t] for t in op._inputs if t in self.kinds]
            if OTHER in kinds and OTHER not in before:
                (first if all(k in AGREEING for k in before) else vague).append(op)
        return first or vague


def _dependent(ops: Sequence[Operation], tensors: Sequence[Tensor]) -> list[Operation]:
    """The operations that depend on some tensors, in order."""
    reached: set[Tensor] = set(tensors)
    found = []
    for op in ops:
        if any(t in reached for t in op._inputs):
            reached.update(op._outputs)
            found.append(op)
    return found


def _is_random(op: Operation) -> bool:
    declaration = find(op.type)
    return declaration is not None and declaration.state is not None


def _is_number(tensor: Tensor) -> bool:
    return tensor.dtype.base_dtype.is_floating and not tensor.dtype._is_ref_dtype
