"""The calls of layers that are under way, by thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrograd.layers.base import Layer
    from retrograd.typing import Structure, Training


class CallContext(threading.local):
    """What the innermost call of a layer knows, for the layers that it calls.

    Attributes:
      layer: the layer that is called.
      inputs: what it is called with.
      frozen: whether it, or one that calls it, is not trainable.
      in_call: whether any is called.
      training: the value of `training`, None where none was given.
    """

    layer: Layer | None = None
    inputs: Structure = None
    frozen: bool = False
    in_call: bool = False
    training: Training | None = None

    @contextmanager
    def enter(
        self, layer: Layer, inputs: Structure, training: Training
    ) -> Iterator[None]:
        """Call `layer` inside."""
        names = ("layer", "inputs", "frozen", "in_call", "training")
        before = [getattr(self, name) for name in names]
        self.layer, self.inputs, self.in_call = layer, inputs, True
        self.frozen = self.frozen or not layer.trainable
        self.training = training
        try:
            yield
        finally:
            for name, value in zip(names, before, strict=True):
                setattr(self, name, value)


current = CallContext()
