"""Following one element of a derivative: which elements meet in it, with what factor.

An operation of a trace is replayed at once on the recorded values, so its own gradient
rule answers: the column ∂yᵢ/∂xⱼ of its Jacobian for one j is the derivative of x̄ⱼ with
respect to ȳ (see `grad.forward`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.errors import message
from retrograd.explain import wording
from retrograd.explain.operations import goes_by_element
from retrograd.explain.trace import BackStep, Node, Term, Trace
from retrograd.explain.values import Index, factor, index_text, number
from retrograd.grad.forward import along
from retrograd.grad.reach import is_continuous
from retrograd.grad.sweep import terms_of
from retrograd.graph import context
from retrograd.graph.record import Record
from retrograd.run.eager import eager_tensor
from retrograd.run.store import Cell

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array

#: contributions to one element that are followed one by one
_MOST_PARTS = 12
#: nodes of one derivation, at the most
_MOST_NODES = 200
#: paths that are written out, at the most
_MOST_PATHS = 64
#: elements that codes tell apart in float32
_MOST_CODES = 1 << 22


@dataclass(slots=True, eq=False)
class Part:
    """What one element of an output passes to one element of an input.

    Attributes:
      step: the operation.
      position: which of its inputs it is.
      output: the node of the output.
      index: which element of it.
      upstream: ∂f/∂output[index].
      coefficient: ∂output[index]/∂input[element].
      value: upstream · coefficient.
      name: what the coefficient is, such as `n2[1]`; "" where it has no name.
      source: how the upstream derivative came about; None where that is not followed.
    """

    step: BackStep
    position: int
    output: Node
    index: Index
    upstream: Any
    coefficient: Any
    value: Any
    name: str = ""
    source: Derivation | None = None


@dataclass(slots=True)
class Derivation:
    """How one element of a derivative came about.

    Attributes:
      node, index: the element.
      value: ∂f/∂node[index].
      seed: the part of it that is the seed of the sweep; None for what is no y.
      parts: what came from the outputs that the element is used in.
      rest: how many further parts there are, and their sum.
      opaque: operations whose rule cannot be followed by element, with their share.
    """

    node: Node
    index: Index
    value: Any
    seed: Any = None
    parts: list[Part] = field(default_factory=list)
    rest: tuple[int, Any] = (0, 0)
    opaque: list[tuple[BackStep, Any]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """`n3[1]`."""
        return self.node.label + index_text(self.index)

    @property
    def text(self) -> str:
        """The derivation, a line for each element it passes, indented by depth."""
        return "\n".join(_lines(self, 0, set()))

    def __str__(self) -> str:
        return self.text

    @property
    def is_complete(self) -> bool:
        """Whether everything was followed: no part is among a rest, or opaque."""
        pending: list[Derivation] = [self]
        seen = {id(self)}
        while pending:
            made = pending.pop()
            if made.rest[0] or made.opaque:
                return False
            for part in made.parts:
                if part.source is None:
                    return False
                if id(part.source) not in seen:
                    seen.add(id(part.source))
                    pending.append(part.source)
        return True

    def paths(self) -> list[Path]:
        """The ways from f to the element, up to 64.

        If there are no more and the derivation is complete, their values sum to the
        derivative.
        """
        return _paths(self)


@dataclass(slots=True)
class Path:
    """One way that a derivative takes from an element of y to an element of x.

    Attributes:
      start: the element of y.
      places: the elements on the way, from y to x.
      factors: the coefficients, with their names, in the same order.
      value: the seed times all factors.
    """

    start: Index
    places: list[str]
    factors: list[tuple[str, Any]]
    value: Any

    def __str__(self) -> str:
        way = " → ".join(self.places)
        kept = [(n, v) for n, v in self.factors if n != "1"]
        named = " · ".join(n or number(v) for n, v in kept) or "1"
        numbers = " · ".join(factor(v) for _, v in kept) or "1"
        middle = f"{named} = " if named != numbers else ""
        if numbers == factor(self.value):
            return f"{way}: {middle}{number(self.value)}"
        return f"{way}: {middle}{numbers} = {number(self.value)}"


# ---------------------------------------------------------------------- replaying


class Replay:
    """An operation of a trace on eager tensors that hold the recorded values.

    Args:
      step: the operation.
      trace: what knows the values.
      replaced: other arrays for some inputs, by position.

    Raises:
      LookupError: a value that the operation needs was not recorded.
    """

    def __init__(
        self, step: BackStep, trace: Trace, replaced: dict[int, Any] | None = None
    ) -> None:
        op = step.op
        inputs = [
            self._input(trace, step, i, t, (replaced or {}).get(i))
            for i, t in enumerate(op._inputs[: len(step.inputs)])
        ]
        self.record = Record(op._op_def, inputs, op.attrs)
        self.record.name = op.name
        self.record._gradient_function = op._gradient_function
        self.record._outputs = [
            _eager(value, tensor)
            for value, tensor in zip(step.results, op._outputs, strict=False)
        ]

    def _input(
        self,
        trace: Trace,
        step: BackStep,
        position: int,
        tensor: Tensor,
        replaced: object,
    ) -> Any:
        value = replaced
        if value is None:
            node = step.inputs[position]
            setting = trace.setting.get((step.op, position))
            value = setting if node is None else node.value
        return _eager(value, tensor)

    def column(self, position: int, index: Index) -> list[Any]:
        """∂output/∂input[index] for each output; None where it is zero."""
        x = self.record._inputs[position]
        one = np.zeros_like(_held(x))
        one[index] = 1
        tangents: list[Any] = [None] * len(self.record._inputs)
        tangents[position] = eager_tensor(one, dtypes.as_dtype(one.dtype))
        return [None if c is None else c._value for c in along(self.record, tangents)]

    def partials(self) -> list[Any]:
        """What the rule gives for each input for a seed of ones."""
        outputs = self.record._outputs
        ones = [
            eager_tensor(np.ones_like(_held(t)), t.dtype) if is_continuous(t) else None
            for t in outputs
        ]
        live = [is_continuous(t) for t in self.record._inputs]
        op: Any = self.record
        found = terms_of(op, ones, live)
        return [getattr(d, "_value", None) for d in found]


def _held(tensor: Any) -> Any:
    """The array of an eager tensor, or of the variable that a handle stands for."""
    value = tensor._value
    return value.value if isinstance(value, Cell) else value


def _eager(value: object, tensor: Tensor) -> Any:
    """An eager tensor with a value that was recorded, as a stand-in for `tensor`."""
    if value is None:
        raise LookupError(f"the value of {tensor!r} was not recorded")
    dtype = tensor.dtype.base_dtype
    if dtype is dtypes.resource:
        return eager_tensor(Cell("replayed", None, value), dtype)
    return eager_tensor(np.asarray(value), dtype)


def replay(
    step: BackStep, trace: Trace, replaced: dict[int, Any] | None = None
) -> Replay | None:
    """The replay of a step; None where a value that it needs was not recorded."""
    try:
        return Replay(step, trace, replaced)
    except LookupError:
        return None


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """A context in which ops are run at once, and no tape sees them."""
    before, context.local.tapes = context.local.tapes, []
    try:
        with context.eager_mode(), np.errstate(all="ignore"):
            yield
    finally:
        context.local.tapes = before


def is_elementwise(step: BackStep) -> bool:
    """Whether each element of the output depends on one element of each input."""
    if goes_by_element(step.op):
        return True
    return [np.size(v) for v in step.results if v is not None] == [1]


def partials(step: BackStep, trace: Trace) -> list[Any]:
    """∂output/∂input of each input of a step, element by element.

    None for an input where that is no such thing (matrix products), where the rule
    cannot be replayed, and where it is not linear in the upstream derivative, as some
    that programs register are not.
    """
    empty: list[Any] = [None] * len(step.op._inputs)
    if not is_elementwise(step):
        return empty
    with at_once():
        again = replay(step, trace)
        if again is None:
            return empty
        try:
            found = again.partials()
        except Exception:  # a program's own rule may need its graph
            return empty
    (upstream,) = step.upstream
    result = empty
    for term in step.terms:
        partial = found[term.position]
        if partial is None or term.whole is None:
            continue
        with np.errstate(all="ignore"):
            product = np.asarray(partial) * np.asarray(upstream)
        if product.shape == np.shape(term.whole) and np.allclose(
            product, term.whole, rtol=1e-3, atol=1e-6, equal_nan=True
        ):
            result[term.position] = np.asarray(partial)
    return result


# ---------------------------------------------------------------------- derivations


class Deriver:
    """Derives elements of a trace, each once."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.known: dict[tuple[int, Index], Derivation] = {}

    def derive(self, node: Node, index: Index) -> Derivation:
        """How ∂f/∂node[index] came about.

        Raises:
          IndexError: there is no such element.
        """
        shape = np.shape(node.value)
        if len(index) != len(shape) or any(
            not 0 <= i < size for i, size in zip(index, shape, strict=True)
        ):
            raise IndexError(
                message(
                    f"explain: {node.name or node.label} has no element {list(index)}.",
                    got=f"an index of {len(index)} numbers into shape {list(shape)}",
                )
            )
        with at_once():
            return self._derive(node, index)

    def _derive(self, node: Node, index: Index) -> Derivation:
        key = (id(node), index)
        found = self.known.get(key)
        if found is not None:
            return found
        made = self.known[key] = Derivation(node, index, 0.0)
        for y, seed in zip(self.trace.ys, self.trace.seeds, strict=True):
            if y is node and seed is not None:
                made.seed = seed[index]
                made.value = made.value + made.seed
        for step, term in self.trace.terms_of(node):
            self._follow(made, step, term)
        by_size = sorted(made.parts, key=lambda part: -abs(part.value))
        kept, cut = by_size[:_MOST_PARTS], by_size[_MOST_PARTS:]
        made.parts = [part for part in made.parts if part in kept]
        made.rest = (len(cut), sum(part.value for part in cut))
        self._name(made)
        for part in made.parts:
            if len(self.known) < _MOST_NODES:
                part.source = self._derive(part.output, part.index)
        return made

    def _follow(self, made: Derivation, step: BackStep, term: Term) -> None:
        """Add what one use of the element contributes."""
        share = np.asarray(term.value)[made.index]
        parts = self._parts(step, term.position, made.index)
        total: Any = sum(part.value for part in parts or ())
        if parts is not None and np.isclose(total, share, 1e-3, 1e-6, equal_nan=True):
            made.parts += parts
        else:
            made.opaque.append((step, share))
        made.value = made.value + share

    def _parts(self, step: BackStep, position: int, index: Index) -> list[Part] | None:
        again = replay(step, self.trace)
        if again is None:
            return None
        try:
            columns = again.column(position, index)
        except Exception:  # a program's own rule may need its graph
            return None
        parts = []
        for place, column in enumerate(columns):
            node, upstream = step.outputs[place], step.upstream[place]
            if column is None or node is None or upstream is None:
                continue
            for where in _used(column):
                coefficient, above = column[where], upstream[where]
                value = coefficient * above
                parts.append(
                    Part(step, position, node, where, above, coefficient, value)
                )
        return parts

    def _name(self, made: Derivation) -> None:
        """Name the coefficients of the parts that are kept."""
        known: dict[tuple[int, int], _Names] = {}
        for part in made.parts:
            key = (id(part.step), part.position)
            if key not in known:
                known[key] = _Names(part.step, self.trace, part.position, made.index)
            place = part.step.outputs.index(part.output)
            part.name = known[key](place, part.index, part.coefficient)


def _used(column: Array) -> Iterator[Index]:
    """Where a column is not zero."""
    if not np.shape(column):
        yield from [()] if column != 0 else []
        return
    for at in zip(*np.nonzero(column), strict=True):
        yield tuple(int(i) for i in at)


class _Names:
    """Names of coefficients: of what is linear in another input, an element of that.

    The operation is replayed with the other input replaced by the numbers 1½, 2½, 3½ …;
    where the coefficient then is one of them, it is that element. (A coefficient that
    does not depend on the input is hardly a half number, and equal to an element too.)
    """

    def __init__(
        self, step: BackStep, trace: Trace, position: int, index: Index
    ) -> None:
        self.step, self.trace = step, trace
        self.term = next((t for t in step.terms if t.position == position), None)
        self.coded: list[tuple[Node, list[Any]]] = []
        for other, node in enumerate(step.inputs):
            if other == position or node is None or node.value is None:
                continue
            if not is_continuous(node.tensor):
                continue
            codes = self._codes(node.value)
            again = None if codes is None else replay(step, trace, {other: codes})
            if again is not None:
                with contextlib.suppress(Exception):  # a rule that needs its graph
                    self.coded.append((node, again.column(position, index)))

    def _codes(self, value: Array) -> Any:
        if value.size > _MOST_CODES or value.dtype.kind not in "f":
            return None
        codes = np.arange(value.size) + 1.5
        return codes.reshape(value.shape).astype(value.dtype)

    def __call__(self, place: int, where: Index, coefficient: Any) -> str:
        """The name of ∂output[place][where]/∂x; "" where it has none."""
        for node, columns in self.coded:
            column = columns[place]
            code = 0 if column is None else column[where]
            flat = int(abs(code) - 1.5)
            if abs(code) != flat + 1.5 or flat >= node.value.size:
                continue
            at = tuple(int(i) for i in np.unravel_index(flat, node.value.shape))
            if np.isclose(node.value[at] * np.sign(code), coefficient, 1e-6, 0):
                sign = "-" if code < 0 else ""
                return f"{sign}{node.label}{index_text(at)}"
        return "1" if coefficient == 1 else self._formula(where)

    def _formula(self, where: Index) -> str:
        """What the declaration says, for an op that works element by element."""
        step, term = self.step, self.term
        known = [n.value for n in (*step.inputs, *step.outputs) if n is not None]
        if term is None or not is_elementwise(step):
            return ""
        if len({np.shape(v) for v in known}) != 1:
            return ""
        written = wording.partial(step, term, self.trace, index=index_text(where))
        return f"({written})" if " / " in written else written


# ---------------------------------------------------------------------- as text


def _lines(made: Derivation, depth: int, told: set[int]) -> list[str]:
    pad = "  " * depth
    lines = [f"{pad}∂f/∂{made.label} = {number(made.value)}"]
    if made.seed is not None:
        lines[0] += f"  (seed {number(made.seed)})"
    if id(made) in told:
        if made.parts:
            lines[0] += "  (as above)"
        return lines
    told.add(id(made))
    for part in made.parts:
        lines.append(f"{pad}  {part_text(part, made)}")
        if part.source is not None:
            lines += _lines(part.source, depth + 1, told)[1:]
    count, total = made.rest
    if count:
        lines.append(f"{pad}  and {count} more, together {number(total)}")
    for step, share in made.opaque:
        lines.append(
            f"{pad}  {number(share)} from {step.op.name}, whose rule is not followed"
        )
    return lines


def part_text(part: Part, made: Derivation) -> str:
    """`∂f/∂n5[1] · n2[1] = -6 · -2 = 12`, a part of `made`."""
    output = f"{part.output.label}{index_text(part.index)}"
    numbers = f"{factor(part.upstream)} · {factor(part.coefficient)}"
    name = part.name or f"∂{output}/∂{made.label}"
    return f"∂f/∂{output} · {name} = {numbers} = {number(part.value)}"


def _paths(made: Derivation) -> list[Path]:
    found: list[Path] = []
    stack: list[tuple[Derivation, list[str], list[tuple[str, Any]]]] = [
        (made, [made.label], [])
    ]
    while stack and len(found) < _MOST_PATHS:
        at, places, factors = stack.pop()
        if at.seed is not None and at.seed != 0:
            product: Any = at.seed
            for _, value in factors:
                product = product * value
            start = at.index
            found.append(Path(start, places[::-1], factors[::-1], product))
        for part in reversed(at.parts):
            if part.source is not None:
                label = part.source.label
                coefficient = (part.name, part.coefficient)
                stack.append((part.source, [*places, label], [*factors, coefficient]))
    return found
