"""A mark that says which ops a test covers is held to it."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.ops import declare
from retrograd.ops.declare import F
from tests import covering
from tests.ops import test_declarations


def run_as(marks: tuple[str, ...], test: Any) -> None:
    """Run a test that has these ops in its mark, as the hook does."""
    mark = pytest.mark.covers(*marks).mark
    item = types.SimpleNamespace(iter_markers=lambda name: [mark] * (name == "covers"))
    steps = covering.run_marked(item)
    next(steps)
    test()
    try:
        steps.send(None)
    except StopIteration:
        return


def in_a_session(tier: str) -> None:
    with pytest.MonkeyPatch.context() as patch, tf.Graph().as_default():
        patch.setenv("RETROGRAD_TIER", tier)
        v = tf.Variable([1.0, 2.0])
        x = tf.placeholder(tf.float32, [2])
        F.Cos(x)  # is made, but does not run
        with tf.Session() as session:
            session.run(v.initializer)
            session.run(F.Sin(x) + v, {x: np.ones(2)})


def at_once() -> None:
    with context.eager_mode():
        F.Sin(tf.constant(1.0))


@pytest.mark.parametrize("tier", ["0", "1"])
def test_what_runs_in_a_session_is_seen(tier: str) -> None:
    run_as(("Sin", "AddV2", "Assign", "VariableV2"), lambda: in_a_session(tier))


def test_what_runs_at_once_is_seen() -> None:
    run_as(("Sin",), at_once)


@pytest.mark.parametrize(
    "test", [at_once, lambda: in_a_session("0"), lambda: in_a_session("1")]
)
def test_what_does_not_run_is_missed(test: Any) -> None:
    with pytest.raises(pytest.fail.Exception) as found:
        run_as(("Sin", "Cos", "VarHandleOp"), test)
    assert str(found.value) == (
        "is marked to cover what it does not run: Cos, VarHandleOp"
    )


def test_kernels_are_put_back() -> None:
    declaration = declare.find("Sin")
    assert declaration is not None
    before = declaration.kernel
    run_as(("Sin",), at_once)
    assert declaration.kernel is before


def test_marks_of_functions_and_of_parameters_are_found() -> None:
    found = covering.covered()
    assert found["Const"] == [
        "tests.ops.test_placeholders.test_a_constant_keeps_its_value_apart"
    ]
    assert found["Placeholder"] == [
        "tests.ops.test_placeholders.test_a_placeholder_must_be_fed"
    ]
    assert "Sin" not in found


def test_an_op_without_a_row_or_a_mark_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declare.load_all()
    monkeypatch.setitem(declare.registry, "Planted", declare.registry["Sin"])
    with pytest.raises(AssertionError, match=r"covers? them: \['Planted'\]"):
        test_declarations.test_every_op_has_a_row_or_a_test_that_covers_it()
