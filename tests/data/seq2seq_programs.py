"""Programs with tf.contrib.seq2seq, which TensorFlow 1.15 and the tests run.

Each takes `tf` and inputs [2, 3, 4], and gives tensors in any structure. `REFUSED` are
calls that raise.
"""

import sys

import numpy as np
from legacy_seq2seq_programs import message

PROGRAMS, REFUSED = {}, {}
__all__ = ["PROGRAMS", "REFUSED", "message"]


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def library(tf):
    return tf.contrib.seq2seq


def gru(tf, units=3):
    return tf.nn.rnn_cell.GRUCell(units)


def zeros(tf, cell, batch=2):
    return cell.zero_state(batch, tf.float32)


def decoded(tf, helper, cell=None, units=None, first=None, **options):
    """The outputs, the last state and the lengths of a basic decoder."""
    cell = cell or gru(tf)
    layer = units and tf.layers.Dense(units)
    first = zeros(tf, cell) if first is None else first
    decoder = library(tf).BasicDecoder(cell, helper, first, layer)
    return library(tf).dynamic_decode(decoder, **options)


def table(tf):
    return tf.get_variable("table", [6, 4])


# ---------------------------------------------------------------------- helpers


@program
def trained(tf, x):
    return decoded(tf, library(tf).TrainingHelper(x, [3, 2]))


@program
def trained_through_a_layer(tf, x):
    helper = library(tf).TrainingHelper(
        tf.transpose(x, [1, 0, 2]), tf.constant([1, 3]), time_major=True, name="mine"
    )
    options = {"impute_finished": True, "output_time_major": True, "scope": "own"}
    return decoded(tf, helper, units=5, maximum_iterations=2, **options)


@program
def trained_deep(tf, x):
    cells = tf.nn.rnn_cell
    cell = cells.MultiRNNCell([cells.BasicLSTMCell(3), gru(tf, 2)])
    helper = library(tf).TrainingHelper(x, [3, 0])
    return decoded(tf, helper, cell, impute_finished=True)


@program
def greedy(tf, x):
    helper = library(tf).GreedyEmbeddingHelper(table(tf), [1, 0], 2)
    return decoded(tf, helper, units=6, first=x[:, 0, :3], maximum_iterations=4)


@program
def greedy_by_a_function(tf, x):
    helper = library(tf).GreedyEmbeddingHelper(
        lambda ids: tf.one_hot(ids, 4), tf.fill([2], 1), 2
    )
    return decoded(tf, helper, units=4, first=x[:, 0, :3], maximum_iterations=3)


@program
def sampled(tf, x):
    helper = library(tf).SampleEmbeddingHelper(
        table(tf), [1, 0], 2, softmax_temperature=0.5, seed=7
    )
    return decoded(tf, helper, units=6, maximum_iterations=4)


@program
def sampled_by_the_graphs_seed(tf, x):
    helper = library(tf).SampleEmbeddingHelper(table(tf), [1, 0], 2)
    return decoded(tf, helper, units=6, maximum_iterations=4)


@program
def scheduled(tf, x):
    helper = library(tf).ScheduledEmbeddingTrainingHelper(
        x, [3, 2], table(tf), 0.5, seed=3, scheduling_seed=4
    )
    return decoded(tf, helper, units=6)


@program
def scheduled_outputs(tf, x):
    helper = library(tf).ScheduledOutputTrainingHelper(x, [3, 2], 0.6)
    outputs, state, lengths = decoded(tf, helper, gru(tf, 4))
    return outputs.rnn_output, state, lengths


@program
def scheduled_outputs_with_more(tf, x):
    helper = library(tf).ScheduledOutputTrainingHelper(
        x,
        [3, 3],
        0.5,
        seed=2,
        auxiliary_inputs=x[:, :, :1],
        next_inputs_fn=lambda outputs: outputs * 2.0,
    )
    outputs, state, lengths = decoded(tf, helper, gru(tf, 4))
    return outputs.rnn_output, state, lengths


@program
def fed_back(tf, x):
    helper = library(tf).InferenceHelper(
        lambda outputs: outputs * 2.0,
        [4],
        tf.float32,
        x[:, 0],
        lambda samples: tf.reduce_sum(samples, 1) > 0.5,
        next_inputs_fn=lambda samples: samples + 1.0,
    )
    return decoded(tf, helper, gru(tf, 4), maximum_iterations=4)


@program
def by_functions(tf, x):
    steps = tf.TensorArray(tf.float32, 3, clear_after_read=False)
    steps = steps.unstack(tf.transpose(x, [1, 0, 2]))

    def following(time, outputs, state, sample_ids):
        ended = time + 1 >= tf.constant([3, 2])
        inputs = tf.cond(
            tf.reduce_all(ended), lambda: x[:, 0], lambda: steps.read(time + 1)
        )
        inputs.set_shape([2, 4])
        return ended, inputs, state * 0.5

    helper = library(tf).CustomHelper(
        lambda: (tf.constant([False, False]), x[:, 0]),
        lambda time, outputs, state: outputs * tf.cast(time, tf.float32),
        following,
        sample_ids_shape=[3],
        sample_ids_dtype=tf.float32,
    )
    return decoded(tf, helper)


# ---------------------------------------------------------------------- attention


def attending(name, kind, **options):
    def run(tf, x):
        own = {k: v(tf) if callable(v) else v for k, v in options.items()}
        mechanism = getattr(library(tf), kind)(3, x, **own)
        state = mechanism.initial_state(2, tf.float32)
        first, state = mechanism(x[:, 0, :3], state)
        with tf.variable_scope("again"):
            return first, mechanism(x[:, 1, :3], state)

    PROGRAMS[name] = run


attending("bahdanau", "BahdanauAttention")
attending("bahdanau_normal", "BahdanauAttention", normalize=True)
attending("luong", "LuongAttention", memory_sequence_length=[3, 2], scale=True)
attending(
    "luong_hard",
    "LuongAttention",
    memory_sequence_length=[1, 3],
    score_mask_value=-2.0,
    probability_fn=lambda tf: library(tf).hardmax,
    custom_key_value_fn=lambda tf: lambda keys, values: (keys * 2.0, values),
)
attending(
    "bahdanau_monotonic",
    "BahdanauMonotonicAttention",
    memory_sequence_length=[3, 2],
    sigmoid_noise=0.5,
    sigmoid_noise_seed=3,
    score_bias_init=-1.0,
    normalize=True,
)
attending("monotonic_steps", "BahdanauMonotonicAttention", mode="recursive")
attending("luong_monotonic", "LuongMonotonicAttention", mode="hard", scale=True)


def wrapped(tf, x, **options):
    mechanism = library(tf).LuongAttention(3, x, [3, 2])
    return library(tf).AttentionWrapper(gru(tf), mechanism, **options)


@program
def wrapper(tf, x):
    cell = wrapped(tf, x)
    return cell(x[:, 0], zeros(tf, cell)), cell.output_size


@program
def wrapper_of_several(tf, x):
    lib = library(tf)
    mechanisms = [lib.LuongAttention(3, x, [3, 2]), lib.BahdanauAttention(2, x)]
    cell = lib.AttentionWrapper(
        gru(tf), mechanisms, [4, 3], initial_cell_state=x[:, 0, :3]
    )
    return cell(x[:, 0], zeros(tf, cell))


@program
def wrapper_of_layers(tf, x):
    cell = wrapped(
        tf,
        x,
        attention_layer=tf.layers.Dense(5, name="seen"),
        cell_input_fn=lambda inputs, attention: inputs + attention[:, :4],
        output_attention=False,
        name="mine",
    )
    state = zeros(tf, cell).clone(cell_state=x[:, 1, :3])
    return cell(x[:, 0], state)


@program
def wrapper_of_unknown_sizes(tf, x):
    """Replacing a state whose shape is not known makes assertions, which count."""
    given = tf.placeholder_with_default(x, [None, None, 4])
    cell = wrapped(tf, given)
    state = zeros(tf, cell, tf.shape(given)[0]).clone(cell_state=given[:, 1, :3])
    return cell(given[:, 0], state)


@program
def wrapper_in_a_loop(tf, x):
    cell = wrapped(tf, x, attention_layer_size=4, alignment_history=True)
    helper = library(tf).TrainingHelper(x, [3, 2])
    outputs, state, lengths = decoded(tf, helper, cell, units=6)
    return outputs, state.cell_state, state.alignment_history.stack(), lengths


# ---------------------------------------------------------------------- beams


def searched(tf, x, cell=None, width=3, first=None, **options):
    """What a search gives, less the scores of impossible beams."""
    lib = library(tf)
    cell = cell or gru(tf)
    state = zeros(tf, cell, 2 * width)
    if first is not None:
        first = lib.tile_batch(first, width)
        nested = not isinstance(state, tf.Tensor)
        state = state.clone(cell_state=first) if nested else first
    decoder = lib.BeamSearchDecoder(
        cell, table(tf), [1, 0], 2, state, width, tf.layers.Dense(6), **options
    )
    outputs, state, lengths = lib.dynamic_decode(decoder, maximum_iterations=5)
    steps = outputs.beam_search_decoder_output
    found = [outputs.predicted_ids, steps.predicted_ids, steps.parent_ids, lengths]
    return found, state.lengths, state.finished, state.log_probs[:, 0]


@program
def beams(tf, x):
    return searched(tf, x, first=x[:, 0, :3])


@program
def ten_beams(tf, x):
    return searched(tf, x, width=10, first=x[:, 0, :3])


@program
def long_beams(tf, x):
    return searched(tf, x, first=x[:, 1, :3], length_penalty_weight=0.6)


def looking(tf, x, **options):
    lib = library(tf)
    lengths = lib.tile_batch(tf.constant([3, 2]), 3)
    mechanism = lib.LuongAttention(3, lib.tile_batch(x, 3), lengths)
    return lib.AttentionWrapper(gru(tf), mechanism, **options)


@program
def looking_beams(tf, x):
    cell = looking(tf, x, attention_layer_size=4)
    return searched(tf, x, cell, first=x[:, 0, :3], coverage_penalty_weight=0.5)


@program
def remembering_beams(tf, x):
    """Alignments of all steps, in the order of the last beams."""
    lib, batch = library(tf), tf.placeholder_with_default([1, 0], [None])
    cell = looking(tf, x, alignment_history=True)
    state = zeros(tf, cell, 6).clone(cell_state=lib.tile_batch(x[:, 0, :3], 3))
    decoder = lib.BeamSearchDecoder(
        cell, table(tf), batch, 2, state, 3, tf.layers.Dense(6)
    )
    found, state, _ = lib.dynamic_decode(decoder, maximum_iterations=3)
    return found.predicted_ids, state.cell_state.alignment_history


@program
def beams_of_arrays(tf, x):
    module = sys.modules[library(tf).tile_batch.__module__]
    parents = tf.constant([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]]])
    values = tf.reshape(tf.cast(tf.range(18), tf.float32), [3, 1, 3, 2])
    lengths = tf.constant([[3, 2, 3]])
    return (
        library(tf).gather_tree(
            tf.constant([[[1, 2, 3]], [[4, 5, 9]], [[7, 8, 9]]]), parents, [3], 9
        ),
        module.gather_tree_from_array(values, parents, lengths),
        library(tf).tile_batch((x[:, 0], tf.constant([4, 5])), 2),
    )


# ---------------------------------------------------------------------- the rest


@program
def losses(tf, x):
    loss = library(tf).sequence_loss
    targets = tf.constant([[1, 3, 0], [0, 2, 2]])
    weights = tf.constant([[1.0, 0.5, 0.0], [2.0, 1.0, 0.0]])
    given = (x, targets, weights)
    return (
        loss(*given),
        loss(*given, average_across_timesteps=False),
        loss(*given, average_across_batch=False),
        loss(*given, average_across_timesteps=False, average_across_batch=False),
        loss(*given[:3], False, False, True, True),
        loss(*given[:3], False, False, True, False),
        loss(*given[:3], False, True, True, False),
        loss(
            *given,
            softmax_loss_function=lambda labels, logits: tf.reduce_sum(logits, 1),
        ),
    )


@program
def functions(tf, x):
    lib = library(tf)
    p, before = tf.sigmoid(x[0]), tf.nn.softmax(x[1])
    modes = ("recursive", "parallel", "hard")
    return (
        lib.hardmax(x),
        lib.safe_cumprod(p, axis=1, exclusive=True),
        [lib.monotonic_attention(tf.round(p), before, mode) for mode in modes],
        [lib.monotonic_attention(p, before, mode) for mode in modes],
    )


@program
def translation(tf, x):
    """An encoder both ways, and a decoder that is trained, then greedy, then wide."""
    lib, cells = library(tf), tf.nn.rnn_cell
    source, target = [[1, 3, 2], [4, 5, 0]], [[1, 4, 2], [1, 3, 5]]
    lengths, width = tf.constant([3, 2]), 10
    words = tf.get_variable("words", [6, 4])
    outputs, (forward, _) = tf.nn.bidirectional_dynamic_rnn(
        cells.BasicLSTMCell(3),
        cells.BasicLSTMCell(3),
        tf.nn.embedding_lookup(words, source),
        lengths,
        dtype=tf.float32,
    )
    memory = tf.concat(outputs, -1)
    layer = tf.layers.Dense(6, use_bias=False, name="logits")

    def attended(times):
        more = [lib.tile_batch(y, times) for y in (memory, lengths, forward)]
        with tf.variable_scope("attention", reuse=tf.AUTO_REUSE):
            mechanism = lib.BahdanauAttention(3, more[0], more[1])
        cell = lib.AttentionWrapper(cells.BasicLSTMCell(3), mechanism, 3)
        return cell, zeros(tf, cell, 2 * times).clone(cell_state=more[2])

    cell, state = attended(1)
    given = tf.nn.embedding_lookup(words, target)
    found, _, _ = lib.dynamic_decode(
        lib.BasicDecoder(cell, lib.TrainingHelper(given, [3, 2]), state, layer),
        scope="decoder",
    )
    loss = lib.sequence_loss(found.rnn_output, tf.constant(target), tf.ones([2, 3]))
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        helper = lib.GreedyEmbeddingHelper(words, [1, 1], 2)
        likely, _, _ = lib.dynamic_decode(
            lib.BasicDecoder(cell, helper, state, layer),
            maximum_iterations=4,
            scope="decoder",
        )
        cell, state = attended(width)
        search = lib.BeamSearchDecoder(
            cell, words, [1, 1], 2, state, width, layer, length_penalty_weight=1.0
        )
        best, _, _ = lib.dynamic_decode(search, maximum_iterations=4, scope="decoder")
    return loss, likely.sample_id, best.predicted_ids


# ------------------------------------------------------------------ what is refused


def refused(name):
    def keep(function):
        REFUSED[name] = function
        return function

    return keep


def attention(tf, x, **options):
    return library(tf).LuongAttention(3, x, **options)


def training(tf, x, **options):
    return library(tf).TrainingHelper(x, [3, 2], **options)


def basic(tf, x, first=None, cell=None):
    cell = cell or gru(tf)
    first = zeros(tf, cell) if first is None else first
    return library(tf).BasicDecoder(cell, training(tf, x), first)


def search(tf, x, width=3, first=None, start=(1, 1), end=2, layer=None, **options):
    cell = gru(tf)
    first = zeros(tf, cell, 2 * width) if first is None else first
    decoder = library(tf).BeamSearchDecoder(
        cell, tf.ones([6, 4]), start, end, first, width, layer, **options
    )
    return library(tf).dynamic_decode(decoder, maximum_iterations=3)


def wrap(tf, x, **options):
    return library(tf).AttentionWrapper(gru(tf), attention(tf, x), **options)


LOSS = [[1, 2, 3], [1, 2, 3]]
REFUSED.update(
    unknown_memory=lambda tf, x: attention(tf, tf.placeholder("float", [2, 4, None])),
    query_of_another_size=lambda tf, x: attention(tf, x)(x[:, 0], None),
    unknown_mode=lambda tf, x: library(tf).monotonic_attention(x, x, "soft"),
    lengths_of_others=lambda tf, x: attention(tf, x, memory_sequence_length=[1, 2, 3]),
    nothing_of_an_interface=lambda tf, x: library(tf).AttentionMechanism().state_size,
    wrapped_is_no_cell=lambda tf, x: library(tf).AttentionWrapper(3, attention(tf, x)),
    no_mechanism=lambda tf, x: library(tf).AttentionWrapper(gru(tf), 3),
    not_only_mechanisms=lambda tf, x: library(tf).AttentionWrapper(
        gru(tf), [attention(tf, x), 3]
    ),
    inputs_by_no_function=lambda tf, x: wrap(tf, x, cell_input_fn=3),
    sizes_for_one=lambda tf, x: wrap(tf, x, attention_layer_size=[3, 4]),
    size_and_layer=lambda tf, x: wrap(
        tf, x, attention_layer_size=3, attention_layer=tf.layers.Dense(3)
    ),
    layers_for_one=lambda tf, x: wrap(tf, x, attention_layer=[tf.layers.Dense(3)] * 2),
    zero_state_of_others=lambda tf, x: zeros(tf, wrap(tf, x), 3),
    cell_state_of_others=lambda tf, x: wrap(tf, x, initial_cell_state=tf.ones([3, 3])),
    clone_of_another_shape=lambda tf, x: zeros(tf, wrap(tf, x)).clone(
        cell_state=tf.ones([2, 4])
    ),
    clone_of_another_structure=lambda tf, x: zeros(tf, wrap(tf, x)).clone(
        cell_state=(x, x)
    ),
    decoded_is_no_cell=lambda tf, x: library(tf).BasicDecoder(3, training(tf, x), x),
    no_helper=lambda tf, x: library(tf).BasicDecoder(gru(tf), 3, x),
    no_layer=lambda tf, x: library(tf).BasicDecoder(gru(tf), training(tf, x), x, 3),
    no_decoder=lambda tf, x: library(tf).dynamic_decode(3),
    maximum_no_scalar=lambda tf, x: library(tf).dynamic_decode(
        basic(tf, x), maximum_iterations=[3]
    ),
    lengths_no_vector=lambda tf, x: library(tf).TrainingHelper(x, 4),
    too_early=lambda tf, x: library(tf).CustomHelper(1, 2, 3).batch_size,
    start_no_vector=lambda tf, x: library(tf).GreedyEmbeddingHelper(x[0], 1, 2),
    end_no_scalar=lambda tf, x: library(tf).GreedyEmbeddingHelper(x[0], [1], [2]),
    several_outputs=lambda tf, x: (
        library(tf).GreedyEmbeddingHelper(x[0], [1], 2).sample(0, (1,), 3)
    ),
    several_logits=lambda tf, x: (
        library(tf).SampleEmbeddingHelper(x[0], [1], 2).sample(0, [1], 3)
    ),
    probability_of_pairs=lambda tf, x: library(tf).ScheduledOutputTrainingHelper(
        x, [1, 2], [[0.5]]
    ),
    no_beam=lambda tf, x: search(tf, x, 0, tf.zeros([2, 3])),
    less_than_no_beam=lambda tf, x: search(tf, x, -1, tf.zeros([2, 3])),
    state_of_one_beam=lambda tf, x: search(tf, x, first=tf.zeros([2, 3])),
    state_of_another_size=lambda tf, x: search(tf, x, first=tf.zeros([6, 4])),
    state_of_another_structure=lambda tf, x: search(tf, x, first=(x, x)),
    state_of_unknown_rank=lambda tf, x: search(tf, x, first=tf.placeholder("float")),
    beams_start_no_vector=lambda tf, x: search(tf, x, start=1),
    beams_end_no_scalar=lambda tf, x: search(tf, x, end=[2]),
    beams_without_layer=lambda tf, x: search(tf, x, layer=3),
    coverage_without_attention=lambda tf, x: search(tf, x, coverage_penalty_weight=0.5),
    length_weight_no_scalar=lambda tf, x: search(tf, x, length_penalty_weight=[0.5]),
    tiles_of_a_scalar=lambda tf, x: library(tf).tile_batch(x[0, 0, 0], 3),
    loss_of_flat_logits=lambda tf, x: library(tf).sequence_loss(x[0], LOSS, LOSS),
    loss_of_flat_targets=lambda tf, x: library(tf).sequence_loss(x, x[0, 0], x[0]),
    loss_of_flat_weights=lambda tf, x: library(tf).sequence_loss(x, x[0], x[0, 0]),
    averages_and_sums=lambda tf, x: library(tf).sequence_loss(
        x, x[0], x[0], sum_over_batch=True
    ),
    parents_of_others=lambda tf, x: library(tf).gather_tree(
        np.ones([3, 1, 2]), np.ones([2, 1, 2]), [3], 9
    ),
)


@refused("another_structure_of_inputs")
def _another_structure(tf, x):
    class Own(library(tf).BasicDecoder):
        def step(self, *args, **kwargs):
            outputs, state, inputs, ended = super().step(*args, **kwargs)
            return outputs, state, (inputs, inputs), ended

    cell = gru(tf)
    decoder = Own(cell, training(tf, x), zeros(tf, cell))
    return library(tf).dynamic_decode(decoder)
