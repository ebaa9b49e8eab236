"""Tests made from the declarations: every op, by every route."""

from __future__ import annotations

import numpy as np
import pytest

from retrograd.ops import declare
from tests import covering
from tests.ops import harness
from tests.ops.rows import Row, all_rows, f, row

ROWS = all_rows()


def _ids(rows: list[Row]) -> list[str]:
    return [f"{i}-{r.op}" for i, r in enumerate(rows)]


FIRST = [r for r in ROWS if r.order >= 1]
SECOND = [r for r in ROWS if r.order >= 2]


@pytest.mark.parametrize("sample", FIRST, ids=_ids(FIRST))
def test_first_derivative(sample: Row) -> None:
    harness.check_gradient(sample, harness.build(sample), 1)


@pytest.mark.parametrize("sample", SECOND, ids=_ids(SECOND))
def test_second_derivative(sample: Row) -> None:
    harness.check_gradient(sample, harness.build(sample), 2)


def test_every_op_has_a_row_or_a_test_that_covers_it() -> None:
    declare.load_all()
    have = {r.op for r in ROWS} | set(covering.covered())
    # other tests load the ops that TensorFlow's tests bring along
    ours = {
        name
        for name, declared in declare.registry.items()
        if not declared.kernel.__module__.startswith("retrograd.testing")
    }
    missing = sorted(ours - have)
    assert not missing, f"ops without a row or a test marked to cover them: {missing}"


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that is wrong by 0.1 % must not pass."""
    declare.find("Square")
    entry = declare.gradient_registry._registry["Square"]
    right = entry["type"]

    def wrong(n, dy):
        return [declare.F.Mul(right(n, dy), np.float64(1.001))]

    monkeypatch.setitem(entry, "type", wrong)
    sample = row("Square", f(3))
    with pytest.raises(AssertionError):
        harness.check_gradient(sample, harness.build(sample), 1)
