"""A callback that writes what TensorBoard shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.formats.event_file import EventFileWriter
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.keras.callback import Callback
from retrograd.layers.backend_config import image_data_format
from retrograd.layers.phase import keras_graph
from retrograd.ops.array.shape import reshape, squeeze, transpose
from retrograd.platform import logs as log
from retrograd.summary import summary
from retrograd.summary.writer import Summary, SummaryToEventTransformer

if TYPE_CHECKING:
    from retrograd.keras.callback import Logs

#: what is no loss and no metric
_OTHERS = ("batch", "size", "num_steps")


class TensorBoard(Callback):
    """Writes losses, metrics and the distributions of weights, for TensorBoard.

    Args:
      log_dir: the folder.
      histogram_freq: after how many epochs distributions are written, 0 for never; of a
        model in a graph that is validated.
      batch_size: accepted.
      write_graph: whether the graph is.
      write_grads: whether distributions of gradients are written too.
      write_images: whether weights are written as images too.
      embeddings_freq, embeddings_layer_names, embeddings_metadata, embeddings_data:
        accepted; embeddings are not written.
      update_freq: `epoch`, `batch`, or after how many samples losses and metrics are.
      profile_batch: accepted; nothing is profiled.
    """

    def __init__(
        self,
        log_dir: str = "./logs",
        histogram_freq: int = 0,
        batch_size: int | None = 32,
        write_graph: bool = True,
        write_grads: bool = False,
        write_images: bool = False,
        embeddings_freq: int = 0,
        embeddings_layer_names: Sequence[str] | None = None,
        embeddings_metadata: Any = None,
        embeddings_data: Any = None,
        update_freq: str | int = "epoch",
        profile_batch: int = 2,
    ) -> None:
        super().__init__()
        self.log_dir = log_dir
        self.histogram_freq = histogram_freq
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self.embeddings_data = embeddings_data
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.profile_batch = profile_batch
        self.merged: Any = None
        self.writer: Any = None
        self._samples_seen = 0
        self._samples_seen_at_last_write = 0
        self._current_val_batch = 0
        self._total_batches_seen = 0
        if embeddings_freq:
            log.warning("TensorBoard: embeddings are not written.")

    def set_model(self, model: Any) -> None:
        """Keep the model, open the file, and write the graph."""
        self.model = model
        graph = keras_graph() if self.write_graph else None
        self.writer = SummaryToEventTransformer(EventFileWriter(self.log_dir), graph)
        if self.histogram_freq and not context.executing_eagerly():
            with keras_graph().as_default():
                self._make_histogram_ops(model)
                self.merged = summary.merge_all()

    def _make_histogram_ops(self, model: Any) -> None:
        """Make summaries of weights, gradients and outputs."""
        compiled = model._compiled()
        if compiled.total_loss is None:
            compiled.make_graph([False] * len(compiled.endpoints))
        for layer in model.layers:
            for weight in layer.weights:
                name = weight.name.replace(":", "_")
                summary.histogram(name, weight)
                if self.write_images:
                    _image(name, weight)
            if self.write_grads:
                for weight in layer.trainable_weights:
                    name = weight.name.replace(":", "_")
                    found = model.optimizer.get_gradients(model.total_loss, weight)
                    grad = found[0]
                    values = grad.values if isinstance(grad, IndexedSlices) else grad
                    summary.histogram(f"{name}_grad", values)
            if hasattr(layer, "output"):
                outputs = layer.output
                if not isinstance(outputs, list):
                    summary.histogram(f"{layer.name}_out", outputs)
                    continue
                for i, output in enumerate(outputs):
                    summary.histogram(f"{layer.name}_out_{i}", output)

    def _fetch_callback(self, found: bytes) -> None:
        """Write the distributions of a batch of validation."""
        self.writer.add_summary(found, self._current_val_batch)
        self._current_val_batch += 1

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Write the losses and metrics of a batch, if so many samples have been."""
        logs = logs or {}
        self._samples_seen += logs.get("size", 1)
        unwritten = self._samples_seen - self._samples_seen_at_last_write
        if isinstance(self.update_freq, int) and unwritten >= self.update_freq:
            self._write("batch", logs, self._total_batches_seen)
            self._samples_seen_at_last_write = self._samples_seen
        self._total_batches_seen += 1

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Have the validation of the epoch compute distributions."""
        if self.merged is not None and epoch % self.histogram_freq == 0:
            fetched = self.model._compiled().test_fetched
            fetched[self.merged] = self._fetch_callback

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write the losses and metrics of the epoch."""
        step = epoch if self.update_freq == "epoch" else self._samples_seen
        self._write("epoch", logs or {}, step)
        if self.merged is not None:
            self.model._compiled().test_fetched.pop(self.merged, None)

    def on_train_end(self, logs: Logs = None) -> None:
        """Close the file."""
        self.writer.event_writer.close()

    def _write(self, kind: str, logs: dict[str, Any], step: int) -> None:
        """Write losses and metrics, each as an event."""
        for name, value in logs.items():
            if name not in _OTHERS:
                found = Summary()
                number = float(np.asarray(value).item())
                found.value.add(tag=f"{kind}_{name}", simple_value=number)
                self.writer.add_summary(found, step)
        self.writer.event_writer.flush()


def _image(name: str, weight: Any) -> None:
    """Make a summary of a weight of one to three axes as an image."""
    image = squeeze(weight)
    sizes: list[Any] = image.shape.as_list()
    if len(sizes) == 2:
        if sizes[0] > sizes[1]:
            image = transpose(image)
            sizes = image.shape.as_list()
        image = reshape(image, [1, sizes[0], sizes[1], 1])
    elif len(sizes) == 3:
        if image_data_format() == "channels_last":
            image = transpose(image, perm=[2, 0, 1])
            sizes = image.shape.as_list()
        image = reshape(image, [sizes[0], sizes[1], sizes[2], 1])
    elif len(sizes) == 1:
        image = reshape(image, [1, sizes[0], 1, 1])
    else:
        return
    summary.image(name, image)
