"""Kill a process that saves checkpoints, at random instants; look at what it left.

    python tools/kill_saving.py --kills 300 --seconds 240

Each process takes up training where the one before was killed. After each kill the
checkpoint that the state file names has to be whole: all its variables have the value
of one step, no earlier one than before, and its graph can be read. What is torn is said
and ends it with status 1.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import signal
import sys
import tempfile
import time

import numpy as np

import retrograd as tf
from retrograd.formats.meta_graph import read_meta_graph_file
from retrograd.train.saver_builder import V1, V2

_SIZES = (1, 1000, 60_000)


def save_forever(folder: str, version: int) -> None:
    """Count, and save each count, until killed."""
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [
            tf.get_variable(f"v{i}", [size], initializer=tf.zeros_initializer())
            for i, size in enumerate(_SIZES)
        ]
        step = tf.train.get_or_create_global_step()
        count = tf.group(*(v.assign_add(tf.ones_like(v)) for v in [*variables, step]))
        saver = tf.train.Saver(max_to_keep=3, write_version=version)
        path = tf.train.latest_checkpoint(folder)
        if path is None:
            session.run(tf.global_variables_initializer())
        else:
            saver.restore(session, path)
        while True:
            session.run(count)
            saver.save(session, os.path.join(folder, "model"), global_step=step)


def fault(folder: str, least: int) -> tuple[int, str]:
    """The step of the checkpoint that is left, and what is wrong with it, if anything.

    Args:
      folder: where it is.
      least: the step that was left before.
    """
    path = tf.train.latest_checkpoint(folder)
    if path is None:
        there = os.path.exists(os.path.join(folder, "checkpoint"))
        lost = "the state file names no checkpoint" if there or least else ""
        return 0, lost
    reader = tf.train.NewCheckpointReader(path)
    step = int(reader.get_tensor("global_step"))
    for i, size in enumerate(_SIZES):
        if not np.array_equal(reader.get_tensor(f"v{i}"), np.full(size, step, "f")):
            return step, f"{path}: v{i} is not of step {step}"
    read_meta_graph_file(f"{path}.meta")
    if step < least or not path.endswith(f"-{step}"):
        return step, f"{path}: step {step} after {least}"
    return step, ""


def killed_after(folder: str, version: int, seconds: float) -> None:
    """Let a process save for some time, then kill it."""
    child = os.fork()
    if child == 0:
        try:
            save_forever(folder, version)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError("the process that saves has ended by itself")


def main() -> int:
    """Kill, look, and say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120, help="at most so long")
    parser.add_argument("--longest", type=float, default=0.6, help="a process's life")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    tf.logging.set_verbosity(tf.logging.ERROR)
    chance, until = random.Random(given.seed), time.monotonic() + given.seconds
    left: collections.Counter[str] = collections.Counter()
    kills = 0
    for name, version in (("V2", V2), ("V1", V1)):
        with tempfile.TemporaryDirectory() as folder:
            step = 0
            while kills < given.kills // (1 if version == V1 else 2):
                if time.monotonic() > until:
                    break
                killed_after(folder, version, chance.uniform(0.05, given.longest))
                kills += 1
                step, wrong = fault(folder, step)
                if wrong:
                    print(f"kill {kills}, {name}: {wrong}")
                    return 1
                names = os.listdir(folder)
                left["in the midst of writing"] += any("temp" in n for n in names)
            print(f"{name}: {kills} kills so far, {step} steps saved, all whole")
    print(f"{kills} kills, no checkpoint torn; {dict(left)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
