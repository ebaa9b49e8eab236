"""The base of layers: weights, losses, updates, masks, and the graph of layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from tests.conftest import Launcher

layers = tf.keras.layers


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


class Block(layers.Layer):
    """A layer of layers, in attributes, lists and dicts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = layers.Dense(3, kernel_regularizer="l2")
        self.more = [layers.Dense(2), {"last": layers.Dense(1)}]
        self.free = tf.Variable(1.0, trainable=False)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = self.more[0](self.first(inputs))
        return self.more[1]["last"](x) * self.free


def test_layers_in_attributes_are_parts() -> None:
    block = Block()
    block.more.append(layers.Dense(7))
    block(tf.ones([2, 4]))
    assert [v.shape.as_list() for v in block.trainable_weights] == [
        [4, 3],
        [3],
        [3, 2],
        [2],
        [2, 1],
        [1],
    ]
    assert len(block.non_trainable_weights) == 1
    assert len(block.losses) == 1
    assert block.count_params() == 27
    block.trainable = False
    assert (block.trainable_weights, len(block.non_trainable_weights)) == ([], 7)
    block.first = layers.Dense(5)
    assert len(block.weights) == 5


def test_values_of_weights() -> None:
    layer = layers.Dense(2)
    layer(tf.ones([1, 3]))
    values = [np.arange(6.0).reshape(3, 2), np.ones(2)]
    layer.set_weights(values)
    for found, wanted in zip(layer.get_weights(), values, strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ValueError, match="weight list of length 1, but the layer was"):
        layer.set_weights(values[:1])
    with pytest.raises(ValueError, match=r"shape \(3, 2\) not compatible with"):
        layer.set_weights([np.ones([2, 2]), values[1]])
    given = layers.Dense(2, weights=values)
    given(tf.ones([1, 3]))
    np.testing.assert_array_equal(given.get_weights()[0], values[0])


def test_the_graph_of_layers() -> None:
    x = layers.Input([4])
    layer = layers.Dense(2, name="q")
    y = layer(x)
    assert (x.name, y.name) == ("input_1:0", "q/BiasAdd:0")
    assert y._keras_history == (layer, 0, 0)
    assert (layer.input, layer.output) == (x, y)
    assert (layer.input_shape, layer.output_shape) == ((None, 4), (None, 2))
    layer(layers.Input([4]))
    with pytest.raises(
        AttributeError, match="multiple inbound nodes, hence the notion"
    ):
        _ = layer.output
    assert len(layer.inbound_nodes) == 2
    with pytest.raises(RuntimeError, match="never been called and thus has no defined"):
        layers.Dense(1).get_input_at(0)


def test_losses_and_updates_know_what_they_depend_on() -> None:
    class Counting(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.count = self.add_weight(
                "count", (), initializer="zeros", trainable=False
            )
            self.add_loss(lambda: 2.0 * self.count)

        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            self.add_update(tf.assign_add(self.count, 1.0))
            self.add_update(tf.assign(self.count, tf.reduce_sum(inputs)))
            self.add_loss(tf.reduce_sum(inputs), inputs=True)
            return inputs

    layer, x = Counting(), tf.ones([2])
    layer(x)
    assert len(layer.updates) == 2
    assert len(layer.get_updates_for(x)) == len(layer.get_updates_for(None)) == 1
    assert len(layer.get_losses_for(x)) == len(layer.get_losses_for(None)) == 1


def test_masks_go_from_layer_to_layer() -> None:
    x = layers.Masking()(tf.constant([[[1.0], [0.0]], [[2.0], [3.0]]]))
    y = layers.Dense(2)(x)
    pooled = layers.GlobalAveragePooling1D()(x)
    with tf.Session() as session:
        mask = session.run(y._keras_mask)
        assert mask.tolist() == [[True, False], [True, True]]
        assert session.run(pooled).tolist() == [[1], [2.5]]
    with pytest.raises(TypeError, match="does not support masking, but was passed"):
        layers.Layer(name="plain").compute_mask(x, mask)


def test_activity_is_a_mean_over_the_batch() -> None:
    layer = layers.ActivityRegularization(l1=2.0)
    layer(tf.constant([[1.0, 2.0], [3.0, -4.0]]))
    with tf.Session() as session:
        assert session.run(layer.losses) == [10]


def test_configurations_make_equal_layers() -> None:
    layer = layers.Conv2D(3, 2, activation="relu", kernel_regularizer="l1", name="c")
    again = layers.Conv2D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()

    class Own(layers.Layer):
        def __init__(self, size: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.size = size

    with pytest.raises(NotImplementedError, match="must override `get_config`"):
        Own(3).get_config()


def test_objects_by_name() -> None:
    assert tf.keras.initializers.get("he_normal").scale == 2.0
    assert type(tf.keras.initializers.get("zeros")) is type(tf.zeros_initializer())
    assert tf.keras.regularizers.get("l2").get_config() == {
        "l1": 0.0,
        "l2": float(np.float32(0.01)),
    }
    assert tf.keras.constraints.get("unit_norm").get_config() == {"axis": 0}
    assert tf.keras.activations.get(None) is tf.keras.activations.linear
    for kind, called in (
        (tf.keras.activations, "activation function"),
        (tf.keras.initializers, "initializer"),
        (tf.keras.constraints, "constraint"),
    ):
        with pytest.raises(ValueError, match=f"Unknown {called}:nonsense"):
            kind.get("nonsense")

    class Doubled(tf.keras.initializers.Ones):
        pass

    with tf.keras.utils.CustomObjectScope({"Doubled": Doubled}):
        assert type(tf.keras.initializers.get("Doubled")) is Doubled
    with pytest.raises(ValueError, match="Unknown initializer:Doubled"):
        tf.keras.initializers.get("Doubled")


AT_ONCE = """
import numpy as np
import retrograd as tf
tf.enable_eager_execution()
layer = tf.keras.layers.Dense(2, kernel_initializer="ones", kernel_regularizer="l2")
x = np.ones([1, 3], np.float32)
with tf.GradientTape() as tape:
    y = layer(x)
    loss = tf.reduce_sum(y) + sum(layer.losses)
gradients = tape.gradient(loss, layer.weights)
print(y.numpy().tolist(), [g.shape.as_list() for g in gradients])
norm = tf.keras.layers.BatchNormalization(momentum=0.5)
norm(np.arange(6.0, dtype=np.float32).reshape(3, 2), training=True)
print([w.tolist() for w in norm.get_weights()[2:]], norm.updates)
print(layer.compute_output_shape([None, 3]), tf.layers.dense(x, 4).shape)
drop = tf.keras.layers.Dropout(0.5)
print(drop(x).numpy().tolist(), (drop(x, training=True).numpy() % 2).tolist())
"""


def test_in_eager_mode(launcher: Launcher) -> None:
    result = launcher.python("-c", AT_ONCE)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "[[3.0, 3.0]] [[3, 2], [2]]",
        "[[1.0, 1.5], [1.8333333730697632, 1.8333333730697632]] []",
        "(?, 2) (1, 4)",
        "[[1.0, 1.0, 1.0]] [[0.0, 0.0, 0.0]]",
    ]
