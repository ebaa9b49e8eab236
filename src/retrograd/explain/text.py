"""An explanation as plain text, and as a tree for terminals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain import wording
from retrograd.explain.elements import Derivation, part_text
from retrograd.explain.operations import overridden
from retrograd.explain.trace import BackStep, Node, Term, Trace, where
from retrograd.explain.values import FEW, Index, factor, index_text, number, shown

if TYPE_CHECKING:
    from rich.tree import Tree

    from retrograd.explain.explanation import Explanation
    from retrograd.typing import Array

#: elements of a product that are written out
MOST_FACTORS = 4
#: paths of one element that are written out
_MOST_PATHS = 12


def text(explanation: Explanation) -> str:
    """All of it: the values forward, the steps backward, the sums, and elements."""
    return "\n\n".join(sections(explanation).values())


def sections(explanation: Explanation) -> dict[str, str]:
    """The parts of the text by their headings; the first, without one, is "f"."""
    found = explanation.trace
    parts = {
        "forward": _forward(found),
        "backward": _backward(explanation),
        "sums": _sums(explanation),
        "by element of f": _shares(found),
        "element by element": (
            line for made in explanation.derivations for line in derivation(made)
        ),
    }
    made = {name: _indented(lines) for name, lines in parts.items()}
    headed = {name: "\n".join([name, *made[name]]) for name in made if made[name]}
    return {"f": _head(explanation), **headed}


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _head(explanation: Explanation) -> str:
    found = explanation.trace
    ys = " + ".join(y.label for y in found.ys)
    names = ", ".join(wording.title(x) for x in found.xs)
    head = f"f = {ys}, differentiated with respect to {names}"
    seed = found.seeds[0]
    if len(found.ys) == 1 and seed is not None and seed.size > 1:
        if np.all(seed == 1):
            head += (
                f"\n  {ys} is not a scalar: f is the sum of its {seed.size} elements, "
                "so the sweep is seeded with ones"
            )
        else:
            head += f"\n  {ys} is weighted by the seed {shown(seed)}"
    return head


# ---------------------------------------------------------------------- forward


def _forward(found: Trace) -> Iterator[str]:
    rows = [
        (_definition(n, found), shown(n.value), _about(n), _place(n))
        for n in found.nodes
    ]
    a, b, c = (
        min(max(len(row[i]) for row in rows), most)
        for i, most in enumerate((40, 48, 32))
    )
    for left, value, about, place in rows:
        yield f"{left:<{a}} = {value:<{b}}  {about:<{c}}  {place}".rstrip()


def _definition(node: Node, found: Trace) -> str:
    title = wording.title(node)
    named = node.label if title == node.label else f"{node.label} = {title}"
    return wording.formula(node, found) or named


def _about(node: Node) -> str:
    if node.role == "op":
        return f"{node.name} ({node.type})"
    return {"input": "input", "constant": "constant"}.get(node.role, "given")


def _place(node: Node) -> str:
    found = None if node.op is None else where(node.op)
    return "" if found is None else f"{Path(found['file']).name}:{found['line']}"


# ---------------------------------------------------------------------- backward


def _backward(explanation: Explanation) -> Iterator[str]:
    for y, seed in zip(explanation.trace.ys, explanation.trace.seeds, strict=True):
        yield f"∂f/∂{y.label} = {shown(seed)}  (seed)"
    for step in explanation.steps:
        yield step_title(step, explanation.trace)
        for term, partial in zip(step.terms, _of_terms(explanation, step), strict=True):
            yield f"  {term_text(step, term, partial, explanation.trace)}"


def _of_terms(explanation: Explanation, step: BackStep) -> list[Any]:
    found = explanation.partials(step)
    return [found[term.position] for term in step.terms]


def step_title(step: BackStep, found: Trace) -> str:
    """`n5 = n4 · n2 (mul_1, demo.py:5)`."""
    nodes = [node for node in step.outputs if node is not None]
    formula = wording.formula(nodes[0], found) or nodes[0].label
    if len(nodes) > 1:
        formula = f"{', '.join(n.label for n in nodes)} = {step.op.type}(…)"
    place = _place(nodes[0])
    own = overridden(step.op)
    rule = f", gradient {own} registered by the program" if own else ""
    return f"{formula}  ({step.op.name}{', ' + place if place else ''}{rule})"


def term_text(step: BackStep, term: Term, partial: Any, found: Trace) -> str:
    """`∂f/∂n4 += ∂f/∂n5 · ∂n5/∂n4 = ∂f/∂n5 · n2 = 1 · 4 = 4`.

    Args:
      step, term: what is told.
      partial: ∂output/∂input element by element, or None where there is no such thing.
      found: the trace.
    """
    sign = "+=" if len(found.terms_of(term.target)) > 1 else "="
    parts = [f"{wording.derivative(term.target)} {sign} "]
    equal = []
    output = next((n for n in step.outputs if n is not None), None)
    if output is not None and partial is not None:
        equal.append(
            f"{wording.derivative(output)} · ∂{output.label}/∂{term.target.label}"
        )
    rule = wording.rule(step, term, found)
    if rule:
        equal.append(rule)
    up = step.upstream[0]
    if partial is not None and max(np.size(up), np.size(partial)) <= MOST_FACTORS:
        equal.append(product(up, partial))
    if term.whole is not None and term.value is not None:
        if np.shape(term.whole) != np.shape(term.value):
            equal.append(f"sum over what was repeated of {shown(term.whole)}")
    equal.append(shown(term.value))
    parts.append(" = ".join(dict.fromkeys(equal)))
    return "".join(parts)


def product(upstream: Any, partial: Any) -> str:
    """`1 · 4`: an upstream derivative times a local one."""
    if np.size(upstream) == 1 and np.size(partial) == 1:
        left = factor(np.reshape(upstream, -1)[0])
        return f"{left} · {factor(np.reshape(partial, -1)[0])}"
    return f"{shown(upstream)} · {shown(partial)}"


# ---------------------------------------------------------------------- sums


def _sums(explanation: Explanation) -> Iterator[str]:
    found = explanation.trace
    for node, gradient in zip(found.xs, found.gradients, strict=True):
        name = wording.title(node)
        left = f"∂f/∂{name}"
        if name != node.label:
            left += f" = ∂f/∂{node.label}"
        if gradient is None:
            yield f"{left}: none, f does not depend on it"
            continue
        terms = [_in_sum(t.value) for _, t in found.terms_of(node)]
        sum_ = f"{' + '.join(terms)} = " if 1 < len(terms) <= FEW else ""
        if len(terms) > FEW:
            sum_ = f"the sum of {len(terms)} terms = "
        yield f"{left} = {sum_}{shown(gradient)}"
        yield from _moved(node, gradient, explanation.learning_rate)


def _in_sum(value: Array) -> str:
    return factor(np.reshape(value, -1)[0]) if np.size(value) == 1 else shown(value)


def _moved(node: Node, gradient: Array, rate: float | None) -> Iterator[str]:
    """Where a step of gradient descent takes an input."""
    if rate is None or node.value is None:
        return
    after = node.value - np.asarray(rate, node.value.dtype) * gradient
    name = wording.title(node)
    step = f"{number(rate)} · {shown(gradient)}"
    yield (
        f"{name} - {number(rate)} · ∂f/∂{name} = {shown(node.value)} - {step} = "
        f"{shown(after)}"
    )


def _shares(found: Trace) -> Iterator[str]:
    for place, node in enumerate(found.xs):
        name = wording.title(node)
        for index, row in found.shares:
            if row[place] is not None:
                label = found.ys[0].label + index_text(index)
                yield f"∂{label}/∂{name} = {shown(row[place])}"


# ---------------------------------------------------------------------- elements


def derivation(made: Derivation) -> Iterator[str]:
    """The derivation of one element, then the paths that sum to it."""
    name = wording.title(made.node) + index_text(made.index)
    lines = made.text.split("\n")
    known = f"∂f/∂{name} = " if name != made.label else ""
    yield known + lines[0]
    yield from lines[1:]
    paths = made.paths()
    if not 1 < len(paths) <= _MOST_PATHS or not made.is_complete:
        return
    yield f"  by paths: {_plus([p.value for p in paths])} = {number(made.value)}"
    yield from (f"    {path}" for path in paths)
    by_start: dict[Index, Any] = {}
    for path in paths:
        by_start[path.start] = by_start.get(path.start, 0) + path.value
    if 1 < len(by_start) < len(paths):
        total = f"{_plus(by_start.values())} = {number(made.value)}"
        yield f"  by element of f: {total}"


def _plus(values: Iterable[Any]) -> str:
    return " + ".join(factor(v) for v in values)


# ---------------------------------------------------------------------- terminal


def tree(explanation: Explanation) -> Tree:
    """The explanation as a tree, in colour where the terminal has it."""
    from rich.markup import escape
    from rich.tree import Tree

    found = explanation.trace
    root = Tree(f"[bold]{escape(_head(explanation))}[/bold]")
    forward = root.add("[bold cyan]forward[/bold cyan]")
    for line in _forward(found):
        forward.add(escape(" ".join(line.split())))
    backward = root.add("[bold magenta]backward[/bold magenta]")
    for y, seed in zip(found.ys, found.seeds, strict=True):
        backward.add(escape(f"∂f/∂{y.label} = {shown(seed)}  (seed)"))
    for step in explanation.steps:
        branch = backward.add(escape(step_title(step, found)))
        for term, partial in zip(step.terms, _of_terms(explanation, step), strict=True):
            branch.add(
                f"[green]{escape(term_text(step, term, partial, found))}[/green]"
            )
    sums = root.add("[bold yellow]sums[/bold yellow]")
    for line in _sums(explanation):
        sums.add(f"[bold]{escape(line)}[/bold]")
    for made in explanation.derivations:
        _grow(sums.add(escape(f"∂f/∂{made.label} = {number(made.value)}")), made, set())
    return root


def _grow(branch: Tree, made: Derivation, told: set[int]) -> None:
    from rich.markup import escape

    if id(made) in told:
        return
    told.add(id(made))
    for part in made.parts:
        child = branch.add(escape(part_text(part, made)))
        if part.source is not None:
            _grow(child, part.source, told)
