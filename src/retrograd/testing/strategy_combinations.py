"""The strategies and optimizers that tests are run with."""

from __future__ import annotations

from typing import Any, NoReturn

from retrograd.distribute.current import default_mode
from retrograd.distribute.mirrored import MirroredStrategy
from retrograd.distribute.one_device import OneDeviceStrategy
from retrograd.errors import message
from retrograd.run import configuration
from retrograd.testing.distributions import NamedDistribution, NamedObject, combine
from retrograd.train.adagrad import AdagradOptimizer
from retrograd.train.adam import AdamOptimizer
from retrograd.train.gradient_descent import GradientDescentOptimizer
from retrograd.train.rmsprop import RMSPropOptimizer


def _no_tpu() -> NoReturn:
    raise RuntimeError(
        message(
            "There is no strategy for TPUs that operations are placed on by name.",
            fix="use MirroredStrategy over host devices",
        )
    )


def _mirrored(name: str, *devices: str, gpus: int | None = None) -> NamedDistribution:
    return NamedDistribution(name, lambda: MirroredStrategy(devices), gpus)


def _one_device(name: str, device: str, gpus: int | None = None) -> NamedDistribution:
    return NamedDistribution(name, lambda: OneDeviceStrategy(device), gpus)


default_strategy = NamedDistribution("Default", lambda: default_mode().strategy)
one_device_strategy = _one_device("OneDeviceCPU", "/cpu:0")
one_device_strategy_gpu = _one_device("OneDeviceGPU", "/gpu:0", 1)
one_device_strategy_on_worker_1 = _one_device(
    "OneDeviceOnWorker1CPU", "/job:worker/replica:0/task:1/cpu:0"
)
one_device_strategy_gpu_on_worker_1 = _one_device(
    "OneDeviceOnWorker1GPU", "/job:worker/replica:0/task:1/gpu:0", 1
)
mirrored_strategy_with_one_cpu = _mirrored("Mirrored1CPU", "/cpu:0")
mirrored_strategy_with_one_gpu = _mirrored("Mirrored1GPU", "/gpu:0", gpus=1)
mirrored_strategy_with_gpu_and_cpu = _mirrored(
    "MirroredCPUAndGPU", "/gpu:0", "/cpu:0", gpus=1
)
mirrored_strategy_with_two_gpus = _mirrored("Mirrored2GPUs", "/gpu:0", "/gpu:1", gpus=2)
mirrored_strategy_with_cpu_1_and_2 = _mirrored("Mirrored2CPU", "/cpu:1", "/cpu:2")
tpu_strategy = NamedDistribution("TPU", _no_tpu, required_tpu=True)
tpu_strategy_one_step = NamedDistribution("TPUOneStep", _no_tpu, required_tpu=True)
tpu_strategy_one_core = NamedDistribution("TPUOneCore", _no_tpu, required_tpu=True)
tpu_strategy_one_step_one_core = NamedDistribution(
    "TPUOneStepOneCore", _no_tpu, required_tpu=True
)

gradient_descent_optimizer_v1_fn = NamedObject(
    "GradientDescentV1", lambda: GradientDescentOptimizer(0.2)
)
adagrad_optimizer_v1_fn = NamedObject("AdagradV1", lambda: AdagradOptimizer(0.001))
adam_optimizer_v1_fn = NamedObject("AdamV1", lambda: AdamOptimizer(0.001, epsilon=1))
rmsprop_optimizer_v1_fn = NamedObject("RmsPropV1", lambda: RMSPropOptimizer(0.001))
optimizers_v1 = [gradient_descent_optimizer_v1_fn, adagrad_optimizer_v1_fn]

graph_and_eager_modes = ["graph", "eager"]
strategies_minus_tpu = [
    default_strategy,
    one_device_strategy,
    one_device_strategy_gpu,
    mirrored_strategy_with_gpu_and_cpu,
    mirrored_strategy_with_two_gpus,
]
tpu_strategies = [tpu_strategy, tpu_strategy_one_step]


def set_virtual_cpus_to_at_least(num_virtual_cpus: int) -> None:
    """Split the CPU into devices.

    Raises:
      RuntimeError: it is split into fewer already.
      ValueError: less than one.
    """
    if num_virtual_cpus < 1:
        raise ValueError(
            f"`num_virtual_cpus` must be at least 1 not {num_virtual_cpus!r}"
        )
    cpu = configuration.list_physical_devices("CPU")[0]
    found = configuration.get_virtual_device_configuration(cpu)
    if found is None:
        part = configuration.VirtualDeviceConfiguration()
        configuration.set_virtual_device_configuration(cpu, [part] * num_virtual_cpus)
    elif len(found) < num_virtual_cpus:
        raise RuntimeError(
            f"Already configured with {len(found)} < {num_virtual_cpus} virtual CPUs"
        )


def distributions_and_v1_optimizers() -> list[dict[str, Any]]:
    """Strategies, each with each optimizer of version 1."""
    return combine(
        distribution=[
            one_device_strategy,
            mirrored_strategy_with_gpu_and_cpu,
            mirrored_strategy_with_two_gpus,
        ],
        optimizer_fn=optimizers_v1,
    )


def strategy_minus_tpu_combinations() -> list[dict[str, Any]]:
    """Strategies, but for TPUs, in both modes."""
    return combine(distribution=strategies_minus_tpu, mode=graph_and_eager_modes)


def tpu_strategy_combinations() -> list[dict[str, Any]]:
    """Strategies for TPUs, in graph mode."""
    return combine(distribution=tpu_strategies, mode=["graph"])


def all_strategy_combinations() -> list[dict[str, Any]]:
    """All strategies."""
    return strategy_minus_tpu_combinations() + tpu_strategy_combinations()


def all_strategy_minus_default_and_tpu_combinations() -> list[dict[str, Any]]:
    """Strategies that a program chooses, but for TPUs, in both modes."""
    return combine(distribution=strategies_minus_tpu[1:], mode=graph_and_eager_modes)


def all_strategy_combinations_minus_default() -> list[dict[str, Any]]:
    """All strategies that a program chooses."""
    return (
        all_strategy_minus_default_and_tpu_combinations() + tpu_strategy_combinations()
    )
