"""Layers made from configurations, functions as layers, and layers around layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.layers import lambdas

L = tf.keras.layers
ROWS = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def run(x: Any) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(x)


def again(layer: Any, **objects: Any) -> Any:
    """The layer that a layer's configuration makes."""
    return L.deserialize(L.serialize(layer), custom_objects=objects)


MADE = [
    L.UpSampling2D(3, interpolation="bilinear"),
    L.ZeroPadding3D(((1, 2), (0, 1), 3)),
    L.Cropping1D((1, 0)),
    L.Concatenate(axis=1),
    L.Dot(axes=(1, 2), normalize=True),
    L.LocallyConnected2D(2, 3, implementation=3, kernel_regularizer="l2"),
    L.AdditiveAttention(use_scale=False, causal=True),
    L.TimeDistributed(L.TimeDistributed(L.Dense(3, activation="relu"))),
    L.Lambda(lambda x: x + 1, mask=lambda x, mask: mask, arguments={}),
    L.BatchNormalization(renorm=True),
]


@pytest.mark.parametrize("layer", MADE, ids=lambda layer: type(layer).__name__)
def test_a_configuration_makes_the_same_layer(layer: Any) -> None:
    found = again(layer)
    assert type(found) is type(layer)
    assert found.get_config() == layer.get_config()


def test_a_class_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="Unknown layer: Lost"):
        L.deserialize({"class_name": "Lost", "config": {}})


FUNCTIONS = {
    "add": [4.0, 6.0],
    "subtract": [-2.0, -2.0],
    "multiply": [3.0, 8.0],
    "average": [2.0, 3.0],
    "maximum": [3.0, 4.0],
    "minimum": [1.0, 2.0],
    "concatenate": [1.0, 2.0, 3.0, 4.0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_two_tensors(name: str) -> None:
    pair = [tf.constant(ROWS[:1]), tf.constant(ROWS[1:])]
    y = getattr(L, name)(pair, name="merged")
    assert y.op.name.startswith("merged/")
    np.testing.assert_array_equal(run(y), [FUNCTIONS[name]])
    assert run(L.dot(pair, axes=1)) == [[11.0]]


# ---------------------------------------------------------------------- Lambda


def doubled(x: Any) -> Any:
    return x * 2


def closing_over(factor: float) -> Any:
    return lambda x, more=1.0: x * factor + more


def test_code_that_this_process_wrote_is_read() -> None:
    layer = again(L.Lambda(closing_over(3.0)))
    np.testing.assert_array_equal(run(layer(tf.constant(ROWS))), ROWS * 3 + 1)


def foreign(layer: Any) -> dict[str, Any]:
    """The configuration of a layer, as if another process had written it."""
    config = layer.get_config()
    lambdas._written.discard(config["function"][0])
    return config


def test_code_from_elsewhere_is_not_run() -> None:
    config = foreign(L.Lambda(doubled, name="twice"))
    with pytest.raises(ValueError, match="running code from a file is not safe"):
        L.Lambda.from_config(config)
    layer = L.Lambda.from_config(config, custom_objects={"twice": doubled})
    np.testing.assert_array_equal(run(layer(tf.constant(ROWS))), ROWS * 2)


def test_code_from_elsewhere_is_run_where_the_program_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lambdas, "_unsafe", [])
    config = foreign(L.Lambda(doubled))
    lambdas.enable_unsafe_deserialization()
    layer = L.Lambda.from_config(config)
    np.testing.assert_array_equal(run(layer(tf.constant(ROWS))), ROWS * 2)
    config["function"] = ("YWJj\n", None, None)
    with pytest.raises(ValueError, match="not of this version of Python"):
        L.Lambda.from_config(config)


def test_a_name_stands_for_what_the_program_says() -> None:
    config = {**L.Lambda(doubled).get_config(), "function_type": "function"}
    config["function"] = "doubled"
    with pytest.raises(ValueError, match="Unknown function in Lambda layer:doubled"):
        L.Lambda.from_config(config)
    layer = L.Lambda.from_config(config, custom_objects={"doubled": doubled})
    np.testing.assert_array_equal(run(layer(tf.constant(ROWS))), ROWS * 2)
    with pytest.raises(TypeError, match="Unknown function type"):
        L.Lambda.from_config({**config, "function_type": "riddle"})


def test_arrays_among_the_arguments_are_read() -> None:
    config = L.Lambda(closing_over(1.0)).get_config()
    config["arguments"] = {"more": {"type": "ndarray", "value": [1.0, 2.0]}}
    layer = L.Lambda.from_config(config)
    np.testing.assert_array_equal(run(layer(tf.constant(ROWS))), np.add(ROWS, [1, 2]))


def test_variables_that_a_function_makes_are_made_once() -> None:
    layer = L.Lambda(lambda x: x * tf.Variable(2.0, name="factor"))
    first, second = layer(tf.constant(ROWS)), layer(tf.constant(ROWS))
    assert [v.name for v in layer.trainable_weights] == ["lambda/factor:0"]
    np.testing.assert_array_equal(run(first), run(second))


# ---------------------------------------------------------------------- TimeDistributed


class OfBatch(L.Layer):
    """A layer of a program: the inputs less their mean over the batch."""

    def call(self, inputs: Any) -> Any:
        return inputs - tf.reduce_mean(inputs, axis=0, keepdims=True)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def test_a_programs_layer_sees_one_step_at_a_time() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2) ** 2
    y = L.TimeDistributed(OfBatch())(tf.constant(x))
    assert y.shape.as_list() == [2, 3, 2]
    np.testing.assert_allclose(run(y), x - x.mean(0, keepdims=True))


def test_layers_in_eager_mode_give_the_same() -> None:
    def outputs() -> list[Any]:
        x = tf.constant(np.arange(24, dtype=np.float32).reshape(2, 3, 4))
        dense = L.Dense(2, kernel_initializer="ones")
        return [
            L.TimeDistributed(dense)(x),
            L.Attention(causal=True)([x, x]),
            L.UpSampling1D(2)(x),
            L.LocallyConnected1D(2, 2, kernel_initializer="ones")(x),
            L.Lambda(doubled)(x),
        ]

    wanted = run(outputs())
    with context.eager_mode():
        for found, value in zip(outputs(), wanted, strict=True):
            np.testing.assert_allclose(found.numpy(), value, rtol=1e-6)
