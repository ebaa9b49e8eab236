"""Ops of datasets that programs reach by no function, or by an older name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd import dtypes, errors
from retrograd.graph import context
from retrograd.ops.declare import F

NUMBERS = {"output_types": [dtypes.int64], "output_shapes": [()]}
BATCHES = {"output_types": [dtypes.int64], "output_shapes": [(None,)]}


@pytest.fixture(autouse=True)
def eager() -> Any:
    with context.eager_mode():
        yield


def numbers(*limits: int) -> Any:
    return F.RangeDataset(*limits, **NUMBERS)


def listed(dataset: Any) -> list[Any]:
    return [np.asarray(element[0]).tolist() for element in dataset._value]


def function(body: Any, *specs: Any) -> Any:
    from retrograd.data.functions import function_of

    given = specs[0] if len(specs) == 1 else specs
    made = function_of(body, given, "body", "a test")
    return made.graph


NUMBER = tf.TensorSpec([], tf.int64)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        pytest.param(name, inputs, marks=pytest.mark.covers(name))
        for name, inputs in {
            "AssertNextDataset": [["Map"]],
            "AutoShardDataset": [1, 0],
            "ExperimentalAssertNextDataset": [["Map"]],
            "ExperimentalAutoShardDataset": [1, 0],
            "ExperimentalIgnoreErrorsDataset": [],
            "ExperimentalMaxIntraOpParallelismDataset": [1],
            "ExperimentalNonSerializableDataset": [],
            "ExperimentalPrivateThreadPoolDataset": [1],
            "ExperimentalSleepDataset": [1],
            "ExperimentalUniqueDataset": [],
            "MaxIntraOpParallelismDataset": [1],
            "NonSerializableDataset": [],
            "PrivateThreadPoolDataset": [1],
            "SleepDataset": [1],
        }.items()
    ],
)
def test_the_same_elements(name: str, inputs: list[Any]) -> None:
    made = getattr(F, name)(numbers(0, 5, 1), *inputs, **NUMBERS)
    assert listed(made) == [0, 1, 2, 3, 4]


@pytest.mark.covers(
    "WrapDatasetVariant", "UnwrapDatasetVariant", "ExperimentalDatasetCardinality"
)
def test_wrapped_and_counted() -> None:
    wrapped = F.WrapDatasetVariant(numbers(0, 3, 1))
    assert listed(F.UnwrapDatasetVariant(wrapped)) == [0, 1, 2]
    assert F.ExperimentalDatasetCardinality(wrapped).numpy() == 3


@pytest.mark.covers(
    *"""
    BatchDataset ChooseFastestDataset ExperimentalChooseFastestDataset
    ExperimentalDirectedInterleaveDataset ExperimentalRebatchDataset
    ExperimentalSlidingWindowDataset ExperimentalUnbatchDataset PaddedBatchDataset
    SlidingWindowDataset
    """.split()
)
def test_older_forms() -> None:
    batches = F.BatchDataset(numbers(0, 5, 1), 2, **BATCHES)
    assert listed(batches) == [[0, 1], [2, 3], [4]]
    assert listed(F.ExperimentalUnbatchDataset(batches, **NUMBERS)) == [0, 1, 2, 3, 4]
    halves = F.ExperimentalRebatchDataset(batches, 2, **BATCHES)
    assert listed(halves) == [[0], [1], [2], [3], [4], []]
    zero = tf.constant(9, tf.int64)
    padded = F.PaddedBatchDataset(batches, 2, [[3]], [zero], output_shapes=[(2, 3)])
    assert listed(padded) == [[[0, 1, 9], [2, 3, 9]], [[4, 9, 9]]]
    both = [numbers(0, 2, 1), numbers(5, 7, 1)]
    chosen = F.ExperimentalDirectedInterleaveDataset(numbers(0, 2, 1), both, **NUMBERS)
    assert listed(chosen) == [0, 5]
    for op in (F.ChooseFastestDataset, F.ExperimentalChooseFastestDataset):
        assert listed(op(both[:1] * 2, num_experiments=1, **NUMBERS)) == [0, 1]
    for op in (F.SlidingWindowDataset, F.ExperimentalSlidingWindowDataset):
        assert listed(op(numbers(0, 6, 1), 2, 2, 2, **BATCHES)) == [[0, 2], [2, 4]]
        with pytest.raises(errors.InvalidArgumentError, match="Window size must be"):
            op(numbers(0, 6, 1), 0, 1, 1, **BATCHES)


@pytest.mark.covers("ExperimentalDenseToSparseBatchDataset", "SamplingDataset")
def test_drawn_and_sparse() -> None:
    rows = F.BatchDataset(numbers(0, 3, 1), 1, **BATCHES)
    sparse = F.ExperimentalDenseToSparseBatchDataset(
        rows, 2, [1], output_types=[dtypes.variant], output_shapes=[(3,)]
    )
    (first,), _ = sparse._value
    assert [np.asarray(part).tolist() for part in first] == [
        [[0, 0], [1, 0]],
        [0, 1],
        [2, 1],
    ]
    some = F.SamplingDataset(numbers(0, 20, 1), 0.3, 7, 5, **NUMBERS)
    assert listed(some) == [1, 5, 6, 11, 15, 17, 19]  # as 1.15 has it


@pytest.mark.covers(
    *"""
    ExperimentalGroupByReducerDataset ExperimentalGroupByWindowDataset
    ExperimentalMapAndBatchDataset ExperimentalMapDataset
    ExperimentalParallelInterleaveDataset ExperimentalRandomDataset
    ExperimentalScanDataset ExperimentalTakeWhileDataset
    """.split()
)
def test_functions_by_older_names() -> None:
    five = numbers(0, 5, 1)
    twice = function(lambda x: x * 2, NUMBER)
    mapped = F.ExperimentalMapDataset(five, [], f=twice, **NUMBERS)
    assert listed(mapped) == [0, 2, 4, 6, 8]
    batches = F.ExperimentalMapAndBatchDataset(five, [], 2, 1, True, f=twice, **BATCHES)
    assert listed(batches) == [[0, 2], [4, 6]]
    small = function(lambda x: x < 2, NUMBER)
    first = F.ExperimentalTakeWhileDataset(five, [], predicate=small, **NUMBERS)
    assert listed(first) == [0, 1]
    total = function(lambda s, x: (s + x, s), NUMBER, NUMBER)
    zero = tf.constant(0, tf.int64)
    sums = F.ExperimentalScanDataset(five, [zero], [], f=total, **NUMBERS)
    assert listed(sums) == [0, 0, 1, 3, 6]
    odd = function(lambda x: x % 2, NUMBER)
    key, same = (function(lambda x: x, NUMBER) for _ in range(2))
    added = function(lambda s, x: s + x, NUMBER, NUMBER)
    grouped = F.ExperimentalGroupByReducerDataset(
        five,
        [],
        [],
        [],
        [],
        key_func=odd,
        init_func=key,
        reduce_func=added,
        finalize_func=same,
        **NUMBERS,
    )
    assert listed(grouped) == [6, 5]
    draws = F.ExperimentalRandomDataset(1, 2, **NUMBERS)
    assert len(listed(F.TakeDataset(draws, 3, **NUMBERS))) == 3
    ranges = tf.data.Dataset.range(3)
    made = ranges.apply(
        lambda d: d._by_function(
            F.ExperimentalParallelInterleaveDataset,
            *interleaved(d),
            f=interleaved(d)[0].graph,
        )
    )
    assert listed(made._variant_tensor) == [0, 0, 1]
    windows = tf.data.experimental.group_by_window(
        lambda x: x % 2, lambda k, w: w.batch(3), 3
    )
    older = windowed(windows, tf.data.Dataset.range(5))
    assert listed(older) == [[0, 2, 4], [1, 3]]


def interleaved(dataset: Any) -> tuple[Any, Any]:
    from retrograd.data.by_functions import a_dataset
    from retrograd.data.functions import traced

    made = traced(
        lambda x: tf.data.Dataset.range(x), dataset.element_spec, "f", a_dataset
    )
    return made, (2, 1, False, 1, 1)


def windowed(transformation: Any, dataset: Any) -> Any:
    """The same by the older op."""
    with pytest.MonkeyPatch.context() as patch:
        older = F.ExperimentalGroupByWindowDataset
        patch.setattr(F, "GroupByWindowDataset", older, raising=False)
        return transformation(dataset)._variant_tensor


@pytest.mark.covers(
    *"""
    AnonymousMemoryCache AnonymousRandomSeedGenerator CacheDatasetV2 DeleteMemoryCache
    DeleteRandomSeedGenerator ShuffleDatasetV2
    """.split()
)
def test_state_that_is_kept_between_iterators() -> None:
    cache, deleter = F.AnonymousMemoryCache()
    kept = F.CacheDatasetV2(numbers(0, 3, 1), "", cache, **NUMBERS)
    assert listed(kept) == listed(kept) == [0, 1, 2]
    F.DeleteMemoryCache(cache, deleter)
    seeds, deleter = F.AnonymousRandomSeedGenerator(87654321, 1)
    mixed = F.ShuffleDatasetV2(numbers(0, 10, 1), 10, seeds, **NUMBERS)
    assert listed(mixed) == [0, 9, 5, 1, 2, 7, 3, 8, 6, 4]  # as 1.15 has it
    assert listed(mixed) != [0, 9, 5, 1, 2, 7, 3, 8, 6, 4]
    F.DeleteRandomSeedGenerator(seeds, deleter)


@pytest.mark.covers(
    *"""
    IteratorGetNextAsOptional OptionalFromValue OptionalGetValue OptionalHasValue
    OptionalNone
    """.split()
)
def test_optional_values() -> None:
    optional = tf.data.experimental.Optional
    found = optional.from_value((1, {"a": [2.0]}))
    assert found.has_value().numpy()
    assert found.get_value()[1]["a"].numpy().tolist() == [2.0]
    none = optional.none_from_structure(NUMBER)
    assert not none.has_value().numpy()
    with pytest.raises(errors.InvalidArgumentError, match="does not have a value"):
        none.get_value()
    iterator = iter(tf.data.Dataset.range(1))
    taken = [tf.data.experimental.get_next_as_optional(iterator) for _ in range(2)]
    assert [bool(one.has_value().numpy()) for one in taken] == [True, False]
    assert taken[0].get_value().numpy() == 0


@pytest.mark.covers("DeserializeManySparse")
def test_sparse_tensors_as_text() -> None:
    value = tf.SparseTensor([[0, 1], [2, 0]], [5.0, 6.0], [3, 2])
    rows = tf.io.serialize_many_sparse(value)
    first = b'\x08\x01\x12\x04\x12\x02\x08\x01"\x04\x00\x00\xa0@'  # as 1.15 has it
    assert rows.numpy()[0][1] == first
    back = tf.io.deserialize_many_sparse(rows, tf.float32)
    assert back.indices.numpy().tolist() == [[0, 1], [2, 0]]
    assert back.values.numpy().tolist() == [5.0, 6.0]
    assert back.dense_shape.numpy().tolist() == [3, 2]
    assert tf.io.serialize_sparse(value).numpy().shape == (3,)
    with pytest.raises(TypeError, match="Input must be a SparseTensor"):
        tf.io.serialize_sparse(3)


@pytest.mark.covers("ExperimentalCSVDataset", "ExperimentalSqlDataset")
def test_tables_by_older_names(tmp_path: Any) -> None:
    import sqlite3

    path = tmp_path / "a.csv"
    path.write_text("1,2\n3,4\n")
    one = [tf.constant([0]), tf.constant([0])]
    args = str(path), "", 9, False, ",", True, "", tf.constant([], tf.int64), one
    made = F.ExperimentalCSVDataset(*args, output_shapes=[(), ()])
    assert listed(made) == [1, 3]
    base = tmp_path / "t.db"
    with sqlite3.connect(base) as connection:
        connection.execute("create table t(a int)")
        connection.execute("insert into t values (7)")
    rows = F.ExperimentalSqlDataset("sqlite", str(base), "select a from t", **NUMBERS)
    assert listed(rows) == [7]
