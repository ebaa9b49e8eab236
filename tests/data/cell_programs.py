"""The cells of `tf.contrib`, which TensorFlow 1.15 and the tests run for two steps."""

import numpy as np
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
"""

PROGRAMS = dict(line.split(": ", 1) for line in CELLS.strip().splitlines())


#: what has the cells that are not public
inside = None


def known(tf):
    """The names that the lines above use."""
    return {
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
    if kind in ("", "reused"):
        return x
    sizes = [int(size) for size in kind.split("x")]
    count = int(np.prod(sizes))
    return tf.reshape(tf.tile(x, [1, count])[:, :count], (2, *sizes))


def steps(tf, x, name):
    """The outputs of two steps, the last state, and what to say of it."""
    text, _, kind = PROGRAMS[name].partition(" @ ")
    cell = eval(text, known(tf))
    state, outputs = cell.zero_state(2, tf.float32), []
    reuse = tf.AUTO_REUSE if kind == "reused" else None
    for place in range(2):
        with tf.variable_scope("net", reuse=reuse):
            output, state = cell(given(tf, x[:, place], kind), state)
        outputs.append(output)
    sizes = tf.nest.map_structure(lambda s: tf.TensorShape(s.shape), state)
    said = {
        "state_size": shown(tf, cell.state_size),
        "output_size": shown(tf, cell.output_size),
        "state": shown(tf, sizes),
    }
    if hasattr(cell, "_trainable_weights"):
        said["weights"] = [w.name for w in cell.trainable_weights]
    return (outputs, state), said


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
