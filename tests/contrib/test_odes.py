"""Differential equations of tf.contrib.integrate, as TensorFlow 1.15.5 solves them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf

solver = tf.contrib.integrate


def turning(y: Any, t: object) -> Any:
    """Of which (cos t, −sin t) is a solution."""
    del t
    return tf.stack([y[1], -y[0]])


def logistic(y: Any, t: Any) -> Any:
    return t * y * (1 - y) + tf.sin(y)


def test_steps_that_fit_the_errors() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        start = tf.constant([1.0, 0.0], tf.float64)
        times = np.linspace(0, 10, 3)
        limits = dict(rtol=1e-8, atol=1e-10)
        y, info = solver.odeint(turning, start, times, full_output=True, **limits)
        value, found = session.run([y, info])
    np.testing.assert_allclose(value[:, 0], np.cos(times), atol=1e-7)
    assert y.op.name == "odeint" and found["num_func_evals"] == 775
    assert found["integrate_points"].shape == (129,)
    # the first steps are too long, and are tried again
    points = [1.0, 0.2, 0.0798187, 0.06740083, 0.13282792, 0.20675979]
    assert found["integrate_points"][:6] == pytest.approx(points, 1e-5)
    ratios = [4.50652874e4, 58.3229359, 1.3753385, 0.685094218, 0.320510744]
    assert found["error_ratio"][:5] == pytest.approx(ratios, 1e-5)


def test_gradients_by_what_the_equation_has() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(1.0)
        y = solver.odeint(lambda y, t: -x * y, 1.0, [0.0, 1.0])
        found = session.run([y[1], tf.gradients(y[1], x)[0]])
    assert found == pytest.approx([0.3678795, -0.36788073], 1e-5)


@pytest.mark.parametrize(
    ("method", "values"),
    [
        (
            "midpoint",
            [
                [0.1, 0.5],
                [0.18083436758847182, 0.8245752120936625],
                [1.180150672294022, 1.3719763546084964],
            ],
        ),
        (
            "rk4",
            [
                [0.1, 0.5],
                [0.18308801475625455, 0.826034019187194],
                [1.1906676887232495, 1.394072037260226],
            ],
        ),
    ],
)
def test_steps_of_one_size(method: str, values: list[list[float]]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        start = tf.constant([0.1, 0.5], tf.float64)
        times = tf.constant([0.0, 0.5, 2.0], tf.float64)
        y = solver.odeint_fixed(logistic, start, times, dt=0.4, method=method)
        np.testing.assert_allclose(session.run(y), values, 1e-9)
        assert y.name.startswith(f"odeint_fixed/{method}/")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (dict(method="q"), ValueError, "invalid method: 'q'"),
        (
            dict(options={"first_step": 1}),
            ValueError,
            "cannot supply `options` without specifying `method`",
        ),
        (
            dict(y0=[1, 0]),
            TypeError,
            "`y0` must have a floating point or complex floating point dtype",
        ),
        (
            dict(t=[0.0, 0.0]),
            tf.errors.InvalidArgumentError,
            "assertion failed: [`t` must be monotonic increasing]",
        ),
        (
            dict(t=[0.0, 9.0], method="dopri5", options={"max_num_steps": 2}),
            tf.errors.InvalidArgumentError,
            "assertion failed: [max_num_steps exceeded]",
        ),
    ],
)
def test_what_is_refused(make: dict[str, Any], error: Any, message: str) -> None:
    given = {"y0": [1.0, 0.0], "t": [0.0, 1.0], **make}
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(error) as raised:
            session.run(solver.odeint(turning, **given))
    assert str(raised.value).split("\n")[0] == message
    with pytest.raises(ValueError, match=r"^method not supported: euler"):
        solver.odeint_fixed(turning, [1.0], [0.0, 1.0], method="euler")
