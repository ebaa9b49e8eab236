"""Callbacks that keep, show and write what happens; the list that `fit` uses."""

from __future__ import annotations

import csv
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.keras.callback import Callback, CallbackList
from retrograd.keras.mode_keys import ModeKeys
from retrograd.keras.progress import Progbar
from retrograd.platform import logs as log

if TYPE_CHECKING:
    from retrograd.keras.callback import Logs
    from retrograd.typing import PathLike


class BaseLogger(Callback):
    """Makes means of losses and metrics over the batches of an epoch.

    Args:
      stateful_metrics: the names of those that are means already.
    """

    def __init__(self, stateful_metrics: Iterable[str] | None = None) -> None:
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.totals: dict[str, Any] = {}

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """An epoch of training begins."""
        self.seen = 0
        self.totals = {}

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Add the losses and metrics of a batch, each times its size."""
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size * logs.get("num_steps", 1)
        for key, value in logs.items():
            if key in self.stateful_metrics:
                self.totals[key] = value
            else:
                self.totals[key] = self.totals.get(key, 0) + value * size

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Put the means into `logs`."""
        if logs is None:
            return
        for key in self.params["metrics"]:
            if key in self.totals:
                stateful = key in self.stateful_metrics
                logs[key] = self.totals[key] / (1 if stateful else self.seen)


class TerminateOnNaN(Callback):
    """Ends training where a loss is NaN or infinite."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look at the loss of a batch."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class ProgbarLogger(Callback):
    """Shows a bar of how far an epoch has come, with losses and metrics.

    Args:
      count_mode: `samples` or `steps`: what is counted.
      stateful_metrics: the names of those metrics that are means already.

    Raises:
      ValueError: nothing that is counted.
    """

    def __init__(
        self,
        count_mode: str = "samples",
        stateful_metrics: Iterable[str] | None = None,
    ) -> None:
        super().__init__()
        if count_mode not in ("samples", "steps"):
            raise ValueError(f"Unknown `count_mode`: {count_mode}")
        self.use_steps = count_mode == "steps"
        self.stateful_metrics = set(stateful_metrics or ())
        self.log_values: list[tuple[str, Any]] = []
        self.verbose = 0
        self.epochs = 1
        self.seen = 0
        self.target: int | None = None
        self.progbar: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Training begins."""
        self.verbose = self.params["verbose"]
        self.epochs = self.params["epochs"]

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Begin a bar."""
        self.seen = 0
        self.target = self.params["steps" if self.use_steps else "samples"]
        if self.verbose and self.epochs > 1:
            print(f"Epoch {epoch + 1}/{self.epochs}")
        self.progbar = Progbar(
            target=self.target,
            verbose=self.verbose,
            stateful_metrics=self.stateful_metrics,  # pyright: ignore[reportArgumentType]
            unit_name="step" if self.use_steps else "sample",
        )

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A batch of training begins."""
        self.log_values = []

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Move the bar."""
        logs = logs or {}
        steps = logs.get("num_steps", 1)
        self.seen += steps if self.use_steps else logs.get("size", 0) * steps
        self._take(logs)
        # the end of the epoch shows the last values
        if self.verbose and (self.target is None or self.seen < self.target):
            self.progbar.update(self.seen, self.log_values)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """End the bar."""
        self._take(logs or {})
        if self.verbose:
            self.progbar.update(self.seen, self.log_values)

    def _take(self, logs: Mapping[str, Any]) -> None:
        found = [(key, logs[key]) for key in self.params["metrics"] if key in logs]
        self.log_values.extend(found)


class History(Callback):
    """Keeps losses and metrics: `history` has a list, an epoch an element, of each."""

    epoch: list[int]
    history: dict[str, list[Any]]

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begin anew."""
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Keep what `logs` has."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)


class CSVLogger(Callback):
    """Writes losses and metrics to a file, an epoch a line.

    Args:
      filename: the file.
      separator: what stands between values.
      append: whether lines that the file has stay.
    """

    def __init__(
        self, filename: PathLike, separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.sep = separator
        self.filename = filename
        self.append = append
        self.writer: Any = None
        self.keys: list[str] | None = None
        self.append_header = True
        self.csv_file: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Open the file."""
        if self.append and os.path.exists(self.filename):
            with open(self.filename, encoding="utf-8") as stream:
                self.append_header = not stream.readline()
        mode = "a" if self.append else "w"
        self.csv_file = open(self.filename, mode, newline="", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write a line."""
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
        if self.model.stop_training:
            # an epoch that was cut short may not have all
            logs = {key: logs.get(key, "NA") for key in self.keys}
        if self.writer is None:
            self.writer = csv.DictWriter(
                self.csv_file, ["epoch", *self.keys], delimiter=self.sep
            )
            if self.append_header:
                self.writer.writeheader()
        row = {key: _cell(logs[key]) for key in self.keys}
        self.writer.writerow({"epoch": epoch, **row})
        self.csv_file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        """Close the file."""
        self.csv_file.close()
        self.writer = None


def _cell(value: Any) -> Any:
    """A value of a line: several in brackets."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'


class RemoteMonitor(Callback):
    """Sends losses and metrics to a server, an epoch a request.

    Args:
      root: the server's address.
      path: what is added to it.
      field: the field of the form that they are sent in.
      headers: of the requests.
      send_as_json: whether they are sent as JSON, not as a form.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Send what `logs` has; warn where no server answers."""
        sent = json.dumps({"epoch": epoch, **(logs or {})}, default=float)
        kind = "json"
        if not self.send_as_json:
            sent, kind = urllib.parse.urlencode({self.field: sent}), None
        headers = dict(self.headers or {})
        if kind is not None:
            headers.setdefault("Content-Type", "application/json")
        address = self.root + self.path
        try:
            request = urllib.request.Request(address, sent.encode(), headers)
            with urllib.request.urlopen(request):
                pass
        except urllib.error.HTTPError:
            pass  # it has answered
        except (OSError, ValueError):
            log.warning(
                f"Warning: could not reach RemoteMonitor root server at {self.root}"
            )


def configure_callbacks(
    callbacks: CallbackList | Sequence[Callback] | None,
    model: Any,
    do_validation: bool = False,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    samples: int | None = None,
    verbose: int = 1,
    count_mode: str = "steps",
    mode: str = ModeKeys.TRAIN,
) -> CallbackList:
    """The callbacks of a run, with those that each has.

    Args:
      callbacks: the program's own, or a list that is ready.
      model: the model; a training gives it a new `history`.
      do_validation: whether there is validation.
      batch_size, epochs, steps_per_epoch, samples: the sizes that are known.
      verbose: whether a bar is shown.
      count_mode: what it counts.
      mode: whether it trains.
    """
    if isinstance(callbacks, CallbackList):
        return callbacks
    found = list(callbacks or ())
    if mode == ModeKeys.TRAIN:
        model.history = History()
        found = [BaseLogger(), *found, model.history]
        if verbose:
            found.append(ProgbarLogger(count_mode))
    listed = CallbackList(found)
    listed.set_model(model._get_callback_model())
    set_callback_parameters(
        listed,
        model,
        do_validation=do_validation,
        batch_size=batch_size,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        samples=samples,
        verbose=verbose,
        mode=mode,
    )
    listed.model.stop_training = False
    return listed


def set_callback_parameters(
    callback_list: CallbackList,
    model: Any,
    do_validation: bool = False,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    samples: int | None = None,
    verbose: int = 1,
    mode: str = ModeKeys.TRAIN,
) -> None:
    """Tell callbacks what is known of a run; see `configure_callbacks`."""
    names = list(model.metrics_names)
    for callback in callback_list:
        if isinstance(callback, (BaseLogger, ProgbarLogger)):
            # the first is the loss, which is not a mean
            callback.stateful_metrics = set(names[1:])
    shown: list[str] = []
    if mode != ModeKeys.PREDICT:
        shown = names + [f"val_{name}" for name in names] * do_validation
    callback_list.set_params(
        {
            "batch_size": batch_size,
            "epochs": epochs,
            "steps": steps_per_epoch,
            "samples": samples,
            "verbose": verbose,
            "do_validation": do_validation,
            "metrics": shown,
        }
    )
