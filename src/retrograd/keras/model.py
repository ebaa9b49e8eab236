"""Models: layers with what they are trained with."""

from __future__ import annotations

from typing import Any

from retrograd.keras.training import Training


class Model(Training):
    """Layers with what they are trained with.

    Either a graph of layers, from tensors of `Input` to others; or a subclass that
    makes layers in `__init__` and calls them in `call`.

    Args:
      inputs, outputs: the tensors that a graph of layers begins and ends with.
      name: of the model; by default that of the class, with a number.
      **kwargs: `trainable`, `dynamic`.

    Example:
      >>> x = Input((4,))
      >>> model = Model(x, Dense(1)(x))
      >>> model.compile("adam", "mse")
    """

    @property
    def _object_identifier(self) -> str:
        """What SavedModels call its kind."""
        return "_tf_keras_model" if not self.inputs else "_tf_keras_network"

    @property
    def _tracking_metadata(self) -> str:
        from retrograd.keras import saved_model

        return saved_model.metadata(self)

    def _list_functions_for_serialization(self) -> dict[str, Any]:
        from retrograd.keras import saved_model

        return saved_model.functions(self)
