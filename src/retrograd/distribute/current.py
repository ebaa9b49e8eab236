"""Which strategy, and which of its replicas, a thread works for.

Where nothing was entered (`graph.distribution`) it is the default strategy.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from retrograd.errors import message
from retrograd.graph import context
from retrograd.graph.distribution import Mode, innermost
from retrograd.graph.hooks import hooks

if TYPE_CHECKING:
    from retrograd.distribute.extended import StrategyExtendedV2
    from retrograd.distribute.replica import ReplicaContext
    from retrograd.distribute.strategy import Strategy


def mode() -> Mode:
    """The innermost mode of this thread in the default graph."""
    return innermost() or default_mode()


def default_mode() -> Mode:
    """What a thread works for that entered nothing: the only replica there is."""
    return hooks.default_mode()


def get_strategy() -> Any:
    """The strategy in force: that of the innermost `scope`, or the default one."""
    return mode().strategy


def has_strategy() -> bool:
    """Whether a strategy other than the default one is in force."""
    return get_strategy() is not default_mode().strategy


def get_replica_context() -> Any:
    """The ReplicaContext of the replica at work; None in cross-replica context."""
    return mode().replica


def get_cross_replica_context() -> Any:
    """The strategy in cross-replica context; None where one replica is at work."""
    found = mode()
    return found.strategy if found.replica is None else None


def get_strategy_and_replica_context() -> tuple[Any, Any]:
    """What `get_strategy` and `get_replica_context` return."""
    return tuple(mode())


_global_scopes: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def experimental_set_strategy(strategy: Strategy) -> None:
    """Put a strategy in force from now on; None puts the default one back.

    Raises:
      RuntimeError: inside the scope of a strategy.
    """
    graph = context.get_default_graph()
    before = _global_scopes.pop(graph, None)
    if before is not None:
        before.__exit__(None, None, None)
    if has_strategy():
        raise RuntimeError(
            "Must not be called inside a `tf.distribute.Strategy` scope."
        )
    if strategy is not None:
        scope = strategy.scope()
        scope.__enter__()
        _global_scopes[graph] = scope


# ---------------------------------------------------------------------- updating


class _Update(threading.local):
    """The device whose copies of variables are being updated."""

    device: Any = None


_update = _Update()


def get_update_device() -> Any:
    """The device that an `update` works on now, or None."""
    return _update.device


@contextlib.contextmanager
def updating(device: str) -> Iterator[None]:
    """A context in which variables stand for their copies on `device`."""
    before, _update.device = _update.device, device
    try:
        yield
    finally:
        _update.device = before


# ---------------------------------------------------------------------- checks


def require_cross_replica(extended: StrategyExtendedV2) -> None:
    """Check that all replicas of a strategy are at work, or no strategy is in force.

    Raises:
      RuntimeError: one replica is, or another strategy is in force.
    """
    found = mode()
    if found is default_mode():
        return
    strategy = extended._container_strategy()
    if found.strategy is not strategy:
        raise wrong_strategy(strategy)
    if found.replica is not None:
        raise RuntimeError(
            message(
                "Method requires being in cross-replica context, use "
                "get_replica_context().merge_call()",
            )
        )


def require_strategy(extended: StrategyExtendedV2) -> None:
    """Check that a strategy is in force.

    Raises:
      RuntimeError: it is not.
    """
    if get_strategy().extended is not extended:
        raise wrong_strategy(extended._container_strategy())


def require_replica(replica: ReplicaContext) -> None:
    """Check that a replica is at work.

    Raises:
      RuntimeError: all are, or another one is.
    """
    found = mode()
    if found.replica is replica:
        return
    if found.replica is None:
        raise RuntimeError("Need to be inside `call_for_each_replica()`")
    if found.strategy is replica.strategy:
        raise RuntimeError("Mismatching ReplicaContext.")
    raise RuntimeError(
        "Mismatching tf.distribute.Strategy objects: "
        f"{found.strategy} is not {replica.strategy}."
    )


def wrong_strategy(strategy: Strategy) -> RuntimeError:
    """The error for work on a strategy that is not in force."""
    if not has_strategy():
        return RuntimeError(f'Need to be inside "with strategy.scope()" for {strategy}')
    return RuntimeError(
        "Mixing different tf.distribute.Strategy objects: "
        f"{get_strategy()} is not {strategy}"
    )


@contextlib.contextmanager
def inside(strategy: Strategy) -> Iterator[None]:
    """A context in which a strategy is in force; entered where none is.

    Raises:
      RuntimeError: another one is in force.
    """
    if not has_strategy():
        with strategy.scope():
            yield
        return
    require_strategy(strategy.extended)
    yield
