"""shapes: TensorFlow 1.15's TensorShape and Dimension; functions on raw shapes."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrograd import dtypes, shapes
from retrograd.shapes import Dimension, TensorShape

# What TensorFlow 1.15 answered: see tools/make_base_golden.py.
GOLDEN = json.loads((Path(__file__).parent / "data/base_types.json").read_text())

full = st.lists(st.integers(0, 4), max_size=4).map(tuple)
partial = st.none() | st.lists(st.none() | st.integers(0, 3), max_size=3).map(tuple)


def _answer(question: str) -> str:
    names = vars(shapes) | {"np": np, "pickle": pickle, "copy": copy}
    names["as_dtype"] = dtypes.as_dtype
    try:
        value = eval(question, names)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return repr(value.tolist() if isinstance(value, np.generic) else value)


def _wrong(golden: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {q: (a, _answer(q)) for q, a in golden.items() if _answer(q) != a}


def test_all_questions_are_answered_as_tensorflow_does() -> None:
    assert len(GOLDEN["shapes"]) > 1000
    assert _wrong(GOLDEN["shapes"]) == {}


def test_v2_behaviour_is_tensorflows() -> None:
    shapes.enable_v2_tensorshape()
    try:
        assert _wrong(GOLDEN["shapes, v2"]) == {}
    finally:
        shapes.disable_v2_tensorshape()
    assert isinstance(TensorShape([2])[0], Dimension)


def test_broadcast_is_that_of_tensorflows_inference() -> None:
    asked = {
        "broadcast({}, {})".format(*q.split(" & ")): a
        for q, a in GOLDEN["broadcast"].items()
    }
    assert len(asked) > 200
    assert _wrong(asked) == {}


@given(full, full)
def test_broadcast_of_full_shapes_is_numpys(a: Any, b: Any) -> None:
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ValueError, match="Dimensions must be equal, but are"):
            shapes.broadcast(a, b)
    else:
        assert shapes.broadcast(a, b) == expected


def _fits(shape: shapes.Raw, full_shape: tuple[int, ...]) -> bool:
    return shape is None or (
        len(shape) == len(full_shape)
        and all(n in (None, m) for n, m in zip(shape, full_shape, strict=True))
    )


def _all_full(rank: int) -> list[tuple[int, ...]]:
    return list(product(range(4), repeat=rank))


@given(partial, partial)
def test_compatible_means_that_some_full_shape_fits_both(a: Any, b: Any) -> None:
    both = [
        f for rank in range(4) for f in _all_full(rank) if _fits(a, f) and _fits(b, f)
    ]
    assert shapes.compatible(a, b) == bool(both)
    if both:
        merged = shapes.merge(a, b)
        assert all(_fits(merged, f) for f in both)
        assert shapes.merge(merged, a) == shapes.merge(merged, b) == merged
    else:
        with pytest.raises(ValueError, match="must be equal"):
            shapes.merge(a, b)


@given(full, full, st.data())
def test_broadcast_of_partial_shapes_fits_the_full_result(
    a: Any, b: Any, data: st.DataObject
) -> None:
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        return
    blank_a, blank_b = (
        tuple(None if data.draw(st.booleans()) else n for n in s) for s in (a, b)
    )
    # An unknown size against k > 1 is taken to be k or 1.
    assert _fits(shapes.broadcast(blank_a, blank_b), expected)
    assert shapes.broadcast(None, b) is None


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: shapes.merge((None, 3), (2, 4)),
            "Dimension 1 in both shapes must be equal, but are 3 and 4. "
            "Shapes are [?,3] and [2,4].",
        ),
        (
            lambda: shapes.merge((3,), (3, 4)),
            "Shapes must be equal rank, but are 1 and 2",
        ),
        (
            lambda: shapes.merge_dim(3, 4),
            "Dimensions must be equal, but are 3 and 4",
        ),
        (
            lambda: shapes.broadcast((2, 3), (2, 4)),
            "Dimensions must be equal, but are 3 and 4",
        ),
        (
            lambda: shapes.with_rank((3,), 2),
            "Shape must be rank 2 but is rank 1",
        ),
        (
            lambda: shapes.with_rank_at_least((3,), 2),
            "Shape must be at least rank 2 but is rank 1",
        ),
        (
            lambda: shapes.with_rank_at_most((3, 4, 5), 2),
            "Shape must be at most rank 2 but is rank 3",
        ),
    ],
)
def test_words_of_shape_inference(call: Any, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == text


def test_ranks() -> None:
    assert shapes.with_rank(None, 2) == (None, None)
    assert shapes.with_rank((3, None), 2) == (3, None)
    assert shapes.with_rank_at_least(None, 2) is None
    assert shapes.with_rank_at_least((1, 2, 3), 2) == (1, 2, 3)
    assert shapes.with_rank_at_most((), 2) == ()
    assert shapes.with_rank_at_most(None, 2) is None
    assert shapes.merge_dim(None, 3) == shapes.merge_dim(3, None) == 3
    assert shapes.merge_dim(None, None) is None


@given(partial)
def test_raw_shape_survives_every_way_in_and_out(raw: Any) -> None:
    shape = TensorShape.of(raw)
    assert shape.raw == shapes.raw(raw) == shapes.raw(shape) == raw
    assert shapes.raw(shape.as_proto()) == raw
    assert TensorShape(raw).raw == raw
    assert TensorShape(shape.dims).raw == raw
    assert shape.raw == raw  # still, now that its Dimensions were handed out
    assert shapes.size(raw) == shape.num_elements()
    assert shapes.is_full(raw) == (shapes.size(raw) is not None)
    if raw is not None:
        assert shapes.raw(list(shape)) == raw


def test_raw_of_other_forms() -> None:
    assert shapes.raw(3) == (3,)
    assert shapes.raw(np.array([2, 3])) == (2, 3)
    assert shapes.raw([np.int64(2), "3", Dimension(None)]) == (2, 3, None)
    assert all(type(n) is int for n in shapes.raw(np.array([2, 3])) or ())
    assert shapes.raw([True]) == (1,)
    with pytest.raises(ValueError, match="Dimension -1 must be >= 0"):
        shapes.raw([-1])
    with pytest.raises(TypeError, match="A string has ambiguous TensorShape"):
        shapes.raw("3")


def test_text_and_size() -> None:
    assert shapes.text(None) == "?"
    assert shapes.text(()) == "[]"
    assert shapes.text((2, None, 3)) == "[2,?,3]"
    assert shapes.size(()) == 1
    assert shapes.size((2, 0, 3)) == 0
    assert shapes.size((2, None)) is None
    assert shapes.size(None) is None


def test_a_change_to_the_dims_list_changes_the_shape() -> None:
    shape = TensorShape.of((2, None))
    assert shape.dims is not None
    shape.dims[1] = Dimension(5)
    assert shape.raw == (2, 5)
    assert str(shape) == "(2, 5)"
    assert TensorShape(shape) == [2, 5]


def test_floats_of_dimensions_in_numpy() -> None:
    assert np.zeros(TensorShape([2, 3])).shape == (2, 3)
    assert np.empty(Dimension(4)).shape == (4,)
