"""Going through batches: epochs of training, one of testing or predicting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.keras.batches import Arrays, Batch, Elements

if TYPE_CHECKING:
    from retrograd.keras.callback import CallbackList
    from retrograd.keras.callback_logs import ProgbarLogger
    from retrograd.keras.model import Model

Source = Arrays | Elements


class Means:
    """The results of an epoch: the mean loss, and metrics as they are at the end.

    Args:
      by_samples: whether batches count by their sizes.
    """

    def __init__(self, by_samples: bool) -> None:
        self.by_samples, self.total, self.count = by_samples, 0.0, 0
        self.last: list[Any] = []

    def add(self, results: Sequence[Any], size: int) -> None:
        """Take the results of a batch in."""
        share = size if self.by_samples else 1
        self.total += float(results[0]) * share
        self.count += share
        self.last = list(results[1:])

    def results(self) -> list[Any]:
        """The loss and the metrics."""
        return [self.total / self.count, *self.last] if self.count else []


class Joined:
    """Outputs of batches, one after another.

    Args:
      samples: how many there will be in all, None if that is not known.
    """

    def __init__(self, samples: int | None) -> None:
        self.samples, self.at = samples, 0
        self.parts: list[Any] = []

    def add(self, outputs: Sequence[Any], size: int) -> None:
        """Take the outputs of a batch in."""
        if self.samples is None:
            for kept, output in zip(self._parts(outputs), outputs, strict=True):
                kept.append(output)
            return
        if not self.parts:
            self.parts = [
                np.zeros((self.samples, *np.shape(o)[1:]), o.dtype) for o in outputs
            ]
        for whole, output in zip(self.parts, outputs, strict=True):
            whole[self.at : self.at + size] = output
        self.at += size

    def _parts(self, outputs: Sequence[Any]) -> list[Any]:
        if not self.parts:
            self.parts = [[] for _ in outputs]
        return self.parts

    def results(self) -> list[Any]:
        """The outputs."""
        if self.samples is not None:
            return list(self.parts)
        return [np.concatenate(x) if np.ndim(x[0]) else np.stack(x) for x in self.parts]


def go_through(
    source: Source,
    step: Callable[[Batch], Sequence[Any]],
    aggregate: Means | Joined,
    callbacks: CallbackList,
    names: Sequence[str],
    mode: str,
    model: Model | None = None,
    bar: ProgbarLogger | None = None,
) -> None:
    """Make a step with each batch of an epoch.

    Args:
      source: where the batches come from.
      step: gives the results of a batch.
      aggregate: takes them in.
      callbacks: told of each batch.
      names: of the results.
      mode: `train`, `test` or `predict`.
      model: may ask to stop.
      bar: shows how far it is, where no callback does.
    """
    for index, batch in enumerate(source.epoch()):
        size = batch.size if source.counts_samples else 1
        logs: dict[str, Any] = {"batch": index, "size": size}
        callbacks._call_batch_hook(mode, "begin", index, logs)
        if bar is not None:
            bar.on_batch_begin(index, logs)
        results = step(batch)
        aggregate.add(results, batch.size)
        if mode == "predict":
            logs["outputs"] = results
        else:
            logs.update(zip(names, results, strict=False))
        callbacks._call_batch_hook(mode, "end", index, logs)
        if bar is not None:
            bar.on_batch_end(index, logs)
        if model is not None and model.stop_training:
            break
