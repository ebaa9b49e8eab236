"""Branches: `tf.cond` and the functions that build If and Case ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.graph import context, dispatch
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import BodyGraph, FuncGraph, uncounted
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.flow import bodies
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.flow.control_flow_util import CHECKED, EnableControlFlowV2

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike


Function = Callable[[], Any]


def cond(
    pred: TensorLike,
    true_fn: Callable[..., Any] | None = None,
    false_fn: Callable[..., Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[..., Any] | None = None,
    fn2: Callable[..., Any] | None = None,
) -> Any:
    """`true_fn()` where `pred` holds, else `false_fn()`.

    Both functions are called once, now; what they make runs when its branch is taken,
    and only as far as results depend on it. What they use from outside always runs.

    Args:
      pred: a scalar bool tensor.
      true_fn: makes the results of one branch: a tensor, or nested lists, tuples and
        dicts of tensors.
      false_fn: the same for the other branch.
      strict: whether a list or tuple of one result stays one.
      name: the name scope.
      fn1, fn2: older names of `true_fn` and `false_fn`.

    Raises:
      TypeError: `pred` is a Python bool, or a branch cannot be called.
      ValueError: the branches return different structures or dtypes.
    """
    v2 = EnableControlFlowV2(context.get_default_graph())
    if v2 and not context.executing_eagerly():
        return cond_v2(pred, true_fn, false_fn, name or "cond")
    true_fn = _function("true_fn", true_fn, "fn1", fn1)
    false_fn = _function("false_fn", false_fn, "fn2", fn2)
    values = [pred] if isinstance(pred, Tensor) else []
    with dispatch.name_scope(name, "cond", values) as scope:
        if context.executing_eagerly():
            result = true_fn() if pred else false_fn()
            return result if strict else _unpacked(result)
        if isinstance(pred, bool):
            raise TypeError("pred must not be a Python bool")
        pred = _checked_predicate(pred, scope)
        branches = [_Branch("true", scope), _Branch("false", scope)]
        for branch, function in zip(branches, (true_fn, false_fn), strict=True):
            branch.build(function, pred)
        structure = _common_structure(branches, strict)
        op = _if(pred, branches, scope)
        if pred._shape_raw is None:
            op.attrs[CHECKED] = True
        result = bodies.repacked(structure, bodies.results_of(op))
        return result if strict else _unpacked(result)


def cond_for_tf_v2(
    pred: TensorLike,
    true_fn: Callable[..., Any] | None = None,
    false_fn: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Any:
    """`cond` of TensorFlow 2: a list or tuple of one result stays one."""
    return cond(pred, true_fn, false_fn, True, name)


def _function(
    name: str, function: Function | None, old_name: str, old: Function | None
) -> Function:
    if old is not None:
        if function is not None:
            raise TypeError(
                f"cond(): {name} and {old_name} may not be set simultaneously."
            )
        function = old
    elif function is None:
        raise TypeError(f"cond(): {name} argument required")
    if not callable(function):
        raise TypeError(f"{name} must be callable.")
    return function


def _unpacked(result: Structure) -> Structure:
    if isinstance(result, list | tuple) and len(result) == 1:
        return result[0]
    return result


def _checked_predicate(pred: TensorLike, scope: str) -> Tensor:
    """The predicate as a tensor; errors are those of the Switch op that 1.15 makes."""
    tensor = convert_to_tensor(pred, name="pred")
    if tensor.dtype.base_dtype is not dtypes.bool:
        raise TypeError(
            f"Input 'pred' of 'Switch' Op has type {tensor.dtype.base_dtype.name} that "
            "does not match expected type of bool."
        )
    raw = tensor._shape_raw
    if raw is not None and raw != ():
        shape = "[" + ",".join("?" if d is None else str(d) for d in raw) + "]"
        raise ValueError(
            f"Shape must be rank 0 but is rank {len(raw)} for '{scope}Switch' (op: "
            f"'Switch') with input shapes: {shape}, {shape}."
        )
    return tensor


class _Branch:
    """One branch of a `cond` while it is made."""

    def __init__(self, label: str, scope: str) -> None:
        self.label = label
        self.graph = BodyGraph(bodies.unique_name(scope, label))
        self.graph._last_id += _PRIMITIVES[label]
        self.result: Any = None

    def build(self, function: Function, pred: Tensor) -> None:
        """Call the function.

        Raises:
          ValueError: it returns nothing.
        """
        self.result = bodies.trace(self.graph, function, (), _gate(pred))
        if self.result is None:
            raise ValueError(f"{self.label}_fn must have a return value.")


#: TensorFlow 1 makes two switches, two pivots and an identity of the predicate first
_PRIMITIVES = {"true": 4, "false": 0}


def _gate(pred: Tensor) -> Callable[[Operation], Tensor]:
    """What stands for a result that is an operation: a tensor that waits for it."""

    def gate(op: Operation) -> Tensor:
        graph: Any = context.get_default_graph()
        with uncounted(graph):
            inside = graph.capture(pred)
        return with_dependencies([op], inside)

    return gate


def _common_structure(branches: Sequence[_Branch], strict: bool) -> Structure:
    """The structure that both branches return, leaves of the first.

    Raises:
      TypeError, ValueError: they differ.
    """
    results = [b.result if strict else _unpacked(b.result) for b in branches]
    try:
        nest.assert_same_structure(*results, expand_composites=True)
    except (TypeError, ValueError):
        nest.assert_same_structure(*results)
        _match_index_types([b.graph for b in branches])
        try:
            structures = [b.graph.structured_outputs for b in branches]
            if not strict:
                structures = [_unpacked(s) for s in structures]
            nest.assert_same_structure(*structures, expand_composites=True)
        except TypeError as error:
            raise TypeError(
                f"Incompatible return types of true_fn and false_fn: {error}"
            ) from None
        except ValueError as error:
            raise ValueError(
                f"Incompatible return values of true_fn and false_fn: {error}"
            ) from None
    graphs = [b.graph for b in branches]
    _match_index_types(graphs)
    if not graphs[0].outputs:
        raise ValueError("true_fn and false_fn must return at least one result.")
    for x, y in zip(graphs[0].outputs, graphs[1].outputs, strict=True):
        if x.dtype.base_dtype != y.dtype.base_dtype:
            raise ValueError(
                "Outputs of true_fn and false_fn must have the same type: "
                f"{x.dtype.name}, {y.dtype.name}"
            )
    return branches[0].result


def _match_index_types(graphs: Sequence[FuncGraph]) -> None:
    """Give the indices of IndexedSlices that the branches return one dtype."""
    leaves = [nest.flatten(g.structured_outputs) for g in graphs]
    if len({len(each) for each in leaves}) != 1:
        return
    position = 0
    for group in zip(*leaves, strict=True):
        slices = [v for v in group if isinstance(v, IndexedSlices)]
        if len(slices) == len(group) and len({s.indices.dtype for s in slices}) > 1:
            for graph, value in zip(graphs, group, strict=True):
                if value.indices.dtype == dtypes.int32:
                    with graph.as_default():
                        wide = F.Cast(graph.outputs[position + 1], DstT=dtypes.int64)
                    graph.outputs[position + 1] = wide
                    value._indices = wide
        position += len(nest.flatten(group[0], expand_composites=True))


def _if(pred: Tensor, branches: Sequence[_Branch], scope: str) -> Operation:
    graphs = [b.graph for b in branches]
    verify_captures(graphs, ["true_fn", "false_fn"])
    inputs = bodies.match_inputs(graphs, [g.external_captures for g in graphs])
    return call_if(pred, graphs, inputs, scope)


def call_if(
    pred: Tensor, graphs: Sequence[FuncGraph], inputs: Sequence[Tensor], name: str
) -> Operation:
    """Add an If of two functions with the same inputs and outputs."""
    then, other = graphs
    pairs = zip(then.outputs, other.outputs, strict=True)
    op = bodies.call(
        "If" if bodies.is_stateful(graphs) else "StatelessIf",
        graphs,
        pred,
        list(inputs),
        name=name,
        Tout=[t.dtype.base_dtype for t in then.outputs],
        then_branch=then,
        else_branch=other,
        output_shapes=[bodies.widest([a._shape_raw, b._shape_raw]) for a, b in pairs],
    )
    op._graph.prevent_fetching(op)
    return op


def verify_captures(graphs: Sequence[FuncGraph], names: Sequence[str]) -> None:
    """Refuse a tensor of one branch that another uses.

    Raises:
      ValueError: there is one.
    """
    for graph, name in zip(graphs, names, strict=True):
        for tensor in graph.external_captures:
            if tensor.graph in graphs:
                home = names[list(graphs).index(tensor.graph)]
                raise ValueError(
                    f"Tensor {tensor.name} in {home} is accessed from {name}."
                )


def cond_v2(
    pred: TensorLike,
    true_fn: Callable[..., Any] | None,
    false_fn: Callable[..., Any] | None,
    name: str | None = "cond",
) -> Any:
    """`cond` as TensorFlow 2 has it: any number or string as predicate, strict results.

    Raises:
      TypeError: `pred` is a Python bool, or the branches return different structures or
        dtypes.
    """
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool", pred)
    with dispatch.name_scope(name or "cond") as scope:
        pred = _squeezed(convert_to_tensor(pred))
        graphs = traced([("true", true_fn), ("false", false_fn)], pred, scope)
        verify_captures(graphs, ["true_fn", "false_fn"])
        check_same_outputs(graphs, "tf.cond", ["true_fn", "false_fn"])
        inputs = bodies.match_inputs(graphs, [g.external_captures for g in graphs])
        op = call_if(pred, graphs, inputs, scope)
        return bodies.packed_like(graphs[0].structured_outputs, bodies.results_of(op))


def _squeezed(pred: Tensor) -> Tensor:
    raw = pred._shape_raw
    return pred if raw == () else F.Squeeze(pred)


def traced(
    functions: Sequence[tuple[str, Any]], selector: Tensor, scope: str
) -> list[FuncGraph]:
    """Functions of no arguments as bodies; a label each goes into their names."""

    def gate(op: Operation) -> Tensor:
        with context.get_default_graph().control_dependencies([op]):
            return F.Identity(selector)

    graphs: list[FuncGraph] = []
    for label, function in functions:
        graph = BodyGraph(bodies.unique_name(scope, label))
        bodies.trace(graph, function, (), gate)
        graphs.append(graph)
    return graphs


def check_same_outputs(
    graphs: Sequence[FuncGraph], what: str, names: Sequence[str]
) -> None:
    """Require the same structure and dtypes of all branches.

    Raises:
      TypeError: they differ.
    """

    def differ(at: int, detail: str) -> TypeError:
        return TypeError(
            f"{names[0]} and {names[at]} arguments to {what} must have the same "
            "number, type, and overall structure of return values.\n\n"
            f"{names[0]} output: {graphs[0].structured_outputs}\n"
            f"{names[at]} output: {graphs[at].structured_outputs}\n\n"
            f"Error details:\n{detail}"
        )

    _check_slices(graphs, "cond" if what == "tf.cond" else "switch_case")
    _match_index_types(graphs)
    first = graphs[0]
    for at, graph in enumerate(graphs[1:], 1):
        try:
            nest.assert_same_structure(
                first.structured_outputs,
                graph.structured_outputs,
                expand_composites=True,
            )
        except (TypeError, ValueError) as error:
            raise differ(at, str(error)) from None
        if len(first.outputs) != len(graph.outputs):
            raise ValueError(
                f"Lengths of branch outputs of {what[3:]} must match.\n"
                f"len(graphs[0].outputs): {len(first.outputs)}\n"
                f"len(graphs[{at}].outputs): {len(graph.outputs)}\n"
            )
        for x, y in zip(first.outputs, graph.outputs, strict=True):
            if x.dtype.base_dtype != y.dtype.base_dtype:
                raise differ(at, f"{x} and {y} have different types")


def _check_slices(graphs: Sequence[FuncGraph], what: str) -> None:
    leaves = [nest.flatten(g.structured_outputs) for g in graphs]
    for i, group in enumerate(zip(*leaves, strict=False)):
        if len({isinstance(v, IndexedSlices) for v in group}) != 1:
            raise TypeError(
                f"Cannot reconcile tf.{what} {i}-th outputs:\n"
                f"  branches returned: {group}"
            )


def call_case(
    index: Tensor, graphs: Sequence[FuncGraph], inputs: Sequence[Tensor], name: str
) -> Operation:
    """Add a Case of functions with the same inputs and outputs."""
    groups = zip(*(g.outputs for g in graphs), strict=True)
    op = bodies.call(
        "Case",
        graphs,
        index,
        list(inputs),
        name=name,
        Tout=[t.dtype.base_dtype for t in graphs[0].outputs],
        branches=list(graphs),
        output_shapes=[
            bodies.widest([t._shape_raw for t in group]) for group in groups
        ],
    )
    op._graph.prevent_fetching(op)
    return op


def get_func_graphs(op: Operation) -> tuple[FuncGraph, ...]:
    """The functions of a branch operation."""
    if op.type == "Case":
        return tuple(op.attrs["branches"])
    return op.attrs["then_branch"], op.attrs["else_branch"]
