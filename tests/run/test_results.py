"""What a run returned stays as it is, and is the caller's, who may write to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.ops import harness
from tests.ops.rows import Row, all_rows

import retrograd as tf
from retrograd.ops import declare
from retrograd.ops.declare import F
from retrograd.run.plan import make_plan
from retrograd.run.results import ResultProgram, kept_tensors, owned
from retrograd.run.store import Store

TIERS = ("0", "1")
#: what is fed, held and fetched: 4 rows, so that parts of it can be taken
VALUE = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


@pytest.fixture(params=TIERS)
def session(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RETROGRAD_TIER", request.param)
    with tf.Session() as made:
        yield made


def spoil(array: Any) -> None:
    """Write to an array, every element of it."""
    assert array.flags.writeable
    if array.dtype == object:
        array[...] = b"spoilt"
    else:
        array[...] = np.where(array == 0, np.ones((), array.dtype), 0)


# ---------------------------------------------------------------------- sources

#: what a result may come from: a tensor of VALUE, and what to feed
SOURCES: dict[str, Callable[[], tuple[Any, dict[Any, Any]]]] = {
    "variable": lambda: (tf.Variable(VALUE, use_resource=False)._ref(), {}),
    "reading": lambda: (tf.Variable(VALUE, use_resource=False).read_value(), {}),
    "resource": lambda: (tf.Variable(VALUE, use_resource=True).read_value(), {}),
    "constant": lambda: (tf.constant(VALUE), {}),
    "feed": lambda: (x := tf.placeholder(tf.float32, [4, 3]), {x: VALUE.copy()}),
    "default": lambda: (tf.placeholder_with_default(VALUE, [4, 3]), {}),
}
#: what an array may come back as: itself or a part of it, always with the same rows
WAYS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda x: x,
    "identity": tf.identity,
    "stop": tf.stop_gradient,
    "several": lambda x: tf.identity_n([x, x])[1],
    "reshape": lambda x: tf.reshape(x, [2, 6]),
    "expand": lambda x: tf.expand_dims(x, 0),
    "squeeze": lambda x: tf.squeeze(tf.expand_dims(x, 0), 0),
    "transpose": tf.transpose,
    "slice": lambda x: x[1:],
    "split": lambda x: tf.split(x, 2)[0],
    "unstack": lambda x: tf.unstack(x)[0],
    "checked": lambda x: tf.check_numerics(x, "x"),
    "cast": lambda x: tf.cast(x, tf.float32),
    "tile": lambda x: tf.tile(x, [1, 1]),
    "pad": lambda x: tf.pad(x, [[0, 0], [0, 0]]),
    "concat": lambda x: tf.concat([x], 0),
    "sum of one": lambda x: tf.add_n([x]),
    "sum over nothing": lambda x: tf.reduce_sum(x, []),
    "broadcast": lambda x: tf.broadcast_to(x, [4, 3]),
    "branch": lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x, lambda: x + 1.0),
    "loop": lambda x: tf.while_loop(
        lambda i, v: i < 2, lambda i, v: (i + 1, v), [0, x]
    )[1],
    "sent": lambda x: F.Switch(x, True)[1],
}


def program(source: str, way: str) -> tuple[Any, dict[Any, Any]]:
    tensor, feed = SOURCES[source]()
    return WAYS[way](tensor), feed


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("source", SOURCES)
def test_writing_to_a_result_changes_nothing_else(
    session: Any, source: str, way: str
) -> None:
    y, feed = program(source, way)
    session.run(tf.global_variables_initializer())
    first = session.run(y, feed)
    expected = first.copy()
    spoil(first)
    again = session.run(y, feed)
    np.testing.assert_array_equal(again, expected)
    for given in feed.values():
        np.testing.assert_array_equal(given, VALUE)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("source", ["variable", "reading", "resource"])
def test_a_result_stays_when_its_variable_changes(
    session: Any, source: str, way: str
) -> None:
    y, _ = program(source, way)
    (variable,) = tf.global_variables()
    change = variable.assign_add(tf.ones([4, 3]))
    session.run(tf.global_variables_initializer())
    first = session.run(y)
    expected = first.copy()
    for _ in range(3):
        session.run(change)
    np.testing.assert_array_equal(first, expected)
    assert not np.array_equal(session.run(y), expected)


@pytest.mark.parametrize("way", WAYS)
def test_a_result_stays_when_the_fed_array_changes(session: Any, way: str) -> None:
    y, feed = program("feed", way)
    ((tensor, given),) = feed.items()
    first = session.run(y, {tensor: given})
    expected = first.copy()
    spoil(given)
    np.testing.assert_array_equal(first, expected)


def test_results_of_one_run_do_not_share_memory(session: Any) -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    y = x * 2.0
    ways = dict.fromkeys(way(y) for way in WAYS.values())  # some return y
    results = session.run([*ways, tf.reshape(y, [12])], {x: VALUE})
    for i, a in enumerate(results):
        for b in results[:i]:
            assert not np.shares_memory(a, b)


def test_outputs_of_one_operation_do_not_share_memory(session: Any) -> None:
    x = tf.placeholder(tf.float32, [2, 4, 4, 3])
    ones = tf.ones([3])
    found = tf.raw_ops.FusedBatchNorm(
        x=x, scale=ones, offset=ones, mean=[], variance=[]
    )
    results = session.run(list(found), {x: np.ones([2, 4, 4, 3], np.float32)})
    for i, a in enumerate(results):
        assert not any(np.shares_memory(a, b) for b in results[:i])


def test_the_same_tensor_twice_is_one_array_as_in_tensorflow(session: Any) -> None:
    y = tf.constant(VALUE) * 2.0
    a, b = session.run([y, y])
    assert a is b


def test_a_training_loop_with_a_fetched_variable(session: Any) -> None:
    w = tf.Variable(tf.zeros([3, 1]))
    x = tf.placeholder(tf.float32, [4, 3])
    loss = tf.reduce_sum(tf.square(tf.matmul(x, w) - 1.0))
    (slope,) = tf.gradients(loss, [w])
    train = tf.train.MomentumOptimizer(0.001, 0.9).minimize(loss)
    session.run(tf.global_variables_initializer())
    kept, copies = [], []
    for step in range(6):
        _, before, d = session.run([train, w.value(), slope], {x: VALUE})
        kept += [before, d]
        copies += [before.copy(), d.copy()]
        if step % 2:
            spoil(session.run(w))
    for a, b in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(kept[0], kept[-2])


def test_the_value_that_an_assignment_gives(session: Any) -> None:
    v = tf.Variable(VALUE, use_resource=False)
    added = tf.assign_add(v, tf.ones([4, 3]))
    session.run(tf.global_variables_initializer())
    first = session.run(added)
    spoil(first)
    np.testing.assert_array_equal(session.run(v), VALUE + 1)


def test_an_assigned_feed_may_change_later(session: Any) -> None:
    v = tf.Variable(VALUE, use_resource=False)
    x = tf.placeholder(tf.float32, [4, 3])
    assign = tf.assign(v, x)
    given = VALUE + 5
    session.run(assign, {x: given})
    spoil(given)
    np.testing.assert_array_equal(session.run(v), VALUE + 5)


# ---------------------------------------------------------------------- what keeps


def _queue(y: Any) -> tuple[Any, Any]:
    queue = tf.FIFOQueue(3, [tf.float32], [[4, 3]])
    return queue.enqueue([y]), queue.dequeue()


def _queue_in_a_branch(y: Any) -> tuple[Any, Any]:
    queue = tf.FIFOQueue(3, [tf.float32], [[4, 3]])

    def put() -> Any:
        with tf.control_dependencies([queue.enqueue([y])]):
            return tf.constant(1)

    return tf.cond(tf.reduce_sum(y) > 0, put, lambda: tf.constant(0)), queue.dequeue()


def _accumulator(y: Any) -> tuple[Any, Any]:
    accumulator = tf.ConditionalAccumulator(tf.float32, [4, 3])
    return accumulator.apply_grad(y), accumulator.take_grad(1)


def _dataset(y: Any) -> tuple[Any, Any]:
    iterator = tf.data.Dataset.from_tensors(y).repeat().make_initializable_iterator()
    return iterator.initializer, iterator.get_next()


def _rows(y: Any) -> tuple[Any, Any]:
    rows = tf.data.Dataset.from_tensor_slices(y).batch(4).repeat()
    iterator = rows.make_initializable_iterator()
    return iterator.initializer, iterator.get_next()


#: by what keeps an array: puts it there, takes it out
KEEPERS = {f.__name__: f for f in (_queue, _accumulator, _dataset, _rows)}


@pytest.mark.parametrize("way", ["itself", "identity", "reshape", "several", "slice"])
@pytest.mark.parametrize("keeper", [*KEEPERS, "_queue_in_a_branch"])
def test_what_is_kept_is_not_changed_by_writing_to_a_result(
    session: Any, keeper: str, way: str
) -> None:
    x = tf.placeholder(tf.float32, [8, 3] if way == "slice" else [4, 3])
    y = x * 2.0
    keep = KEEPERS.get(keeper, _queue_in_a_branch)
    part = y[4:] if way == "slice" else WAYS[way](y)
    put, take = keep(tf.reshape(part, [4, 3]))
    given = np.concatenate([VALUE, VALUE])[-x.shape[0].value :]
    result, _ = session.run([y, put], {x: given})
    spoil(result)
    for _ in range(2 if keeper in ("_dataset", "_rows") else 1):
        taken = session.run(take)
        np.testing.assert_array_equal(taken, VALUE * 2)
        spoil(taken)


@pytest.mark.parametrize("way", ["itself", "identity", "reshape", "expand"])
@pytest.mark.parametrize("keeper", KEEPERS)
def test_what_is_kept_is_not_changed_by_writing_to_a_feed(
    session: Any, keeper: str, way: str
) -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    put, take = KEEPERS[keeper](tf.reshape(WAYS[way](x), [4, 3]))
    given = VALUE.copy()
    session.run(put, {x: given})
    spoil(given)
    np.testing.assert_array_equal(session.run(take), VALUE)


def test_a_python_function_may_keep_what_it_was_given(session: Any) -> None:
    seen = []

    def look(value: Any) -> Any:
        seen.append(value)
        return np.float32(0)

    x = tf.placeholder(tf.float32, [4, 3])
    y = x * 2.0
    result, _ = session.run([y, tf.py_func(look, [y], tf.float32)], {x: VALUE})
    spoil(result)
    np.testing.assert_array_equal(seen[0], VALUE * 2)


def test_a_python_function_may_return_what_it_keeps(session: Any) -> None:
    kept = VALUE.copy()
    y = tf.py_func(lambda: kept, [], tf.float32)
    spoil(session.run(y))
    np.testing.assert_array_equal(kept, VALUE)


def test_what_keeps_is_found_upstream() -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    y = tf.tanh(x)
    z = tf.exp(y)
    put, _ = _dataset(tf.transpose(z))
    kept = kept_tensors(make_plan([y, z], [put], [x]))
    assert y in kept and z in kept
    assert kept_tensors(make_plan([y, z], [], [x])) == set()


# ---------------------------------------------------------------------- other ways


def test_partial_runs(session: Any) -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    y = x * 2.0
    z = y + 1.0
    handle = session.partial_run_setup([y, z], [x])
    spoil(session.partial_run(handle, y, {x: VALUE}))
    np.testing.assert_array_equal(session.partial_run(handle, z), VALUE * 2 + 1)


def test_callables(session: Any) -> None:
    v = tf.Variable(VALUE)
    session.run(tf.global_variables_initializer())
    call = session.make_callable([v.value(), v * 1.0])
    for array in call():
        spoil(array)
    np.testing.assert_array_equal(call()[0], VALUE)


def test_traced_runs(session: Any) -> None:
    v = tf.Variable(VALUE)
    fetches = [v.value(), tf.identity(v), tf.reshape(v, [12]), v * 2.0]
    session.run(tf.global_variables_initializer())
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    for array in session.run(fetches, None, options, tf.RunMetadata()):
        spoil(array)
    np.testing.assert_array_equal(session.run(v), VALUE)


def test_scalars_are_numpy_scalars(session: Any) -> None:
    v = tf.Variable(2.0)
    x = tf.placeholder(tf.float32, [])
    session.run(tf.global_variables_initializer())
    fetches = [v.value(), tf.constant(1.0), tf.identity(v), x * 2.0]
    for value in session.run(fetches, {x: 3.0}):
        assert type(value) is np.float32


def test_a_result_that_is_made_is_not_copied() -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    ys = [x * 2.0, tf.matmul(x, x, transpose_b=True), tf.nn.softmax(x), x[:2] + x[2:]]
    ys += [
        tf.concat([x, x], 0),
        tf.reduce_sum(x, 0),
        tf.random_uniform([3]),
        tf.nn.relu(x),
    ]
    program = ResultProgram(make_plan(ys, [], [x]), Store())
    seen = []
    program.scope["OWNED"] = lambda value: seen.append(value) or owned(value)
    results = program([VALUE])
    for result, value in zip(results, seen, strict=True):
        assert result is value


# ---------------------------------------------------------------------- every op


@pytest.mark.parametrize(
    "row", [r for r in all_rows() if not r.has_variables], ids=lambda row: row.op
)
def test_results_of_every_op(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a kernel is given or has is reached by writing to a result."""
    monkeypatch.setenv("RETROGRAD_TIER", "0")
    built = harness.build(row)
    if not built.outputs:
        return
    op = built.outputs[0].op
    feed = _all_inputs(built, op)
    before = {tensor: np.array(value) for tensor, value in feed.items()}
    with tf.Session(graph=built.graph) as session:
        first = session.run(built.outputs, feed)
        saved = [np.array(value) for value in first]
        arrays = [value for value in first if type(value) is np.ndarray and value.size]
        for i, array in enumerate(arrays):
            assert not any(np.shares_memory(array, other) for other in arrays[:i])
            spoil(array)
        second = session.run(built.outputs, feed)
    for a, b in zip(first, second, strict=True):
        assert not (isinstance(a, np.ndarray) and np.shares_memory(a, b))
    for tensor, value in feed.items():
        np.testing.assert_array_equal(value, before[tensor])
    declaration = declare.find(op.type)
    if declaration is not None and declaration.pure:
        for a, b in zip(saved, second, strict=True):
            np.testing.assert_array_equal(a, b)


def _all_inputs(built: harness.Built, op: Any) -> dict[Any, Any]:
    """Values to feed for all inputs of a row's op, constants as well."""
    feed: dict[Any, Any] = dict(zip(built.inputs, built.values, strict=True))
    for tensor in op.inputs:
        if tensor.op.type == "Const" and tensor.dtype.is_numpy_compatible:
            feed[tensor] = np.array(tensor.op.attrs["value"])
    return feed
