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
        self._stays = np.ones_like(labels) if merges else ~labels
        skips = labels.copy()
        skips[:, :2] = False
        if merges:
            skips[:, 2:] &= self._states[:, 2:] != self._states[:, :-2]
        self._skips = skips

    def loss_and_gradient(self) -> tuple[np.ndarray, np.ndarray]:
        """−log p of each sequence, and the derivative for the inputs."""
        steps = len(self._log_y)
        spread = np.stack([self._emitted(t) for t in range(steps)]) if steps else None
        alphas = self._forward(spread) if spread is not None else []
        gradient = np.zeros(self._log_y.shape)
        rows = np.arange(len(self._counts))
        log_p = np.where(self._counts == 1, 0.0, -np.inf)
        beta = np.full(self._states.shape, -np.inf)
        for t in reversed(range(steps)):
            assert spread is not None
            beta = self._back(beta, spread, t)
            joint = alphas[t] + beta
            runs = np.less(t, self._lengths)
            whole = np.logaddexp.reduce(joint, 1)
            if t == 0:
                log_p = np.where(runs, whole, log_p)
            y = np.exp(self._log_y[t])
            found = whole != -np.inf
            part = np.exp(joint - np.where(found, whole, 0)[:, None])
            taken = np.zeros_like(y)
            np.add.at(taken, (rows[:, None], self._states), part)
            y = np.where(found[:, None], y - taken, y)
            gradient[t] = np.where(runs[:, None], y, 0)
        loss = np.where(self._left_out, 0, -log_p)
        return loss.astype(self._dtype), gradient.astype(self._dtype)

    def _emitted(self, t: int) -> np.ndarray:
        """What each state gives at a step."""
        return np.take_along_axis(self._log_y[t], self._states, 1)

    def _forward(self, spread: np.ndarray) -> list[np.ndarray]:
        """The probability of being in each state after each step."""
        first = np.full(self._states.shape, -np.inf)
        count = np.minimum(self._counts, 2)
        there = np.arange(first.shape[1]) < count[:, None]
        first[there] = spread[0][there]
        found = [first]
        for emitted in spread[1:]:
            before = found[-1]
            now = np.where(self._stays, before, -np.inf)
            now[:, 1:] = np.logaddexp(now[:, 1:], before[:, :-1])
            jumped = np.where(self._skips[:, 2:], before[:, :-2], -np.inf)
            now[:, 2:] = np.logaddexp(now[:, 2:], jumped)
            found.append(now + emitted)
        return found

    def _back(self, after: np.ndarray, spread: np.ndarray, t: int) -> np.ndarray:
        """The probability of all that follows step t, from each state."""
        ends = np.equal(t, self._lengths - 1)
        last = np.full(self._states.shape, -np.inf)
        place = np.arange(self._states.shape[1])
        count = self._counts[:, None]
        last[np.logical_and(place >= count - 2, place < count)] = 0
        if t + 1 == len(spread):
            return np.where(ends[:, None], last, -np.inf)
        ahead = after + spread[t + 1]
        now = np.where(self._stays, ahead, -np.inf)
        now[:, :-1] = np.logaddexp(now[:, :-1], ahead[:, 1:])
        jumped = np.where(self._skips[:, 2:], ahead[:, 2:], -np.inf)
        now[:, :-2] = np.logaddexp(now[:, :-2], jumped)
        return np.where(ends[:, None], last, now)
