"""The probability of labels: a sum over all their alignments with the steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retrograd.ops.nn.ctc_beams import log_softmax


class Alignments:
    """Sequences of inputs and what they are to be read as.

    Each label stands between two blanks: state 2i + 1 is label i, the even ones are
    blanks. Log probabilities are [sequence, state].

    Args:
      inputs: [steps, sequences, classes]; the last class is the blank.
      paths: the labels of each sequence, or None for one that is left out.
      lengths: how many steps of each sequence count.
      merges: whether a label may last for several steps.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        paths: Sequence[list[int] | None],
        lengths: Sequence[int],
        merges: bool,
    ) -> None:
        self._dtype = inputs.dtype
        self._log_y = log_softmax(inputs)
        self._left_out = np.array([path is None for path in paths], bool)
        self._lengths = np.array(lengths)
        self._lengths[self._left_out] = 0
        known = [path or [] for path in paths]
        self._counts = np.array([2 * len(path) + 1 for path in known])
        blank = inputs.shape[2] - 1
        self._states = np.full((len(known), self._counts.max()), blank)
        for row, path in enumerate(known):
            self._states[row, 1 : 2 * len(path) : 2] = path
        labels = self._states != blank
        labels[:, ::2] = False
        #: what is added where a state may not last, or the one before not be skipped
        self._stays = np.where(labels & (not merges), -np.inf, 0.0)
        skips = labels[:, 2:]
        if merges:
            skips = skips & (self._states[:, 2:] != self._states[:, :-2])
        self._skips = np.where(skips, 0.0, -np.inf)

    def loss_and_gradient(self) -> tuple[np.ndarray, np.ndarray]:
        """−log p of each sequence, and the derivative for the inputs."""
        steps = len(self._log_y)
        log_p = np.where(self._counts == 1, 0.0, -np.inf)
        if not steps:
            return self._result(log_p, self._log_y)
        spread = np.take_along_axis(self._log_y, self._states[None], 2)
        joint = self._forward(spread)
        self._add_back(joint, spread)
        most = joint.max(2, keepdims=True)
        most = np.where(most == -np.inf, 0, most)
        part = np.exp(joint - most)
        whole = part.sum(2)
        with np.errstate(divide="ignore"):
            first = np.log(whole[0]) + most[0, :, 0]
        log_p = np.where(self._lengths > 0, first, log_p)
        part /= np.where(whole == 0, 1, whole)[:, :, None]
        y = np.exp(self._log_y) - self._by_class(part)
        counts = np.arange(steps)[:, None] < self._lengths
        return self._result(log_p, np.where(counts[:, :, None], y, 0))

    def _by_class(self, part: np.ndarray) -> np.ndarray:
        """Sums of what states have over those of each class."""
        steps, batch, classes = self._log_y.shape
        places = np.arange(steps * batch).reshape(steps, batch, 1) * classes
        at = (places + self._states).ravel()
        found = np.bincount(at, part.ravel(), steps * batch * classes)
        return found.reshape(steps, batch, classes)

    def _result(
        self, log_p: np.ndarray, gradient: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        loss = np.where(self._left_out, 0, -log_p)
        return loss.astype(self._dtype), gradient.astype(self._dtype)

    def _forward(self, spread: np.ndarray) -> np.ndarray:
        """The probability of being in each state after each step."""
        found = np.full(spread.shape, -np.inf)
        count = np.minimum(self._counts, 2)
        there = np.arange(spread.shape[2]) < count[:, None]
        found[0][there] = spread[0][there]
        for t in range(1, len(spread)):
            before = found[t - 1]
            now = np.add(before, self._stays, out=found[t])
            np.logaddexp(now[:, 1:], before[:, :-1], out=now[:, 1:])
            np.logaddexp(now[:, 2:], before[:, :-2] + self._skips, out=now[:, 2:])
            now += spread[t]
        return found

    def _add_back(self, joint: np.ndarray, spread: np.ndarray) -> None:
        """Add the probability of all that follows each step, from each state."""
        place, count = np.arange(self._states.shape[1]), self._counts[:, None]
        ends = np.logical_and(place >= count - 2, place < count)
        last = np.where(ends, 0, -np.inf)
        now = np.full(last.shape, -np.inf)
        for t in reversed(range(len(spread))):
            if t + 1 < len(spread):
                ahead = now + spread[t + 1]
                now = ahead + self._stays
                np.logaddexp(now[:, :-1], ahead[:, 1:], out=now[:, :-1])
                np.logaddexp(now[:, :-2], ahead[:, 2:] + self._skips, out=now[:, :-2])
            begins = self._lengths == t + 1
            now[begins] = last[begins]
            joint[t] += now
