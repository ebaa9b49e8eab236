"""How long explanations take: `python benchmarks/explaining.py [--rounds 5]`.

For graphs of 2,000 operations, seconds of `retrograd.explain` and of each of its forms;
medians over the rounds, each on a graph of its own.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import retrograd
import retrograd as tf

OPERATIONS = 2000


def scalars() -> tuple[Any, Any]:
    """A chain of scalar operations."""
    x = tf.constant(0.5)
    y = x
    while len(x.graph.get_operations()) < OPERATIONS:
        y = tf.sin(y) * 1.01
    return y, x


def layers() -> tuple[Any, Any]:
    """Dense layers in name scopes."""
    x = tf.constant(np.random.RandomState(0).randn(32, 64), tf.float32)
    w = tf.constant(np.random.RandomState(1).randn(64, 64) / 8, tf.float32)
    y, number = x, 0
    while len(x.graph.get_operations()) < OPERATIONS:
        with tf.name_scope(f"layer{number}"):
            y = tf.tanh(tf.matmul(y, w) + 0.1)
        number += 1
    return tf.reduce_mean(tf.square(y)), w


def timed(make: Callable[[], tuple[Any, Any]]) -> dict[str, float]:
    """Seconds of the explanation of one graph, and of each form."""
    with tf.Graph().as_default():
        y, x = make()
        started = time.perf_counter()
        found = retrograd.explain(y, x)
        times = {"explain": time.perf_counter() - started}
        for form in ("text", "latex", "html"):
            started = time.perf_counter()
            getattr(found, form)
            times[form] = time.perf_counter() - started
    return times


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("| graph | explain | text | LaTeX | page |\n|---|---|---|---|---|")
    for make in (scalars, layers):
        runs = [timed(make) for _ in range(rounds + 1)][1:]
        medians = [statistics.median(r[form] for r in runs) for form in runs[0]]
        cells = " | ".join(f"{seconds:.2f} s" for seconds in medians)
        print(f"| {make.__name__}, {OPERATIONS} operations | {cells} |")


if __name__ == "__main__":
    main()
