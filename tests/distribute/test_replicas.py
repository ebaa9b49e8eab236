"""Functions that run once for each replica, in threads that take turns."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import retrograd as tf
from tests.distribute.conftest import replica_number


def test_results_are_put_together(graph: Any, mirrored: Any) -> None:
    constant = tf.constant(3.0)
    seen: list[Any] = []

    def run(x: Any, *, key: Any) -> Any:
        seen.append((x, key))
        return {"own": replica_number(), "same": constant}, [1, "text"]

    with mirrored.scope():
        per_replica = mirrored.experimental_run_v2(replica_number)
        found = mirrored.experimental_run_v2(run, (per_replica,), {"key": 4})
    assert [x for x, _ in seen] == list(per_replica.values)
    assert {key for _, key in seen} == {4}
    assert found[0]["same"] is constant
    assert found[1] == [1, "text"]
    assert mirrored.experimental_local_results(found[1][0]) == (1,)
    with tf.Session() as session:
        assert session.run(mirrored.unwrap(found[0]["own"])) == (1.0, 2.0)


def test_an_error_reaches_the_caller(graph: Any, mirrored: Any) -> None:
    before = threading.active_count()

    def fails() -> None:
        tf.distribute.get_replica_context().merge_call(lambda strategy: None)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        mirrored.experimental_run_v2(fails)
    assert threading.active_count() == before
    assert not tf.distribute.has_strategy()


def test_an_error_in_a_merged_call_reaches_the_caller(
    graph: Any, mirrored: Any
) -> None:
    def merged(strategy: Any) -> None:
        raise KeyError("merged")

    def run() -> None:
        tf.distribute.get_replica_context().merge_call(merged)

    before = threading.active_count()
    with pytest.raises(KeyError, match="merged"):
        mirrored.experimental_run_v2(run)
    assert threading.active_count() == before


def test_merges_must_be_equally_many(graph: Any, mirrored: Any) -> None:
    def run() -> None:
        replica = tf.distribute.get_replica_context()
        if replica.devices[0].endswith("0"):
            replica.merge_call(lambda strategy: None)

    with pytest.raises(RuntimeError, match="Some replicas made a different number"):
        mirrored.experimental_run_v2(run)


def test_no_merge_inside_a_function(graph: Any, mirrored: Any) -> None:
    @tf.function
    def inner() -> Any:
        return tf.distribute.get_replica_context().merge_call(lambda strategy: 1)

    with pytest.raises(
        RuntimeError, match="`merge_call` called while defining a new g"
    ):
        mirrored.experimental_run_v2(inner)


def test_calls_inside_calls_are_refused(graph: Any, mirrored: Any) -> None:
    def run() -> Any:
        return mirrored.experimental_run_v2(replica_number)

    with pytest.raises(RuntimeError, match="Method requires being in cross-replica"):
        mirrored.experimental_run_v2(run)


def test_surroundings_reach_the_replicas(graph: Any, mirrored: Any) -> None:
    with tf.control_dependencies([tf.constant(0.0, name="before")]):
        with tf.name_scope("outer"), tf.variable_scope("model"):
            made = mirrored.experimental_run_v2(
                lambda: tf.get_variable("w", [], use_resource=True) + replica_number()
            )
    first, second = (t.op for t in made.values)
    # the strategy's scope and the replica's enter the variable scope again
    assert first.name.startswith("outer/model/model/model/add")
    assert second.name.startswith("outer/model/model/replica_1/model/add")
    waiting = {
        op.name: [c.name for c in op.control_inputs]
        for op in graph.get_operations()
        if op.control_inputs
    }
    assert len(waiting) == 6  # constants and reads; others wait by what they take
    assert set(map(tuple, waiting.values())) == {("before",)}
    assert [v.name for v in tf.global_variables()] == ["model/w:0"]


def test_replicas_share_variables(graph: Any, mirrored: Any) -> None:
    def run() -> Any:
        return [tf.Variable(1.0, name="v"), tf.Variable(2.0, name="v")]

    first, second = mirrored.experimental_run_v2(run)
    assert [v.name for v in first.values] == ["v:0", "v/replica_1:0"]
    assert [v.name for v in second.values] == ["v_1:0", "v_1/replica_1:0"]


def test_replicas_must_make_the_same_variables(graph: Any, mirrored: Any) -> None:
    def run() -> Any:
        device = tf.distribute.get_replica_context().devices[0]
        return tf.Variable(1.0, name="first" if device.endswith("0") else "second")

    wanted = "Tried to create variable second with mismatching name on device 1"
    with pytest.raises(RuntimeError, match=wanted):
        mirrored.experimental_run_v2(run)


def test_summaries_are_written_by_the_first(graph: Any, mirrored: Any) -> None:
    from retrograd.compat.internals.eager_context import context

    with tf.Session() as session:
        chosen = mirrored.experimental_run_v2(
            lambda: context().summary_recording_distribution_strategy()
        )
        assert session.run(mirrored.unwrap(chosen)) == (True, False)
    assert context().summary_recording_distribution_strategy is True


def test_gradients_through_reductions(eager: Any, mirrored: Any) -> None:
    def run() -> Any:
        x = replica_number()
        replica = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = replica.all_reduce(tf.distribute.ReduceOp.SUM, x * x)
            loss = total * x
        return tape.gradient(loss, x)

    # ∂/∂xᵢ of Σⱼ xⱼ (x₁² + x₂²), with what reaches the sum from both replicas
    slopes = mirrored.unwrap(mirrored.experimental_run_v2(run))
    assert [float(s) for s in slopes] == [5 + 3 * 2, 5 + 3 * 4]
