"""Listings of array primitives."""

from __future__ import annotations

import json

import numpy as np
import pytest

import retrograd as tf
from retrograd.run.portable import NotPortable, listing

TWO = np.float32(2)


def test_a_listing_has_inputs_constants_and_results_by_number() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [])
        found = listing([x], [TWO], [tf.tanh(x) * 3.0 + 3.0, x])
    (three,) = found.constants  # each constant once
    assert three == 3 and three.dtype == np.float32
    scalar = [[], "float32"]
    assert found.equations == [
        ("tanh", {}, [0], [scalar]),
        ("mul", {}, [2, 1], [scalar]),
        ("add", {}, [3, 1], [scalar]),
    ]
    assert found.inputs == 1
    assert found.outputs == [4, 0]


def test_calls_are_taken_apart_and_parameters_are_json() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [3])
        y = tf.gather(tf.where(x > 0.0, x, -x), [2, 0])
        found = listing([x], [np.ones(3, np.float32)], [y])
    names = [name for name, *_ in found.equations]
    assert "select_n" in names and "gather" in names
    assert not {"jit", "pjit"} & set(names)
    json.dumps(found.equations, allow_nan=False)


def test_of_branches_both_are_listed_and_one_is_chosen() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [3])
        found = listing([x], [np.ones(3, np.float32)], [tf.reduce_max(x)])
    names = [name for name, *_ in found.equations]
    assert names.count("reduce_max") == 2 and "cond" not in names
    (name, _, (which, plain, other), made), place = found.equations[-1], found.outputs
    assert name == "select_n" and made == [[[], "float32"]]
    count = found.inputs + len(found.constants)
    assert place == [count + len(found.equations) - 1]
    assert found.equations[plain - count][0] == "reduce_max"
    assert len({which, plain, other}) == 3


def test_what_only_depends_on_shapes_is_known() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None])
        y = tf.reshape(x, [tf.shape(x)[0], 1])
        found = listing([x], [np.ones(3, np.float32)], [y])
    assert [(e[0], e[3]) for e in found.equations] == [
        ("reshape", [[[3, 1], "float32"]])
    ]


def test_a_shape_that_depends_on_values_is_named() -> None:
    with tf.Graph().as_default():
        n = tf.placeholder(tf.int32, [], name="n")
        with pytest.raises(
            NotPortable, match=r"Fill.*the value of Fill/dims:0 in advance"
        ):
            listing([n], [np.int32(3)], [tf.fill([n], 1.0, name="Fill")])


@pytest.mark.parametrize("dtype", [tf.float16, tf.complex64])
def test_a_dtype_that_is_not_known_is_refused(dtype: tf.DType) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [])
        with pytest.raises(NotPortable, match=f"dtype {dtype.name}"):
            listing([x], [TWO], [tf.cast(x, dtype)])


def test_what_is_no_function_of_arrays_is_refused() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [])
        drawn = tf.random_uniform([]) * x
        with pytest.raises(NotPortable, match=r"RandomUniform\) is not a function"):
            listing([x], [TWO], [drawn])
        chosen = tf.cond(x > 0, lambda: x, lambda: -x)
        with pytest.raises(NotPortable, match="a loop, a branch or a call"):
            listing([x], [TWO], [chosen])
