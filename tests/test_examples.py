"""The programs of `examples/` print what TensorFlow 1.15 printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def output(name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "retrograd", "run", str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_first_program() -> None:
    assert output("first_program.py").split("\n") == [
        "[-2. -6.]",
        "[2. 3.]",
        "[12. 36.]",
        "[-2. -6.]",
        "[ -4. -25.]",
        "",
    ]


def test_cosine() -> None:
    first, last, w, _ = output("cosine.py").split("\n")
    assert abs(float(first) - 0.8944272) < 1e-6
    assert abs(float(last) + 0.99999815) < 1e-6
    assert [float(v) for v in re.findall(r"-?\d+\.\d+", w)] == [-3.4551182, -1.7209941]


def test_digits() -> None:
    text = output("digits.py")
    found = re.search(r"test accuracy (\d+\.\d) %", text)
    assert found and float(found[1]) >= 97
    # the losses of TensorFlow 1.15 with the same seeds
    assert "epoch 10  loss 0.1426" in text and "epoch 20  loss 0.0059" in text
