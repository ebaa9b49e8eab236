"""How many operations loops over steps have in TensorFlow.

The seeds of random operations, and so the first values of weights, derive from how many
operations were made before. In graphs of version 1 a TensorArray is made of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from retrograd.graph import context
from retrograd.ops.flow.control_flow_util import EnableControlFlowV2

#: how many there are: for an array, taking a tensor apart into one, writing to it in a
#: loop, putting it together; and how many more than here at the end of a limited loop
MADE, UNSTACKED, WRITTEN, STACKED, ENDED = 1, 9, 2, 5, 1


@contextmanager
def counted_as(count: int) -> Iterator[None]:
    """A context whose operations count as so many in the default graph."""
    if context.executing_eagerly() or EnableControlFlowV2(context.get_default_graph()):
        yield
        return
    graph = context.get_default_graph()
    before = graph._last_id
    yield
    graph._last_id = before + count
