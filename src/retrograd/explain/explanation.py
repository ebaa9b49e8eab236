"""`retrograd.explain`: where a derivative comes from, step by step."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import FailedPreconditionError, message
from retrograd.explain import elements, trace
from retrograd.explain.elements import Derivation, Deriver
from retrograd.explain.trace import BackStep, Node, Trace
from retrograd.explain.values import FEW, Index, largest

if TYPE_CHECKING:
    from rich.tree import Tree

    from retrograd.explain.sources import Sources
    from retrograd.grad.tape import GradientTape
    from retrograd.run.session import BaseSession
    from retrograd.typing import Explainable, FeedDict, Structure


def explain(
    y: Explainable,
    wrt: Structure = None,
    feed_dict: FeedDict | None = None,
    session: BaseSession | None = None,
    *,
    grad_ys: Structure = None,
    stop_gradients: Structure = None,
    tape: GradientTape | None = None,
    element: Mapping[Any, Sequence[int]] | None = None,
    names: Mapping[str, Any] | None = None,
    learning_rate: float | None = None,
) -> Explanation:
    """Explain ∂f/∂x for each x, where f is y, or the sum of its elements.

    The graph, the session's variables, random numbers and queues are afterwards as they
    were before.

    Args:
      y: a tensor of a graph, or its name; the result of `retrograd.autograd`; or an
        eager tensor that `tape` recorded.
      wrt: a tensor, a variable, a name, or a list of these; by default all trainable
        variables that y depends on.
      feed_dict: as for `Session.run`.
      session: whose variables to use; by default the default session.
      grad_ys: the seed of the sweep, in the shape of y; ones by default.
      stop_gradients: tensors that count as constant.
      tape: a `tf.GradientTape` that is persistent, or not used yet.
      element: for some of `wrt`, the index of an element to derive in full; by default
        every element of a small one, the largest derivative of a large one.
      names: what the program calls its tensors, such as `locals()`; they are shown in
        place of the names in the graph.
      learning_rate: also show where a step of gradient descent would take `wrt`.

    Returns:
      An `Explanation`: print it, or show it in a notebook.

    Raises:
      FailedPreconditionError: a variable has no value.
      KeyError: there is no tensor of a name.
      LookupError: an operation between y and wrt has no gradient.
      TypeError: y or wrt has no float or complex dtype.
      ValueError: y or wrt is nothing that can be explained, or nothing connects them.
    """
    from retrograd.explain.sources import Sources

    sources = Sources(y, wrt, tape, session, names)
    trace.only_floats(sources.ys, "y")
    trace.only_floats(sources.xs, "wrt")
    if sources.producer is None:
        found = _from_graph(sources, feed_dict, grad_ys, stop_gradients)
    else:
        found = trace.trace_recorded(sources, sources.seeds(grad_ys))
    _check_connected(found)
    chosen = sources.chosen(element or {})
    return Explanation(found, chosen, learning_rate)


def _from_graph(
    sources: Sources, feed_dict: FeedDict | None, grad_ys: Structure, stop: Structure
) -> Trace:
    try:
        return trace.trace_graph(sources, grad_ys, feed_dict, stop)
    except FailedPreconditionError as error:
        if sources.session is not None:
            raise
        raise ValueError(
            message(
                "explain: y depends on variables, and no session holds their values.",
                got=str(error.message).split("\n")[0],
                fix="pass session=…, or call it inside `with tf.Session():`",
            )
        ) from error


def _check_connected(found: Trace) -> None:
    if all(g is None for g in found.gradients):
        names = ", ".join(x.name or x.label for x in found.xs)
        raise ValueError(
            message(
                f"explain: no derivative reaches {names}.",
                got=f"∂{found.ys[0].name}/∂{found.xs[0].name} is None",
                fix="retrograd.why_none(y, x) says where the way breaks",
            )
        )


class Explanation:
    """What a sweep did, with every value; made by `retrograd.explain`.

    Attributes:
      trace: the numbers behind it.
      learning_rate: that of the step of gradient descent that is shown, or None.
    """

    def __init__(
        self,
        found: Trace,
        chosen: Mapping[int, Index],
        learning_rate: float | None = None,
    ) -> None:
        self.trace = found
        self.learning_rate = learning_rate
        self._chosen = chosen
        self._deriver = Deriver(found)
        self._partials: dict[int, list[Any]] = {}
        self._derivations: list[Derivation] | None = None

    @property
    def nodes(self) -> list[Node]:
        """The tensors: inputs, other leaves, then the rest in the order they were made.

        They are labelled n1, n2, …
        """
        return self.trace.nodes

    @property
    def steps(self) -> list[BackStep]:
        """The operations that were differentiated, in the order of the sweep."""
        return self.trace.steps

    @property
    def value(self) -> Any:
        """The value of y; a list for several."""
        values = [y.value for y in self.trace.ys]
        return values[0] if len(values) == 1 else values

    @property
    def gradients(self) -> list[Any]:
        """∂f/∂x for each of wrt, as `tf.gradients` gives it; None where it does."""
        return self.trace.gradients

    def partials(self, step: BackStep) -> list[Any]:
        """∂output/∂input for each input of a step; see `elements.partials`."""
        found = self._partials.get(id(step))
        if found is None:
            found = self._partials[id(step)] = elements.partials(step, self.trace)
        return found

    def derive(self, x: int | str = 0, index: Sequence[int] = ()) -> Derivation:
        """How one element of a derivative came about, all the way from y.

        Args:
          x: the position of a tensor among `wrt`, or the name or label of any node.
          index: the element.

        Raises:
          IndexError: there is no such element.
          KeyError: there is no such node.
        """
        return self._deriver.derive(self.node(x), tuple(index))

    def node(self, key: int | str) -> Node:
        """The node of a label, of a name, or of a position among `wrt`.

        Raises:
          KeyError: there is none.
        """
        if isinstance(key, int):
            return self.trace.xs[key]
        for node in self.trace.nodes:
            if key in (node.label, node.name, getattr(node.tensor, "_name", None)):
                return node
        raise KeyError(f"explain: there is no node {key!r}.")

    @property
    def derivations(self) -> list[Derivation]:
        """The elements of the derivatives that are derived in full."""
        if self._derivations is None:
            self._derivations = [
                self._deriver.derive(node, index) for node, index in self._elements()
            ]
        return self._derivations

    def _elements(self) -> list[tuple[Node, Index]]:
        found = []
        for place, (node, gradient) in enumerate(
            zip(self.trace.xs, self.trace.gradients, strict=True)
        ):
            if gradient is None or not gradient.size:
                continue
            if place in self._chosen:
                found.append((node, self._chosen[place]))
            elif gradient.size <= FEW:
                found += [(node, index) for index in np.ndindex(*gradient.shape)]
            else:
                found.append((node, largest(gradient)))
        return found

    # ------------------------------------------------------------------ forms

    @property
    def text(self) -> str:
        """The explanation as plain text."""
        from retrograd.explain.text import text

        return text(self)

    @property
    def sections(self) -> dict[str, str]:
        """The parts of the text: "f", "forward", "backward", "sums", and so on."""
        from retrograd.explain.text import sections

        return sections(self)

    @property
    def mermaid(self) -> str:
        """The explanation as a flowchart that Markdown viewers draw; of small ones.

        Raises:
          ValueError: it is larger than they draw.
        """
        from retrograd.explain.mermaid import mermaid

        return mermaid(self)

    @property
    def latex(self) -> str:
        """The explanation as LaTeX, for amsmath."""
        from retrograd.explain.latex import latex

        return latex(self)

    @property
    def html(self) -> str:
        """The explanation as a page of its own: one file that needs no network."""
        from retrograd.explain.page import page

        return page(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file.

        Raises:
          OSError: that cannot be done.
        """
        Path(path).write_text(self.html, "utf-8")

    def open(self) -> Path:
        """Show the page in a browser.

        Returns:
          The file that holds it, which stays: the browser may read it later.
        """
        import tempfile
        import webbrowser

        path = Path(tempfile.mkdtemp(prefix="retrograd-")) / "explanation.html"
        self.save(path)
        webbrowser.open(path.as_uri())
        return path

    def to_dict(self) -> dict[str, Any]:
        """The explanation as what JSON can hold; see `retrograd.explain.data`."""
        from retrograd.explain.data import to_dict

        return to_dict(self)

    def tree(self) -> Tree:
        """The explanation as a tree for a terminal, in colour."""
        from retrograd.explain.text import tree

        return tree(self)

    def __rich__(self) -> Tree:
        return self.tree()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Explanation of {self.trace.ys[0].name}, {len(self.nodes)} nodes>"

    def _repr_html_(self) -> str:
        from retrograd.explain.page import frame

        return frame(self)
