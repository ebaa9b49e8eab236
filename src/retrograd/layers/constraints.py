"""Constraints: functions from the new value of a weight to that which is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.layers.backend_config import epsilon
from retrograd.layers.serialization import deserialize as deserialize_object
from retrograd.layers.serialization import get as get_object
from retrograd.layers.serialization import serialize as serialize_object
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_value
from retrograd.ops.math.reduce import reduce_sum

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, Named, Operand


class Constraint:
    """Base of constraints."""

    def __call__(self, w: Operand) -> Any:
        """The value that is kept."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {}


def _norms(w: Operand, axis: AxisLike) -> Any:
    return F.Sqrt(reduce_sum(F.Square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Norms along `axis` of at most `max_value` (Srivastava et al. 2014)."""

    def __init__(self, max_value: float = 2, axis: AxisLike = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Operand) -> Any:
        """w, scaled down where its norms are larger."""
        norms = _norms(w, self.axis)
        desired = clip_by_value(norms, 0.0, float(self.max_value))
        return w * (desired / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No negative weights."""

    def __call__(self, w: Operand) -> Any:
        """w, zero where it is negative."""
        return w * cast(F.GreaterEqual(w, 0.0), w.dtype)


class UnitNorm(Constraint):
    """Norms along `axis` of one."""

    def __init__(self, axis: AxisLike = 0) -> None:
        self.axis = axis

    def __call__(self, w: Operand) -> Any:
        """w, scaled."""
        return w / (epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms along `axis` between two values.

    Args:
      min_value, max_value: the values.
      rate: how far a norm goes to the nearest of them: 1 is all the way.
      axis: the axes of the norms.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: AxisLike = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Operand) -> Any:
        """w, scaled."""
        norms = _norms(w, self.axis)
        clipped = clip_by_value(norms, float(self.min_value), float(self.max_value))
        desired = self.rate * clipped + (1 - self.rate) * norms
        return w * (desired / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        names = "min_value max_value rate axis".split()
        return {name: getattr(self, name) for name in names}


class RadialConstraint(Constraint):
    """Square kernels [size, size, channels, filters] that are equal at equal radius."""

    def __call__(self, w: Operand) -> Any:
        """w, each ring with the value on the middle column.

        Raises:
          ValueError: no such kernel.
        """
        sizes = w.shape
        if sizes.ndims != 4 or sizes[0] != sizes[1]:
            raise ValueError(
                f"The weight tensor must be of rank 4, but is of shape: {sizes}"
            )
        size = int(sizes[0])
        diagonal = F.Pack([w[i, i] for i in range(size)])
        return F.GatherV2(diagonal, _rings(size), 0)


def _rings(size: int) -> list[list[int]]:
    """For each place of a kernel, the place on the diagonal that it takes."""
    half = size // 2
    by_radius = [half - 1, *range(half + 1 - size % 2, size)]
    if size == 1:
        by_radius = [0]
    away = [max(half - 1 - i + size % 2, i - half) for i in range(size)]
    return [
        [by_radius[max(away[i], away[j])] for j in range(size)] for i in range(size)
    ]


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm
radial_constraint = RadialConstraint
maxnorm, nonneg, unitnorm = MaxNorm, NonNeg, UnitNorm

#: all of the above, by each of their names
_KNOWN = {
    name: value
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, Constraint)
}


def serialize(constraint: Named) -> Any:
    """The class and the arguments of a constraint."""
    return serialize_object(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, object] | None = None) -> Any:
    """The constraint of a name or configuration.

    Raises:
      ValueError: there is none.
    """
    return deserialize_object(config, _KNOWN, custom_objects, "constraint")


def get(identifier: Named) -> Any:
    """A constraint for a name, a configuration or itself; None for None.

    Raises:
      ValueError: nothing of these.
    """
    return get_object(identifier, deserialize, "constraint")
