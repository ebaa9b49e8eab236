"""How old a reader of graphs may be: `tf.compat.forward_compatible`."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator

_HORIZON = datetime.date(2019, 8, 21)  # TensorFlow 1.15's


class _Overridden:
    date: datetime.date | None = None


def _horizon() -> datetime.date:
    if _Overridden.date is not None:
        return _Overridden.date
    days = os.environ.get("TF_FORWARD_COMPATIBILITY_DELTA_DAYS")
    return _HORIZON + datetime.timedelta(days=int(days or 0))


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Whether every reader of our graphs knows what was added up to a day."""
    horizon = _horizon()
    return (horizon.year, horizon.month, horizon.day) > (year, month, day)


@contextlib.contextmanager
def forward_compatibility_horizon(year: int, month: int, day: int) -> Iterator[None]:
    """Count on readers made after a day, in the block."""
    before = _Overridden.date
    _Overridden.date = datetime.date(year, month, day)
    try:
        yield
    finally:
        _Overridden.date = before
