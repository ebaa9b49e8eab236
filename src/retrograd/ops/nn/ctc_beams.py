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

    def advance(self, inputs: np.ndarray) -> None:
        """Take the inputs of one more step, of which the last is the blank's."""
        scores = log_softmax(inputs)
        known = {prefix: i for i, prefix in enumerate(self.prefixes)}
        blank, label = self._kept(scores, known)
        grown = self._grown(scores[:-1], known)
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

    def _kept(
        self, scores: np.ndarray, known: dict[tuple[int, ...], int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities of the same prefixes after one more step."""
        label = self._label.copy()
        for i, prefix in enumerate(self.prefixes):
            if not prefix:
                continue
            parent = known.get(prefix[:-1])
            if parent is not None:
                repeats = self.prefixes[parent][-1:] == prefix[-1:]
                before = self._blank if repeats else self.total
                label[i] = np.logaddexp(label[i], before[parent])
            label[i] += scores[prefix[-1]]
        return self.total + scores[-1], label

    def _grown(
        self, scores: np.ndarray, known: dict[tuple[int, ...], int]
    ) -> np.ndarray:
        """The probabilities of prefixes that have one label more: [prefix, label]."""
        before = np.repeat(self.total[:, None], len(scores), 1)
        for i, prefix in enumerate(self.prefixes):
            if prefix:
                before[i, prefix[-1]] = self._blank[i]
        grown = before + scores
        for prefix in self.prefixes:
            parent = known.get(prefix[:-1]) if prefix else None
            if parent is not None:
                grown[parent, prefix[-1]] = -np.inf
        return grown
