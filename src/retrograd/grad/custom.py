"""Gradients given by the program: `tf.custom_gradient` and what is built on it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.grad.tape import GradientTape, watched_tensor
from retrograd.graph import context, opdef
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.function import FuncGraph, uid
from retrograd.graph.hooks import hooks
from retrograd.graph.names import GraphKeys
from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F, gradient_registry, kind_of
from retrograd.ops.host import py_func
from retrograd.ops.traits import Kind

if TYPE_CHECKING:
    from retrograd.typing import Gradient, TensorLike
    from retrograd.variables.variable import Variable


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function that says what its gradient is.

    Args:
      f: takes tensors; returns (results, grad_fn), where `grad_fn(*dys)` makes the
        derivative with respect to each argument. If `f` uses variables, `grad_fn` has
        an argument `variables` as well, and returns a second list, of the derivatives
        with respect to these.

    Returns:
      A function of the same arguments that returns the results alone.

    Raises:
      TypeError: (when called) variables are used and `grad_fn` takes none.
      ValueError: (when called) keyword arguments in graph mode.
    """

    @functools.wraps(f)
    def decorated(*args: object, **kwargs: object) -> Any:
        if context.executing_eagerly():
            return _in_eager_mode(f, args, kwargs)
        if kwargs:
            raise ValueError(
                "The custom_gradient decorator currently supports keywords arguments "
                "only when eager execution is enabled."
            )
        return _in_graph(f, args)

    decorated.__wrapped__ = f
    return decorated


class _Gradient:
    """The gradient function of one call."""

    def __init__(
        self, grad_fn: Callable[..., Any], results: int, args: int, variables: list[Any]
    ):
        self.grad_fn, self.results, self.args = grad_fn, results, args
        self.variables = variables
        found = inspect.signature(grad_fn).parameters
        self.takes_variables = "variables" in found or any(
            p.kind is p.VAR_KEYWORD for p in found.values()
        )
        if variables and not self.takes_variables:
            raise TypeError(
                "If using @custom_gradient with a function that uses variables, then "
                "grad_fn must accept a keyword argument 'variables'."
            )

    def __call__(self, dys: Sequence[Any]) -> list[Any]:
        """The derivatives with respect to arguments, then variables."""
        if not self.variables:
            return nest.flatten(self.grad_fn(*dys[: self.results]))
        to_args, to_variables = self.grad_fn(
            *dys[: self.results], variables=self.variables
        )
        if len(to_variables) != len(self.variables):
            raise ValueError(
                "Must return gradient for each variable from @custom_gradient grad_fn."
            )
        return [*nest.flatten(to_args), *to_variables]


def _in_graph(f: Callable[..., Any], args: Sequence[Any]) -> Any:
    """The results through an IdentityN whose gradient is the program's."""
    name = f"CustomGradient-{uid()}"
    tensors = [convert_to_tensor(a) for a in args]
    before = set(map(id, _known_variables()))
    with GradientTape() as tape:
        result, grad_fn = f(*tensors)
    _refuse_references([v for v in _known_variables() if id(v) not in before])
    flat = [convert_to_tensor(r) for r in nest.flatten(result)]
    variables = list(dict.fromkeys(tape.watched_variables()))
    known = {id(v) for v in variables}
    variables += [v for v in _variables_between(tensors, flat) if id(v) not in known]
    variables = [v for v in variables if all(v is not a for a in args)]
    gradient = _Gradient(grad_fn, len(flat), len(args), variables)
    _check_signature(gradient)

    def rule(n: Operation, *dys: Gradient) -> list[Any]:
        del n
        return [None] * len(flat) + gradient(dys)

    gradient_registry.declare(name, rule)
    graph = context.get_default_graph()
    with graph.gradient_override_map({F.IdentityN.__name__: name}):
        outputs = F.IdentityN([*flat, *tensors, *variables])
    return nest.pack_sequence_as(result, outputs[: len(flat)])


def _known_variables() -> list[Any]:
    graph = context.get_default_graph()
    keys = GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES
    return [v for key in keys for v in graph.get_collection(key)]


def _refuse_references(made: Sequence[Any]) -> None:
    """Refuse reference variables that a function with a gradient of its own makes.

    Raises:
      TypeError: there is one.
    """
    if not all(getattr(v, "_is_resource_variable", False) for v in made):
        raise TypeError(
            "All variables used by a function wrapped with @custom_gradient must be "
            "`ResourceVariable`s. Ensure that no `variable_scope` is created with "
            "`use_resource=False`."
        )


def _check_signature(gradient: _Gradient) -> None:
    """Refuse a gradient function that expects variables where none were used.

    In a scope of resource variables there is a warning instead.

    Raises:
      TypeError: the scope is of another kind.
    """
    if not gradient.takes_variables or gradient.variables:
        return
    if not hooks.variables_are_resources():
        raise TypeError(
            "If using @custom_gradient with a function that uses variables, the "
            "enclosing variable scope must have use_resource=True."
        )
    from retrograd.platform import logs

    logs.warn(
        "@custom_gradient grad_fn has 'variables' in signature, but no "
        "ResourceVariables were used on the forward pass."
    )


def _variables_between(xs: Sequence[Tensor], ys: Sequence[Tensor]) -> list[Any]:
    """The trainable variables that ys depend on otherwise than through xs."""
    stops, pending = set(xs), list(ys)
    seen: set[Operation] = set()
    found: dict[str, None] = {}
    while pending:
        tensor = pending.pop()
        if tensor in stops:
            continue
        op = tensor.op
        outer = op.graph.outside(tensor) if isinstance(op.graph, FuncGraph) else None
        if outer is not None:
            pending.append(outer)
        elif op not in seen:
            seen.add(op)
            if kind_of(op.type) is Kind.VARIABLE:
                found[op.name] = None
            pending.extend(op.inputs)
    graph = context.get_default_graph()
    known = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
    return [v for v in known if v.op.name in found]


def _in_eager_mode(f: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """The results as tensors that a tape takes for one operation's outputs."""
    with GradientTape() as tape:
        result, grad_fn = f(*args, **kwargs)
    given = [*args, *kwargs.values()]
    variables = [v for v in tape.watched_variables() if all(v is not g for g in given)]
    flat = nest.flatten(result)
    gradient = _Gradient(grad_fn, len(flat), len(args), variables)

    def rule(n: Operation, *dys: Gradient) -> list[Any]:
        del n
        terms = gradient(dys)
        if len(terms) != len(args) + len(variables):
            raise ValueError(
                "custom_gradient function expected to return",
                len(args),
                "gradients but returned",
                len(terms) - len(variables),
                "instead.",
            )
        return terms

    tapes, context.local.tapes = context.local.tapes, []
    try:
        outputs = [F.Identity(t) for t in flat]
        inputs = [_source(v) for v in (*args, *variables)]
    finally:
        context.local.tapes = tapes
    op_def = opdef.lookup("IdentityN")
    assert op_def is not None
    record = Record(op_def, inputs, {"T": [t.dtype for t in inputs]})
    record._outputs = outputs
    record._gradient_function = rule
    for tape in tapes:
        tape.record(record)
    return nest.pack_sequence_as(result, outputs)


def _source(value: TensorLike) -> Tensor:
    if getattr(value, "_is_resource_variable", False):
        return watched_tensor(value)
    return convert_to_tensor(value)


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose intermediate values are computed again for its gradient.

    Args:
      f: takes tensors, makes a tensor or several.
    """

    @custom_gradient
    def inner(*args: object, **kwargs: object) -> Any:
        result = f(*args, **kwargs)

        def grad(dresult: object, variables: Sequence[Variable] | None = None) -> Any:
            extra = [_as_read(v) for v in variables or ()]
            # a tape ends at the arguments; the graph would go on to what made them
            with GradientTape() as tape:
                tape.watch([args, extra])
                with control_dependencies([dresult]):
                    again = f(*args, **kwargs)
            found = tape.gradient(again, [*args, *extra], output_gradients=[dresult])
            return found[: len(args)], found[len(args) :]

        return result, grad

    return inner


def _as_read(variable: Variable) -> Any:
    """A variable as a tape sees that it is used: a reference is read by a tensor."""
    if getattr(variable, "_is_resource_variable", False):
        return variable
    return variable.value()


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the values of `f` and the gradient of an identity."""

    @custom_gradient
    def through(*args: Any, **kwargs: Any) -> Any:
        def grad(*dys: Any, **named: Any) -> Any:
            variables = named.get("variables")
            return dys if variables is None else (dys, [None] * len(variables))

        return f(*args, **kwargs), grad

    return functools.wraps(f)(through)


def python_gradient(n: Operation, *dys: Gradient) -> list[Any]:
    """The derivative of an EagerPyFunc: its function run again, under a tape."""
    function = py_func.function_of(n)
    count = len(n.inputs)
    places = [i for i, t in enumerate(n.inputs) if t.dtype.is_floating]

    def backward(*values: object) -> list[Any]:
        args, seeds = values[:count], values[count:]
        with GradientTape() as tape:
            tape.watch([args[i] for i in places])
            results, _ = function.tensors(args) or ([], [])
        floats = [
            (y, dy) for y, dy in zip(results, seeds, strict=True) if y.dtype.is_floating
        ]
        found = tape.gradient(
            [y for y, _ in floats],
            [args[i] for i in places],
            output_gradients=[dy for _, dy in floats],
            unconnected_gradients="zero",
        )
        return [convert_to_tensor(g) for g in found]

    types = [n.inputs[i].dtype.base_dtype for i in places]
    filled = [
        F.ZerosLike(y) if dy is None else dy
        for y, dy in zip(n.outputs, dys, strict=True)
    ]
    found = py_func.eager_py_func(backward, [*n.inputs, *filled], types)
    result: list[Any] = [None] * count
    for i, term in zip(places, found, strict=True):
        term.set_shape(n.inputs[i].shape)
        result[i] = term
    return result


hooks.provide(python_gradient=python_gradient)
