"""What belongs to the program is as it was, whatever the engine imports and starts."""

from __future__ import annotations

import pytest

from tests.conftest import Launcher

STATE = """
import contextlib, ctypes, locale, logging, os, random, signal, sys, threading, warnings
import numpy as np


def modes():
    "How the processor rounds, and what it does with denormals."
    kept = (ctypes.c_ubyte * 64)()
    ctypes.CDLL(None).fegetenv(kept)
    # of the x86's two units: control words, without the flags of what has happened
    return bytes(kept[:2]), int.from_bytes(bytes(kept[28:32]), "little") & ~0x3F


def caught_signals():
    "Which signals the process handles, whoever asked for it."
    status = open("/proc/self/status").read().split()
    caught = int(status[status.index("SigCgt:") + 1], 16)
    # 32 and 33 are the C library's own: it handles them from the first thread on
    return [s for s in range(1, 65) if caught >> (s - 1) & 1 and s not in (32, 33)]


def belongings():
    "All that is the program's, and can be compared."
    legacy = np.random.get_state()
    loggers = [logging.root, *map(logging.getLogger, ("mine", "mine.own"))]
    return {
        "np.random": (legacy[1].tolist(), legacy[2:]),
        "random": random.getstate(),
        "warnings": list(warnings.filters),
        "showing warnings": (warnings.showwarning, warnings.formatwarning),
        "signals": {s: signal.getsignal(s) for s in signal.valid_signals()},
        "caught signals": caught_signals() if sys.platform == "linux" else None,
        "locale": locale.setlocale(locale.LC_ALL),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "logging": [(x.level, x.handlers[:], x.filters[:], x.disabled) for x in loggers]
        + [logging.getLoggerClass(), logging.root.manager.disable, logging.lastResort],
        "floating-point errors": (np.geterr(), np.geterrcall()),
        "rounding": modes(),
        "printing": str(np.get_printoptions()),
        "hooks": (sys.excepthook, threading.excepthook, sys.displayhook),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "interpreter": (
            sys.getswitchinterval(), sys.getrecursionlimit(), sys.gettrace(),
            sys.getprofile(), threading.stack_size(),
        ),
    }


def compare(what):
    after = belongings()
    for name, value in before.items():
        if after[name] != value:
            print(what, "changed", name, "from", value, "to", after[name])


np.random.seed(7)
random.seed(7)
np.seterr(under="raise")
warnings.simplefilter("error", DeprecationWarning)
logging.getLogger("mine.own").setLevel(logging.ERROR)
signal.signal(signal.SIGTERM, lambda *args: None)
# Python's own line editor, which its debugger loads from 3.13 on, handles SIGWINCH
with contextlib.suppress(ImportError):
    import readline
before = belongings()
"""
IMPORTS = """
import importlib, pkgutil
import retrograd
compare("the package")
for module in pkgutil.walk_packages(retrograd.__path__, "retrograd."):
    if not module.name.endswith("__main__") and ".restore" not in module.name:
        importlib.import_module(module.name)
        compare(module.name)
assert "jax" in sys.modules
for name in ("scipy.special", "scipy.linalg", "threadpoolctl", "ml_dtypes", "h5py"):
    importlib.import_module(name)  # as kernels and formats do when they need it
    compare(name)
print("done")
"""
RUNS = """
import time
import retrograd as tf
from retrograd.run import tiers

tiers._HOT = tiers._HOT_PER_OP = 0.0
x = tf.placeholder(tf.float32, [None, 32])
w = tf.Variable(tf.random_normal([32, 32], seed=1))
drawn = tf.random_uniform([32])
loss = tf.reduce_mean(tf.square(tf.tanh(tf.matmul(x, w)) - x)) + tf.reduce_sum(drawn)
special = tf.lgamma(loss) + tf.log(tf.zeros([])) + 1.0 / tf.zeros([])
train = tf.train.AdamOptimizer(0.01).minimize(loss)
compare("a graph")
seen = []
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    called = tf.py_func(lambda v: seen.append(np.geterr()) or v, [x], tf.float32)
    feed = {x: np.ones([4, 32], np.float32)}
    session.run([train, special, called], feed)
    compare("a run")
    until = time.time() + 50
    while True:
        session.run([train, special], feed)
        runners = [e.runner for e in session._executables.values()]
        if any(isinstance(r.run, tiers._Trial) for r in runners):
            break
        assert time.time() < until
        compare_state = before["np.random"] == belongings()["np.random"]
        assert compare_state
    session.run([train, special], feed)
    compare("a run of what was compiled in the background")
with tf.Session() as session:
    tf.logging.info("said by TensorFlow")
    compare("the end of a session")
print(seen[0])
"""


def test_importing_leaves_the_program_as_it_is(launcher: Launcher) -> None:
    result = launcher.python("-c", STATE + IMPORTS)
    assert (result.stdout, result.stderr) == ("done\n", "")


@pytest.mark.parametrize("tier", ["auto", "1"])
def test_running_leaves_the_program_as_it_is(
    launcher: Launcher, tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    source = RUNS if tier == "auto" else RUNS.replace("isinstance(r.run,", "(True,")
    result = launcher.python("-c", STATE + source)
    default = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    assert (result.stdout, result.stderr) == (f"{default}\n", "")
