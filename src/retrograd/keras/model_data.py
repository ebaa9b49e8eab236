"""Data as a model takes it: inputs, targets and weights of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest
from retrograd.graph import context
from retrograd.graph.tensor import Tensor
from retrograd.keras import standardize
from retrograd.keras.compiled import Compiled
from retrograd.keras.steps import steps_of
from retrograd.layers import phase
from retrograd.layers.backend_config import floatx
from retrograd.layers.nodes import int_shape
from retrograd.ops.array.constant import placeholder

if TYPE_CHECKING:
    from retrograd.typing import Structure


class ModelData(Compiled):
    """How a model looks at data; a part of `Model`."""

    def _packed_inputs(self, x: Sequence[Any]) -> Any:
        """Inputs in the structure that `call` expects."""
        structure = self.__dict__.get("_input_structure", self._nested_inputs)
        if structure is None or not nest.is_nested(structure):
            return x[0] if len(x) == 1 else list(x)
        return nest.pack_sequence_as(structure, list(x))

    def _set_inputs(self, x: Structure) -> None:
        """Call a model that has no inputs yet on symbols for these, to have outputs."""
        structure = x
        if isinstance(x, list) and len(x) == 1:
            structure = x[0]
        if isinstance(x, list) and x and not hasattr(x[0], "shape"):
            structure = np.asarray(x)
        kept = self.__dict__
        kept["_input_structure"] = nest.map_structure(lambda _: 0, structure)
        flat = nest.flatten(structure)
        if isinstance(structure, Mapping):
            names = [str(key) for key in sorted(structure)]
        else:
            names = [f"input_{i + 1}" for i in range(len(flat))]
        eager = context.executing_eagerly()
        with phase.keras_graph().as_default():
            symbols = [_symbol(v, n) for v, n in zip(flat, names, strict=True)]
            arguments: dict[str, Any] = {}
            if self._expects("training"):
                if not eager:
                    arguments["training"] = phase.learning_phase()
            outputs = self(self._packed_inputs(symbols), **arguments)
        flat_out = nest.flatten(outputs)
        kept.update(inputs=symbols, input_names=names, outputs=flat_out, built=True)
        kept["output_names"] = [f"output_{i + 1}" for i in range(len(flat_out))]

    def _ready(self, x: Structure, compiled: bool = True) -> None:
        """Let the model have outputs, and losses for them."""
        if compiled:
            self._compiled()
        if not self.inputs:
            self._set_inputs(x)
        if compiled and not self._compiled().endpoints:
            self._prepare_compilation()
        if self.__dict__.get("_steps") is None:
            self.__dict__["_steps"] = steps_of(
                self,  # pyright: ignore[reportArgumentType]
                context.executing_eagerly(),
            )

    def _inputs_of(self, x: Structure) -> list[Any]:
        """The inputs as a list of arrays, checked."""
        names = self._feed_input_names
        shapes = [int_shape(t) for t in self._feed_inputs]
        if not self._is_graph_network:
            x, shapes = nest.flatten(x), [None] * len(names)
            if len(names) == 1 and len(x) != 1:
                x = np.asarray(x)
        found = standardize.arrays(x, names, shapes, False, "input")
        return [_as_array(value) for value in found]

    def _standardize(
        self,
        x: Structure,
        y: Structure = None,
        sample_weight: Structure = None,
        class_weight: Structure = None,
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Inputs, targets and weights, one for each input and output.

        Raises:
          ValueError, TypeError: they do not fit the model.
        """
        self._ready(x)
        inputs = self._inputs_of(x)
        endpoints = self._compiled().endpoints
        wanted = [e for e in endpoints if e.loss is not None]
        fed = [e for e in wanted if e.target_is_fed or context.executing_eagerly()]
        names = [e.name for e in fed]
        if y is None and fed:
            raise ValueError(
                "Error when checking model target: the model has losses for "
                f"{', '.join(names)}, but no targets were passed for them."
            )
        if isinstance(y, Mapping):
            y = {k: v for k, v in y.items() if k in names}
        shapes = [e.target_shape if e.shape is not None else None for e in fed]
        targets = standardize.arrays(y, names, None, False, "target") if fed else []
        targets = [_as_array(value) for value in targets]
        standardize.check_targets(
            targets,
            [e.function_name for e in fed],
            [e.shape or () for e in fed],
        )
        if fed:
            standardize.arrays(targets, names, shapes, False, "target")
        weights = self._weights_of(targets, fed, sample_weight, class_weight)
        standardize.check_lengths(inputs, targets, weights)
        by_name = dict(zip(names, targets, strict=True))
        of_name = dict(zip(names, weights, strict=True))
        return (
            inputs,
            [by_name.get(e.name) for e in endpoints],
            [of_name.get(e.name) for e in endpoints],
        )

    def _weights_of(
        self, targets: list[Any], fed: list[Any], samples: Structure, classes: Structure
    ) -> list[Any]:
        names = [e.name for e in fed]
        of_samples = standardize.by_output(samples, names, "sample_weight")
        if isinstance(classes, Mapping) and all(k in names for k in classes):
            of_classes = [classes.get(name) for name in names]
        elif isinstance(classes, Mapping) or classes is None:
            of_classes = [classes] * len(names)
        else:
            of_classes = standardize.by_output(classes, names, "class_weight")
        return [
            standardize.weights(y, s, c, e.mode)
            for y, s, c, e in zip(targets, of_samples, of_classes, fed, strict=True)
        ]


def _symbol(value: Any, name: str) -> Any:
    """A placeholder for values such as this one."""
    if isinstance(value, (list, float, int)):
        value = np.asarray(value)
    if isinstance(value, Tensor):
        return placeholder(value.dtype, [None, *value.shape.as_list()[1:]], name=name)
    if value.ndim == 1:
        value = np.expand_dims(value, 1)
    kind = floatx() if value.dtype.kind == "f" else value.dtype
    return placeholder(kind, [None, *value.shape[1:]], name=name)


def _as_array(value: Any) -> Any:
    """A value as an array, if it is none yet; a sparse matrix as it is."""
    if value is None or hasattr(value, "toarray") or isinstance(value, np.ndarray):
        return value
    if hasattr(value, "numpy"):
        return value.numpy()
    return value if hasattr(value, "shape") else np.asarray(value)
