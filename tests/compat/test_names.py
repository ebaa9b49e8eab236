"""Every name that the tables list is there."""

import pytest

from retrograd.compat import table

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
    known = {name for group in table.aliases().values() for name in group}
    known |= set(table.names().namespaces)
    public = [
        name
        for name in table.names().places
        if name.count(".") == 0 and not name.startswith("_")
    ]
    exported = {
        target
        for package, children in table.modules().items()
        for child in children
        for target in table.exports(f"{package}.{child}").values()
    }
    assert [name for name in public if name not in known | exported | CONSTANTS] == []


CONSTANTS = {
    "VERSION",
    "GIT_VERSION",
    "COMPILER_VERSION",
    "CXX11_ABI_FLAG",
    "MONOLITHIC_BUILD",
    "GRAPH_DEF_VERSION",
    "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER",
    "QUANTIZED_DTYPES",
    "newaxis",
    "raw_ops",
}
