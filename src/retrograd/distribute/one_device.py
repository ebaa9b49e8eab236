"""`tf.distribute.OneDeviceStrategy`: everything on one device."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.distribute import current
from retrograd.distribute.devices import SingleDeviceMap
from retrograd.distribute.replica import ReplicaContext
from retrograd.distribute.single import SingleExtended
from retrograd.distribute.strategy import Strategy, StrategyV1
from retrograd.distribute.values import validate_colocate
from retrograd.graph import defaults
from retrograd.ops.array.constant import constant

if TYPE_CHECKING:
    from retrograd.typing import VariableLike


class OneDeviceStrategy(Strategy):
    """One replica, with its variables and operations on one device.

    For trying out a program that is written for several.

    Args:
      device: the name of the device.
    """

    def __init__(self, device: str) -> None:
        super().__init__(OneDeviceExtended(self, device))


class OneDeviceStrategyV1(StrategyV1):
    """See `OneDeviceStrategy`."""

    def __init__(self, device: str) -> None:
        super().__init__(OneDeviceExtended(self, device))


class _OneDeviceReplica(ReplicaContext):
    """The only replica."""

    @property
    def devices(self) -> Any:
        """The device."""
        return self._strategy.extended.worker_devices


class OneDeviceExtended(SingleExtended):
    """What libraries use of `OneDeviceStrategy`."""

    def __init__(self, container_strategy: Strategy, device: str) -> None:
        super().__init__(container_strategy)
        self._device_map = SingleDeviceMap(device)
        (self._device,) = self._device_map.all_devices

    def _create_variable(
        self, next_creator: Callable[..., Any], **arguments: Any
    ) -> Any:
        beside = arguments.pop("colocate_with", None)
        if beside is None:
            place = defaults.device(self._device)
        else:
            place = defaults.colocate_with(beside)
        with place:
            return next_creator(**arguments)

    def _validate_colocate_with_variable(
        self, colocate_with_variable: VariableLike | Sequence[Any]
    ) -> None:
        validate_colocate(colocate_with_variable, self)

    def _call_for_each_replica(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        replica = _OneDeviceReplica(self._container_strategy(), constant(0))
        with defaults.device(self._device), replica:
            return fn(*args, **kwargs)

    @contextlib.contextmanager
    def _updating(self, colocate_with: VariableLike | Sequence[Any]) -> Iterator[None]:
        del colocate_with
        with defaults.device(self._device), current.updating(self._device):
            yield

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """The device."""
        return (self._device,)

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """The device."""
        return (self._device,)

    def non_slot_devices(self, var_list: Sequence[Any]) -> Any:
        """The device."""
        del var_list
        return (self._device,)
