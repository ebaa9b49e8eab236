"""Random healthy programs, and what a graph and a session are like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

import retrograd as tf

#: steps of random programs: finite values stay finite, and so do derivatives
HEALTHY: dict[str, Callable[[Any], Any]] = {
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "relu": tf.nn.relu,
    "square": lambda x: tf.square(tf.clip_by_value(x, -3.0, 3.0)),
    "safe log": lambda x: tf.log(tf.abs(x) + 1.0),
    "safe sqrt": lambda x: tf.sqrt(tf.square(x) + 1.0),
    "safe where": lambda x: tf.where(
        x > 0, tf.log(tf.where(x > 0, x + 1.0, tf.ones_like(x))), x
    ),
    "softmax": tf.nn.softmax,
    "division": lambda x: x / (1.0 + tf.abs(x)),
    "mean": lambda x: x - tf.reduce_mean(x, 0, keepdims=True),
    "loop": lambda x: tf.while_loop(
        lambda i, v: i < 3, lambda i, v: (i + 1, tf.tanh(v)), [0, x]
    )[1],
    "branch": lambda x: tf.cond(
        tf.reduce_sum(x) > 0, lambda: tf.sin(x), lambda: tf.cos(x)
    ),
    "layer": lambda x: tf.matmul(
        x,
        tf.get_variable(
            tf.get_default_graph().unique_name("kernel"),
            [4, 4],
            initializer=tf.constant_initializer(np.eye(4) * 0.7),
        ),
    ),
}

#: steps that a random program is made of, and its batch
STEPS = st.lists(st.sampled_from(sorted(HEALTHY)), min_size=1, max_size=5)
BATCHES = st.lists(
    st.lists(st.floats(-4, 4, width=32), min_size=4, max_size=4),
    min_size=2,
    max_size=4,
)


def build(steps: list[str]) -> tuple[Any, Any, Any]:
    """A placeholder [n, 4], a variable, and a scalar made of them."""
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    w = tf.get_variable("w", initializer=np.full(4, 0.5, np.float32))
    y = x * w
    for step in steps:
        y = HEALTHY[step](y)
    return x, w, tf.reduce_mean(y)


def state(session: Any) -> tuple[Any, ...]:
    """What a diagnosis must leave as it is: the graph, and what the session holds."""
    graph = session.graph
    cells = {
        key: None if cell.value is None else np.array(cell.read()).tobytes()
        for key, cell in session._store.cells.items()
    }
    return (
        len(graph._ops),
        graph._last_id,
        dict(graph._names_in_use),
        [len(t._consumers) for op in graph._ops for t in op._outputs],
        graph.finalized,
        cells,
        sorted(session._store.resources),
    )
