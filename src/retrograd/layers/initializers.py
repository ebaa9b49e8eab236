"""Initializers by name, and those that only Keras has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.layers.serialization import deserialize as deserialize_object
from retrograd.layers.serialization import get as get_object
from retrograd.layers.serialization import serialize as serialize_object
from retrograd.variables import initializers as plain

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Named


class RandomNormal(plain.RandomNormal):
    """Normal numbers, by default of standard deviation 0.05."""

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        super().__init__(mean, stddev, seed, dtype)


class RandomUniform(plain.RandomUniform):
    """Uniform numbers, by default in [−0.05, 0.05)."""

    def __init__(
        self,
        minval: float = -0.05,
        maxval: float = 0.05,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        super().__init__(minval, maxval, seed, dtype)


class TruncatedNormal(plain.TruncatedNormal):
    """Normal numbers within two standard deviations, by default of 0.05."""

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        super().__init__(mean, stddev, seed, dtype)


Initializer = plain.Initializer
zeros = zero = Zeros = plain.Zeros
ones = one = Ones = plain.Ones
constant = Constant = plain.Constant
random_uniform = uniform = RandomUniform
random_normal = normal = RandomNormal
truncated_normal = TruncatedNormal
identity = Identity = plain.Identity
orthogonal = Orthogonal = plain.Orthogonal
glorot_normal = GlorotNormal = plain.GlorotNormal
glorot_uniform = GlorotUniform = plain.GlorotUniform
VarianceScaling = plain.VarianceScaling
lecun_normal, lecun_uniform = plain.lecun_normal, plain.lecun_uniform
he_normal, he_uniform = plain.he_normal, plain.he_uniform

_FUNCTIONS = (lecun_normal, lecun_uniform, he_normal, he_uniform)


def _is_one(value: object) -> bool:
    if isinstance(value, type):
        return issubclass(value, plain.Initializer)
    return value in _FUNCTIONS


#: all of the above, by each of their names
_KNOWN = {name: value for name, value in list(globals().items()) if _is_one(value)}


def serialize(initializer: Named) -> Any:
    """The class and the arguments of an initializer."""
    return serialize_object(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, object] | None = None) -> Any:
    """The initializer of a name or configuration.

    Raises:
      ValueError: there is none.
    """
    found = deserialize_object(config, _KNOWN, custom_objects, "initializer")
    return found() if found in _FUNCTIONS else found


def get(identifier: Named) -> Any:
    """An initializer for a name, a configuration, a class or itself; None for None.

    Raises:
      ValueError: nothing of these.
    """
    found = get_object(identifier, deserialize, "initializer")
    return found() if isinstance(found, type) else found
