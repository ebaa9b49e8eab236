"""Variables on parameter servers, everything else on the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.device import DeviceSpecV1
from retrograd.ops.placement import STANDARD_PS_OPS
from retrograd.platform import logs
from retrograd.train.server_lib import ClusterSpec

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import DeviceLike, Message, OperationLike


class _RoundRobinStrategy:
    """One parameter server after the other.

    Args:
      num_tasks: how many there are.
    """

    def __init__(self, num_tasks: int) -> None:
        self._num_tasks, self._next_task = num_tasks, 0

    def __call__(self, unused_op: OperationLike) -> int:
        """The number of the next one."""
        task = self._next_task
        self._next_task = (task + 1) % self._num_tasks
        return task


class _ReplicaDeviceChooser:
    """Where an operation goes; see `replica_device_setter`."""

    def __init__(
        self,
        ps_device: str | None,
        worker_device: str | None,
        merge_devices: bool,
        ps_ops: Sequence[str],
        ps_strategy: Callable[[Any], int],
    ) -> None:
        self._ps = DeviceSpecV1.from_string(ps_device or "")
        self._worker_device = worker_device
        self._merge_devices = merge_devices
        self._ps_ops, self._ps_strategy = ps_ops, ps_strategy

    def device_function(self, op: Operation) -> str | None:
        """The name of the device of an operation."""
        if not self._merge_devices and op.device:
            return op.device
        asked = DeviceSpecV1.from_string(op.device or "")
        if op.type in self._ps_ops:
            if self._ps.job and asked.job in (None, "", self._ps.job):
                chosen = self._ps.replace(task=self._ps_strategy(op))
                return chosen.make_merged_spec(asked).to_string()
            if not self._ps.job:
                return self._ps.make_merged_spec(asked).to_string()
        worker = DeviceSpecV1.from_string(self._worker_device or "")
        return worker.make_merged_spec(asked).to_string()


def replica_device_setter(
    ps_tasks: int = 0,
    ps_device: str | None = "/job:ps",
    worker_device: str | None = "/job:worker",
    merge_devices: bool = True,
    cluster: ClusterSpec | Message | dict[str, Any] | None = None,
    ps_ops: Sequence[str] | None = None,
    ps_strategy: Callable[[Any], int] | None = None,
) -> Callable[[Any], DeviceLike] | None:
    """A function for `tf.device` that spreads variables over parameter servers.

    Args:
      ps_tasks: how many parameter servers there are; not needed with `cluster`.
      ps_device: their job.
      worker_device: the device of all that is no variable.
      merge_devices: whether an inner device completes that of the function, or
        replaces it.
      cluster: the tasks of the cluster.
      ps_ops: the op types that go to parameter servers.
      ps_strategy: gives for an operation the number of its parameter server; by
        default they take turns.

    Returns:
      None where there are no parameter servers.

    Raises:
      TypeError: `cluster` is no cluster, or `ps_strategy` no function.
    """
    if cluster is not None:
        tasks = ClusterSpec(cluster).as_dict()
        job = DeviceSpecV1.from_string(ps_device or "").job
        if job not in tasks or len(tasks[job]) == 0:
            return None
        ps_tasks = len(tasks[job])
    if ps_tasks == 0:
        return None
    if not merge_devices:
        logs.warning(
            "DEPRECATION: It is recommended to set merge_devices=true in "
            "replica_device_setter"
        )
    if ps_strategy is None:
        ps_strategy = _RoundRobinStrategy(ps_tasks)
    if not callable(ps_strategy):
        raise TypeError("ps_strategy must be callable")
    return _ReplicaDeviceChooser(
        ps_device,
        worker_device,
        merge_devices,
        STANDARD_PS_OPS if ps_ops is None else ps_ops,
        ps_strategy,
    ).device_function
