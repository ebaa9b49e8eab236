"""Batches for replicas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf

Dataset = tf.data.Dataset


def _batches() -> Any:
    return Dataset.from_tensor_slices({"x": np.arange(10)}).batch(4)


def test_contexts() -> None:
    found = tf.distribute.InputContext(3, 1, 4)
    assert (found.num_input_pipelines, found.input_pipeline_id) == (3, 1)
    assert found.num_replicas_in_sync == 4
    assert found.get_per_replica_batch_size(8) == 2
    with pytest.raises(
        ValueError, match="The `global_batch_size` 6 is not divisible by"
    ):
        found.get_per_replica_batch_size(6)


def test_batches_are_shared_out(graph: Any, mirrored: Any) -> None:
    iterator = mirrored.make_dataset_iterator(_batches())
    assert iterator.output_types == {"x": tf.int64}
    assert iterator.output_shapes["x"].as_list() == [None]
    assert iterator.output_classes == {"x": tf.Tensor}
    element = mirrored.unwrap(iterator.get_next()["x"])
    with tf.Session() as session:
        for _ in range(2):
            session.run(iterator.initializer)
            found = [[v.tolist() for v in session.run(element)] for _ in range(3)]
            assert found == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8], [9]]]
            with pytest.raises(tf.errors.OutOfRangeError):
                session.run(element)


def test_each_replica_gets_a_batch_of_a_function(graph: Any, mirrored: Any) -> None:
    seen: list[int] = []

    def make(found: Any) -> Any:
        seen.append(found.num_replicas_in_sync)
        return Dataset.range(6).batch(found.get_per_replica_batch_size(4))

    iterator = mirrored.make_input_fn_iterator(make)
    doubled = mirrored.experimental_run(lambda x: 2 * x, iterator)
    assert seen == [2]
    with tf.Session() as session:
        session.run(iterator.initialize())
        first, second = session.run(mirrored.unwrap(doubled))
    assert (first.tolist(), second.tolist()) == ([0, 2], [4, 6])
    with pytest.raises(
        ValueError, match="Input replication mode not supported: 'each'"
    ):
        mirrored.make_input_fn_iterator(make, "each")


def test_eager_batches(eager: Any, mirrored: Any) -> None:
    shared = mirrored.experimental_distribute_dataset(_batches())
    for _ in range(2):
        rows = [
            [v.numpy().tolist() for v in mirrored.unwrap(element["x"])]
            for element in shared
        ]
        assert rows == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8], [9]]]
    made = mirrored.experimental_distribute_datasets_from_function(
        lambda found: Dataset.range(2).batch(1)
    )
    iterator = made.make_one_shot_iterator()
    assert [v.numpy().tolist() for v in mirrored.unwrap(next(iterator))] == [[0], [1]]
    with pytest.raises(StopIteration):
        next(iterator)
    assert iterator.initialize() == []
    assert len(mirrored.unwrap(iterator.get_next())) == 2


def test_graphs_have_no_python_iterators(graph: Any, mirrored: Any) -> None:
    shared = mirrored.experimental_distribute_dataset(_batches())
    with pytest.raises(RuntimeError, match=r"__iter__\(\) is only supported inside"):
        iter(shared)
    iterator = shared.make_initializable_iterator()
    value = mirrored.reduce("sum", iterator.get_next()["x"], 0)
    with tf.Session() as session:
        session.run(iterator.initializer)
        assert session.run(value) == 6


@pytest.mark.parametrize("kind", ["default", "one"])
def test_a_single_replica_gets_whole_batches(kind: str, graph: Any) -> None:
    strategy = tf.distribute.get_strategy()
    if kind == "one":
        strategy = tf.distribute.OneDeviceStrategy("cpu:0")
    iterator = strategy.make_dataset_iterator(_batches())
    value = iterator.get_next()["x"]
    with tf.Session() as session:
        session.run(iterator.initialize())
        assert session.run(value).tolist() == [0, 1, 2, 3]


def test_the_default_strategy_gives_datasets_back(graph: Any) -> None:
    strategy, dataset = tf.distribute.get_strategy(), _batches()
    assert strategy.experimental_distribute_dataset(dataset) is dataset
    assert (
        strategy.experimental_distribute_datasets_from_function(lambda found: dataset)
        is dataset
    )


def test_datasets_of_arrays(eager: Any, mirrored: Any) -> None:
    made = mirrored.experimental_make_numpy_dataset((np.arange(3), np.ones([3, 2])))
    assert made.output_types == (tf.int64, tf.float64)
    assert [int(x) for x, _ in made] == [0, 1, 2]
