"""What is said of names that are not provided."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import retrograd as tf
from retrograd.compat import absent, table
from retrograd.compat.absent import Kind
from retrograd.compat.namespace import namespace

TOP = Path(__file__).parent.parent / "data" / "top_names.txt"
SHARED = TOP.parent / "shared_names.txt.gz"


def test_each_name_directly_below_tf_is_known() -> None:
    names = TOP.read_text().split()
    assert [n for n in names if not absent.was_in_115("", n)] == []
    assert len(names) > 500


def test_names_of_inner_modules_are_known() -> None:
    with gzip.open(SHARED, "rt") as stream:
        places = [place for line in stream for place in line.split()]
    assert len(places) > 5000
    unknown = []
    for place in places[::7]:
        module, _, name = place.partition(":")
        space, _, last = name.rpartition(".")  # a public name stands after a colon
        path, name = (module, name) if module else (space, last)
        if not absent.was_in_115(path, name):
            unknown.append(place)
    assert unknown == []


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("", "mul", Kind.OLDER),
        ("", "initialize_all_variables", Kind.LATER),
        ("", "newaxis", Kind.LATER),
        ("", "no_such_name", Kind.NONE),
        ("", "nn", Kind.LATER),
        ("nn", "mul", Kind.NONE),
        ("nn", "rnn", Kind.OLDER),
        ("compat.v1.nn", "relu", Kind.LATER),
        ("compat.v1", "mul", Kind.NONE),
        ("compat.v2.nn", "xw_plus_b", Kind.NONE),
        ("train", "SummaryWriter", Kind.OLDER),
        ("contrib.ignite", "IgniteDataset", Kind.LATER),
        ("contrib", "nonexistent", Kind.NONE),
        ("contrib.slim.python.slim.learning", "train_step", Kind.LATER),
        ("raw_ops", "MatMul", Kind.LATER),
        ("raw_ops", "MatMull", Kind.NONE),
        ("python.ops.nn_ops", "_get_sequence", Kind.LATER),
        ("python.ops.nn_ops", "math_ops", Kind.LATER),
        ("python.ops.nn_ops", "nonexistent", Kind.NONE),
        ("python.ops.math_ops", "mat_mul", Kind.LATER),
        ("python.ops", "nn_ops", Kind.LATER),
        ("python.no_such_module", "name", Kind.UNKNOWN),
        ("Session", "nothing", Kind.UNKNOWN),
    ],
)
def test_what_a_name_is(path: str, name: str, kind: Kind) -> None:
    assert absent.kind_of(path, name) is kind


def test_successors_are_names_of_115_and_those_that_they_succeed_are_not() -> None:
    rows = absent._successors()
    assert len(rows) > 80
    for old, new in rows.items():
        parent, _, last = old.rpartition(".")
        assert absent.was_in_115(parent, last) is not True, old
        parent, _, last = new.rpartition(".")
        assert absent.was_in_115(parent, last) is True, new


def test_successors_that_are_provided_resolve() -> None:
    for new in ("multiply", "stack", "where", "global_variables_initializer"):
        assert new in absent._successors().values() or new in table.names().places
        assert callable(getattr(tf, new))


@pytest.mark.parametrize(
    ("path", "name", "lines"),
    [
        (
            "",
            "pack",
            ["  note: a name of older TensorFlow, not in 1.15", "  fix:  tf.stack"],
        ),
        (
            "contrib.ignite",
            "IgniteDataset",
            ["  note: in TensorFlow 1.15, not provided yet"],
        ),
        (
            "nn",
            "reluu",
            [
                "  note: not in TensorFlow 1.15",
                "  nearest: tf.nn.relu, tf.nn.relu6, tf.nn.crelu",
            ],
        ),
    ],
)
def test_what_an_error_says(path: str, name: str, lines: list[str]) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(namespace(path), name)
    assert str(caught.value).splitlines()[1:] == lines
    # nothing of how it was looked for
    assert caught.value.__context__ is None and caught.value.__cause__ is None
