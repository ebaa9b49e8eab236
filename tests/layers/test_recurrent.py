"""Recurrent layers and cells: states, masks, cells of the program, eager mode."""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.layers.deserialization import deserialize, serialize
from tests.layers.test_reference import DATA, RUNS, close, load

EXPECTED = json.loads(
    gzip.decompress((DATA / "recurrent_programs.json.gz").read_bytes())
)
layers = tf.keras.layers
cells = tf.nn.rnn_cell


def programs() -> Any:
    """The programs; they import what lies beside them."""
    sys.modules.setdefault("layer_runs", RUNS)
    return load("recurrent_programs")


PROGRAMS = programs()


#: those that are also run compiled: one of each kind
COMPILED = ("lstm", "deep", "static_lengths", "both_ways", "raw", "loop_with_mask")
RUNS_OF = [(name, 0) for name in PROGRAMS.PROGRAMS] + [(name, 1) for name in COMPILED]


@pytest.mark.parametrize(("name", "tier"), RUNS_OF)
def test_program(name: str, tier: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", str(tier))
    found = json.loads(json.dumps(PROGRAMS.described(tf, name)))
    wanted = EXPECTED[name]
    for key in ("shapes", "variables", "reached", "seeds"):
        if name != "raw" or key != "seeds":  # its program makes a TensorArray itself
            assert found[key] == wanted[key], key
    for key, tolerance in (("values", 1e-5), ("gradients", 1e-4)):
        pairs = zip(found[key], wanted[key], strict=True)
        for place, (a, b) in enumerate(pairs):
            close(a, b, tolerance, f"{key} {place}")


def test_states_are_kept_between_calls() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [1, 2, 1])
        layer = layers.SimpleRNN(
            1,
            stateful=True,
            activation=None,
            kernel_initializer="ones",
            recurrent_initializer="ones",
        )
        y = layer(x)
        session.run(tf.global_variables_initializer())
        feed = {x: [[[1.0], [2.0]]]}
        assert session.run([y, *layer.updates], feed)[0] == 3
        assert session.run([y, *layer.updates], feed)[0] == 6
        layer.reset_states()
        assert session.run(y, feed) == 3
        layer.reset_states([np.array([[10.0]])])
        assert session.run(y, feed) == 13
        assert [w.name for w in layer.weights] == [
            "simple_rnn/kernel:0",
            "simple_rnn/recurrent_kernel:0",
            "simple_rnn/bias:0",
        ]
        with pytest.raises(ValueError, match="expects 1 states, but it received 2"):
            layer.reset_states([np.zeros([1, 1])] * 2)
        with pytest.raises(ValueError, match="State 0 is incompatible with layer"):
            layer.reset_states([np.zeros([1, 2])])


def test_only_stateful_layers_are_reset() -> None:
    with tf.Graph().as_default():
        with pytest.raises(AttributeError, match=r"^Layer must be stateful\.$"):
            layers.LSTM(3).reset_states()
        with pytest.raises(ValueError, match="it needs to know its batch size"):
            layers.LSTM(3, stateful=True).reset_states()


def test_states_from_layers_and_others_are_not_mixed() -> None:
    with tf.Graph().as_default():
        states = [layers.Input([3]), tf.zeros([2, 3])]
        for layer in (layers.LSTM(3), layers.Bidirectional(layers.SimpleRNN(3))):
            with pytest.raises(ValueError, match="with a mix of Keras tensors and non"):
                layer(tf.zeros([2, 3, 4]), initial_state=states)


def test_masks_of_dropout_are_kept_for_all_steps() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        cell = layers.SimpleRNNCell(
            4, dropout=0.5, activation=None, kernel_initializer="identity"
        )
        x, state = tf.ones([1, 4]), tf.zeros([1, 4])
        first, _ = cell(x, [state], training=True)
        second, _ = cell(x, [state], training=True)
        cell.reset_dropout_mask()
        np.random.seed(1)
        third, _ = cell(x, [state], training=True)
        plain, _ = cell(x, [state], training=False)
        session.run(tf.global_variables_initializer())
        a, b, c, d = session.run([first, second, third, plain])
        assert (a == b).all() and set(a.ravel()) <= {0.0, 2.0}
        assert set(c.ravel()) <= {0.0, 2.0} and (c == d).all()


def test_configurations_make_equal_layers() -> None:
    class Own(layers.Layer):
        def __init__(self, size: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.size = self.state_size = size

        def call(self, inputs: Any, states: Any) -> Any:
            return inputs + states[0], [inputs]

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "size": self.size}

    made = [
        layers.LSTM(3, dropout=0.2, time_major=True),
        layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], return_state=True),
        layers.Bidirectional(layers.GRU(3), merge_mode="sum"),
        layers.ConvLSTM2D(2, 3, padding="same"),
        layers.CuDNNLSTM(3, unit_forget_bias=False),
    ]
    for layer in made:
        again = deserialize(serialize(layer))
        assert type(again) is type(layer)
        assert again.get_config() == layer.get_config()
    config = layers.RNN(Own(4)).get_config()
    with pytest.raises(ValueError, match=r"^Unknown layer: Own$"):
        layers.RNN.from_config(config)
    assert layers.RNN.from_config(config, custom_objects={"Own": Own}).cell.size == 4


def test_configurations_make_equal_wrappers() -> None:
    known = {"GRUCell": cells.GRUCell}
    for cell in (
        cells.DropoutWrapper(cells.GRUCell(3), 0.5, seed=3),
        cells.ResidualWrapper(cells.GRUCell(3), lambda x, y: x - y),
        cells.DeviceWrapper(cells.GRUCell(3), "/cpu:0"),
    ):
        again = type(cell).from_config(cell.get_config(), custom_objects=known)
        assert again.get_config() == cell.get_config()
        assert isinstance(again.wrapped_cell, cells.GRUCell)
    assert cells.ResidualWrapper(cells.GRUCell(3)).weights == []


def test_cells_must_be_cells() -> None:
    with pytest.raises(ValueError, match="All cells must have a `state_size` attr"):
        layers.StackedRNNCells([layers.SimpleRNNCell(3), layers.Dense(2)])
    with pytest.raises(ValueError, match="All cells must have a `call` method"):
        layers.StackedRNNCells([layers.SimpleRNNCell(3), 2])
    with pytest.raises(NotImplementedError, match=r"^Abstract method$"):
        _ = layers.AbstractRNNCell().state_size
    with pytest.raises(ValueError, match="initialize `Bidirectional` layer with"):
        layers.Bidirectional(3)
    message = r"The argument 'cell' \(3\) is not an RNNCell: 'output_size' property is"
    with pytest.raises(TypeError, match=message):
        tf.nn.dynamic_rnn(3, tf.zeros([2, 3, 4]), dtype=tf.float32)
    with pytest.raises(ValueError, match="at least one cell for MultiRNNCell"):
        cells.MultiRNNCell([])
    stacked = tf.contrib.rnn.stack_bidirectional_rnn
    with pytest.raises(ValueError, match="at least one fw cell for BidirectionalRNN"):
        stacked([], [], [])
    with pytest.raises(ValueError, match="Backward cells must have the same depth"):
        stacked([cells.GRUCell(3)], [cells.GRUCell(3)] * 2, [])
    with pytest.raises(ValueError, match="initial_states_bw must be a list of state"):
        one = [cells.GRUCell(3)]
        stacked(one, one, [], initial_states_bw=3)
    with pytest.raises(ValueError, match="input_keep_prob must be between 0 and 1: 1"):
        cells.DropoutWrapper(cells.GRUCell(3), input_keep_prob=1.5)


def cudnn_weights(layer: Any) -> list[Any]:
    """Weights of `CuDNNGRU` or `CuDNNLSTM` for the layer without cuDNN."""
    kernel, recurrent, bias = layer.get_weights()
    halves = bias.reshape(2, -1)
    return [kernel, recurrent, halves if "gru" in layer.name else halves.sum(0)]


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_layers_for_cudnn(name: str) -> None:
    x = np.sin(np.arange(24.0)).reshape(2, 3, 4).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        fast = getattr(layers, f"CuDNN{name}")(3, return_sequences=True)
        options = {"reset_after": True} if name == "GRU" else {}
        plain = getattr(layers, name)(
            3, recurrent_activation="sigmoid", return_sequences=True, **options
        )
        outputs = fast(tf.constant(x)), plain(tf.constant(x))
        session.run(tf.global_variables_initializer())
        count = (3 if name == "GRU" else 4) * 3
        fast.set_weights(
            [
                np.sin(np.arange(v.size * 1.0)).reshape(v.shape)
                for v in fast.get_weights()
            ]
        )
        assert fast.bias.shape.as_list() == [2 * count]
        plain.set_weights(cudnn_weights(fast))
        a, b = session.run(outputs)
        np.testing.assert_allclose(a, b, rtol=1e-5)
        with pytest.raises(ValueError, match=r"^Masking is not supported for CuDNN"):
            fast(tf.constant(x), mask=tf.ones([2, 3]))


def in_eager_mode() -> list[Any]:
    """What layers and cells give at once, and when they are traced."""
    x = tf.constant(np.sin(np.arange(24.0)).reshape(2, 3, 4), tf.float32)
    found: list[Any] = []
    for make in (
        lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
        lambda: tf.compat.v2.keras.layers.GRU(3),
        lambda: layers.RNN([layers.GRUCell(3), cells.GRUCell(2)]),
    ):
        layer = make()
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        slope = tape.gradient(y, x)
        again = tf.function(lambda x, layer=layer: layer(x))(x)
        assert y.shape.as_list()[0] == 2 and np.abs(slope.numpy()).sum() > 0
        found.append((y.numpy(), again.numpy()))
    cell = cells.LSTMCell(3)
    outputs, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, sequence_length=[3, 1])
    steps, state = [], cell.zero_state(2, tf.float32)
    for step in range(3):
        output, state = cell(x[:, step], state)
        steps.append(output.numpy())
    wanted = np.stack(steps, 1)
    wanted[1, 1:] = 0
    found.append((outputs.numpy(), wanted))
    return found


def test_eager_mode() -> None:
    from retrograd.graph import context

    with context.eager_mode():
        for at_once, otherwise in in_eager_mode():
            np.testing.assert_allclose(at_once, otherwise, rtol=1e-5, atol=1e-6)
