"""What ops declare of themselves is so: seen by their kernels, on the sampled rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from retrograd.graph.operation import Operation
from retrograd.ops import declare
from retrograd.ops.binding import input_names
from retrograd.ops.declare import asks_for_shapes, why_blocked
from retrograd.ops.infer import same
from retrograd.ops.traits import Blocks, Kind, Passes, Traits
from retrograd.run.session import Session
from tests.ops import harness
from tests.ops.rows import Row, all_rows

STEP = 1e-3

declare.load_all()
TRAITS = {name: found.traits for name, found in declare.registry.items()}


def rows_with(wanted: Callable[[Traits], object], drawn: bool = False) -> list[Any]:
    """The rows of ops whose traits are so, as parameters of a test.

    Args:
      wanted: whether traits are so.
      drawn: leave out rows without random real numbers, such as those of integers.

    Returns:
      Those of which no input is a variable.
    """
    rows = [row for row in all_rows() if not row.has_variables]
    found = [row for row in rows if wanted(TRAITS[row.op])]
    if drawn:
        found = [row for row in found if "Drawn(" in repr(row.inputs)]
    assert found
    return [pytest.param(row, id=f"{i}-{row.op}") for i, row in enumerate(found)]


class Applied:
    """The operation of a row, to be run on values of its inputs."""

    def __init__(self, row: Row) -> None:
        built = harness.build(row)
        (op,) = {t.op for t in built.outputs}
        self.op: Operation = op
        self.traits = TRAITS[row.op]
        self.names = input_names(self.op)
        self._session = Session(graph=built.graph)
        feed = dict(zip(built.inputs, built.values, strict=True))
        self.values = [
            feed[t] if t in feed else self._session.run(t) for t in self.op.inputs
        ]

    def __call__(self, changed: Callable[[str, Any], Any] | None = None) -> list[Any]:
        """The results, after a change of the inputs by name."""
        pairs = zip(self.names, self.values, strict=True)
        given = [v if changed is None else changed(n, v) for n, v in pairs]
        feed = dict(zip(self.op.inputs, given, strict=True))
        return self._session.run(list(self.op.outputs), feed)

    def times(self, names: Iterable[str], factor: float) -> list[Any]:
        """The results where some inputs are multiplied by a number."""
        return self(lambda name, v: v * factor if name in names else v)

    def passed(self, output: int) -> Any:
        """The input that an output is said to be."""
        if self.traits.passed:
            return self.values[self.names.index(self.traits.passed)]
        op_def = self.op._op_def
        assert op_def is not None
        return self.values[output if op_def.inputs[0].is_list else 0]


def assert_scaled(found: list[Any], base: list[Any], factor: float) -> None:
    for one, other in zip(found, base, strict=True):
        np.testing.assert_allclose(one, np.asarray(other) * factor, 1e-10, 1e-12)


@pytest.mark.parametrize("name", sorted(TRAITS))
def test_the_inputs_that_are_named_exist(name: str) -> None:
    traits = TRAITS[name]
    op_def = declare.opdef.lookup(name)
    assert op_def is not None
    named = {*traits.linear, *traits.multilinear, *traits.shape_only, traits.passed}
    assert named - {""} <= {arg.name for arg in op_def.inputs}
    assert not (traits.linear and traits.multilinear)
    assert not (traits.passes and (traits.linear or traits.multilinear))


@pytest.mark.parametrize("row", rows_with(lambda traits: traits.linear, drawn=True))
def test_linear(row: Row) -> None:
    applied = Applied(row)
    base = applied()
    for factor in (0.0, 3.0):
        assert_scaled(applied.times(applied.traits.linear, factor), base, factor)
    shifted = applied(
        lambda name, v: np.ones_like(v) if name in applied.traits.linear else v
    )
    both = applied(lambda name, v: v + 1 if name in applied.traits.linear else v)
    for one, other, whole in zip(base, shifted, both, strict=True):
        np.testing.assert_allclose(np.add(one, other), whole, 1e-10, 1e-12)


@pytest.mark.parametrize("row", rows_with(lambda traits: traits.multilinear))
def test_multilinear(row: Row) -> None:
    applied = Applied(row)
    base = applied()
    for name in applied.traits.multilinear:
        for factor in (0.0, 3.0):
            assert_scaled(applied.times([name], factor), base, factor)


@pytest.mark.parametrize("row", rows_with(lambda traits: traits.passes))
def test_passes(row: Row) -> None:
    applied = Applied(row)
    how = applied.traits.passes
    for place, result in enumerate(applied()):
        given, result = np.asarray(applied.passed(place)), np.asarray(result)
        if how in (Passes.SAME, Passes.COPIED):
            np.testing.assert_array_equal(result, given)
        elif how is Passes.RESHAPED:
            np.testing.assert_array_equal(result.reshape(-1), given.reshape(-1))
        elif how is Passes.MOVED:
            assert np.isin(result, given).all()
        else:
            assert result.shape == given.shape


@pytest.mark.parametrize("row", rows_with(lambda traits: traits.shape_only))
def test_shape_only(row: Row) -> None:
    applied = Applied(row)
    only = applied.traits.shape_only
    other = applied(lambda name, v: np.zeros_like(v) if name in only else v)
    for one, two in zip(applied(), other, strict=True):
        np.testing.assert_array_equal(one, two)


def slope(applied: Applied, x: float) -> float:
    """The largest difference that a small step from x makes, per step."""
    value = applied.values[0]
    start = x + np.linspace(0.0, 0.1, np.size(value)).reshape(np.shape(value))
    (before,), (after,) = (
        applied(lambda _, v: start),
        applied(lambda _, v: start + STEP),
    )
    return float(np.max(np.abs(after - before))) / STEP


@pytest.mark.parametrize("row", rows_with(lambda traits: traits.flat))
def test_flat(row: Row) -> None:
    applied = Applied(row)
    for part in applied.traits.flat.split(" or "):
        side, bound = part.split()
        beyond = -1.5 if side == "≤" else 1.5
        assert slope(applied, float(bound) + beyond) == 0
    assert slope(applied, 2.0) > 0.9


@pytest.mark.parametrize("row", rows_with(lambda traits: traits.saturates))
def test_saturates(row: Row) -> None:
    applied = Applied(row)
    if declare.registry[row.op].infer is same:
        near = slope(applied, 0.5)
        assert min(slope(applied, -40.0), slope(applied, 40.0)) < 1e-2 * near
        return
    # among the elements of a row, one wins, and a step of it changes nothing more
    wins = np.arange(np.shape(applied.values[0])[-1]) == 0
    (before,), (after,) = (
        applied(lambda _, v, x=x: np.broadcast_to(x * wins, v.shape))
        for x in (40.0, 40.0 + STEP)
    )
    assert np.max(np.abs(after - before)[..., 0]) < 1e-6 * STEP


# ---------------------------------------------------------------------- blocks


@pytest.mark.parametrize(
    "row", rows_with(lambda t: t.blocks in (Blocks.STEPS, Blocks.WHOLE))
)
def test_steps(row: Row) -> None:
    applied = Applied(row)
    moved = applied(lambda _, v: v + 1e-9 if v.dtype.kind == "f" else v)
    for one, two in zip(applied(), moved, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("row", rows_with(lambda t: t.blocks is Blocks.TRUTH))
def test_truth(row: Row) -> None:
    assert [t.dtype.base_dtype.name for t in Applied(row).op.outputs] == ["bool"]


@pytest.mark.parametrize("row", rows_with(lambda t: t.blocks is Blocks.POSITION))
def test_position(row: Row) -> None:
    assert all(t.dtype.base_dtype.is_integer for t in Applied(row).op.outputs)


def test_form_and_python() -> None:
    for name, traits in TRAITS.items():
        if traits.blocks is Blocks.FORM:
            assert asks_for_shapes(name)
        if traits.blocks is Blocks.PYTHON:
            assert traits.kind is Kind.PYTHON


def test_why_an_op_without_a_word_of_its_own_blocks() -> None:
    assert why_blocked("ScatterNdAdd") is Blocks.ASSIGNS
    assert why_blocked("RandomGamma") is Blocks.RANDOM
    assert why_blocked("MatMul") is why_blocked("NoSuchOp") is None
