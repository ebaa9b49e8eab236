"""The search for likely sequences of labels: prefixes, a beam of them, step by step."""

from __future__ import annotations

import numpy as np


def merged_repeats(labels: list[int]) -> list[int]:
    """Labels, each that is equal to the one before it left out."""
    return [x for i, x in enumerate(labels) if not i or x != labels[i - 1]]


def log_softmax(x: np.ndarray) -> np.ndarray:
    """log softmax along the last axis, in float64."""
    shifted = x.astype(np.float64)
    shifted = shifted - shifted.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


class Beam:
    """The likeliest prefixes after some steps, the best first.

    Of each prefix are known the log probabilities that it ends in a blank, and that it
    ends in its last label.

    Args:
      width: how many are kept.

    Attributes:
      prefixes: sequences of labels.
      total: their log probabilities.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self.prefixes: list[tuple[int, ...]] = [()]
        self.total = np.zeros(1)
        self._blank = np.zeros(1)
        self._label = np.full(1, -np.inf)

    def advance(self, scores: np.ndarray) -> None:
        """Take the log probabilities of one more step, of which the last is a blank."""
        blank, label, grown = self._following(scores)
        total = np.logaddexp(blank, label)
        every = np.concatenate([total, grown.ravel()])
        best = np.argsort(-every, kind="stable")[: self._width]
        best = best[every[best] > -np.inf]
        prefixes = []
        count, classes = grown.shape
        for at in best.tolist():
            if at < count:
                prefixes.append(self.prefixes[at])
            else:
                parent, last = divmod(at - count, classes)
                prefixes.append((*self.prefixes[parent], last))
        nothing = np.full(grown.size, -np.inf)
        self.prefixes = prefixes
        self.total = every[best]
        self._blank = np.concatenate([blank, nothing])[best]
        self._label = np.concatenate([label, grown.ravel()])[best]

    def _following(
        self, scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The log probabilities after one more step.

        Returns:
          Of the same prefixes, that they end in a blank, and in their last label; and
          of those that have one label more, [prefix, label].
        """
        known = {prefix: i for i, prefix in enumerate(self.prefixes)}
        longer = [prefix for prefix in self.prefixes if prefix]
        place = np.array([known[prefix] for prefix in longer], int)
        last = np.array([prefix[-1] for prefix in longer], int)
        parent = np.array([known.get(prefix[:-1], -1) for prefix in longer], int)
        before = np.repeat(self.total[:, None], len(scores) - 1, 1)
        before[place, last] = self._blank[place]
        grown = before + scores[:-1]
        label = self._label.copy()
        there = parent >= 0
        kin = parent[there], last[there]
        label[place[there]] = np.logaddexp(label[place[there]], before[kin])
        label[place] += scores[last]
        grown[kin] = -np.inf
        return self.total + scores[-1], label, grown
