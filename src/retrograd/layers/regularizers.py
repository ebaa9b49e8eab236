"""Regularizers: functions of weights or outputs whose values are losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.layers.backend_config import cast_to_floatx, floatx
from retrograd.layers.serialization import deserialize as deserialize_object
from retrograd.layers.serialization import get as get_object
from retrograd.layers.serialization import serialize as serialize_object
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.math.reduce import reduce_sum

if TYPE_CHECKING:
    from retrograd.typing import Named, Operand


class Regularizer:
    """Base of regularizers: `regularizer(x)` is a scalar."""

    def __call__(self, x: Operand) -> Any:
        """The loss of x."""
        del x
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The regularizer with the arguments that `get_config` gave."""
        return cls(**config)


class L1L2(Regularizer):
    """λ₁ Σ |x| + λ₂ Σ x².

    Args:
      l1: λ₁.
      l2: λ₂.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = cast_to_floatx(l1)
        self.l2 = cast_to_floatx(l2)

    def __call__(self, x: Operand) -> Any:
        """The loss of x, a scalar."""
        if not self.l1 and not self.l2:
            return constant(0.0, dtypes.as_dtype(floatx()))
        found: Any = 0.0
        if self.l1:
            found = found + self.l1 * reduce_sum(F.Abs(x))
        if self.l2:
            found = found + self.l2 * reduce_sum(F.Square(x))
        return found

    def get_config(self) -> dict[str, float]:
        """The arguments that make an equal one."""
        return {"l1": float(self.l1), "l2": float(self.l2)}


def l1(l: float = 0.01) -> L1L2:  # noqa: E741 - the name is TensorFlow's
    """λ Σ |x|."""
    return L1L2(l1=l)


def l2(l: float = 0.01) -> L1L2:  # noqa: E741 - the name is TensorFlow's
    """λ Σ x²."""
    return L1L2(l2=l)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """λ₁ Σ |x| + λ₂ Σ x²."""
    return L1L2(l1=l1, l2=l2)


def serialize(regularizer: Named) -> Any:
    """The class and the arguments of a regularizer."""
    return serialize_object(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, object] | None = None) -> Any:
    """The regularizer of a name or configuration.

    Raises:
      ValueError: there is none.
    """
    known = {"Regularizer": Regularizer, "L1L2": L1L2, "l1": l1, "l2": l2}
    known["l1_l2"] = l1_l2
    found = deserialize_object(config, known, custom_objects, "regularizer")
    return found() if found in (l1, l2, l1_l2) else found


def get(identifier: Named) -> Any:
    """A regularizer for a name, a configuration or itself; None for None.

    Raises:
      ValueError: nothing of these.
    """
    return get_object(identifier, deserialize, "regularizer")
