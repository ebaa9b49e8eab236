"""`tf.image` makes what TensorFlow 1.15's makes, in graphs and in eager mode."""

from __future__ import annotations

import pytest

from tests.expressions import Expressions

FOUND = Expressions("image")


@pytest.mark.parametrize("line", FOUND.lines)
def test_in_a_graph(line: str) -> None:
    FOUND.check(line)


@pytest.mark.parametrize("line", FOUND.lines)
def test_in_eager_mode(line: str) -> None:
    FOUND.check_eager(line)


@pytest.mark.parametrize("line", FOUND.lines[::4])
def test_compiled(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", "1")
    FOUND.check(line)
