"""An explanation as LaTeX (amsmath)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from retrograd.explain import notation, wording
from retrograd.explain.trace import BackStep, Node, Term
from retrograd.explain.values import FEW, factor, number, shown

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation
    from retrograd.typing import Array


def latex(explanation: Explanation) -> str:
    """Three `align*` blocks: values forward, the sweep, and the sums."""
    blocks = [_forward(explanation), _backward(explanation), _sums(explanation)]
    return "\n\n".join(_aligned(block) for block in blocks)


def _aligned(rows: Iterable[str]) -> str:
    lines = " \\\\\n".join(f"  {row}" for row in rows)
    return f"\\begin{{align*}}\n{lines}\n\\end{{align*}}"


def name(node: Node) -> str:
    """`n_{4}`."""
    return notation.latex(node.label, {})


def derivative(node: Node) -> str:
    """∂f/∂n₄ as a fraction."""
    return notation.latex(wording.derivative(node), {})


def value(array: Array) -> str:
    """An array: a number, a vector or matrix of few elements, statistics of many."""
    if array is None:
        return r"\text{no value}"
    array = np.asarray(array)
    if not array.shape:
        return _number(array)
    if array.size > FEW or array.ndim > 2:
        return rf"\text{{{_escaped(shown(array))}}}"
    rows = np.atleast_2d(array)
    body = r" \\ ".join(" & ".join(_number(v) for v in row) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def _number(item: object) -> str:
    text = number(item)
    mantissa, e, exponent = text.partition("e")
    if e and mantissa.lstrip("-").replace(".", "").isdigit():
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    return {"inf": r"\infty", "-inf": r"-\infty"}.get(text, text)


def _escaped(text: str) -> str:
    return text.translate({ord(c): f"\\{c}" for c in "_%&#$"})


def _forward(explanation: Explanation) -> Iterator[str]:
    for node in explanation.nodes:
        written = wording.formula(node, explanation.trace, notation.latex)
        left, equals, right = written.partition(" = ")
        if not equals:
            left = name(node)
            right = rf"\text{{{_escaped(wording.title(node))}}}"
        yield f"{left} &= {right} = {value(node.value)}"


def _backward(explanation: Explanation) -> Iterator[str]:
    found = explanation.trace
    for y, seed in zip(found.ys, found.seeds, strict=True):
        yield f"{derivative(y)} &= {value(seed)}"
    for step in explanation.steps:
        partials = explanation.partials(step)
        for term in step.terms:
            yield _term(step, term, partials[term.position], explanation)


def _term(
    step: BackStep, term: Term, partial: Array | None, explanation: Explanation
) -> str:
    found = explanation.trace
    shared = len(found.terms_of(term.target)) > 1
    equal = []
    output = next((n for n in step.outputs if n is not None), None)
    if output is not None and partial is not None:
        local = rf"\frac{{\partial {name(output)}}}{{\partial {name(term.target)}}}"
        equal.append(rf"{derivative(output)} \cdot {local}")
    equal.append(wording.rule(step, term, found, notation.latex))
    equal.append(value(term.value))
    sign = r"\mathrel{+}=" if shared else "="
    return f"{derivative(term.target)} &{sign} {' = '.join(e for e in equal if e)}"


def _sums(explanation: Explanation) -> Iterator[str]:
    found = explanation.trace
    for node, gradient in zip(found.xs, found.gradients, strict=True):
        title = rf"\text{{{_escaped(wording.title(node))}}}"
        left = rf"\frac{{\partial f}}{{\partial {title}}}"
        if gradient is None:
            yield rf"{left} &= \text{{none}}"
            continue
        terms = [t.value for _, t in found.terms_of(node)]
        if 1 < len(terms) <= FEW and all(np.ndim(t) == 0 for t in terms):
            sum_ = " + ".join(factor(t) for t in terms)
            yield f"{left} &= {sum_} = {value(gradient)}"
        else:
            yield f"{left} &= {value(gradient)}"
