"""`tf.contrib.eager`: gradient functions, and callbacks after each op."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import retrograd as tf
from retrograd.contrib.eager import callbacks, gradient_functions
from retrograd.graph import context

tfe = tf.contrib.eager


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    with context.eager_mode():
        yield
    tfe.clear_execution_callbacks()


def product(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return x * x * y


def numbers(tensors: list[tf.Tensor]) -> list[float]:
    return [float(t.numpy()) for t in tensors]


def test_gradients_of_arguments() -> None:
    assert numbers(tfe.gradients_function(product)(2.0, 3.0)) == [12, 4]
    assert numbers(tfe.gradients_function(product, params=["y"])(2.0, 3.0)) == [4]
    first = tfe.value_and_gradients_function(product, params=[0])
    value, found = first(2.0, 3.0)
    assert value.numpy() == 12 and numbers(found) == [12]


def test_gradients_of_variables() -> None:
    w = tfe.Variable(3.0)
    ((slope, variable),) = tfe.implicit_gradients(lambda: w * w)()
    assert slope.numpy() == 6 and variable is w


def test_pullback() -> None:
    pulled = gradient_functions.make_vjp(product)
    value, vjp = pulled(tf.constant(2.0), tf.constant(3.0))
    assert value.numpy() == 12
    assert numbers(vjp(dy=tf.constant(10.0))) == [120, 40]


def test_callbacks_see_each_op() -> None:
    seen = []
    tfe.add_execution_callback(
        lambda op_type, inputs, attrs, outputs, name: seen.append(
            (op_type, len(inputs), len(outputs))
        )
    )
    _ = tf.constant(1.0) + tf.constant(2.0)
    tfe.clear_execution_callbacks()
    _ = tf.constant(1.0) + tf.constant(2.0)
    assert seen == [("AddV2", 2, 1)]


def test_infinities_are_refused_if_asked() -> None:
    action = tfe.ExecutionCallback
    assert tfe.seterr(inf_or_nan=action.RAISE) == {"inf_or_nan": action.IGNORE}
    wanted = r"Output 1 of 1 of TFE operation RealDiv .* contains 1 inf\(s\) out of a"
    with pytest.raises(callbacks.InfOrNanError, match=wanted):
        _ = tf.constant(1.0) / tf.constant(0.0)
    assert tfe.seterr(inf_or_nan=action.IGNORE) == {"inf_or_nan": action.RAISE}
    assert (tf.constant(1.0) / tf.constant(0.0)).numpy() == float("inf")
