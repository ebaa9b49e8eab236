"""`retrograd.check_custom`: whether a hand-written gradient is right."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain.differences import Compared, compare
from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.subjects import (
    FAILURES,
    Arrays,
    AutogradSubject,
    Build,
    GraphSubject,
    Refused,
    Subject,
    of_function,
    of_operation,
    of_type,
    place_of,
    sample_shapes,
    unknown,
    users_of,
)
from retrograd.explain.values import index_text, number
from retrograd.graph import context, opdef
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.binding import input_names

if TYPE_CHECKING:
    from types import FunctionType

    from retrograd.typing import Array, TensorLike

#: points at which a gradient is tried where the caller gives none
_POINTS = 3
#: by how much seeds are scaled to see whether a rule is linear
_SCALES = (1e-3, 1e3, 1e6)


def check_custom(
    what: Callable[..., Any] | str,
    *inputs: object,
    op: str | None = None,
    attrs: dict[str, Any] | None = None,
    seed: int = 0,
) -> Report:
    """Try a hand-written gradient: what it returns, and whether that is the derivative.

    It is compared with central differences, in float64 where the function takes that.

        @tf.custom_gradient
        def softplus(x):
            e = tf.exp(x)
            return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))

        print(retrograd.check_custom(softplus, np.linspace(-2, 2, 5)))

        @tf.RegisterGradient("Clipped")
        def _clipped(op, dy):
            return tf.clip_by_value(dy, -1, 1)

        print(retrograd.check_custom("Clipped", [0.5, 2.0], op="Identity"))

    Args:
      what: the name of a registered gradient, or an op type; an operation or tensor; a
        function `f(op, *grads)`, with `op`; a function that `tf.custom_gradient`
        decorates, or any other of tensors; a `retrograd.autograd` Function.
      *inputs: arrays to try it on. By default random ones for the first operation of
        the default graph that takes the gradient.
      op: the op type that a name or `f(op, *grads)` is for.
      attrs: attributes of the operation.
      seed: of the random numbers.

    Returns:
      A report. It has findings where the number, a dtype or a shape of what is returned
      is wrong, and where a derivative is. A gradient that differs from the derivative
      on purpose has none, and the verdict says how it differs: straight-through rules
      of functions that are flat, and identities that scale, reverse or clip.
      `data` has "dtype", "linear", and for each input "gap" and "kind": "right",
      "wrong", "straight-through", "chosen" or "not compared".

    Raises:
      ValueError: there is no operation to try a name on, or no input.
    """
    trial = _prepared(what, inputs, op, attrs or {})
    rng = np.random.default_rng(seed)
    title = f"check_custom: {trial.title}"
    try:
        points = trial.points(rng)
        subject = trial.subject(points[0])
        result = _Result(subject, points, rng, trial.place)
    except Refused as refused:
        return Report(title, refused.findings[0].what, refused.findings, (), {})
    return result.report(title)


@dataclass(slots=True)
class _Trial:
    """What is to be tried, and on what."""

    title: str
    build: Build | None
    samples: list[Any]
    names: list[str]
    place: dict[str, Any] | None
    function: Callable[..., Any] | None = None

    def points(self, rng: np.random.Generator) -> list[list[Any]]:
        """Samples: those given, or random ones where there are only shapes."""
        if not any(isinstance(s, tuple) for s in self.samples):
            return [self.samples]
        return [
            [rng.normal(size=s) if isinstance(s, tuple) else s for s in self.samples]
            for _ in range(_POINTS)
        ]

    def subject(self, point: Sequence[Any]) -> Subject:
        """What runs it: in float64 if it takes that."""
        if self.function is not None:
            return AutogradSubject(self.function, point, self.names, self.place)
        assert self.build is not None
        arguments = self.names, self.place
        try:
            return GraphSubject(self.build, point, np.float64, *arguments)
        except (Refused, *FAILURES):
            return GraphSubject(self.build, point, np.float32, *arguments)


def _prepared(
    what: Any, inputs: Sequence[Any], op: str | None, attrs: dict[str, Any]
) -> _Trial:
    given = [_array(x) for x in inputs]
    if isinstance(what, Tensor):
        what = what.op
    if isinstance(what, Operation):
        given = given or sample_shapes(what)
        rule = what.attrs.get("_gradient_op_type", what.type)
        rule = rule.decode() if isinstance(rule, bytes) else rule
        place = place_of(what._gradient_function or rule)
        build = of_operation(what, what._gradient_function)
        return _Trial(f"{what.name} ({rule})", build, given, _names(what), place)
    if isinstance(what, str) and op is None:
        users = users_of(what, context.get_default_graph())
        if users:
            return _prepared(users[0], inputs, None, {})
        op = what if opdef.lookup(what) is not None and given else None
        if op is None:
            raise unknown(what)
    if op is not None:
        place = place_of(what)
        title = f"{what if isinstance(what, str) else _title(what)} for {op}"
        known = opdef.lookup(op)
        if known is None:
            raise ValueError(f"check_custom: there is no op type {op}.")
        names = [a.name for a in known.inputs]
        if len(names) != len(given):
            names = [f"input {i}" for i in range(len(given))]
        return _Trial(title, of_type(op, attrs, what), _some(given), names, place)
    return _of_function(what, given)


def _of_function(what: Any, given: list[Any]) -> _Trial:
    backward = getattr(what, "backward", None)
    if hasattr(what, "apply") and callable(backward):
        names = [f"input {i}" for i in range(len(given))]
        place = place_of(backward)
        return _Trial(_title(what), None, _some(given), names, place, what.apply)
    place = place_of(what)
    try:
        known = list(inspect.signature(what).parameters)
    except (TypeError, ValueError):
        known = []
    names = [k if k else f"input {i}" for i, k in enumerate(known)][: len(given)]
    names += [f"input {i}" for i in range(len(names), len(given))]
    return _Trial(_title(what), of_function(what), _some(given), names, place)


def _some(given: list[Any]) -> list[Any]:
    if not given:
        raise ValueError("check_custom: pass arrays to try the function on.")
    return given


def _array(x: TensorLike) -> np.ndarray:
    array = np.asarray(x)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _names(op: Operation) -> list[str]:
    """The names of an operation's inputs, with a number where several have one."""
    names = input_names(op)
    return [
        f"{n}[{names[:i].count(n)}]" if names.count(n) > 1 else n
        for i, n in enumerate(names)
    ]


def _title(function: FunctionType) -> str:
    return getattr(function, "__name__", type(function).__name__)


# ---------------------------------------------------------------------- the result


class _Result:
    """What was found at all points.

    Args:
      subject: what is tried.
      points: where.
      rng: makes seeds.
      place: the line of the gradient function.
    """

    def __init__(
        self,
        subject: Subject,
        points: Sequence[Sequence[Any]],
        rng: np.random.Generator,
        place: dict[str, Any] | None,
    ) -> None:
        self.subject, self.place, self.rng = subject, place, rng
        self.linear, self.limit, self.identity = True, "", True
        self.compared: dict[int, list[Compared]] = {}
        self.passing: dict[int, str] = {}
        for point in points:
            xs = [
                x.astype(subject.dtype) if x.dtype.kind == "f" else x
                for x in map(np.asarray, point)
            ]
            self._try(xs)

    def _try(self, xs: Arrays) -> None:
        ys = self.subject.value(xs)
        if not all(np.all(np.isfinite(y)) for y in ys):
            # outside of where it is defined: logarithms and roots take these
            xs = [_positive(x) for x in xs]
            ys = self.subject.value(xs)
        floats = [x for x in xs if x.dtype.kind == "f"]
        self.identity &= len(ys) == len(floats) == 1 and np.array_equal(
            ys[0], floats[0]
        )
        dys = [
            self.rng.normal(size=np.shape(y)).astype(np.asarray(y).dtype) for y in ys
        ]
        terms = self.subject.terms(xs, dys)
        scaled = self._scaled(xs, dys, terms)
        for position, x in enumerate(xs):
            if x.dtype.kind != "f":
                continue
            found = compare(self.subject, xs, dys, position, terms[position], self.rng)
            if found.wrong.any() and not self.linear:
                small = scaled[position]
                rng = self.rng
                again = compare(self.subject, xs, dys, position, small, rng)
                found = again if not again.wrong.any() else found
            self.compared.setdefault(position, []).append(found)
            if found.flat and len(ys) == 1:
                self.passing[position] = _passed(terms[position], dys[0], x)

    def _scaled(self, xs: Arrays, dys: Arrays, terms: Sequence[Any]) -> list[Any]:
        """See whether the rule is linear; the terms for small seeds, scaled back."""
        small: list[Any] = list(terms)
        largest = []
        for scale in _SCALES:
            found = self.subject.terms(
                xs, [(dy * scale).astype(dy.dtype) for dy in dys]
            )
            back = [None if t is None else t / scale for t in found]
            small = back if scale < 1 else small
            if any(_differ(a, b) for a, b in zip(back, terms, strict=True)):
                self.linear = False
            largest.append(_largest(found))
        pieces = [dy * (np.arange(dy.size).reshape(dy.shape) % 2) for dy in dys]
        rest = [dy - piece for dy, piece in zip(dys, pieces, strict=True)]
        both = zip(
            self.subject.terms(xs, pieces), self.subject.terms(xs, rest), strict=True
        )
        summed = [None if a is None or b is None else a + b for a, b in both]
        if any(_differ(a, b) for a, b in zip(summed, terms, strict=True)):
            self.linear = False
        if not self.linear and np.isclose(largest[1], largest[2], rtol=1e-3):
            self.limit = number(largest[2])
        return small

    # ------------------------------------------------------------------ saying it

    def kind(self, position: int) -> str:
        """What is to say of the gradient for one input."""
        found = self.compared[position]
        if not any(c.index for c in found):
            return "not compared"
        if not any(c.wrong.any() for c in found):
            return "right"
        if all(c.flat or not c.wrong.any() for c in found):
            return "straight-through"
        if self.identity and not self._nearly(found):
            return "chosen"
        return "wrong"

    def _nearly(self, found: Sequence[Compared]) -> bool:
        """Whether an identity's gradient is the derivative but for a small error."""
        factors = [c.factor for c in found]
        return all(f is not None and abs(f - 1) < 0.05 for f in factors)

    def report(self, title: str) -> Report:
        """The whole result."""
        kinds = {position: self.kind(position) for position in self.compared}
        names = self.subject.names
        findings = [self._wrong(i) for i, kind in kinds.items() if kind == "wrong"]
        rows: list[Sequence[str]] = [
            ("number, dtypes and shapes", "as they should be"),
            ("linear in the upstream derivative", self._linearity()),
        ]
        rows += [
            (f"derivative by {names[i]}", self._said(i, kind))
            for i, kind in kinds.items()
        ]
        data = {
            "dtype": self.subject.dtype.name,
            "linear": self.linear,
            "inputs": {
                names[i]: {"kind": kind, "gap": max(c.gap for c in self.compared[i])}
                for i, kind in kinds.items()
            },
        }
        verdict = self._verdict(kinds)
        return Report(title, verdict, findings, [Table(("what", "result"), rows)], data)

    def _verdict(self, kinds: dict[int, str]) -> str:
        names, words = self.subject.names, set(kinds.values())
        if "wrong" in words:
            wrong = [names[i] for i, kind in kinds.items() if kind == "wrong"]
            return f"The gradient is wrong for {', '.join(wrong)}."
        text = "The gradient is right"
        if "straight-through" in words:
            text = "The function is flat almost everywhere and its gradient is not: a "
            text += "straight-through rule, different on purpose"
        elif "chosen" in words:
            text = "The function is an identity whose gradient is changed on purpose"
        elif "right" not in words:
            text = "Nothing could be compared: there are steps or corners everywhere"
        if not self.linear:
            text += f"; {self._linearity().removeprefix('no: ')}"
        return text + "."

    def _linearity(self) -> str:
        if self.linear:
            return "yes"
        if self.limit:
            return f"no: it clips, no element exceeds {self.limit}"
        return "no: it is not linear in the upstream derivative"

    def _said(self, position: int, kind: str) -> str:
        found = self.compared[position]
        count = sum(len(c.index) for c in found)
        skipped = sum(c.skipped for c in found)
        left = f", {skipped} left out at corners or steps" if skipped else ""
        if kind == "right":
            gap = max(c.gap for c in found)
            return (
                f"right: {count} elements differ by at most {gap:.1e} of the largest, "
                f"in {self.subject.dtype.name}{left}"
            )
        if kind == "straight-through":
            return "straight-through: " + self.passing.get(position, "not zero") + left
        if kind == "chosen":
            factor = found[0].factor
            if factor is not None:
                return f"chosen: {number(factor)} times the derivative of an identity"
            return "chosen: not that of an identity"
        if kind == "wrong":
            bad = sum(int(c.wrong.sum()) for c in found)
            return f"wrong: at {bad} of {count} elements{left}"
        return f"not compared{left}"

    def _wrong(self, position: int) -> Finding:
        name = self.subject.names[position]
        found = next(c for c in self.compared[position] if c.wrong.any())
        at = found.worst
        mine, theirs = found.rule[at], found.numeric[at]
        where = f"{name}{index_text(found.index[at])} = {number(found.x[at])}"
        details = [
            f"at {where}: it gives {_long(mine)}, differences give {_long(theirs)}",
            f"{int(found.wrong.sum())} of {len(found.index)} elements are off, in "
            f"{self.subject.dtype.name}",
        ]
        fix = f"look at the term for {name}"
        factor = found.factor
        if not np.any(found.rule):
            fix = f"return a gradient for {name}, or wrap it in tf.stop_gradient"
            details.append("it gives none, or zeros, where the derivative is not zero")
        elif factor is not None:
            details.append(f"it is {_long(factor)} times the derivative throughout")
            fix = f"divide it by {_long(factor)}"
        what = f"The gradient for {name} is not the derivative."
        return Finding(what, details, None, fix, self.place)


def _positive(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind != "f":
        return x
    return (0.1 + 0.8 * (np.abs(x) % 1)).astype(x.dtype)


def _long(value: float) -> str:
    return f"{float(value):.10g}" if value else "0"


def _differ(a: Array | None, b: Array | None) -> bool:
    """Whether two terms differ by more than rounding."""
    if a is None or b is None:
        return a is not b
    scale = max(float(np.max(np.abs(b), initial=0)), 1e-30)
    exact = np.asarray(b).dtype == np.float64
    return bool(np.max(np.abs(a - b), initial=0) > (1e-9 if exact else 1e-4) * scale)


def _largest(terms: Sequence[Any]) -> float:
    sizes = [np.max(np.abs(t), initial=0) for t in terms if t is not None]
    return float(max(sizes, default=0))


def _passed(term: Any, dy: np.ndarray, x: np.ndarray) -> str:
    """Which part of the upstream derivative a straight-through rule passes."""
    if term is None or np.shape(term) != np.shape(dy):
        return "it passes something"
    ratio = np.asarray(term) / np.where(dy == 0, 1, dy)
    if np.allclose(ratio, 1):
        return "it passes the upstream derivative as it is"
    open_at = np.isclose(ratio, 1)
    if np.all(open_at | np.isclose(ratio, 0)):
        closed = np.abs(x[~open_at])
        within = f", none where |x| ≥ {number(closed.min())}" if closed.size else ""
        inside = np.abs(x[open_at])
        if inside.size and closed.size and inside.max() > closed.min():
            within = ""
        return f"it passes it at {int(open_at.sum())} of {x.size} elements{within}"
    return "it passes a part of the upstream derivative"
