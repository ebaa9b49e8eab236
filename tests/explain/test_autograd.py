"""Explanations of what was computed with `retrograd.autograd`."""

from __future__ import annotations

import pytest

import retrograd
from retrograd import autograd


def test_a_result_is_explained_before_and_after_backward() -> None:
    x = autograd.tensor(3.0, requires_grad=True)
    y = autograd.tensor(4.0, requires_grad=True)
    f = x * x * y + y + 2
    before = str(retrograd.explain(f, [x, y]))
    assert "= 12 + 12 = 24" in before and "= 9 + 1 = 10" in before
    assert x.grad is None
    f.backward(retain_graph=True)
    assert str(retrograd.explain(f, [x, y])) == before
    f.backward()
    with pytest.raises(RuntimeError, match="second time"):
        retrograd.explain(f, [x, y])


def test_leaves_are_found_and_a_vector_is_seeded_with_ones() -> None:
    w = autograd.tensor([2.0, 3.0], requires_grad=True)
    y = w * autograd.tensor([-1.0, -2.0])
    text = str(retrograd.explain(y[1] * y))
    assert "seeded with ones" in text
    assert "∂f/∂n1 = [6, 28]" in text


def test_several_results_are_summed() -> None:
    x = autograd.tensor(3.0, requires_grad=True)
    v = autograd.tensor(2.0, requires_grad=True)
    found = retrograd.explain([x * x, x * v], [x, v])
    assert found.gradients == [8.0, 3.0]
    assert len(retrograd.explain([x * x, x * v]).trace.xs) == 2
