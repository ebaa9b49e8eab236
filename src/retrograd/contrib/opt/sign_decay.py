"""Factors of the sign in `AddSignOptimizer` and `PowerSignOptimizer`, by the step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.ops.array.selection import where
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.typing import VariableLike

#: makes a factor of a count of steps
Decay = Callable[[Any], Any]


def _step(global_step: VariableLike | None, function: str) -> Any:
    if global_step is None:
        raise ValueError(f"global_step is required for {function}.")
    return cast(global_step, dtypes.float32)


def get_linear_decay_fn(decay_steps: float) -> Decay:
    """From 1 to 0 along a line, in so many steps.

    Args:
      decay_steps: how many.
    """

    def linear_decay_fn(global_step: VariableLike | None) -> Any:
        left = decay_steps - _step(global_step, "linear_decay")
        return F.Maximum(0.0, left / cast(decay_steps, dtypes.float32))

    return linear_decay_fn


def get_cosine_decay_fn(
    decay_steps: float, num_periods: float = 0.5, zero_after: float | None = None
) -> Decay:
    """From 1 to 0 along a cosine.

    Args:
      decay_steps: in how many steps.
      num_periods: how many periods of the cosine there are.
      zero_after: after which number of periods it stays 0; None for none.
    """

    def cosine_decay_fn(global_step: VariableLike | None) -> Any:
        step = F.Minimum(_step(global_step, "cosine_decay"), float(decay_steps))
        part = step / float(decay_steps)
        decayed = 0.5 * (1.0 + F.Cos(2.0 * math.pi * num_periods * part))
        if zero_after is None:
            return decayed
        over = F.GreaterEqual(2 * num_periods * part, 2 * zero_after)
        return where(over, 0.0, decayed)

    return cosine_decay_fn


def get_restart_decay_fn(
    decay_steps: float, num_periods: float = 1, zero_after: float | None = None
) -> Decay:
    """From 1 to 0 along half a cosine, again and again.

    Args:
      decay_steps: in how many steps all of it is.
      num_periods: how often.
      zero_after: after which number of periods it stays 0; None for none.
    """

    def restart_decay_fn(global_step: VariableLike | None) -> Any:
        step = F.Minimum(_step(global_step, "cosine_decay"), float(decay_steps))
        part = step / float(decay_steps)
        within = F.FloorMod(num_periods * part, 1.0)
        decayed = 0.5 * (1.0 + F.Cos(math.pi * within))
        if zero_after is None:
            return decayed
        over = F.GreaterEqual(num_periods * part, float(zero_after))
        return where(over, 0.0, decayed)

    return restart_decay_fn
