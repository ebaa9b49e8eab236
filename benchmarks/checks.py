"""What it costs that a compiled step refuses what an interpreted one refuses.

    python benchmarks/checks.py [--rounds 40]

Steps of models with an embedding, compiled with their checks and without, in turns: the
median of the milliseconds of a step, and of the ratio between neighbours.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator

os.environ["RETROGRAD_TIER"] = "1"

import numpy as np

import retrograd as tf
from retrograd.arrays.xla import told

STEPS = 5
#: rows and columns of the table, sentences and their words, classes
MODELS = {
    "50,000 × 64": (50_000, 64, 128, 20, 1000),
    "1,000,000 × 16": (1_000_000, 16, 128, 20, 1000),
    "1,000 × 8": (1_000, 8, 8, 20, 10),
}


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """A context in which programs are compiled that tell nothing."""
    tell, told.tell = told.tell, lambda bit, condition: None
    try:
        yield
    finally:
        told.tell = tell


def model(
    rows: int, width: int, batch: int, words: int, classes: int
) -> Callable[[], object]:
    """A step of gradient descent, compiled."""
    random = np.random.RandomState(0)
    with tf.Graph().as_default():
        ids = tf.placeholder(tf.int32, [batch, words])
        labels = tf.placeholder(tf.int32, [batch])
        table = tf.get_variable("table", [rows, width])
        mean = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), 1)
        hidden = tf.nn.relu(tf.matmul(mean, tf.get_variable("v", [width, 256])))
        logits = tf.matmul(hidden, tf.get_variable("w", [256, classes]))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=labels, logits=logits
        )
        loss = tf.reduce_mean(losses)
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        session = tf.Session()
        session.run(tf.global_variables_initializer())
    feed = {
        ids: random.randint(0, rows, (batch, words)).astype(np.int32),
        labels: random.randint(0, classes, batch).astype(np.int32),
    }
    for _ in range(3):
        session.run([loss, step], feed)
    return lambda: session.run([loss, step], feed)


def taken(step: Callable[[], object]) -> float:
    """Milliseconds of a step."""
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - started) * 1e3 / STEPS


def main() -> None:
    """Measure all models, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    print("| table | checked | unchecked | ratio |\n|---|---|---|---|")
    for name, sizes in MODELS.items():
        checked = model(*sizes)
        with unchecked():
            bare = model(*sizes)
        pairs = [(taken(checked), taken(bare)) for _ in range(rounds)]
        one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {name} | {one:.3f} | {other:.3f} | {ratio:.3f} |")


if __name__ == "__main__":
    main()
