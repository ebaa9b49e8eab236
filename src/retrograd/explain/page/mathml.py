"""The formulas of an explanation as MathML, which browsers set themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert

from retrograd.explain import latex, notation, wording
from retrograd.explain.trace import BackStep, Term

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation

_LABEL = re.compile(r"n_\{(\d+)\}")
#: stands for labels while a formula is converted: formulas that differ in labels only
#: are converted, and sent to the page, once
_STANDS_FOR = 7_000_000
_NODE = re.compile(
    rf"<(msub|msubsup)><mi>n</mi><mrow><mn>{_STANDS_FOR // 1000}(\d+)</mn></mrow>"
)
#: a number in `Formulas.templates`, then the label for each place in that template
Filled = list[int | str]


class Formulas:
    """Formulas with what they have in common kept once.

    Attributes:
      templates: MathML in which `{0}`, `{1}` … stand for the numbers of labels.
    """

    def __init__(self) -> None:
        self.templates: list[str] = []
        self._known: dict[str, int] = {}

    def __call__(self, source: str) -> Filled | None:
        """A formula, for the page.

        Args:
          source: LaTeX for math mode; labels are written `n_{5}`.

        Returns:
          The template and the labels; None for "".
        """
        if not source:
            return None
        labels: list[str] = []

        def stand_in(match: re.Match[str]) -> str:
            label = f"n{match[1]}"
            if label not in labels:
                labels.append(label)
            return f"n_{{{_STANDS_FOR + labels.index(label)}}}"

        source = _LABEL.sub(stand_in, source)
        place = self._known.get(source)
        if place is None:
            place = self._known[source] = len(self.templates)
            self.templates.append(_template(convert(source)))
        return [place, *labels]


def _template(made: str) -> str:
    def symbol(match: re.Match[str]) -> str:
        place = int(match[2])
        return (
            f'<{match[1]} data-node="n{{{place}}}"><mi>n</mi>'
            f"<mrow><mn>{{{place}}}</mn></mrow>"
        )

    return _NODE.sub(symbol, made)


def formulas(explanation: Explanation) -> dict[str, Any]:
    """The formulas of every node and term.

    Returns:
      "templates"; "nodes": by label, `n5 = n4 · n2`; "terms": for each step, for each
      of its terms, "target" (∂f/∂n4), "chain" (∂f/∂n5 · ∂n5/∂n4) and "rule"
      (∂f/∂n5 · n2). None where a declaration has no notation.
    """
    found = explanation.trace
    made = Formulas()
    return {
        "nodes": {
            node.label: made(wording.formula(node, found, notation.latex))
            for node in found.nodes
        },
        "terms": [
            [_term(step, term, explanation, made) for term in step.terms]
            for step in found.steps
        ],
        "templates": made.templates,
    }


def _term(
    step: BackStep, term: Term, explanation: Explanation, made: Formulas
) -> dict[str, Filled | None]:
    output = next((n for n in step.outputs if n is not None), None)
    chain = ""
    if output is not None:
        name, target = latex.name(output), latex.name(term.target)
        local = rf"\frac{{\partial {name}}}{{\partial {target}}}"
        chain = rf"{latex.derivative(output)} \cdot {local}"
    rule = wording.rule(step, term, explanation.trace, notation.latex)
    return {
        "target": made(latex.derivative(term.target)),
        "chain": made(chain),
        "rule": made(rule),
    }
