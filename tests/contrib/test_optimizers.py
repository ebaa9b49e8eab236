"""The optimizers of tf.contrib.opt: two steps, as TensorFlow 1.15.5 makes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data import contrib_opt_runs

import retrograd as tf
from retrograd.contrib.opt import matrix_functions, sign_decay

DATA = Path(__file__).parents[1] / "data" / "contrib_opt.json"
WANTED: dict[str, Any] = json.loads(DATA.read_text())
opt = tf.contrib.opt


@pytest.mark.parametrize("name", contrib_opt_runs.OPTIMIZERS)
def test_two_steps(name: str) -> None:
    found = contrib_opt_runs.run(tf, name, sign_decay)
    wanted = WANTED[name]
    if "error" in wanted:
        assert found == wanted
        return
    assert sorted(found) == sorted(wanted)
    # powers of matrices that are nearly singular in float32
    near = (5e-3, 1e-3) if name.startswith("shampoo") else (1e-4, 1e-5)
    for key, values in wanted.items():
        assert found[key] == pytest.approx(values, *near), key


STEPS = [0, 1, 4, 7, 10, 12]


@pytest.mark.parametrize(
    ("decay", "values"),
    [
        (
            sign_decay.get_cosine_decay_fn(10, num_periods=1.5, zero_after=0.8),
            [1.0, 0.79389, 0.09549, 0.0, 0.0, 0.0],
        ),
        (sign_decay.get_linear_decay_fn(10), [1.0, 0.9, 0.6, 0.3, 0.0, 0.0]),
        (
            sign_decay.get_restart_decay_fn(10, num_periods=3),
            [1.0, 0.79389, 0.90451, 0.97553, 1.0, 1.0],
        ),
        (
            sign_decay.get_restart_decay_fn(10, num_periods=2, zero_after=1),
            [1.0, 0.90451, 0.09549, 0.0, 0.0, 0.0],
        ),
    ],
)
def test_decays_of_signs(decay: Any, values: list[float]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        factor = decay(step)
        found = [float(session.run(factor, {step: i})) for i in STEPS]
    assert found == pytest.approx(values, abs=1e-5)
    with pytest.raises(ValueError, match="global_step is required for"):
        decay(None)


def test_powers_of_matrices() -> None:
    matrix = np.array([[4.0, 1, 0], [1, 3, 0.5], [0, 0.5, 2]], "float32")
    with tf.Graph().as_default(), tf.Session() as session:
        given = tf.constant(matrix)
        root = session.run(matrix_functions.matrix_square_root(given, 3))
        fourth = session.run(matrix_functions.matrix_inverse_pth_root(given, 3, -0.25))
    # with the ridge, as in TensorFlow
    np.testing.assert_allclose(root @ root, matrix + 1e-4 * np.eye(3), atol=1e-5)
    power = np.linalg.matrix_power(fourth, 4)
    np.testing.assert_allclose(power @ matrix, np.eye(3), atol=1e-4)


def test_averages_are_saved_for_variables(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.Variable(3.0, name="x")
        optimizer = opt.MovingAverageOptimizer(
            tf.train.GradientDescentOptimizer(0.5), 0.5
        )
        with pytest.raises(RuntimeError, match="Must call apply_gradients or minimize"):
            optimizer.swapping_saver()
        step = optimizer.minimize(x * x)
        saver = optimizer.swapping_saver()
        session.run(tf.global_variables_initializer())
        session.run(step)
        path: Any = saver.save(session, str(tmp_path / "m"))
        average = tf.train.load_variable(path, "x")
        assert (session.run(x), average) == (0.0, 1.5)
        with pytest.raises(ValueError, match="This breaks MovingAverageOptimizer"):
            optimizer.swapping_saver([x])


def test_tasks_without_gradient_stand_still() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.Variable([3.0])
        on = tf.placeholder(tf.float32, [])
        momentum = tf.train.MomentumOptimizer(0.1, 0.9)
        step = opt.MultitaskOptimizerWrapper(momentum).minimize(tf.reduce_sum(x) * on)
        session.run(tf.global_variables_initializer())
        session.run(step, {on: 1.0})
        session.run(step, {on: 0.0})
        assert session.run(x) == pytest.approx([2.9])
        session.run(step, {on: 1.0})
        assert session.run(x) == pytest.approx([2.71])
    with pytest.raises(TypeError, match="must be an instance of"):
        opt.MultitaskOptimizerWrapper(1)


def test_tasks_without_gradient_keep_what_adamax_has_gathered() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.Variable([1.0])
        on = tf.placeholder(tf.float32, [])
        adamax = opt.MultitaskOptimizerWrapper(opt.AdaMaxOptimizer(0.1))
        step = adamax.minimize(tf.reduce_sum(x * x) * on)
        session.run(tf.global_variables_initializer())
        for factor, wanted in ((1.0, 0.9), (0.0, 0.9), (1.0, 0.83351284)):
            session.run(step, {on: factor})
            assert session.run(x) == pytest.approx([wanted])


def test_decay_of_some_variables_and_sums_held_still() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.Variable(1.0), tf.Variable(1.0)
        optimizer = opt.MomentumWOptimizer(0.5, 0.0, 0.9)
        step = optimizer.minimize(x + y, decay_var_list=[x])
        adagrad = opt.RegAdagradOptimizer(0.1)
        with adagrad.avoid_updating_slots():
            still = adagrad.minimize(x * 3.0, var_list=[x])
        session.run(tf.global_variables_initializer())
        session.run(step)
        assert session.run([x, y]) == [0.5, 1.0]
        session.run(still)
        assert session.run(adagrad.get_slot(x, "accumulator")) == pytest.approx(0.1)


def test_gradients_clipped_together() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        pairs = [(tf.constant([3.0]), "x"), (tf.constant([4.0]), "y"), (None, "z")]
        (a, x), (b, y), (c, z) = opt.clip_gradients_by_global_norm(pairs, 1.0)
        assert session.run([a, b]) == [pytest.approx([0.6]), pytest.approx([0.8])]
        assert (x, y, z, c) == ("x", "y", "z", None)
