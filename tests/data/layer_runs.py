"""Runs the lines of `layer_cases` with TensorFlow 1.15, or with what is like it."""

import math
import re

import numpy as np

#: nodes of conditionals, which have other op types here
INSIDE = re.compile(r"/cond")
LOOPS = {"Enter", "While", "StatelessWhile"}


def wave(shape, shift, scale=1.0):
    """Numbers of both signs, without ties, the same on both sides."""
    count = int(np.prod(shape))
    values = [math.sin(1.7 * i + shift) * scale for i in range(count)]
    return np.array(values, np.float32).reshape(shape)


def parsed(line):
    """The layer, the inputs as (static shape, value), the arguments, whether masked."""
    layer, shapes, arguments = [p.strip() for p in (line + "@@").split("@")[:3]]
    inputs = []
    for place, text in enumerate(shapes.split()):
        text, _, dtype = text.partition(":")
        sizes = text.split("x")
        static = [None if size.endswith("?") else int(size) for size in sizes]
        value = wave([int(size.rstrip("?")) for size in sizes], place + 0.5, 1.5)
        if dtype:
            value = (np.abs(value) * 3).astype(dtype)
        inputs.append((static, value))
    masked = arguments == "masked"
    return layer, inputs, "" if masked else arguments, masked


def shown(value):
    """A configuration as text: dictionaries sorted, code left out."""
    if isinstance(value, dict):
        parts = {k: shown(v) for k, v in value.items()}
        for kind in [k for k in value if value[k] == "lambda"]:
            parts[kind.replace("function_type", "function").replace("_type", "")] = "()"
        return "{" + ", ".join(f"{k!r}: {parts[k]}" for k in sorted(parts)) + "}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(shown(v) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    return repr(value)


def pairs(first, second):
    # Python 3.7, which TensorFlow 1.15 runs in, cannot be told to be strict
    assert len(first) == len(second)
    return [(x, second[i]) for i, x in enumerate(first)]


def nodes(graph):
    """Names and op types; none where there is a loop, which is built otherwise here."""
    found = [(n.name, n.op) for n in graph.as_graph_def().node]
    if any(op in LOOPS for _, op in found):
        return []
    return [f"{name} {op}" for name, op in found if not INSIDE.search(name)]


def sizes(shape):
    return [None if d is None else int(d) for d in shape.as_list()]


def described(tf, names, line):
    """What a call of a layer makes: names, shapes, numbers; or the error."""
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        np.random.seed(5)
        try:
            return succeeded(tf, names, line)
        except Exception as error:
            # the lines below the first of an error of an operation are of its place
            return {"error": [type(error).__name__, str(error).splitlines()[:1]]}


def succeeded(tf, names, line):
    layer, inputs, arguments, masked = parsed(line)
    keras, v2 = tf.keras, tf.compat.v2.keras.layers
    known = {**names, "tf": tf, "keras": keras, "v2": v2, "__name__": "__main__"}
    made = eval(layer, known)
    given = [tf.placeholder(v.dtype.name, static) for static, v in inputs]
    feeds = {x: value for x, (_, value) in pairs(given, inputs)}
    found = {}
    if masked:
        for x, (_, value) in pairs(given, inputs):
            x._keras_mask = tf.constant(wave(value.shape[:2], 0.2) > -0.5)
    if given:
        extra = eval(f"dict({arguments})", known)
        found["config before"] = shown(made.get_config())
        y = made(given if len(given) > 1 else given[0], **extra)
        found["nodes"] = nodes(tf.get_default_graph())
        found["static"] = sizes(y.shape)
        found.update(numbers(tf, made, given, y, feeds))
        found["promised"] = promised(made, [x.shape for x in given])
    found["config"] = shown(made.get_config())
    found["weights"] = [[w.name, sizes(w.shape)] for w in made.weights]
    found["trained"] = [w.name for w in made.trainable_weights]
    return found


def promised(made, static):
    try:
        shape = made.compute_output_shape(static if len(static) > 1 else static[0])
    except Exception as error:
        return type(error).__name__
    return sizes(shape)


def numbers(tf, made, given, y, feeds):
    """Values and gradients, with weights that are not those of an initializer."""
    floats = [x for x in given if x.dtype.is_floating]
    trained = made.trainable_weights
    loss = tf.reduce_sum(y * y * y)  # squares of what is normalized have no slope
    gradients = tf.gradients(loss, floats + trained)
    there = [g for g in gradients if g is not None]
    mask = getattr(y, "_keras_mask", None)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for place, weight in enumerate(made.weights):
            value = wave(weight.shape.as_list(), 0.3 * place + 2.0)
            if "variance" in weight.name or "stddev" in weight.name:
                value = np.abs(value) + 0.3
            weight.load(value, session)
        dense = [tf.convert_to_tensor(g) for g in there]
        masks = [] if mask is None else [mask]
        value, dys, losses, masks = session.run([y, dense, made.losses, masks], feeds)
        session.run(made.updates, feeds)
        others = session.run(made.non_trainable_weights)
    return {
        "value": plain(value),
        "reached": [g is not None for g in gradients],
        "gradients": [plain(g) for g in dys],
        "losses": [plain(x) for x in losses],
        "mask": [plain(x) for x in masks],
        "updated": [plain(x) for x in others],
    }


def plain(array):
    array = np.asarray(array)
    return [list(array.shape), [rounded(x) for x in array.ravel().tolist()]]


def rounded(x):
    return float(f"{x:.7g}") if isinstance(x, float) else x
