"""Small programs that TensorFlow 1.15 refuses, or does not, in both tiers and at once.

The programs are in `tests/data/refused_programs.py`; what 1.15.5 makes of them was
written by `make_refused.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from tests.data import refused_programs as programs

DATA = Path(__file__).parents[1] / "data"
KNOWN = json.loads((DATA / "refused.json").read_text())


#: arrays and names are numbered for each process
_COUNT = re.compile(r"(TensorArray \w+?)(_\d+)+:")


def _check(run: Callable[[], Any], known: Any) -> None:
    if not isinstance(known, dict):
        np.testing.assert_allclose(run(), known, rtol=1e-6)
        return
    with pytest.raises(Exception) as caught:
        run()
    ((kind, text),) = known.items()
    first = str(caught.value).split("\n")[0]
    assert type(caught.value).__name__ == kind, first
    assert _COUNT.sub(r"\1:", first).rstrip() == _COUNT.sub(r"\1:", text).rstrip()


GRAPHS = [name for name in KNOWN if not name.startswith("eager_")]
AT_ONCE = [name for name in KNOWN if name.startswith("eager_")]


@pytest.mark.parametrize("tier", ["0", "1"])
@pytest.mark.parametrize("name", GRAPHS)
def test_in_a_graph(name: str, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)

    def run() -> Any:
        with tf.Graph().as_default(), tf.Session() as session:
            fetch, feed = getattr(programs, name)(tf)
            session.run(tf.global_variables_initializer())
            return session.run(fetch, feed)

    _check(run, KNOWN[name])


@pytest.mark.parametrize("name", AT_ONCE)
def test_at_once(name: str) -> None:
    with context.eager_mode():
        _check(lambda: getattr(programs, name)(tf).numpy(), KNOWN[name])
