"""Runs the lines of backend_cases.txt and image_cases.txt, with either TensorFlow."""

import base64
import os
import re
import struct
import tempfile
import zlib

import layer_runs
import numpy as np
from layer_runs import nodes, pairs, sizes, wave


def numbered(shape, dtype="int32"):
    """Whole numbers from 0 to 4."""
    return (np.abs(wave(shape, 0.5)) * 5).astype(dtype)


class Inputs:
    """What the lines call for inputs; each has a wave of its own."""

    def __init__(self, tf):
        self.tf = tf
        self.feeds = {}
        self.count = 0

    def array(self, text):
        """The static shape and the value for `2x3`; in `2?x3` the 2 is not known."""
        self.count += 1
        parts = text.split("x") if text else []
        static = [None if size.endswith("?") else int(size) for size in parts]
        value = wave([int(size.rstrip("?")) for size in parts], self.count + 0.5, 1.5)
        return static, value

    def fed(self, static, value):
        """A placeholder, or in eager mode its value."""
        if self.tf.executing_eagerly():
            return self.tf.constant(value)
        x = self.tf.keras.backend.placeholder(static, dtype=value.dtype.name)
        self.feeds[x] = value
        return x

    def P(self, text):
        return self.fed(*self.array(text))

    def I(self, text):  # noqa: E743
        static, value = self.array(text)
        return self.fed(static, numbered(value.shape))

    def B(self, text):
        static, value = self.array(text)
        return self.fed(static, value > 0)

    def U(self, text):
        value = self.array(text)[1]
        return self.fed(None, value)

    def G(self, text):
        static, value = self.array(text)
        return self.fed(static, (value * 500).astype("int32").astype("uint8"))

    def F(self, text):
        static, value = self.array(text)
        return self.fed(static, np.abs(value) / 1.6)

    def V(self, text):
        return self.tf.keras.backend.variable(self.array(text)[1])

    def A(self, text):
        return self.array(text)[1]


def wave_file(*fields, data=b"data\x04\0\0\0\1\0\2\0"):
    """A WAVE file whose header has these fields."""
    return b"RIFF    WAVEfmt " + struct.pack("<IHHIIHH", *fields) + data


def words(text):
    """A file that holds a text."""
    path = os.path.join(tempfile.gettempdir(), "retrograd_words.txt")
    with open(path, "w") as stream:
        stream.write(text)
    return path


#: what a session makes to initialize variables, and gradients, of which others tell
ASIDE = re.compile("init |group_deps|VarIsInitializedOp|gradients/")
#: what gradients, loops and conditionals are called, which are built otherwise here
INSIDE = re.compile(
    "(?<=gradients)/.*|(/while|/TensorArray|/?cond/|/Merge|/Identity).*"
)


def made_nodes(graph):
    """Names and op types; none where assertions and branches lie between them."""
    found = nodes(graph)
    if any(
        node.endswith((" Assert", " Switch", " If", " StatelessIf")) for node in found
    ):
        return []
    return [node for node in found if not ASIDE.match(node)]


def described(tf, module, line, eager):
    """What a line makes; or the error."""
    tf.keras.backend.clear_session()
    tf.set_random_seed(3)
    np.random.seed(5)
    inputs = Inputs(tf)
    known = {"tf": tf, "K": tf.keras.backend, "np": np, "B_": module}
    known.update(base64=base64, wave_file=wave_file, words=words)

    def ready(*fetches):
        """Initialize tables, and run something."""
        if tf.executing_eagerly():
            return
        tf.keras.backend.get_session().run([tf.tables_initializer(), *fetches])

    known["ready"] = ready
    known.update({name: getattr(inputs, name) for name in "PIBUGFVA"})
    # a line may have steps before the expression that counts
    *steps, last = line.split("; ")
    try:
        for step in steps:
            exec(step, known)
        made = eval(last, known)
        found = {} if eager else {"nodes": made_nodes(tf.get_default_graph())}
        found["made"] = shown(tf, made, inputs.feeds)
        return found
    except Exception as error:
        text = re.sub("0x[0-9a-f]+", "0x", str(error))
        return {"error": [type(error).__name__, text.splitlines()[:1]]}


def plain(array):
    """Shape and elements; of bytes, which are long, their number and a checksum."""
    array = np.asarray(array)
    if array.dtype.kind in "OS":
        parts = [[len(x), zlib.crc32(x)] for x in array.ravel().tolist()]
        return [list(array.shape), parts]
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag])
    return layer_runs.plain(array)


def shown(tf, made, feeds):
    """A result as text, numbers, and what is known beforehand."""
    if isinstance(made, (list, tuple)):
        return [type(made).__name__, [shown(tf, x, feeds) for x in made]]
    if isinstance(made, dict):
        return {key: shown(tf, x, feeds) for key, x in made.items()}
    if isinstance(made, (np.ndarray, np.generic)):
        return [str(made.dtype), plain(made)]
    if isinstance(made, tf.SparseTensor):
        parts = [made.indices, made.values, made.dense_shape]
        return ["sparse", [shown(tf, x, feeds) for x in parts]]
    if isinstance(made, tf.Operation):
        tf.keras.backend.get_session().run(made, feeds)
        return ["operation", made.name]
    if tf.is_tensor(made) or isinstance(made, tf.Variable):
        static = None if made.shape.ndims is None else sizes(made.shape)
        if tf.executing_eagerly():
            return [made.dtype.name, static, "", plain(made.numpy())]
        value = tf.keras.backend.get_session().run(made, feeds)
        name = INSIDE.sub("", made.name)
        return [made.dtype.name, static, name, plain(value)]
    return repr(made)


def compared(found, wanted, close):
    """Compare all but numbers by equality; those by `close`."""
    if isinstance(wanted, list) and isinstance(found, list):
        assert len(found) == len(wanted), (found, wanted)
        if any(isinstance(x, float) for x in wanted):
            close(found, wanted)
            return
        for a, b in pairs(found, wanted):
            compared(a, b, close)
    elif isinstance(wanted, dict) and isinstance(found, dict):
        assert sorted(found) == sorted(wanted), (found, wanted)
        for key in wanted:
            compared(found[key], wanted[key], close)
    else:
        assert found == wanted, (found, wanted)
