"""Lists of tensors: their value, their ops, their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd import dtypes
from retrograd.arrays.list_value import TensorList
from retrograd.errors import InvalidArgumentError
from retrograd.graph.graph import Graph
from retrograd.ops.declare import F
from retrograd.ops.lists import tensor_list as list_ops
from retrograd.run.session import Session
from tests.conftest import Launcher


def _values(items: list[Any]) -> list[Any]:
    return [None if v is None else float(v) for v in items]


def test_older_lists_stay_what_they_were() -> None:
    a = TensorList([], dtypes.float32, ())
    b = a.push(np.float32(1))
    c = b.push(np.float32(2))
    d = b.push(np.float32(3))
    e, last = c.pop(())
    g = c.set(0, np.float32(9))
    assert last == 2
    expected = {a: [], b: [1], c: [1, 2], d: [1, 3], e: [1], g: [9, 2]}
    for _ in range(2):  # reading one moves the items of the others
        for made, items in expected.items():
            assert _values(made.items) == items
    assert _values(e.push(np.float32(5)).items) == [1, 5]
    assert _values(c.items) == [1, 2]


def test_a_long_list_of_versions_is_read_without_recursion() -> None:
    first = made = TensorList([], dtypes.float32, ())
    for i in range(20_000):
        made = made.push(np.float32(i))
    assert first.items == []
    assert len(made.items) == 20_000


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda t: t.pop(()), "Trying to pop from an empty list."),
        (
            lambda t: t.get(0, ()),
            "Trying to access element 0 in a list with 0 elements.",
        ),
        (
            lambda t: t.set(0, np.float32(1)),
            "Trying to modify element 0 in a list with 0",
        ),
        (
            lambda t: t.push(np.ones(2)),
            "Tried to append a tensor with incompatible shape",
        ),
        (lambda t: t.resized(-1), "TensorListSlice expects size to be non-negative."),
    ],
)
def test_errors_of_a_list(make: Any, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text.replace(".", r"\.")):
        make(TensorList([], dtypes.float32, ()))


def test_a_full_list_takes_no_more() -> None:
    with pytest.raises(InvalidArgumentError, match="into a full list"):
        TensorList([], dtypes.float32, (), 1).push(np.float32(1)).push(np.float32(2))


def test_zeros_stand_for_what_was_never_set() -> None:
    made = TensorList([None, np.ones(2, np.float32)], dtypes.float32, None)
    items, shape = made.filled(None, "stack")
    assert shape == (2,)
    assert items[0].tolist() == [0, 0]
    assert made.get(0, None).tolist() == [0, 0]
    with pytest.raises(InvalidArgumentError, match="only contains uninitialized"):
        TensorList([None], dtypes.float32, None).filled(None, "stack")


def _run(fetches: Any) -> Any:
    with Session() as session:
        return session.run(fetches)


@pytest.mark.covers(
    *"""
    TensorListConcat TensorListConcatLists TensorListConcatV2 TensorListElementShape
    TensorListFromTensor TensorListGather TensorListGetItem TensorListLength
    TensorListPopBack TensorListPushBack TensorListResize TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
    TensorListSplit TensorListStack
    """.split()
)
def test_every_way_to_make_and_read_a_list() -> None:
    with Graph().as_default():
        x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        made = list_ops.tensor_list_from_tensor(x, [2])
        longer = F.TensorListPushBack(made, [7.0, 8.0])
        shorter, last = list_ops.tensor_list_pop_back(longer, tf.float32)
        assert last.shape.as_list() == [2]
        changed = list_ops.tensor_list_set_item(made, 1, [0.0, 0.0])
        placed = list_ops.tensor_list_scatter(x, [2, 0, 1], [2])
        again = F.TensorListScatter(x, [2, 0, 1], [2])
        into = list_ops.tensor_list_scatter(x, [0, 1, 4], input_handle=made)
        parts = list_ops.tensor_list_split(x, [-1, 2], np.array([1, 2]))
        both = F.TensorListConcatLists(made, made, element_dtype=tf.float32)
        joined, lengths = F.TensorListConcat(parts, element_dtype=tf.float32)
        fetches = {
            "last": last,
            "length": [F.TensorListLength(t) for t in (made, longer, shorter, both)],
            "changed": list_ops.tensor_list_stack(changed, tf.float32),
            "placed": list_ops.tensor_list_stack(placed, tf.float32),
            "again": list_ops.tensor_list_stack(again, tf.float32),
            "into": list_ops.tensor_list_stack(into, tf.float32, element_shape=[2]),
            "gather": list_ops.tensor_list_gather(made, [2, 0], tf.float32, [2]),
            "item": list_ops.tensor_list_get_item(parts, 1, tf.float32),
            "joined": joined,
            "lengths": lengths,
            "v2": list_ops.tensor_list_concat(parts, tf.float32, [None, 2]),
            "resized": F.TensorListLength(F.TensorListResize(made, 5)),
            "shape": F.TensorListElementShape(parts, shape_type=tf.int32),
        }
        found = _run(fetches)
    rows = np.array([[1, 2], [3, 4], [5, 6]])
    assert found["length"] == [3, 4, 3, 6]
    assert found["resized"] == 5
    assert found["lengths"].tolist() == [1, 2]
    assert found["shape"].tolist() == [-1, 2]
    expected = {
        "last": [7, 8],
        "changed": [[1, 2], [0, 0], [5, 6]],
        "placed": rows[[1, 2, 0]],
        "again": rows[[1, 2, 0]],
        "into": [[1, 2], [3, 4], [5, 6], [0, 0], [5, 6]],
        "gather": rows[[2, 0]],
        "item": rows[1:],
        "joined": rows,
        "v2": rows,
    }
    for name, wanted in expected.items():
        np.testing.assert_array_equal(found[name], wanted, err_msg=name)


@pytest.mark.covers("EmptyTensorList", "TensorListPushBackBatch")
def test_batches_of_lists() -> None:
    with Graph().as_default():
        made = [
            list_ops.empty_tensor_list([], tf.float32),
            F.TensorListPushBack(list_ops.empty_tensor_list([], tf.float32), 5.0),
        ]
        batch = F.TensorListPushBackBatch(F.Pack(made), [1.0, 2.0])
        both = F.TensorListConcatLists(batch, batch, element_dtype=tf.float32)
        lists = F.Unpack(both, num=2)
        found = _run([list_ops.tensor_list_stack(t, tf.float32) for t in lists])
    assert [f.tolist() for f in found] == [[1, 1], [5, 2, 5, 2]]


def _through_lists(x: Any) -> list[Any]:
    """Scalars that depend on x by way of every list op with a derivative."""
    whole = list_ops.tensor_list_from_tensor(x, [2])
    grown = F.TensorListPushBack(whole, x[0] * x[1])
    shorter, last = list_ops.tensor_list_pop_back(grown, x.dtype)
    changed = list_ops.tensor_list_set_item(shorter, 1, x[0] * x[0])
    item = list_ops.tensor_list_get_item(changed, 2, x.dtype, [2])
    placed = list_ops.tensor_list_scatter(x * x, [2, 0, 1], [2])
    into = list_ops.tensor_list_scatter(x * 2.0, [0, 1, 3], input_handle=changed)
    parts = list_ops.tensor_list_split(x, [-1, 2], np.array([1, 2]))
    sized = F.TensorListResize(changed, 2)
    results = [
        last * item,
        list_ops.tensor_list_stack(changed, x.dtype, element_shape=[2]),
        list_ops.tensor_list_stack(placed, x.dtype, element_shape=[2]),
        list_ops.tensor_list_stack(into, x.dtype, element_shape=[2]),
        list_ops.tensor_list_gather(changed, [2, 0], x.dtype, [2]),
        list_ops.tensor_list_concat(parts, x.dtype, [None, 2]),
        F.TensorListConcat(parts, element_dtype=x.dtype)[0],
        list_ops.tensor_list_stack(sized, x.dtype, element_shape=[2]),
    ]
    return [tf.reduce_sum(tf.sin(r)) for r in results]


@pytest.mark.parametrize("which", range(8))
def test_derivatives_through_lists(which: int) -> None:
    value = np.sin(np.arange(6.0)).reshape(3, 2)
    with Graph().as_default(), Session() as session:
        x = tf.placeholder(tf.float64, [3, 2])
        y = _through_lists(x)[which]
        first = tf.gradients(y, x)[0]
        second = tf.gradients(tf.reduce_sum(first * np.cos(value)), x)[0]

        def slope(of: Any, weight: Any) -> Any:
            ends = [
                np.sum(session.run(of, {x: value + s * 1e-6 * weight}) * _ones(of))
                for s in (1, -1)
            ]
            return (ends[0] - ends[1]) / 2e-6

        direction = np.cos(value * 3)
        found = np.sum(session.run(first, {x: value}) * direction)
        assert found == pytest.approx(slope(y, direction), rel=1e-6, abs=1e-8)
        weighted = tf.reduce_sum(first * np.cos(value))
        found = np.sum(session.run(second, {x: value}) * direction)
        assert found == pytest.approx(slope(weighted, direction), rel=1e-5, abs=1e-7)


def _ones(tensor: Any) -> Any:
    return np.ones(tensor.shape.as_list())


def test_static_shapes_of_elements() -> None:
    with Graph().as_default():
        made = list_ops.empty_tensor_list([2, None], tf.float32)
        with pytest.raises(
            ValueError, match="Dimension 0 in both shapes must be equal"
        ):
            F.TensorListPushBack(made, tf.zeros([3, 1]))
        with pytest.raises(ValueError, match="wrong element dtype"):
            F.TensorListPushBack(made, tf.zeros([2, 1], tf.int32))
        stacked = list_ops.tensor_list_stack(made, tf.float32, 4)
        assert stacked.shape.as_list() == [4, 2, None]


def test_tensor_array_checks_what_is_written() -> None:
    with Graph().as_default():
        array = tf.TensorArray(tf.float32, 3).write(0, [1.0, 2.0])
        with pytest.raises(ValueError, match="Inconsistent shapes"):
            array.write(1, [1.0])
        with pytest.raises(ValueError, match="is trying to write dtype"):
            array.write(1, tf.constant([1, 2]))
        assert array.read(2).shape.as_list() == [2]


@pytest.mark.covers("TensorListReserve")
def test_a_reserved_list_is_filled_in_any_order() -> None:
    with Graph().as_default():
        made = list_ops.tensor_list_reserve([2], 3, tf.float32)
        for place, value in ((2, [5.0, 6.0]), (0, [1.0, 2.0]), (1, [3.0, 4.0])):
            made = list_ops.tensor_list_set_item(made, place, value)
        stacked = list_ops.tensor_list_stack(made, tf.float32, element_shape=[2])
        assert _run(stacked).tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def test_tensor_arrays_run_at_once() -> None:
    from retrograd.graph import context

    with context.eager_mode():
        array = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        for i in range(3):
            array = array.write(i, [float(i)])
        assert array.stack().numpy().tolist() == [[0], [1], [2]]
        assert array.size().numpy() == 3


def test_functions_of_rows_at_once(launcher: Launcher) -> None:
    result = launcher.python(
        "-c",
        "import retrograd as tf; tf.enable_eager_execution()\n"
        "print(tf.map_fn(lambda x: x * 2, tf.constant([1, 2])).numpy())\n"
        "print(tf.foldl(lambda a, x: a - x, tf.constant([1, 2])).numpy())\n"
        "print(tf.scan(lambda a, x: a + x, tf.constant([1, 2])).numpy())",
    )
    assert (result.stdout, result.stderr) == ("[2 4]\n-1\n[1 3]\n", "")
