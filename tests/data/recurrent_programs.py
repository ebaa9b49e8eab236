"""Programs with recurrent networks, which TensorFlow 1.15 and the tests run.

Each takes `tf` and inputs [2, 3, 4], and gives tensors in any structure.
"""

import numpy as np
from layer_runs import plain, wave

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def dynamic(name, cell, **options):
    def run(tf, x):
        own = {k: v(tf) if callable(v) else v for k, v in options.items()}
        return tf.nn.dynamic_rnn(cell(tf.nn.rnn_cell), x, dtype=tf.float32, **own)

    PROGRAMS[name] = run


def static(name, cell, **options):
    def run(tf, x):
        steps = tf.unstack(x, axis=1)
        return tf.nn.static_rnn(
            cell(tf.nn.rnn_cell), steps, dtype=tf.float32, **options
        )

    PROGRAMS[name] = run


def deep(cells):
    return cells.MultiRNNCell([cells.LSTMCell(3), cells.GRUCell(2)])


dynamic("basic", lambda c: c.BasicRNNCell(3, activation="relu"))
dynamic("gru", lambda c: c.GRUCell(3), sequence_length=[2, 1])
dynamic("basic_lstm", lambda c: c.BasicLSTMCell(3, forget_bias=0.5))
dynamic("joined_state", lambda c: c.BasicLSTMCell(3, state_is_tuple=False))
dynamic(
    "lstm",
    lambda c: c.LSTMCell(
        3, use_peepholes=True, num_proj=2, cell_clip=0.5, proj_clip=0.3
    ),
)
dynamic("deep", deep, sequence_length=[1, 3])
dynamic("residual", lambda c: c.ResidualWrapper(c.GRUCell(4)))
dynamic("device", lambda c: c.DeviceWrapper(c.GRUCell(3), "/cpu:0"), time_major=True)
dynamic(
    "all_steps_drop_the_same",
    lambda c: c.DropoutWrapper(
        c.BasicLSTMCell(3),
        input_keep_prob=0.7,
        output_keep_prob=0.6,
        state_keep_prob=0.9,
        variational_recurrent=True,
        input_size=4,
        dtype="float32",
        seed=7,
    ),
)
static("static", deep)
static("static_lengths", lambda c: c.BasicLSTMCell(3), sequence_length=[2, 1])
static("dropout", lambda c: c.DropoutWrapper(c.GRUCell(3), 0.7, 0.6, 0.9, seed=7))
static("unseeded_dropout", lambda c: c.DropoutWrapper(c.GRUCell(3), 1.0, 0.6))


@program
def a_cell_of_keras(tf, x):
    cell = tf.keras.layers.LSTMCell(3)
    return tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, sequence_length=[1, 3])


@program
def both_ways(tf, x):
    cells = tf.nn.rnn_cell
    return tf.nn.bidirectional_dynamic_rnn(
        cells.BasicLSTMCell(3),
        cells.GRUCell(2),
        x,
        dtype=tf.float32,
        sequence_length=[2, 3],
    )


@program
def both_ways_of_a_list(tf, x):
    cells, steps = tf.nn.rnn_cell, tf.unstack(x, axis=1)
    return tf.nn.static_bidirectional_rnn(
        cells.GRUCell(3),
        cells.BasicRNNCell(2),
        steps,
        dtype=tf.float32,
        sequence_length=[2, 3],
    )


@program
def layers_both_ways(tf, x):
    cells = tf.nn.rnn_cell
    parts = [[cells.GRUCell(3), cells.BasicRNNCell(2)] for _ in range(2)]
    return tf.contrib.rnn.stack_bidirectional_dynamic_rnn(
        *parts, inputs=x, dtype=tf.float32, sequence_length=[3, 2]
    )


@program
def lists_both_ways(tf, x):
    cells, steps = tf.nn.rnn_cell, tf.unstack(x, axis=1)
    states = {f"initial_states_{way}": [tf.ones([2, 2])] for way in ("fw", "bw")}
    return tf.contrib.rnn.stack_bidirectional_rnn(
        [cells.GRUCell(2)], [cells.GRUCell(2)], steps, **states
    )


@program
def raw(tf, x):
    cell = tf.nn.rnn_cell.BasicLSTMCell(3)
    steps = tf.TensorArray(tf.float32, 3, element_shape=[2, 4], clear_after_read=False)
    steps = steps.unstack(tf.transpose(x, [1, 0, 2]))

    def following(time, output, state, own):
        ended = time >= tf.constant([3, 2])
        given = tf.cond(
            tf.reduce_all(ended), lambda: tf.zeros([2, 4]), lambda: steps.read(time)
        )
        given.set_shape([2, 4])
        first = output is None
        state = cell.zero_state(2, tf.float32) if first else state
        own = tf.constant(0.0) if first else own + tf.reduce_sum(output)
        return ended, given, state, output, own

    outputs, state, own = tf.nn.raw_rnn(cell, following)
    return outputs.stack(), state, own


@program
def kept_states(tf, x):
    class Saver:
        def state(self, name):
            return tf.ones([2, 3]) * len(name)

        def save_state(self, name, value):
            return tf.identity(value, name="saved_" + name)

    cell = tf.nn.rnn_cell.BasicLSTMCell(3)
    return tf.nn.static_state_saving_rnn(
        cell, tf.unstack(x, axis=1), Saver(), ("a", "bb")
    )


@program
def the_same_cell_twice(tf, x):
    cell = tf.nn.rnn_cell.GRUCell(4)
    first, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    return tf.nn.dynamic_rnn(cell, first, dtype=tf.float32)


@program
def step_by_step(tf, x):
    cell = tf.nn.rnn_cell.LSTMCell(3)
    state = cell.zero_state(2, tf.float32)
    outputs = []
    with tf.variable_scope("net"):
        for step in range(3):
            output, state = cell(x[:, step], state)
            outputs.append(output)
    return outputs


@program
def a_cell_of_the_program(tf, x):
    class Own(tf.nn.rnn_cell.RNNCell):
        state_size = output_size = 3

        def call(self, inputs, state):
            weight = tf.get_variable("weight", [4, 3])
            output = tf.tanh(tf.matmul(inputs, weight) + state)
            return output, output

    cell = Own()
    found = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    assert [w.name for w in cell.trainable_weights] == ["rnn/own/weight:0"]
    return found


@program
def a_tf_cell_in_a_layer(tf, x):
    layers, cells = tf.keras.layers, tf.nn.rnn_cell
    once = layers.RNN(cells.BasicLSTMCell(3), return_state=True)(x)
    both = [cells.GRUCell(2), layers.LSTMCell(3)]
    return once, layers.RNN(both, return_sequences=True)(x)


@program
def states_of_a_layer(tf, x):
    layers = tf.keras.layers
    first = layers.LSTM(3, return_state=True, return_sequences=True)
    outputs, h, c = first(x)
    second = layers.LSTM(3, return_state=True)
    return second(outputs, initial_state=[h, c]), first.compute_output_shape((2, 3, 4))


@program
def states_from_inputs(tf, x):
    layers = tf.keras.layers
    given = layers.Input(tensor=x)
    state = layers.Input(tensor=x[:, 0, :3])
    layer = layers.GRU(3)
    found = layer(given, initial_state=state)
    assert layer.inbound_nodes[0].get_config()["tensor_indices"] == [0, 0]
    assert isinstance(layer.input, list) and layer.input[1] is state
    return found


@program
def constants(tf, x):
    layers = tf.keras.layers

    class Own(layers.Layer):
        state_size = 4

        def call(self, inputs, states, constants):
            output = tf.tanh(inputs * constants[0] + states[0])
            return output, [output]

    layer = layers.RNN(Own())
    return layer(x, constants=[tf.constant([2.0, -1.0, 0.5, 3.0])])


@program
def nested_states(tf, x):
    layers = tf.keras.layers

    class Own(layers.Layer):
        state_size = (tf.TensorShape([2, 3]), 4)
        output_size = tf.TensorShape([2, 3])

        def call(self, inputs, states):
            image, row = states
            image = image + inputs[:, :1, None]
            return image * 2.0, (image, row + inputs)

    return layers.RNN(Own(), return_state=True, return_sequences=True)(x)


@program
def both_directions_of_a_layer(tf, x):
    layers = tf.keras.layers
    layer = layers.Bidirectional(
        layers.GRU(3, return_state=True, return_sequences=True), merge_mode=None
    )
    found = layer(x)
    return found, layer(x, initial_state=found[2:])


@program
def loop_with_mask(tf, x):
    mask = tf.constant([[True, False, True], [False, True, True]])
    return tf.keras.backend.rnn(
        lambda inputs, states: (inputs + states[0] * states[1], [inputs]),
        x,
        [tf.ones([2, 4])],
        mask=mask,
        go_backwards=True,
        constants=[2.0],
    )


@program
def a_limited_loop(tf, x):
    return tf.keras.backend.rnn(
        lambda inputs, states: (inputs, [inputs + states[0]]),
        x,
        [tf.zeros([2, 4])],
        input_length=2,
    )[2]


@program
def zeros_where_masked(tf, x):
    mask = tf.constant([[True, False, True], [True, True, False]])
    return tf.keras.backend.rnn(
        lambda inputs, states: (inputs + states[0], [inputs]),
        x,
        [tf.ones([2, 4])],
        mask=mask,
        zero_output_for_mask=True,
    )


def described(tf, name):
    """What a program computes, with its gradients and the names of variables."""
    return described_run(tf, PROGRAMS[name])


def described_run(tf, run):
    """The same of a function that is none of these programs."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(3)
        np.random.seed(5)
        x = tf.placeholder_with_default(wave((2, 3, 4), 0.5), (2, 3, 4))
        flat = [y for y in tf.nest.flatten(run(tf, x)) if tf.is_tensor(y)]
        trained = tf.trainable_variables()
        loss = sum(tf.reduce_sum(y * y * y) for y in flat if y.dtype.is_floating)
        gradients = tf.gradients(loss, [x, *trained])
        there = [tf.convert_to_tensor(g) for g in gradients if g is not None]
        seeds = [
            op.get_attr("seed2")
            for op in graph.get_operations()
            if op.type == "RandomUniform" and "Initializer" in op.name
        ]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for place, weight in enumerate(trained):
                weight.load(wave(weight.shape.as_list(), 0.3 * place + 2.0), session)
            values, slopes = session.run([flat, there])
    return {
        "shapes": [str(y.shape) for y in flat],
        "variables": [w.name for w in trained],
        "reached": [g is not None for g in gradients],
        "seeds": seeds,
        "values": [plain(v) for v in values],
        "gradients": [plain(g) for g in slopes],
    }
