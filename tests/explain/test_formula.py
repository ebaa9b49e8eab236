"""Reading notations."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrograd.explain.formula import (
    Apply,
    Big,
    Call,
    Group,
    Prefix,
    Series,
    Symbol,
    Word,
    parse,
    written,
)
from retrograd.ops import declare

declare.load_all()


def notations() -> dict[str, str]:
    """All notations of the registry, by op type and input ("" is the value)."""
    found = {}
    for name, declared in declare.registry.items():
        if not declared.kernel.__module__.startswith("retrograd.testing"):
            found[f"{name}:"] = declared.math
            found |= {f"{name}:{k}": v for k, v in declared.notation.items()}
    return {where: text for where, text in found.items() if text}


@pytest.mark.parametrize("text", sorted(set(notations().values())))
def test_the_tree_says_what_was_written(text: str) -> None:
    assert written(parse(text)) == unicodedata.normalize("NFC", text)


def _operands(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    products = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.tuples(products, st.sampled_from([" ", " · ", " × ", " ⋆ "])).map(
            lambda t: "(" + t[1].join(t[0]) + ")"
        ),
        st.tuples(inner, inner).map(lambda t: f"({t[0]} − {t[1]} / 2)"),
        inner.map(lambda t: f"|{t} + 1|" if "|" not in t else f"⌊{t}⌋"),
        inner.map(lambda t: f"exp(−{t})"),
        inner.map(lambda t: f"(log {t})²"),
        inner.map(lambda t: f"(Σⱼ≥ᵢ {t} yⱼ)"),
        inner.map(lambda t: f"[{t} > 0]"),
        inner.map(lambda t: f"√({t})"),
        inner.map(lambda t: f"({t})^−β"),
        inner.map(lambda t: f"({t} where x is least)"),
    )


FORMULAS = st.recursive(
    st.sampled_from(
        ["x", "ȳᵢⱼ", "X̄", "2x", "1.5", "x²", "Yᴴ", "f(x)", "x[i, j]", "z*"]
    ),
    _operands,
    max_leaves=8,
)


@given(FORMULAS)
def test_formulas_are_read_as_they_are_written(text: str) -> None:
    assert written(parse(f"y = {text}")) == unicodedata.normalize("NFC", f"y = {text}")


def test_letters_with_marks_are_the_same_however_they_are_encoded() -> None:
    assert parse("ȳ") == parse("y\N{COMBINING MACRON}") == Symbol("y", "\u0304")
    assert parse("x̂ᵢ") == Symbol("x", "\u0302", "ᵢ")
    assert parse("n12") == Symbol("n12")
    assert parse("mean") == Word("mean")


def test_what_binds_how_tightly() -> None:
    x, y = Symbol("x"), Symbol("y")
    over = parse("2x / 3y")
    assert isinstance(over, Series) and over.level == "product"
    assert over.joints == (" / ",) and len(over.parts) == 2
    assert parse("−x y") == Prefix("−", Series("product", (x, y), (" ",)))
    function = parse("sin x y")
    assert isinstance(function, Series) and isinstance(function.parts[0], Apply)
    total = parse("Σᵢ x y + y")
    assert isinstance(total, Series) and total.level == "sum"
    assert total.parts[0] == Big("Σ", "ᵢ", "", " ", Series("product", (x, y), (" ",)))
    assert parse("f(x)") == Call(Symbol("f"), Group("(", x, ")"))


def test_functions_can_be_words() -> None:
    words = parse("mean of x")
    assert isinstance(words, Series) and words.parts[0] == Word("mean")
    assert isinstance(parse("mean x"), Apply)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x̄ = ȳ ·", "the end where a symbol or number is needed"),
        ("x̄ = (ȳ", "( that nothing closes"),
        ("x̄ = ȳ)", ") where a symbol"),
        ("x̄ = ȳ / x y", 'a factor after " / "'),
        ("x̄ = ȳ * y", "* where a symbol"),
        ("x̄ = ȳ & y", "'&', which no notation uses"),
        ("y = |x", "| that nothing closes"),
        ("y = ()", "nothing where something is needed"),
        ("y = x ^2", "^ where a symbol"),
        ("y = softmaxᵢ", "ᵢ where a symbol"),
        ("", "nothing where something is needed"),
    ],
)
def test_what_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="cannot be read") as raised:
        parse(text)
    assert why in str(raised.value)
