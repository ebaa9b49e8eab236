"""A traced function with the tensors that it takes from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.functions.calling import call_flat
from retrograd.functions.tracing import NAME_ATTR
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import FuncGraph, uid
from retrograd.graph.specs import CompositeTensor, TensorSpec
from retrograd.graph.tensor import Tensor
from retrograd.ops.flow.bodies import packed_like
from retrograd.variables.resource import variable_accessed
from retrograd.variables.variable import is_resource_variable

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.typing import Structure

FORWARD_FUNCTION_ATTRIBUTE_NAME = "forward_function_name"
BACKWARD_FUNCTION_ATTRIBUTE_NAME = "backward_function_name"


def checked_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a function in memory form.

    Raises:
      ValueError: a value is of no kind that an attribute can have.
    """
    from retrograd.formats.node import attr_from_user

    found = {}
    for key, value in attributes.items():
        if hasattr(value, "SerializeToString"):
            value = attr_from_user(value)
        elif not isinstance(value, (bool, int, float, str, bytes)):
            raise ValueError(
                f"Unsupported attribute type for {key} with type {type(value)}"
            )
        found[key] = value
    return found


class ConcreteFunction:
    """A function of tensors: one trace of a Python function.

    Calling it runs the trace, or adds an operation that does to the default graph.

    Args:
      func_graph: the body.
      attrs: attributes of the function.
      signature: the TensorSpecs that it was traced with.
      shared_func_graph: accepted; bodies are collected like anything else.
    """

    def __init__(
        self,
        func_graph: FuncGraph,
        attrs: dict[str, Any] | None = None,
        signature: Structure = None,
        shared_func_graph: bool = True,
    ) -> None:
        del shared_func_graph
        self._arg_keywords: list[str] | None = None
        self._num_positional_args: int | None = None
        self._func_graph = func_graph
        self._captured_inputs = func_graph.external_captures
        self._captured_closures = func_graph.deferred_external_captures
        self._attrs = checked_attributes(attrs or {})
        self._signature = signature
        if func_graph.function_name == func_graph.name:
            func_graph.function_name = f"__inference_{func_graph.name}_{uid()}"

    # ------------------------------------------------------------------ calling

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call the function.

        Args:
          *args: tensors or variables, in the order of `inputs`.
          **kwargs: the same by the names of the parameters.

        Returns:
          What the Python function returned, with tensors of this call.

        Raises:
          AssertionError: the function was not made by `get_concrete_function`.
          TypeError: arguments that do not match its parameters.
          ValueError: an argument is no tensor.
        """
        return self._call_impl(args, kwargs)

    def _call_impl(
        self, args: Sequence[Any], kwargs: dict[str, Any], cancellation: object = None
    ) -> Any:
        del cancellation
        names, most = self._arg_keywords, self._num_positional_args
        if names is None or most is None:
            if self._signature is None:
                raise AssertionError(
                    "Tried to call a concrete function obtained from an internal API "
                    "through the public interface. Use get_concrete_function instead."
                )
            if kwargs:
                raise NotImplementedError(
                    "Keyword arguments not supported when calling a "
                    "wrap_function-decorated function."
                )
            return self._call_flat(args, self.captured_inputs)
        if len(args) > most:
            raise TypeError(
                f"Expected at most {most} positional arguments (and the rest keywords, "
                f"of {names}), got {tuple(args)}. When calling a concrete function, "
                "positional arguments may not be bound to Tensors within nested "
                "structures."
            )
        return self._call_flat(
            _by_name(names, list(args), kwargs), self.captured_inputs
        )

    def _filtered_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call with the tensors and variables among a Python function's arguments."""
        flat = nest.flatten((args, kwargs), expand_composites=True)
        given = [a for a in flat if isinstance(a, Tensor) or is_resource_variable(a)]
        return self._call_flat(given, self.captured_inputs)

    def _call_flat(self, args: Sequence[Any], captured_inputs: Sequence[Any]) -> Any:
        args = list(args)
        if any(isinstance(a, CompositeTensor) for a in args):
            raise AssertionError(
                "Expected all args to be Tensors or Variables; but got "
                f"CompositeTensor: {args!r}"
            )
        graph = context.get_default_graph()
        if isinstance(graph, FuncGraph) and not self._func_graph.saveable:
            graph.mark_as_unsaveable(self._func_graph.saving_errors)
        for variable in self._func_graph.variables:
            variable_accessed(variable)
        tensors = self._tensors(args)
        found = call_flat(self._func_graph, [*tensors, *captured_inputs])
        return self._build_call_outputs(found)

    def _tensors(self, args: Sequence[Any]) -> list[Tensor]:
        """The arguments as tensors; a variable that is given twice is passed once.

        Raises:
          ValueError: one is no tensor, or of another shape than traced.
        """
        found: list[Tensor] = []
        handles: set[int] = set()
        for i, arg in enumerate(args):
            if is_resource_variable(arg):
                if id(arg.handle) not in handles:
                    variable_accessed(arg)
                    handles.add(id(arg.handle))
                    found.append(arg.handle)
            elif isinstance(arg, Tensor):
                if not context.executing_eagerly():
                    self._check_shape(i, arg)
                found.append(arg)
            elif self._signature is not None and isinstance(
                self._signature[i], TensorSpec
            ):
                found.append(convert_to_tensor(arg, self._signature[i].dtype))
            else:
                raise ValueError(
                    "All inputs to `ConcreteFunction`s must be Tensors; on invocation "
                    f"of {self._func_graph.name}, the {i}-th input ({arg}) was not a "
                    "Tensor."
                )
        return found

    def _check_shape(self, i: int, arg: Tensor) -> None:
        wanted = self._func_graph.inputs[i].shape
        if wanted.is_compatible_with(arg.shape):
            return
        names = self._arg_keywords
        name = f"'{names[i]}'" if names else f"with index {i}"
        raise ValueError(
            f"The argument {name} (value {arg}) is not compatible with the shape this "
            f"function was traced with. Expected shape {wanted}, but got shape "
            f"{arg.shape}.\n\nIf you called get_concrete_function, you may need to "
            "pass a tf.TensorSpec(..., shape=...) with a less specific shape, having "
            "None on axes which can vary."
        )

    def _build_call_outputs(self, result: Structure) -> Any:
        """The outputs in the structure that the Python function returned."""
        structure = self._func_graph.structured_outputs
        if structure is None:
            return result if self._returns_list else None
        return packed_like(structure, result or ())

    @property
    def _returns_list(self) -> bool:
        return bool(self._func_graph.outputs)

    def _experimental_with_cancellation_manager(
        self, cancellation_manager: object
    ) -> Any:
        def cancellable_call(*args: object, **kwargs: object) -> Any:
            return self._call_impl(args, kwargs, cancellation_manager)

        return cancellable_call

    # ------------------------------------------------------------------ properties

    @property
    def name(self) -> bytes:
        """The name in a library of functions."""
        return self._func_graph.function_name.encode()

    @property
    def graph(self) -> FuncGraph:
        """The body."""
        return self._func_graph

    @property
    def inputs(self) -> list[Tensor]:
        """The parameters, then what stands for tensors from outside."""
        return self._func_graph.inputs

    @property
    def outputs(self) -> list[Tensor]:
        """The tensors of the body that a call returns."""
        return self._func_graph.outputs

    @property
    def captured_inputs(self) -> list[Any]:
        """The tensors from outside that a call passes after its arguments."""
        found = [closure() for closure in self._captured_closures]
        return self._captured_inputs + nest.flatten(found, expand_composites=True)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the function uses besides its arguments."""
        return tuple(self._func_graph.variables)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The trainable ones among `variables`."""
        return tuple(v for v in self._func_graph.variables if v.trainable)

    @property
    def structured_input_signature(self) -> Any:
        """(args, kwargs) of the Python function, TensorSpecs in place of tensors."""
        return self._func_graph.structured_input_signature

    @property
    def structured_outputs(self) -> Any:
        """What the Python function returned, with tensors of the body."""
        return self._func_graph.structured_outputs

    @property
    def output_shapes(self) -> Any:
        """The static shapes of the results, in their structure."""
        return self._of_outputs(lambda x: getattr(x, "shape", shapes.TensorShape(None)))

    @property
    def output_dtypes(self) -> Any:
        """The dtypes of the results, in their structure; None where they have None."""
        return self._of_outputs(lambda x: None if x is None else x.dtype)

    def _of_outputs(self, function: Callable[..., Any]) -> Any:
        structure = nest.map_structure(_parts, self._func_graph.structured_outputs)
        return nest.map_structure(function, structure)

    def add_to_graph(self, g: Graph | None = None) -> None:
        """Add the function to the library of a graph, by default the default one."""
        if g is None and context.executing_eagerly():
            return
        graph = context.get_default_graph() if g is None else g
        graph._add_function(self._func_graph)

    def add_gradient_functions_to_graph(self, g: Graph | None = None) -> None:
        """As `add_to_graph`: derivatives are added when they are made."""
        self.add_to_graph(g)


def _parts(value: Structure) -> Any:
    """A composite tensor as the list of its tensors."""
    if isinstance(value, CompositeTensor):
        return nest.flatten(value, expand_composites=True)
    return value


def _by_name(names: Sequence[str], args: list[Any], kwargs: dict[str, Any]) -> Any:
    """The arguments in the order of the parameters.

    Raises:
      TypeError: one is missing, given twice, or none of the function's.
    """
    first = len(args)
    kwargs = dict(kwargs)
    for name in names[first:]:
        if name not in kwargs:
            given = [*names[: len(args)], *kwargs]
            missing = list(set(names) - set(given))
            raise TypeError(
                f"Expected argument names {list(names)} but got values for {given}. "
                f"Missing: {missing}."
            )
        args.append(kwargs.pop(name))
    for name in kwargs:
        if name in names:
            raise TypeError(f"Got two values for keyword '{name}'.")
        raise TypeError(
            f"Keyword arguments {list(kwargs)} unknown. Expected {list(names)}."
        )
    return args


def name_parameters(function: ConcreteFunction) -> None:
    """Give the parameters of a concrete function names of their own."""
    graph = function.graph
    captured = set(map(id, graph.internal_captures))
    names: list[str] = []
    counts: dict[str, int] = {}
    for parameter in graph.inputs:
        if id(parameter) in captured:
            break
        wanted = name = parameter.op.attrs[NAME_ATTR]
        while name in names:
            count = counts.get(wanted, 1)
            name, counts[wanted] = f"{wanted}_{count}", count + 1
        names.append(name)
    function._arg_keywords = names
    function._num_positional_args = len(names)


__all__ = ["ConcreteFunction", "checked_attributes", "name_parameters"]
