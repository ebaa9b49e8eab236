"""`retrograd.accumulation_check`: k small batches for a large one, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain.batches import (
    MEAN,
    ROWS,
    SUM,
    WEIGHTED,
    Compared,
    Split,
    relative_error,
    split,
    tolerance,
)
from retrograd.explain.operations import (
    computes,
    hands_on,
    is_a,
    only_reads,
    source,
)
from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.sources import Sources
from retrograd.explain.values import number
from retrograd.grad.api import observed_gradients
from retrograd.grad.terms import dense
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.graph.trial import trial
from retrograd.ops.traits import Function, Kind
from retrograd.run.observe import Observed
from retrograd.run.plan import make_plan

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Explainable, FeedDict, Structure


@dataclass(slots=True)
class Accumulation:
    """What `accumulation_check` found, for programs: the `data` of its report.

    Attributes:
      parts: how many examples each small batch has.
      errors: for each variable, the relative error of the mean, of the sum and of the
        mean weighted by size, of the small batches' gradients.
      allowed: for each variable, the error that rounding explains.
      causes: a word and the operation for each reason: "factor", "sizes",
        "batch norm", "examples mixed", "random", "regularization", "unequal weights",
        "unknown".
    """

    parts: list[int] = field(default_factory=list)
    errors: dict[str, dict[str, float]] = field(default_factory=dict)
    allowed: dict[str, float] = field(default_factory=dict)
    causes: list[tuple[str, Operation | None]] = field(default_factory=list)


def accumulation_check(
    loss: Explainable,
    feed_dict: FeedDict,
    k: int,
    variables: Structure = None,
    session: BaseSession | None = None,
    batch_axis: int = 0,
    how: str = MEAN,
) -> Report:
    """Whether gradients of k small batches, accumulated, are those of the large batch.

    The batch in `feed_dict` is split along its axis; what has no such axis is fed as it
    is. Where the gradients differ, the operation responsible is looked for: the first
    whose results do not go together though its operands do. Random numbers are held
    fixed for that, as far as they go by example. The graph and the session are
    afterwards as they were before.

    Args:
      loss: a tensor of a graph, or its name.
      feed_dict: the large batch, as for `Session.run`; the placeholders must leave the
        size of the batch open.
      k: how many small batches; 2 at least.
      variables: variables, tensors or names; by default all trainable variables that
        the loss depends on.
      session: whose variables to use; by default the default session.
      batch_axis: the axis of the examples.
      how: how the program accumulates: "mean" or "sum" of the k gradients.

    Returns:
      A report, true where they differ by more than rounding explains, or where random
      numbers do; its `data` is an `Accumulation`.

    Raises:
      KeyError: there is no tensor of a name.
      LookupError: an operation on the way has no gradient.
      OpError: an operation failed.
      ValueError: there is no batch to split, or `how` is another word.
    """
    if how not in (MEAN, SUM):
        raise ValueError(f'accumulation_check: how is {how!r}, not "mean" or "sum".')
    sources = Sources(loss, variables, None, session, asked="accumulation_check")
    graph = sources.ys[0].graph
    observed = Observed(sources.session, graph, feed_dict)
    parts = split(observed.feeds, k, batch_axis)
    with trial(graph), graph.as_default():
        check = _Check(sources, observed, parts, how)
        return check.report()


class _Check:
    """The comparison, and why it comes out as it does."""

    def __init__(
        self, sources: Sources, observed: Observed, parts: Split, how: str
    ) -> None:
        self.loss: Tensor = sources.ys[0]
        self.observed, self.split, self.how = observed, parts, how
        self.compared = Compared(observed, parts, self.loss)
        self.names = [_name(g) for g in sources.given]
        found = observed_gradients([self.loss], list(sources.xs)).found
        self.gradients = [None if g is None else dense(g) for g in found]
        self.free = _batch_free_terms(self.loss, self.compared.ops, observed)
        self.data = Accumulation(parts.parts)
        self._measure()

    def _measure(self) -> None:
        wanted = [g for g in self.gradients if g is not None]
        whole = self.observed(wanted, self.compared.fixed)
        each = [self.observed(wanted, part) for part in self.compared.parts]
        weights = np.asarray(self.split.parts) / self.split.whole
        for name, gradient in zip(self.names, self.gradients, strict=True):
            if gradient is None:
                continue
            stacked = np.stack([np.asarray(e[gradient], np.float64) for e in each])
            large = whole[gradient]
            self.data.allowed[name] = tolerance(large.dtype)
            self.data.errors[name] = {
                MEAN: relative_error(stacked.mean(0), large),
                SUM: relative_error(stacked.sum(0), large),
                WEIGHTED: relative_error(np.tensordot(weights, stacked, 1), large),
            }

    def _agrees(self, how: str, names: Iterable[str] | None = None) -> bool:
        chosen = self.data.errors if names is None else names
        return all(self.data.errors[n][how] <= self.data.allowed[n] for n in chosen)

    # ------------------------------------------------------------------ why

    def report(self) -> Report:
        """What was found."""
        findings: list[Finding] = []
        if not self._agrees(self.how):
            findings += self._reasons()
        findings += self._random()
        k = len(self.split.parts)
        title = f"accumulation_check({self.loss.name}, k={k}, how={self.how!r})"
        verdict = self._verdict(bool(findings))
        return Report(title, verdict, findings, [self._table()], self.data)

    def _verdict(self, found: bool) -> str:
        k, size = len(self.split.parts), self.split.whole
        what = f"the {self.how} of {k} small batches' gradients"
        if not self.data.errors:
            return "The loss depends on none of the variables."
        if not found:
            return f"Equal: {what} is that of the batch of {size}."
        kinds = ", ".join(dict.fromkeys(kind for kind, _ in self.data.causes))
        if self._agrees(self.how):
            return (
                f"Equal but for random numbers: {what} and that of the batch of {size}."
            )
        return f"Different ({kinds}): {what} is not that of the batch of {size}."

    def _reasons(self) -> list[Finding]:
        sums = _additions(self.loss)
        mixing = [op for op in self.compared.responsible() if op not in sums]
        if mixing:
            return [self._of_op(op) for op in mixing[:3]]
        uneven = len(set(self.split.parts)) > 1
        if self.how == MEAN and uneven and self._agrees(WEIGHTED):
            return [self._of_sizes()]
        kind = self._kind_of_data()
        if self.how == MEAN and kind == SUM:
            return [self._of_sum()]
        if self.how == SUM and kind in (MEAN, WEIGHTED):
            return [self._of_mean()]
        if self.how == SUM and kind == SUM and self.free:
            return [self._of_free_terms()]
        return [self._unknown()]

    def _cause(
        self, kind: str, what: str, details: list[str], op: Operation | None, fix: str
    ) -> Finding:
        self.data.causes.append((kind, op))
        return Finding(what, details, op, fix)

    def _kind_of_data(self) -> str:
        """How the part of the loss that depends on the batch goes together."""
        terms = _terms(self.loss)
        kinds = {self.compared.kinds.get(t) for t in terms if t not in self.free}
        return str(kinds.pop()) if len(kinds) == 1 else "mixed"

    def _of_op(self, op: Operation) -> Finding:
        """An operation whose result for an example depends on the other examples."""
        kinds = self.compared.kinds
        across = _statistic(op, kinds)
        small, large = self.split.parts[0], self.split.whole
        is_norm = computes(op, Function.NORMALIZATION)
        if is_norm or (across and _is_moment(across)):
            named = across or op
            return self._cause(
                "batch norm",
                f"{op.name} normalizes with the statistics of the batch at hand: those "
                f"of {small} examples are not those of {large}",
                [f"the statistic: {named.name} ({named.type})"],
                op,
                "normalize with the moving averages, or use layer or group norm, which "
                "do not look at other examples; nothing else makes them equal",
            )
        if any(kinds.get(t) == ROWS for t in op._inputs) and self._is_by_example(op):
            named = across or op
            return self._cause(
                "examples mixed",
                f"{op.name} makes each example depend on the others in its batch",
                [f"through {named.name} ({named.type})"],
                op,
                "compute it over all small batches first, or leave it out",
            )
        if computes(op, Function.QUOTIENT):
            return self._cause(
                "unequal weights",
                f"{op.name} divides by a number that differs from small batch to small "
                "batch: a mean of means is not the mean",
                [],
                op,
                "accumulate sums of losses and of weights, and divide once at the end",
            )
        return self._cause(
            "examples mixed",
            f"{op.name} is not additive over the batch: its results for the small "
            "batches have neither the sum nor the mean that it gives for the large one",
            [],
            op,
            "move it after the accumulation, or apply it to each example",
        )

    def _is_by_example(self, op: Operation) -> bool:
        """Whether an operation's result has a row for each example."""
        sizes = [np.shape(self.compared.whole.get(t, 0))[:1] for t in op._outputs]
        return (self.split.whole,) in sizes

    def _of_sizes(self) -> Finding:
        sizes = ", ".join(map(str, self.split.parts))
        return self._cause(
            "sizes",
            f"the small batches differ in size ({sizes}): their mean gives the "
            "examples of the smaller ones more weight",
            ["weighted by size, the gradients are equal"],
            None,
            "weight each gradient by its batch's share of the examples, or drop the "
            "remainder",
        )

    def _of_sum(self) -> Finding:
        op = self._reducing()
        k = len(self.split.parts)
        details = []
        fix = 'how="sum" (add the gradients up), or tf.reduce_mean in the loss'
        if self.free:
            names = ", ".join(t.op.name for t in self.free)
            details.append(f"{names} does not depend on the batch, and keeps its size")
            fix = "tf.reduce_mean in the loss, or add the gradients up without " + names
        return self._cause(
            "factor",
            f"the loss is a sum over the batch: the mean of {k} gradients is 1/{k} of "
            "that of the large batch",
            details,
            op,
            fix,
        )

    def _of_mean(self) -> Finding:
        k = len(self.split.parts)
        return self._cause(
            "factor",
            f"the loss is a mean over the batch: the sum of {k} gradients is {k} times "
            "that of the large batch",
            ["about so: they differ in size"] if len(set(self.split.parts)) > 1 else [],
            self._reducing(),
            f"divide by {k}: scale the loss by 1/{k}, or the learning rate",
        )

    def _of_free_terms(self) -> Finding:
        k = len(self.split.parts)
        names = ", ".join(t.op.name for t in self.free)
        return self._cause(
            "regularization",
            f"{names} does not depend on the batch, and is counted {k} times",
            [],
            self.free[0].op,
            f"divide it by {k}, or differentiate it once, after the accumulation",
        )

    def _unknown(self) -> Finding:
        worst = max(self.data.errors, key=lambda n: self.data.errors[n][self.how])
        return self._cause(
            "unknown",
            f"the gradient of {worst} differs, though the forward pass goes together: "
            "a derivative depends on the whole batch",
            [],
            None,
            "look for tf.custom_gradient, clipping by norm, and terms of the loss of "
            "which some are sums and some means",
        )

    def _random(self) -> list[Finding]:
        if not self.compared.random or not self.data.errors:
            return []
        op = self.compared.random[0]
        more = len(self.compared.random) - 1
        also = f" (and {more} more)" if more else ""
        return [
            self._cause(
                "random",
                f"{op.name}{also} draws other numbers for the small batches than for "
                "the large one: they agree in the mean only",
                ["for everything else here they are held fixed"],
                op,
                "nothing to mend; switch dropout off to compare numbers",
            )
        ]

    def _reducing(self) -> Operation | None:
        """The operation that takes the loss from examples to a sum or a mean."""
        kinds = self.compared.kinds
        for op in reversed(self.compared.ops):
            outputs = [kinds.get(t) for t in op._outputs]
            if any(k in (SUM, MEAN, WEIGHTED) for k in outputs) and any(
                kinds.get(t) == ROWS or t in self.split.tensors for t in op._inputs
            ):
                return op
        return None

    # ------------------------------------------------------------------ figures

    def _table(self) -> Table:
        rows: list[Sequence[str]] = [
            [
                name,
                *(number(errors[how]) for how in (MEAN, SUM, WEIGHTED)),
                number(self.data.allowed[name]),
                "" if self._agrees(self.how, [name]) else "differs",
            ]
            for name, errors in self.data.errors.items()
        ]
        headings = ["relative error of", "the mean", "the sum", "weighted", "rounding"]
        return Table([*headings, ""], rows)


def _name(given: Any) -> str:
    name = given if isinstance(given, str) else given.name
    return str(name).partition(":")[0]


def _terms(loss: Tensor) -> list[Tensor]:
    """What a loss is the sum of."""
    sums = _additions(loss)
    found = [t for op in sums for t in op._inputs if t._op not in sums]
    return found or [loss]


def _additions(loss: Tensor) -> dict[Operation, None]:
    """The operations that add the terms of a loss."""
    found: dict[Operation, None] = {}
    pending = [loss._op]
    while pending:
        op = pending.pop()
        adds = computes(op, Function.SUM) or only_reads(op)
        if adds and all(t._shape_raw == () for t in op._inputs):
            found[op] = None
            pending.extend(t._op for t in op._inputs)
    return found


def _batch_free_terms(
    loss: Tensor, dependent: Sequence[Operation], observed: Observed
) -> list[Tensor]:
    """The terms of a loss that do not depend on the batch, constants left out."""
    inside = set(dependent)
    terms = [t for t in _terms(loss) if t._op not in inside]
    terms = [t for t in terms if not is_a(t._op, Kind.CONSTANT)]
    if not terms:
        return []
    planned = set(make_plan(terms, [], list(observed.feeds)).ops)
    return [t for t in terms if t._op in planned]


def _statistic(op: Operation, kinds: dict[Tensor, str]) -> Operation | None:
    """The reduction over the batch that an operation uses beside examples."""
    if not any(kinds.get(t) == ROWS for t in op._inputs):
        return None
    for tensor in op._inputs:
        if kinds.get(tensor) in (SUM, MEAN, WEIGHTED):
            while (handed := source(tensor, tensor._op)) is not None:
                tensor = handed
            return tensor._op
    return None


def _is_moment(op: Operation) -> bool:
    """Whether a reduction is the mean or the variance of what is normalized."""
    if not computes(op, Function.MEAN):
        return False
    if computes(op._inputs[0]._op, Function.SQUARED_DIFFERENCE):
        return True
    pending = [op]
    while pending:
        for tensor in pending.pop()._outputs:
            for user in tensor._consumers:
                if computes(user, Function.SQUARED_DIFFERENCE):
                    return user._inputs[0] is op._inputs[0]
                if hands_on(user):
                    pending.append(user)
    return False
