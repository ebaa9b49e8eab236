"""Values that differ between replicas, or are copies."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest

import retrograd as tf
from retrograd import nest
from retrograd.distribute.devices import ReplicaDeviceMap
from retrograd.distribute.values import (
    Mirrored,
    PerReplica,
    regroup,
    select_device_mirrored,
    select_replica,
    value_container,
)

Pair = namedtuple("Pair", ["x", "y"])


@pytest.fixture
def both(graph: Any) -> ReplicaDeviceMap:
    return ReplicaDeviceMap(["cpu:0", "cpu:1"])


def test_regrouping(both: ReplicaDeviceMap) -> None:
    same = object()
    found = regroup(
        both,
        (
            {"a": [1, (2.5, same)], "b": Pair("x", None)},
            {"a": [3, (4.5, same)], "b": Pair("y", None)},
        ),
    )
    assert list(found) == ["a", "b"]
    assert found["a"][0].values == (1, 3)
    assert found["a"][1][0].values == (2.5, 4.5)
    assert found["a"][1][1] is same
    assert isinstance(found["b"], Pair)
    assert found["b"].x.values == ("x", "y")
    assert found["b"].y is None
    assert select_replica(1, found) == {
        "a": [3, (4.5, same)],
        "b": Pair("y", None),
    }


def test_structures_must_be_alike(both: ReplicaDeviceMap) -> None:
    for first, second in (([1], [1, 2]), ({"a": 1}, {"b": 1}), ([1], (1,))):
        with pytest.raises(AssertionError):
            regroup(both, (first, second))


def test_which_value_is_meant(both: ReplicaDeviceMap, mirrored: Any) -> None:
    copies = Mirrored(both, ("first", "second"))
    assert copies.get() == "first"  # in the only replica of the default strategy
    assert copies.get("/cpu:1") == "second"
    with mirrored.scope():
        assert copies.get() == "first"
        with tf.device("/cpu:1"):
            assert copies.get() == "second"
    found: list[Any] = []
    mirrored.experimental_run_v2(lambda: found.append(copies.get()))
    assert found == ["first", "second"]
    assert select_device_mirrored(both.all_devices[1], [copies, 3]) == ["second", 3]
    own = PerReplica(both, (1, 2))
    with (
        mirrored.scope(),
        pytest.raises(TypeError, match="PerReplica has no value for"),
    ):
        own.get()


def test_copies_act_as_the_one_at_work(both: ReplicaDeviceMap) -> None:
    copies = Mirrored(both, ("ab", "cd"))
    assert copies.upper() == "AB"
    assert copies + "c" == "abc"
    assert copies[0] == "a"
    assert copies < "b"
    number = Mirrored(both, (7, 7))
    assert (number - 1, 1 - number, number * 2, number % 4) == (6, -6, 14, 3)
    assert (number // 2, number / 2, 2**number, -number, ~number) == (
        3,
        3.5,
        128,
        -7,
        -8,
    )
    assert (number & 3, number | 8, number ^ 1, 8 | number) == (3, 15, 6, 15)


def test_as_parts_of_structures(both: ReplicaDeviceMap) -> None:
    own = PerReplica(both, (tf.constant(1.0), tf.constant([2.0])))
    assert nest.flatten({"k": own}) == [own]
    with pytest.raises(ValueError, match="not supported in replica context"):
        tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"]).experimental_run_v2(
            lambda: nest.flatten(own, expand_composites=True)
        )
    assert nest.flatten(own, expand_composites=True) == list(own.values)
    spec = own._type_spec
    assert spec._component_specs[1].shape == [1]
    again = type(spec)(*spec._serialize())
    assert again == spec or again._serialize() == spec._serialize()
    packed = spec._from_components(["a", "b"])
    assert packed.values == ("a", "b")
    assert packed.is_tensor_like is False and own.is_tensor_like is True


def test_copies_know_their_variable(graph: Any, mirrored: Any) -> None:
    with mirrored.scope():
        variable = tf.Variable(1.0)
    first, second = variable.values
    assert value_container(second) is variable
    assert value_container(variable) is variable
    assert value_container(3) == 3
    assert regroup(variable.device_map, (first, second)) is variable
    assert mirrored.extended.value_container(first) is variable
