"""A model of layers one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest
from retrograd.graph.hooks import hooks
from retrograd.keras.model import Model
from retrograd.layers import deserialization
from retrograd.layers.base import Layer, default
from retrograd.layers.inputs import Input, InputLayer
from retrograd.layers.nodes import int_shape

if TYPE_CHECKING:
    from retrograd.typing import Structure

_ONE_OUTPUT = (
    "All layers in a Sequential model should have a single output tensor. For "
    "multi-output layers, use the functional API."
)


class Sequential(Model):
    """A model of layers one after another.

    Where the first layer is given `input_shape`, or is an `InputLayer`, the weights are
    made at once, else when the model is first called or trained.

    Args:
      layers: the layers.
      name: of the model.

    Example:
      >>> model = Sequential([Dense(8, input_shape=(4,)), Dense(1)])
      >>> model.output_shape
      (None, 1)
    """

    def __init__(
        self, layers: Sequence[Layer] | None = None, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.supports_masking = True
        self.__dict__["_build_input_shape"] = None
        for layer in layers or ():
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers that were added; not the input of the first."""
        layers = super().layers
        if layers and isinstance(layers[0], InputLayer):
            return layers[1:]
        return layers

    @property
    def _tracks_by_place(self) -> bool:
        """Checkpoints know the layers by their places."""
        return True

    @property
    def _own_layers(self) -> list[Any]:
        return self.__dict__["_layers"]

    def add(self, layer: Any) -> None:
        """Add a layer to the end.

        Raises:
          TypeError: not a layer.
          ValueError: it has several outputs.
        """
        if not isinstance(layer, Layer):
            history = getattr(layer, "_keras_history", None)
            if history is None or not isinstance(history.layer, InputLayer):
                raise TypeError(
                    "The added layer must be an instance of class Layer. Found: "
                    + str(layer)
                )
            layer = history.layer
        self.built = False
        if not self._own_layers:
            self._add_first(layer)
        elif self.outputs:
            output = layer(self.outputs[0])
            if isinstance(output, list):
                raise TypeError(_ONE_OUTPUT)
            self._settle(self.inputs, [output])
        else:
            self._own_layers.append(layer)

    def _add_first(self, layer: Any) -> None:
        """The first layer, after a tensor of `Input` if its shape is known."""
        if not isinstance(layer, InputLayer):
            shape, dtype = _expected(layer)
            if shape is None and not layer._inbound_nodes:
                self._own_layers.append(layer)
                return
            if shape is not None:
                layer(Input(batch_shape=shape, dtype=dtype, name=f"{layer.name}_input"))
        outputs = nest.flatten(layer._inbound_nodes[-1].output_tensors)
        if len(outputs) != 1:
            raise ValueError(_ONE_OUTPUT)
        self._settle(_sources(outputs[0]), outputs)

    def _settle(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Become the graph of layers between these tensors."""
        self._init_graph_network(list(inputs), list(outputs), name=self.name)
        self.__dict__["outputs"] = list(outputs)

    def pop(self) -> None:
        """Take the last layer away.

        Raises:
          TypeError: there is none.
        """
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        last = self._own_layers.pop()
        self.built = False
        if not self.layers:
            self.__dict__.update(outputs=[], inputs=[], _is_graph_network=False)
            self._own_layers.clear()
        elif self._is_graph_network:
            last._inbound_nodes.pop()
            before = self.layers[-1]
            before._outbound_nodes.clear()
            outputs = nest.flatten(before._inbound_nodes[-1].output_tensors)
            self._settle(self.inputs, outputs)

    @default
    def build(self, input_shape: Structure = None) -> None:
        """Make the weights for a shape of the inputs.

        Raises:
          ValueError: no shape.
        """
        if not self._is_graph_network:
            if input_shape is None:
                raise ValueError("You must provide an `input_shape` argument.")
            if not self.built:
                self.__dict__["_build_input_shape"] = input_shape
            super().build(input_shape)
        self.built = True

    def call(self, inputs: Structure, training: Any = None, mask: Any = None) -> Any:
        """The outputs for inputs."""
        if self._is_graph_network:
            if not self.built:
                self._settle(self.inputs, self.outputs)
            return super().call(inputs, training=training, mask=mask)
        outputs = inputs
        for layer in self.layers:
            arguments: dict[str, Any] = {}
            if layer._expects("mask"):
                arguments["mask"] = mask
            if layer._expects("training"):
                arguments["training"] = training
            outputs = layer(inputs, **arguments)
            inputs = outputs
            mask = nest.map_structure(lambda x: getattr(x, "_keras_mask", None), inputs)
        return outputs

    def _expects(self, argument: str) -> bool:
        return argument in ("training", "mask") or super()._expects(argument)

    def compute_output_shape(self, input_shape: Structure) -> Any:
        """The shape of the outputs for a shape of the inputs."""
        shape: Any = input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """The mask of the outputs."""
        outputs: Any = self.call(inputs, mask=mask)
        return getattr(outputs, "_keras_mask", None)

    def predict_proba(
        self, x: Structure, batch_size: int | None = None, verbose: int = 0
    ) -> np.ndarray:
        """The outputs of the model, which are taken for probabilities."""
        found = self.predict(x, batch_size, verbose)
        if found.min() < 0.0 or found.max() > 1.0:
            import logging

            logging.getLogger("tensorflow").warning(
                "Network returning invalid probability values. The last layer might "
                "not normalize predictions into probabilities (like softmax or sigmoid "
                "would)."
            )
        return found

    def predict_classes(
        self, x: Structure, batch_size: int | None = None, verbose: int = 0
    ) -> np.ndarray:
        """The most probable class of each input; of one output, whether it is > 0.5."""
        found = self.predict(x, batch_size, verbose)
        if found.shape[-1] > 1:
            return found.argmax(axis=-1)
        return (found > 0.5).astype("int32")

    def get_config(self) -> dict[str, Any]:
        """The configurations of the layers."""
        layers = [
            {"class_name": type(layer).__name__, "config": layer.get_config()}
            for layer in self.layers
        ]
        config: dict[str, Any] = {"name": self.name, "layers": layers}
        if self._build_input_shape:
            config["build_input_shape"] = self._build_input_shape
        return config

    @classmethod
    def from_config(
        cls, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The model that `get_config` has described; a list of layers will do."""
        name, shape, layers = None, None, config
        if isinstance(config, dict) and "name" in config:
            name, layers = config["name"], config["layers"]
            shape = config.get("build_input_shape")
        model = cls(name=name)
        for layer in layers:
            model.add(deserialization.deserialize(layer, custom_objects))
        if not model.inputs and shape:
            model.build(shape)
        return model

    @property
    def input_spec(self) -> Any:
        """What the first layer expects."""
        layers = self.layers
        return layers[0].input_spec if layers else None

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self.__dict__["_input_spec"] = value


def _expected(layer: Any) -> tuple[Any, Any]:
    """The shape with the batch, and the dtype, that a layer was told of; or None."""
    inner = layer
    while hasattr(inner, "_is_graph_network"):
        if inner.inputs:
            tensor = inner.inputs[0]
            return int_shape(tensor), tensor.dtype.name
        if not inner.layers:
            raise ValueError("Cannot add an empty model to a `Sequential` model.")
        inner = inner.layers[0]
    return getattr(inner, "_batch_input_shape", None), inner.dtype


def _sources(tensor: Any) -> list[Any]:
    """The tensors of `Input` that a tensor depends on."""
    from retrograd.keras.layer_utils import get_source_inputs

    return get_source_inputs(tensor)


hooks.provide(model_classes=lambda: {"Model": Model, "Sequential": Sequential})
