"""Programs that end while something compiles: `python -m tests.run.endings 200`.

Each is started anew, trains, and ends at a random instant between the start of the
compile and a second after its end. It must end with its own status, say nothing but its
own, write what it has not flushed, and take no longer than without a compile by more
than half a second.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """
import os, sys, time
import numpy as np
import tensorflow as tf
from retrograd.run import tiers

tiers._HOT = tiers._HOT_PER_OP = 0.0
how, delay, length = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
x = tf.placeholder(tf.float32, [4, length, 8])
w = tf.get_variable("w", [24, 64])
h = c = tf.zeros([4, 16])
for step in tf.unstack(x, axis=1):
    i, j, f, o = tf.split(tf.matmul(tf.concat([step, h], 1), w), 4, axis=1)
    c = c * tf.sigmoid(f) + tf.sigmoid(i) * tf.tanh(j)
    h = tf.tanh(c) * tf.sigmoid(o)
train = tf.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(h)))
session = tf.Session()
session.run(tf.global_variables_initializer())
feed = {x: np.ones([4, length, 8], np.float32)}
kept = open("kept.txt", "w")
kept.write("not flushed")


class Last:
    def __del__(self, write=os.write):
        write(1, b"finalized\\n")


last = Last()
os.write(1, b"training\\n")
end = time.time() + delay
while time.time() < end or how == "interrupt":
    session.run(train, feed)
os.write(1, b"%.6f\\n" % time.time())
if how == "close":
    session.close()
elif how == "exit":
    sys.exit(7)
elif how == "error":
    raise ValueError("the program's own")
"""
#: ways to end, with the status and the last line of stderr
WAYS = {
    "end": (0, ""),
    "close": (0, ""),
    "exit": (7, ""),
    "error": (1, "ValueError: the program's own"),
    "interrupt": (-signal.SIGINT, "KeyboardInterrupt"),
}
#: seconds in which a process ends, beyond what it takes where nothing compiles
LIMIT = 0.5


@dataclass(frozen=True)
class Ending:
    """How a program has ended.

    Attributes:
      seconds: from the last thing it did to the end of its process.
      wrong: what is not as it must be; empty where all is.
    """

    seconds: float
    wrong: list[str]


def end(
    folder: Path, source: Path, how: str, delay: float, length: int, **variables: str
) -> Ending:
    """Run the program, and end it after `delay` seconds of training."""
    program = folder / "program.py"
    program.write_text(PROGRAM)
    kept = folder / "kept.txt"
    kept.unlink(missing_ok=True)
    command = [sys.executable, "-m", "retrograd", "run", str(program), how]
    process = subprocess.Popen(
        [*command, str(delay), str(length)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    if how == "interrupt" and lines[0]:
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        stopped = time.time()
    output, said = process.communicate(timeout=300)
    now = time.time()
    lines += output.splitlines(keepends=True)
    if how != "interrupt":
        stopped = float(lines[1]) if len(lines) > 1 else 0.0
    status, last = WAYS[how]
    wrong = []
    if process.returncode != status:
        wrong.append(f"status {process.returncode}, not {status}")
    if (said.strip().splitlines() or [""])[-1] != last or (said and not last):
        wrong.append(f"says {said[-2000:]!r}")
    if lines[-1] != "finalized\n":
        wrong.append("objects are not finalized")
    if not kept.exists() or kept.read_text() != "not flushed":
        wrong.append("a file is not written")
    return Ending(now - stopped, wrong)


def endings(
    folder: Path, source: Path, count: int, longest: float, length: int, seed: int
) -> Iterator[tuple[str, float, Ending]]:
    """End the program at random instants, in all ways in turn."""
    draw = random.Random(seed)
    for number in range(count):
        how = list(WAYS)[number % len(WAYS)]
        delay = draw.uniform(0, longest)
        yield how, delay, end(folder, source, how, delay, length)


def main() -> None:
    """Try it as often as asked, and print what was found."""
    import tempfile

    import retrograd

    count = int(sys.argv[1])
    length = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    longest = float(sys.argv[3]) if len(sys.argv) > 3 else 12.0
    source = Path(retrograd.__file__).parent.parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        free = [
            end(folder, source, "end", 0.2, length, RETROGRAD_TIER="0").seconds
            for _ in range(5)
        ]
        seconds, bad = [], 0
        for how, delay, found in endings(folder, source, count, longest, length, 0):
            seconds.append(found.seconds)
            bad += bool(found.wrong)
            mark = "; ".join(found.wrong)
            print(f"{how:10} after {delay:5.2f} s: {found.seconds:.3f} s {mark}")
            sys.stdout.flush()
    seconds.sort()
    print(f"{count} endings, {bad} wrong")
    print(f"without a compile {sorted(free)[2]:.3f} s")
    print(f"median {seconds[count // 2]:.3f} s, longest {seconds[-1]:.3f} s")


if __name__ == "__main__":
    main()
