"""The strategy that is in force where none was chosen: one replica, no devices."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.distribute import current
from retrograd.distribute.devices import SingleDeviceMap
from retrograd.distribute.input import InputContext
from retrograd.distribute.replica import ReplicaContext
from retrograd.distribute.scope import DefaultScope
from retrograd.distribute.single import SingleExtended
from retrograd.distribute.strategy import StrategyV1
from retrograd.graph.defaults import colocate_with
from retrograd.graph.distribution import Mode
from retrograd.graph.hooks import hooks
from retrograd.ops.array.constant import constant

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.distribute.strategy import Strategy
    from retrograd.typing import VariableLike


class DefaultStrategy(StrategyV1):
    """Changes nothing; there is one, which `get_strategy` returns."""

    def __init__(self) -> None:
        super().__init__(DefaultExtended(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        del memo
        raise RuntimeError(
            "Should only create a single instance of _DefaultDistributionStrategy"
        )


class DefaultExtended(SingleExtended):
    """What libraries use of `DefaultStrategy`."""

    _retrace_functions_for_each_device = False

    def __init__(self, container_strategy: Strategy) -> None:
        super().__init__(container_strategy)
        self._device_map = SingleDeviceMap("/device:CPU:0")

    def _scope(self, strategy: Strategy) -> Any:
        return DefaultScope(strategy)

    def colocate_vars_with(
        self, colocate_with_variable: VariableLike | Sequence[Any]
    ) -> Any:
        """A context whose variables lie where another one does."""
        current.require_strategy(self)
        return colocate_with(colocate_with_variable)

    def variable_created_in_scope(self, v: Any) -> bool:
        """Whether a variable was made outside the scope of every strategy."""
        return v._distribute_strategy is None

    def _call_for_each_replica(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        with ReplicaContext(self._container_strategy(), constant(0)):
            return fn(*args, **kwargs)

    def _updating(self, colocate_with: Any) -> Any:
        return current.updating(colocate_with)

    def _experimental_distribute_dataset(self, dataset: DatasetV2) -> Any:
        return dataset

    def _experimental_distribute_datasets_from_function(
        self, dataset_fn: Callable[[InputContext], Any]
    ) -> Any:
        return self._made(dataset_fn)

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """There are none to name.

        Raises:
          RuntimeError: always.
        """
        raise _no_devices("worker_devices")

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """There are none to name.

        Raises:
          RuntimeError: always.
        """
        raise _no_devices("parameter_devices")

    def non_slot_devices(self, var_list: Sequence[Any]) -> Any:
        """The variable whose name comes first: others lie beside it."""
        return min(var_list, key=lambda variable: variable.name)


def _no_devices(name: str) -> RuntimeError:
    return RuntimeError(
        f"{name}() method unsupported by default tf.distribute.Strategy."
    )


@functools.cache
def default_mode() -> Mode:
    """What a thread works for that entered nothing: the only replica there is."""
    strategy = DefaultStrategy()
    return Mode(strategy, ReplicaContext(strategy, 0))


hooks.provide(default_mode=default_mode)
