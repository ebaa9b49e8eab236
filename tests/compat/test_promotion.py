"""NumPy 1's promotion, against what NumPy 1.18 gives."""

from __future__ import annotations

import gzip
import itertools
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import Launcher
from tests.data.make_promotion import described

from retrograd.compat.restore import promotion

DATA = Path(__file__).parent.parent / "data" / "promotion.json.gz"
TABLE = json.loads(gzip.decompress(DATA.read_bytes()))
NAMES = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "&": "and_",
    "<<": "lshift",
    "<": "lt",
    "==": "eq",
    "+=": "add",
    "/=": "truediv",
}
NOTICE = (
    "retrograd: NumPy 1's promotion of single numbers is gone from today's version; "
    "restored for this program, as are others like it (--no-restore turns this off)\n"
)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(promotion, "_said", [True])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pairs() -> Iterator[tuple[str, str]]:
    for left, right in itertools.product(TABLE["operands"], repeat=2):
        if "np." in left + right:
            yield left, right


def made(function: Any, left: str, right: str) -> str:
    """What a function makes of two operands, given as text."""
    a, b = (eval(text, {"np": np}) for text in (left, right))
    try:
        return described(function(a, b))
    except Exception as error:
        return type(error).__name__


def numbers(words: list[str]) -> list[complex]:
    truth = {"True": 1, "False": 0}
    return [truth[w] if w in truth else complex(w) for w in words]


def is_same(got: str, wanted: str) -> bool:
    """Whether kind and dtype are the same, and the values are close; or both fail."""
    if got.endswith("Error") or wanted.endswith("Error"):
        return got.endswith("Error") and wanted.endswith("Error")
    kind, values = got.split()[:2], numbers(got.split()[2:])
    if kind != wanted.split()[:2]:
        return False
    # SIMD code of different versions differs in the last place of float32
    return np.allclose(values, numbers(wanted.split()[2:]), 2e-6, equal_nan=True)


@pytest.mark.parametrize("operator", TABLE["results"])
def test_results_are_those_of_numpy_118(operator: str, quiet: None) -> None:
    in_place = operator in ("+=", "/=")
    functions = promotion.IN_PLACE if in_place else promotion.FUNCTIONS
    function = functions[NAMES[operator]]
    wrong, count = [], 0
    for (left, right), wanted in zip(pairs(), TABLE["results"][operator], strict=True):
        got = made(function, left, right)
        if operator == "//" and "complex" in left + right + wanted + got:
            continue  # NumPy 2 has no floor division of complex numbers
        count += 1
        if not is_same(got, wanted):
            wrong.append((left, right, got, wanted))
    assert wrong == [] and count > 3000


def test_a_wrong_result_is_found(quiet: None) -> None:
    native = made(lambda a, b: a * b, "np.float32(3)", "2")
    wanted = made(promotion.FUNCTIONS["mul"], "np.float32(3)", "2")
    assert (native, wanted) == ("s float32 6", "s float64 6")
    assert is_same(wanted, wanted) and not is_same(native, wanted)
    assert not is_same("a float32 1 2", "a float32 1 3")
    assert not is_same("TypeError", "a float32 1 3")


def test_operands_of_other_kinds_are_left_alone(quiet: None) -> None:
    class Own:
        def __radd__(self, other: Any) -> Any:
            return self, other

    own, one = Own(), np.float32(1)
    assert promotion.FUNCTIONS["add"](one, own) == (own, one)
    words = np.array(["a", "b"])
    assert promotion.FUNCTIONS["eq"](words, "a").tolist() == [True, False]
    day = np.datetime64("2020-01-01")
    assert promotion.FUNCTIONS["add"](day, 1) == np.datetime64("2020-01-02")
    objects = np.array([1, None], object)
    assert promotion.FUNCTIONS["eq"](objects, 1).tolist() == [True, False]
    assert promotion.FUNCTIONS["mul"]([1], np.int64(2)) == [1, 1]
    large = promotion.FUNCTIONS["add"](np.uint8(2), 2**70)
    assert large == 2**70 + 2 and type(large) is int


def test_in_place_changes_the_array_itself(quiet: None) -> None:
    x = np.array([250, 1], np.uint8)
    assert promotion.IN_PLACE["add"](x, 300) is x and x.tolist() == [38, 45]
    with pytest.raises(TypeError):
        promotion.IN_PLACE["add"](x, -1)
    y = np.ones(2, np.float32)
    assert promotion.IN_PLACE["mul"](y, np.float64(0.1)) is y and y.dtype == np.float32
    values = [1]
    assert promotion.IN_PLACE["add"](values, [2]) is values == [1, 2]


def test_sums_begin_with_an_integer(quiet: None) -> None:
    ones = [np.float32(0.1)] * 3
    for values in (ones, tuple(ones), iter(ones), np.array(ones)):
        found = promotion.total(values)
        assert type(found) is np.float64
        assert found == 3 * float(ones[0])  # exact: 0.1 as float32 has room in float64
    assert promotion.total([1, 2]) == 3 and type(promotion.total([1, 2])) is int
    assert promotion.total(iter([])) == 0 and promotion.total([[1], [2]], []) == [1, 2]
    assert promotion.total([0.5], np.float32(1)) == 1.5
    with pytest.raises(TypeError):
        promotion.total(["a"])


def test_functions_of_two_operands(quiet: None) -> None:
    x, half = np.ones(2, np.float32), np.float64(0.5)
    assert promotion.called(np.maximum, x, half).dtype == np.float32
    assert promotion.called(np.add, np.uint8(200), 100) == 300
    out = np.empty(2, np.float32)
    assert promotion.called(np.multiply, x, half, out=out) is out
    assert promotion.where(np.where, x > 2, x, half).dtype == np.float32
    assert promotion.clip(np.clip, x, half, np.float64(2)).dtype == np.float32
    assert promotion.clip(np.clip, x, None, half, out=out) is out


PROGRAM = """
import numpy as np
import tensorflow as tf
n = 4
w = np.random.randn(n, 3).astype(np.float32) * np.sqrt(2.0 / n)
p = np.array([[200, 100]], np.uint8)
print(w.dtype, int(p[0, 0] + 100), int(p[0, 1] - p[0, 0] * 1))
with tf.Session() as session:
    value = session.run(tf.constant(0.1))
print("%.10f" % (value * 100), type(value * 100).__name__, value == 0.1)
x = tf.placeholder(tf.float32, [None, n])
print(tf.matmul(x, tf.Variable(w)).dtype)
"""


def test_a_program_has_it_and_it_is_said_once(launcher: Launcher) -> None:
    result = launcher.run(PROGRAM)
    assert result.stdout.splitlines() == [
        "float32 300 -100",
        "10.0000001490 float64 False",
        "<dtype: 'float32'>",
    ]
    assert result.stderr == NOTICE


@pytest.mark.parametrize("option", ["--no-promotion", "--no-restore"])
def test_it_can_be_refused(launcher: Launcher, option: str) -> None:
    source = "import numpy as np\nprint((np.float32(1) * 2).dtype)"
    result = launcher.run(source, options=(option,))
    assert (result.stdout, result.stderr) == ("float32\n", "")


def test_modules_beside_a_program_have_it_and_packages_by_choice(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    function = "import numpy as np\ndef f():\n    return (np.float32(1) * 2).dtype\n"
    launcher.write("beside.py", function)
    packages = launcher.write("site-packages/package.py", function).parent
    source = f"""
import sys
sys.path.append({str(packages)!r})
import beside, package
print(beside.f(), package.f())
"""
    for options, wanted in [
        ((), "float64 float32\n"),
        (("--promotion-in", "other,package"), "float64 float64\n"),
    ]:
        # twice: the code is kept
        for _ in range(2):
            assert launcher.run(source, options=options).stdout == wanted
    kept = [p.name for p in (launcher.folder / "__pycache__").glob("beside*")]
    assert len(kept) == 1 and "opt-numpy1" in kept[0]
    # what is kept is of the module as it is
    launcher.write("beside.py", function.replace("* 2", "* 2j"))
    assert launcher.run(source).stdout == "complex128 float32\n"


def test_processes_that_a_program_starts_have_it(launcher: Launcher) -> None:
    source = """
import multiprocessing
import numpy as np
import beside
def main(x):
    return (x * 2).dtype.name, beside.f(x)
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        print(pool.apply(main, (np.float32(1),)))
"""
    launcher.write("beside.py", "def f(x):\n    return (x * 3).dtype.name\n")
    assert launcher.run(source).stdout == "('float64', 'float64')\n"


def test_tracebacks_are_the_programs(launcher: Launcher) -> None:
    source = "import numpy as np\ndef f(a, b):\n    return 1 + a * b\nf('a', 'b')"
    result = launcher.run(source)
    ours, plain = result.stderr, launcher.python("program.py").stderr
    assert ours == plain and "a * b" in ours
    source = source.replace("'a', 'b'", "np.ones(2), np.ones(3)")
    result = launcher.run(source)
    assert result.stderr == launcher.python("program.py").stderr
    assert "operands could not be broadcast" in result.stderr
