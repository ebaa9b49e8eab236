"""The inner modules hold what TensorFlow 1.15's hold."""

import gzip
import pathlib

import pytest

from retrograd.compat import inside, table
from retrograd.compat.namespace import look_up, namespace

DATA = pathlib.Path(__file__).parent.parent / "data"
GROUPS = gzip.decompress((DATA / "shared_names.txt.gz").read_bytes()).decode()
NOTHING = object()


def found(place: str) -> object:
    """What `module:name` is here, `:name` for a public name."""
    path, _, name = place.rpartition(":")
    if not path:
        path, _, name = name.rpartition(".")
    try:
        return look_up(path, name)
    except table.NotProvided:
        return NOTHING


def test_what_is_one_object_in_115_is_one_here():
    absent, different, whole = [], [], 0
    for line in GROUPS.splitlines():
        values = {place: found(place) for place in line.split()}
        there = {p: v for p, v in values.items() if v is not NOTHING}
        if not any(p.startswith(":") for p in there):
            continue  # a single op at most, which inner modules apply
        absent += [p for p in values if p not in there]
        first, *others = there.values()
        if any(other is not first for other in others):
            different.append(line.split()[0])
        whole += 1
    assert whole > 900
    assert absent == []
    assert different == []


@pytest.mark.parametrize(
    ("module", "name", "public"),
    [
        ("python.ops.nn", "relu", "nn.relu"),
        ("python.ops.nn", "l2_loss", "nn.l2_loss"),
        ("python.ops.math_ops", "reduce_sum_v1", "reduce_sum"),
        ("python.framework.ops", "Graph", "Graph"),
        ("python.training.training", "AdamOptimizer", "train.AdamOptimizer"),
        ("python.ops.array_ops", "quantize_and_dequantize_v3", None),
    ],
)
def test_names_of_other_modules(module, name, public):
    value = getattr(namespace(module), name)
    if public is not None:
        parent, _, last = public.rpartition(".")
        assert value is look_up(parent, last)


def test_modules_within_modules():
    nn = namespace("python.ops.nn")
    assert nn.math_ops is namespace("python.ops.math_ops")
    assert nn._nn_ops is namespace("python.ops.nn_ops")
    assert namespace("python.framework.ops").context is namespace(
        "python.eager.context"
    )
    import numpy

    assert namespace("python.ops.math_ops").np is numpy


def test_constants():
    cells = namespace("python.ops.rnn_cell_impl")
    assert cells._BIAS_VARIABLE_NAME == "bias"
    assert namespace("python.framework.random_seed").DEFAULT_GRAPH_SEED == 87654321


def test_what_our_module_imports_is_no_name_of_theirs():
    flags = namespace("flags")
    assert not hasattr(flags, "annotations") and not hasattr(flags, "functools")
    assert not hasattr(namespace("python.ops.array_ops"), "Any")


def test_a_name_is_found_at_home_only():
    assert inside.home("compat.v2.reduce_sum") == ("python.ops.math_ops", "reduce_sum")
    assert inside.home("compat.v2.math.reduce_sum") == inside.home(
        "compat.v2.reduce_sum"
    )
    assert inside.home("nn.relu") == ("python.ops.gen_nn_ops", "relu")
    assert inside.home("no_such_name") is None


def test_what_a_module_takes_of_another():
    assert "python.ops.nn_impl" in inside.origins("python.ops.nn", "moments")
    assert {"relu", "moments", "math_ops"} <= inside.names_of("python.ops.nn")
    assert "python.ops.gen_math_ops" not in inside.origins("python.ops.math_ops", "mod")
    assert inside.names_of("python.ops.no_such_module") == set()


def test_modules_of_115():
    assert "array_ops" in inside.modules()["python.ops"]
    assert "rnn" in inside.modules()["contrib"]
    assert inside.has_module("python.ops.array_ops")
    assert inside.has_module("core.framework.graph_pb2")
    assert not inside.has_module("contrib.nccl")


def test_single_ops_of_a_generated_module():
    module = namespace("python.ops.gen_nn_ops")
    assert module.Relu.__name__ == "Relu"
    assert not hasattr(module, "MatMul") and not hasattr(module, "mat_mul")
