"""An explanation as dictionaries and lists that JSON can hold.

    {"f": {"label", "nodes", "seeds"},
     "nodes": [{"id", "name", "type", "role", "inputs", "formula", "value", "gradient",
                "where": {"file", "line", "source"}, "overridden"}],
     "steps": [{"number", "op", "type", "nodes", "upstream",
                "terms": [{"to", "position", "rule", "partial", "partial_formula",
                           "text", "value", "whole"}]}],
     "gradients": [{"node", "name", "value", "terms": [{"step", "position", "value"}]}],
     "shares": [{"index", "gradients"}],
     "derivations": [{"label", "node", "index", "value", "text", "paths"}]}

Arrays are as `values.as_data` gives them. Steps are numbered from 1, in the order of
the sweep; a node's gradient is the sum that the sweep worked with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.explain import wording
from retrograd.explain.elements import Derivation
from retrograd.explain.text import term_text, terms_of
from retrograd.explain.trace import BackStep, Node, where
from retrograd.explain.values import as_data

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation


def to_dict(explanation: Explanation) -> dict[str, Any]:
    """The whole explanation."""
    found = explanation.trace
    gradient_of = _gradients(explanation)
    return {
        "f": {
            "label": wording.F,
            "nodes": [y.label for y in found.ys],
            "seeds": [as_data(s) for s in found.seeds],
        },
        "nodes": [_node(n, explanation, gradient_of.get(id(n))) for n in found.nodes],
        "steps": [_step(i, s, explanation) for i, s in enumerate(found.steps, 1)],
        "gradients": [
            _gradient(node, value, explanation)
            for node, value in zip(found.xs, found.gradients, strict=True)
        ],
        "shares": [
            {"index": list(index), "gradients": [as_data(g) for g in row]}
            for index, row in found.shares
        ],
        "derivations": [_derivation(d) for d in explanation.derivations],
    }


def _gradients(explanation: Explanation) -> dict[int, Any]:
    """∂f/∂node by node: the sums that the sweep handed on, and those it returned."""
    found: dict[int, Any] = {}
    for step in explanation.steps:
        for node, upstream in zip(step.outputs, step.upstream, strict=True):
            if node is not None and upstream is not None:
                found[id(node)] = upstream
    pairs = zip(explanation.trace.xs, explanation.gradients, strict=True)
    found.update((id(node), value) for node, value in pairs if value is not None)
    return found


def _node(node: Node, explanation: Explanation, gradient: Any) -> dict[str, Any]:
    return {
        "id": node.label,
        "name": node.name,
        "title": wording.title(node),
        "type": node.type,
        "role": node.role,
        "inputs": [None if n is None else n.label for n in node.inputs],
        "formula": wording.formula(node, explanation.trace),
        "value": as_data(node.value),
        "gradient": as_data(gradient),
        "where": None if node.op is None else where(node.op),
        "overridden": "" if node.op is None else wording.overridden(node.op),
    }


def _step(number: int, step: BackStep, explanation: Explanation) -> dict[str, Any]:
    found = explanation.trace
    partials = explanation.partials(step)
    terms = [
        {
            "to": term.target.label,
            "position": term.position,
            "rule": wording.rule(step, term, found),
            "partial": as_data(partials[term.position]),
            "partial_formula": wording.partial(step, term, found),
            "text": term_text(step, term, partials[term.position], found),
            "value": as_data(term.value),
            "whole": as_data(term.whole),
        }
        for term in step.terms
    ]
    return {
        "number": number,
        "op": step.op.name,
        "type": step.op.type,
        "nodes": [None if n is None else n.label for n in step.outputs],
        "upstream": [as_data(u) for u in step.upstream],
        "terms": terms,
    }


def _gradient(node: Node, value: Any, explanation: Explanation) -> dict[str, Any]:
    numbers = {id(s): i for i, s in enumerate(explanation.steps, 1)}
    return {
        "node": node.label,
        "name": wording.title(node),
        "value": as_data(value),
        "terms": [
            {
                "step": numbers[id(step)],
                "position": term.position,
                "value": as_data(term.value),
            }
            for step, term in terms_of(node, explanation.trace)
        ],
    }


def _derivation(made: Derivation) -> dict[str, Any]:
    return {
        "label": made.label,
        "node": made.node.label,
        "index": list(made.index),
        "value": as_data(made.value),
        "text": made.text,
        "paths": [str(path) for path in made.paths()],
    }
