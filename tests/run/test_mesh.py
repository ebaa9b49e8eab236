"""A data-parallel step over two host devices equals the step on one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from retrograd.run import mesh

PROGRAM = """
import sys
import numpy as np
import retrograd as tf
from retrograd.run import mesh

devices = int(sys.argv[1])
if devices > 1:
    mesh.host_devices(devices)
random = np.random.RandomState(0)
x = tf.placeholder(tf.float32, [None, 6])
y = tf.placeholder(tf.float32, [None, 2])
w = tf.Variable(random.standard_normal([6, 2]).astype(np.float32))
b = tf.Variable(tf.zeros([2]))
loss = tf.reduce_mean(tf.square(tf.tanh(tf.matmul(x, w) + b) - y))
train = tf.train.MomentumOptimizer(0.5, 0.9).minimize(loss)
feed = {x: random.standard_normal([8, 6]), y: random.standard_normal([8, 2])}
with tf.Session() as session:
    mesh.data_parallel(session, devices)
    session.run(tf.global_variables_initializer())
    for _ in range(5):
        session.run(train, feed)
    print(repr(session.run([loss, w, b], feed)))
    if devices > 1:
        cell = session._store.cell(w.op)
        print(len(cell.value.sharding.device_set))
"""


def run(devices: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(devices)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip().split("\n")


def numbers(text: str) -> list[float]:
    import re

    return [float(v) for v in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", text)]


def test_two_devices_give_the_numbers_of_one() -> None:
    one, two = run(1), run(2)
    assert two[-1] == "2", "the variable is not on both devices"
    a, b = numbers("".join(one)), numbers("".join(two[:-1]))
    assert len(a) == len(b) >= 15
    assert all(abs(x - y) < 1e-5 for x, y in zip(a, b, strict=True))


def test_number_of_devices_is_checked() -> None:
    with pytest.raises(ValueError, match="devices must be at least 1"):
        mesh.data_parallel(None, 0)
