"""`Defun`: functions of a graph with declared types, called by their name.

They are made when they are first used. What they take from outside becomes further
inputs; `get_variable` in them finds or makes variables outside, whose values they take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.names import GraphKeys
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import kind_of
from retrograd.ops.traits import Kind
from retrograd.util import inspecting
from retrograd.util.functions import get_func_name
from retrograd.variables.scope import get_variable_scope, variable_scope
from retrograd.variables.store import _get_default_variable_store
from retrograd.variables.variable import is_resource_variable

if TYPE_CHECKING:
    from retrograd.typing import DeviceLike, DTypeLike, Getter, Structure

_VARIABLE_COLLECTIONS = (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.METRIC_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    ("__variable_store",),
)


class Defun:
    """A decorator that makes a function of a graph of a Python function.

        @Defun(tf.float32, tf.float32)
        def f(x, y):
            return x + y, x - y

    Args:
      *input_types: the dtypes of the arguments; by default those of each call.
      **kwargs: `func_name`, the name in the graph; `grad_func`, another such function,
        of the arguments and the derivatives of the results, that returns those of the
        arguments; `python_grad_func`, the same as a Python function `(op, *grads)`;
        `out_names`, names of the results; others go to each call.
    """

    def __init__(self, *input_types: DTypeLike, **kwargs: Any) -> None:
        self._input_types = input_types
        self._func_name = kwargs.pop("func_name", None)
        self._grad_func = kwargs.pop("grad_func", None)
        self._python_grad_func = kwargs.pop("python_grad_func", None)
        self._out_names = kwargs.pop("out_names", None)
        self._extra_kwargs = kwargs

    def __call__(self, func: Callable[..., Any]) -> Any:
        """The function of a graph.

        Raises:
          ValueError: `func` has defaults or keyword arguments, or another number of
            parameters than there are types.
        """
        if not callable(func):
            raise ValueError(f"function {func} must be callable")
        spec = inspecting.getargspec(func)
        if spec.keywords or spec.defaults:
            raise ValueError(
                "function with argument defaults or keywords arguments are not "
                f"supported. {func} has defaults {spec.defaults} and keywords "
                f"{spec.keywords}."
            )
        least = len(spec.args)
        most = 1000000 if spec.varargs else least
        names = spec.args
        if inspecting.ismethod(func):
            least -= 1
            names = names[1:]
        given = dict(
            func_name=self._func_name,
            grad_func=self._grad_func,
            python_grad_func=self._python_grad_func,
            out_names=self._out_names,
            **self._extra_kwargs,
        )
        if self._input_types:
            if not least <= len(self._input_types) <= most:
                raise ValueError(
                    "The function has fewer arguments than the number of specified "
                    "input types."
                )
            return _DefinedFunction(func, names, self._input_types, **given)
        if least == most == 0:
            return _DefinedFunction(func, [], [], **given)
        return _OverloadedFunction(func, names, **given)


class _FuncGraph(FuncGraph):
    """The body of a `Defun`.

    Args:
      name: the function's name.
      capture_by_value: whether what is taken from outside is copied into the body.
      whitelisted_stateful_ops: operations with state that may be copied.
      capture_resource_var_by_value: whether variables are taken by value.
    """

    def __init__(
        self,
        name: str,
        capture_by_value: bool,
        whitelisted_stateful_ops: set[Any],
        capture_resource_var_by_value: bool,
        collections: dict[Any, Any] | None,
    ) -> None:
        super().__init__(name, collections)
        self._copies = capture_by_value
        self._whitelisted_stateful_ops = whitelisted_stateful_ops
        self._capture_resource_var_by_value = capture_resource_var_by_value
        self._vscope = get_variable_scope()
        self.extra_vars: list[Any] = []
        self._copied: dict[Any, Any] = {}

    def getvar(self, getter: Getter, name: str, *args: Any, **kwargs: object) -> Any:
        """Find or make a variable outside; its value, if it is a resource variable."""
        del getter
        kept = ("shape", "dtype", "initializer", "reuse", "trainable", "collections")
        given = {k: kwargs[k] for k in (*kept, "use_resource") if k in kwargs}
        with self.outer_graph.as_default():
            store = _get_default_variable_store()
            variable = self._vscope.get_variable(store, name, *args, **given)
            self.extra_vars.append(variable)
            if is_resource_variable(variable) and self._capture_resource_var_by_value:
                return variable.value()
            return variable

    def capture(self, tensor: Tensor, name: str | None = None) -> Tensor:
        """See `FuncGraph.capture`; a reference is taken by value."""
        eager = getattr(tensor, "_is_eager", False)
        if not self._copies or eager or tensor.graph is self:
            return super().capture(tensor, name)
        known = self._copied.get(tensor)
        if known is None:
            known = self._copy(tensor.op).outputs[tensor.value_index]
        return known

    def _copy(self, op: Operation) -> Operation:
        """Add a copy of an operation of another graph, with all it depends on.

        Raises:
          ValueError: an operation among them has state or is a placeholder.
        """
        if op._is_stateful and op not in self._whitelisted_stateful_ops:
            raise ValueError(
                f"Cannot capture a stateful node (name:{op.name}, type:{op.type}) by "
                "value."
            )
        if kind_of(op.type) is Kind.PARAMETER and not op.inputs:
            raise ValueError(
                f"Cannot capture a placeholder (name:{op.name}, type:{op.type}) by "
                "value."
            )
        inputs = [self.capture(t) for t in op.inputs]
        types = [t.dtype for t in op.outputs]
        with self.as_default():
            made = self.add(op.type, inputs, dict(op.attrs), op.name, types)
        self._copied.update(zip(op.outputs, made.outputs, strict=True))
        return made


def func_graph_from_py_func(
    func: Callable[..., Any],
    arg_names: Sequence[str],
    arg_types: Sequence[Any],
    name: str | None = None,
    capture_by_value: bool = False,
    device: DeviceLike = None,
    colocation_stack: Structure = None,
    container: str | None = None,
    collections_ref: dict[Any, Any] | None = None,
    arg_shapes: Sequence[Any] | None = None,
    whitelisted_stateful_ops: set[Any] | None = None,
    capture_resource_var_by_value: bool = True,
) -> FuncGraph:
    """The body that `func` makes.

    Args:
      func: takes tensors, returns one, several or None.
      arg_names, arg_types, arg_shapes: what its parameters are.
      name: the function's name; by default that of `func`.
      capture_by_value: whether what is taken from outside is copied into the body.
      device: the device of its operations.
      colocation_stack: colocation scopes around its operations.
      container: the container of its operations with state.
      collections_ref: its collections.
      whitelisted_stateful_ops: operations with state that may be copied.
      capture_resource_var_by_value: whether variables are taken by value.

    Raises:
      ValueError: one of several results is None.
    """
    graph = _FuncGraph(
        name or get_func_name(func),
        capture_by_value,
        whitelisted_stateful_ops or set(),
        capture_resource_var_by_value,
        collections_ref,
    )
    if container is not None:
        graph._container = container
    if colocation_stack is not None:
        graph._scopes.colocation = list(colocation_stack)
    shapes = [None] * len(arg_types) if arg_shapes is None else arg_shapes
    with graph.as_default(), graph.device(device):
        for label, dtype, shape in zip(arg_names, arg_types, shapes, strict=False):
            raw = None if shape is None else tuple(shape)
            graph.add_input(dtypes.as_dtype(dtype), raw, label)
        arguments = list(graph.inputs)
        with variable_scope("", custom_getter=graph.getvar):
            outputs = func(*arguments)
        if outputs is None:
            outputs = []
        elif not isinstance(outputs, (list, tuple)):
            outputs = [outputs]
        if any(t is None for t in outputs):
            raise ValueError(f"Function {name} can not return None.")
        graph.outputs = [graph.capture(convert_to_tensor(t)) for t in outputs]
        graph.structured_outputs = list(graph.outputs)
    return graph


_KNOWN_KEYWORDS = {
    "noinline": "_noinline",
    "compiled": "_XlaCompile",
    "separate_compiled_gradients": "_XlaSeparateCompiledGradients",
}


def _call_attrs(kwargs: dict[str, Any], func_name: str) -> dict[str, Any]:
    """The attributes that keywords of a call stand for.

    Raises:
      ValueError: a keyword is not known.
    """
    attrs: dict[str, Any] = {}
    for keyword, attr in _KNOWN_KEYWORDS.items():
        if keyword in kwargs:
            value = kwargs.pop(keyword)
            if value is not None:
                attrs[attr] = bool(value)
                if keyword == "compiled":
                    attrs["_XlaScope"] = f"function_{func_name}"
    for keyword in list(kwargs):
        if keyword.startswith("experimental_"):
            value = kwargs.pop(keyword)
            attrs[keyword] = list(value) if isinstance(value, tuple) else value
    if kwargs:
        raise ValueError(f"Unknown keyword arguments: {kwargs.keys()}")
    return attrs


class _DefinedFunction:
    """A function of a graph, whose body is made at the first use.

    Args:
      func: makes the body.
      argnames, input_types: its parameters.
      func_name, grad_func, python_grad_func, out_names: see `Defun`.
      shape_func: takes a calling operation; returns the shapes of its outputs.
      capture_by_value, whitelisted_stateful_ops, capture_resource_var_by_value: see
        `func_graph_from_py_func`.
      **kwargs: keywords of each call.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        argnames: Sequence[str],
        input_types: Sequence[Any],
        func_name: str | None = None,
        grad_func: _DefinedFunction | None = None,
        python_grad_func: Callable[..., Any] | None = None,
        out_names: Sequence[str] | None = None,
        shape_func: Callable[[Operation], Any] | None = None,
        capture_by_value: bool = False,
        whitelisted_stateful_ops: set[Any] | None = None,
        capture_resource_var_by_value: bool = True,
        **kwargs: object,
    ) -> None:
        self._func = func
        self._input_types = input_types
        self._func_name = func_name
        self._grad_func = grad_func
        self._python_grad_func = python_grad_func
        self._out_names = out_names
        self._shape_func = shape_func
        self._options = dict(
            capture_by_value=capture_by_value,
            whitelisted_stateful_ops=whitelisted_stateful_ops,
            capture_resource_var_by_value=capture_resource_var_by_value,
        )
        self._extra_kwargs = kwargs
        self._body: FuncGraph | None = None
        devices = context.get_default_graph()._scopes.devices
        self._caller_device = devices[-1]._given if devices else None
        known = len(argnames)
        self._arg_names = [
            argnames[i] if i < known else f"arg{i}" for i in range(len(input_types))
        ]

    # ------------------------------------------------------------------ definition

    @property
    def graph(self) -> FuncGraph:
        """The body."""
        if self._body is None:
            with context.graph_mode():
                self._body = self._define()
        return self._body

    def _define(self) -> FuncGraph:
        around = context.get_default_graph()
        collections = {
            key: around.get_collection_ref(key) for key in _VARIABLE_COLLECTIONS
        }
        body = func_graph_from_py_func(
            self._func,
            self._arg_names,
            self._input_types,
            self._func_name,
            device=self._caller_device,
            collections_ref=collections,
            **self._options,  # pyright: ignore[reportArgumentType]
        )
        if self._func_name is None:
            base = get_func_name(self._func)
            if self._grad_func is not None:
                base += f"_{self._grad_func.name}"
            self._func_name = f"{base}_{_digest(body)}"
        body.name = body.function_name = self._func_name
        if self._grad_func is not None:
            body.declare_derivative(self._grad_func.graph)
        self._attrs = _call_attrs(dict(self._extra_kwargs), self._func_name)
        return body

    @property
    def name(self) -> str:
        """The name in a graph, which is the type of the operations that call it."""
        return self.graph.function_name

    @property
    def definition(self) -> Any:
        """The function as a FunctionDef message."""
        from retrograd.formats.function_def import function_def

        return function_def(self.graph)

    @property
    def _signature(self) -> Any:
        return self.definition.signature

    def set_grad_func(self, grad_func: _DefinedFunction) -> None:
        """Give the function that differentiates this one."""
        assert not self._grad_func
        assert isinstance(grad_func, _DefinedFunction)
        self._grad_func = grad_func
        if self._body is not None:
            self._body.declare_derivative(grad_func.graph)

    @property
    def grad_func_name(self) -> str | None:
        """The name of the function that differentiates this one, or None."""
        return self._grad_func.name if self._grad_func else None

    @property
    def python_grad_func(self) -> Callable[..., Any] | None:
        """The Python function that differentiates calls, or None."""
        return self._python_grad_func

    @property
    def declared_input_types(self) -> Sequence[Any]:
        """The dtypes of the parameters."""
        return self._input_types

    @property
    def captured_inputs(self) -> list[Tensor]:
        """The tensors from outside that a call passes after its arguments."""
        return self.graph.external_captures

    @property
    def stateful_ops(self) -> list[tuple[str, str]]:
        """Name and type of the operations with state."""
        return [(op.name, op.type) for op in self.graph._ops if op._is_stateful]

    # ------------------------------------------------------------------ calling

    def add_to_graph(self, g: Graph) -> None:
        """Add the function, and those that it calls, to the library of a graph."""
        body = self.graph
        if context.executing_eagerly():
            return
        g._add_function(body)
        for function in body._functions.values():
            g._add_function(function)
        if self._grad_func:
            self._grad_func.add_to_graph(g)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add an operation that calls the function to the default graph.

        Args:
          *args: what converts to tensors.
          **kwargs: `name`, of the operation; `noinline`, kept as an attribute.

        Returns:
          The result, a tuple of several, or the operation where there are none.

        Raises:
          ValueError: another number of arguments than the function has.
        """
        body = self.graph
        if context.executing_eagerly():
            from retrograd.functions.calling import call_flat

            tensors = [convert_to_tensor(a) for a in args]
            outputs = call_flat(body, [*tensors, *self.captured_inputs])
            return _packed(outputs, None)
        graph = context.get_default_graph()
        self.add_to_graph(graph)
        inputs = [convert_to_tensor(a) for a in args]
        inputs += self.captured_inputs
        if len(inputs) != len(body.inputs):
            raise ValueError(
                f"Expected number of arguments: {len(body.inputs)}, received: "
                f"{len(inputs)}"
            )
        name = kwargs.pop("name", None) or self.name
        attrs = {**self._attrs, **_call_attrs(kwargs, self.name)}
        attrs.pop("_XlaScope", None)
        types = [t.dtype.base_dtype for t in body.outputs]
        op = graph.add(self.name, inputs, attrs, name, types)
        op.__dict__["__defun"] = self
        if self._python_grad_func is not None:
            function = self._python_grad_func
            op._gradient_function = lambda n, *dys: function(n, *dys)
        self._set_shapes(op)
        return _packed(op.outputs, op)

    def _set_shapes(self, op: Operation) -> None:
        if self._shape_func is None:
            return
        shapes = self._shape_func(op)
        if len(shapes) != len(op.outputs):
            raise ValueError(
                f"shape_func produced {len(shapes)} shapes for {len(op.outputs)} "
                "outputs"
            )
        for tensor, shape in zip(op.outputs, shapes, strict=True):
            tensor.set_shape(shape)


def _packed(outputs: Sequence[Any], op: Operation | None) -> Any:
    if not outputs:
        return op
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _digest(graph: FuncGraph) -> str:
    """Eight letters that differ for different bodies."""
    parts = [f"{t.name}:{t.dtype.name}" for t in (*graph.inputs, *graph.outputs)]
    for op in graph._ops:
        parts.append(f"{op.name} {op.type} {[t.name for t in op.inputs]}")
        parts.extend(
            f"{key}={value.function_name if isinstance(value, FuncGraph) else value!r}"
            for key, value in sorted(op.attrs.items())
        )
    return hashlib.sha1("\n".join(parts).encode()).hexdigest()[:8]


class _OverloadedFunction:
    """A `Defun` without types: a function for each combination of argument types."""

    def __init__(
        self,
        func: Callable[..., Any],
        argnames: Sequence[str],
        func_name: str | None = None,
        grad_func: _OverloadedFunction | None = None,
        python_grad_func: Callable[..., Any] | None = None,
        out_names: Sequence[str] | None = None,
        **kwargs: object,
    ) -> None:
        assert grad_func is None or isinstance(grad_func, _OverloadedFunction)
        self._func = func
        self._argnames = argnames
        self._func_name = func_name
        self._grad_func = grad_func
        self._given = dict(
            python_grad_func=python_grad_func, out_names=out_names, **kwargs
        )
        self._overload: dict[str, _DefinedFunction] = {}

    def instantiate(self, input_types: Sequence[Any]) -> _DefinedFunction:
        """The function for these argument types."""
        key = "_".join(dtypes.as_dtype(t).name for t in input_types)
        known = self._overload.get(key)
        if known is None:
            name = None if self._func_name is None else f"{self._func_name}_{key}"
            known = _DefinedFunction(
                self._func,
                self._argnames,
                input_types,
                name,
                **self._given,  # pyright: ignore[reportArgumentType]
            )
            if self._grad_func is not None:
                results = [t.dtype.base_dtype for t in known.graph.outputs]
                known.set_grad_func(
                    self._grad_func.instantiate([*input_types, *results])
                )
            self._overload[key] = known
        return known

    def __call__(self, *args: Any, **kwargs: object) -> Any:
        """Call the function for the types of these arguments."""
        tensors = [convert_to_tensor(a) for a in args]
        types = [t.dtype.base_dtype for t in tensors]
        return self.instantiate(types)(*tensors, **kwargs)


def get_extra_vars() -> list[Any]:
    """The variables that the function being made has used by `get_variable`."""
    graph = context.get_default_graph()
    return graph.extra_vars if isinstance(graph, _FuncGraph) else []


def get_extra_inputs() -> list[Any]:
    """The tensors from outside that the function being made has used."""
    graph = context.get_default_graph()
    return graph.external_captures if isinstance(graph, _FuncGraph) else []


def get_extra_args() -> list[Tensor]:
    """What stands for them in the function."""
    graph = context.get_default_graph()
    return graph.internal_captures if isinstance(graph, _FuncGraph) else []
