"""Hand-written gradients as functions of arrays: what `check_custom` tries out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, nest
from retrograd.errors import OpError, message
from retrograd.explain.operations import is_a
from retrograd.explain.report import Finding
from retrograd.explain.trace import place_at
from retrograd.grad.api import gradients
from retrograd.grad.reach import is_continuous
from retrograd.grad.terms import dense, fit
from retrograd.graph import opdef
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.graph import Graph
from retrograd.graph.names import GraphKeys
from retrograd.graph.operation import Operation
from retrograd.ops.binding import input_names
from retrograd.ops.declare import F, gradient_function, gradient_registry
from retrograd.ops.static import constant
from retrograd.ops.traits import Kind
from retrograd.run.observe import Observed
from retrograd.run.session import Session

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Gradient

Arrays = list[np.ndarray]
#: makes the outputs of some inputs, and what gives the terms for seeds
Build = Callable[[list[Any]], tuple[list[Any], Callable[[list[Any]], Any]]]


class Refused(Exception):
    """The gradient function did something that no point could make right.

    Attributes:
      findings: what.
    """

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[0].what)
        self.findings = findings


class Subject:
    """A function with its gradient, to be tried at points.

    Attributes:
      names: of the inputs.
      dtype: in which it is run.
    """

    names: list[str]
    dtype: np.dtype[Any]

    def value(self, xs: Arrays) -> Arrays:
        """The outputs that have derivatives."""
        raise NotImplementedError

    def terms(self, xs: Arrays, dys: Arrays) -> list[np.ndarray | None]:
        """What the gradient function gives for each input."""
        raise NotImplementedError


class GraphSubject(Subject):
    """One that is built once, in a graph of its own.

    Args:
      build: see `Build`.
      points: sample arrays for the inputs; those of floats are taken in `dtype`.
      dtype: float64 or float32.
      names: of the inputs.
      place: the line of the gradient function.

    Raises:
      Refused: the gradient function failed, or gives what cannot be a gradient.
      TypeError, ValueError: the function does not take these inputs.
    """

    def __init__(
        self,
        build: Build,
        points: Sequence[Any],
        dtype: Any,
        names: Sequence[str],
        place: dict[str, Any] | None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.names, self.place = list(names), place
        graph = Graph()
        with graph.as_default():
            self._xs = [_input(p, self.dtype) for p in points]
            ys, rule = build(self._xs)
            self._ys = [y for y in ys if is_continuous(y)]
            self._dys = [
                F.Placeholder(dtype=y.dtype.base_dtype, shape=y._shape_raw)
                for y in self._ys
            ]
            self._terms = self._checked(self._asked(rule))
            variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
            start = [v.initializer for v in variables]
        session = Session(graph=graph)
        if start:
            session.run(start)
        observed = Observed(session, graph)
        given = [t for t in self._xs if is_a(t.op, Kind.PARAMETER)]
        self._given = [i for i, t in enumerate(self._xs) if t in given]
        wanted = [t for t in self._terms if t is not None]
        self._value = observed.prepared(given, self._ys)
        self._backward = observed.prepared([*given, *self._dys], wanted)

    def _asked(self, rule: Callable[[list[Any]], Any]) -> list[Any]:
        try:
            found = rule(self._dys)
        except Exception as error:  # whatever the program's function raises
            text = f"The gradient function raised {type(error).__name__}: "
            text += str(error).split("\n")[0]
            raise Refused([Finding(text, [], None, "", self.place)]) from error
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def _checked(self, found: list[Any]) -> list[Any]:
        """The terms as tensors: as many as inputs, of their dtypes and shapes."""
        if len(found) != len(self._xs):
            what = f"It returns {_count(len(found), 'gradient')} for "
            what += f"{_count(len(self._xs), 'input')}."
            fix = "return one gradient, or None, for each input"
            raise Refused([Finding(what, [], None, fix, self.place)])
        wrong, terms = [], []
        for name, x, term in zip(self.names, self._xs, found, strict=True):
            if term is None or not is_continuous(x):
                terms.append(None)
                continue
            term = dense(term)
            if not hasattr(term, "dtype"):
                term = convert_to_tensor(term)
            problem = _mismatch(name, x, term)
            if problem:
                wrong.append(Finding(*problem, place=self.place))
            terms.append(term)
        if wrong:
            raise Refused(wrong)
        return terms

    def value(self, xs: Arrays) -> Arrays:
        """See `Subject.value`."""
        return self._value([xs[i] for i in self._given])

    def terms(self, xs: Arrays, dys: Arrays) -> list[np.ndarray | None]:
        """See `Subject.terms`.

        Raises:
          Refused: a term has another shape than its input.
        """
        found = iter(self._backward([*(xs[i] for i in self._given), *dys]))
        terms = [None if t is None else next(found) for t in self._terms]
        for name, x, term in zip(self.names, xs, terms, strict=True):
            if term is not None and term.shape != x.shape:
                what = f"Its gradient for {name} has shape {list(term.shape)}; "
                what += f"{name} has shape {list(x.shape)}."
                fix = f"return a gradient in the shape of {name}"
                raise Refused([Finding(what, [], None, fix, self.place)])
        return terms


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _input(point: object, dtype: np.dtype[Any]) -> Any:
    """A place for a sample; what has no derivative is a constant."""
    array = np.asarray(point)
    if array.dtype.kind not in "f":
        return convert_to_tensor(array)
    return F.Placeholder(dtype=dtypes.as_dtype(dtype), shape=array.shape)


def _mismatch(
    name: str, x: Tensor, term: Any
) -> tuple[str, list[str], None, str] | None:
    """What keeps a tensor from being the gradient of x, if anything does."""
    if term.dtype.base_dtype != x.dtype.base_dtype:
        have, want = term.dtype.base_dtype.name, x.dtype.base_dtype.name
        what = f"Its gradient for {name} has dtype {have}; {name} has dtype {want}."
        return what, [], None, f"tf.cast it to {name}.dtype"
    if not x.shape.is_compatible_with(term.shape):
        what = f"Its gradient for {name} has shape {term.shape}; {name} has shape "
        what += f"{x.shape}."
        return what, [], None, f"sum or reshape it to the shape of {name}"
    return None


# ---------------------------------------------------------------------- operations


def of_operation(op: Operation, rule: Callable[..., Any] | str | None = None) -> Build:
    """A copy of an operation, with the gradient it has or another one.

    Args:
      op: an operation of any graph.
      rule: the name of a registered gradient, or a function `f(op, *grads)`.
    """
    op_def = op._op_def
    assert op_def is not None
    taken = {a.type_attr for a in op_def.inputs} | {
        a.number_attr for a in op_def.inputs
    }
    taken |= {a.type_list_attr for a in op_def.inputs}
    attrs = {
        k: v for k, v in op.attrs.items() if k not in taken and not k.startswith("_")
    }
    given = op.attrs.get("_gradient_op_type") if rule is None else rule
    sizes = input_names(op)

    def build(xs: list[Any]) -> Any:
        grouped = _grouped(op_def, sizes, xs)
        return _applied(op.type, grouped, attrs, given)

    return build


def of_type(
    op_type: str, attrs: dict[str, Any], rule: Callable[..., Any] | str | None
) -> Build:
    """An operation of a type, with a registered gradient or a function as its rule."""
    return lambda xs: _applied(op_type, xs, attrs, rule)


def _grouped(op_def: opdef.OpDef, names: Sequence[str], xs: Sequence[Any]) -> list[Any]:
    """Flat inputs as arguments: those of one list together."""
    arguments = []
    for arg in op_def.inputs:
        own = [x for name, x in zip(names, xs, strict=True) if name == arg.name]
        is_list = arg.number_attr or arg.type_list_attr
        arguments.append(own if is_list else own[0])
    return arguments


def _applied(
    op_type: str,
    arguments: Sequence[Any],
    attrs: dict[str, Any],
    rule: Callable[..., Any] | str | None,
) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    made = getattr(F, op_type)(*arguments, **attrs)
    flat = nest.flatten(made)
    op = flat[0].op
    if callable(rule):
        op._gradient_function = rule
    elif rule is not None:
        op.attrs["_gradient_op_type"] = rule

    def terms(dys: list[Any]) -> Any:
        seeds = iter(dys)
        given = [next(seeds) if is_continuous(y) else None for y in op.outputs]
        function = gradient_function(op)
        if function is None:
            return [None] * len(op.inputs)
        found = function(op, *given)
        found = list(found) if isinstance(found, (list, tuple)) else [found]
        if len(found) == len(op.inputs):
            pairs = zip(found, op.inputs, strict=True)
            found = [dx if dx is None else _fitted(dx, x, op) for dx, x in pairs]
        return found

    return op.outputs, terms


def _fitted(dx: Gradient | Sequence[Gradient], x: Tensor, op: Operation) -> Any:
    """A term as the sweep would hand it on; as it is where that would refuse it."""
    try:
        return fit(dx, x, op)
    except ValueError:
        return dx


# ---------------------------------------------------------------------- functions


def of_function(function: Callable[..., Any]) -> Build:
    """A function of tensors, with its own gradient function where it returns one.

    Args:
      function: decorated with `tf.custom_gradient`, to be decorated with it, or any
        other that returns tensors.
    """
    bare = getattr(function, "__wrapped__", function)

    def build(xs: list[Any]) -> Any:
        if _returns_gradient(bare, xs):
            result, grad = bare(*xs)
            ys = [convert_to_tensor(y) for y in nest.flatten(result)]
            return ys, lambda dys: nest.flatten(grad(*dys))
        ys = [convert_to_tensor(y) for y in nest.flatten(function(*xs))]
        floats = [y for y in ys if is_continuous(y)]
        return ys, lambda dys: gradients(floats, xs, dys)

    return build


def _returns_gradient(function: Callable[..., Any], xs: Sequence[Any]) -> bool:
    """Whether a function returns results and what makes derivatives by its arguments.

    It is called in a graph that is thrown away. Derivatives by variables are for
    `tf.custom_gradient` to sort out.
    """
    with Graph().as_default():
        result = function(
            *[F.Placeholder(dtype=x.dtype, shape=x._shape_raw) for x in xs]
        )
    if not (isinstance(result, tuple) and len(result) == 2 and callable(result[1])):
        return False
    return "variables" not in inspect.signature(result[1]).parameters


class AutogradSubject(Subject):
    """A function of `retrograd.autograd`, such as the `apply` of a Function.

    Args:
      function: takes and makes tensors.
      points: sample arrays; those of floats are taken in float64.
      names: of the inputs.
      place: the line of the gradient function.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        points: Sequence[Any],
        names: Sequence[str],
        place: dict[str, Any] | None,
    ) -> None:
        self.dtype = np.dtype(np.float64)
        self.names, self.place, self._function = list(names), place, function
        self._floats = [np.asarray(p).dtype.kind == "f" for p in points]

    def _run(self, xs: Arrays) -> tuple[list[Any], list[Any]]:
        from retrograd import autograd

        tensors = [
            autograd.tensor(np.asarray(x), requires_grad=is_float)
            for x, is_float in zip(xs, self._floats, strict=True)
        ]
        result = self._function(*tensors)
        ys = list(result) if isinstance(result, (list, tuple)) else [result]
        return tensors, [y for y in ys if y.is_floating_point()]

    def value(self, xs: Arrays) -> Arrays:
        """See `Subject.value`."""
        return [np.asarray(y.detach().numpy()) for y in self._run(xs)[1]]

    def terms(self, xs: Arrays, dys: Arrays) -> list[np.ndarray | None]:
        """See `Subject.terms`.

        Raises:
          Refused: the gradient function failed.
        """
        from retrograd import autograd

        tensors, ys = self._run(xs)
        seeds = [autograd.tensor(dy) for dy in dys]
        wanted = [t for t, f in zip(tensors, self._floats, strict=True) if f]
        try:
            found = autograd.grad(ys, wanted, seeds, allow_unused=True)
        except Exception as error:  # whatever the program's function raises
            text = f"The gradient function raised {type(error).__name__}: {error}"
            raise Refused([Finding(text, [], None, "", self.place)]) from error
        rest = iter(found)
        arrays = [next(rest) if f else None for f in self._floats]
        return [None if a is None else np.asarray(a.numpy()) for a in arrays]


# ---------------------------------------------------------------------- where it is


def place_of(rule: Callable[..., Any] | str | None) -> dict[str, Any] | None:
    """The line of a gradient function, or of a registered name."""
    if isinstance(rule, str):
        entry = gradient_registry._registry.get(rule)
        if entry is None:
            return None
        rule = entry["type"]
    code = getattr(getattr(rule, "__wrapped__", rule), "__code__", None)
    return None if code is None else place_at(code.co_filename, code.co_firstlineno)


def users_of(name: str, graph: Graph) -> list[Operation]:
    """The operations of a graph that take a registered gradient."""
    own = [op for op in graph._ops if op.attrs.get("_gradient_op_type") == name]
    return own or [op for op in graph._ops if op.type == name and op.inputs]


def sample_shapes(op: Operation) -> list[Any]:
    """For each input, a constant's value, or a shape with 2 for what is not known."""
    found: list[Any] = []
    for tensor in op.inputs:
        value = None if is_continuous(tensor) else constant(tensor)
        raw = (2,) if tensor._shape_raw is None else tensor._shape_raw
        if value is None and not is_continuous(tensor):
            value = np.zeros([d or 2 for d in raw], tensor.dtype.as_numpy_dtype)
        found.append(
            tuple(2 if d is None else d for d in raw) if value is None else value
        )
    return found


FAILURES = (TypeError, ValueError, LookupError, OpError, NotImplementedError)


def unknown(name: str) -> ValueError:
    """The error for a name that says nothing of what to try it on."""
    return ValueError(
        message(
            f'check_custom: no operation to try "{name}" on.',
            got="no operation of the default graph has it",
            fix=f'check_custom("{name}", x, op="Sign"): arrays, and what it is for',
        )
    )
