"""An explanation as a flowchart in Mermaid, which Markdown viewers draw.

A box for each operation and each leaf holds what it is, its value and ∂f/∂value. Arrows
point from inputs to outputs; on an arrow stands what the sweep sends back along it. A
dotted arrow carries no derivative. Scopes of names are frames around their boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from retrograd.errors import message
from retrograd.explain import wording
from retrograd.explain.text import MOST_FACTORS, product
from retrograd.explain.trace import BackStep, Node, Term
from retrograd.explain.values import number, shown, statistics

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation
    from retrograd.typing import Array

#: what Mermaid draws at the most, unless a page configures it
_MOST_ARROWS, _MOST_CHARACTERS = 500, 50_000
#: elements of an array that are written out
_MOST_ELEMENTS = 9
#: characters on an arrow that are too many for one line
_LONG = 24
#: characters with a meaning of their own within a label, and in Markdown or HTML
_ESCAPED = {ord(c): f"#{ord(c)};" for c in '"#&<>`*_\\|$'}
_SHAPES = {"input": ("([", "])"), "op": ("[", "]")}


def mermaid(explanation: Explanation) -> str:
    """The text of the flowchart.

    Raises:
      ValueError: the explanation is larger than Mermaid draws.
    """
    lines = list(_Chart(explanation).lines())
    text = "\n".join(lines)
    arrows = sum("->" in line for line in lines)
    if arrows > _MOST_ARROWS or len(text) > _MOST_CHARACTERS:
        raise ValueError(
            message(
                "explain: the explanation is too large for a Mermaid flowchart.",
                got=f"{arrows} arrows and {len(text)} characters",
                want=f"{_MOST_ARROWS} arrows and {_MOST_CHARACTERS} characters at most",
                fix="explanation.html draws programs of any size",
            )
        )
    return text


@dataclass(slots=True, eq=False)
class _Box:
    """An operation with those of its outputs that are shown, or a leaf."""

    nodes: list[Node]

    @property
    def name(self) -> str:
        """What arrows call it; Mermaid has no use for the text."""
        return self.nodes[0].label

    @property
    def scope(self) -> list[str]:
        op = self.nodes[0].op
        return [] if op is None else op.name.split("/")[:-1]


@dataclass(slots=True)
class _Frame:
    """A scope of names: the boxes right in it, and the scopes within."""

    boxes: list[_Box] = field(default_factory=list)
    frames: dict[str, _Frame] = field(default_factory=dict)

    def size(self) -> int:
        """How many boxes are in it, at any depth."""
        return len(self.boxes) + sum(frame.size() for frame in self.frames.values())


class _Chart:
    """Writes the flowchart of one explanation."""

    def __init__(self, explanation: Explanation) -> None:
        self.explanation, self.trace = explanation, explanation.trace
        self.derivatives = self.trace.derivatives()
        self.steps: dict[int, BackStep] = {id(s.op): s for s in self.trace.steps}
        self.boxes: list[_Box] = []
        self.box_of: dict[int, _Box] = {}
        self.frames = 0
        by_op: dict[int, _Box] = {}
        for node in self.trace.nodes:
            key = id(node.op) if node.role == "op" else id(node)
            box = by_op.get(key)
            if box is None:
                box = by_op[key] = _Box([])
                self.boxes.append(box)
            box.nodes.append(node)
            self.box_of[id(node)] = box

    def lines(self) -> Iterator[str]:
        yield "flowchart TB"
        root = _Frame()
        for box in self.boxes:
            frame = root
            for part in box.scope:
                frame = frame.frames.setdefault(part, _Frame())
            frame.boxes.append(box)
        yield from self._frame(root, "  ")
        for box in self.boxes:
            yield from self._arrows(box)

    def _frame(self, frame: _Frame, pad: str) -> Iterator[str]:
        for box in frame.boxes:
            opening, closing = _SHAPES.get(box.nodes[0].role, ("(", ")"))
            yield f'{pad}{box.name}{opening}"{self._label(box)}"{closing}'
        for name, inner in frame.frames.items():
            if inner.size() < 2:  # a frame around one box says nothing
                yield from self._frame(inner, pad)
                continue
            self.frames += 1
            yield f'{pad}subgraph scope{self.frames}["{_escaped(name)}"]'
            yield from self._frame(inner, pad + "  ")
            yield f"{pad}end"

    def _label(self, box: _Box) -> str:
        lines = []
        for node in box.nodes:
            lines += [_escaped(line) for line in self._about(node)]
        return "<br/>".join(lines)

    def _about(self, node: Node) -> Iterator[str]:
        """What a node is, its value and its derivative, a line each."""
        definition = wording.formula(node, self.trace)
        if definition and node.op is not None and node.name != node.op.name:
            yield f"{node.name}: {definition}"  # as the program calls it
        else:
            yield definition or f"{node.label} = {wording.title(node)}"
        if definition or wording.title(node) != _short(node.value):
            yield f"= {_short(node.value)}"
        derivative = self.derivatives.get(id(node))
        if derivative is not None:
            yield f"{wording.derivative(node)} = {_short(derivative)}"

    # ------------------------------------------------------------------ arrows

    def _arrows(self, box: _Box) -> Iterator[str]:
        """An arrow for each input of a box, with the term that goes back along it."""
        first = box.nodes[0]
        step = self.steps.get(id(first.op)) if first.role == "op" else None
        terms = {term.position: term for term in step.terms} if step else {}
        partials = self.explanation.partials(step) if step else []
        for position, source in enumerate(first.inputs):
            if source is None:
                continue
            origin = self.box_of[id(source)]
            term = terms.get(position)
            if step is None or term is None:
                yield f"  {origin.name} -.-> {box.name}"
                continue
            label = _escaped(_term(step, term, partials[position]))
            if len(origin.nodes) > 1:
                label = f"{source.label}: {label}"
            if len(label) > _LONG:
                label = label.replace(" = ", "<br/>= ")
            yield f'  {origin.name} -- "{label}" --> {box.name}'


def _term(step: BackStep, term: Term, partial: Array | None) -> str:
    """`4 · 3 = 12`: a contribution, with its factors where they are short."""
    upstream, value = step.upstream[0], _short(term.value)
    if np.shape(term.whole) != np.shape(term.value):
        return f"sum of {_short(term.whole)} = {value}"
    if partial is None or max(np.size(upstream), np.size(partial)) > MOST_FACTORS:
        return value
    return f"{product(upstream, partial)} = {value}"


def _short(array: Array) -> str:
    """An array of few elements in full; of others dtype, shape and norm."""
    if array is None or np.size(array) <= _MOST_ELEMENTS:
        return shown(array)
    array = np.asarray(array)
    norm = number(statistics(array).norm)
    return f"{array.dtype.name}{list(array.shape)}, norm {norm}"


def _escaped(text: str) -> str:
    """Text as Mermaid needs it, with arrays that lines are not broken in."""
    return text.replace(", ", ",\N{NO-BREAK SPACE}").translate(_ESCAPED)
