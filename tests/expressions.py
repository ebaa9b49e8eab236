"""Lines of `tests/data/NAME_cases.txt`, against what TensorFlow 1.15 made of them."""

from __future__ import annotations

import gzip
import importlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.compat.namespace import namespace
from retrograd.graph import context

DATA = Path(__file__).resolve().parent / "data"
INNER = namespace("python.keras.backend")

with pytest.MonkeyPatch.context() as patch:
    # the runs import each other as scripts do, under either TensorFlow
    patch.syspath_prepend(str(DATA))
    RUNS = importlib.import_module("backend_runs")


class Expressions:
    """What TensorFlow made of the lines of a file, by line: in a graph, and eagerly.

    Args:
      name: that of the file.
      otherwise: parts of lines of which something else is made here.
      nodes: whether the operations of graphs have to be the same; else only the outer
        scopes of results have to.
    """

    def __init__(
        self, name: str, otherwise: Collection[str] = (), nodes: bool = True
    ) -> None:
        self.nodes = nodes
        packed = (DATA / f"{name}.json.gz").read_bytes()
        self.expected: dict[str, Any] = json.loads(gzip.decompress(packed))
        self.lines = [
            x for x in self.expected if not any(part in x for part in otherwise)
        ]

    def marked(self, **covering: str) -> list[Any]:
        """The lines as parameters of a test that covers op types without rows.

        Args:
          **covering: by op type, what the first line that runs it begins with.
        """
        by_line: dict[str, list[str]] = {}
        for op_type, start in covering.items():
            line = next(x for x in self.lines if x.startswith(start))
            by_line.setdefault(line, []).append(op_type)
        return [
            pytest.param(x, marks=pytest.mark.covers(*by_line.get(x, ())))
            for x in self.lines
        ]

    def check(self, line: str) -> None:
        """Compare a line in a graph."""
        self._compare(line, eager=False)
        tf.keras.backend.clear_session()

    def check_eager(self, line: str) -> None:
        """Compare a line in eager mode."""
        with context.eager_mode():
            self._compare(line, eager=True)
            tf.keras.backend.clear_session()

    def _compare(self, line: str, eager: bool) -> None:
        found = json.loads(json.dumps(RUNS.described(tf, INNER, line, eager)))
        wanted = self.expected[line][eager]
        if not self.nodes:
            found, wanted = (
                {key: _scoped(x) for key, x in one.items() if key != "nodes"}
                for one in (found, wanted)
            )
        RUNS.compared(found, wanted, _close)


def _scoped(made: Any) -> Any:
    """What was made, with the outer scope of a result in the place of its name."""
    if not isinstance(made, list):
        return made
    if len(made) == 4 and isinstance(made[0], str) and isinstance(made[2], str):
        return [*made[:2], made[2].split(":")[0].split("/")[0], made[3]]
    return [_scoped(x) for x in made]


def _close(found: list[Any], wanted: list[Any]) -> None:
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-6)
