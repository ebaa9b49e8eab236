"""Sample applications of ops: what the tests made from the declarations run.

Each module here holds `ROWS`, one or more `row(...)` for each op of a family.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrograd.dtypes import as_dtype


@dataclass(frozen=True)
class Drawn:
    """A random float64 input, the same in every run."""

    shape: tuple[int, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Given:
    """A constant input, which is not differentiated."""

    value: np.ndarray

    def of(self, dtype: str) -> Given:
        """The same in another dtype."""
        return Given(self.value.astype(dtype))


@dataclass(frozen=True)
class Made:
    """A constant input that follows from those before it, which are given to `make`."""

    make: Callable[..., np.ndarray]


@dataclass(frozen=True)
class Stored:
    """A variable: a reference or a resource, as `kind` says, and its first value.

    Its dtype is that of the op, unless another one is given.
    """

    kind: str
    start: Drawn | Given
    dtype: str = ""


@dataclass(frozen=True)
class Row:
    """One application of an op.

    Attributes:
      op: the op type.
      inputs: `f(...)`, `c(...)`, or lists of these, as the signature has them.
      attrs: attributes that no input determines.
      order: how many times it can be differentiated: 0, 1 or 2.
      tier1: whether it can be compiled.
      wrt: which flattened inputs are differentiated; by default all drawn ones.
      tolerance: for the comparison with central differences.
      without: dtypes in which the row's numbers make no sense, with the reason.
      compared: how far an output is compared, by its position, where that is not by
        its value: by "dtype" or "shape" only, as its value is not defined; by
        "magnitude", as its numbers are determined up to factors of magnitude 1.
      slack: a factor for the tolerance of the dtype, for ill-conditioned ops.
    """

    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    order: int = 2
    tier1: bool = True
    wrt: tuple[int, ...] | None = None
    tolerance: float = 1e-5
    without: dict[str, str] = field(default_factory=dict)
    compared: dict[int, str] = field(default_factory=dict)
    slack: float = 1.0

    @property
    def has_variables(self) -> bool:
        """Whether some inputs are variables."""
        items = [i for x in self.inputs for i in (x if isinstance(x, list) else [x])]
        return any(isinstance(item, Stored) for item in items)


def f(*shape: int, low: float = -2.0, high: float = 2.0) -> Drawn:
    """Random float64 in [low, high)."""
    return Drawn(shape, low, high)


def c(value: Any, dtype: Any = None) -> Given:
    """A constant of the given dtype."""
    return Given(np.asarray(value, dtype))


def q(value: Any, dtype: str) -> Given:
    """Integers as a constant of a quantized dtype."""
    found = as_dtype(dtype)
    return Given(np.asarray(value, found.array_dtype).view(found.as_numpy_dtype))


def ref(start: Drawn | Given) -> Stored:
    """A variable that is passed by reference."""
    return Stored("ref", start)


def resource(start: Drawn | Given, dtype: str = "") -> Stored:
    """A variable that is passed by its handle."""
    return Stored("resource", start, dtype)


def made(make: Callable[..., np.ndarray]) -> Made:
    """A constant that `make` gives for the inputs before it."""
    return Made(make)


def row(
    op: str,
    *inputs: Any,
    order: int = 2,
    tier1: bool = True,
    wrt: tuple[int, ...] | None = None,
    tolerance: float = 1e-5,
    without: dict[str, str] | None = None,
    compared: dict[int, str] | None = None,
    slack: float = 1.0,
    **attrs: Any,
) -> Row:
    """One application of `op` (see `Row`)."""
    return Row(
        op,
        inputs,
        attrs,
        order,
        tier1,
        wrt,
        tolerance,
        without or {},
        compared or {},
        slack,
    )


def families() -> dict[str, list[Row]]:
    """The rows by family."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return {n: importlib.import_module(f"{__name__}.{n}").ROWS for n in names}


def all_rows() -> list[Row]:
    """The rows of every family."""
    return [row for rows in families().values() for row in rows]
