"""Every row: in every dtype, interpreted, compiled and at once, as TensorFlow 1.15."""

from __future__ import annotations

import pytest

from tests.ops import checking, reference
from tests.ops.cases import numbered
from tests.ops.rows import Row

SAMPLES = [
    pytest.param(family, row, number, id=f"{row.op}-{number}")
    for family, rows in numbered().items()
    for row, number in rows
]


@pytest.mark.parametrize(("family", "row", "number"), SAMPLES)
def test_row(family: str, row: Row, number: int) -> None:
    found = checking.failures(row, number, reference.family(family))
    assert not found, "\n".join(found)
