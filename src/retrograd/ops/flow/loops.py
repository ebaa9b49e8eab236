"""Loops: `tf.while_loop`, as one While op over two function bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.composite import (
    IndexedSlices,
    SparseTensor,
    convert_to_tensor_or_composite,
)
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import BodyGraph, uncounted
from retrograd.graph.operation import Operation
from retrograd.graph.specs import (
    CompositeTensor,
    TensorSpec,
    TypeSpec,
    type_spec_from_value,
)
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.flow import bodies
from retrograd.ops.flow.control import shape_less_than_or_equal
from retrograd.ops.flow.control_flow_util import CHECKED, EnableControlFlowV2
from retrograd.ops.lists.tensor_array import TensorArray

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, Structure, TensorLike


#: the loop variables that every While op has first: how many times the body has run,
#: and how many times it may (−1 for any number)
_COUNTERS = 2


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Structure,
    shape_invariants: Structure = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: TensorLike | None = None,
    return_same_structure: bool = False,
) -> Structure:
    """Repeat `body` while `cond` holds.

    Both functions are called once, now, with tensors in the structure of `loop_vars`.

    Args:
      cond: takes the loop variables; makes a scalar bool tensor.
      body: takes the loop variables; makes their next values.
      loop_vars: nested lists, tuples and dicts of tensors, TensorArrays, IndexedSlices
        or sparse tensors: the first values.
      shape_invariants: in the structure of `loop_vars`, shapes that hold throughout; by
        default those of the first values.
      parallel_iterations: accepted; iterations run in order.
      back_prop: whether gradients pass through the loop.
      swap_memory: accepted.
      name: the name scope.
      maximum_iterations: how many times `body` may run, a scalar integer.
      return_same_structure: whether a list of one loop variable stays one.

    Returns:
      The loop variables after the last iteration.

    Raises:
      TypeError: `cond` or `body` cannot be called, or a dtype changes.
      ValueError: no loop variables, or a shape or structure changes.
    """
    del swap_memory
    if not callable(cond):
        raise TypeError("cond must be callable.")
    if not callable(body):
        raise TypeError("body must be callable.")
    if parallel_iterations < 1:
        raise TypeError("parallel_iterations must be a positive integer.")
    if context.executing_eagerly():
        return _run_eagerly(cond, body, loop_vars, maximum_iterations)
    v2 = EnableControlFlowV2(context.get_default_graph())
    loop = Loop(cond, body, loop_vars, shape_invariants, maximum_iterations, v2)
    with dispatch.name_scope(name, "while", _tensors_of(loop_vars)) as scope:
        if not v2 and not loop_vars:
            raise ValueError("No loop variables provided")
        result = loop.build(scope, parallel_iterations, back_prop)
    if return_same_structure:
        return result
    if not v2 and maximum_iterations is not None:
        return result[0] if len(loop_vars) == 1 else result
    return unpacked(result, v2)


def unpacked(result: Structure, v2: bool) -> Structure:
    """The only loop variable, where there is one."""
    leaves = nest.flatten(result, expand_composites=True)
    if len(leaves) != 1:
        return result
    return leaves[0] if v2 else result[0]


def while_loop_v2(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Structure,
    shape_invariants: Structure = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """As `while_loop`, with the arguments of TensorFlow 2; the structure stays."""
    return while_loop(
        cond,
        body,
        loop_vars,
        shape_invariants=shape_invariants,
        parallel_iterations=parallel_iterations,
        back_prop=back_prop,
        swap_memory=swap_memory,
        name=name,
        maximum_iterations=maximum_iterations,
        return_same_structure=True,
    )


def _tensors_of(structure: Structure) -> list[Tensor]:
    leaves = nest.flatten(structure, expand_composites=True)
    return [v for v in leaves if isinstance(v, Tensor)]


def _run_eagerly(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Structure,
    maximum: TensorLike | None,
) -> Any:
    """The loop in Python; each iteration runs at once."""
    if not loop_vars:
        raise ValueError("No loop variables provided")
    packed = False
    structure = nest.map_structure(_described, list(loop_vars))
    left = -1 if maximum is None else int(convert_to_tensor(maximum).numpy())  # pyright: ignore[reportAttributeAccessIssue]
    while left and cond(*loop_vars):
        loop_vars = body(*loop_vars)
        packed = not isinstance(loop_vars, list | tuple)
        loop_vars = (loop_vars,) if packed else loop_vars
        nest.assert_same_structure(structure, list(loop_vars))
        left -= 1
    result = nest.map_structure(
        lambda v: v if isinstance(v, TensorArray) else convert_to_tensor(v),
        loop_vars,
        expand_composites=True,
    )
    return result[0] if packed else result


def _described(value: object) -> Any:
    return value if isinstance(value, TensorArray) else type_spec_from_value(value)


class Loop:
    """A loop while it is made; the arguments are those of `while_loop`.

    `v2` is the version whose words and strictness it has.
    """

    def __init__(
        self,
        cond: Callable[..., Any],
        body: Callable[..., Any],
        loop_vars: Structure,
        invariants: Structure,
        maximum: TensorLike | None,
        v2: bool,
    ) -> None:
        self.v2 = v2
        self.cond, self.body = cond, body
        self.loop_vars = loop_vars
        self.given_invariants = invariants
        self.maximum = maximum
        self.outer: Any = context.get_default_graph()
        if v2:  # outside the name scope of the loop; the first version does it inside
            self._convert_variables()

    def build(self, scope: str, parallel_iterations: int, back_prop: bool) -> Any:
        """Add the loop; the loop variables after it, in the structure of the result."""
        self.scope = scope
        if not self.v2:
            self._convert_variables()
        self._add_counters()
        self.cond_graph = BodyGraph(bodies.unique_name(scope, "cond"))
        self.body_graph = BodyGraph(bodies.unique_name(scope, "body"))
        self.body_graph.carries_cells = True
        self._count(2 * len(self.flat))
        self._trace_cond()
        self._count(1 + 2 * len(self.flat))
        self._trace_body()
        self._check_types()
        self._check_shapes()
        self._count(len(self.flat))
        op = self._add_op(scope, parallel_iterations)
        if not back_prop and not self.v2:
            op._gradient_function = lambda n, *dys: [None] * len(n.inputs)
        results = [
            F.RefIdentity(t) if t.dtype._is_ref_dtype else F.Identity(t)
            for t in op._outputs[_COUNTERS:][: len(self.flat)]
        ]
        structure = self.loop_vars if self.v2 else self.result
        return bodies.repacked(structure, results)

    def _count(self, primitives: int) -> None:
        """Count the primitive ops that TensorFlow 1 makes here (see `BodyGraph`)."""
        if self.maximum is not None:
            primitives += primitives // len(self.flat)
        self.outer._last_id += primitives

    def _convert_variables(self) -> None:
        """Loop variables and shape invariants as flat lists."""
        converted = nest.map_structure(
            lambda v: (
                v if isinstance(v, TensorArray) else convert_to_tensor_or_composite(v)
            ),
            list(self.loop_vars) if self.v2 else self.loop_vars,
        )
        if self.v2 and isinstance(self.loop_vars, tuple):
            converted = nest.pack_sequence_as(self.loop_vars, nest.flatten(converted))
        self.converted = converted
        self.flat: list[Tensor] = bodies.flat_tensors(converted)
        self.invariants = self._flat_invariants()
        for tensor, shape in zip(self.flat, self.invariants, strict=True):
            if not self.v2 and not shape_less_than_or_equal(tensor.shape, shape):
                raise ValueError(
                    f"The shape invariant specified for {tensor.name} is not "
                    "compatible with the initial shape of the loop variable. It "
                    f"enters the loop with shape {tensor.shape}, but the specified "
                    f"shape invariant is {shape}."
                )

    def _flat_invariants(self) -> list[shapes.TensorShape]:
        if self.given_invariants is None:
            return [
                shapes.TensorShape.of(t._shape_raw)
                for leaf in nest.flatten(self.converted)
                for t in _default_invariant(leaf)
            ]
        nest.assert_same_structure(
            list(self.loop_vars), list(self.given_invariants), expand_composites=False
        )
        leaves = nest.flatten(self.converted)
        given = nest.flatten(self.given_invariants)
        found: list[shapes.TensorShape] = []
        for leaf, shape in zip(leaves, given, strict=True):
            found.extend(shape_invariants_of(leaf, shape))
        return found

    def _add_counters(self) -> None:
        """The first two loop variables."""
        maximum = self.maximum
        with uncounted(self.outer):
            if maximum is None:
                limit = constant(-1, dtypes.int32, name="maximum_iterations")
            else:
                wanted = dtypes.int32 if self.v2 else None
                limit = convert_to_tensor(maximum, wanted, name="maximum_iterations")
            if limit._shape_raw not in ((), None):
                raise ValueError(
                    f"maximum_iterations must be a scalar, saw shape: {limit.shape}"
                )
            dtype = limit.dtype.base_dtype
            self.counters = [constant(0, dtype, name="loop_counter"), limit]
        if maximum is not None:
            self.outer._last_id += 1 if isinstance(maximum, Tensor) else 2

    def _parameters(self, graph: BodyGraph) -> tuple[list[Tensor], Any]:
        """Inputs of a body for the loop variables; the latter in their structure."""
        for counter in self.counters:
            graph.add_input(counter.dtype, (), counter.op.name.rsplit("/", 1)[-1])
        inner = []
        for tensor, shape in zip(self.flat, self.invariants, strict=True):
            label = tensor.op.name.rsplit("/", 1)[-1]
            raw = shapes.raw(shape)
            inner.append(graph.add_input(tensor.dtype, raw, label, tensor._held))
        graph.starts = dict(zip(inner, self.flat, strict=True))
        return graph.inputs[:_COUNTERS], bodies.repacked(self.loop_vars, inner)

    def _trace_cond(self) -> None:
        graph = self.cond_graph
        (counter, limit), variables = self._parameters(graph)

        def run() -> Tensor:
            if self.maximum is None:
                return self._predicate(self.cond(*variables))
            below = F.Less(counter, limit)
            # the limit is a value from outside
            graph._last_id += 1
            return F.LogicalAnd(below, self._predicate(self.cond(*variables)))

        bodies.trace(graph, run)

    def _predicate(self, value: Tensor) -> Tensor:
        """What `cond` made, as a scalar.

        Raises:
          TypeError: it is not of dtype bool.
          ValueError: it has a shape.
        """
        tensor = convert_to_tensor(value)
        raw = tensor._shape_raw
        if self.v2:
            return tensor if raw == () else F.Squeeze(tensor)
        if tensor.dtype.base_dtype is not dtypes.bool:
            raise TypeError(
                "Input 'input' of 'LoopCond' Op has type "
                f"{tensor.dtype.base_dtype.name} that does not match expected type of "
                "bool."
            )
        if raw:
            raise ValueError(
                f"Shape must be rank 0 but is rank {len(raw)} for "
                f"'{self.scope}LoopCond' (op: 'LoopCond') with input shapes: "
                f"{shapes.text(raw)}."
            )
        return tensor

    def _trace_body(self) -> None:
        graph = self.body_graph
        with uncounted(graph):
            for outer in self.cond_graph.external_captures:
                graph.capture(outer)
        captured = graph.inputs
        graph.inputs = []
        (counter, limit), variables = self._parameters(graph)
        graph.inputs.extend(captured)
        with graph.as_default(), uncounted(graph):
            following = F.AddV2(counter, _one(counter))
        if self.maximum is not None:
            graph._last_id += 2
        before = len(graph.outputs)
        self.result = bodies.trace(graph, lambda: self._body_result(variables))
        found = graph.outputs[before:]
        graph.outputs = [following, limit, *found, *graph.internal_captures]
        with uncounted(self.cond_graph):
            for outer in graph.external_captures:
                self.cond_graph.capture(outer)
        self._order_inputs()

        self.cond_graph.beside = (graph,)

    def _order_inputs(self) -> None:
        """The inputs of both bodies: loop variables, then captures in one order."""
        count = _COUNTERS + len(self.flat)
        outside = self.body_graph.external_captures
        for graph in (self.cond_graph, self.body_graph):
            known = {id(outer): inner for outer, inner in graph.captures}
            captured = [known[id(outer)] for outer in outside]
            graph.inputs = [*graph.inputs[:count], *captured]

    def _body_result(self, variables: Structure) -> Structure:
        result = self.body(*variables)
        if not nest.is_sequence_or_composite(result):
            result = [result]
        nest.assert_same_structure(
            list(variables), list(result), expand_composites=True
        )
        self._check_values(result)
        return result

    def _check_values(self, result: Structure) -> None:
        """Raise an error if the body returns None for a loop variable."""
        found = nest.flatten(result, expand_composites=True)
        missing = sum(v is None for v in found)
        if missing and self.v2:
            expected = len(found) + _COUNTERS
            raise AssertionError(
                f"body_graph has {expected - missing} outputs; Expected: {expected}"
            )
        if missing:
            raise ValueError("None values not supported.")

    def _check_types(self) -> None:
        """Require that no dtype changes.

        Raises:
          TypeError: one does.
        """
        variables = self.flat
        found = self.body_graph.outputs[_COUNTERS:]
        for before, after in zip(variables, found, strict=False):
            if before.dtype != after.dtype and (
                before.dtype._is_ref_dtype
                or before.dtype.base_dtype != after.dtype.base_dtype
            ):
                raise TypeError(
                    f"Loop var {before.name} enters the loop with type {before.dtype} "
                    f"but has type {after.dtype} after 1 iteration."
                )

    def _check_shapes(self) -> None:
        """Require that shapes stay within their invariants.

        Raises:
          ValueError: one does not.
        """
        found = self.body_graph.outputs[_COUNTERS:]
        for before, shape, after in zip(
            self.flat, self.invariants, found, strict=False
        ):
            if not shape_less_than_or_equal(after.shape, shape):
                entered = shape if self.v2 else before.shape
                raise ValueError(
                    f"Input tensor '{before.name}' enters the loop with shape "
                    f"{entered}, but has shape {after.shape} after one iteration. To "
                    "allow the shape to vary across iterations, use the "
                    "`shape_invariants` argument of tf.while_loop to specify a "
                    "less-specific shape."
                )

    def _add_op(self, scope: str, parallel_iterations: int) -> Operation:
        graphs = [self.cond_graph, self.body_graph]
        inputs = [*self.counters, *self.flat, *self.body_graph.external_captures]
        declared = [(), (), *map(shapes.raw, self.invariants)]
        later = self.body_graph.outputs[len(declared) :]
        op = bodies.call(
            "While" if bodies.is_stateful(graphs) else "StatelessWhile",
            graphs,
            inputs,
            name=scope,
            cond=self.cond_graph,
            body=self.body_graph,
            output_shapes=[*declared, *(t._shape_raw for t in later)],
            parallel_iterations=parallel_iterations,
        )
        for before, after in zip(self.flat, op._outputs[_COUNTERS:], strict=False):
            if before.dtype._is_ref_dtype:
                after._dtype = before.dtype
        if not self.v2 and self.cond_graph.outputs[0]._shape_raw is None:
            op.attrs[CHECKED] = True
        op._graph.prevent_fetching(op)
        return op


def _one(counter: Tensor) -> Tensor:
    return constant(1, counter.dtype.base_dtype, name="y")


def _default_invariant(leaf: object) -> Sequence[Any]:
    if isinstance(leaf, TensorArray):
        return [leaf.flow]
    if isinstance(leaf, CompositeTensor):
        specs = nest.flatten(leaf._type_spec, expand_composites=True)
        return [_Shaped(shapes.raw(s.shape)) for s in specs]
    return [leaf]


class _Shaped:
    """Has a static shape."""

    def __init__(self, raw: RawShape) -> None:
        self._shape_raw = raw


def shape_invariants_of(value: CompositeLike | TensorArray, shape: object) -> list[Any]:
    """The shape invariants of the tensors that a loop variable consists of.

    Args:
      value: a tensor, TensorArray or composite value.
      shape: what the program gave for it: a shape or a type spec.

    Raises:
      TypeError: `shape` does not fit `value`.
    """
    if isinstance(value, TensorArray):
        return [shapes.TensorShape([])]
    if isinstance(shape, TypeSpec):
        if not shape.is_compatible_with(value):
            raise TypeError(f"TypeSpec {shape!r} is not compatible with {value!r}")
        if isinstance(shape, TensorSpec):
            return [shape.shape]
        return [s.shape for s in nest.flatten(shape, expand_composites=True)]
    if not isinstance(shape, shapes.TensorShape):
        raise ValueError("`shapes` must be a (possibly nested) list of shapes.")
    if isinstance(value, SparseTensor):
        return _sparse_invariants(shape)
    if isinstance(value, IndexedSlices):
        raw = shapes.raw(shape)
        first = None if raw is None else raw[0]
        found = [shape, shapes.TensorShape([first])]
        if value.dense_shape is not None:
            found.append(shapes.TensorShape([shape.ndims]))
        return found
    return [shape]


def _sparse_invariants(shape: shapes.TensorShape) -> list[shapes.TensorShape]:
    """Those of a sparse tensor whose shape has the given rank."""
    rank = shapes.dimension_value(shapes.dimension_at_index(shape, 0))
    if shape.ndims != 1:
        rank = shape.ndims
    return [shapes.TensorShape(p) for p in ([None, rank], [None], [rank])]
