"""Rewritten arithmetic does what the program says, and costs little where it can."""

from __future__ import annotations

import ast
import gc
import textwrap
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from retrograd.compat.restore import (
    arithmetic,
    plain,
    promotion,
    provided,
    rewriting,
)


@pytest.fixture(autouse=True)
def builtins_of_rewritten_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import builtins

    monkeypatch.setattr(promotion, "_said", [True])
    before = set(vars(builtins))
    provided.provide()
    yield
    for name in set(vars(builtins)) - before:
        delattr(builtins, name)


def rewritten(source: str) -> str:
    tree = ast.parse(textwrap.dedent(source))
    return ast.unparse(rewriting.rewritten(tree))


def run(source: str, **names: Any) -> dict[str, Any]:
    """The names that a program leaves, the same whether it is rewritten or not."""
    text = textwrap.dedent(source)
    left: list[dict[str, Any]] = []
    for tree in (ast.parse(text), rewriting.rewritten(ast.parse(text))):
        found: dict[str, Any] = {"np": np, **names}
        exec(compile(tree, "program", "exec"), found)
        left.append(found)
    return left[1]


# ---------------------------------------------------------------------- what is left

UNCHANGED = [
    "for i in range(n):\n    s = i * 2 + 1",
    "s = 0\nfor i in range(n):\n    s += i * i\nprint(s / 7 if s > 2.5 else s ** 2)",
    "def f(n):\n    s = 0.0\n    for i in range(n):\n        s += i * 0.1",
    "import math\ndef f(n):\n    return math.sqrt(len(n)) * math.pi + int(n) / 3",
    "from six.moves import xrange\nfor i in xrange(3):\n    j = i // 2",
    "def f(a):\n    for i, x in enumerate(a):\n        print(i + 1, x > 0, x == 'b')",
    "def f(a, b):\n    return '%s' % a + b, [0] * a, (a,) + b, f'{a}' + b",
    "def f(a):\n    return a > 0.5, a != 100, a == None, -1 < a, 0 <= a < 10",
    "def f(x):\n    return x * x, x - x",
    "a, b = 1, 2.0\nc = a * b",
    "def f(a):\n    return [i * 2 for i in range(a)]",
    "def f(a, b):\n    return a @ b, a and b, not a, -a, a is b, a in b",
    "def f(a: int | None = None, *b: 1 + 2) -> int | str: ...",
    "x: list[int | None] = []",
    "def f(n):\n    i = j = 0\n    while True:\n        i, j = i + 1, i - j",
    "def f(a):\n    match a:\n        case 1 + 2j: return 3\n        case -1: return 4",
]


@pytest.mark.parametrize("source", UNCHANGED)
def test_what_needs_no_look_is_left_as_it_is(source: str) -> None:
    assert rewritten(source) == ast.unparse(ast.parse(source))


CHANGED = [
    "a * b",
    "a + 1",
    "a < b",
    "a > 0.1",
    "a == 5000",
    "sum(a)",
    "np.maximum(a, b)",
    "np.where(a, b, c)",
    "x.y * 2.0",
    "a[0] - 1",
    "[x * y for x, y in a]",
    "lambda a, b: a / b",
    "(yield) * 2",
]


@pytest.mark.parametrize("expression", CHANGED)
def test_what_may_be_a_number_of_numpy_is_rewritten(expression: str) -> None:
    source = f"import numpy as np\ndef f(a, b, c, x):\n    return {expression}\n"
    assert "__numpy1_" in rewritten(source)


@pytest.mark.parametrize(
    "source",
    [
        "def range(n): ...\nfor i in range(3):\n    i * 2",
        "def f(len, a):\n    return len(a) * 2",
        "from numpy import *\nx = abs(1) * max(1, 2)",
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = a\n"
        "    return x * 2",
        "x = 1\ndef f():\n    global x\n    x = a\nprint(x * 2)",
        "x = 1\ndef f():\n    return x * 2",
        "def f():\n    x = 1\n    x = a\n    return x * 2",
        "def f():\n    for x in a:\n        x * 2",
        "def f():\n    with a as x:\n        x * 2",
        "def f():\n    x, y = a\n    x * 2",
        "def f(x=1):\n    x * 2",
        "def f():\n    x = 1\n    x += a\n    x * 2",
        "def f():\n    import math as m, x as m\n    m.sqrt(1) * 2",
    ],
)
def test_a_name_that_may_be_anything_is_not_taken_for_a_number(source: str) -> None:
    assert "__numpy1_mul__" in rewritten(source)


def test_kinds_are_found_through_what_names_are_bound_to() -> None:
    source = """
    a = 1
    b = 2.0 if a else 3
    c = a / 2
    d = -a // 3
    e = a ** a
    f = "a" + g
    h = [1] + [2]
    for i, (j, k) in zip(range(3), d):
        l = i
    m = abs(c)
    n = max(a, d)
    while (o := a) > 1: ...
    """
    scope = plain.Scope(None, ast.parse(textwrap.dedent(source)).body)
    kinds = {name: kind.name for name, kind in scope.kinds.items()}
    assert kinds == {
        **{"a": "INT", "b": "NUMBER", "c": "FLOAT", "d": "INT", "e": "NUMBER"},
        **{"f": "UNKNOWN", "h": "SERIES", "i": "INT", "j": "UNKNOWN", "k": "UNKNOWN"},
        **{"l": "INT", "m": "FLOAT", "n": "INT", "o": "INT"},
        "f": "TEXT",
    }


# ---------------------------------------------------------------------- what it does


def test_results_have_numpy_1s_dtypes_wherever_the_operator_stands() -> None:
    found = run_rewritten(
        """
        import numpy as np
        one, x = np.float32(1), np.ones(2, np.float32)
        kinds = [one * 2, x * np.float64(3), sum([one]), np.maximum(x, np.float64(2))]
        class A:
            a = one * 2
            b = one
            b += 2
        kinds += [A.a, A.b, *[v + 1 for v in [one]], (lambda v: v - 1)(one)]
        def f(v, w=one / 2):
            total = 0.0
            total += v
            self = A()
            self.c = v
            self.c += 1
            values = {"a": v}
            values["a"] *= 2.5
            many = [v, v]
            many[len(many) - 1] -= v.dtype.itemsize
            v += 1
            return [w, total, self.c, values["a"], many[1], v]
        kinds += f(one)
        places = []
        for place in [v.dtype.name if hasattr(v, "dtype") else type(v) for v in kinds]:
            places.append(place)
        def compare(a):
            tenth = np.float32(0.1) == 0.1
            return a[0] / 10 < 0.1, tenth, 0.0 < np.float32(a[1]) <= 0.1
        below = compare([one, 0.1])
        """
    )
    wanted = ["float64", "float32", "float64", "float32"] + ["float64"] * 10
    assert found["places"] == wanted
    assert found["below"] == (False, False, False)


def run_rewritten(source: str, **names: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"np": np, **names}
    tree = rewriting.rewritten(ast.parse(textwrap.dedent(source)))
    exec(compile(tree, "program", "exec"), found)
    return found


ORDER = """
log = []
def say(value):
    log.append(value)
    return value
class Box:
    def __init__(self, value): self.__dict__["value"] = value
    def __getattr__(self, name): say("get " + name); raise AttributeError(name)
    def __setattr__(self, name, value): say(("set", name)); self.__dict__[name] = value
    def __getitem__(self, key): say(("item", key)); return self.value
    def __setitem__(self, key, value): say(("put", key)); self.__dict__["value"] = value
def box(value=1): say("box"); return Box(value)
def f(a, b):
    global count
    say(1) + say(2) * say(3) - a
    say(a) < say(b) < say(0) < say(9)
    box().value += say(4)
    box()[say(5)] += say(6)
    count += change()
    count = count + change()
    x = a
    x = x + (x := 5)
    y = (y := a) * y
    z = [a, b][::-1]
    z[0:1] += [say(7)]
    total = sum(say(v) for v in (a, b))
    return x, y, z, total, (yield) if 0 else [say(i) ** i for i in (a, b)]
def change():
    global count
    count = 100
    return 1
count = 1
try:
    next(f(2, 3))
except StopIteration as end:
    log.append(end.value)
count2 = count
count = 1
count += change()
a = [1, 2]
b = a
a += (3,)
s = "x"
s *= 3
d = {}
d.setdefault("k", [0])[0] += 1
"""


def test_operands_are_computed_once_and_in_their_order() -> None:
    left = []
    for tree in (ast.parse(ORDER), rewriting.rewritten(ast.parse(ORDER))):
        found: dict[str, Any] = {}
        exec(compile(tree, "program", "exec"), found)
        names = ("log", "count", "count2", "a", "b", "s", "d")
        left.append({name: found[name] for name in names})
        assert found["a"] is found["b"]
    assert left[0] == left[1]


def test_arithmetic_of_other_types_is_theirs() -> None:
    run(
        """
        import datetime, fractions, decimal
        def f(a, b): return a + b, a == b, a < b
        assert f("a", "b") == ("ab", False, True)
        assert f([1], [2])[0] == [1, 2]
        assert f(fractions.Fraction(1, 3), 1)[0] == fractions.Fraction(4, 3)
        day = datetime.date(2020, 1, 1)
        assert day + datetime.timedelta(1) == datetime.date(2020, 1, 2)
        assert {1} | {2} == {1, 2} and {1} < {1, 2}
        class A:
            def __add__(self, other): return "added", other
            def __radd__(self, other): return "radded", other
            def __iadd__(self, other): return "in place", other
        a = A()
        assert a + 1 == ("added", 1) and 1 + a == ("radded", 1)
        assert a + np.float32(1) == ("added", np.float32(1))
        a += 2
        assert a == ("in place", 2)
        """
    )


def test_a_function_that_looks_at_its_variables_sees_its_own() -> None:
    run(
        """
        def f(a, b):
            c = (a + 1) * (b + 2)
            return sorted(locals())
        assert f(1, 2) == ["a", "b", "c"]
        class A:
            x = 1
            y = (x + 1) * (x + 2)
        assert [n for n in vars(A) if n[:2] != "__"] == ["x", "y"]
        names = set(globals())
        z = (a := 1) * (b := 2)
        """
    )
    found = run_rewritten("x = (1).real\ny = (x + 1) * (x + 2)")
    assert [n for n in found if n.startswith("__numpy1")] == []


def test_large_operands_are_let_go() -> None:
    class Array(np.ndarray):
        """One that can be referred to weakly."""

    seen: list[Any] = []

    def make() -> Any:
        made = np.zeros(3).view(Array)
        seen.append(weakref.ref(made))
        return made

    def check() -> None:
        gc.collect()
        assert [r() is None for r in seen] == [True]

    promotion.NARROW.add(Array)
    provided._NARROW.add(Array)
    try:
        run_rewritten(
            """
            def f():
                (make() * np.float64(2)).sum()
                check()
            f()
            """,
            make=make,
            check=check,
        )
    finally:
        promotion.NARROW.discard(Array)
        provided._NARROW.discard(Array)


def test_errors_are_those_of_the_program() -> None:
    for source in (
        "def f(a):\n    return a + undefined",
        "def f(a):\n    return 1 / a",
    ):
        messages = []
        for tree in (ast.parse(source), rewriting.rewritten(ast.parse(source))):
            found: dict[str, Any] = {}
            exec(compile(tree, "program", "exec"), found)
            with pytest.raises((NameError, ZeroDivisionError)) as caught:
                found["f"](0)
            trace = caught.value.__traceback__
            assert trace is not None and trace.tb_next is not None
            messages.append((str(caught.value), trace.tb_next.tb_lineno))
        assert messages[0] == messages[1]


def test_a_deep_chain_compiles() -> None:
    for count in (60, 600):
        source = "def f(x):\n    return " + " + ".join(["x.real"] * count)
        found: dict[str, Any] = {}
        exec(arithmetic.compiled(source, "program"), found)
        assert found["f"](1) == count
