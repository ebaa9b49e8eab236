"""Sample applications of ops: what the tests made from the declarations run.

Each module here holds `ROWS`, one or more `row(...)` for each op of a family.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any

import numpy as np


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
      exact: whether the two tiers give equal values, not only close ones.
    """

    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    order: int = 2
    tier1: bool = True
    wrt: tuple[int, ...] | None = None
    tolerance: float = 1e-5

    @property
    def name(self) -> str:
        """A short name for the report of a test."""
        return f"{self.op}-{abs(hash(repr(self))) % 10000}"


def f(*shape: int, low: float = -2.0, high: float = 2.0) -> Drawn:
    """Random float64 in [low, high)."""
    return Drawn(shape, low, high)


def c(value: Any, dtype: Any = None) -> Given:
    """A constant of the given dtype."""
    return Given(np.asarray(value, dtype))


def row(
    op: str,
    *inputs: Any,
    order: int = 2,
    tier1: bool = True,
    wrt: tuple[int, ...] | None = None,
    tolerance: float = 1e-5,
    **attrs: Any,
) -> Row:
    """One application of `op` (see `Row`)."""
    return Row(op, inputs, attrs, order, tier1, wrt, tolerance)


def all_rows() -> list[Row]:
    """The rows of every family."""
    rows: list[Row] = []
    for module in pkgutil.iter_modules(__path__):
        rows.extend(importlib.import_module(f"{__name__}.{module.name}").ROWS)
    return rows
