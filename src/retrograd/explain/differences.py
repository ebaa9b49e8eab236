"""A gradient function against differences, element by element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrograd.explain.subjects import Arrays, Subject

#: elements of one input that are looked at
_MOST = 48
#: by dtype: the step relative to the element, and the tolerances, relative to the
#: derivative and to the largest derivative. A difference extrapolated once is wrong by
#: step⁴ and by rounding / step.
_SETTINGS = {
    "float64": (1e-3, 2e-5, 1e-8),
    "float32": (4e-2, 4e-4, 2e-4),  # rounding is 1e-7 / 4e-2 of the values
}


@dataclass(slots=True)
class Compared:
    """One input at one point.

    Attributes:
      index: the elements that were compared.
      x: their values.
      rule: what the gradient function gives.
      numeric: what differences give.
      wrong: where the two are further apart than rounding explains.
      skipped: how many elements were left out, as there is a corner or a step nearby.
      tolerance: how far apart two derivatives may be, relative to their size.
    """

    index: list[tuple[int, ...]]
    x: np.ndarray
    rule: np.ndarray
    numeric: np.ndarray
    wrong: np.ndarray
    skipped: int
    tolerance: float

    @property
    def gap(self) -> float:
        """The largest difference, relative to the largest derivative; 0 for none."""
        scale = self.scale
        return float(np.max(np.abs(self.rule - self.numeric)) / scale) if scale else 0.0

    @property
    def scale(self) -> float:
        """The largest derivative, by either way."""
        both = np.concatenate([np.abs(self.rule), np.abs(self.numeric)])
        return float(both.max()) if both.size else 0.0

    @property
    def worst(self) -> int:
        """The element that is furthest off, relative to its derivative."""
        size = np.maximum(np.abs(self.rule), np.abs(self.numeric))
        gap = np.abs(self.rule - self.numeric)
        return int(np.argmax(gap * self.wrong / np.where(size > 0, size, 1)))

    @property
    def factor(self) -> float | None:
        """What the rule is times the derivative, if that is one number but 1."""
        used = np.abs(self.numeric) > 0.05 * self.scale
        if not used.any():
            return None
        ratios = self.rule[used] / self.numeric[used]
        middle = float(np.median(ratios))
        spread = np.max(np.abs(ratios - middle))
        small = self.tolerance * max(abs(middle), 1e-3)
        return middle if spread <= small < abs(middle - 1) else None

    @property
    def flat(self) -> bool:
        """Whether differences are zero throughout, and the rule's are not."""
        return not np.any(self.numeric) and bool(np.any(self.rule))


def compare(
    subject: Subject,
    xs: Arrays,
    dys: Arrays,
    position: int,
    rule: np.ndarray | None,
    rng: np.random.Generator,
) -> Compared:
    """The gradient for one input, by the rule and by differences.

    Args:
      subject: what is tried.
      xs: the point.
      dys: the seed of each output.
      position: the input.
      rule: what the rule gives there; None counts as zeros.
      rng: chooses elements of large inputs.
    """
    relative, by_element, by_scale = _SETTINGS[subject.dtype.name]
    x = xs[position]
    places = list(np.ndindex(*x.shape))
    if len(places) > _MOST:
        chosen = sorted(rng.choice(len(places), _MOST, replace=False))
        places = [places[i] for i in chosen]
    kept, numeric, skipped = [], [], 0
    for index in places:
        step = relative * max(1.0, abs(float(x[index])))
        around = _Around(subject, xs, dys, position, index)
        (coarse, bend), (fine, _), (finest, left) = (
            around(step / k) for k in (1, 2, 4)
        )
        better = (4 * fine - coarse) / 3
        best = (4 * finest - fine) / 3
        size = max(abs(coarse), abs(fine), abs(finest))
        # at a corner the slopes of the two sides stay apart, however small the step
        corner = abs(left) > max(0.6 * abs(bend), 1e-3 * size)
        rough = abs(best - better) > 0.5 * by_element * size + 1e-9
        if not np.isfinite(size) or rough or corner:
            skipped += 1
            continue
        kept.append(index)
        numeric.append(best)
    given = np.zeros_like(x) if rule is None else rule
    mine = np.array([given[i] for i in kept], np.float64)
    theirs = np.array(numeric, np.float64)
    size = np.maximum(np.abs(mine), np.abs(theirs))
    allowed = by_element * size + by_scale * (float(size.max()) if kept else 0.0)
    values = np.array([x[i] for i in kept], np.float64)
    return Compared(
        kept,
        values,
        mine,
        theirs,
        np.abs(mine - theirs) > allowed,
        skipped,
        by_element,
    )


class _Around:
    """How L = Σ ⟨dys, ys⟩ changes around one element of an input."""

    def __init__(
        self,
        subject: Subject,
        xs: Arrays,
        dys: Arrays,
        position: int,
        index: tuple[int, ...],
    ) -> None:
        self._subject, self._xs, self._dys = subject, xs, dys
        self._position, self._index = position, index
        self._here = subject.value(xs)

    def __call__(self, step: float) -> tuple[float, float]:
        """(L(x + step) − L(x − step)) / 2 step, and by how much the sides differ."""
        at = float(self._xs[self._position][self._index])
        right, above = self._moved(step)
        left, below = self._moved(-step)
        rise, fall = self._change(above, self._here), self._change(self._here, below)
        whole = self._change(above, below)
        return whole / (right - left), rise / (right - at) - fall / (at - left)

    def _moved(self, shift: float) -> tuple[float, Arrays]:
        moved = self._xs[self._position].copy()
        moved[self._index] += shift
        xs = [*self._xs]
        xs[self._position] = moved
        return float(moved[self._index]), self._subject.value(xs)

    def _change(self, high: Arrays, low: Arrays) -> float:
        """L(high) − L(low); what does not differ between them drops out exactly."""
        return sum(
            float(np.sum(np.asarray(dy, np.float64) * (np.float64(h) - np.float64(w))))
            for dy, h, w in zip(self._dys, high, low, strict=True)
        )
