"""A compiled step raises what an interpreted one raises, and leaves variables whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pytest
from tests.run.test_tiers import compiled, in_tier

import retrograd as tf
from retrograd.arrays.xla import told
from retrograd.graph.context import eager_mode
from retrograd.run.handover import Handover

ROWS, WIDTH = 6, 3


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def refused(run: Callable[[], Any]) -> str:
    """The error of a run: its type, first line and node."""
    with pytest.raises(tf.errors.OpError) as info:
        run()
    error = info.value
    lines = str(error).split("\n")
    assert lines[1].startswith("\t [[node "), lines
    return "\n".join([type(error).__name__, *lines[:2]])


def alike(
    monkeypatch: pytest.MonkeyPatch, fetches: Any, good: dict, *bad: dict
) -> list[str]:
    """The errors of bad feeds, the same in both tiers, as are variables after each.

    A good feed gives what it gives in tier 0 before and after each.
    """
    kept = tf.global_variables()
    found = []
    for tier in "01":
        with in_tier(tier, monkeypatch) as session:
            values, errors = [session.run([fetches, kept], good)], []
            for feed in bad:
                errors.append(refused(lambda s=session, f=feed: s.run(fetches, f)))
                values += [session.run(kept), session.run([fetches, kept], good)]
            if tier == "1":
                assert any(v.tells for v in compiled(session))
            found.append((errors, values))
    assert found[1][0] == found[0][0]
    flat = (filter(lambda v: v is not None, tf.nest.flatten(f[1])) for f in found)
    for one, other in zip(*flat, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6)
    return found[0][0]


def embedding(optimizer: Any) -> tuple[Any, dict, dict]:
    """A step of a model with an embedding, a good feed, and its inputs by name."""
    tf.set_random_seed(1)
    ids = tf.placeholder(tf.int32, [None])
    labels = tf.placeholder(tf.int64, [None])
    table = tf.get_variable("table", [ROWS, WIDTH])
    hidden = tf.tanh(tf.nn.embedding_lookup(table, ids))
    logits = tf.matmul(hidden, tf.get_variable("w", [WIDTH, 4]))
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
    step = optimizer.minimize(loss, tf.train.get_or_create_global_step())
    good = {ids: [0, 5, 5, 2], labels: [0, 3, 1, 2]}
    return [loss, step], good, {"ids": ids, "labels": labels}


@pytest.mark.parametrize(
    "optimizer",
    [
        tf.train.GradientDescentOptimizer(0.5),
        tf.train.MomentumOptimizer(0.5, 0.9),
        tf.train.AdagradOptimizer(0.5),
        tf.train.AdamOptimizer(0.5),
    ],
    ids=lambda o: type(o).__name__,
)
def test_a_step_that_fails_changes_nothing(
    optimizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetches, good, inputs = embedding(optimizer)
    far = {**good, inputs["ids"]: [0, 1, ROWS, -1]}
    below = {**good, inputs["ids"]: [0, 1, -1, 2]}
    label = {**good, inputs["labels"]: [0, 1, 2, 4]}
    errors = alike(monkeypatch, fetches, good, far, below, label, {**far, **label})
    assert f"indices[2] = {ROWS} is not in [0, {ROWS})" in errors[0]
    assert f"indices[2] = -1 is not in [0, {ROWS})" in errors[1]
    assert "Received a label value of 4" in errors[2]


def test_an_embedding_is_written_to_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    fetches, good, _ = embedding(tf.train.GradientDescentOptimizer(0.5))
    with in_tier("1", monkeypatch) as session:
        session.run(fetches, good)
        (variant,) = compiled(session)
    assert variant.gated
    table = f"f32[{ROWS},{WIDTH}]"
    text = variant.compiled.as_text()
    assert "scatter" in text
    assert not [
        line
        for line in text.split("\n")
        if f"= {table}" in line and (" select(" in line or " copy(" in line)
    ]


def test_updates_before_the_failure_have_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = tf.get_variable("count", [], initializer=tf.zeros_initializer())
    i = tf.placeholder(tf.int32, [])
    with tf.control_dependencies([tf.assign_add(count, 1.0)]):
        found = tf.gather(tf.constant([1.0, 2.0]) * 3.0, i)
    alike(monkeypatch, found, {i: 1}, {i: 2}, {i: -1})
    with in_tier("1", monkeypatch) as session:
        refused(lambda: session.run(found, {i: 7}))
        assert session.run(count) == 1


def test_a_check_that_depends_on_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    places = tf.get_variable("places", initializer=np.arange(40))
    other = tf.get_variable("other", initializer=np.zeros(40, np.float32))
    i = tf.placeholder(tf.int32, [None])
    step = tf.placeholder(tf.int64, [])
    moved = tf.scatter_update(places, i, tf.fill(tf.shape(i), step))
    changed = tf.scatter_add(other, i, tf.ones(tf.shape(i)))
    found = tf.gather(tf.range(40.0) * 2.0, tf.gather(moved, [3]))
    good = {i: [3, 5], step: 1}
    errors = alike(monkeypatch, [found, changed], good, {**good, step: 60})
    assert "is not in [0, 40)" in errors[0]


def test_random_numbers_go_on_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    i = tf.placeholder(tf.int32, [2])
    drawn = tf.random_uniform([4], seed=3)
    alike(monkeypatch, tf.gather(drawn, i) * 2.0, {i: [0, 3]}, {i: [0, 4]})


# ---------------------------------------------------------------------- bodies


def looped(n: Any, i: Any) -> Any:
    """A loop that reads at `i` in each turn, and its gradient."""
    x, w = tf.range(1.0, 4.0), tf.get_variable("w", initializer=2.0)

    def body(k: Any, total: Any) -> Any:
        return k + 1, total + (tf.gather(x, i + k) * w) ** 2

    total = tf.while_loop(lambda k, _: k < n, body, [0, 0.0])[1]
    return [total * 2.0, tf.gradients(total, w)]


def test_in_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    n, i = tf.placeholder(tf.int32, []), tf.placeholder(tf.int32, [])
    good = {n: 3, i: 0}
    errors = alike(monkeypatch, looped(n, i), good, {n: 3, i: 1}, {n: 4, i: 0})
    assert "indices = 3 is not in [0, 3)" in errors[0]


def test_in_loops_of_a_known_number_of_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    i = tf.placeholder(tf.int32, [])
    alike(monkeypatch, looped(3, i), {i: 0}, {i: 1}, {i: -1})


def test_in_loops_in_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    x, i = tf.range(5.0), tf.placeholder(tf.int32, [])

    def outer(k: Any, total: Any) -> Any:
        def inner(m: Any, part: Any) -> Any:
            return m + 1, part + tf.gather(x, k * 2 + m + i)

        return k + 1, total + tf.while_loop(lambda m, _: m < 2, inner, [0, 0.0])[1]

    total = tf.while_loop(lambda k, _: k < 2 + i - i, outer, [0, 0.0])[1]
    alike(monkeypatch, total * 2.0, {i: 1}, {i: 2})


def test_in_the_condition_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tf.placeholder(tf.float32, [4])
    k = tf.while_loop(lambda k: tf.gather(x, k) > 0, lambda k: k + 1, [0])
    alike(monkeypatch, k * 2, {x: [1, 1, 0, 0]}, {x: [1, 1, 1, 1]})


def test_a_loop_that_would_not_end_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    i, x = tf.placeholder(tf.int32, []), tf.constant([2.0, 4.0])
    most = tf.gather(x, i)
    # what a failing read gives is no number of turns that is ever reached
    k = tf.while_loop(lambda k: tf.not_equal(k, most), lambda k: k + 2.0, [2.0])
    alike(monkeypatch, k * 2.0, {i: 1}, {i: 2})


def test_of_branches_only_the_one_that_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    which, i = tf.placeholder(tf.bool, []), tf.placeholder(tf.int32, [])
    x, w = tf.range(1.0, 4.0), tf.get_variable("w", initializer=2.0)
    y = tf.cond(which, lambda: tf.gather(x, i) * w, lambda: tf.cast(i, tf.float32))
    fetches = [y * 2.0, tf.gradients(y, w)]
    alike(monkeypatch, fetches, {which: True, i: 2}, {which: True, i: 3})
    with in_tier("1", monkeypatch) as session:
        assert session.run(fetches, {which: False, i: 3})[0] == 6


def test_of_arrays_of_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    i, x = tf.placeholder(tf.int32, []), tf.placeholder(tf.float32, [3])
    read = tf.TensorArray(tf.float32, 3).unstack(x).read(i)
    errors = alike(
        monkeypatch,
        [read * 2.0, tf.gradients(read, x)],
        {i: 2, x: [1, 2, 3]},
        {i: 3, x: [1, 2, 3]},
        {i: -1, x: [1, 2, 3]},
    )
    assert "Tried to read from index 3 but array size is: 3" in errors[0]
    assert "Tried to read from index -1 but array size is: 3" in errors[1]


@pytest.mark.parametrize(
    ("make", "good", "bad"),
    [
        (lambda x, i: x[i], [-3, 2], [-4, 3]),
        (lambda x, i: x[:, i], [-2, 1], [-3, 2]),
        (lambda x, i: x[i, i], [-2, 1], [2, -3]),
        (lambda x, i: tf.slice(x, [i, 0], [2, 2]), [0, 1], [2, -1]),
        (lambda x, i: tf.gather(x, [i], axis=1), [1], [2]),
    ],
    ids=["row", "column", "element", "block", "axis"],
)
def test_of_subscripts(
    make: Any, good: list[int], bad: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    i = tf.placeholder(tf.int32, [])
    x = tf.get_variable("x", initializer=np.arange(6, dtype=np.float32).reshape(3, 2))
    y = make(x, i)
    dx = [] if y.op.type == "Slice" else tf.gradients(y, x)  # which has a shape
    fetches = [y * 2.0, *map(tf.convert_to_tensor, dx)]
    for at in good:
        alike(monkeypatch, fetches, {i: at}, *({i: wrong} for wrong in bad))


# ---------------------------------------------------------------------- elsewhere


@pytest.mark.alone
def test_in_a_program_that_is_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", "auto")
    fetches, good, inputs = embedding(tf.train.GradientDescentOptimizer(0.1))
    for _ in range(20):
        fetches[0] = fetches[0] * 1.5 + tf.tanh(fetches[0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        end = time.monotonic() + 60
        runs = 0
        while time.monotonic() < end and not (compiled(session) and runs > 20):
            session.run(fetches, good)
            runs += bool(compiled(session))
        bad = {**good, inputs["ids"]: [0, ROWS, 0, 0]}
        before = session.run(tf.global_variables())
        text = refused(lambda: session.run(fetches, bad))
        after = session.run(tf.global_variables())
    assert runs, "nothing was compiled"
    assert f"indices[1] = {ROWS} is not in [0, {ROWS})" in text
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_in_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for tier in "01":
        monkeypatch.setenv("RETROGRAD_TIER", tier)
        with tf.init_scope(), eager_mode():
            v = tf.Variable(np.ones((3, 2), np.float32))

            @tf.function
            def step(i: Any, v: Any = v) -> Any:
                v.assign_add(tf.ones([3, 2]))
                read = tf.gather(v, i) * 2.0
                v.assign_add(tf.ones([3, 2]))
                return read

            values = [step(tf.constant([0, 2])).numpy(), v.numpy()]
            with pytest.raises(tf.errors.InvalidArgumentError, match="= 3 is not in"):
                step(tf.constant([0, 3]))
            values += [v.numpy(), step(tf.constant([1, 2])).numpy(), v.numpy()]
        found.append([x.tolist() for x in values])
    assert found[0] == found[1]
    assert found[1][2] == [[4, 4]] * 3  # what comes before the failure has happened


def test_errors_while_a_stage_is_traced_name_their_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a, b = (tf.placeholder(tf.float32, [None]) for _ in range(2))
    total = a * 2.0 + b
    with in_tier("1", monkeypatch) as session:
        text = refused(lambda: session.run(total, {a: np.ones(5), b: np.ones(2)}))
    assert "InvalidArgumentError\nIncompatible shapes: [5] vs. [2]" in text
    assert total.op.name in text


def test_what_xla_fails_at_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: object) -> None:
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    v = tf.get_variable("v", initializer=[1.0, 2.0])
    x = tf.placeholder(tf.float32, [2])
    step = tf.assign_add(v, x * 2.0 + 1.0)
    with in_tier("1", monkeypatch) as session:
        assert session.run(step, {x: [1, 2]}).tolist() == [4, 7]
        monkeypatch.setattr(Handover, "__call__", failing)
        assert session.run(step, {x: [1, 2]}).tolist() == [7, 12]
        assert session.run(v).tolist() == [7, 12]


def test_what_a_run_tells_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    i = tf.placeholder(tf.int32, [2])
    total = tf.gather(tf.range(3.0), i) + 1.0
    with in_tier("1", monkeypatch) as session:
        session.run(total, {i: [0, 1]})
    assert told.so_far().item() == 0
