"""Callbacks that save models, end training, and change learning rates."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.keras.callback import Callback
from retrograd.keras.graphs import plain
from retrograd.layers.values import batch_set_value
from retrograd.platform import logs as log

if TYPE_CHECKING:
    from retrograd.keras.callback import Logs


def _rises(mode: str, named: bool, who: str) -> bool:
    """Whether more is better of a quantity.

    Args:
      mode: `min`, `max` or `auto`.
      named: what its name says, by which `auto` decides.
      who: what a warning about another mode calls it.
    """
    if mode not in ("auto", "min", "max"):
        log.warning(f"{who} mode %s is unknown, fallback to auto mode.", mode)
        mode = "auto"
    return named if mode == "auto" else mode == "max"


class ModelCheckpoint(Callback):
    """Saves the model, or its weights.

    Args:
      filepath: the file; `{epoch}` and names of `logs` in it are filled in.
      monitor: the quantity that says which model is best.
      verbose: whether it is said.
      save_best_only: whether the model is saved only if it is better than all before.
      save_weights_only: whether only weights are saved.
      mode: `min`, `max` or `auto`: which is better.
      save_freq: `epoch`, or after how many samples it is saved.
      **kwargs: `load_weights_on_restart`: whether training begins with weights that are
        there; `period`, an older one: after how many epochs it is saved.

    Raises:
      ValueError: no such frequency.
    """

    def __init__(
        self,
        filepath: str,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.verbose = verbose
        self.filepath = filepath
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.epochs_since_last_save = 0
        self._samples_seen_since_last_saving = 0
        self._current_epoch = 0
        self.load_weights_on_restart = kwargs.get("load_weights_on_restart", False)
        self.period = kwargs.get("period", 1)
        if "period" in kwargs:
            log.warning(
                "`period` argument is deprecated. Please use `save_freq` to specify "
                "the frequency in number of samples seen."
            )
        named = "acc" in monitor or monitor.startswith("fmeasure")
        rising = _rises(mode, named, "ModelCheckpoint")
        self.monitor_op: Callable[..., Any] = np.greater if rising else np.less
        self.best: Any = -np.inf if rising else np.inf
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"Unrecognized save_freq: {save_freq}")

    def set_model(self, model: Any) -> None:
        """Keep the model; one that has no graph saves its weights only."""
        self.model = model
        graph = getattr(model, "_is_graph_network", True)
        if not self.save_weights_only and not graph and not _is_sequential(model):
            self.save_weights_only = True

    def on_train_begin(self, logs: Logs = None) -> None:
        """Load weights that are there, if that is wanted."""
        if self.load_weights_on_restart:
            path = self._get_most_recently_modified_file_matching_pattern(self.filepath)
            if path is not None and os.path.exists(path):
                try:
                    self.model.load_weights(path)
                except (OSError, ValueError) as error:
                    raise ValueError(
                        f"Error loading file from {path}. Reason: {error}"
                    ) from error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save the model after so many samples."""
        if isinstance(self.save_freq, int):
            self._samples_seen_since_last_saving += (logs or {}).get("size", 1)
            if self._samples_seen_since_last_saving >= self.save_freq:
                self._save_model(epoch=self._current_epoch, logs=logs)
                self._samples_seen_since_last_saving = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """An epoch of training begins."""
        self._current_epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save the model after the epoch."""
        self.epochs_since_last_save += 1
        if self.save_freq == "epoch":
            self._save_model(epoch=epoch, logs=logs)

    def _save_model(self, epoch: int, logs: Logs) -> None:
        logs = logs or {}
        often = isinstance(self.save_freq, int)
        if not often and self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        path = self._get_file_path(epoch, logs)
        if not self.save_best_only:
            self._say(epoch, f"saving model to {path}")
            self._save(path)
            return
        current = logs.get(self.monitor)
        if current is None:
            log.warning(
                "Can save best model only with %s available, skipping.", self.monitor
            )
        elif self.monitor_op(current, self.best):
            self._say(
                epoch,
                f"{self.monitor} improved from {self.best:.5f} to {current:.5f}, "
                f"saving model to {path}",
            )
            self.best = current
            self._save(path)
        else:
            self._say(epoch, f"{self.monitor} did not improve from {self.best:.5f}")

    def _say(self, epoch: int, text: str) -> None:
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1:05d}: {text}")

    def _save(self, path: str) -> None:
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)

    def _get_file_path(self, epoch: int, logs: dict[str, Any]) -> str:
        """The file of an epoch."""
        return self.filepath.format(epoch=epoch + 1, **logs)

    def _get_most_recently_modified_file_matching_pattern(
        self, pattern: str
    ) -> str | None:
        """The newest file whose name a pattern with fields could have given."""
        folder, name = os.path.split(pattern)
        expression = "^" + re.sub(r"\{.*?\}", ".*", name) + "$"
        if not os.path.isdir(folder or "."):
            return None
        found = [
            os.path.join(folder, file)
            for file in os.listdir(folder or ".")
            if re.match(expression, file)
        ]
        return max(found, key=lambda file: (os.path.getmtime(file), file), default=None)


def _is_sequential(model: Any) -> bool:
    return type(model).__name__ == "Sequential"


class EarlyStopping(Callback):
    """Ends training where a quantity does not get better any more.

    Args:
      monitor: the quantity.
      min_delta: how much better counts as better.
      patience: for how many epochs it may not.
      verbose: whether it is said.
      mode: `min`, `max` or `auto`: which is better.
      baseline: what it has to be better than.
      restore_best_weights: whether the model gets the weights of its best epoch.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.wait = 0
        self.stopped_epoch = 0
        self.restore_best_weights = restore_best_weights
        self.best_weights: Any = None
        self.best: Any = None
        rising = _rises(mode, "acc" in monitor, "EarlyStopping")
        self.monitor_op: Callable[..., Any] = np.greater if rising else np.less
        self.min_delta = abs(min_delta) * (1 if rising else -1)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begin anew."""
        self.wait = 0
        self.stopped_epoch = 0
        worst = np.inf if self.monitor_op is np.less else -np.inf
        self.best = worst if self.baseline is None else self.baseline

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the quantity."""
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.monitor_op(current - self.min_delta, self.best):
            self.best = current
            self.wait = 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights:
                if self.verbose > 0:
                    print("Restoring model weights from the end of the best epoch.")
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Logs = None) -> None:
        """Say when it has ended."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")

    def get_monitor_value(self, logs: Logs) -> Any:
        """The quantity; warn where there is none."""
        return _value(logs, self.monitor, "Early stopping")


def _value(logs: Logs, monitor: str, who: str) -> Any:
    logs = logs or {}
    found = logs.get(monitor)
    if found is None:
        log.warning(
            f"{who} conditioned on metric `%s` which is not available. Available "
            "metrics are: %s",
            monitor,
            ",".join(logs),
        )
    return found


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch.

    Args:
      schedule: a function from the number of an epoch, from 0, and the learning rate
        to the new one; or from the number alone.
      verbose: whether it is said.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Set the learning rate.

        Raises:
          ValueError: the optimizer has none, or the function gives no float.
        """
        optimizer = self.model.optimizer
        if not hasattr(optimizer, "lr"):
            raise ValueError('Optimizer must have a "lr" attribute.')
        try:
            rate = self.schedule(epoch, float(plain(optimizer.lr)))
        except TypeError:
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.floating)):
            raise ValueError('The output of the "schedule" function should be float.')
        batch_set_value([(optimizer.lr, rate)])
        if self.verbose > 0:
            print(
                f"\nEpoch {epoch + 1:05d}: LearningRateScheduler reducing learning "
                f"rate to {rate}."
            )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Put the learning rate into `logs`."""
        if logs is not None:
            logs["lr"] = plain(self.model.optimizer.lr)


class ReduceLROnPlateau(Callback):
    """Makes the learning rate smaller where a quantity does not get better any more.

    Args:
      monitor: the quantity.
      factor: what the learning rate is multiplied by, less than 1.
      patience: for how many epochs it may not.
      verbose: whether it is said.
      mode: `min`, `max` or `auto`: which is better.
      min_delta: how much better counts as better.
      cooldown: for how many epochs nothing is counted afterwards.
      min_lr: the smallest learning rate.
      **kwargs: `epsilon`, the older name of `min_delta`.

    Raises:
      ValueError: a factor of 1 or more.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if factor >= 1.0:
            raise ValueError("ReduceLROnPlateau does not support a factor >= 1.0.")
        if "epsilon" in kwargs:
            min_delta = kwargs.pop("epsilon")
            log.warning(
                "`epsilon` argument is deprecated and will be removed, use `min_delta` "
                "instead."
            )
        self.monitor = monitor
        self.factor = factor
        self.min_lr = min_lr
        self.min_delta = min_delta
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.wait = 0
        self.best: Any = 0
        self.mode = mode
        self.monitor_op: Callable[..., Any] = np.less
        self._reset()

    def _reset(self) -> None:
        named = "acc" in self.monitor
        rising = _rises(self.mode, named, "Learning Rate Plateau Reducing")
        if self.mode not in ("auto", "min", "max"):
            self.mode = "auto"
        if rising:
            self.monitor_op = lambda a, b: np.greater(a, b + self.min_delta)
        else:
            self.monitor_op = lambda a, b: np.less(a, b - self.min_delta)
        self.best = -np.inf if rising else np.inf
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begin anew."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the quantity; put the learning rate into `logs`."""
        logs = {} if logs is None else logs
        logs["lr"] = plain(self.model.optimizer.lr)
        current = _value(logs, self.monitor, "Reduce LR on plateau")
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.monitor_op(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        rate = float(plain(self.model.optimizer.lr))
        if rate <= self.min_lr:
            return
        rate = max(rate * self.factor, self.min_lr)
        batch_set_value([(self.model.optimizer.lr, rate)])
        if self.verbose > 0:
            print(
                f"\nEpoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to "
                f"{rate}."
            )
        self.cooldown_counter = self.cooldown
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether nothing is counted now."""
        return self.cooldown_counter > 0


class LambdaCallback(Callback):
    """A callback of functions.

    Args:
      on_epoch_begin, on_epoch_end: called with the number of the epoch, and `logs`.
      on_batch_begin, on_batch_end: called with that of the batch, and `logs`.
      on_train_begin, on_train_end: called with `logs`.
      **kwargs: other attributes.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_batch_begin: Callable[..., Any] | None = None,
        on_batch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
        }
        functions = {name: f for name, f in given.items() if f is not None}
        self.__dict__.update({**kwargs, **functions})
