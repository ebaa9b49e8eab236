"""Programs with tf.contrib.legacy_seq2seq, which TensorFlow 1.15 and the tests run.

Each takes `tf` and inputs [2, 3, 4], and gives tensors in any structure. `REFUSED` are
calls that raise.
"""

import collections

PROGRAMS, REFUSED = {}, {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def library(tf):
    return tf.contrib.legacy_seq2seq


def steps(tf, x, count=3):
    return tf.unstack(x, axis=1)[:count]


def ids(tf, *columns):
    """Ids of each step, for a batch of two."""
    return [tf.constant(column) for column in columns]


def source(tf):
    return ids(tf, [1, 3], [0, 2])


def target(tf):
    return ids(tf, [2, 4], [1, 0])


def lstm(tf):
    return tf.nn.rnn_cell.BasicLSTMCell(2)


def gru(tf):
    return tf.nn.rnn_cell.GRUCell(2)


def projection(tf):
    return tf.get_variable("w", [2, 5]), tf.get_variable("b", [5])


@program
def char_rnn(tf, x):
    """The model of char-rnn, with its two ways of feeding."""
    cell = tf.nn.rnn_cell.MultiRNNCell([lstm(tf), gru(tf)])
    with tf.variable_scope("rnnlm"):
        w = tf.get_variable("softmax_w", [2, 5])
        b = tf.get_variable("softmax_b", [5])
        embedding = tf.get_variable("embedding", [5, 4])
    given = tf.split(tf.nn.embedding_lookup(embedding, [[1, 2, 4], [0, 3, 3]]), 3, 1)
    given = [tf.squeeze(step, [1]) for step in given]

    def loop(previous, _):
        previous = tf.matmul(previous, w) + b
        symbol = tf.stop_gradient(tf.argmax(previous, 1))
        return tf.nn.embedding_lookup(embedding, symbol)

    first = cell.zero_state(2, tf.float32)
    outputs, last = library(tf).rnn_decoder(given, first, cell, scope="rnnlm")
    output = tf.reshape(tf.concat(outputs, 1), [-1, 2])
    logits = tf.matmul(output, w) + b
    loss = library(tf).sequence_loss_by_example(
        [logits], [tf.constant([2, 4, 0, 3, 3, 1])], [tf.ones([6])]
    )
    tf.get_variable_scope().reuse_variables()
    sampled, _ = library(tf).rnn_decoder(
        given, first, cell, loop_function=loop, scope="rnnlm"
    )
    return tf.reduce_sum(loss) / 6, last, sampled


@program
def basic(tf, x):
    given = steps(tf, x)
    return library(tf).basic_rnn_seq2seq(given, given[:2], lstm(tf))


@program
def tied(tf, x):
    given = steps(tf, x)
    return library(tf).tied_rnn_seq2seq(
        given, given[:2], tf.nn.rnn_cell.GRUCell(4), loop_function=lambda p, i: p * i
    )


@program
def embedded_decoder(tf, x):
    cell = gru(tf)
    with tf.variable_scope("out"):
        pair = projection(tf)
    return library(tf).embedding_rnn_decoder(
        target(tf), x[:, 0, :2], cell, 5, 3, pair, True, False
    )


def embedded(name, **options):
    def run(tf, x):
        own = {k: v(tf) if callable(v) else v for k, v in options.items()}
        return library(tf).embedding_rnn_seq2seq(
            source(tf), target(tf), lstm(tf), 4, 5, 3, **own
        )

    PROGRAMS[name] = run


def attending(name, cell=gru, **options):
    def run(tf, x):
        own = {k: v(tf) if callable(v) else v for k, v in options.items()}
        return library(tf).embedding_attention_seq2seq(
            source(tf), target(tf), cell(tf), 4, 5, 3, **own
        )

    PROGRAMS[name] = run


def embedded_tied(name, **options):
    def run(tf, x):
        own = {k: v(tf) if callable(v) else v for k, v in options.items()}
        return library(tf).embedding_tied_rnn_seq2seq(
            source(tf), target(tf), gru(tf), 5, 3, **own
        )

    PROGRAMS[name] = run


embedded("embedded", scope="own")
embedded("embedded_fed", feed_previous=True)
embedded("embedded_projected", output_projection=projection, feed_previous=True)
embedded("embedded_as_told", feed_previous=lambda tf: tf.constant(True))
embedded_tied("embedded_tied", num_decoder_symbols=4)
embedded_tied("embedded_tied_fed", output_projection=projection, feed_previous=True)
embedded_tied("embedded_tied_as_told", feed_previous=lambda tf: tf.constant(False))
attending("attending", cell=lstm, num_heads=2, initial_state_attention=True)
attending("attending_fed", output_projection=projection, feed_previous=True)
attending("attending_as_told", feed_previous=lambda tf: tf.constant(True))


@program
def attention(tf, x):
    given = steps(tf, x)
    cell = lstm(tf)
    return library(tf).attention_decoder(
        given,
        cell.zero_state(2, tf.float32),
        x[:, :, 1:],
        cell,
        output_size=4,
        num_heads=2,
        loop_function=lambda previous, time: previous * time,
    )


@program
def embedded_attention(tf, x):
    return library(tf).embedding_attention_decoder(
        target(tf), x[:, 0, :2], x, gru(tf), 5, 3, output_size=5, feed_previous=True
    )


def from_one(tf, **options):
    given = collections.OrderedDict([("a", target(tf)), ("b", source(tf))])
    cells = {"a": gru(tf), "b": gru(tf)}
    return library(tf).one2many_rnn_seq2seq(
        source(tf), given, gru(tf), cells, 4, {"a": 5, "b": 4}, 3, **options
    )


@program
def one_to_many(tf, x):
    return from_one(tf)


@program
def one_to_many_as_told(tf, x):
    return from_one(tf, feed_previous=tf.constant(True))


@program
def losses(tf, x):
    given = steps(tf, x)
    labels = ids(tf, [1, 3], [0, 2], [2, 2])
    weights = [tf.constant(w) for w in ([1.0, 0.5], [0.0, 2.0], [0.0, 1.0])]
    one, all_of = library(tf).sequence_loss_by_example, library(tf).sequence_loss
    return (
        one(given, labels, weights),
        one(given, labels, weights, average_across_timesteps=False),
        all_of(given, labels, weights, name="named"),
        all_of(given, labels, weights, average_across_batch=False),
        all_of(
            given,
            labels,
            weights,
            softmax_loss_function=lambda labels, logits: (
                tf.reduce_sum(logits, 1) * tf.cast(labels, tf.float32)
            ),
        ),
    )


def bucketed(tf, **options):
    given = source(tf) + target(tf)
    weights = [tf.ones([2])] * 4

    def model(inputs, outputs):
        return library(tf).embedding_rnn_seq2seq(inputs, outputs, gru(tf), 5, 5, 3)

    return library(tf).model_with_buckets(
        given, given, given, weights, [(1, 2), (3, 3)], model, **options
    )


@program
def buckets(tf, x):
    return bucketed(tf)


@program
def buckets_of_other_losses(tf, x):
    def loss(labels, logits):
        return tf.reduce_sum(logits, 1) * tf.cast(labels, tf.float32)

    return bucketed(tf, softmax_loss_function=loss, per_example_loss=True)


# ------------------------------------------------------------------ what is refused


def attend(tf, inputs, states, **options):
    cell = gru(tf)
    first = cell.zero_state(2, tf.float32)
    return library(tf).attention_decoder(inputs, first, states, cell, **options)


REFUSED.update(
    no_inputs=lambda tf, x: attend(tf, [], x),
    no_heads=lambda tf, x: attend(tf, steps(tf, x), x, num_heads=0),
    unknown_states=lambda tf, x: attend(
        tf, steps(tf, x), tf.placeholder(tf.float32, [2, 4, None])
    ),
    unknown_inputs=lambda tf, x: attend(tf, [tf.placeholder(tf.float32, [2, None])], x),
    inputs_no_matrix=lambda tf, x: attend(tf, [x], x),
    losses_of_other_length=lambda tf, x: library(tf).sequence_loss(
        steps(tf, x), source(tf), [tf.ones([2])] * 3
    ),
    losses_of_nothing=lambda tf, x: library(tf).sequence_loss([], [], []),
    no_cell=lambda tf, x: library(tf).basic_rnn_seq2seq(steps(tf, x), [], 3),
    projection_of_others=lambda tf, x: library(tf).embedding_rnn_decoder(
        source(tf), x[:, 0, :2], gru(tf), 5, 3, (tf.ones([2, 4]), tf.ones([5]))
    ),
    biases_of_others=lambda tf, x: library(tf).embedding_attention_decoder(
        source(tf),
        x[:, 0, :2],
        x,
        gru(tf),
        5,
        3,
        output_projection=(tf.ones([2, 5]), tf.ones([4])),
    ),
    tied_projection_of_others=lambda tf, x: library(tf).embedding_tied_rnn_seq2seq(
        source(tf),
        source(tf),
        gru(tf),
        5,
        3,
        output_projection=(tf.ones([2, 4]), tf.ones([5])),
    ),
)


def short(name, inputs, targets, weights):
    def run(tf, x):
        return library(tf).model_with_buckets(
            source(tf)[:inputs],
            source(tf),
            source(tf)[:targets],
            [tf.ones([2])] * weights,
            [(1, 1), (2, 2)],
            None,
        )

    REFUSED[name] = run


short("few_inputs", 1, 2, 2)
short("few_targets", 2, 1, 2)
short("few_weights", 2, 2, 1)


def message(tf, name, cases):
    """The class and the first line of what a call raises."""
    with tf.Graph().as_default():
        x = tf.ones([2, 3, 4])
        try:
            cases[name](tf, x)
        except Exception as error:
            return [type(error).__name__, str(error).split("\n")[0]]
    return []
