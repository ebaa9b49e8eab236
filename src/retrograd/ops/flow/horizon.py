"""Which of two forms of an op is made: that of TensorFlow's past, or of its future.

TensorFlow introduced new op versions some weeks before its programs made them, so that
an older one could still load their graphs. Version 1.15 stands at a date in 2019.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator

from retrograd.util.decorators import contextmanager

_DAYS = "TF_FORWARD_COMPATIBILITY_DELTA_DAYS"


_OWN = datetime.date(2019, 8, 21)


class _Now:
    date: datetime.date | None = None


def _date() -> datetime.date:
    if _Now.date is not None:
        return _Now.date
    return _OWN + datetime.timedelta(days=int(os.environ.get(_DAYS) or 0))


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Whether what TensorFlow does from that date on is done already."""
    return _date() > datetime.date(year, month, day)


@contextmanager
def forward_compatibility_horizon(year: int, month: int, day: int) -> Iterator[None]:
    """A context in which ops are made as TensorFlow made them at that date."""
    before = _Now.date
    _Now.date = datetime.date(year, month, day)
    try:
        yield
    finally:
        _Now.date = before
