"""Training, testing and predicting: what a model has beside its layers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest
from retrograd.keras import batches, callback_logs, loop, standardize
from retrograd.keras.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrograd.typing import Structure

_log = logging.getLogger("tensorflow")


class Training(Sources):
    """How a model is trained; a part of `Model`."""

    stop_training = False
    history: Any = None

    # ------------------------------------------------------------------ one batch

    def train_on_batch(
        self,
        x: Structure,
        y: Structure = None,
        sample_weight: Structure = None,
        class_weight: Structure = None,
        reset_metrics: bool = True,
    ) -> Any:
        """Learn from one batch.

        Args:
          x, y, sample_weight, class_weight: see `fit`.
          reset_metrics: whether metrics are of this batch alone.

        Returns:
          The loss, or a list of it and the metrics; see `metrics_names`.
        """
        return self._on_batch("train", x, y, sample_weight, class_weight, reset_metrics)

    def test_on_batch(
        self,
        x: Structure,
        y: Structure = None,
        sample_weight: Structure = None,
        reset_metrics: bool = True,
    ) -> Any:
        """The loss and the metrics of one batch; see `train_on_batch`."""
        return self._on_batch("test", x, y, sample_weight, None, reset_metrics)

    def _on_batch(
        self,
        kind: str,
        x: Structure,
        y: Structure,
        sample_weight: Structure,
        class_weight: Structure,
        reset_metrics: bool,
    ) -> Any:
        if x is not None and y is None and batches.is_dataset(x):
            x, y, sample_weight = next(iter(_elements(x)))
        if batches.are_tensors(nest.flatten(x), nest.flatten(y)):
            x, y = next(batches.values_of_tensors((x, y)))
        parts = self._standardize(x, y, sample_weight, class_weight)
        results = getattr(self._steps, kind)(*parts)
        if reset_metrics:  # afterwards, as in 1.15: what was before counts
            self.reset_metrics()
        return results[0] if len(results) == 1 else results

    def predict_on_batch(self, x: Structure) -> Any:
        """The outputs for one batch."""
        self._ready(x, compiled=False)
        if batches.are_tensors(nest.flatten(x)):
            x = next(batches.values_of_tensors(x))
        return self._as_outputs(self._steps.predict(self._inputs_of(x)))

    def _as_outputs(self, outputs: list[Any]) -> Any:
        return outputs[0] if len(outputs) == 1 else outputs

    # ------------------------------------------------------------------ many batches

    def fit(
        self,
        x: Structure = None,
        y: Structure = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        validation_data: Structure = None,
        shuffle: bool | str = True,
        class_weight: Structure = None,
        sample_weight: Structure = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Train for some epochs.

        Args:
          x: an array, a list or dict of them, tensors, a dataset, a generator or a
            `Sequence`.
          y: the targets, where x does not bring them.
          batch_size: by default 32.
          epochs: the number of the last epoch.
          verbose: 0 for nothing, 1 for a bar, 2 for a line an epoch.
          callbacks: told of epochs and batches.
          validation_split: which part of the samples, the last, is not trained on.
          validation_data: what the model is tested on after epochs.
          shuffle: whether each epoch has another order.
          class_weight: a weight for each class.
          sample_weight: a weight for each sample.
          initial_epoch: the number of epochs that have been.
          steps_per_epoch, validation_steps: how many batches are an epoch.
          validation_freq: after how many epochs the model is tested, or after which.
          max_queue_size, workers, use_multiprocessing: for generators.
          **kwargs: `nb_epoch`, as `epochs`.

        Returns:
          A History, whose `history` has the results of each epoch by name.
        """
        if "nb_epoch" in kwargs:
            _log.warning("The `nb_epoch` argument in `fit` has been renamed `epochs`.")
            epochs = kwargs.pop("nb_epoch")
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
        self._compiled()
        queue = (max_queue_size, workers, use_multiprocessing)
        held_back = None
        if validation_split and 0.0 < validation_split < 1.0 and not validation_data:
            parts = self._standardize(x, y, sample_weight, class_weight)
            kept, held_back = standardize.split(validation_split, *parts)
            source: Any = self._arrays(kept, batch_size, shuffle, steps_per_epoch)
        else:
            source = self._source(
                (x, y, sample_weight, class_weight),
                batch_size,
                steps_per_epoch,
                shuffle,
                queue,
                epochs,
            )
        tested: Any = None
        if held_back is not None:
            tested = self._arrays(held_back, batch_size, True, None)
        elif validation_data is not None:
            tested = self._validation(
                validation_data, batch_size, validation_steps, queue
            )
        self._check_trainable()
        return self._fit(
            source, tested, epochs, initial_epoch, verbose, callbacks, validation_freq
        )

    def _validation(
        self, data: Any, batch_size: int | None, steps: int | None, queue: tuple
    ) -> Any:
        """Where the batches come from that the model is tested on.

        They are shuffled, as in 1.15: programs that seed NumPy's generator depend on
        how often it is drawn from.
        """
        if isinstance(data, (tuple, list)) and not batches.is_dataset(data):
            if len(data) not in (2, 3):
                raise ValueError(
                    "When passing a `validation_data` argument, it must contain either "
                    "2 items (x_val, y_val), or 3 items (x_val, y_val, "
                    "val_sample_weights), or alternatively it could be a dataset or a "
                    "dataset or a dataset iterator. However we received "
                    f"`validation_data={data}`"
                )
            x, y, weights = (*data, None)[:3]
        else:
            x, y, weights = data, None, None
        given = (x, y, weights, None)
        return self._source(given, batch_size, steps, True, queue, 1)

    def _fit(
        self,
        source: Any,
        tested: Any,
        epochs: int,
        initial_epoch: int,
        verbose: int,
        given: Sequence[Any] | None,
        validation_freq: int | Sequence[int],
    ) -> Any:
        told = callback_logs.configure_callbacks(
            given,
            self,
            do_validation=tested is not None,
            epochs=epochs,
            verbose=verbose,
            mode="train",
            **_sizes(source),
        )
        _announce(source, tested, verbose)
        names = self.metrics_names
        steps = self._steps
        self.__dict__["stop_training"] = False
        told._call_begin_hook("train")
        try:
            for epoch in range(initial_epoch, epochs):
                if self.stop_training:
                    break
                self.reset_metrics()
                told.on_epoch_begin(epoch, {})
                means = loop.Means(source.counts_samples)
                loop.go_through(
                    source,
                    lambda b: steps.train(b.x, b.y, b.weights),
                    means,
                    told,
                    names,
                    "train",
                    self,  # pyright: ignore[reportArgumentType]
                )
                logs = dict(zip(names, means.results(), strict=False))
                if tested is not None and _is_due(validation_freq, epoch):
                    values = self._test(tested, told)
                    logs.update(
                        (f"val_{n}", v) for n, v in zip(names, values, strict=False)
                    )
                told.on_epoch_end(epoch, logs)
                if getattr(source, "ended", False):
                    break
        finally:
            source.close()
        told._call_end_hook("train")
        return self.history

    def _test(self, source: Any, told: Any, bar: Any = None) -> list[Any]:
        """The results of an epoch of testing."""
        self.reset_metrics()
        means = loop.Means(source.counts_samples)
        told._call_begin_hook("test")
        steps = self._steps
        loop.go_through(
            source,
            lambda b: steps.test(b.x, b.y, b.weights),
            means,
            told,
            self.metrics_names,
            "test",
            bar=bar,
        )
        told._call_end_hook("test")
        return means.results()

    def evaluate(
        self,
        x: Structure = None,
        y: Structure = None,
        batch_size: int | None = None,
        verbose: int = 1,
        sample_weight: Structure = None,
        steps: int | None = None,
        callbacks: Sequence[Any] | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """The loss and the metrics on some data; see `fit`.

        Returns:
          The loss, or a list of it and the metrics; see `metrics_names`.
        """
        self._compiled()
        queue = (max_queue_size, workers, use_multiprocessing)
        given = (x, y, sample_weight, None)
        source = self._source(given, batch_size, steps, False, queue, 1)
        told, bar = self._told(callbacks, source, verbose, "test")
        try:
            results = self._test(source, told, bar)
        finally:
            source.close()
        if bar is not None:
            bar.on_epoch_end(0, dict(zip(self.metrics_names, results, strict=False)))
        return results[0] if len(results) == 1 else results

    def predict(
        self,
        x: Structure,
        batch_size: int | None = None,
        verbose: int = 0,
        steps: int | None = None,
        callbacks: Sequence[Any] | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """The outputs for some data, an array or a list of them; see `fit`."""
        queue = (max_queue_size, workers, use_multiprocessing)
        source = self._source(
            (x, None, None, None), batch_size, steps, False, queue, 1, compiled=False
        )
        told, bar = self._told(callbacks, source, verbose, "predict")
        joined = loop.Joined(source.samples if source.counts_samples else None)
        told._call_begin_hook("predict")
        made = self._steps
        try:
            loop.go_through(
                source,
                lambda b: made.predict(b.x),
                joined,
                told,
                (),
                "predict",
                bar=bar,
            )
        finally:
            source.close()
        if bar is not None:
            bar.on_epoch_end(0, {})
        told._call_end_hook("predict")
        return self._as_outputs(joined.results())

    def _told(
        self, given: Sequence[Any] | None, source: Any, verbose: int, mode: str
    ) -> tuple[Any, Any]:
        """The callbacks of a run without training, and the bar it shows."""
        told = callback_logs.configure_callbacks(
            given, self, epochs=1, verbose=verbose, mode=mode, **_sizes(source)
        )
        if not verbose:
            return told, None
        bar = callback_logs.ProgbarLogger(_sizes(source)["count_mode"])
        bar.stateful_metrics = set(self.metrics_names[1:])
        bar.set_params({**told.params, "verbose": verbose})
        bar.on_train_begin()
        bar.on_epoch_begin(0)
        return told, bar

    def _get_callback_model(self) -> Any:
        """The model that callbacks see."""
        return self

    # ------------------------------------------------------------------ generators

    def fit_generator(
        self,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Sequence[Any] | None = None,
        validation_data: Structure = None,
        validation_steps: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        class_weight: Structure = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> Any:
        """As `fit` with a generator or a `Sequence`."""
        return self.fit(
            generator,
            steps_per_epoch=steps_per_epoch,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            class_weight=class_weight,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
            shuffle=shuffle,
            initial_epoch=initial_epoch,
        )

    def evaluate_generator(
        self,
        generator: Any,
        steps: int | None = None,
        callbacks: Sequence[Any] | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: int = 0,
    ) -> Any:
        """As `evaluate` with a generator or a `Sequence`."""
        queue = (max_queue_size, workers, use_multiprocessing)
        return self.evaluate(
            generator, None, None, verbose, None, steps, callbacks, *queue
        )

    def predict_generator(
        self,
        generator: Any,
        steps: int | None = None,
        callbacks: Sequence[Any] | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: int = 0,
    ) -> Any:
        """As `predict` with a generator or a `Sequence`."""
        queue = (max_queue_size, workers, use_multiprocessing)
        return self.predict(generator, None, verbose, steps, callbacks, *queue)


def _elements(data: Any) -> Iterator[Any]:
    """The elements of a dataset, x, y and weights each."""
    draw = batches.elements_of_dataset(data)
    return (batches.check_element(element) for element in draw())


def _is_due(freq: int | Sequence[int], epoch: int) -> bool:
    """Whether the model is tested after an epoch, the first of which is 0.

    Raises:
      ValueError: neither a number nor a list.
    """
    if isinstance(freq, int):
        if freq < 1:
            raise ValueError("`validation_freq` can not be less than 1.")
        return (epoch + 1) % freq == 0
    if not isinstance(freq, (list, tuple, set, np.ndarray)):
        raise ValueError(
            "`validation_freq` must be an Integer or `collections.Container`"
        )
    return epoch + 1 in freq


def _announce(source: Any, tested: Any, verbose: int) -> None:
    """Say on how many samples, or steps, the model is trained and tested."""
    if not verbose:
        return

    def count(of: Any) -> str:
        return f"{of.samples} samples" if of.counts_samples else f"{of.size} steps"

    if source.size is None or not getattr(source, "announced", True):
        return
    text = f"Train on {count(source)}"
    if tested is not None and tested.size is not None:
        text += f", validate on {count(tested)}"
    print(text)


def _sizes(source: Any) -> dict[str, Any]:
    """What callbacks are told of the sizes of data."""
    samples = source.counts_samples
    return {
        "batch_size": getattr(source, "batch_size", None) if samples else None,
        "steps_per_epoch": source.steps,
        "samples": source.size,
        "count_mode": "samples" if samples else "steps",
    }
