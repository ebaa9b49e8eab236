"""The networks of `tf.contrib.cudnn_rnn` against cells, which 1.15 has checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.contrib.cudnn_rnn import models, networks, parameters

cudnn = tf.contrib.cudnn_rnn
STEPS, BATCH, WIDTH, UNITS = 4, 2, 3, 2
X = np.sin(1.3 * np.arange(STEPS * BATCH * WIDTH)).astype(np.float32)
X = X.reshape(STEPS, BATCH, WIDTH)
LENGTHS = [4, 2]
CELLS = {
    "CudnnLSTM": cudnn.CudnnCompatibleLSTMCell,
    "CudnnGRU": cudnn.CudnnCompatibleGRUCell,
    "CudnnRNNTanh": tf.nn.rnn_cell.BasicRNNCell,
    "CudnnRNNRelu": lambda n: tf.nn.rnn_cell.BasicRNNCell(n, activation="relu"),
}


def _by_cells(name: str, both: bool, lengths: Any) -> tuple[Any, Any]:
    """Two layers of cells over X: outputs and states, as cuDNN has them."""
    made, options = CELLS[name], {"dtype": tf.float32, "sequence_length": lengths}
    if both:
        parts = [[made(UNITS), made(UNITS)] for _ in range(2)]
        y, forward, backward = tf.contrib.rnn.stack_bidirectional_dynamic_rnn(
            *parts, inputs=tf.constant(X), time_major=True, **options
        )
        states = [s for pair in zip(forward, backward, strict=True) for s in pair]
        return y, states
    cell = tf.nn.rnn_cell.MultiRNNCell([made(UNITS), made(UNITS)])
    y, states = tf.nn.dynamic_rnn(cell, tf.constant(X), time_major=True, **options)
    return y, list(states)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("both", [False, True])
def test_a_network_is_restored_as_cells(name: str, both: bool, tmp_path: Path) -> None:
    """A checkpoint of the layer gives cells that compute the same, and the reverse."""
    lengths = LENGTHS if both else None
    path = str(tmp_path / "model")
    direction = "bidirectional" if both else "unidirectional"
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(2)
        layer = getattr(cudnn, name)(
            2, UNITS, direction=direction, bias_initializer=tf.ones_initializer()
        )
        x = tf.constant(X)
        y, states = layer(x, sequence_lengths=lengths)
        slope = tf.gradients(tf.reduce_sum(y * y), x)[0]
        (weight,) = layer.trainable_weights
        assert weight.name.endswith("/opaque_kernel:0")
        session.run(tf.global_variables_initializer())
        got = session.run([y, states, slope])
        tf.train.Saver().save(session, path)
        before = session.run(weight)
        session.run(tf.assign(weight, before * 0, validate_shape=False))
        tf.train.Saver([layer.saveable]).restore(session, path)
        # two biases are summed: their halves come back
        assert session.run(tf.reduce_sum(weight)) == pytest.approx(before.sum(), 1e-5)
        again = session.run(y)
        np.testing.assert_allclose(again, got[0], atol=1e-6)
    scope = layer.saveable.specs[0].name.split("/")[0]
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope(scope):
            y, states = _by_cells(name, both, lengths)
        tf.train.Saver().restore(session, path)
        wanted = session.run([y, states])
    np.testing.assert_allclose(got[0], wanted[0], atol=1e-6)
    kept = [s if isinstance(s, tuple) else (None, s) for s in wanted[1]]
    np.testing.assert_allclose(got[1][0], [h for _, h in kept], atol=1e-6)
    if name == "CudnnLSTM":
        np.testing.assert_allclose(got[1][1], [c for c, _ in kept], atol=1e-6)
    assert np.abs(got[2]).max() > 1e-3


def test_sizes_and_shapes() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        layer = cudnn.CudnnLSTM(2, 3, direction="bidirectional")
        assert layer.state_shape(5) == ([4, 5, 3], [4, 5, 3])
        layer(tf.zeros([5, 2, 4]))
        shapes = [(3, 4)] * 4 + [(3, 3)] * 4
        assert layer.canonical_weight_shapes[:16] == shapes + shapes
        assert layer.canonical_weight_shapes[16] == (3, 6)
        assert layer.canonical_bias_shapes == [[3]] * 32
        assert (layer.num_dirs, layer.input_size, layer.rnn_mode) == (2, 4, "lstm")
        size = parameters.cudnn_rnn_opaque_params_size(
            "lstm", 2, 3, 4, direction="bidirectional"
        )
        session.run(tf.global_variables_initializer())
        assert session.run([size, tf.size(layer.kernel)]) == [480, 480]


def test_time_may_come_second_and_states_are_given() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        layer = cudnn.CudnnGRU(1, 2)
        h = tf.ones([1, BATCH, 2])
        y, (last,) = layer(tf.constant(X), initial_state=(h,))
        turned = tf.constant(X.transpose(1, 0, 2))
        other, _ = layer(turned, initial_state=(h,), time_major=False)
        found = networks.cudnn_gru(X, h, layer.kernel, is_training=False)
        session.run(tf.global_variables_initializer())
        a, b, c, d = session.run([y, other, found, last])
        np.testing.assert_allclose(a, b.transpose(1, 0, 2))
        np.testing.assert_allclose(a, c[0])
        np.testing.assert_allclose(a[-1], d[0])


def test_a_network_without_weights_is_given_them() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        network = models.CudnnLSTM(1, UNITS, WIDTH)
        size = session.run(network.params_size())
        assert size == 4 * UNITS * (WIDTH + UNITS + 2)
        params = tf.constant(np.sin(np.arange(size)).astype(np.float32))
        weights, biases = network.params_to_canonical(params)
        same = network.canonical_to_params(weights, biases)
        h = tf.zeros([1, BATCH, UNITS])
        y, last_h, last_c = network(X, h, h, params, is_training=False)
        layer = cudnn.CudnnLSTM(1, UNITS)
        other, states = layer(tf.constant(X))
        session.run(tf.global_variables_initializer())
        session.run(tf.assign(layer.kernel, params, validate_shape=False))
        found, wanted = session.run([[y, last_h, last_c], [other, *states]])
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
        assert (session.run(same) == session.run(params)).all()
        plain = models.CudnnGRU(1, UNITS, WIDTH)
        blank = tf.zeros([session.run(plain.params_size())])
        y, _ = plain(X, h, blank)
        assert not session.run(y).any()


def test_something_is_dropped_between_layers_while_training() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        layer = cudnn.CudnnRNNTanh(2, 2, dropout=0.5, seed=3)
        trained, _ = layer(tf.constant(X))
        plain, _ = layer(tf.constant(X), training=False)
        same, _ = layer(tf.constant(X), training=False)
        session.run(tf.global_variables_initializer())
        a, b, c = session.run([trained, plain, same])
        assert (b == c).all() and (a != b).any()


REFUSED = [
    (
        lambda: cudnn.CudnnLSTM(1, 2, input_mode="foo"),
        ValueError,
        "Invalid input_mode: foo, expect one of (linear_input, skip_input, auto_select",
    ),
    (
        lambda: cudnn.CudnnLSTM(1, 2, direction="foo"),
        ValueError,
        "Invalid direction: foo, expecting unidirectional or bidirectional",
    ),
    (
        lambda: cudnn.CudnnLSTM(1, 2, dtype="int32"),
        ValueError,
        "Only support float16, float32, float64, provided int32",
    ),
    (
        lambda: cudnn.CudnnLSTM(1, 2)(tf.zeros([2, 3])),
        ValueError,
        "Expecting input_shape with 3 dims, got 2",
    ),
    (
        lambda: cudnn.CudnnLSTM(1, 2)(tf.placeholder(tf.float32, [None, 2, None])),
        ValueError,
        "The last dimension of the inputs to `CudnnRNN` should be defined. Found `Non",
    ),
    (
        lambda: cudnn.CudnnLSTM(1, 2).input_size,
        ValueError,
        "'input_size' is unknown since layer has not been built.",
    ),
    (
        lambda: cudnn.CudnnLSTM(1, 2).canonical_weight_shapes,
        RuntimeError,
        "CudnnLSTM.canonical_weight_shapes invoked before input shape is known",
    ),
    (
        lambda: cudnn.CudnnGRU(1, 2)(tf.zeros([3, 2, 4]), tf.zeros([1, 2, 2])),
        TypeError,
        "Invalid initial_state type: Tensor(",
    ),
    (
        lambda: parameters.check_rnn_mode("x"),
        ValueError,
        "Invalid rnn_mode: x, expect one of (lstm, gru, rnn_tanh, rnn_relu)",
    ),
]


@pytest.mark.parametrize(("call", "kind", "text"), REFUSED)
def test_refused(call: Any, kind: type[Exception], text: str) -> None:
    with tf.Graph().as_default(), pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
