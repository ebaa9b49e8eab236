"""Kernels as text: the same values, and no text where a call is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.arrays import numpy as xp_numpy
from retrograd.ops.declare import find
from retrograd.run.expressions import written


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.complex64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AddV2", "({} + {})"),
        ("Sub", "({} - {})"),
        ("Mul", "({} * {})"),
        ("Neg", "(-{})"),
        ("Tanh", "n_tanh({})"),
        ("ClipByValue", "n_minimum(n_maximum({}, {}), {})"),
        ("Identity", "{}"),
    ],
)
def test_the_text_computes_what_the_kernel_does(
    name: str, text: str, shape: tuple[int, ...], dtype: Any
) -> None:
    declaration = find(name)
    assert declaration is not None
    found = written(declaration.kernel, tf.as_dtype(dtype))
    assert found is not None and found.text == text
    random = np.random.RandomState(0)
    values = [
        np.asarray(random.uniform(-9, 9, shape)).astype(dtype)[()]
        for _ in range(found.count)
    ]
    names = [f"x{i}" for i in range(found.count)]
    scope = dict(zip(names, values, strict=True), **found.functions)
    got = eval(found.text.format(*names), scope)
    want = declaration.kernel(xp_numpy, *values)
    assert type(got) is type(want) and got.dtype == want.dtype
    assert got.tobytes() == want.tobytes()


def _twice(xp: Any, x: Any) -> Any:
    return xp.add(x, x)


def _turned(xp: Any, x: Any, y: Any) -> Any:
    return xp.subtract(y, x)


def _number(xp: Any, x: Any) -> Any:
    return xp.add(x, 1)


def _operator(xp: Any, x: Any, y: Any) -> Any:
    return x * y


def _keyword(xp: Any, x: Any) -> Any:
    return xp.sum(x, axis=0)


def _looks(xp: Any, x: Any) -> Any:
    return xp.abs(x) if x.dtype.kind == "f" else x


def _branches(xp: Any, x: Any) -> Any:
    return xp.abs(x) if x else x


def _asks(xp: Any, x: Any) -> Any:
    return xp.abs(x) if isinstance(x, np.ndarray) else x


def _attribute(xp: Any, x: Any, *, axis: int) -> Any:
    return xp.abs(x)


def _many(xp: Any, *inputs: Any) -> Any:
    return xp.abs(inputs[0])


def _constant(xp: Any, x: Any) -> Any:
    return None


@pytest.mark.parametrize(
    "kernel",
    [
        _twice,
        _turned,
        _number,
        _operator,
        _keyword,
        _branches,
        _asks,
        _attribute,
        _many,
        _constant,
    ],
)
@pytest.mark.parametrize("dtype", [None, tf.int32])
def test_a_kernel_that_does_more_is_called(kernel: Any, dtype: Any) -> None:
    assert written(kernel, dtype) is None


def test_what_a_kernel_does_may_depend_on_the_dtype() -> None:
    texts = [
        found and found.text
        for dtype in (np.float32, np.int32)
        for found in [written(_looks, tf.as_dtype(dtype))]
    ]
    assert texts == ["n_abs({})", "{}"]
    assert written(_looks, None) is None
    division = find("RealDiv")
    assert division is not None
    found = written(division.kernel, tf.float64)
    assert found is not None and found.text == "n_divide({}, {})"
    assert written(division.kernel, tf.int32) is None


def test_scalars_overflow_without_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", "0")
    n, x = tf.placeholder(tf.int32, []), tf.placeholder(tf.float32, [])
    with tf.Session() as session:
        fetches = [(n * 1 + n) * 1, -(x * x), tf.add_n([x, x])]
        got = session.run(fetches, {n: 2**31 - 1, x: 1e30})
    assert got == [-2, -np.inf, np.float32(2e30)]


def test_an_error_in_a_line_names_the_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", "0")
    x, y = (tf.placeholder(tf.float32, [None]) for _ in range(2))
    z = tf.multiply(x + 1.0, y, name="product")
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="product"):
            session.run(z, {x: [1, 2], y: [1, 2, 3]})
