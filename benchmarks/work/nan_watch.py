"""What `retrograd.nan_watch` costs a step in the compiled tier.

    PYTHON nan_watch.py [WORKLOAD …] [SECONDS]

Runs each workload of graphs.py with and without the watch, in turns, and prints one
line of JSON for each: the median and the least of a step, in milliseconds of CPU time
over all threads and of time that passes.
"""

import json
import os
import sys
import time

os.environ.setdefault("RETROGRAD_TIER", "1")

import graphs
import numpy as np

import retrograd as tf

graphs.tf = tf


class Side:
    """One session that trains, watched or not."""

    def __init__(self, work, watched):
        with tf.Graph().as_default():
            loss, optimizer, self.feed = graphs.WORK[work]()
            self.fetch = [optimizer.minimize(loss), loss]
            self.session = tf.Session()
            self.session.run(tf.global_variables_initializer())
        self.cpu, self.wall = [], []
        if watched:
            self.watch = tf.nan_watch(loss, self.session)
            self.watch.__enter__()
        for _ in range(3):
            self.session.run(self.fetch, self.feed)

    def step(self):
        cpu, wall = time.process_time(), time.perf_counter()
        self.session.run(self.fetch, self.feed)
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


def measure(work, seconds):
    plain, watched = Side(work, False), Side(work, True)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(plain.wall) < 10:
        for side in (plain, watched):
            for _ in range(10 if work == "mlp" else 1):
                side.step()
    watched.watch.__exit__()
    figures = {"work": work, "runs": len(plain.wall)}
    for name, side in (("plain", plain), ("watched", watched)):
        for kind, times in (("cpu", side.cpu), ("wall", side.wall)):
            figures[f"{name} {kind}"] = round(float(np.median(times)) * 1e3, 3)
            figures[f"{name} least {kind}"] = round(min(times) * 1e3, 3)
    return figures


def main():
    names = [a for a in sys.argv[1:] if not a.replace(".", "").isdigit()]
    rest = [float(a) for a in sys.argv[1:] if a not in names]
    for work in names or ["mlp", "lenet"]:
        print(json.dumps(measure(work, rest[0] if rest else 10.0)))


if __name__ == "__main__":
    main()
