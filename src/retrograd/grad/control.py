"""Derivatives of branches, loops and calls.

A backward branch or loop is a branch or loop of its own. The values of the forward body
that it needs become further outputs of the forward operation: of a branch, optionals
that hold something if the branch was taken; of a loop, lists to which each iteration
appends and from which each backward iteration takes the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.grad.backward import (
    Backward,
    add_output,
    add_parameter,
    differentiate,
    is_small_constant,
    kept_after,
    own_body,
    with_shape,
    zeros_like_input,
)
from retrograd.grad.reach import is_continuous
from retrograd.grad.terms import dense
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.function import BodyGraph, FuncGraph, uid
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Held, Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F, gradient, kind_of, traits_of
from retrograd.ops.flow import bodies
from retrograd.ops.flow.branches import call_case, call_if
from retrograd.ops.flow.control import as_indexed_slices
from retrograd.ops.flow.control_flow_util import EnableControlFlowV2
from retrograd.ops.flow.effects import is_reading, reads_variable
from retrograd.ops.lists.tensor_list_ops import element_shape_input
from retrograd.ops.traits import Kind

if TYPE_CHECKING:
    from retrograd.typing import Gradient

# ---------------------------------------------------------------------- branches


class _BranchBackward(Backward):
    """The backward body of one branch of an If or a Case."""

    def __init__(self, op: Operation, index: int) -> None:
        self.index = index
        super().__init__(_branches(op)[index], op)

    def _outside_of(self, place: int) -> Tensor:
        return self.op._inputs[place + 1]

    def _intermediate(self, tensor: Tensor) -> Tensor:
        forward = self.forward
        stored = tensor.dtype._is_ref_dtype or is_reading(tensor)
        if tensor in forward.inputs and not stored:
            return self.capture(self._outside_of(forward.inputs.index(tensor)))
        for place, output in enumerate(forward.outputs):
            if output is tensor and not tensor.dtype._is_ref_dtype:
                return self.capture(self.op._outputs[place])
        held = self.capture(_exported(self.op, self.index, tensor))
        if tensor.dtype.base_dtype is dtypes.variant:
            shape: Any = ()
        else:
            shape = tensor._shape_raw
        value = F.OptionalGetValue(
            held, output_types=[tensor.dtype.base_dtype], output_shapes=[shape]
        )[0]
        value._held = tensor._held
        return value


def _branches(op: Operation) -> list[FuncGraph]:
    if "branches" in op.attrs:
        return op.attrs["branches"]
    return [own_body(op, "then_branch"), own_body(op, "else_branch")]


def _exported(op: Operation, index: int, tensor: Tensor) -> Tensor:
    """The output of a branch operation that holds a tensor of one of its branches."""
    forward = _branches(op)[index]
    for consumer in tensor.consumers():
        if kind_of(consumer.type) is Kind.OPTIONAL and len(consumer.inputs) == 1:
            for place, output in enumerate(forward.outputs):
                if output is consumer.outputs[0]:
                    return op._outputs[place]
    after = kept_after(tensor)
    with op._graph._lock:  # who writes the graph elsewhere finds it with all of this
        for i, branch in enumerate(_branches(op)):
            base = branch.base
            with base.as_default(), base.control_dependencies(None):
                if i == index:
                    with base.control_dependencies(after):
                        made = F.OptionalFromValue([tensor])
                else:
                    made = F.OptionalNone()
            branch.outputs.append(made)
        return add_output(op, dtypes.variant, ())


def _branch_gradient(n: Operation, *dys: Gradient, wanted: Sequence[bool]) -> list[Any]:
    """A branch operation of the derivatives of the branches."""
    places = [i for i, w in enumerate(wanted[1:]) if w]
    seeds = [i for i, dy in enumerate(dys) if dy is not None]
    graphs, found = [], []
    for index, branch in enumerate(_branches(n)):
        graph = _BranchBackward(n, index)
        with graph.as_default():
            ys = [branch.outputs[i] for i in seeds if is_continuous(branch.outputs[i])]
            ds = [dys[i] for i in seeds if is_continuous(branch.outputs[i])]
            xs = [branch.inputs[i] for i in places]
            found.append(differentiate(ys, xs, [_inside(graph, d) for d in ds]))
        graphs.append(graph)
    result: list[Any] = [None] * len(wanted)
    v2 = EnableControlFlowV2(n.graph)  # where no branch depends on an input: zeros
    used = [
        at
        for at in range(len(places))
        if v2 or any(terms[at] is not None for terms in found)
    ]
    if not used:
        return result
    kinds = [
        any(isinstance(terms[at], IndexedSlices) for terms in found) for at in used
    ]
    for graph, terms in zip(graphs, found, strict=True):
        with graph.as_default():
            for at, sparse in zip(used, kinds, strict=True):
                graph.outputs.extend(_outputs(graph, terms[at], places[at], sparse))
    _match_indices(graphs, kinds)
    outputs = iter(bodies.results_of(_call_branches(n, graphs)))
    for at, sparse in zip(used, kinds, strict=True):
        term: Any = next(outputs)
        if sparse:
            shape = _shape_outside(n.inputs[1 + places[at]])
            term = IndexedSlices(term, next(outputs), shape)
        result[1 + places[at]] = term
    return result


def _shape_outside(source: Tensor) -> Tensor:
    """The shape of an input, or of the variable behind it; constant if known."""
    if source.dtype.base_dtype is not dtypes.resource:
        raw = source._shape_raw
        if raw is None or None in raw:
            return F.Shape(source)
    else:
        raw = None if source._held is None else source._held.shape
        if raw is None or None in raw:
            return F.VariableShape(source)
    return constant(np.array(raw, np.int32))


def _inside(graph: FuncGraph, dy: Any) -> Any:
    """A derivative that comes from outside, as a tensor of a body."""
    if isinstance(dy, IndexedSlices):
        dense = None if dy.dense_shape is None else graph.capture(dy.dense_shape)
        return IndexedSlices(graph.capture(dy.values), graph.capture(dy.indices), dense)
    return graph.capture(dy)


def _outputs(graph: Backward, term: Gradient, place: int, sparse: bool) -> list[Tensor]:
    """What a backward branch returns for one input of the forward branch."""
    if term is None:
        term = zeros_like_input(graph.capture(graph._outside_of(place)))
    if not sparse:
        return [graph.capture(term)]
    slices = term if isinstance(term, IndexedSlices) else as_indexed_slices(term)
    return [graph.capture(t) for t in (slices.values, slices.indices)]


def _match_indices(graphs: Sequence[FuncGraph], kinds: Sequence[bool]) -> None:
    """Give the indices of slices in all branches one dtype."""
    position = 0
    for sparse in kinds:
        place = position + 1
        if sparse and len({g.outputs[place].dtype for g in graphs}) > 1:
            for graph in graphs:
                with graph.as_default():
                    wide = F.Cast(graph.outputs[place], DstT=dtypes.int64)
                graph.outputs[place] = wide
        position += 2 if sparse else 1


def _call_branches(n: Operation, graphs: Sequence[FuncGraph]) -> Operation:
    inputs = bodies.match_inputs(graphs, [g.external_captures for g in graphs])
    selector = n.inputs[0]
    if "branches" in n.attrs:
        return call_case(selector, graphs, inputs, "gradient")
    return call_if(selector, graphs, inputs, "If")


gradient(
    "If",
    "StatelessIf",
    "Case",
    takes_none=True,
    input="x̄ᵢ = Σⱼ ȳⱼ ∂yⱼ/∂xᵢ along the branch that ran",
)(_branch_gradient)

# ---------------------------------------------------------------------- loops


class _LoopBackward(Backward):
    """The backward body of a loop."""

    def __init__(self, op: Operation) -> None:
        super().__init__(own_body(op, "body"), op)
        #: captured lists of kept values, with what is left of them after an iteration
        self.left: dict[Tensor, Tensor] = {}
        self._fixed = {
            before
            for before, after in zip(
                self.forward.inputs, self.forward.outputs, strict=True
            )
            if before is after
        }

    def _outside_of(self, place: int) -> Tensor:
        return self.op._inputs[place]

    def _is_costly(self, tensor: Tensor) -> bool:
        return tensor not in self._fixed and not is_small_constant(tensor)

    def _intermediate(self, tensor: Tensor) -> Tensor:
        if self._is_unchanged(tensor):
            return self.capture(self._outside_of(self.forward.inputs.index(tensor)))
        if self._is_repeated(tensor, 4):
            return self._again(tensor)
        history = self.capture(_kept(self.op, tensor))
        left, value = F.TensorListPopBack(
            history, np.int32(-1), element_dtype=tensor.dtype.base_dtype
        )
        self.left[history] = left
        value._held = tensor._held
        return with_shape(value, tensor._shape_raw)

    def _is_repeated(self, tensor: Tensor, depth: int) -> bool:
        """Whether a tensor is cheap to make again from what stays the same."""
        op = tensor._op
        traits = traits_of(op.type)
        if self._is_unchanged(tensor) or traits.kind is Kind.CONSTANT:
            return True
        if op._graph is not self.home or not traits.cheap or not depth:
            return False
        if reads_variable(op) and self._is_written(op._inputs[0]):
            return False
        return all(self._is_repeated(t, depth - 1) for t in op._inputs)

    def _is_unchanged(self, tensor: Tensor) -> bool:
        """Whether a loop variable has the same value in every turn."""
        if tensor not in self._fixed:
            return False
        if tensor.dtype._is_ref_dtype:
            return not self._is_written(tensor)
        return not is_reading(tensor)

    def _again(self, tensor: Tensor) -> Tensor:
        op = tensor._op
        if reads_variable(op):
            return self.capture(self._read_before(op))
        attrs = dict(op.attrs)
        made = self.add(op.type, list(op._inputs), attrs, op.name.rsplit("/", 1)[-1])
        return with_shape(made._outputs[tensor._value_index], tensor._shape_raw)

    def _read_before(self, op: Operation) -> Tensor:
        """The value of a variable that the loop reads, read as the loop starts.

        The variable may have another value by the time that the backward loop runs.
        """
        loop = self.op
        outer: Any = loop._graph
        before = [*loop._control_inputs, *(t._op for t in loop._inputs)]
        handle = self._handle_outside(op._inputs[0])
        name = f"{loop.name}/{op.name.rsplit('/', 1)[-1]}"
        with outer.as_default(), outer.control_dependencies(None):
            with outer.control_dependencies(before), outer.name_scope(None):
                attrs = dict(op.attrs)
                made = outer.add(op.type, [handle], attrs, name)
        return with_shape(made._outputs[0], op._outputs[0]._shape_raw)


def _kept(op: Operation, tensor: Tensor) -> Tensor:
    """The output of a loop that holds the values of a tensor of its body, in order."""
    body, cond = own_body(op, "body"), own_body(op, "cond")
    for consumer in tensor.consumers():
        if kind_of(consumer.type) is Kind.APPEND and consumer.inputs[1] is tensor:
            for place, output in enumerate(body.outputs):
                if output is consumer.outputs[0]:
                    if body.inputs[place] is consumer.inputs[0]:
                        return op._outputs[place]
    with op._graph._lock:  # as in `_exported`
        return _history(op, tensor, body, cond)


def _history(op: Operation, tensor: Tensor, body: FuncGraph, cond: FuncGraph) -> Tensor:
    """A new output of a loop: a list of the values of a tensor of its body."""
    name = f"{tensor.op.name}_{tensor.value_index}/accumulator"
    outer: Any = op._graph
    with outer.as_default(), outer.control_dependencies(None), outer.name_scope(None):
        empty = F.EmptyTensorList(
            element_shape_input(tensor.shape),
            op._inputs[1],
            element_dtype=tensor.dtype.base_dtype,
            name=name,
        )
    held = Held(tensor._shape_raw, tensor.dtype.base_dtype)
    inner = add_parameter(body, dtypes.variant, (), held)
    add_parameter(cond, dtypes.variant, (), held)
    base = body.base
    after = kept_after(tensor)
    with base.as_default(), base.control_dependencies(None):
        with base.control_dependencies(after):
            body.outputs.append(F.TensorListPushBack(inner, tensor))
    op._add_input(empty)
    return add_output(op, dtypes.variant, (), held)


def _carried(body: FuncGraph, wanted: Sequence[bool], given: set[int]) -> list[int]:
    """The loop variables that wanted inputs reach, and that reach given outputs."""
    touched = _touched(body)
    forward = {i for i, w in enumerate(wanted) if w}
    while more := {o for i in forward for o in touched[i]} - forward:
        forward |= more
    backward = set(given)
    while more := {i for i, os in enumerate(touched) if os & backward} - backward:
        backward |= more
    return sorted(forward & backward)


def _touched(body: FuncGraph) -> list[set[int]]:
    """For each input of a body, the outputs that depend on it by continuous paths."""
    masks: dict[Tensor, int] = {
        t: 1 << i for i, t in enumerate(body.inputs) if is_continuous(t)
    }
    for op in body._ops:
        mask = 0
        for tensor in op._inputs:
            mask |= masks.get(tensor, 0)
        if mask:
            masks.update((t, mask) for t in op._outputs if is_continuous(t))
    reached = [masks.get(t, 0) for t in body.outputs]
    return [
        {o for o, mask in enumerate(reached) if mask >> i & 1}
        for i in range(len(body.inputs))
    ]


class _LoopGradient:
    """The derivative of a loop while it is made."""

    def __init__(self, n: Operation, dys: Sequence[Any]) -> None:
        self.n, self.dys = n, dys
        self.forward = own_body(n, "body")
        self.graph = _LoopBackward(n)
        #: outer tensors that the backward loop starts with, one for each input
        self.start: list[Tensor] = []
        self.outputs: list[Tensor] = []

    def build(self, wanted: Sequence[bool]) -> list[Any]:
        """The derivative with respect to each input of the loop."""
        result: list[Any] = [None] * len(wanted)
        given = {
            i
            for i, dy in enumerate(self.dys)
            if dy is not None and is_continuous(self.forward.outputs[i])
        }
        carried = _carried(self.forward, wanted, given)
        if not carried:
            return result
        self._add_counters()
        moving = [i for i in carried if not self._is_fixed(i)]
        fixed = [i for i in carried if self._is_fixed(i)]
        seeds = [self._carry(self._seed(i), self.forward.outputs[i]) for i in moving]
        terms = self._sweep(moving, [*moving, *fixed], seeds)
        with self.graph.as_default():
            for i in moving:
                term = terms[i]
                if term is None:
                    term = zeros_like_input(self.forward.inputs[i])
                self.outputs.append(self.graph.capture(dense(term)))
            sums = [self._accumulate(i, terms[i]) for i in fixed]
        self._pass_captures()
        op = self._call()
        finals = bodies.results_of(op)
        for at, i in enumerate(moving):
            if wanted[i]:
                result[i] = finals[3 + at]
        for i, places in zip(fixed, sums, strict=True):
            if wanted[i]:
                result[i] = self._total(i, [finals[p] for p in places])
        return result

    def _is_fixed(self, i: int) -> bool:
        return self.forward.inputs[i] is self.forward.outputs[i]

    def _add_counters(self) -> None:
        """How many iterations are done, how many may be, how many the loop took."""
        n, graph = self.n, self.graph
        count = n._outputs[0]
        zero = constant(0, count.dtype, name="grad_counter")
        for tensor, label in (
            (zero, "grad_counter"),
            (n._inputs[1], "maximum_iterations"),
            (count, "total_iters"),
        ):
            self.start.append(tensor)
            graph.add_input(tensor.dtype, (), label)
        with graph.as_default():
            counter = graph.inputs[0]
            following = F.AddV2(counter, constant(1, counter.dtype))
        self.outputs = [following, graph.inputs[1], graph.inputs[2]]

    def _seed(self, i: int) -> Tensor:
        dy = self.dys[i]
        if dy is None:
            output = self.n._outputs[i]
            return zeros_like_input(output)
        seed = dense(dy)
        return F.Identity(seed) if seed.dtype._is_ref_dtype else seed

    def _carry(self, start: Tensor, like: Tensor) -> Tensor:
        """A further loop variable of the backward loop; the input that it is inside."""
        self.start.append(start)
        dtype = start.dtype.base_dtype
        return self.graph.add_input(dtype, like._shape_raw, "grad", start._held)

    def _sweep(
        self, ys: Sequence[int], xs: Sequence[int], seeds: Sequence[Tensor]
    ) -> dict[int, Any]:
        forward = self.forward
        with self.graph.as_default():
            found = differentiate(
                [forward.outputs[i] for i in ys],
                [forward.inputs[i] for i in xs],
                list(seeds),
            )
        return dict(zip(xs, found, strict=True))

    def _accumulate(self, i: int, term: Gradient) -> list[int]:
        """Add what an iteration contributes to an input that stays the same.

        Returns:
          The positions of the loop variables that hold the sum.
        """
        if term is None:
            return []
        outer: Any = self.graph.outer_graph
        if not isinstance(term, IndexedSlices):
            with outer.as_default():
                start = self.dys[i]
                start = (
                    zeros_like_input(self.n._inputs[i])
                    if start is None
                    else dense(start)
                )
            inner = self._carry_late(start, term)
            self.outputs.append(F.AddN([inner, self.graph.capture(term)]))
            return [len(self.outputs) - 1]
        places = []
        for part in (term.values, term.indices):
            raw = part._shape_raw
            with outer.as_default(), outer.control_dependencies(None):
                empty = F.EmptyTensorList(
                    element_shape_input(None if raw is None else (None, *raw[1:])),
                    np.int32(-1),
                    element_dtype=part.dtype.base_dtype,
                )
            inner = self._carry_late(empty, None)
            pushed = F.TensorListPushBack(inner, self.graph.capture(part))
            self.outputs.append(pushed)
            places.append(len(self.outputs) - 1)
        return places

    def _carry_late(self, start: Tensor, like: Tensor | None) -> Tensor:
        """`_carry` when inputs for captures exist already: these stay last."""
        graph = self.graph
        count = len(self.outputs)
        captured = graph.inputs[count:]
        graph.inputs = graph.inputs[:count]
        raw = () if like is None else like._shape_raw
        self.start.append(start)
        inner = graph.add_input(start.dtype.base_dtype, raw, "grad", start._held)
        graph.inputs.extend(captured)
        return inner

    def _pass_captures(self) -> None:
        """Captures are loop variables too: lists get shorter, the rest stays."""
        graph = self.graph
        for outer, inner in graph.captures:
            self.start.append(outer)
            self.outputs.append(graph.left.get(inner, inner))
        count = len(self.start) - len(graph.captures)
        graph.inputs = [*graph.inputs[:count], *graph.internal_captures]

    def _call(self) -> Operation:
        n, graph = self.n, self.graph
        graph.outputs = self.outputs
        cond = BodyGraph(f"{n.attrs['cond'].name}_grad_{uid()}")
        for tensor in graph.inputs:
            cond.add_input(tensor.dtype, tensor._shape_raw, "input")
        with cond.as_default():
            cond.outputs = [F.Less(cond.inputs[0], cond.inputs[2])]
        op = bodies.call(
            "While",
            [cond, graph],
            self.start,
            name=f"{n.name}_grad",
            cond=cond,
            body=graph,
            output_shapes=[t._shape_raw for t in graph.outputs],
            parallel_iterations=n.attrs["parallel_iterations"],
        )
        return op

    def _total(self, i: int, parts: Sequence[Tensor]) -> Any:
        """The derivative with respect to an input that stays the same."""
        if not parts:
            return None
        if len(parts) == 1:
            return parts[0]
        joined = []
        for part in parts:
            known = part._held
            raw = None if known is None else known.shape
            dtype = None if known is None else known.dtype
            joined.append(
                F.TensorListConcatV2(
                    part,
                    element_shape_input(raw),
                    np.zeros(0, np.int64),
                    element_dtype=dtype,
                )[0]
            )
        return IndexedSlices(joined[0], joined[1], _shape_outside(self.n._inputs[i]))


def _loop_gradient(n: Operation, *dys: Gradient, wanted: Sequence[bool]) -> list[Any]:
    """A loop of as many iterations, over the derivative of the body."""
    return _LoopGradient(n, dys).build(list(wanted))


gradient(
    "While",
    "StatelessWhile",
    takes_none=True,
    input="x̄ᵢ = Σⱼ ȳⱼ ∂yⱼ/∂xᵢ, one step of f after the other, the last first",
)(_loop_gradient)
