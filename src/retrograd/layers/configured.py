"""Layers whose configuration is the arguments that they list."""

from __future__ import annotations

from typing import Any, ClassVar

from retrograd.layers import activations, constraints, initializers, regularizers
from retrograd.layers.base import Layer

#: how arguments of these endings are made from names, and written
_KINDS = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
    "activation": activations,
}


def _kind(argument: str) -> Any:
    return _KINDS.get(argument.rpartition("_")[2])


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

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = super().get_config()
        for name in self._ARGUMENTS:
            kind, value = _kind(name), getattr(self, name)
            config[name] = value if kind is None else kind.serialize(value)
        return config
