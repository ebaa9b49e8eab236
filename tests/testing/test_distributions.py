"""Tests that are run with several strategies."""

from __future__ import annotations

import unittest
from typing import Any

import pytest
from absl.testing import parameterized

import retrograd as tf
from retrograd.testing import distributions, strategy_combinations
from retrograd.testing.distributions import NamedDistribution

seen: list[Any] = []


class _Sample(tf.test.TestCase, parameterized.TestCase):
    __test__ = False  # run below

    @distributions.generate(strategy_combinations.all_strategy_combinations())
    def test_it(self, distribution: Any) -> None:
        eager = tf.executing_eagerly()
        seen.append((type(distribution).__name__, eager))
        with distribution.scope():
            total = distribution.experimental_run_v2(lambda: tf.constant(2.0))
            self.assertEqual(self.evaluate(distribution.reduce("sum", total, None)), 2)

    @distributions.generate(
        distributions.combine(required_gpus=[0, 1], required_tpu=[False, True])
    )
    def test_requirements(self) -> None:
        seen.append("ran")


def _run(name: str) -> unittest.TestResult:
    seen.clear()
    result = unittest.TestResult()
    suite = unittest.TestLoader().loadTestsFromTestCase(_Sample)
    unittest.TestSuite(t for t in suite if name in t.id()).run(result)
    assert not result.errors and not result.failures, result
    return result


def test_each_strategy_in_each_mode() -> None:
    result = _run("test_it")
    assert sorted(seen) == [
        ("DefaultStrategy", False),
        ("DefaultStrategy", True),
        ("OneDeviceStrategy", False),
        ("OneDeviceStrategy", True),
    ]
    reasons = {reason.strip() for _, reason in result.skipped}
    assert reasons == {
        "- Only 0 of 1 required GPUs are available.",
        "- Only 0 of 2 required GPUs are available.",
        "- Test requires a TPU, but it's not available.",
    }


def test_requirements_decide() -> None:
    result = _run("test_requirements")
    assert seen == ["ran"]
    assert len(result.skipped) == 3


def test_a_strategy_is_made_for_each_test() -> None:
    named = NamedDistribution("One", lambda: tf.distribute.OneDeviceStrategy("cpu:0"))
    assert repr(named) == "One"
    assert named.strategy is not named.strategy


def test_refusals() -> None:
    one = strategy_combinations.one_device_strategy
    gpus = distributions.GPUCombination()
    with pytest.raises(ValueError, match="Do not use `required_gpus` and arguments"):
        gpus.should_execute_combination({"d": one, "required_gpus": 1})
    tpus = distributions.TPUCombination()
    with pytest.raises(ValueError, match=r"Do not use `required_tpu`.  Both"):
        tpus.should_execute_combination({"required_tpu": 1, "required_tpus": 1})
    with pytest.raises(RuntimeError, match="no strategy for TPUs"):
        print(strategy_combinations.tpu_strategy.strategy)
    with pytest.raises(ValueError, match="`num_virtual_cpus` must be at least 1 not 0"):
        strategy_combinations.set_virtual_cpus_to_at_least(0)


def test_virtual_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    from retrograd.run import configuration

    monkeypatch.setattr(configuration._settings, "virtual", {})
    strategy_combinations.set_virtual_cpus_to_at_least(3)
    assert len(tf.config.experimental.list_logical_devices("CPU")) == 3
    strategy_combinations.set_virtual_cpus_to_at_least(2)
    with pytest.raises(
        RuntimeError, match="Already configured with 3 < 4 virtual CPUs"
    ):
        strategy_combinations.set_virtual_cpus_to_at_least(4)
    both = strategy_combinations.mirrored_strategy_with_cpu_1_and_2.strategy
    assert both.num_replicas_in_sync == 2
