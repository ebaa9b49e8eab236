"""What becomes of a function of `autograph_programs`: the same code asks both."""

import json

import numpy as np


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.decode()
    value = np.asarray(value)
    return [value.dtype.name, value.tolist()]


def outcome(tf, programs, function, args, options):
    """What a case gives: its value, or of an error the class, what it says, where."""
    features = options.get("features")
    if features:
        features = getattr(tf.autograph.experimental.Feature, features)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        given = [
            a.value if isinstance(a, programs.Plain) else tf.constant(a) for a in args
        ]
        traced = tf.function(function, experimental_autograph_options=features)
        try:
            result = traced(*given)
            session.run(tf.compat.v1.global_variables_initializer())
            found = None if result is None else session.run(result)
        except Exception as error:
            return {"error": told(error, programs)}
    return {"value": json.loads(json.dumps(plain(found)))}


def told(error, programs):
    """Of an error the class, the first line of what it says, the innermost line."""
    text = str(error)
    if not text.startswith("in converted code:"):
        kept = text.split("\n")[0].split("; in compilation of")[0]
        kept = kept.split(" assertion failed")[-1].split("assertion failed")[-1]
        return [
            type(error).__name__,
            kept.split("placeholder")[0].split("start")[0],
            "",
        ]
    lines = text.split("\n")
    at = max(i for i, line in enumerate(lines) if "autograph_programs.py:" in line)
    blank = max(
        i for i, line in enumerate(lines) if not line and lines[i - 1][:8] == " " * 8
    )
    return [type(error).__name__, lines[blank + 1].strip(), lines[at + 1].strip()]
