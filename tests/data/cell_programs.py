"""The cells of `tf.contrib`, which TensorFlow 1.15 and the tests run for two steps."""

import numpy as np
from layer_runs import wave
from recurrent_programs import described_run

#: by name: the cell, and the shape of its inputs where that is not [2, 4]
CELLS = """
layer_norm_basic: c.LayerNormBasicLSTMCell(3)
layer_norm_off: c.LayerNormBasicLSTMCell(3, 0.5, None, tf.nn.relu, False)
layer_norm_drops: c.LayerNormBasicLSTMCell(3, **dropped)
layer_norm: r.LayerNormLSTMCell(3)
layer_norm_all: r.LayerNormLSTMCell(3, True, 0.7, ones, 2, 0.5, layer_norm=True)
coupled: coupled(3)
coupled_all: coupled(3, True, None, 2, 0.5, 1, 2, layer_norm=True)
coupled_joined: coupled(3, num_unit_shards=2, state_is_tuple=False)
weight_norm: r.WeightNormLSTMCell(3)
weight_norm_all: r.WeightNormLSTMCell(3, True, True, 0.7, None, 2, 0.5)
weight_norm_none: r.WeightNormLSTMCell(3, False)
output_projection: c.OutputProjectionWrapper(c.GRUCell(3), 2, tf.nn.relu)
input_projection: c.InputProjectionWrapper(c.BasicLSTMCell(3), 2)
attention: c.AttentionCellWrapper(c.GRUCell(3), 2)
attention_sizes: c.AttentionCellWrapper(c.BasicLSTMCell(3), 2, 5, 6, 2)
attention_joined: c.AttentionCellWrapper(c.GRUCell(3), 2, state_is_tuple=False)
highway: c.HighwayWrapper(c.GRUCell(4)) @ reused
highway_both: c.HighwayWrapper(c.GRUCell(4), False, 0.5) @ reused
compiled: c.CompiledWrapper(c.GRUCell(2))
ugrnn: c.UGRNNCell(3)
intersection: c.IntersectionRNNCell(4)
intersection_projected: c.IntersectionRNNCell(3, num_in_proj=3)
nas: c.NASCell(3)
nas_all: c.NASCell(3, num_proj=2, use_bias=True)
groups: c.GLSTMCell(4, number_of_groups=2)
groups_projected: c.GLSTMCell(4, number_of_groups=2, num_proj=2)
phased: c.PhasedLSTMCell(3) @ timed
phased_peepholes: c.PhasedLSTMCell(3, True, trainable_ratio_on=False) @ timed
sru: c.SRUCell(3)
ind_rnn: c.IndRNNCell(3)
indy_gru: c.IndyGRUCell(3)
indy_lstm: c.IndyLSTMCell(3)
minimal: r.MinimalRNNCell(3)
cfn: r.CFNCell(3)
lstm_block: c.LSTMBlockCell(3)
lstm_block_peepholes: c.LSTMBlockCell(3, 0.5, 0.4, True)
gru_block: c.GRUBlockCell(3)
gru_block_v2: c.GRUBlockCellV2(3)
line: c.Conv1DLSTMCell(input_shape=[3, 2], output_channels=2, kernel_shape=[3]) @ 3x2
image: c.Conv2DLSTMCell(**image) @ 3x2x2
volume: c.Conv3DLSTMCell(**volume) @ 2x2x2x1
image_beside: c.Conv2DLSTMCell(skip_connection=True, **image) @ once 3x2x2
frequencies: c.TimeFreqLSTMCell(2, feature_size=2, frequency_skip=2) @ frequencies
frequencies_all: c.TimeFreqLSTMCell(2, True, 0.5, None, 2, 1.0, 2) @ frequencies
grid: c.GridLSTMCell(2, frequency_skip=2, num_frequency_blocks=[2], **seen)
grid_all: c.GridLSTMCell(2, True, False, 0.5, **three)
grid_shared: c.GridLSTMCell(2, True, True, **three)
grid_coupled: c.GridLSTMCell(2, True, couple_input_forget_gates=True, **blocks)
grid_joined: c.GridLSTMCell(2, num_unit_shards=2, state_is_tuple=False, **blocks)
grid_both: c.BidirectionalGridLSTMCell(2, **blocks)
grid_moved: c.BidirectionalGridLSTMCell(2, True, True, backward_slice_offset=1, **three)
turing: r.NTMCell(c.LSTMCell(3), 5, 2, 2, 1)
turing_far: r.NTMCell(c.GRUCell(3), 7, 2, 1, 2, 2, 3, 2.0)
cudnn_lstm: tf.contrib.cudnn_rnn.CudnnCompatibleLSTMCell(3)
cudnn_gru: tf.contrib.cudnn_rnn.CudnnCompatibleGRUCell(3)
lstm_weights: tf.contrib.cudnn_rnn.CudnnParamsFormatConverterLSTM(2, 3, 4) @ weights 8
gru_weights: tf.contrib.cudnn_rnn.CudnnParamsFormatConverterGRU(2, 3, 4) @ weights 6
plain_weights: tf.contrib.cudnn_rnn.CudnnParamsFormatConverterTanh(2, 3, 4) @ weights 2
whole: c.LSTMBlockFusedCell(3, 0.5, 0.4) @ whole
whole_lengths: c.LSTMBlockFusedCell(3, use_peephole=True) @ lengths
whole_turned: c.TimeReversedFusedRNN(c.LSTMBlockFusedCell(3)) @ whole
adapted: c.FusedRNNCellAdaptor(c.GRUCell(3)) @ whole
adapted_loop: c.FusedRNNCellAdaptor(c.BasicLSTMCell(3), True) @ lengths
turned: c.TimeReversedFusedRNN(c.FusedRNNCellAdaptor(c.GRUCell(3))) @ lengths
"""

PROGRAMS = dict(line.split(": ", 1) for line in CELLS.strip().splitlines())


#: what has the cells that are not public
inside = None


def known(tf):
    """The names that the lines above use."""
    seen = {"feature_size": 2}
    bounds = {"start_freqindex_list": [0, 2], "end_freqindex_list": [3, 4]}
    image = {"input_shape": [3, 2, 2], "output_channels": 2, "kernel_shape": [3, 2]}
    volume = {"output_channels": 2, "kernel_shape": [2, 1, 2]}
    return {
        "seen": seen,
        "three": dict(seen, frequency_skip=1, num_frequency_blocks=[3]),
        "blocks": dict(seen, frequency_skip=1, num_frequency_blocks=[2, 1], **bounds),
        "image": image,
        "volume": dict(volume, input_shape=[2, 2, 2, 1]),
        "tf": tf,
        "c": tf.contrib.rnn,
        "r": inside,
        "dropped": {"dropout_keep_prob": 0.6, "dropout_prob_seed": 5},
        "ones": tf.ones_initializer(),
        "coupled": tf.contrib.rnn.CoupledInputForgetGateLSTMCell,
    }


def given(tf, x, kind):
    """What a step is given, of x [2, 4]."""
    if kind == "timed":
        return x[:, :1] * 9, x
    if "x" not in kind:
        return x
    sizes = [int(size) for size in kind.split()[-1].split("x")]
    count = int(np.prod(sizes))
    return tf.reshape(tf.tile(x, [1, count])[:, :count], (2, *sizes))


def steps(tf, x, name):
    """The outputs of two steps, the last state, and what to say of it."""
    text, _, kind = PROGRAMS[name].partition(" @ ")
    cell = eval(text, known(tf))
    if kind.startswith("weights"):
        return converted(tf, cell, int(kind.split()[-1])), {}
    if kind in ("whole", "lengths"):
        lengths = [2, 1] if kind == "lengths" else None
        steps = tf.transpose(x, [1, 0, 2])
        found = cell(steps, dtype=tf.float32, sequence_length=lengths)
        return found, {"state": shown(tf, shapes_of(tf, found[1]))}
    state, outputs = cell.zero_state(2, tf.float32), []
    if kind == "frequencies":
        state = tf.zeros([2, 12 if cell._frequency_skip == 1 else 8])
    reuse = tf.AUTO_REUSE if kind == "reused" else None
    for place in range(1 if kind.startswith("once") else 2):
        with tf.variable_scope("net", reuse=reuse):
            output, state = cell(given(tf, x[:, place], kind), state)
        outputs.append(output)
    said = {
        "state_size": shown(tf, cell.state_size),
        "output_size": shown(tf, cell.output_size),
        "state": shown(tf, shapes_of(tf, state)),
    }
    if hasattr(cell, "_trainable_weights"):
        said["weights"] = [w.name for w in cell.trainable_weights]
    return (outputs, state), said


def converted(tf, converter, each):
    """Weights of cuDNN for two layers of three units as those of cells, and back."""
    half = [(3, 3)] * (each // 2)
    shapes = [(3, 4)] * (each // 2) + half * 3
    weights = [tf.constant(wave(s, float(i))) for i, s in enumerate(shapes)]
    biases = [tf.constant(wave((3,), 0.7 * i)) for i in range(2 * each)]
    found = converter._cu_canonical_to_tf_canonical(weights, biases)
    back = converter._tf_canonical_to_cu_canonical([*found[0], *found[1]], None)
    return found, back


def shapes_of(tf, state):
    return tf.nest.map_structure(
        lambda s: tf.TensorShape(getattr(s, "shape", ())), state
    )


def shown(tf, sizes):
    """Sizes as text, the same on both sides."""
    if isinstance(sizes, tf.TensorShape):
        return str(sizes.as_list())
    if isinstance(sizes, (list, tuple)):
        names = " ".join(getattr(sizes, "_fields", ()))
        parts = ", ".join(shown(tf, size) for size in sizes)
        return type(sizes).__name__ + f"({names}: {parts})"
    return str(sizes)


def described(tf, name):
    """What a cell computes, with its gradients, variables and states."""
    kept = {}

    def run(tf, x):
        found, said = steps(tf, x, name)
        kept.update(said)
        return found

    return dict(described_run(tf, run), **kept)
