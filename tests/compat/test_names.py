"""Every name that the tables list is there."""

import pathlib

import pytest

from retrograd.compat import table

DATA = pathlib.Path(__file__).parent.parent / "data"
MODULES = sorted({place[0] for place in table.names().places.values()})
SOURCES = sorted({m for modules in table.names().sources.values() for m in modules})


def test_no_name_is_listed_twice():
    assert table.names().repeated == []


@pytest.mark.parametrize("module", MODULES)
def test_listed_names_resolve(module):
    missing = []
    for name, place in table.names().places.items():
        if place[0] == module:
            try:
                table.resolve(name)
            except table.NotProvided:
                missing.append(name)
    assert missing == []


@pytest.mark.parametrize("module", SOURCES)
def test_source_modules_exist(module):
    assert table.import_or_none(module) is not None


def test_listed_names_are_names_of_115():
    """A name that 1.15 does not have is a slip: programs probe with `hasattr`."""
    known = {*(DATA / "top_names.txt").read_text().split(), "raw_ops"}
    listed = {n for n in table.names().places if "." not in n}
    assert listed - known == set()
