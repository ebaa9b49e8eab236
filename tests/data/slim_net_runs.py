"""Builds the networks of slim: under TensorFlow 1.15 and under retrograd alike.

Imported by `make_slim_nets.py` under Python 3.7 and by the tests.
"""

import hashlib
import importlib

import numpy as np

NETS = "tensorflow.contrib.slim.python.slim.nets."
#: module, function, side of the images, more arguments
CASES = {
    "vgg_a": ("vgg", "vgg_a", 224, dict(num_classes=5)),
    "vgg_16": ("vgg", "vgg_16", 256, dict(num_classes=5, spatial_squeeze=False)),
    "alexnet": ("alexnet", "alexnet_v2", 224, dict(num_classes=5)),
    "overfeat": ("overfeat", "overfeat", 231, dict(is_training=False)),
    "inception_v1": ("inception", "inception_v1", 224, dict(num_classes=5)),
    "inception_v2": ("inception", "inception_v2", 64, dict(depth_multiplier=0.3)),
    "inception_v3": ("inception", "inception_v3", 149, dict(is_training=False)),
    "resnet_v1_50": ("resnet_v1", "resnet_v1_50", 64, dict(num_classes=5)),
    "resnet_v2_50": (
        "resnet_v2",
        "resnet_v2_50",
        65,
        dict(is_training=False, output_stride=8, global_pool=False, num_classes=5),
    ),
}
#: small residual networks, whose values are compared too
SMALL = ("resnet_v1", "resnet_v2")


def digest(lines):
    """A short name of lines of text."""
    return hashlib.sha1("\n".join(lines).encode()).hexdigest()[:16]


def listing(graph):
    """The operations of a graph, a line each."""
    found = []
    for op in graph.get_operations():
        inputs = " ".join(t.name for t in op.inputs)
        shapes = " ".join(str(t.shape) for t in op.outputs)
        found.append(f"{op.name} {op.type} [{inputs}] {shapes}")
    return found


def build(tf, case, module):
    """The lines of operations, and what else is known of a network."""
    _, name, side, arguments = CASES[case]
    if name.startswith("resnet"):
        scope_name = "resnet_arg_scope"
    elif name.startswith("vgg"):
        scope_name = "vgg_arg_scope"
    else:
        scope_name = name + "_arg_scope"
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [2, side, side, 3])
        with tf.contrib.framework.arg_scope(getattr(module, scope_name)()):
            logits, end_points = getattr(module, name)(images, **arguments)
        forward = listing(graph)
        found = {
            "logits": [logits.name, str(logits.shape)],
            "end_points": [
                len(end_points),
                digest(f"{k} {v.name}" for k, v in end_points.items()),
            ],
            "variables": [
                len(tf.global_variables()),
                digest(v.name + str(v.shape) for v in tf.global_variables()),
            ],
            "collections": {
                key: [len(values), digest(v.name for v in values)]
                for key, values in (
                    (key, tf.get_collection(key))
                    for key in sorted(graph.get_all_collection_keys())
                )
                if all(hasattr(v, "name") for v in values)
            },
            "operations": [len(forward), digest(forward)],
        }
    return forward, found


def _values(shape, phase):
    """Numbers that are neither equal nor ordered."""
    count = int(np.prod(shape))
    return np.sin(np.arange(count) * 1.7 + phase).reshape(shape).astype("float32")


def values(tf, name, module):
    """Logits of a small network in training, and the sizes of its gradients."""
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.constant(_values([2, 17, 17, 2], 0))
        blocks = [
            getattr(module, name + "_block")("a", 2, 2, 2),
            getattr(module, name + "_block")("b", 3, 1, 1),
        ]
        with tf.contrib.framework.arg_scope(module.resnet_arg_scope()):
            logits, _ = getattr(module, name)(images, blocks, num_classes=3)
        loss = tf.reduce_sum(tf.sin(logits)) + tf.losses.get_regularization_loss()
        trained = tf.trainable_variables()
        slopes = tf.gradients(loss, trained)
        fed = {v: _values(v.shape.as_list(), i) for i, v in enumerate(trained)}
        session.run(tf.global_variables_initializer())
        session.run([v.assign(x) for v, x in fed.items()])
        found, sums = session.run([logits, slopes])
        pairs = [(v, sums[i]) for i, v in enumerate(trained)]
        return {
            "logits": found.ravel().tolist(),
            "gradients": {v.name: float(np.abs(g).sum()) for v, g in pairs},
        }


def module_of(case):
    """The module of a network, by TensorFlow's name."""
    return importlib.import_module(NETS + CASES[case][0])
