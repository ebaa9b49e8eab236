"""Running a Python function once to make the body of a graph function."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.graph import context
from retrograd.graph.composite import convert_to_tensor_or_composite
from retrograd.graph.function import FuncGraph
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.specs import CompositeTensor, TensorSpec, TypeSpec
from retrograd.graph.tensor import Held, Tensor
from retrograd.ops.declare import F, kind_of
from retrograd.ops.flow.auto_control_deps import AutomaticControlDependencies
from retrograd.ops.flow.bodies import flat_tensors, repacked
from retrograd.ops.lists.flow import Flowing
from retrograd.ops.traits import Kind
from retrograd.variables.scope import get_variable_scope
from retrograd.variables.variable import is_resource_variable

if TYPE_CHECKING:
    from retrograd.shapes import TensorShape
    from retrograd.typing import DTypeLike, Structure

#: the attribute of a parameter that says what the program calls it
NAME_ATTR = "_user_specified_name"


class UnknownArgument:
    """Stands in a signature for an argument that no description fits."""


# ---------------------------------------------------------------------- parameters


def _signature_of(arg: Structure, path: Sequence[Any]) -> Any:
    if isinstance(arg, Tensor):
        name = "/".join(str(p) for p in path)
        given = arg.op.attrs.get(NAME_ATTR)
        if path and given and given != path[0]:
            name = given
        return TensorSpec(arg.shape, arg.dtype, name)
    if isinstance(arg, CompositeTensor):
        return arg._type_spec
    if arg is None or isinstance(arg, (int, float, dtypes.DType, TypeSpec)):
        return arg
    return UnknownArgument()


def convert_structure_to_signature(
    structure: Structure, arg_names: Sequence[str] | None = None
) -> Any:
    """Arguments with TensorSpecs in place of tensors.

    Args:
      structure: a list, tuple or dict of arguments.
      arg_names: the names of those on the top level, which name the TensorSpecs.

    Raises:
      ValueError: there are more or fewer names than arguments.
    """
    flat = nest.flatten_with_tuple_paths(structure)
    if arg_names:
        if len(arg_names) != len(structure):
            raise ValueError(
                f"Passed in arg_names don't match actual signature ({arg_names})."
            )
        flat = [((arg_names[path[0]], *path[1:]), arg) for path, arg in flat]
    found = [_signature_of(arg, path) for path, arg in flat]
    return nest.pack_sequence_as(structure, found)


def _parameter(dtype: DTypeLike, shape: TensorShape, name: str | None) -> Tensor:
    """A placeholder; of another name where the wanted one is none for an operation."""
    attrs = {"dtype": dtypes.as_dtype(dtype).base_dtype, "shape": shape.raw}
    graph = context.get_default_graph()
    try:
        op = graph.add("Placeholder", (), dict(attrs), name or "Placeholder")
    except ValueError:
        op = graph.add("Placeholder", (), attrs, "Placeholder")
    return op._outputs[0]


class _Parameters:
    """Makes the parameters for the arguments that a function is traced with."""

    def __init__(self, graph: FuncGraph, given: Sequence[Any] | None) -> None:
        self.graph = graph
        self.shapes = itertools.repeat(None) if given is None else iter(given)

    def made_for(
        self, args: Sequence[Any], names: Sequence[Any] | None, structure: Structure
    ) -> Any:
        """Arguments with tensors replaced by parameters.

        Raises:
          ValueError: some TensorSpecs of one argument are named, others are not.
        """
        found = []
        for value, name in zip(args, names or [None] * len(args), strict=True):
            flat = nest.flatten(value, expand_composites=True)
            specs = [a for a in flat if isinstance(a, TensorSpec)]
            named = [s for s in specs if s.name]
            if named and len(named) < len(specs):
                raise ValueError(
                    "If specifying TensorSpec names for nested structures, either zero "
                    "or all names have to be specified."
                )
            found.extend(self._one(arg, name) for arg in flat)
        return nest.pack_sequence_as(structure, found, expand_composites=True)

    def _one(self, arg: Structure, name: str | None) -> Any:
        shape = next(self.shapes)
        if isinstance(arg, (Tensor, TensorSpec)):
            wanted = (arg.name or name) if isinstance(arg, TensorSpec) else name
            made = _parameter(arg.dtype, arg.shape if shape is None else shape, wanted)
            if isinstance(arg, Tensor):
                made._held = arg._held
            if name is not None:
                made.op.attrs[NAME_ATTR] = wanted
            return made
        if is_resource_variable(arg):
            # forgotten as a capture after tracing: it is a parameter
            self.graph.capture(arg.handle, name).op.attrs[NAME_ATTR] = name
        elif shape is not None:
            raise RuntimeError(
                "Expected provided shape override to be None for arg that isn't a "
                f"Tensor, but saw arg: '{arg}', shape: '{shape}'."
            )
        return arg


# ---------------------------------------------------------------------- tracing


def check_mutation(n1: Structure, n2: Structure) -> None:
    """Check that a traced function left the structure of its arguments alone.

    Raises:
      ValueError: it did not.
    """
    text = (
        "Function to be traced should not modify structure of input arguments. Check "
        "if your function has list and dictionary operations that alter input "
        "arguments, such as `list.pop`, `list.append`"
    )
    try:
        nest.assert_same_structure(n1, n2, expand_composites=True)
    except ValueError:
        raise ValueError(text) from None
    before = nest.flatten(n1, expand_composites=True)
    after = nest.flatten(n2, expand_composites=True)
    if any(a is not b for a, b in zip(before, after, strict=True)):
        raise ValueError(text)


def func_graph_from_py_func(
    name: str,
    python_func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    signature: Structure = None,
    func_graph: FuncGraph | None = None,
    autograph: bool = False,
    autograph_options: object = None,
    add_control_dependencies: bool = True,
    arg_names: Sequence[str] | None = None,
    op_return_value: Tensor | None = None,
    collections: dict[Any, Any] | None = None,
    capture_by_value: bool | None = None,
    override_flat_arg_shapes: Sequence[Any] | None = None,
) -> FuncGraph:
    """The body that `python_func` makes.

    Args:
      name: what the function is called in messages.
      python_func: takes tensors and anything else; makes operations.
      args, kwargs: the arguments to trace it with; tensors and TensorSpecs become
        parameters.
      signature: TensorSpecs that replace `args` and `kwargs`.
      func_graph: the graph to make the operations in.
      autograph, autograph_options: whether Python control flow is converted, and what
        else.
      add_control_dependencies: whether operations with state run in program order.
      arg_names: the names of positional arguments.
      op_return_value: what a result that is an operation is replaced by.
      collections: the collections of the new graph.
      capture_by_value: whether variables are read outside when the function is traced.
      override_flat_arg_shapes: a shape for each leaf of the arguments that is a tensor.

    Raises:
      TypeError: a result can be no tensor.
      ValueError: both `signature` and `override_flat_arg_shapes` are given, or the
        function changes the structure of its arguments.
    """
    if autograph:
        python_func = hooks.traced_function(python_func, autograph_options)
    if func_graph is None:
        func_graph = FuncGraph(name, collections, capture_by_value)
    if signature is not None and override_flat_arg_shapes is not None:
        raise ValueError(
            "Passed both signature and override_flat_arg_shapes: "
            f"{signature} and {override_flat_arg_shapes}."
        )
    if signature is not None:
        args, kwargs = signature, {}
    manager = AutomaticControlDependencies() if add_control_dependencies else None
    tracing = _Tracing(python_func, op_return_value, manager)
    with func_graph.as_default(), manager or contextlib.nullcontext():
        tracing.run(func_graph, args, kwargs, arg_names, override_flat_arg_shapes)
    if manager is not None:
        must_run = sorted(manager.ops_which_must_run, key=lambda op: op._id)
        func_graph.control_outputs.extend(must_run)
    return func_graph


class _Tracing:
    """One run of a Python function with parameters for arguments."""

    def __init__(
        self,
        function: Callable[..., Any],
        op_return_value: Tensor | None,
        manager: AutomaticControlDependencies | None,
    ) -> None:
        self.function = function
        self.op_return_value = op_return_value
        self.manager = manager

    def run(
        self,
        graph: FuncGraph,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        arg_names: Sequence[str] | None,
        flat_shapes: Sequence[Any] | None,
    ) -> None:
        """Call the function; set the graph's inputs and outputs."""
        parameters = _Parameters(graph, flat_shapes)
        func_args = parameters.made_for(args, arg_names, args)
        names = sorted(kwargs)
        func_kwargs = parameters.made_for([kwargs[n] for n in names], names, kwargs)
        graph.structured_input_signature = (
            convert_structure_to_signature(func_args, arg_names),
            convert_structure_to_signature(func_kwargs),
        )
        given = func_args, func_kwargs
        flat = nest.flatten(given, expand_composites=True)
        graph.inputs = [arg for arg in flat if isinstance(arg, Tensor)]
        before = nest.pack_sequence_as(given, flat, expand_composites=True)
        scope = get_variable_scope()
        use_resource = scope.use_resource
        scope.set_use_resource(True)
        try:
            results = self.function(*func_args, **func_kwargs)
            results = nest.map_structure(self._output, results, expand_composites=True)
            check_mutation(before, given)
        finally:
            scope.set_use_resource(use_resource)
        _finish(graph, flat, results)

    def _output(self, value: Structure) -> Any:
        value = _as_output(value, self.function, self.op_return_value)
        if value is None or self.manager is None:
            return value
        return self.manager.mark_as_return(value)


def _as_output(
    value: Structure, python_func: Callable[..., Any], op_return_value: Tensor | None
) -> Any:
    """What a function returns, as a tensor or a composition of tensors.

    Raises:
      TypeError: it can be none.
    """
    if value is None or isinstance(value, Flowing):
        return value
    if op_return_value is not None and isinstance(value, Operation):
        with context.get_default_graph().control_dependencies([value]):
            return F.Identity(op_return_value)
    try:
        return convert_to_tensor_or_composite(value)
    except (TypeError, ValueError):
        raise TypeError(
            "To be compatible with tf.contrib.eager.defun, Python functions must "
            f"return zero or more Tensors; in compilation of {python_func}, found "
            f"return value of type {type(value)}, which is not a Tensor."
        ) from None


def _finish(graph: FuncGraph, flat_args: Iterable[Any], results: Structure) -> None:
    """Set inputs, outputs and variables from what was traced."""
    of_arguments = set()
    inputs = []
    for arg in flat_args:
        if is_resource_variable(arg):
            parameter = graph.pop_capture(arg.handle)
            if parameter is not None:
                parameter._held = Held(arg.shape.raw, arg.dtype)
                of_arguments.add(id(arg))
                inputs.append(parameter)
        elif isinstance(arg, Tensor):
            inputs.append(arg)
    graph.inputs = inputs + graph.internal_captures
    graph.structured_outputs = results
    graph.outputs.extend(
        graph.capture(t) for t in flat_tensors(results) if t is not None
    )
    deferred = nest.flatten(graph.deferred_internal_captures, expand_composites=True)
    graph.inputs = inputs + graph.internal_captures + deferred
    graph.variables = [v for v in graph.watched_variables if id(v) not in of_arguments]


def flatten(sequence: Structure) -> list[Any]:
    """The tensors of a structure: composites expanded, TensorArrays as their flows."""
    return flat_tensors(sequence)


def pack_sequence_as(structure: Structure, flat_sequence: Iterable[Any]) -> Any:
    """Tensors in the form of a structure, TensorArrays where it has them.

    Raises:
      ValueError: there are more or fewer than the structure has.
    """
    flat = list(flat_sequence)
    if len(nest.flatten(structure, expand_composites=True)) != len(flat):
        raise ValueError("Mismatch in element count")
    return repacked(structure, flat)


def maybe_captured(tensor: Tensor) -> Any:
    """What an input of a function stands for, through all levels; else the tensor."""
    while (
        not getattr(tensor, "_is_eager", False)
        and kind_of(tensor.op.type) is Kind.PARAMETER
    ):
        graph = tensor.graph
        outer = graph.outside(tensor) if isinstance(graph, FuncGraph) else None
        if outer is None:
            break
        tensor = outer
    return tensor


def device_stack_has_callable(device_stack: Iterable[Any]) -> bool:
    """Whether a function chooses the device in one of some device blocks."""
    return any(scope.function is not None for scope in device_stack)


def dismantle_func_graph(func_graph: FuncGraph) -> None:
    """Make a body unusable; its parts can then be collected one by one."""
    func_graph.clear_captures()
    func_graph._ops.clear()
    func_graph._by_name.clear()


__all__ = [
    "FuncGraph",
    "UnknownArgument",
    "check_mutation",
    "convert_structure_to_signature",
    "device_stack_has_callable",
    "dismantle_func_graph",
    "flatten",
    "func_graph_from_py_func",
    "maybe_captured",
    "pack_sequence_as",
]
