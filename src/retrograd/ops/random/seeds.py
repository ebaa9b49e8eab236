"""The seeds of random operations: one of the graph, one of the operation."""

from __future__ import annotations

import random

from retrograd.graph import context
from retrograd.ops.random.philox import DEFAULT_GRAPH_SEED, op_seeds

_MAXINT32 = 2**31 - 1


class _Eager:
    """Where operations that run at once take their seeds from."""

    draws = random.Random()


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The two seeds that a random operation made now should use.

    Without a seed of the graph nor of the operation both are None: the numbers differ
    from run to run. With one of the two the other is a constant, or, for the operation,
    counts the operations that the graph has.
    """
    if context.executing_eagerly():
        graph_seed = context.shared.eager_seed
        if graph_seed is None or op_seed is not None:
            return op_seeds(graph_seed, op_seed, 0)
        return op_seeds(graph_seed, None, _Eager.draws.randint(0, _MAXINT32))
    graph = context.get_default_graph()
    return op_seeds(graph.seed, op_seed, graph._last_id)


def set_random_seed(seed: int | None) -> None:
    """Set the seed of the default graph, or of the program where it runs eagerly.

    Operations made afterwards draw the same numbers in each session, those with equal
    seeds equal ones.
    """
    if not context.executing_eagerly():
        context.get_default_graph().seed = seed
        return
    context.shared.eager_seed = seed
    context.shared.seedings += 1
    _Eager.draws = random.Random(seed)


__all__ = ["DEFAULT_GRAPH_SEED", "get_seed", "set_random_seed"]
