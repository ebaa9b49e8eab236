"""Signatures are those of TensorFlow 1.15, by tf_inspect and by Python's inspect."""

from __future__ import annotations

import gzip
import inspect
import pathlib
from typing import Any

from retrograd.compat import signatures, table
from retrograd.compat.namespace import look_up

DATA = pathlib.Path(__file__).parent.parent / "data" / "signatures.txt.gz"
LINES = gzip.decompress(DATA.read_bytes()).decode().splitlines()
NOTHING = object()
#: why a signature is another than TensorFlow's
OTHERS = {
    "data.Dataset": "made from its element spec, which TensorFlow's subclasses compute",
    "compat.v2.data.Dataset": "the same",
    "data.experimental.make_batched_features_dataset": "a default is a class of ours",
    "compat.v2.data.experimental.make_batched_features_dataset": "the same",
    "contrib.data.make_batched_features_dataset": "the same",
    "contrib.data.read_batch_features": "the same",
}


def shown(value: Any) -> str:
    """A default: by its text, or by its kind where that has an address."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    written = repr(value)
    return f"<{type(value).__name__}>" if " at 0x" in written else written


def text(spec: inspect.FullArgSpec) -> str:
    """`a, b=1, *args, **kwargs`; `self` and the like are left out."""
    names = [a for a in spec.args if a not in ("self", "cls", "_cls")]
    given = [shown(d) for d in spec.defaults or ()]
    plain = len(names) - len(given)
    parts = names[:plain]
    parts += [f"{n}={d}" for n, d in zip(names[plain:], given, strict=True)]
    parts += [f"*{spec.varargs}"] if spec.varargs else []
    parts += ["*"] if spec.kwonlyargs and not spec.varargs else []
    defaults = spec.kwonlydefaults or {}
    parts += [f"{name}={shown(defaults.get(name))}" for name in spec.kwonlyargs]
    parts += [f"**{spec.varkw}"] if spec.varkw else []
    return ", ".join(parts)


def found(name: str) -> Any:
    parent, _, last = name.rpartition(".")
    try:
        return look_up(parent, last)
    except table.NotProvided:
        return NOTHING


def plain(value: Any) -> inspect.FullArgSpec:
    """What Python's inspect says under `retrograd run`."""
    return signatures.seen(value, inspect.unwrap(inspect.getfullargspec))


def test_signatures():
    different, compared = [], 0
    for line in LINES:
        name, _, said = line.partition(": ")
        value = found(name)
        if value is NOTHING or name in OTHERS:
            continue
        by_tf, _, by_python = said.partition(" | ")
        ours = text(signatures.getfullargspec(value)), text(plain(value))
        theirs = by_tf, by_python or by_tf
        if ours != theirs:
            different.append((name, ours, theirs))
        compared += 1
    assert different == []
    assert compared > 1000


def test_others_are_others_still():
    said = dict(line.split(": ", 1) for line in LINES)
    for name in OTHERS:
        assert text(signatures.getfullargspec(found(name))) != said[name]


def test_no_annotations():
    for line in LINES:
        value = found(line.partition(": ")[0])
        if value is not NOTHING and str(value.__module__).startswith("retrograd."):
            assert signatures.getfullargspec(value).annotations == {}
            assert plain(value).annotations == {}


def test_what_a_program_sees(launcher):
    result = launcher.run(
        """
import inspect
import tensorflow as tf
from tensorflow.python.util import tf_inspect
print(inspect.getfullargspec(tf.reduce_sum))
print(inspect.getargspec(tf.reduce_sum))
print(tf_inspect.getfullargspec(tf.reduce_sum).args[:3])
print(inspect.getargspec(tf.eye).args[:3])
print(inspect.getfullargspec(tf.zeros_initializer)[:3])
print(tf_inspect.getargspec(tf.zeros_initializer)[:3])
def mine(a: int, *, b: float = 1.0): pass
print(inspect.getfullargspec(mine).annotations)
print(tf_inspect.getfullargspec(mine).annotations)
print(list(inspect.signature(tf.reduce_sum).parameters)[:2])
"""
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "FullArgSpec(args=[], varargs='args', varkw='kwargs', defaults=None, "
        "kwonlyargs=[], kwonlydefaults=None, annotations={})",
        "ArgSpec(args=[], varargs='args', keywords='kwargs', defaults=None)",
        "['input_tensor', 'axis', 'keepdims']",
        "['num_rows', 'num_columns', 'batch_shape']",
        "([], 'args', 'kwargs')",
        "([], 'args', 'kwargs')",
        "{'a': <class 'int'>, 'b': <class 'float'>}",
        "{'a': <class 'int'>, 'b': <class 'float'>}",
        "['input_tensor', 'axis']",
    ]


def test_no_annotations_are_seen_by_signature():
    for name in ("reduce_sum", "nn.conv2d", "train.AdamOptimizer", "Session"):
        value = found(name)
        bare = signatures.plain(value, inspect.signature(value))
        assert list(bare.parameters) == list(inspect.signature(value).parameters)
        assert ": " not in str(bare) and "->" not in str(bare)
    typed = inspect.signature(shown)
    assert signatures.plain(shown, typed) is typed
