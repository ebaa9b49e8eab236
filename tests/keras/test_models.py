"""Models do as TensorFlow 1.15 says: numbers, names, texts and errors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from tests.data import model_programs as programs

DATA = Path(__file__).parent.parent / "data" / "models.json.gz"
KNOWN: dict[str, Any] = json.loads(gzip.decompress(DATA.read_bytes()))


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default(), tf.Session():
        yield


def differences(ours: Any, theirs: Any, at: str = "") -> Iterator[str]:
    """Where two results differ: texts exactly, numbers in the sixth digit."""
    if isinstance(theirs, dict):
        if sorted(map(str, ours)) != sorted(theirs):
            yield f"{at}: {sorted(ours)} for {sorted(theirs)}"
            return
        by_text = {str(key): value for key, value in ours.items()}
        for key, value in theirs.items():
            yield from differences(by_text[key], value, f"{at}.{key}")
    elif isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{at}: {len(ours)} items for {len(theirs)}"
            return
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{at}[{i}]")
    elif isinstance(theirs, float):
        if not np.isclose(ours, theirs, rtol=2e-5, atol=2e-6):
            yield f"{at}: {ours} for {theirs}"
    elif at.endswith(".json"):
        yield from differences(json.loads(ours), json.loads(theirs), f"{at}:")
    elif ours != theirs:
        yield f"{at}: {ours!r} for {theirs!r}"


@pytest.mark.parametrize("name", [n for n in KNOWN if not n.startswith("error_")])
def test_program(name: str) -> None:
    """A program gives what 1.15 gives."""
    assert list(differences(getattr(programs, name)(tf), KNOWN[name])) == []


#: what has no meaning, or other names, in eager mode
GRAPHS_ONLY = ("added_losses_and_metrics", "operations_as_layers")


@pytest.mark.parametrize(
    "name", [n for n in KNOWN if not n.startswith(("error_", *GRAPHS_ONLY))]
)
def test_eager(name: str) -> None:
    """In eager mode the numbers are those of a graph."""
    with context.eager_mode():
        found = getattr(programs, name)(tf)
    different = differences(found, KNOWN[name])
    assert [d for d in different if ".weights" not in d and ".state" not in d] == []


@pytest.mark.parametrize("name", [n for n in KNOWN if n.startswith("error_")])
def test_error(name: str) -> None:
    """A program fails as in 1.15: the class, and the first line."""
    kind, text = KNOWN[name]
    with pytest.raises(Exception) as caught:
        getattr(programs, name)(tf)
    assert type(caught.value).__name__ == kind
    assert str(caught.value).splitlines()[0] == text.splitlines()[0]


def test_differences_are_seen() -> None:
    """The comparison finds another number, another text, a missing part."""
    known = {"a": [1.0, "x"], "b": {"c": 2.0}}
    assert not list(differences({"a": [1.0, "x"], "b": {"c": 2.0}}, known))
    assert list(differences({"a": [1.1, "x"], "b": {"c": 2.0}}, known)) == [
        ".a[0]: 1.1 for 1.0"
    ]
    assert list(differences({"a": [1.0, "y"], "b": {"c": 2.0}}, known))
    assert list(differences({"a": [1.0], "b": {"c": 2.0}}, known))
    assert list(differences({"a": [1.0, "x"]}, known))
