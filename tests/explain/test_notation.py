"""Symbols of operations; names filled into notations; LaTeX."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex2mathml.converter import convert

import retrograd as tf
from retrograd.explain.notation import (
    at,
    barred,
    filled,
    is_rule,
    latex,
    results,
    subject,
    symbols,
)
from retrograd.graph import opdef
from retrograd.graph.record import Record
from retrograd.ops.declare import F
from tests.explain.test_formula import FORMULAS, notations

# ---------------------------------------------------------------------- names

RULE = {"x": "n1", "y": "n2", "ȳ": "∂f/∂n5"}


@pytest.mark.parametrize(
    ("notation", "names", "expected"),
    [
        ("x̄ = ȳ · 2x", RULE, "∂f/∂n1 = ∂f/∂n5 · 2·n1"),
        ("x̄ = ȳ · 2x", {"x": "3", "ȳ": "4"}, "4 · 2·3"),
        ("x̄ = ȳ · 2x", {"x": "-3", "ȳ": "-4"}, "(−4) · 2·(−3)"),
        ("x̄ = ȳ · 2x", {"x": "w", "ȳ": "g"}, "g · 2w"),
        ("x̄ = −ȳ", {"x": "3", "ȳ": "-4"}, "−(−4)"),
        ("x̄ = ȳ", {"x": "3", "ȳ": "-4"}, "−4"),
        ("x̄ = ȳ / 2y", RULE, "∂f/∂n1 = ∂f/∂n5 / (2·n2)"),
        ("x̄ = y / ȳ", RULE, "∂f/∂n1 = n2 / (∂f/∂n5)"),
        ("x̄ = ȳ²", RULE, "∂f/∂n1 = (∂f/∂n5)²"),
        ("x̄ = x²", {"x": "a + b"}, "(a + b)²"),
        ("x̄ = x y", {"x": "a + b", "y": "c"}, "(a + b) c"),
        ("x̄ = x y", {"x": "1e-05", "y": "dense/bias"}, "1e-05 · dense/bias"),
        ("x̄ = y / x²", {"x": "1e-05", "y": "dense/bias"}, "dense/bias / (1e-05)²"),
        ("x̄ = ȳ (1 − y²)", RULE, "∂f/∂n1 = ∂f/∂n5 · (1 − n2²)"),
        ("x̄ = ȳ sign x", {"x": "-2", "ȳ": "1"}, "1 · sign(−2)"),
        ("x̄ = Re ȳ", RULE, "∂f/∂n1 = Re(∂f/∂n5)"),
        ("x̄ = |x|", {"x": "-2"}, "|−2|"),
        ("x̄ᵢ = yᵢ (ȳᵢ − y)", RULE, "∂f/∂n1ᵢ = n2ᵢ · (∂f/∂n5ᵢ − n2)"),
        ("x̄ᵢ = ȳᵢ yᵢ", {"x": "3", "ȳ": "a + b", "y": "2"}, "(a + b)ᵢ · 2"),
        ("x̄[i] = ȳ[j]", RULE, "∂f/∂n1[i] = ∂f/∂n5[j]"),
        ("x̄₁ = z̄ x₂", {"x₁": "a1", "x₂": "b1", "z̄": "∂f/∂z"}, "∂f/∂a1 = ∂f/∂z · b1"),
        ("x̄ = ȳ ∂f/∂x", {"f": "g", "x": "n1", "ȳ": "n2"}, "n2 · ∂g/∂n1"),
        ("x̄ = ȳ, 0 where x = y", RULE, "∂f/∂n1 = ∂f/∂n5, 0 where n1 = n2"),
        ("x̄ = z̄ · y x^(y − 1)", {}, "x̄ = z̄ · y x^(y − 1)"),
        ("x̄ = ȳ · 2x", {"ȳ": "4"}, "x̄ = 4 · 2x"),
        ("y = x[begin : begin + size]", {"begin": "2"}, "y = x[2 : 2 + size]"),
        ("y = x, size of y", {"reduction_indices": "0"}, "y = x, size of y"),
        ("x̄ = ȳ", {"x": "a + b", "ȳ": "∂f/∂c"}, "∂f/∂(a + b) = ∂f/∂c"),
    ],
)
def test_filled(notation: str, names: dict[str, str], expected: str) -> None:
    assert filled(notation, names) == expected


def test_only_symbols_can_be_replaced() -> None:
    with pytest.raises(ValueError, match=r"'x \+ y' is not a symbol"):
        filled("z = x + y", {"x + y": "3"})


Pair = tuple[str, str]
#: notations, and what they mean in Python
SIMPLE: list[Pair] = [
    ("x", "x"),
    ("2x", "2 * x"),
    ("x y", "x * y"),
    ("x · y", "x * y"),
    ("x / y", "x / y"),
    ("y / 2x", "y / (2 * x)"),
    ("1 / x²", "1 / (x * x)"),
    ("x / y / x", "x / y / x"),
    ("y · 1/x", "y * (1 / x)"),
    ("y / 2/x", "y / (2 / x)"),
    ("2x² y", "2 * x * x * y"),
    ("−x² / y", "-(x * x) / y"),
    ("3 − x", "3 - x"),
    ("−x − y", "-x - y"),
    ("x² |y|", "x * x * abs(y)"),
]


def _combined(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    forms = st.sampled_from(
        [
            ("{} + {}", "({}) + ({})"),
            ("{} − ({})", "({}) - ({})"),
            ("({}) ({})", "({}) * ({})"),
            ("({}) / ({})", "({}) / ({})"),
            ("({})² − {}", "({})**2 - ({})"),
        ]
    )
    return st.tuples(forms, inner, inner).map(
        lambda t: (t[0][0].format(t[1][0], t[2][0]), t[0][1].format(t[1][1], t[2][1]))
    )


def _bracketed(pairs: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return _combined(pairs.map(lambda p: (f"({p[0]})", f"({p[1]})")))


ARITHMETIC = st.recursive(st.sampled_from(SIMPLE), _bracketed, max_leaves=4)
VALUES = st.sampled_from(
    ["2", "-3", "0.5", "-0.25", "1 + 2", "4 − 7", "8 · 3", "1e-01"]
)


def _value(text: str) -> float:
    """A formula of numbers, by Python's arithmetic."""
    text = text.replace("²", "**2").replace("·", "*").replace("−", "-")
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    return eval(re.sub(r"(?<=[)\d]) ?(?=\(|abs)", "*", text))


@given(ARITHMETIC, VALUES, VALUES)
def test_filling_in_keeps_the_meaning(pair: Pair, x: str, y: str) -> None:
    notation, meaning = pair
    text = filled(notation, {"x": x, "y": y})
    try:
        expected = eval(meaning, {"x": _value(x), "y": _value(y)})
    except ZeroDivisionError:
        hypothesis.reject()
    assert _value(text) == pytest.approx(expected), f"{notation} became {text}"


@given(FORMULAS)
def test_naming_symbols_as_they_are_changes_nothing(notation: str) -> None:
    as_is = {s: s for s in ("x", "y", "z", "X̄", "Y", "ȳ")}
    assert filled(notation, as_is) == filled(notation, {})


# ---------------------------------------------------------------------- LaTeX


def math_ml(formula: str) -> str:
    """MathML of LaTeX; what the converter does not know stays in it as it is."""
    text = convert(formula)
    ET.fromstring(text)
    assert "\\" not in text, f"{formula} gives {text}"
    return text


@pytest.mark.parametrize("where", sorted(notations()))
def test_every_notation_has_latex(where: str) -> None:
    names = {"x": "n1", "y": "dense/kernel_1:0", "ȳ": "∂f/∂n5", "z̄": "-3"}
    math_ml(latex(notations()[where]))
    math_ml(latex(notations()[where], names))


def test_an_unknown_command_is_found() -> None:
    with pytest.raises(AssertionError, match="frobnicate"):
        math_ml(r"\frobnicate x")


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        ("x̄ = ȳ / 2y", r"\bar{x} = \frac{\bar{y}}{2 y}"),
        ("x̄ = −ȳ / √(1 − x²)", r"\bar{x} = - \frac{\bar{y}}{\sqrt{1 - x^{2}}}"),
        ("a / b / c", r"\frac{\frac{a}{b}}{c}"),
        ("Σⱼ≥ᵢ ȳⱼ", r"\sum_{j \ge i} {\bar{y}}_{j}"),
        ("Σᵢ₌₀ⁿ⁻¹ xᵢ", r"\sum_{i = 0}^{n - 1} x_{i}"),
        ("X⁻¹ Yᴴ", r"X^{- 1} \, Y^{\mathsf{H}}"),
        ("ȳ · [x > 0]", r"\bar{y} \cdot \left[ x > 0 \right]"),
        ("x where y", r"x \text{ where } y"),
        ("sum of all x, once", r"\text{sum of all } x ,\; \text{ once}"),
        ("λ Γ(a)", r"\lambda \, \Gamma\left( a \right)"),
        ("sigmoid x", r"\operatorname{sigmoid} x"),
        ("maxᵢ xᵢ", r"\max_{i} x_{i}"),
        ("ψ′(x)", r"\psi^{\prime}\left( x \right)"),
        ("‖X‖²", r"{\left\| X \right\|}^{2}"),
        ("x^−β", r"x^{- \beta}"),
        ("n12ᵢ", r"{n_{12}}_{i}"),
    ],
)
def test_latex(notation: str, expected: str) -> None:
    assert latex(notation) == expected
    math_ml(expected)


def test_latex_of_names() -> None:
    names = {"x": "n1", "ȳ": "∂f/∂n5", "y": "1e-05", "z": "dense_1/kernel"}
    assert latex("ȳᵢ", names) == r"\frac{\partial f}{\partial {n_{1}}_{i}}".replace(
        "{n_{1}}", "{n_{5}}"
    )
    assert latex("y", names) == r"1 \times 10^{-5}"
    assert latex("z", names) == r"\text{dense} \_ \text{1/kernel}"


@given(FORMULAS, st.from_regex(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>^:-]*", fullmatch=True))
def test_names_of_programs_have_latex(notation: str, name: str) -> None:
    math_ml(latex(notation, {"x": name, "ȳ": f"∂{name}/∂{name}"}))


# ---------------------------------------------------------------------- symbols


def test_symbols_of_an_operation() -> None:
    with tf.Graph().as_default():
        x = tf.constant([1.0])
        found = symbols(tf.tanh(x).op)
    assert found.math == "y = tanh x"
    assert (found.inputs, found.outputs) == (("x",), ("y",))
    assert found.rules == ("x̄ = ȳ (1 − y²)",)
    assert barred(found.outputs[0]) == "ȳ"


def test_symbols_of_lists() -> None:
    with tf.Graph().as_default():
        x = tf.constant([1.0])
        found = symbols(F.IdentityN([x, x])[0].op)
    assert found.inputs == ("x₀", "x₁")
    assert found.outputs == ("y₀", "y₁")
    assert found.rules == ("x̄₀ = ȳ₀", "x̄₁ = ȳ₁")


def test_symbols_of_a_record() -> None:
    tanh = opdef.lookup("Tanh")
    assert tanh is not None
    record = Record(tanh, [], {})
    assert symbols(record).rules == ("x̄ = ȳ (1 − y²)",)


def test_an_input_that_no_notation_names_goes_by_its_own() -> None:
    with tf.Graph().as_default():
        op = tf.reduce_sum(tf.constant([1.0])).op
    assert symbols(op).inputs == ("x", "reduction_indices")


def test_the_place_in_a_list_is_filled_in() -> None:
    assert at("x̄ᵢ = ȳ at i, Σⱼ≠ᵢ xⱼ", 12) == "x̄₁₂ = ȳ at 12, Σⱼ≠₁₂ xⱼ"
    assert at("x̄ = ȳ", 1) == "x̄ = ȳ"


def test_what_a_notation_is_about() -> None:
    def letters(math: str) -> list[str]:
        return [s.letter for s in results(math)]

    assert subject("x̄ᵢ = ȳ").letter == "x" and is_rule("x̄ᵢ = ȳ")
    assert subject("c").letter == "c" and not is_rule("c")
    assert letters("s, y = sign det X, log |det X|") == ["s", "y"]
    assert letters("yᵢ = a; gᵢⱼ = b − [j = k]") == ["y", "g"]
    assert letters("v[i] ← v[i] + x") == ["v"]
    with pytest.raises(ValueError, match="does not begin with a symbol"):
        subject("= 2")
