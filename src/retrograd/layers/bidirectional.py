"""Two recurrent layers, one forwards and one backwards, over the same sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.graph.hooks import hooks
from retrograd.graph.name_scopes import name_scope
from retrograd.layers.base import Layer
from retrograd.layers.recurrent import one_kind, specs_of, standardize_args
from retrograd.layers.serialization import serialize
from retrograd.layers.wrappers import Wrapper
from retrograd.ops.array.join import concat
from retrograd.ops.array.reorder import reverse
from retrograd.util.functions import fn_args

if TYPE_CHECKING:
    from retrograd.typing import ShapeLike, Structure, Training

_MODES = ("sum", "mul", "ave", "concat", None)
_SAME = "stateful return_sequences return_state"


class Bidirectional(Wrapper):
    """A recurrent layer and another backwards, their outputs merged.

    Args:
      layer: a recurrent layer; both are made of its configuration.
      merge_mode: how outputs are merged: `sum`, `mul`, `ave`, `concat`; None for both
        in a list.
      weights: has no effect.
      backward_layer: the layer that goes backwards, if it is another.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: `layer` is none, there is no such mode, or the layers do not go in
        different directions with the same options.
    """

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                "Please initialize `Bidirectional` layer with a `Layer` instance. You "
                f"passed: {layer}"
            )
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(
                "`backward_layer` need to be a `Layer` instance. You passed: "
                f"{backward_layer}"
            )
        if merge_mode not in _MODES:
            raise ValueError(
                "Invalid merge mode. Merge mode should be one of "
                '{"sum", "mul", "ave", "concat", None}'
            )
        super().__init__(layer, **kwargs)
        self.forward_layer = _remade(layer)
        self.__dict__["_backward_config"] = None
        if backward_layer is None:
            self.backward_layer = _remade(layer, turned=True)
        else:
            self.backward_layer = backward_layer
            self.__dict__["_backward_config"] = serialize(backward_layer)
            self._check_layers()
        for part, prefix in self._named():
            part.__dict__["_name"] = f"{prefix}_{part.name}"
            if getattr(layer, "return_sequences", False):
                # padding is at the end for one layer, at the beginning for the other
                part.zero_output_for_mask = True
        self.merge_mode = merge_mode
        if weights:
            half = len(weights) // 2
            # as in TensorFlow, the layers keep them and do not use them
            self.forward_layer.__dict__["initial_weights"] = weights[:half]
            self.backward_layer.__dict__["initial_weights"] = weights[half:]
        for option in _SAME.split():
            setattr(self, option, getattr(layer, option))
        self.supports_masking = True
        self.__dict__["_num_constants"] = 0
        self.input_spec = layer.input_spec

    def _named(self) -> list[tuple[Layer, str]]:
        return [(self.forward_layer, "forward"), (self.backward_layer, "backward")]

    def _check_layers(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` "
                "value."
            )
        for option in _SAME.split():
            found = [getattr(x, option, None) for x in (forward, backward)]
            if found[0] != found[1]:
                raise ValueError(
                    "Forward layer and backward layer are expected to have the same "
                    f"value for attribute {option}, got {found[0]} and {found[1]}"
                )

    def build(self, input_shape: ShapeLike = None) -> None:
        """Make the weights of both layers."""
        for part, _ in self._named():
            with name_scope(part.name):
                part.build(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Structure) -> Any:
        """That of the layer, merged; the shapes of all states may follow."""
        found = self.forward_layer.compute_output_shape(input_shape)
        states = []
        if self.return_state:
            found, states = found[0], list(found[1:])
        if self.merge_mode is None:
            return [found, found, *states, *states]
        if self.merge_mode == "concat":
            sizes = shapes.TensorShape(found).as_list()
            sizes[-1] = None if sizes[-1] is None else 2 * sizes[-1]
            found = shapes.TensorShape(sizes)
        return [found, *states, *states] if self.return_state else found

    def compute_mask(self, inputs: Structure, mask: Structure = None) -> Any:
        """That of the inputs, with all steps; None for states."""
        del inputs
        if isinstance(mask, list):
            mask = mask[0]
        found = mask if self.return_sequences else None
        outputs = [found] if self.merge_mode else [found, found]
        if self.return_state:
            return outputs + [None] * len(self.forward_layer.states) * 2
        return found if self.merge_mode else outputs

    # ------------------------------------------------------------------ calls

    def __call__(
        self,
        inputs: Structure,
        initial_state: Structure = None,
        constants: Structure = None,
        **kwargs: Any,
    ) -> Any:
        """The outputs for inputs; see `RNN`.

        Args:
          inputs: [batch, steps, …], or a list of these, states and constants.
          initial_state: the states of the one layer, then those of the other.
          constants: for both.
          **kwargs: for `call`.

        Raises:
          ValueError: an odd number of states, or only some of them come from layers
            that lead back to an `Input`.
        """
        inputs, initial_state, constants = standardize_args(
            inputs, initial_state, constants, self._num_constants
        )
        if initial_state is None and constants is None:
            return super().__call__(inputs, **kwargs)
        others, specs = [], []
        if initial_state is not None:
            half, rest = divmod(len(initial_state), 2)
            if rest:
                raise ValueError(
                    "When passing `initial_state` to a Bidirectional RNN, the state "
                    "should be a list containing the states of the underlying RNNs. "
                    f"Found: {initial_state}"
                )
            found = specs_of(initial_state)
            self.forward_layer.__dict__["state_spec"] = found[:half]
            self.backward_layer.__dict__["state_spec"] = found[half:]
            others, specs = [*initial_state], found
        if constants is not None:
            found = specs_of(constants)
            for part, _ in self._named():
                part.__dict__["constants_spec"] = found
                part.__dict__["_num_constants"] = len(constants)
            self.__dict__["_num_constants"] = len(constants)
            others, specs = [*others, *constants], [*specs, *found]
        if not one_kind(others, "a Bidirectional layer"):
            return super().__call__(
                inputs, initial_state=initial_state, constants=constants, **kwargs
            )
        before = self.input_spec
        own: list[Any] = [None] * len(nest.flatten(inputs))
        self.__dict__["_input_spec"] = [*own, *specs]
        outputs = super().__call__(
            [inputs, *others], initial_state=None, constants=None, **kwargs
        )
        self.__dict__["_input_spec"] = before
        return outputs

    def call(
        self,
        inputs: Structure,
        training: Training | None = None,
        mask: Structure = None,
        initial_state: Structure = None,
        constants: Structure = None,
    ) -> Any:
        """The outputs for inputs; the arguments are those of `RNN`."""
        takes = fn_args(self.layer.call)
        given = {"training": training, "mask": mask, "constants": constants}
        options = {key: given[key] for key in given if key in takes}
        if isinstance(inputs, list) and len(inputs) > 1:
            inputs, initial_state, constants = standardize_args(
                inputs, None, None, self._num_constants
            )
            if constants is not None:
                options["constants"] = constants
        if isinstance(mask, list) and "mask" in options:
            options["mask"] = mask[0]
        halves: list[Any] = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            halves = [initial_state[:half], initial_state[half:]]
        found: list[Any] = []
        for (part, _), states in zip(self._named(), halves, strict=True):
            own = {"initial_state": states} if "initial_state" in takes else {}
            found.append(part(inputs, **own, **options))
        return self._merged(*found)

    def _merged(self, y: Structure, backward: Structure) -> Any:
        states = []
        if self.return_state:
            states = [*y[1:], *backward[1:]]
            y, backward = y[0], backward[0]
        if self.return_sequences:
            backward = reverse(backward, [1])
        if self.merge_mode is None:
            return [y, backward, *states]
        if self.merge_mode == "concat":
            merged = concat([y, backward], axis=len(y.shape) - 1)
        elif self.merge_mode == "sum":
            merged = y + backward
        elif self.merge_mode == "ave":
            merged = (y + backward) / 2
        else:
            merged = y * backward
        return [merged, *states] if self.return_state else merged

    def reset_states(self) -> None:
        """Give the states that are kept zeros."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    @property
    def constraints(self) -> dict[Any, Any]:
        """Those of both layers, by weight."""
        found: dict[Any, Any] = {}
        for part, _ in self._named():
            found.update(getattr(part, "constraints", {}))
        return found

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = {**super().get_config(), "merge_mode": self.merge_mode}
        if self._num_constants:
            config["num_constants"] = self._num_constants
        if self._backward_config is not None:
            config["backward_layer"] = self._backward_config
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The layer with the arguments that `get_config` gave."""
        config = dict(config)
        constants = config.pop("num_constants", 0)
        parts = ("layer", "backward_layer")
        for name in [name for name in parts if name in config]:
            config[name] = hooks.layer_from_config(config[name], custom_objects)
        made = cls(**config)
        made.__dict__["_num_constants"] = constants
        return made


def _remade(layer: Layer, turned: bool = False) -> Any:
    """A new layer of the same configuration; `turned`, in the other direction."""
    config = layer.get_config()
    if turned:
        config["go_backwards"] = not config["go_backwards"]
    kind: Any = type(layer)
    if "custom_objects" not in fn_args(kind.from_config):
        return kind.from_config(config)
    cell = getattr(layer, "cell", None)
    cells = [cell, *getattr(cell, "cells", ())]
    known = {type(c).__name__: type(c) for c in cells if c is not None}
    return kind.from_config(config, custom_objects=known)
