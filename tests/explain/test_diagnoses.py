"""The table of diagnoses: what it names is there, and documented, once."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import retrograd as tf
from retrograd.compat import table
from retrograd.explain.diagnoses import DIAGNOSES, Diagnosis, modules

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "diagnosis.md"


@pytest.mark.parametrize("name, module", modules().items())
def test_names_are_offered(name: str, module: str) -> None:
    found = getattr(tf, name)
    assert found is getattr(importlib.import_module(module), name)
    assert found.__doc__
    assert name in dir(tf)


def test_names_are_none_of_tensorflows() -> None:
    assert not modules().keys() & table.names().places.keys()
    assert not any(table.names().is_namespace(name) for name in modules())


def test_each_is_registered_once() -> None:
    listed = [name for each in DIAGNOSES for name in (each.name, *each.beside)]
    assert sorted(listed) == sorted(modules())


def test_each_has_a_section_in_the_order_of_the_table() -> None:
    headings = re.findall(r"^## (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert headings == [each.name for each in DIAGNOSES]


def test_the_name_is_that_of_the_call() -> None:
    assert Diagnosis("why(y, x)", "explain.why", "Why?").name == "why"


def test_what_is_no_diagnosis_is_missing_as_a_name_of_tensorflow_is() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'why_nothing'"):
        tf.why_nothing  # noqa: B018
