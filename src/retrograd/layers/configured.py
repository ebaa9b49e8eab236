"""Layers whose configuration is the arguments that they list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from retrograd.layers import activations, constraints, initializers, regularizers
from retrograd.layers.base import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import ShapeLike

#: how arguments of these endings are made from names, and written
_KINDS = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
    "activation": activations,
}


def _kind(argument: str) -> Any:
    return _KINDS.get(argument.rpartition("_")[2])


def written(layer: Layer, argument: str) -> Any:
    """What an attribute is in a configuration."""
    kind, value = _kind(argument), getattr(layer, argument)
    return value if kind is None else kind.serialize(value)


class Configured(Layer):
    """A base of layers that keep their arguments in attributes of the same names.

    A subclass lists them in `_ARGUMENTS`, and hands those that are initializers,
    regularizers, constraints or activations to `_keep`.
    """

    _ARGUMENTS: ClassVar[tuple[str, ...]] = ()

    def _keep(self, **arguments: Any) -> None:
        """Keep arguments as attributes, made from names where they have some."""
        for name, value in arguments.items():
            kind = _kind(name)
            setattr(self, name, value if kind is None else kind.get(value))

    def _weight(
        self, name: str, sizes: Sequence[Any], of: str | None = None, **options: Any
    ) -> Any:
        """A new weight with the initializer, regularizer and constraint that are kept.

        Args:
          name: its name.
          sizes: its shape.
          of: what the arguments' names begin with; by default its name.
          **options: other arguments of `add_weight`.
        """
        of = name if of is None else of
        return self.add_weight(
            name=name,
            shape=tuple(sizes),
            initializer=getattr(self, f"{of}_initializer"),
            regularizer=getattr(self, f"{of}_regularizer"),
            constraint=getattr(self, f"{of}_constraint"),
            **options,
        )

    def _activated(self, outputs: Tensor) -> Any:
        """Outputs through the activation, if the layer has one."""
        return outputs if self.activation is None else self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = super().get_config()
        config.update((name, written(self, name)) for name in self._ARGUMENTS)
        return config


class Elementwise(Configured):
    """A base of layers whose outputs have the shape of their inputs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """The shape of the inputs."""
        return input_shape
