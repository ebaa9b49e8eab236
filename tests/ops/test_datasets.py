"""The ops of datasets and iterators, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd import dtypes, errors
from retrograd.ops.data.elements import Elements
from retrograd.ops.declare import F, registry

NUMBERS = {"output_types": [dtypes.int64], "output_shapes": [()]}


@pytest.fixture(autouse=True)
def eager() -> Any:
    from retrograd.graph import context

    with context.eager_mode():
        yield


def _numbers(*limits: int) -> Any:
    return F.RangeDataset(*limits, **NUMBERS)


def _listed(dataset: Any) -> list[Any]:
    """The elements of a dataset, those of one component without the tuple."""
    found = [tuple(np.asarray(v).tolist() for v in e) for e in dataset._value]
    return [e[0] if len(e) == 1 else e for e in found]


@pytest.mark.covers("TensorSliceDataset")
def test_sources() -> None:
    assert _listed(_numbers(1, 9, 3)) == [1, 4, 7]
    assert _listed(_numbers(5, 0, -2)) == [5, 3, 1]
    two = [np.array([1, 2]), np.array([[3.0], [4.0]])]
    whole = F.TensorDataset(two, output_shapes=[(2,), (2, 1)])
    assert _listed(whole) == [([1, 2], [[3.0], [4.0]])]
    rows = F.TensorSliceDataset(two, output_shapes=[(), (1,)])
    assert _listed(rows) == [(1, [3.0]), (2, [4.0])]


def test_a_dataset_can_be_gone_through_again() -> None:
    twice = F.RepeatDataset(_numbers(0, 2, 1), 2, **NUMBERS)
    assert _listed(twice) == _listed(twice) == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("name", "inputs", "wanted"),
    [
        ("TakeDataset", [2], [0, 1]),
        ("TakeDataset", [-1], [0, 1, 2, 3, 4]),
        ("TakeDataset", [9], [0, 1, 2, 3, 4]),
        pytest.param(
            "SkipDataset", [3], [3, 4], marks=pytest.mark.covers("SkipDataset")
        ),
        ("SkipDataset", [-1], []),
        ("RepeatDataset", [0], []),
        ("ShardDataset", [2, 1], [1, 3]),
        ("PrefetchDataset", [4], [0, 1, 2, 3, 4]),
    ],
)
def test_of_another(name: str, inputs: list[int], wanted: list[int]) -> None:
    made = getattr(F, name)(_numbers(0, 5, 1), *inputs, **NUMBERS)
    assert _listed(made) == wanted


@pytest.mark.covers("RepeatDataset", "TakeDataset")
def test_repeating_for_ever() -> None:
    endless = F.RepeatDataset(_numbers(0, 2, 1), -1, **NUMBERS)
    assert _listed(F.TakeDataset(endless, 5, **NUMBERS)) == [0, 1, 0, 1, 0]
    nothing = F.RepeatDataset(_numbers(0, 0, 1), -1, **NUMBERS)
    assert _listed(nothing) == []  # and does not hang


@pytest.mark.covers("ZipDataset")
def test_of_several() -> None:
    first, second = _numbers(0, 3, 1), _numbers(7, 9, 1)
    chained = F.ConcatenateDataset(first, second, **NUMBERS)
    assert _listed(chained) == [0, 1, 2, 7, 8]
    pairs = F.ZipDataset(
        [first, second], output_types=[dtypes.int64] * 2, output_shapes=[(), ()]
    )
    assert _listed(pairs) == [(0, 7), (1, 8)]


@pytest.mark.covers("RebatchDataset")
def test_batches() -> None:
    numbers = _numbers(0, 5, 1)
    attrs = {"output_types": [dtypes.int64], "output_shapes": [(None,)]}
    assert _listed(F.BatchDatasetV2(numbers, 2, False, **attrs)) == [
        [0, 1],
        [2, 3],
        [4],
    ]
    assert _listed(F.BatchDatasetV2(numbers, 2, True, **attrs)) == [[0, 1], [2, 3]]
    batches = F.BatchDatasetV2(numbers, 4, False, **attrs)
    parts = F.RebatchDataset(batches, 2, **attrs)
    assert _listed(parts) == [[0, 1], [2, 3], [4], []]


def test_batches_of_strings() -> None:
    words = F.TensorSliceDataset([np.array([b"a", b"bc"])], output_shapes=[()])
    attrs = {"output_types": [dtypes.string], "output_shapes": [(None,)]}
    (batch,) = F.BatchDatasetV2(words, 2, False, **attrs)._value
    assert batch[0].tolist() == [b"a", b"bc"]


@pytest.mark.covers(
    *"""
    BatchDatasetV2 ConcatenateDataset PrefetchDataset RangeDataset ShardDataset
    TensorDataset
    """.split()
)
def test_refusals() -> None:
    numbers = _numbers(0, 5, 1)
    with pytest.raises(errors.InvalidArgumentError, match="step must be a non-zero"):
        _numbers(0, 5, 0)
    with pytest.raises(errors.InvalidArgumentError, match="Batch size must be greater"):
        F.BatchDatasetV2(numbers, 0, False, **NUMBERS)
    with pytest.raises(errors.InvalidArgumentError, match="buffer_size must be >= 0"):
        F.PrefetchDataset(numbers, -2, **NUMBERS)
    with pytest.raises(errors.InvalidArgumentError, match="Number of shards must be"):
        F.ShardDataset(numbers, 0, 0, **NUMBERS)
    with pytest.raises(errors.InvalidArgumentError, match=r"between 0 and 1 \(curr"):
        F.ShardDataset(numbers, 2, 2, **NUMBERS)
    ragged = F.ConcatenateDataset(
        F.TensorDataset([np.zeros(2)], output_shapes=[(2,)]),
        F.TensorDataset([np.zeros(3)], output_shapes=[(3,)]),
        output_types=[dtypes.float64],
        output_shapes=[(None,)],
    )
    batch = F.BatchDatasetV2(
        ragged, 2, False, output_types=[dtypes.float64], output_shapes=[(None, None)]
    )
    wanted = (
        r"Cannot batch tensors with different shapes in component 0. First element had "
        r"shape \[2\] and element 1 had shape \[3\]."
    )
    with pytest.raises(errors.InvalidArgumentError, match=wanted):
        list(batch._value)


# ---------------------------------------------------------------------- iterators


@pytest.mark.covers("AnonymousIteratorV2", "IteratorGetNextSync")
def test_an_anonymous_iterator() -> None:
    iterator, _ = F.AnonymousIteratorV2(**NUMBERS)
    with pytest.raises(
        errors.FailedPreconditionError, match="has not been initialized"
    ):
        F.IteratorGetNextSync(iterator, **NUMBERS)
    for first in (3, 5):  # it can begin again
        F.MakeIterator(_numbers(first, first + 2, 1), iterator)
        taken = (F.IteratorGetNextSync, F.IteratorGetNext)
        values = [take(iterator, **NUMBERS)[0].numpy() for take in taken]
        assert values == [first, first + 1]
    with pytest.raises(errors.OutOfRangeError, match="End of sequence"):
        F.IteratorGetNextSync(iterator, **NUMBERS)


@pytest.mark.parametrize(
    "kind",
    [pytest.param("Iterator", marks=pytest.mark.covers("Iterator")), "IteratorV2"],
)
def test_sessions_have_iterators_of_their_own(kind: str) -> None:
    with tf.Graph().as_default():
        handle = getattr(F, kind)(shared_name="here", container="", **NUMBERS)
        start = F.MakeIterator(_numbers(0, 3, 1), handle)
        (value,) = F.IteratorGetNext(handle, **NUMBERS)
        with tf.Session() as one, tf.Session() as other:
            one.run(start)
            assert [one.run(value), one.run(value)] == [0, 1]
            with pytest.raises(errors.FailedPreconditionError):
                other.run(value)
            other.run(start)
            assert other.run(value) == 0


@pytest.mark.covers(
    *"""
    IteratorFromStringHandleV2 IteratorGetNext IteratorToStringHandle IteratorV2
    MakeIterator
    """.split()
)
def test_string_handles() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        handles = [
            F.IteratorV2(shared_name=name, container="", **NUMBERS) for name in "ab"
        ]
        for i, handle in enumerate(handles):
            session.run(F.MakeIterator(_numbers(10 * i, 90, 1), handle))
        texts = session.run([F.IteratorToStringHandle(h) for h in handles])
        text = tf.placeholder(tf.string, [])
        found = F.IteratorFromStringHandleV2(text, **NUMBERS)
        (value,) = F.IteratorGetNext(found, **NUMBERS)
        assert [session.run(value, {text: t}) for t in [*texts, *texts]] == [
            0,
            10,
            1,
            11,
        ]
        with pytest.raises(errors.NotFoundError, match="nowhere does not exist"):
            session.run(value, {text: "nowhere"})


@pytest.mark.covers("OneShotIterator")
def test_a_one_shot_iterator_makes_its_dataset_once() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        made = tf.data.Dataset.range(2).make_one_shot_iterator()
        assert made._iterator_resource.op.type == "OneShotIterator"
        value = made.get_next()
        assert [session.run(value), session.run(value)] == [0, 1]
        for _ in range(2):  # it stays at its end
            with pytest.raises(errors.OutOfRangeError):
                session.run(value)


def test_ops_run_on_the_host() -> None:
    names = [n for n in registry if n.endswith("Dataset") or "Iterator" in n]
    assert len(names) > 15
    assert all(registry[n].host and not registry[n].pure for n in names)


def test_elements_begin_anew() -> None:
    elements = Elements(lambda _: [(1,), (2,)])
    assert list(elements) == list(elements) == [(1,), (2,)]
