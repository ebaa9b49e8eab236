"""The compiled tier gives what the interpreted one does, and is chosen by measure."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.context import eager_mode
from retrograd.run import lower, tiers
from retrograd.run.arena import Slot


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def in_tier(tier: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def both(
    monkeypatch: pytest.MonkeyPatch, steps: Callable[[Any], Any]
) -> tuple[Any, Any]:
    """What `steps(session)` returns in tier 0 and in tier 1."""
    results = []
    for tier in ("0", "1"):
        with in_tier(tier, monkeypatch) as session:
            results.append(steps(session))
            if tier == "1":
                assert compiled(session), "nothing was compiled"
    return results[0], results[1]


def compiled(session: Any) -> list[Any]:
    """The compiled forms of all stages that the session holds."""
    found = []
    for executable in session._executables.values():
        stages = getattr(executable.runner.run, "stages", ())
        for _, stage in stages:
            found += [v for v in getattr(stage, "variants", {}).values() if v]
    return found


def network() -> tuple[Any, Any, dict[Any, Any]]:
    random = np.random.RandomState(0)
    x = tf.placeholder(tf.float32, [None, 12])
    y = tf.placeholder(tf.int32, [None])
    h = x
    for i in range(3):
        w = tf.get_variable(
            f"w{i}", [12, 12], initializer=tf.random_normal_initializer(seed=i)
        )
        b = tf.get_variable(f"b{i}", [12], initializer=tf.zeros_initializer())
        h = tf.tanh(tf.matmul(h, w) + b)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h)
    )
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    feed = {x: random.standard_normal([5, 12]), y: random.randint(0, 12, 5)}
    return loss, train, feed


def test_training_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, train, feed = network()

    def steps(session: Any) -> Any:
        losses = [session.run([loss, train], feed)[0] for _ in range(10)]
        return losses, session.run(tf.trainable_variables())

    (losses0, variables0), (losses1, variables1) = both(monkeypatch, steps)
    np.testing.assert_allclose(losses0, losses1, rtol=1e-5)
    for a, b in zip(variables0, variables1, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_random_numbers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tf.set_random_seed(3)
    drawn = [
        tf.random_uniform([7]),
        tf.random_normal([5]),
        tf.truncated_normal([4]),
        tf.random_uniform([3], maxval=100, dtype=tf.int32),
    ]
    mixed = [tf.identity(d) + d for d in drawn]
    a, b = both(monkeypatch, lambda s: [s.run(mixed) for _ in range(3)])
    for x, y in zip(a, b, strict=True):
        for one, other in zip(x, y, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
    assert not np.array_equal(a[0][0], a[1][0])


def test_random_state_goes_from_tier_to_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = tf.random_uniform([700], seed=4) + 1.0
    twice = noise * 2.0
    with in_tier("0", monkeypatch) as session:
        wanted = [session.run(noise), session.run(twice)]
    with in_tier("1", monkeypatch) as session:
        drawn = [session.run(noise)]
        session._tier = 0
        drawn.append(session.run(twice))
    np.testing.assert_allclose(drawn, wanted, rtol=1e-6)


def test_variables_may_be_fed(monkeypatch: pytest.MonkeyPatch) -> None:
    v = tf.get_variable("v", initializer=[1.0, 2.0])
    w = tf.get_variable("w", initializer=[3.0, 4.0])
    loss = tf.reduce_sum(v * v * w)
    found = [loss, *tf.gradients(loss, [v, w])]

    def steps(session: Any) -> list[Any]:
        fed = [session.run(found, {v: [x, 1.0]}) for x in (2.0, 3.0)]
        return [*fed, session.run(found)]

    for runs in both(monkeypatch, steps):
        assert [float(loss) for loss, _, _ in runs] == [16.0, 31.0, 19.0]
        assert runs[1][1].tolist() == [18.0, 8.0]
        assert runs[1][2].tolist() == [9.0, 1.0]


def test_loop_with_a_fed_trip_count(monkeypatch: pytest.MonkeyPatch) -> None:
    n = tf.placeholder(tf.int32, [])
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(
        lambda i, v: i < n, lambda i, v: (i + 1, v * v + x), [tf.constant(0), x]
    )[1]
    out = y + 1.0
    a, b = both(
        monkeypatch, lambda s: [s.run(out, {n: k, x: 0.3}) for k in (0, 1, 5, 9)]
    )
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_gradient_of_a_loop_in_both_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    n = tf.placeholder(tf.int32, [])
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(
        lambda i, v: i < n, lambda i, v: (i + 1, v * x), [tf.constant(0), 1.0]
    )[1]
    slope = tf.gradients(y * y, x)[0]
    a, b = both(
        monkeypatch, lambda s: [s.run(slope, {n: k, x: 2.0}) for k in (1, 3, 6)]
    )
    np.testing.assert_allclose(a, [2 * k * 2.0 ** (2 * k - 1) for k in (1, 3, 6)])
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    p = tf.placeholder(tf.bool, [])
    x = tf.placeholder(tf.float32, [3])
    y = tf.cond(p, lambda: tf.sin(x), lambda: x * 2.0) * 1.5
    slope = tf.gradients(y, x)[0]

    def steps(session: Any) -> Any:
        return [session.run([y, slope], {p: v, x: [1, 2, 3]}) for v in (True, False)]

    a, b = both(monkeypatch, steps)
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_gradient_of_a_branch_with_shapes_that_only_a_run_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    flag = tf.placeholder(tf.bool, [])
    w = tf.get_variable("w", initializer=np.ones(4, np.float32))
    # the gradient of the inner sum keeps the shape of a value of the branch taken
    y = tf.cond(flag, lambda: tf.tanh(x * w) + w * x, lambda: x)
    slope = tf.gradients(y, [x, w])

    def steps(session: Any) -> Any:
        feeds = [{x: np.ones([n, 4]) * 0.5, flag: n > 2} for n in (2, 3)]
        found = [session.run(slope, feed) for feed in feeds]
        for executable in session._executables.values():
            for segment, stage in getattr(executable.runner.run, "stages", ()):
                kinds = {op.type for op in segment.ops}
                assert stage is not None or not any("If" in k for k in kinds)
        return [np.asarray(a) for pair in found for a in pair]

    for a, b in zip(*both(monkeypatch, steps), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_what_a_stage_gives_to_a_branch_that_runs_on_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = tf.placeholder(tf.float32, [None, 64])
    big = tf.exp(x) * 2.0

    def branch() -> Any:
        # sums of whole arrays look at their layout
        on_host = tf.py_func(lambda a: a, [tf.reduce_sum(big, 0)], tf.float32)
        return tf.reduce_sum(big * 3.0, 0) + on_host

    total = tf.cond(tf.reduce_sum(x) > -1.0, branch, lambda: tf.zeros([64])) + 1.0
    a, b = both(monkeypatch, lambda s: s.run(total, {x: np.zeros([128, 64])}))
    np.testing.assert_allclose(a, np.full(64, 128 * 8.0 + 1), rtol=1e-6)
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_feed_that_decides_a_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    n = tf.placeholder(tf.int32, [])
    x = tf.placeholder(tf.float32, [None])
    y = tf.reshape(x, [n, -1]) * 2.0 + tf.zeros([n, 1])
    feeds = [{n: 2, x: np.arange(6.0)}, {n: 3, x: np.arange(6.0)}]
    a, b = both(monkeypatch, lambda s: [s.run(y, f) for f in feeds])
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


def test_host_operation_between_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tf.placeholder(tf.float32, [4])
    seen = []
    inside = tf.py_func(lambda v: seen.append(v.sum()) or v + 1, [x * 2.0], tf.float32)
    inside.set_shape([4])
    y = tf.reduce_sum(inside * x)
    a, b = both(monkeypatch, lambda s: s.run(y, {x: [1, 2, 3, 4]}))
    assert a == b == sum(v * (2 * v + 1) for v in (1, 2, 3, 4))
    assert seen == [20, 20]


def test_read_without_dependency_sees_the_value_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    v = tf.Variable(1.0, use_resource=True)
    before = v.read_value()
    write = v.assign_add(10.0)
    with tf.control_dependencies([write]):
        after = v.read_value() + 0.0
    a, b = both(monkeypatch, lambda s: [s.run([before, after]) for _ in range(2)])
    assert a == b == [[1.0, 11.0], [11.0, 21.0]]


def test_number_of_compiled_shapes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tf.placeholder(tf.float32, [None])
    y = tf.reduce_sum(x * 2.0)
    with in_tier("1", monkeypatch) as session:
        for size in range(1, 15):
            assert session.run(y, {x: np.ones(size)}) == 2 * size
        assert len(compiled(session)) <= 2 * tiers._MOST_VARIANTS


def test_fetched_values_are_the_callers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    v = tf.Variable([1.0, 2.0])
    bump = tf.assign_add(v, [1.0, 1.0])

    def steps(session: Any) -> Any:
        first = session.run(v)
        first[:] = 100
        session.run(bump)
        second = session.run(v)
        session.run(bump)
        return second.tolist()

    assert both(monkeypatch, steps) == ([2.0, 3.0], [2.0, 3.0])


def aligned(count: int) -> np.ndarray:
    """Ones in memory that XLA takes as it is."""
    whole = np.empty(4 * count + 64, np.uint8)
    start = -whole.__array_interface__["data"][0] % 64
    array = whole[start : start + 4 * count].view(np.float32)
    array[:] = 1
    return array


@pytest.mark.parametrize("count", [16, 65536])
def test_a_feed_changed_after_the_run_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    x = tf.placeholder(tf.float32, [count])
    v = tf.Variable(tf.zeros([count]))
    m = tf.Variable(tf.ones([1000, 1000]))
    late = 0 * tf.reduce_sum(tf.matmul(m, tf.matmul(m, m)))
    keep = tf.assign(v, x + late).op  # nothing is fetched, so nothing waits

    def steps(session: Any) -> Any:
        session.run(keep, {x: aligned(count)})  # with compiling, where it comes now
        fed = aligned(count)
        session.run(keep, {x: fed})
        fed[:] = 7
        return float(session.run(v).max())

    assert both(monkeypatch, steps) == (1.0, 1.0)


_FED_BESIDE_JAX = """
import jax
jax.devices()  # the program's own client of XLA, whose calls return early
import pytest
from tests.run import test_tiers
with test_tiers.tf.Graph().as_default(), pytest.MonkeyPatch.context() as patch:
    test_tiers.test_a_feed_changed_after_the_run_does_not_matter(patch, 16)
"""


def test_a_feed_may_change_where_the_program_uses_jax_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FED_BESIDE_JAX],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr


def test_variables_that_another_program_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = [tf.get_variable(f"v{i}", initializer=[1.0 * i]) for i in range(10)]
    x = tf.placeholder(tf.float32, [1])
    one = tf.assign_add(variables[0], x * 2.0 + 1.0)
    read = variables[1] * x + 1.0
    whole = tf.group(*[tf.assign_add(v, x * 3.0) for v in variables])

    def steps(session: Any) -> Any:
        fetches = (one, read, whole, one, read, one, whole, read, one, variables)
        found = [session.run(fetch, {x: [2.0]}) for fetch in fetches]
        return [f for f in found if f is not None]

    a, b = both(monkeypatch, steps)
    for x0, x1 in zip(tf.nest.flatten(a), tf.nest.flatten(b), strict=True):
        np.testing.assert_array_equal(x0, x1)


def test_functions_of_variables_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def trained() -> list[list[float]]:
        with tf.init_scope(), eager_mode():
            w = tf.Variable(np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4))
            count = tf.Variable(0, dtype=tf.int64)
            optimizer = tf.train.MomentumOptimizer(0.1, 0.9)

            @tf.function
            def step(x: Any) -> Any:
                with tf.GradientTape() as tape:
                    loss = tf.reduce_sum(tf.tanh(tf.matmul(x, w)) ** 2)
                optimizer.apply_gradients([(tape.gradient(loss, w), w)])
                count.assign_add(1)
                return loss

            losses = [step(tf.constant([[0.5, 1.0, k]])).numpy() for k in range(5)]
            assert count.numpy() == 5
            return [losses, *w.numpy().tolist()]

    monkeypatch.setenv("RETROGRAD_TIER", "0")
    interpreted = trained()
    monkeypatch.setenv("RETROGRAD_TIER", "1")
    made = []
    monkeypatch.setattr(lower.Variant, "_settle", lambda self: made.append(self))
    np.testing.assert_allclose(np.hstack(trained()), np.hstack(interpreted), rtol=1e-5)
    assert len(made) == 1


def test_small_variables_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = [tf.Variable(float(i)) for i in range(20)]
    loss = tf.add_n([v * v for v in variables])
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    with in_tier("1", monkeypatch) as session:
        session.run(train)
        cells = [session._store.cell(v.op) for v in variables]
        assert all(isinstance(c.value, Slot) for c in cells)
        # one is taken out by an assignment, and collected again
        variables[3].load(50.0, session)
        session.run(train)
        values = session.run(variables)
    wanted = [0.64 * i for i in range(20)]
    wanted[3] = 40.0
    np.testing.assert_allclose(values, wanted, rtol=1e-5)


def _numbers(h: Any) -> Any:
    return h * h + 0.001


def _rows(h: Any) -> Any:
    return h * tf.reduce_mean(h, 1, keepdims=True) + 0.001


@pytest.mark.parametrize(
    ("step", "shape", "count", "broken"),
    [
        (_numbers, [], 900, False),
        (_numbers, [], 1200, True),
        (_rows, [2, 3], 15, False),
        (_rows, [2, 3], 60, True),
    ],
)
def test_long_chains_are_broken_where_xla_would_take_long(
    monkeypatch: pytest.MonkeyPatch,
    step: Callable[[Any], Any],
    shape: list[int],
    count: int,
    broken: bool,
) -> None:
    monkeypatch.setattr(lower, "_DEEPEST_SINGLE", 2048)
    x = h = tf.placeholder(tf.float32, shape)
    for _ in range(count):
        h = step(h)
    feed = {x: np.full(shape, 0.9, np.float32)}
    loops: list[bool] = []

    def run(session: Any) -> Any:
        result = session.run(h, feed)
        loops.extend(" while(" in v.compiled.as_text() for v in compiled(session))
        return result

    zero, one = both(monkeypatch, run)
    np.testing.assert_allclose(one, zero, rtol=1e-4)
    assert loops == [broken]


def test_hot_plans_are_compiled_in_the_background(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", "auto")
    monkeypatch.setattr(tiers, "_HOT", 0.0)
    monkeypatch.setattr(tiers, "_HOT_PER_OP", 0.0)
    monkeypatch.setattr(tiers, "_QUICK", 0.0)
    loss, train, feed = network()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tried = False
        deadline = time.monotonic() + 60
        while not tried and time.monotonic() < deadline:
            session.run([loss, train], feed)
            tried = any(
                isinstance(e.runner.run, tiers._Trial)
                for e in session._executables.values()
            )
        assert tried, "no trial of the compiled tier within a minute"
        last = np.nan
        for _ in range(2 * (tiers._WARM + tiers._MOST_TRIALS)):
            last = session.run([loss, train], feed)[0]
        assert np.isfinite(last)
        for executable in session._executables.values():
            assert not isinstance(executable.runner.run, tiers._Trial)


def test_a_long_run_lets_other_threads_in_and_still_names_what_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python changes threads in loops and calls only, not in a line of arithmetic."""
    x = h = tf.placeholder(tf.float32, [])
    for _ in range(100):
        h = h * h + 0.001
    h = tf.check_numerics(h, "not finite", name="watched")
    with in_tier("0", monkeypatch) as session:
        session.run(h, {x: 0.5})
        (executable,) = [e for e in session._executables.values() if e.plan.feeds]
        lines = executable.runner.program.lines
        pauses = [i for i, line in enumerate(lines) if line.startswith("for _ in ")]
        assert len(pauses) >= 3
        longest = max(b - a for a, b in zip([0, *pauses], pauses, strict=False))
        assert longest <= 65
        with pytest.raises(tf.errors.InvalidArgumentError, match="not finite") as found:
            session.run(h, {x: 1e9})
    assert found.value.op.name == "watched"


def test_config_pins_a_tier() -> None:
    config = tf.ConfigProto()
    level = config.graph_options.optimizer_options
    assert tiers.pinned_tier(config) is None
    level.global_jit_level = 1
    assert tiers.pinned_tier(config) == 1
    level.global_jit_level = -1
    assert tiers.pinned_tier(config) == 0


def test_compiling_takes_turns_often_and_leaves_the_interval_as_it_was() -> None:
    before, seen, done = sys.getswitchinterval(), [], threading.Event()

    def work() -> None:
        seen.append(sys.getswitchinterval())
        raise ValueError("a compile that fails")

    tiers.in_background(work)
    tiers.in_background(done.set)
    assert done.wait(30)
    assert seen[0] < before and sys.getswitchinterval() == before
