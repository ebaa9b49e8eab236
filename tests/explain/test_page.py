"""The page that explains: what it holds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import retrograd as tf
from retrograd.explain.page import contents, escaped, frame, page


def small() -> Any:
    """∂f/∂x and ∂f/∂y of f = x²y + y + 2 at (3, 4)."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [], name="x")
        y = tf.placeholder(tf.float32, [], name="y")
        f = x * x * y + (y + 2)
        return tf.explain(f, [x, y], {x: 3, y: 4})


def data_of(text: str) -> Any:
    """What the scripts of a page are given."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


def test_a_page_holds_the_explanation() -> None:
    data = data_of(page(small()))
    assert data["title"] == "∂f/∂x, ∂f/∂y"
    assert [g["value"]["data"] for g in data["gradients"]] == [[24.0], [10.0]]
    template, *labels = data["formulas"]["nodes"]["n5"]
    assert labels == ["n5", "n4", "n2"]
    assert 'data-node="n{1}"' in data["formulas"]["templates"][template]


def test_formulas_that_differ_in_labels_are_kept_once() -> None:
    made = contents(small())["formulas"]
    assert made["nodes"]["n6"][0] == made["nodes"]["n7"][0]
    assert made["nodes"]["n1"] is None


def test_nothing_breaks_out_of_the_data() -> None:
    text = escaped({"name": "</script><script>alert(1)</script>\u2028'\""})
    assert "<" not in text and "\u2028" not in text
    assert json.loads(text)["name"].startswith("</script>")


def test_a_frame_holds_the_page_as_an_attribute() -> None:
    text = frame(small())
    assert text.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert text.count("<") == 2


def test_a_page_is_saved_and_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    explanation = small()
    explanation.save(tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text("utf-8") == explanation.html
    path = explanation.open()
    assert opened == [path.as_uri()]
    assert path.read_text("utf-8") == explanation.html
