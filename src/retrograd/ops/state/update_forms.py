"""The up to four op types of an update rule of an optimizer.

A rule says how a variable and its slots (momentum, accumulators) change with the
gradient. From it come the ops for reference variables (`ApplyAdam`), for resource
variables (`ResourceApplyAdam`), and for gradients of some rows only (`SparseApply…`,
`ResourceSparseApply…`): the rule applied to these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph import opdef
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import merged, same_dim, shape_text, with_rank
from retrograd.ops.state.variable_ops import variable_shape_of

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


#: rule(xp, variable, slots…, scalars and gradient in the order of the signature,
#: attributes) → new variable, new slots…
Rule = Callable[..., Any]
#: op types whose first output has no value twice
_DISTINCT = frozenset(("Unique", "UniqueV2", "UniqueWithCounts", "UniqueWithCountsV2"))


class _Form:
    """One op type of a rule: where its inputs are, its shape rule and its kernel."""

    def __init__(self, op_type: str, rule: Rule) -> None:
        op_def = opdef.lookup(op_type)
        assert op_def is not None
        arguments = op_def.inputs
        self.rule = rule
        self.names = [a.name for a in arguments]
        self.resource = op_type.startswith("Resource")
        self.slots = sum(
            a.is_ref or (a.type is not None and a.type.name == "resource")
            for a in arguments
        )
        self.grad = self.names.index("grad" if "grad" in self.names else "delta")
        self.sparse = "indices" in self.names
        apart = {self.grad, self.grad + 1} if self.sparse else {self.grad}
        self.scalars = [i for i in range(self.slots, len(arguments)) if i not in apart]
        code = rule.__code__
        first = code.co_argcount
        self.flags = code.co_varnames[first : first + code.co_kwonlyargcount]

    def infer(self, n: Operation) -> RawShape | list[RawShape]:
        """The shape of variable, slots and gradient; a handle has no output.

        An array of handles of which nothing is known is taken for the variable.
        """
        shape: RawShape = None
        for i in range(self.slots):
            known = n._inputs[i]._shape_raw
            if self.resource and (n._inputs[i]._held is not None or not known):
                known = variable_shape_of(n, i)
            shape = merged(n, shape, known)
        grad = n._inputs[self.grad]._shape_raw
        if self.sparse:
            (count,) = with_rank(n, self.grad + 1, 1)
            if grad:
                same_dim(n, count, grad[0])
                grad = (None, *grad[1:])
        shape = merged(n, shape, grad)
        return [] if self.resource else shape

    def check(self, xp: Arrays, inputs: Sequence[Array]) -> None:
        """Refuse values whose shapes do not go together.

        Raises:
          InvalidArgumentError: they do not.
        """
        whole = inputs[0].shape
        grad = inputs[self.grad].shape
        same = range(1, self.slots)
        if self.sparse:
            self._check_rows(xp, whole, grad, inputs[self.grad + 1])
        else:
            same = (*same, self.grad)
        for i in same:
            if inputs[i].shape != whole:
                raise refused(
                    f"var and {self.names[i]} do not have the same shape"
                    f"{shape_text(whole)} {shape_text(inputs[i].shape)}"
                )
        for i in self.scalars:
            if inputs[i].shape:
                raise refused(
                    f"{self.names[i]} is not a scalar: {shape_text(inputs[i].shape)}"
                )

    def _check_rows(
        self, xp: Arrays, whole: Sequence[int], grad: Sequence[int], indices: Array
    ) -> None:
        if not whole:
            raise refused("var must be at least 1 dimensional")
        if len(indices.shape) != 1:
            raise refused("indices must be one-dimensional")
        for d in range(1, len(whole)):
            if len(grad) <= d or grad[d] != whole[d]:
                raise refused(f"var and grad must match in dimension {d}")
        if len(grad) != len(whole) or grad[0] != indices.shape[0]:
            raise refused(
                "grad must be the same size as indices in the first dimension."
            )
        if 0 in whole[1:]:
            raise refused("Inner dimension should be greater than zero.")

        def outside() -> Exception:
            at = np.flatnonzero((indices < 0) | (indices >= whole[0]))[0]
            return refused(
                f"Index {indices[at]} at offset {at} in indices is out of range"
            )

        xp.check((indices >= 0) & (indices < whole[0]), outside)

    def kernel(self) -> Callable[..., Any]:
        """The function that computes the new variable and slots."""
        rule, flags, check = self.rule, self.flags, self.check

        def dense(
            xp: Arrays, *inputs: Array, n: Operation
        ) -> Array | tuple[Array, ...]:
            check(xp, inputs)
            return rule(xp, *inputs, **{f: n.attrs[f] for f in flags})

        def sparse(
            xp: Arrays, *inputs: Array, n: Operation
        ) -> Array | tuple[Array, ...]:
            check(xp, inputs)
            at = self.grad + 1
            source = n._inputs[at]
            maker = getattr(source, "_op", None)
            distinct = (
                maker is not None
                and maker.type in _DISTINCT
                and source._value_index == 0
            )
            return self._rows(
                lambda *arguments: rule(
                    xp, *arguments, **{f: n.attrs[f] for f in flags}
                ),
                xp,
                inputs[: self.slots],
                inputs[self.slots : at] + inputs[at + 1 :],
                inputs[at],
                distinct,
            )

        return sparse if self.sparse else dense

    def _rows(
        self,
        rule: Rule,
        xp: Arrays,
        slots: Sequence[Array],
        rest: Sequence[Array],
        indices: Array,
        distinct: bool,
    ) -> Array | tuple[Array, ...]:
        """The rule applied to the rows that `indices` name, one after the other."""
        grad = self.grad - self.slots

        def step(
            slots: Sequence[Array], chosen: Array, rows: Array
        ) -> tuple[Array, ...]:
            given = [xp.gather(s, chosen) for s in slots]
            new = rule(*given, *rest[:grad], rows, *rest[grad + 1 :])
            new = new if self.slots > 1 else (new,)
            return tuple(
                xp.scatter(s, chosen, r, "update")
                for s, r in zip(slots, new, strict=True)
            )

        if distinct:
            slots = step(slots, indices, rest[grad])
        elif isinstance(indices, np.ndarray):
            for part in _rounds(indices):
                slots = step(slots, indices[part], rest[grad][part])
        else:

            def advance(state: Sequence[Array]) -> tuple[Array, ...]:
                i, *slots = state
                one = xp.reshape(i, (1,))
                rows = xp.gather(rest[grad], one)
                return (i + 1, *step(slots, xp.gather(indices, one), rows))

            start = (xp.zeros((), np.int32), *slots)
            _, *slots = xp.while_loop(lambda s: s[0] < indices.shape[0], advance, start)
        return tuple(slots) if self.slots > 1 else slots[0]


def _rounds(indices: np.ndarray) -> list[np.ndarray]:
    """Positions in groups without a repeated index; repetitions stay in order."""
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    new = np.ones(ordered.size, bool)
    new[1:] = ordered[1:] != ordered[:-1]
    at = np.arange(ordered.size)
    turn = at - np.maximum.accumulate(np.where(new, at, 0))
    return [np.sort(order[turn == t]) for t in range(int(turn.max(initial=-1)) + 1)]


def update_rule(name: str, math: str) -> Callable[[Rule], Rule]:
    """Declare the op types of an update rule: those of its forms that exist."""

    def declare(rule: Rule) -> Rule:
        for prefix in ("Apply", "ResourceApply", "SparseApply", "ResourceSparseApply"):
            op_type = prefix + name
            if opdef.lookup(op_type) is None:
                continue
            form = _Form(op_type, rule)
            updates = form.names[: form.slots]
            kernel = form.kernel()
            kernel.__name__, kernel.__doc__ = rule.__name__, rule.__doc__
            op(op_type, infer=form.infer, math=math, updates=updates)(kernel)
        return rule

    return declare
