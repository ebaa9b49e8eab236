"""Functions against TensorFlow 1.15: graphs, values, gradients, errors.

The expressions are in `tests/data/math_cases.py` and `nn_cases.py`; the results were
written by `make_math.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.graph import Graph
from retrograd.run.session import Session

DATA = Path(__file__).parents[1] / "data"
KNOWN: dict[str, dict[str, Any]] = {}
for _name in ("math.json", "nn.json"):
    for _kind, _results in json.loads((DATA / _name).read_text()).items():
        KNOWN.setdefault(_kind, {}).update(_results)


def _c(value: Any, dtype: Any = None) -> Any:
    return tf.constant(value, dtype)


def _d(value: Any) -> Any:
    return tf.constant(value, tf.float64)


def _p(*shape: int | None) -> Any:
    return tf.placeholder(tf.float32, shape)


def _s(*shape: int) -> Any:
    return tf.constant(np.sin(np.arange(np.prod(shape))).reshape(shape), tf.float32)


def _evaluated(text: str, **more: Any) -> Any:
    names = {"tf": tf, "np": np, "C": _c, "D": _d, "P": _p, "S": _s}
    return eval(text, {**names, **more})


def _check(value: Any, known: dict[str, Any]) -> None:
    value = np.asarray(value)
    assert value.dtype.name == known["dtype"]
    assert list(value.shape) == known["shape"]
    flat = value.reshape(-1)
    if value.dtype.kind == "c":
        flat = np.stack([flat.real, flat.imag], -1)
    if value.dtype.kind in "fc":
        wanted = np.array(known["flat"], flat.dtype).reshape(flat.shape)
        np.testing.assert_allclose(flat, wanted, rtol=1e-5, atol=1e-6)
    else:
        assert flat.tolist() == known["flat"]


@pytest.mark.parametrize("text", KNOWN["graphs"])
def test_the_same_operations_are_made(text: str) -> None:
    with Graph().as_default() as graph:
        _evaluated(text)
    made = [
        [op.name, op.type, [t.name for t in op.inputs]] for op in graph.get_operations()
    ]
    assert made == KNOWN["graphs"][text]


@pytest.mark.parametrize("text", KNOWN["values"])
def test_the_same_values_are_computed(text: str) -> None:
    with Graph().as_default(), Session() as session:
        _check(session.run(_evaluated(text)), KNOWN["values"][text])


@pytest.mark.parametrize("text", KNOWN["gradients"])
def test_the_same_gradients_are_computed(text: str) -> None:
    first, second = text.split(" ; ")
    with Graph().as_default(), Session() as session:
        x = _evaluated(first)
        (term,) = tf.gradients(_evaluated(second, x=x), x)
        _check(session.run(term), KNOWN["gradients"][text])


def _error(text: str, run: bool) -> list[str]:
    with Graph().as_default(), Session() as session:
        with pytest.raises(Exception) as caught:
            result = _evaluated(text)
            if run:
                session.run(result)
    error = caught.value
    message = getattr(error, "message", None) or str(error)
    return [type(error).__name__, message.split("\n")[0]]


@pytest.mark.parametrize("text", KNOWN["refused"])
def test_the_same_is_refused_when_made(text: str) -> None:
    assert _error(text, run=False) == KNOWN["refused"][text]


@pytest.mark.parametrize("text", KNOWN["failing"])
def test_the_same_fails_when_run(text: str) -> None:
    assert _error(text, run=True) == KNOWN["failing"][text]


def test_nothing_divided_by_zero_is_nothing() -> None:
    with Graph().as_default(), Session() as session:
        zero = tf.placeholder(tf.int32, [])
        for divide in (tf.floormod, tf.floordiv, tf.truncatediv, tf.truncatemod):
            quotient = divide(tf.constant([], tf.int32), zero)
            assert session.run(quotient, {zero: 0}).shape == (0,)
