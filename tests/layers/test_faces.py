"""`tf.layers`: names, variables and collections as TensorFlow 1.15 makes them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.layers import core, faces, scoped


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def x() -> tf.Tensor:
    return tf.placeholder(tf.float32, [None, 4], name="x")


def names(variables: Any) -> list[str]:
    return [v.name for v in variables]


def test_a_layer_has_a_scope_of_its_own(x: tf.Tensor) -> None:
    layer = tf.layers.Dense(3)
    assert layer.name == "dense_1"
    assert (layer.dtype, layer.built, layer.weights) == (None, False, [])
    with pytest.raises(ValueError, match='because the layer "dense_1" has not been'):
        _ = layer.scope_name
    assert layer(x).name == "dense/BiasAdd:0"
    assert layer.scope_name == "dense"
    assert layer.dtype == "float32"
    assert names(layer.weights) == ["dense/kernel:0", "dense/bias:0"]
    assert [type(v).__name__ for v in layer.weights] == ["RefVariable"] * 2
    assert layer(x).name == "dense/BiasAdd_1:0"


def test_functions_make_layers_by_name_and_reuse_them(x: tf.Tensor) -> None:
    assert tf.layers.dense(x, 2).name == "dense/BiasAdd:0"
    assert tf.layers.dense(x, 2).name == "dense_1/BiasAdd:0"
    assert tf.layers.dense(x, 2, name="mine").name == "mine/BiasAdd:0"
    assert tf.layers.dense(x, 2, name="mine", reuse=True).name == "mine_1/BiasAdd:0"
    with pytest.raises(ValueError, match="Variable mine/kernel already exists"):
        tf.layers.dense(x, 2, name="mine")
    with tf.variable_scope("outer"):
        tf.layers.dense(x, 2)
    with tf.variable_scope("outer", reuse=True):
        again = tf.layers.dense(x, 2, activation=tf.nn.relu)
    assert again.name == "outer_1/dense/Relu:0"
    assert len(tf.trainable_variables()) == 8


def test_the_variable_scope_gives_initializers_and_regularizers(x: tf.Tensor) -> None:
    loss = tf.keras.regularizers.l2(0.1)
    scope = tf.variable_scope("s", initializer=tf.ones_initializer(), regularizer=loss)
    with scope:
        y = tf.layers.dense(x, 1, use_bias=False)
    tf.layers.dense(x, 1, kernel_regularizer=loss)
    assert names(tf.get_collection("regularization_losses")) == [
        "s/dense/kernel/Regularizer/add:0",
        "dense/kernel/Regularizer/add:0",
    ]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(y, {x: np.ones([1, 4])}).tolist() == [[4]]


def test_batch_normalization_puts_its_updates_into_the_collection() -> None:
    images = tf.placeholder(tf.float32, [None, 8, 8, 3])
    y = tf.layers.batch_normalization(images, training=True)
    assert y.name == "batch_normalization/FusedBatchNormV3:0"
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert [(u.name, u.type) for u in updates] == [
        ("batch_normalization/AssignMovingAvg", "AssignSub"),
        ("batch_normalization/AssignMovingAvg_1", "AssignSub"),
    ]
    assert names(tf.global_variables()) == [
        "batch_normalization/gamma:0",
        "batch_normalization/beta:0",
        "batch_normalization/moving_mean:0",
        "batch_normalization/moving_variance:0",
    ]
    assert len(tf.trainable_variables()) == 2
    tf.layers.batch_normalization(images)
    assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) == 2


def test_moving_averages_follow_the_batches() -> None:
    images = tf.placeholder(tf.float32, [None, 2, 2, 1])
    training = tf.placeholder_with_default(False, [])
    y = tf.layers.batch_normalization(images, momentum=0.5, training=training)
    update = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    value = np.arange(8, dtype=np.float32).reshape(2, 2, 2, 1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        trained, _ = session.run([y, update], {images: value, training: True})
        np.testing.assert_allclose(trained.mean(), 0, atol=1e-6)
        mean, variance = session.run(tf.global_variables()[2:])
        np.testing.assert_allclose(mean, [1.75])
        np.testing.assert_allclose(variance, [0.5 + 0.5 * value.var(ddof=1)], rtol=1e-6)
        found = session.run(y, {images: value})
        wanted = (value - mean) / np.sqrt(variance + 1e-3)
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_a_net_of_functions() -> None:
    images = tf.placeholder(tf.float32, [None, 8, 8, 3])
    found = [tf.layers.conv2d(images, 4, 3, padding="same", activation=tf.nn.relu)]
    for layer in (
        lambda x: tf.layers.conv2d(x, 4, [3, 3], (2, 2), "SAME", name="c"),
        lambda x: tf.layers.max_pooling2d(x, 2, 2),
        lambda x: tf.layers.average_pooling2d(x, [2, 2], 1, "same"),
        tf.layers.flatten,
        lambda x: tf.layers.dropout(x, 0.5, training=True),
    ):
        found.append(layer(found[-1]))
    assert [(y.name, y.shape.as_list()) for y in found] == [
        ("conv2d/Relu:0", [None, 8, 8, 4]),
        ("c/BiasAdd:0", [None, 4, 4, 4]),
        ("max_pooling2d/MaxPool:0", [None, 2, 2, 4]),
        ("average_pooling2d/AvgPool:0", [None, 2, 2, 4]),
        ("flatten/Reshape:0", [None, 16]),
        ("dropout/dropout/mul_1:0", [None, 16]),
    ]


def test_wrong_inputs_name_the_layer(x: tf.Tensor) -> None:
    with pytest.raises(ValueError, match="Input 0 of layer conv2d_1 is incompatible"):
        tf.layers.conv2d(x, 3, 3)
    with pytest.raises(ValueError, match="its rank is undefined, but the layer requ"):
        tf.layers.dense(tf.placeholder(tf.float32), 3)
    with pytest.raises(ValueError, match="last dimension of the inputs to `Dense`"):
        tf.layers.dense(tf.placeholder(tf.float32, [1, None]), 3)
    with pytest.raises(ValueError, match="Argument `strides` must not be None"):
        tf.layers.max_pooling2d(tf.ones([1, 4, 4, 1]), 2, None)
    with pytest.raises(TypeError):
        tf.layers.dense(x)  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="Keyword argument not understood"):
        tf.layers.Dense(3, units_of=4)


def test_each_is_the_layer_of_keras() -> None:
    for name, kind in vars(faces).items():
        if isinstance(kind, type) and issubclass(kind, scoped.Layer):
            assert kind.__mro__[1].__name__ == name
            assert inspect.signature(kind).parameters["kwargs"]
    assert issubclass(tf.layers.Dense, core.Dense)
    assert issubclass(tf.layers.Dense, tf.keras.layers.Dense)
    arguments = inspect.signature(tf.layers.conv2d).parameters
    assert list(arguments)[:5] == "inputs filters kernel_size strides padding".split()
    assert list(arguments)[-3:] == ["trainable", "name", "reuse"]


def test_a_subclass_of_a_program(x: tf.Tensor) -> None:
    class Scaled(tf.layers.Dense):
        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            return 2 * super().call(inputs)

    class Own(tf.layers.Layer):
        def build(self, input_shape: Any) -> None:
            sizes = [int(input_shape[-1])]
            self.scale = self.add_variable(
                "scale", sizes, initializer=tf.ones_initializer()
            )
            super().build(input_shape)

        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            return inputs * self.scale

    y = Own(name="own")(Scaled(2, kernel_initializer=tf.ones_initializer())(x))
    assert y.name == "own/mul:0"
    assert names(tf.trainable_variables()) == [
        "scaled/kernel:0",
        "scaled/bias:0",
        "own/scale:0",
    ]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(y, {x: np.ones([1, 4])}).tolist() == [[8, 8]]


def test_normalization_of_a_subclass() -> None:
    class Mine(tf.layers.BatchNormalization):
        pass

    class Further(Mine):
        pass

    assert Further()(tf.ones([2, 3]), training=True).shape == [2, 3]
