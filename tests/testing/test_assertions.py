"""The assertions of tf.test.TestCase say what TensorFlow 1.15's say."""

import collections
import re
from pathlib import Path

import numpy as np
import pytest

import retrograd as tf

P = collections.namedtuple("P", "a b")
DATA = Path(__file__).parents[1] / "data" / "testing" / "assertions.txt"


def rows():
    lines = [x for x in DATA.read_text().splitlines() if not x.startswith("#")]
    return list(zip(lines[::2], [x.strip() for x in lines[1::2]], strict=True))


class Case(tf.test.TestCase):
    def runTest(self):
        pass


@pytest.mark.parametrize(("call", "want"), rows())
def test_as_tensorflow(call, want):
    try:
        eval(f"case.{call}", {"case": Case(), "np": np, "tf": tf, "P": P})
        got = "ok"
    except (AssertionError, TypeError, ValueError) as e:
        first = [line for line in str(e).splitlines() if line.strip()]
        got = f"{type(e).__name__}: {first[0] if first else ''}".strip()
    pattern = ".*".join(map(re.escape, want.split("…")))
    assert re.fullmatch(pattern, got), got
