"""What a step of an LSTM does, whatever its gates come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrograd.ops.declare import F
from retrograd.variables.scope import get_variable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike

Activation = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Peepholes:
    """By what the gates see the memory: vectors for f, i and o."""

    f: Any
    i: Any
    o: Any

    @classmethod
    def made(cls, units: int, dtype: DTypeLike, names: str = "w_{}_diag") -> Peepholes:
        """Variables in the current scope, of the first values of the scope."""
        keys = "fio" if names.islower() else "FIO"
        found = [get_variable(names.format(k), [units], dtype=dtype) for k in keys]
        return cls(*found)


def memory(
    c: Tensor,
    gates: Sequence[Tensor],
    forget_bias: float,
    activation: Activation = F.Tanh,
    peepholes: Peepholes | None = None,
) -> Tensor:
    """The next memory: sigmoid(f) c + sigmoid(i) activation(j).

    Args:
      c: the memory.
      gates: i, j, f and o before their activation.
      forget_bias: what is added to f.
      activation: see above.
      peepholes: by what i and f see c.
    """
    i, j, f, _ = gates
    f = f + forget_bias
    if peepholes is not None:
        f = f + peepholes.f * c
        i = i + peepholes.i * c
    return F.Sigmoid(f) * c + F.Sigmoid(i) * activation(j)


def shown(
    c: Tensor,
    gates: Sequence[Tensor],
    activation: Activation = F.Tanh,
    peepholes: Peepholes | None = None,
) -> Tensor:
    """What comes out: sigmoid(o) activation(c), for the memory c after the step."""
    o = gates[-1]
    if peepholes is not None:
        o = o + peepholes.o * c
    return F.Sigmoid(o) * activation(c)
