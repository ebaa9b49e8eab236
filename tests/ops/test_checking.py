"""The check of rows finds what is planted."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from retrograd.ops import kernels
from retrograd.ops.declare import find
from tests.ops import checking, reference
from tests.ops.cases import cases
from tests.ops.rows import Row, families

FLOATS = ("float32", "float16", "complex64", "complex128")


@pytest.fixture
def sample() -> Row:
    """The first row of Square."""
    return next(row for row in families()["unary"] if row.op == "Square")


def check(sample: Row, **given: Any) -> list[str]:
    return checking.failures(sample, 0, reference.family("unary"), **given)


def plant(monkeypatch: pytest.MonkeyPatch, kernel: Any) -> None:
    monkeypatch.setattr(find("Square"), "kernel", kernel)


def test_nothing_is_wrong_with_what_is_right(sample: Row) -> None:
    assert check(sample) == []


def test_a_tier_that_is_off_by_a_hundredth(
    sample: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kernel(xp: Any, x: Any) -> Any:
        factor = 1.0 if xp.name == "numpy" or x.dtype.kind in "iu" else 1.01
        return xp.multiply(xp.square(x), x.dtype.type(factor))

    plant(monkeypatch, kernel)
    found = check(sample)
    assert found and all(", tier 1: output 0 at " in line for line in found)
    # in bfloat16 the next number is nearly as far away
    kinds = ["", *(f" T={kind}" for kind in FLOATS)]
    assert {line.split(",")[0] for line in found} == {f"Square/0{k}" for k in kinds}


def test_a_dtype_that_is_off_by_a_hundredth(
    sample: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kernel(xp: Any, x: Any) -> Any:
        factor = x.dtype.type(1.01 if x.dtype == np.float16 else 1)
        return xp.multiply(xp.square(x), factor)

    plant(monkeypatch, kernel)
    found = [line.split(": ")[0] for line in check(sample)]
    ways = ("tier 0", "eager", "tier 1")
    assert found == [f"Square/0 T=float16, {way}" for way in ways]


def test_a_tier_that_gives_another_dtype(
    sample: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kernel(xp: Any, x: Any) -> Any:
        y = xp.square(x)
        wrong = xp.name == "jax" and x.dtype == np.float32
        return xp.cast(y, np.dtype(np.float64)) if wrong else y

    plant(monkeypatch, kernel)
    assert check(sample) == [
        *["Square/0 T=float32, tier 1: output 0 is float64(3, 4), promised is "
          "float32(3, 4)"] * 2,
        "Square/0 T=float32, tier 1: output 0 is float64, not float32",
    ]  # fmt: skip


def test_a_kernel_that_is_not_compiled(
    sample: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kernel(xp: Any, x: Any) -> Any:
        if xp.name == "jax" and x.dtype == np.complex64:
            raise NotImplementedError
        return xp.square(x)

    plant(monkeypatch, kernel)
    assert check(sample) == ["Square/0 T=complex64, tier 1: raises NotCompiled: Square"]


def test_a_kernel_that_fails_eagerly(
    sample: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kernel(xp: Any, x: Any, *, n: Any) -> Any:
        return (xp.square(x), None)[: len(n._outputs)][0]

    declaration = find("Square")
    assert declaration is not None
    plant(monkeypatch, kernel)
    monkeypatch.setattr(declaration, "wanted", ("n",))
    found = check(sample)
    count = len(cases(sample, 0))
    assert len(found) == count and all(", eager: raises " in line for line in found)


def test_a_dtype_that_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = next(r for r in families()["compare"] if r.op == "Greater")
    known = reference.family("compare")
    assert checking.failures(row, 0, known) == []
    monkeypatch.setattr(kernels, "kernels", lambda op_type: None)
    ways = ("tier 0", "eager", "tier 1")
    found = [line.split("; ")[0] for line in checking.failures(row, 0, known)]
    assert found == [f"Greater/0 T=uint16, {way}: not refused" for way in ways]


def test_a_row_that_tensorflow_was_not_asked_about(sample: Row) -> None:
    inputs = (dataclasses.replace(sample.inputs[0], low=-1.0),)
    found = check(dataclasses.replace(sample, inputs=inputs))
    assert len(found) == len(cases(sample, 0))
    assert found[0] == (
        "Square/0: TensorFlow was not asked. Run tests/data/make_rows.py."
    )


def test_a_difference_that_is_none_any_more(sample: Row) -> None:
    found = check(sample, differences={"Square/0 T=int*": "it overflowed"})
    assert found == [
        f"Square/0 T={kind}, all: no difference any more: take it off the list of "
        "differences"
        for kind in ("int32", "int64")
    ]


@pytest.mark.parametrize(
    ("value", "how", "text"),
    [
        ([1.0, 2.0], "", ""),
        ([1.0, np.nan], "", "at (1,) is np.float64(nan), not np.float64(2.0)"),
        ([1.0, -2.0], "magnitude", ""),
        ([1.0, -2.0], "", "at (1,) is np.float64(-2.0), not np.float64(2.0)"),
        ([3.0, 4.0], "shape", ""),
        ([3.0], "shape", "has shape (1,), not (2,)"),
        ([3.0], "dtype", ""),
        ([1 + 1e-12, 2.0], "", ""),
        ([1 + 1e-9, 2.0], "", "at (0,) is"),
    ],
)
def test_how_far_values_are_compared(value: Any, how: str, text: str) -> None:
    found = checking.difference(np.array(value), np.array([1.0, 2.0]), how)
    assert found.startswith(text) and bool(found) == bool(text)
    assert checking.difference(np.float32([1, 2]), np.array([1.0, 2.0]), how)
