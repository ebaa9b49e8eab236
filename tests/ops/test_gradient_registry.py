"""Which op types have a gradient, pass none on, or are an error when they are reached.

TensorFlow 1.15 knows three cases, and a program sees which it is: a value, None, or a
LookupError.
"""

from __future__ import annotations

import pathlib

import pytest

import retrograd as tf
from retrograd.ops import declare

DATA = pathlib.Path(__file__).parents[1] / "data" / "gradients.txt"

#: function calls: TensorFlow differentiates their bodies without an entry, or not at
#: all (docs/design.md, Fidelity)
CALLS = {
    "PartitionedCall": "no entry",
    "StatefulPartitionedCall": "no entry",
    "RemoteCall": "no entry",
    "SymbolicGradient": "no entry",
}


def theirs() -> dict[str, str]:
    """What 1.15.5 has for each of its op types."""
    found, kind = {}, ""
    for line in DATA.read_text("utf-8").splitlines()[1:]:
        if line.startswith("["):
            kind = line[1:-1]
        else:
            found.update(dict.fromkeys(line.split(), kind))
    return found


def ours(op_type: str) -> str:
    try:
        function = declare.gradient_registry.lookup(op_type)
    except LookupError:
        return "no entry"
    return "not differentiable" if function is None else "function"


def test_the_registry_is_that_of_tensorflow() -> None:
    declare.load_all()
    known = theirs()
    differing = {
        op_type: known[op_type]
        for op_type in declare.index()
        if ours(op_type) != known.get(op_type, ours(op_type))
    }
    assert differing == CALLS


def _scattered(x: tf.Tensor) -> tf.Tensor:
    v = tf.get_variable("v", [3], use_resource=False)
    return tf.scatter_update(v, [0], x)


@pytest.mark.parametrize(
    ("build", "op_type"),
    [
        (_scattered, "ScatterUpdate"),
        (tf.random_shuffle, "RandomShuffle"),
        (lambda x: tf.random_poisson(x, []), "RandomPoissonV2"),
        (
            lambda x: tf.raw_ops.ClipByValue(
                t=x, clip_value_min=0.0, clip_value_max=1.0
            ),
            "ClipByValue",
        ),
    ],
)
def test_what_has_no_entry_is_an_error(build, op_type: str) -> None:
    with tf.Graph().as_default():
        x = tf.constant([0.5])
        y = build(x)
        op = next(
            o for o in tf.get_default_graph().get_operations() if o.type == op_type
        )
        with pytest.raises(LookupError) as caught:
            tf.gradients(y, x)
    assert str(caught.value).splitlines()[0] == (
        f"No gradient defined for operation '{op.name}' (op type: {op_type})"
    )


def test_what_passes_none_on_is_none() -> None:
    with tf.Graph().as_default():
        v = tf.get_variable("v", [3], use_resource=False)
        x = tf.constant([0.5])
        assert tf.gradients(tf.scatter_add(v, [0], x), x) == [None]
