"""An explanation as dictionaries and lists that JSON can hold.

    {"f": {"label", "nodes", "seeds"},
     "nodes": [{"id", "name", "path", "title", "named", "type", "role", "inputs",
                "formula", "value", "gradient", "where": {"file", "line", "source"},
                "overridden"}],
     "steps": [{"number", "op", "type", "nodes", "upstream",
                "terms": [{"to", "position", "rule", "partial", "partial_formula",
                           "text", "value", "whole"}]}],
     "gradients": [{"node", "name", "value", "terms": [{"step", "position", "value"}]}],
     "shares": [{"index", "gradients"}],
     "derivations": [{"label", "node", "index", "value", "text", "paths"}]}

A node's path is its operation's name, with scopes; it is "named" if the program's own
name for it is known; its gradient is the sum that the sweep worked with. Arrays are as
`values.as_data` gives them. Steps are numbered from 1, in the order of the sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.explain import wording
from retrograd.explain.elements import Derivation
from retrograd.explain.operations import overridden
from retrograd.explain.text import term_text
from retrograd.explain.trace import BackStep, Node, Term, where
from retrograd.explain.values import MANY, MANY_IN_LARGE, as_data

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation
    from retrograd.typing import Array


#: nodes of a small program, at the most
SMALL = 300


def to_dict(explanation: Explanation) -> dict[str, Any]:
    """The whole explanation."""
    return _Writer(explanation).whole()


class _Writer:
    """Writes the parts of one explanation."""

    def __init__(self, explanation: Explanation) -> None:
        self.explanation, self.trace = explanation, explanation.trace
        self.most = MANY if len(explanation.nodes) <= SMALL else MANY_IN_LARGE

    def whole(self) -> dict[str, Any]:
        found = self.trace
        gradients = found.derivatives()
        return {
            "f": {
                "label": wording.F,
                "nodes": [y.label for y in found.ys],
                "seeds": [self.array(s) for s in found.seeds],
            },
            "nodes": [self.node(n, gradients.get(id(n))) for n in found.nodes],
            "steps": [self.step(i, s) for i, s in enumerate(found.steps, 1)],
            "gradients": [
                self.gradient(node, value)
                for node, value in zip(found.xs, found.gradients, strict=True)
            ],
            "shares": [
                {"index": list(index), "gradients": [self.array(g) for g in row]}
                for index, row in found.shares
            ],
            "derivations": [self.derivation(d) for d in self.explanation.derivations],
        }

    def array(self, value: Any) -> dict[str, Any] | None:
        return as_data(value, self.most)

    def node(self, node: Node, gradient: Array | None) -> dict[str, Any]:
        return {
            "id": node.label,
            "name": node.name,
            "path": node.name if node.op is None else node.op.name,
            "title": wording.title(node),
            "named": node.op is not None and node.name != node.op.name,
            "type": node.type,
            "role": node.role,
            "inputs": [None if n is None else n.label for n in node.inputs],
            "formula": wording.formula(node, self.trace),
            "value": self.array(node.value),
            "gradient": self.array(gradient),
            "where": None if node.op is None else where(node.op),
            "overridden": "" if node.op is None else overridden(node.op),
        }

    def step(self, number: int, step: BackStep) -> dict[str, Any]:
        partials = self.explanation.partials(step)
        return {
            "number": number,
            "op": step.op.name,
            "type": step.op.type,
            "nodes": [None if n is None else n.label for n in step.outputs],
            "upstream": [self.array(u) for u in step.upstream],
            "terms": [self.term(step, t, partials[t.position]) for t in step.terms],
        }

    def term(self, step: BackStep, term: Term, partial: Array | None) -> dict[str, Any]:
        return {
            "to": term.target.label,
            "position": term.position,
            "rule": wording.rule(step, term, self.trace),
            "partial": self.array(partial),
            "partial_formula": wording.partial(step, term, self.trace),
            "text": term_text(step, term, partial, self.trace),
            "value": self.array(term.value),
            "whole": self.array(term.whole),
        }

    def gradient(self, node: Node, value: Array | None) -> dict[str, Any]:
        numbers = {id(s): i for i, s in enumerate(self.trace.steps, 1)}
        return {
            "node": node.label,
            "name": wording.title(node),
            "value": self.array(value),
            "terms": [
                {
                    "step": numbers[id(step)],
                    "position": term.position,
                    "value": self.array(term.value),
                }
                for step, term in self.trace.terms_of(node)
            ],
        }

    def derivation(self, made: Derivation) -> dict[str, Any]:
        return {
            "label": made.label,
            "node": made.node.label,
            "index": list(made.index),
            "value": self.array(made.value),
            "text": made.text,
            "paths": [str(path) for path in made.paths()],
        }
