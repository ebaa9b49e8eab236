"""Layers that call another layer: `TimeDistributed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.graph.hooks import hooks
from retrograd.graph.tensor import Tensor
from retrograd.layers.base import Layer
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.rnn_loop import rnn
from retrograd.layers.serialization import serialize
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_any
from retrograd.util.functions import fn_args

if TYPE_CHECKING:
    from retrograd.typing import ShapeLike, Training


class Wrapper(Layer):
    """A base of layers that call another one.

    Args:
      layer: the other layer.
      **kwargs: those of `Layer`.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        assert isinstance(layer, Layer)
        self.layer = layer
        super().__init__(**kwargs)

    def build(self, input_shape: ShapeLike = None) -> None:
        """Make the weights of the other layer."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        self.built = True

    @property
    def activity_regularizer(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - as in 1.15 it cannot be set
        """That of the other layer."""
        return getattr(self.layer, "activity_regularizer", None)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = super().get_config()
        config["layer"] = serialize(self.layer)
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The layer with the arguments that `get_config` gave."""
        others = {key: value for key, value in config.items() if key != "layer"}
        layer = hooks.layer_from_config(config["layer"], custom_objects)
        return cls(layer, **others)


def _is_builtin(layer: Layer) -> bool:
    """Whether a layer is of a class that comes with TensorFlow, or derived from one.

    1.15 does not take those for its own that version 2 has another class for.
    """
    if getattr(layer, "_of_version_1", False):
        return False
    return any(
        issubclass(kind, Layer)
        and kind.__module__.startswith("retrograd.")
        and kind.__name__ != "Layer"
        for kind in type(layer).__mro__
    )


class TimeDistributed(Wrapper):
    """A layer applied to each step alike.

    Args:
      layer: it takes [batch, …].
      **kwargs: those of `Layer`.

    Inputs [batch, steps, …]; outputs [batch, steps, …].

    Raises:
      ValueError: `layer` is none, or inputs of fewer than three axes.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                "Please initialize `TimeDistributed` layer with a `Layer` instance. "
                f"You passed: {layer}"
            )
        super().__init__(layer, **kwargs)
        self.supports_masking = True
        # what the layer was called with, for its masks, by the inputs it was made of
        self.__dict__["_input_map"] = {}

    def build(self, input_shape: ShapeLike = None) -> None:
        """Make the weights of the other layer."""
        sizes = shapes.TensorShape(input_shape).as_list()
        if len(sizes) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape ` with at "
                f"least 3 dimensions, received: {sizes}"
            )
        self.input_spec = InputSpec(shape=[None, None, *sizes[2:]])
        super().build((sizes[0], *sizes[2:]))

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, steps, …]."""
        batch, steps, *rest = shapes.TensorShape(input_shape).as_list()
        of_step = self.layer.compute_output_shape(shapes.TensorShape([batch, *rest]))
        batch, *rest = shapes.TensorShape(of_step).as_list()
        return shapes.TensorShape([batch, steps, *rest])

    def call(
        self,
        inputs: Tensor,
        training: Training | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The outputs for inputs."""
        takes = fn_args(self.layer.call)
        arguments = {"training": training} if "training" in takes else {}
        sizes = inputs.shape.as_list()
        together = _is_builtin(self.layer) and not self.layer.stateful
        if sizes[0] and not together:
            return self._step_by_step(inputs, arguments)
        steps = sizes[1] or shape(inputs)[1]
        merged = reshape(inputs, _known((-1,), inputs, 2))
        self._input_map[_key(inputs)] = merged
        if "mask" in takes and mask is not None:
            arguments["mask"] = reshape(mask, _known((-1,), mask, 2))
        outputs = self.layer(merged, **arguments)
        found = self.compute_output_shape(sizes).as_list()
        return reshape(outputs, _known((-1, steps), outputs, 1, found[2:]))

    def _step_by_step(self, inputs: Tensor, arguments: dict[str, Any]) -> Tensor:
        """The layer called for each step; it may depend on the size of the batch."""

        def step(x: Tensor, states: Any) -> tuple[Any, Any]:
            del states
            return self.layer(x, **arguments), []

        steps = inputs.shape.as_list()[1]
        return rnn(step, inputs, [], input_length=steps)[1]

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """The mask that the layer makes for each step, or whether a step has any."""
        sizes = inputs.shape.as_list()
        if sizes[0]:
            return mask
        inner = None if mask is None else reshape(mask, _known((-1,), mask, 2))
        made = self.layer.compute_mask(self._input_map.get(_key(inputs), inputs), inner)
        if made is None:
            if mask is None:
                return None
            for _ in range(2, len(mask.shape)):
                mask = reduce_any(cast(mask, "bool"), axis=-1)
            return mask
        steps = sizes[1] or shape(inputs)[1]
        rest = made.shape.as_list()[1:]
        return reshape(made, _known((-1, steps), made, 1, rest))


def _key(inputs: Tensor) -> tuple[int, ...]:
    return tuple(id(x) for x in nest.flatten(inputs))


def _known(
    first: tuple[Any, ...],
    x: Tensor,
    start: int,
    sizes: Sequence[int | None] | None = None,
) -> tuple[Any, ...]:
    """`first`, then the sizes of x from axis `start` on, as numbers where known.

    Args:
      first: sizes to begin with.
      x: the tensor.
      start: the axis of x that the first of `sizes` is of.
      sizes: what is known of them; by default the static shape of x.
    """
    rest = list(x.shape.as_list()[start:] if sizes is None else sizes)
    if not all(rest):
        dynamic = shape(x)
        rest = [size or dynamic[start + i] for i, size in enumerate(rest)]
    return (*first, *rest)
