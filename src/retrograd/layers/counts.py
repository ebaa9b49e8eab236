"""How many operations loops over steps have in TensorFlow.

The seeds of random operations, and so the first values of weights, derive from how many
operations were made before. A TensorArray is made of other operations there.
"""

from __future__ import annotations

from retrograd.graph import context

#: how many more than here: for an array, taking a tensor apart into one, writing to it
#: in a loop, the end of a limited loop, putting an array together
MADE, UNSTACKED, WRITTEN, ENDED, STACKED = -1, 7, 1, 1, 3


def count_operations(count: int) -> None:
    """Count operations that TensorFlow makes in the default graph."""
    if not context.executing_eagerly():
        context.get_default_graph()._last_id += count
