"""What an explanation is asked about: tensors of a graph, of a tape, or of autograd."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.errors import message
from retrograd.explain.values import Index
from retrograd.grad.tape import watched_tensor
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor, internal_convert_to_tensor
from retrograd.graph.graph import Graph
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.grad.tape import GradientTape
    from retrograd.run.session import BaseSession
    from retrograd.typing import Structure


class Sources:
    """y and wrt as tensors, and what they come from.

    Attributes:
      ys, xs: the tensors; of a resource variable, its handle.
      given: what the caller passed for each x.
      session: for a graph, whose variables to use, or None.
      names: what the program calls tensors, where it says so.
      producer: for what was run at once, what gives the record that made a tensor; None
        for graphs.

    Args:
      y, wrt, tape, session, names: as for `explain`.
      needs_wrt: whether there must be something to differentiate with respect to.
      asked: the function that was called, for messages.

    Raises:
      KeyError: there is no tensor of a name.
      ValueError: nothing to explain, or no tape that recorded it.
    """

    def __init__(
        self,
        y: Structure,
        wrt: Structure,
        tape: GradientTape | None,
        session: BaseSession | None,
        names: Mapping[str, Any] | None = None,
        needs_wrt: bool = True,
        asked: str = "explain",
    ) -> None:
        self.session, self.asked = session, asked
        self.names: dict[Any, str] = {}
        self.producer: Callable[[Any], Any] | None = None
        given = list(y) if isinstance(y, (list, tuple)) else [y]
        if not given:
            raise ValueError(f"{asked}: there is no y.")
        wanted = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
        self.given: list[Any] = [] if wrt is None else wanted
        if tape is not None:
            self._from_tape(given, tape)
        elif hasattr(given[0], "backward"):
            self._from_autograd(given)
        else:
            self._from_graph(given)
        self._name(names or {})
        if needs_wrt and not self.given:
            raise ValueError(
                message(
                    f"{asked}: nothing is named to differentiate with respect to, and "
                    "y depends on no trainable variable.",
                    fix="pass wrt=…",
                )
            )

    # ------------------------------------------------------------------ graphs

    def _from_graph(self, given: Sequence[Any]) -> None:
        graph = self._graph(given)
        if self.session is None:
            self.session = context.get_default_session()
        self.ys = [tensor_of(graph, y) for y in given]
        for y in self.ys:
            if getattr(y, "_is_eager", False):
                raise ValueError(
                    message(
                        f"{self.asked}: y was computed at once, and no tape is given.",
                        fix="compute it inside `with tf.GradientTape(persistent=True) "
                        "as tape:` and pass tape=tape",
                    )
                )
        if not self.given:
            self.given = _trainable(self.ys)
        self.xs = [tensor_of(graph, x) for x in self.given]

    def _graph(self, given: Sequence[Any]) -> Graph:
        for item in given:
            found = getattr(item, "graph", None) if not _is_eager(item) else None
            if isinstance(found, Graph):
                return found
        if self.session is None:
            return context.get_default_graph()
        return self.session.graph

    # ------------------------------------------------------------------ at once

    def _from_tape(self, given: Sequence[Any], tape: GradientTape) -> None:
        if getattr(tape, "_used", False):
            raise ValueError(
                message(
                    f"{self.asked}: the tape was used already, and has forgotten what "
                    "it recorded.",
                    fix="tf.GradientTape(persistent=True)",
                )
            )
        self.producer = tape._producer
        if not self.given:
            self.given = list(tape.watched_variables())
        self.ys = [convert_to_tensor(y) for y in given]
        self.xs = [watched_tensor(x) for x in self.given]
        for x, tensor in zip(self.given, self.xs, strict=True):
            if not _is_eager(x):
                self.names[tensor] = str(getattr(x, "name", "")).partition(":")[0]

    def _from_autograd(self, given: Sequence[Any]) -> None:
        from retrograd.autograd import engine_tensor, leaves, recording

        recorded = [recording(y) for y in given]
        producers = [producer for _, producer in recorded]

        def producer(tensor: Tensor) -> Any:
            made = (find(tensor) for find in producers)
            return next((record for record in made if record is not None), None)

        self.producer = producer if len(producers) > 1 else producers[0]
        self.ys = [tensor for tensor, _ in recorded]
        if not self.given:
            self.given = list(dict.fromkeys(x for y in given for x in leaves(y)))
        self.xs = [engine_tensor(x) for x in self.given]

    def _name(self, names: Mapping[str, Any]) -> None:
        """Keep the names that the program gave to tensors and variables."""
        for name, value in names.items():
            if name.startswith("_"):
                continue
            if getattr(value, "_is_resource_variable", False):
                self.names.setdefault(value.handle, name)
            elif isinstance(value, Tensor):
                self.names.setdefault(value, name)
            elif isinstance(getattr(value, "_variable", None), Tensor):
                self.names.setdefault(value._variable, name)

    def listed(self, grad_ys: Structure) -> Any:
        """One seed for each y; that of a single y may be given as it is."""
        if grad_ys is None or len(self.ys) > 1:
            return grad_ys
        alone = isinstance(grad_ys, (list, tuple)) and len(grad_ys) == 1
        is_scalar = self.ys[0].shape.ndims == 0 or isinstance(grad_ys[0], Tensor)
        return list(grad_ys) if alone and is_scalar else [grad_ys]

    def seeds(self, grad_ys: Structure) -> list[Any]:
        """∂f/∂y for each y of what was run at once: those given, or ones."""
        from retrograd.ops.declare import F

        given = self.listed(grad_ys)
        with context.eager_mode():
            if given is None:
                return [F.OnesLike(y) for y in self.ys]
            return [
                convert_to_tensor(dy, y.dtype)
                for dy, y in zip(given, self.ys, strict=True)
            ]

    # ------------------------------------------------------------------ elements

    def chosen(self, element: Mapping[Any, Sequence[int]]) -> dict[int, Index]:
        """The elements asked for, by position among wrt.

        Raises:
          KeyError: one is asked of something that is not among wrt.
        """
        found: dict[int, Index] = {}
        for key, index in element.items():
            place = next(
                (
                    i
                    for i, (x, tensor) in enumerate(
                        zip(self.given, self.xs, strict=True)
                    )
                    if key is x or key is tensor or key == _name(x)
                ),
                None,
            )
            if place is None:
                raise KeyError(f"explain: {key!r} is not among wrt.")
            found[place] = tuple(int(i) for i in index)
        return found


def _is_eager(item: Tensor | None) -> bool:
    return getattr(item, "_is_eager", False)


def _name(item: Tensor | None) -> Any:
    if isinstance(item, str) or _is_eager(item):
        return item
    return getattr(item, "name", None)


def tensor_of(graph: Graph, item: Any) -> Any:
    """The tensor of a graph that is meant by a tensor, a variable or a name."""
    if getattr(item, "_is_resource_variable", False):
        return item.handle
    if isinstance(item, str):
        return graph.as_graph_element(item if ":" in item else f"{item}:0")
    if isinstance(item, Tensor):
        return item
    with graph.as_default():
        return internal_convert_to_tensor(item, as_ref=True)


def _trainable(ys: Sequence[Tensor]) -> list[Any]:
    """The trainable variables of the graph that ys depend on."""
    seen: set[Any] = set()
    pending = [y.op for y in ys]
    while pending:
        op = pending.pop()
        if op not in seen:
            seen.add(op)
            pending.extend(t.op for t in op.inputs)
    known = ys[0].graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
    return [v for v in known if v.op in seen]
