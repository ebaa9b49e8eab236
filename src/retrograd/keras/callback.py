"""Callbacks: what models call while they train, and lists of them."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd.keras.mode_keys import ModeKeys
from retrograd.platform import logs as log

if TYPE_CHECKING:
    #: names and values of losses and metrics, which callbacks may add to
    Logs: TypeAlias = dict[str, Any] | None


class Callback:
    """Base of callbacks: a subclass overrides what it wants to be told.

    Attributes:
      params: what is known of the run: `epochs`, `steps`, `samples`, `batch_size`,
        `verbose`, `metrics`, `do_validation`.
      model: the model.
    """

    def __init__(self) -> None:
        self.validation_data: Any = None
        self.model: Any = None
        self.params: dict[str, Any] = {}
        self._chief_worker_only: bool | None = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Keep what is known of the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Keep the model."""
        self.model = model

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """As `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """As `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """An epoch of training begins."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """An epoch of training has ended; `logs` has its losses and metrics."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A batch of training begins."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A batch of training has ended; `logs` has its losses and metrics."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A batch of a test begins."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A batch of a test has ended; `logs` has its losses and metrics."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A batch of predictions begins."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A batch of predictions has ended."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Training begins."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Training has ended."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """A test begins."""

    def on_test_end(self, logs: Logs = None) -> None:
        """A test has ended."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Predictions begin."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Predictions have ended."""


class CallbackList:
    """Callbacks that are called one after another.

    Args:
      callbacks: the callbacks.
      queue_length: of how many batches times are kept, to find slow callbacks.
    """

    def __init__(
        self, callbacks: Sequence[Callback] | None = None, queue_length: int = 10
    ) -> None:
        self.callbacks = list(callbacks or ())
        self.queue_length = queue_length
        self.params: dict[str, Any] = {}
        self.model: Any = None
        self._reset_batch_timing()

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def _reset_batch_timing(self) -> None:
        self._delta_t_batch = 0.0
        self._t_enter_batch = 0.0
        self._delta_ts: dict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=self.queue_length)
        )

    def append(self, callback: Callback) -> None:
        """Call one more, after the others."""
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell all what is known of the run."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Tell all the model."""
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)

    def _call_batch_hook(
        self, mode: str, hook: str, batch: int, logs: Logs = None
    ) -> None:
        """Tell all that a batch begins or has ended; warn of what takes long."""
        if not self.callbacks:
            return
        name = f"on_{mode}_batch_{hook}"
        if hook == "begin":
            self._t_enter_batch = time.time()
        elif hook == "end":
            self._delta_t_batch = time.time() - self._t_enter_batch
        logs = logs or {}
        before = time.time()
        for callback in self.callbacks:
            getattr(callback, name)(batch, logs)
        times = self._delta_ts[name]
        times.append(time.time() - before)
        median = float(np.median(times))
        if self._delta_t_batch > 0.0 and median > 0.95 * self._delta_t_batch:
            if median > 0.1:
                log.warning(
                    "Method (%s) is slow compared to the batch update (%f). Check your "
                    "callbacks.",
                    name,
                    median,
                )

    def _call_begin_hook(self, mode: str) -> None:
        """Tell all that training, a test or predictions begin."""
        getattr(self, f"on_{mode}_begin")()

    def _call_end_hook(self, mode: str) -> None:
        """Tell all that training, a test or predictions have ended."""
        getattr(self, f"on_{mode}_end")()

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A batch of training begins."""
        self._call_batch_hook(ModeKeys.TRAIN, "begin", batch, logs=logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A batch of training has ended."""
        self._call_batch_hook(ModeKeys.TRAIN, "end", batch, logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """An epoch of training begins."""
        logs = logs or {}
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)
        self._reset_batch_timing()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """An epoch of training has ended."""
        logs = logs or {}
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A batch of training begins."""
        self._call_batch_hook(ModeKeys.TRAIN, "begin", batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A batch of training has ended."""
        self._call_batch_hook(ModeKeys.TRAIN, "end", batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A batch of a test begins."""
        self._call_batch_hook(ModeKeys.TEST, "begin", batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A batch of a test has ended."""
        self._call_batch_hook(ModeKeys.TEST, "end", batch, logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A batch of predictions begins."""
        self._call_batch_hook(ModeKeys.PREDICT, "begin", batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A batch of predictions has ended."""
        self._call_batch_hook(ModeKeys.PREDICT, "end", batch, logs=logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Training begins."""
        for callback in self.callbacks:
            callback.on_train_begin(logs)

    def on_train_end(self, logs: Logs = None) -> None:
        """Training has ended."""
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        """A test begins."""
        for callback in self.callbacks:
            callback.on_test_begin(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        """A test has ended."""
        for callback in self.callbacks:
            callback.on_test_end(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Predictions begin."""
        for callback in self.callbacks:
            callback.on_predict_begin(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        """Predictions have ended."""
        for callback in self.callbacks:
            callback.on_predict_end(logs)


def make_logs(
    model: Any,
    logs: dict[str, Any],
    outputs: Sequence[Any],
    mode: str,
    prefix: str = "",
) -> Mapping[str, Any]:
    """`logs` with the outputs of a step, by the names of the model's metrics."""
    if mode not in (ModeKeys.TRAIN, ModeKeys.TEST):
        logs["outputs"] = outputs
    elif hasattr(model, "metrics_names"):
        for name, output in zip(model.metrics_names, outputs, strict=False):
            logs[prefix + name] = output
    return logs
