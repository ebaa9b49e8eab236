"""Which strategy of distribution, and which of its replicas, a thread works for.

The modes that were entered lie on a stack that each thread has for each graph;
functions and branches take over that of the graph around them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd.graph import context

if TYPE_CHECKING:
    from retrograd.distribute.replica import ReplicaContext
    from retrograd.distribute.strategy import Strategy


class Mode(NamedTuple):
    """What a thread works for.

    Attributes:
      strategy: the strategy.
      replica: the ReplicaContext, or None for all replicas at once.
    """

    strategy: Any
    replica: Any


def innermost() -> Mode | None:
    """The mode that this thread entered last in the default graph."""
    stack = context.get_default_graph()._scopes.distribution
    return stack[-1] if stack else None


@contextlib.contextmanager
def entered(
    strategy: Strategy, replica: ReplicaContext | None = None
) -> Iterator[None]:
    """A context for one replica of a strategy, or for all of them."""
    scopes = context.get_default_graph()._scopes
    before = scopes.distribution
    scopes.distribution = [*before, Mode(strategy, replica)]
    try:
        yield
    finally:
        scopes.distribution = before


def in_cross_replica_context() -> bool:
    """Whether what is made belongs to all replicas rather than to one of them."""
    found = innermost()
    return found is not None and found.replica is None
