"""What a kernel refuses when it is interpreted, it refuses when it is compiled.

Every row is run with inputs that are spoiled: numbers out of range, zeros, NaN. Where
that is an error in tier 0, it is the same error in tier 1, with the same words; and
variables hold the same after it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from retrograd.errors import OpError
from retrograd.ops.declare import find
from tests.ops import runs
from tests.ops.cases import Case, Value, cases, definition, numbered
from tests.ops.rows import Row


def _rows() -> Iterator[tuple[str, tuple[Row, int]]]:
    """Those of ops that are compiled, by name."""
    for rows in numbered().values():
        for row, number in rows:
            declaration = find(row.op)
            assert declaration is not None, row.op
            if row.tier1 and not declaration.host:
                yield f"{row.op}-{number}", (row, number)


ROWS = dict(_rows())
#: op types of which spoiled inputs have to be refused, lest the test looks at nothing
REFUSING = """
Bincount Cholesky Div FloorDiv FloorMod GatherNd GatherV2 HistogramFixedWidth
InvertPermutation MatrixInverse MatrixSolve MatrixTriangularSolve Mod Pow
RandomUniformInt ReverseSequence ScatterAdd ScatterNd ScatterNdUpdate ScatterUpdate
SelfAdjointEigV2 Slice SparseApplyAdagrad SparseSegmentMean SparseSegmentSum
SparseSoftmaxCrossEntropyWithLogits
TensorScatterUpdate TruncateDiv TruncateMod UnsortedSegmentMax UnsortedSegmentSum
""".split()


def _spoiled(value: Value) -> Iterator[tuple[str, Value]]:
    """An input with other numbers in it, and what they are."""
    array = value.array
    if value.stored or not array.size or array.dtype.kind not in "iufc":
        return
    changes: dict[str, Any] = {"zeros": 0}
    if array.dtype.kind in "iu":
        changes["large"] = np.iinfo(array.dtype).max // 2
    if array.dtype.kind == "i":
        changes["negative"] = -1000 if array.dtype.itemsize > 1 else -100
    if array.dtype.kind in "fc":
        changes["nan"] = np.nan
    for name, number in changes.items():
        changed = array.copy()
        changed.reshape(-1)[0 if number else slice(None)] = number
        yield name, dataclasses.replace(value, array=changed)


def _variations(case: Case, static: frozenset[str]) -> Iterator[tuple[str, Case]]:
    """A case with one input after the other spoiled."""
    for i, arg in enumerate(definition(case.row.op).inputs):
        item = case.inputs[i]
        if arg.name in static:
            continue
        values: list[Value] = item if isinstance(item, list) else [item]
        for place, value in enumerate(values):
            for name, spoiled in _spoiled(value):
                inputs = list(case.inputs)
                changed = [*values[:place], spoiled, *values[place + 1 :]]
                inputs[i] = changed if isinstance(item, list) else spoiled
                yield f"{arg.name} {name}", dataclasses.replace(case, inputs=inputs)


def _text(error: Exception | None) -> str:
    """An error by its type and first line."""
    return f"{type(error).__name__}: {str(error).splitlines()[:1]}"


def _differences(row: Row, number: int) -> Iterator[str]:
    """Where the tiers do not refuse alike."""
    case = cases(row, number)[0]
    static = runs.static_inputs(case)
    for what, spoiled in _variations(case, static):
        wanted, before = runs.failing(spoiled, static, 0)
        if wanted.error is None:
            continue
        assert isinstance(wanted.error, (OpError, ValueError)), wanted.error
        got, after = runs.failing(spoiled, static, 1)
        if _text(got.error) != _text(wanted.error):
            yield f"{what}: {_text(wanted.error)} is {_text(got.error)} {got.values}"
        elif not all(map(np.array_equal, before, after)):
            yield f"{what}: variables are {after} after it, not {before}"


@pytest.mark.parametrize("name", ROWS)
def test_refusals(name: str) -> None:
    found = list(_differences(*ROWS[name]))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("op_type", REFUSING)
def test_spoiled_inputs_are_refused(op_type: str) -> None:
    found = []
    for row, number in ROWS.values():
        if row.op == op_type:
            case = cases(row, number)[0]
            static = runs.static_inputs(case)
            spoiled = [c for _, c in _variations(case, static)]
            found += [runs.failing(c, static, 0)[0].error for c in spoiled]
    assert any(isinstance(error, OpError) for error in found)
