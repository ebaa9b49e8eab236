"""Reading the tables of names."""

import sys

import pytest

from retrograd.compat import table

TEXT = """# a comment
[retrograd.ops.math.reduce]
reduce_sum math.reduce_sum
math.bessel=bessel_fn
contrib.framework.nest=.

[retrograd.nest]
nest.flatten

python.framework.ops <- retrograd.graph.graph retrograd.graph.context
python.framework.ops <- retrograd.graph.tensor
compat.v1 =>
contrib.keras => keras
"""


@pytest.fixture
def names() -> table.Names:
    made = table.Names()
    made.read(TEXT)
    made._gather_namespaces()
    return made


def test_places(names):
    assert names.find("reduce_sum") == ("retrograd.ops.math.reduce", "reduce_sum")
    assert names.find("math.reduce_sum") == ("retrograd.ops.math.reduce", "reduce_sum")
    assert names.find("math.bessel") == ("retrograd.ops.math.reduce", "bessel_fn")
    assert names.find("contrib.framework.nest") == ("retrograd.ops.math.reduce", ".")
    assert names.find("nest.flatten") == ("retrograd.nest", "flatten")
    assert names.find("nothing") is None


def test_an_alias_of_115_needs_no_line(names):
    assert names.find("compat.v2.reduce_sum") is None  # another object in 1.15
    names.read("[retrograd.ops.math.unary]\nexp\n")
    assert names.find("math.exp") == ("retrograd.ops.math.unary", "exp")
    assert names.find("compat.v2.math.exp") == ("retrograd.ops.math.unary", "exp")


def test_mirrors(names):
    assert names.find("compat.v1.math.reduce_sum") == names.find("math.reduce_sum")
    assert names.is_namespace("compat.v1.nn.rnn_cell")
    names.read("[retrograd.keras]\nkeras.layers.Dense\n")
    assert names.find("contrib.keras.layers.Dense") == ("retrograd.keras", "Dense")


def test_sources(names):
    assert names.sources["python.framework.ops"] == [
        "retrograd.graph.graph",
        "retrograd.graph.context",
        "retrograd.graph.tensor",
    ]


def test_below(names):
    assert {"reduce_sum", "bessel"} <= set(names.below("math"))
    assert "reduce_sum" in names.below("compat.v1")
    assert "contrib" in names.below("")
    assert "python" not in names.below("")


def test_reading_a_name_takes_few_calls(names):
    """Thousands of names are read at the first use of one."""
    lines = [f"name_{i} math.name_{i} nn.name_{i}" for i in range(1000)]
    text = "\n".join(["[retrograd.ops.math]", *lines])
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        names.read(text)
    finally:
        sys.setprofile(None)
    assert names.find("nn.name_999") == ("retrograd.ops.math", "name_999")
    assert calls < 3 * 3000


def test_reading_imports_nothing(names):
    names.read("[retrograd.no_such_module]\nno_such_name\n")
    assert names.find("no_such_name") == ("retrograd.no_such_module", "no_such_name")
