"""Sums and means of values on several devices, and copies on several devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd.distribute.devices import (
    DeviceMap,
    LogicalDeviceSpec,
    SingleDeviceMap,
    canonicalize,
    resolve,
)
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.distribute.values import (
    DistributedValues,
    Mirrored,
    PerReplica,
    regroup,
)
from retrograd.grad.terms import add_n
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.defaults import device
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.identity import identity
from retrograd.ops.array.join import concat
from retrograd.ops.array.tensor_values import is_tensor
from retrograd.platform import logs
from retrograd.run.configuration import list_logical_devices
from retrograd.variables.resource import BaseResourceVariable

if TYPE_CHECKING:
    #: where the result of a reduction is wanted: on these devices, or those of a value
    from retrograd.typing import CompositeLike, Structure

    Destinations: TypeAlias = (
        DistributedValues | BaseResourceVariable | Tensor | str | LogicalDeviceSpec
    )

# ---------------------------------------------------------------------- destinations


def check_destinations(destinations: Destinations) -> bool:
    """Whether `destinations` names a device."""
    if isinstance(destinations, (BaseResourceVariable, Tensor)):
        return bool(destinations.device)
    return bool(destinations)


def validate_destinations(destinations: Destinations) -> None:
    """Check that `destinations` says where a result is wanted.

    Raises:
      ValueError: it does not.
    """
    known = (DistributedValues, BaseResourceVariable, Tensor, str, LogicalDeviceSpec)
    if not isinstance(destinations, known):
        raise ValueError(
            "destinations must be one of a `DistributedValues` object, a tf.Variable "
            "object, or a device string."
        )
    if not check_destinations(destinations):
        raise ValueError("destinations can not be empty")


def _map_of(destinations: Destinations) -> DeviceMap:
    if isinstance(destinations, (DistributedValues, LogicalDeviceSpec)):
        return destinations.device_map
    if isinstance(destinations, str):
        return SingleDeviceMap(resolve(destinations))
    return SingleDeviceMap(destinations.device)


def get_devices_from(destinations: Destinations) -> tuple[str, ...]:
    """The devices where a result is wanted."""
    if isinstance(destinations, (DistributedValues, LogicalDeviceSpec)):
        return _map_of(destinations).logical_to_actual_devices(
            destinations.logical_device
        )
    named = destinations if isinstance(destinations, str) else destinations.device
    return (resolve(named),)


def _devices_match(left: Destinations, right: Destinations) -> bool:
    return set(get_devices_from(left)) == set(get_devices_from(right))


# ---------------------------------------------------------------------- values


def _copied(value: Any, where: str) -> Any:
    """A copy of a tensor or IndexedSlices on a device."""
    with device(where):
        if not isinstance(value, IndexedSlices):
            return identity(value)
        dense = value.dense_shape
        return IndexedSlices(
            identity(value.values),
            identity(value.indices),
            None if dense is None else identity(dense),
        )


def _sparse_sum(values: Sequence[Any]) -> Any:
    """The sum of values of which some, or all, are IndexedSlices."""
    if len(values) == 1 or not all(isinstance(v, IndexedSlices) for v in values):
        return add_n(list(values))
    return IndexedSlices(
        concat([v.values for v in values], 0),
        concat([v.indices for v in values], 0),
        values[0].dense_shape,
    )


def _divided(value: Tensor, count: int) -> Any:
    if isinstance(value, IndexedSlices):
        return IndexedSlices(value.values / count, value.indices, value.dense_shape)
    return value / count


def simple_broadcast(
    value: DistributedValues | CompositeLike, destinations: Destinations
) -> Any:
    """Copies of a tensor or IndexedSlices: Mirrored, or the only copy.

    Args:
      value: what is copied.
      destinations: see `StrategyExtendedV2.reduce_to`.
    """
    copies = [_copied(value, where) for where in get_devices_from(destinations)]
    return copies[0] if len(copies) == 1 else Mirrored(_map_of(destinations), copies)


def reduce_non_distributed_value(
    reduce_op: ReduceOp,
    device_map: DeviceMap,
    value: DistributedValues | CompositeLike,
    destinations: Destinations,
) -> Any:
    """The sum or mean of a value that is the same in all replicas.

    Raises:
      ValueError: there are several replicas, and the sum is wanted: it is not known
        whether the value is meant once for each.
    """
    if isinstance(value, DistributedValues):
        raise ValueError(
            "You are passing a `DistributedValue` to `reduce_non_distributed_value`, "
            "which is not allowed."
        )
    if not is_tensor(value) and value == 0:
        return 0
    if reduce_op == ReduceOp.MEAN:
        return value
    validate_destinations(destinations)
    if device_map.num_replicas_in_graph != 1:
        raise ValueError(
            f"A non-DistributedValues value {value} cannot be reduced with the given "
            f"reduce op {reduce_op}."
        )
    return simple_broadcast(value, destinations)


def _as_per_replica(value: Structure) -> Any:
    """A tensor as the value of the only replica."""
    if isinstance(value, (tuple, list)):
        raise ValueError(
            "Cannot convert `input_tensor` to a `PerReplica` object, got "
            f"{value!r} but expected a object that is not a tuple or list."
        )
    if isinstance(value, DistributedValues):
        return value
    if not hasattr(value, "device"):
        raise ValueError(
            "Cannot convert `input_tensor` to a `PerReplica` object because it doesn't "
            "have device set."
        )
    return PerReplica(SingleDeviceMap(value.device), (value,))


def _checked_pairs(pairs: Iterable[Any]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for pair in pairs:
        if not isinstance(pair, tuple):
            raise ValueError(
                "Each element of `value_destination_pairs` should be a tuple."
            )
        if len(pair) != 2:
            raise ValueError(
                "Each element of `value_destination_pairs` should be a tuple of size 2."
            )
        validate_destinations(pair[1])
        found.append((_as_per_replica(pair[0]), pair[1]))
    return found


# ---------------------------------------------------------------------- reducing


class CrossDeviceOps:
    """How values on several devices are reduced, and copied to several devices.

    A subclass defines `reduce_implementation` and `batch_reduce_implementation`.
    """

    def reduce(
        self,
        reduce_op: ReduceOp,
        per_replica_value: DistributedValues | CompositeLike,
        destinations: Destinations,
    ) -> Any:
        """The sum or mean over replicas, where it is wanted: a tensor or Mirrored.

        Args:
          reduce_op: a ReduceOp.
          per_replica_value: a PerReplica, or a tensor as that of the only replica.
          destinations: see `StrategyExtendedV2.reduce_to`.

        Raises:
          ValueError: `destinations` is none.
        """
        value = _as_per_replica(per_replica_value)
        validate_destinations(destinations)
        if len(value.values) == 1 and _devices_match(value, destinations):
            return regroup(value.device_map, value.values, Mirrored)
        return self.reduce_implementation(reduce_op, value, destinations)

    def batch_reduce(
        self, reduce_op: ReduceOp, value_destination_pairs: Iterable[Any]
    ) -> list[Any]:
        """As `reduce` for pairs of a value and its destinations."""
        pairs = _checked_pairs(value_destination_pairs)
        alone = all(len(v.values) == 1 and _devices_match(v, d) for v, d in pairs)
        if alone:
            return [regroup(v.device_map, v.values, Mirrored) for v, _ in pairs]
        return self.batch_reduce_implementation(reduce_op, pairs)

    def broadcast(self, tensor: CompositeLike, destinations: Destinations) -> Any:
        """Copies of a tensor where they are wanted: Mirrored, or the only copy."""
        validate_destinations(destinations)
        return self.broadcast_implementation(tensor, destinations)

    def reduce_implementation(
        self,
        reduce_op: ReduceOp,
        per_replica_value: DistributedValues,
        destinations: Destinations,
    ) -> Any:
        """As `reduce`, its arguments checked."""
        raise NotImplementedError("_reduce method must be implemented in descendants.")

    def batch_reduce_implementation(
        self, reduce_op: ReduceOp, value_destination_pairs: Sequence[tuple[Any, Any]]
    ) -> list[Any]:
        """As `batch_reduce`, its arguments checked."""
        raise NotImplementedError(
            "_batch_reduce method must be implemented in descendants."
        )

    def broadcast_implementation(
        self, tensor: CompositeLike, destinations: Destinations
    ) -> Any:
        """As `broadcast`, its arguments checked."""
        return simple_broadcast(tensor, destinations)


class ReductionToOneDevice(CrossDeviceOps):
    """All values are brought to one device, reduced there, and copied from there.

    Args:
      reduce_to_device: the device; by default the first where the result is wanted.
      accumulation_fn: the sum of a list of tensors, by default `tf.add_n`.
    """

    def __init__(
        self,
        reduce_to_device: str | None = None,
        accumulation_fn: Callable[[Any], Any] | None = None,
    ) -> None:
        self.reduce_to_device = reduce_to_device
        self.accumulation_fn = accumulation_fn or add_n

    def reduce_implementation(
        self,
        reduce_op: ReduceOp,
        per_replica_value: DistributedValues,
        destinations: Destinations,
    ) -> Any:
        """See `CrossDeviceOps`."""
        devices = get_devices_from(destinations)
        where = self.reduce_to_device or devices[0]
        logs.log_first_n(
            logs.INFO, "Reduce to %s then broadcast to %r.", 10, where, devices
        )
        reduced = self._reduced(per_replica_value.values, where, reduce_op)
        return self.broadcast(reduced, destinations)

    def _reduced(self, values: Sequence[Any], where: str, reduce_op: ReduceOp) -> Any:
        if len(values) == 1 and values[0].device == where:
            return values[0]
        with device(where):
            if any(isinstance(v, IndexedSlices) for v in values):
                total = _sparse_sum(values)
            else:
                total = self.accumulation_fn(list(values))
            if reduce_op == ReduceOp.MEAN:
                return _divided(total, len(values))
        if reduce_op != ReduceOp.SUM:
            raise ValueError("`reduce_op` must be Reduce.SUM or Reduce.MEAN.")
        return total

    def batch_reduce_implementation(
        self, reduce_op: ReduceOp, value_destination_pairs: Sequence[tuple[Any, Any]]
    ) -> list[Any]:
        """See `CrossDeviceOps`."""
        return [
            self.reduce_implementation(reduce_op, value, where)
            for value, where in value_destination_pairs
        ]


class AllReduceCrossDeviceOps(CrossDeviceOps):
    """Asks for reductions between GPUs; the host's devices share their memory.

    Args:
      all_reduce_alg: "nccl" or "hierarchical_copy".
      num_packs: into how many pieces gradients would be put together.
      agg_small_grads_max_bytes: or else, which gradients would be.
      agg_small_grads_max_group: and how many at most.
    """

    def __init__(
        self,
        all_reduce_alg: str = "nccl",
        num_packs: int = 1,
        agg_small_grads_max_bytes: int = 0,
        agg_small_grads_max_group: int = 10,
    ) -> None:
        self._all_reduce_alg = all_reduce_alg
        self._num_packs = num_packs
        self._agg_small_grads_max_bytes = agg_small_grads_max_bytes
        self._agg_small_grads_max_group = agg_small_grads_max_group
        self._simple = ReductionToOneDevice()

    def reduce_implementation(
        self,
        reduce_op: ReduceOp,
        per_replica_value: DistributedValues,
        destinations: Destinations,
    ) -> Any:
        """See `CrossDeviceOps`."""
        return self._simple.reduce_implementation(
            reduce_op, per_replica_value, destinations
        )

    def batch_reduce_implementation(
        self, reduce_op: ReduceOp, value_destination_pairs: Sequence[tuple[Any, Any]]
    ) -> list[Any]:
        """See `CrossDeviceOps`."""
        return self._simple.batch_reduce_implementation(
            reduce_op, value_destination_pairs
        )


def _checked_packs(num_packs: int, called: str) -> int:
    if num_packs < 0:
        raise ValueError(
            f"{called} requires num_packs >= 0, but {num_packs} is specified"
        )
    return num_packs


class NcclAllReduce(AllReduceCrossDeviceOps):
    """Reduction between GPUs that are all connected to each other.

    Args:
      num_packs: into how many pieces gradients would be put together.

    Raises:
      ValueError: `num_packs` is negative.
    """

    def __init__(self, num_packs: int = 1) -> None:
        super().__init__("nccl", _checked_packs(num_packs, "NCCL all-reduce"))


class HierarchicalCopyAllReduce(AllReduceCrossDeviceOps):
    """As `NcclAllReduce`, for GPUs that are not all connected to each other."""

    def __init__(self, num_packs: int = 1) -> None:
        packs = _checked_packs(num_packs, "HierarchicalCopy")
        super().__init__("hierarchical_copy", packs)


def choose_the_best(devices: Sequence[str]) -> CrossDeviceOps:
    """What reduces best between `devices`; warns of those that do not exist."""
    there = {canonicalize(d.name) for d in list_logical_devices()}
    missing = [d for d in map(canonicalize, devices) if d not in there]
    if missing:
        logs.warning(
            "Some requested devices in `tf.distribute.Strategy` are not visible to "
            "TensorFlow: %s",
            ",".join(missing),
        )
    return ReductionToOneDevice()
