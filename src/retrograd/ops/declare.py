"""Declaring operations: name, shape rule, kernel, gradient rule, notation.

    @op("Tanh", infer=same, math="y = tanh x",
        grad=dict(x=rule("x̄ = ȳ (1 − y²)", lambda n, dy: dy * (1 - n.out * n.out))))
    def tanh(xp, x):
        return xp.tanh(x)

The decorated function is the kernel: `xp` is an array namespace, then the inputs in the
order of the op's signature (lists flattened), then those attributes it names,
keyword-only. `F.Tanh(x)` applies the op.  Inputs, outputs, attributes and dtypes are
those of the signature table (`graph/opdef.py`); an op that is not in it gives a
`signature` line.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from retrograd.graph import dispatch, opdef
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Held, RawShape
from retrograd.ops.binding import Binding
from retrograd.ops.traits import NONE, Blocks, Kind, Traits

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, Gradient, Gradients


#: a gradient rule: an operation, ∂L/∂output for each output → ∂L/∂input for each input
RuleFunction = Callable[..., Any]
Infer = Callable[[Operation], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """The derivative with respect to one input: how it is written, how it is built."""

    notation: str
    build: Callable[..., Any]


def rule(notation: str, build: Callable[..., Any]) -> Rule:
    """A derivative that fits on a line; `build(n, dy, …)` makes it out of ops."""
    return Rule(notation, build)


@dataclass(slots=True)
class Declaration:
    """All that is known about an op type.

    Attributes:
      name: the op type.
      kernel: `f(xp, *inputs, **attributes)`.
      infer: the static shapes of the outputs of an operation.
      math: how the op is written, for explanations.
      notation: for inputs, how the derivative is written; or why there is none, or
        only the symbol that `math` has for the input.
      host: the kernel runs Python (files, strings, printing, values that decide a
        shape) and cannot be compiled.
      static: inputs whose values must be known to compile the kernel (shapes, axes); or
        a function that names them for an operation.
      updates: inputs whose variable the op changes; the kernel is given their values
        and returns the new ones, then its other outputs.
      reads: resource inputs whose variable the kernel is given the value of.
      cells: variable inputs for which the kernel is given the storage cell itself.
      state: makes the first value of a hidden state of the operation; the kernel takes
        it as first input and returns it as first output.
      pure: same inputs, same outputs: may be computed once for constants.
      wanted: the keyword arguments of the kernel (see `binding.keywords`).
      live: of an op that calls functions: the part of an operation that matters when
        only some outputs are wanted (see `demand`).
      traits: what the op does beyond shape, value and derivative (see `traits`).
      bindings: what `binding.binding` has worked out.
    """

    name: str
    kernel: Callable[..., Any]
    infer: Infer
    math: str = ""
    notation: dict[str, str] = field(default_factory=dict)
    host: bool = False
    static: tuple[str, ...] | Callable[[Operation], Sequence[str]] = ()
    updates: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    state: Callable[[Operation], Any] | None = None
    pure: bool = True
    wanted: tuple[str, ...] = ()

    def static_inputs(self, n: Operation) -> Sequence[str]:
        """The inputs of `n` whose values must be known to compile it."""
        return self.static(n) if callable(self.static) else self.static

    live: Callable[[Operation, frozenset[int]], Any] | None = None
    traits: Traits = NONE
    bindings: dict[tuple[int, ...], Binding] = field(default_factory=dict, repr=False)


registry: dict[str, Declaration] = {}


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _keyword_only(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's keyword-only arguments."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ()
    first = code.co_argcount
    return code.co_varnames[first : first + code.co_kwonlyargcount]


def op(
    name: str,
    *,
    infer: Infer,
    math: str = "",
    grad: dict[str, Rule] | RuleFunction | _NotDifferentiable | None = None,
    notation: Mapping[str, str] = MappingProxyType({}),
    host: bool = False,
    static: str | Sequence[str] | Callable[[Operation], Sequence[str]] = (),
    updates: str | Sequence[str] = (),
    reads: str | Sequence[str] = (),
    cells: str | Sequence[str] = (),
    state: Callable[[Operation], Any] | None = None,
    pure: bool | None = None,
    signature: str | None = None,
    live: Callable[[Operation, frozenset[int]], Any] | None = None,
    traits: Traits = NONE,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an op; the decorated function is its kernel.

    Args:
      name: the op type.
      infer: its shape rule (see `infer`).
      math: its notation.
      grad: rules by input name; `NOT_DIFFERENTIABLE`; or a function `(n, *dys)`. The
        long form is the decorator `gradient`. Without any, reaching the op is an error.
      notation: by input name, what is written of inputs without a rule in `grad`.
      host, static, updates, reads, cells, state, live, traits: see `Declaration`.
      pure: by default, whether the op neither has state nor touches any.
      signature: its line of the signature table, where the table has none.
    """

    def declare(kernel: Callable[..., Any]) -> Callable[..., Any]:
        op_def = opdef.lookup(name) if signature is None else opdef.add(signature)
        if op_def is None:
            raise ValueError(f"{name}: no signature; give one to @op.")
        touches = bool(updates or reads or cells or state)
        registry[name] = Declaration(
            name,
            kernel,
            infer,
            math,
            dict(notation),
            host=host,
            static=static if callable(static) else _names(static),
            updates=_names(updates),
            reads=_names(reads),
            cells=_names(cells),
            state=state,
            pure=not (touches or op_def.is_stateful) if pure is None else pure,
            wanted=_keyword_only(kernel),
            live=live,
            traits=traits,
        )
        if grad is NOT_DIFFERENTIABLE:
            gradient_registry.declare(name, None)
        elif isinstance(grad, dict):
            registry[name].notation.update({k: r.notation for k, r in grad.items()})
            gradient_registry.declare(name, _from_rules(op_def, grad))
        elif callable(grad):
            gradient_registry.declare(name, grad)
        return kernel

    return declare


class _NotDifferentiable:
    def __repr__(self) -> str:
        return "NOT_DIFFERENTIABLE"


#: the op passes no gradient to any input
NOT_DIFFERENTIABLE = _NotDifferentiable()


def _from_rules(op_def: opdef.OpDef, rules: dict[str, Rule]) -> RuleFunction:
    """The gradient function `(n, *dys)` that a table of rules stands for."""
    names = [a.name for a in op_def.inputs]
    unknown = set(rules) - set(names)
    if unknown:
        raise ValueError(f"{op_def.name} has no input {sorted(unknown)}.")
    builders = [rules[n].build if n in rules else None for n in names]

    def gradient(
        n: Operation, *dys: Gradient, wanted: Sequence[bool]
    ) -> list[Gradient]:
        return [
            build(n, *dys) if build is not None and asked else None
            for build, asked in zip(builders, wanted, strict=True)
        ]

    return gradient


def gradient(
    *names: str, takes_none: bool = False, **notation: str
) -> Callable[[RuleFunction], RuleFunction]:
    """The long form of a gradient rule: decorates `f(n, *dys)`.

    Args:
      *names: the op types that it is the rule of.
      takes_none: see `GradientRule`; `takes_wanted` is whether `f` has a keyword-only
        argument `wanted`.
      **notation: how the derivative for each input is written.
    """

    def declare(function: RuleFunction) -> RuleFunction:
        for name in names:
            declaration = find(name)
            if declaration is None:
                raise ValueError(f"{name}: no op to declare the gradient of.")
            declaration.notation.update(notation)
            gradient_registry.declare(name, function, takes_none)
        return function

    return declare


def no_gradient(*names: str) -> None:
    """Declare op types that pass no gradient on."""
    for name in names:
        gradient_registry.declare(name, None)


# ---------------------------------------------------------------------- gradients


@dataclass(frozen=True, slots=True)
class GradientRule:
    """A gradient function that is called in another way than those of programs.

    Attributes:
      function: `f(n, *dys)` → ∂L/∂input for each input of the operation `n`.
      takes_none: where L does not depend on an output, it is given None, not zeros.
      takes_wanted: it takes `wanted`, which says for each input whether its term is
        asked for; the other terms may be None.
    """

    function: RuleFunction
    takes_none: bool = False
    takes_wanted: bool = False

    def __call__(
        self,
        n: Operation,
        *dys: Gradient,
        wanted: Sequence[bool] | None = None,
    ) -> Gradients:
        """The terms of the inputs.

        Args:
          wanted: of which inputs; None where a program calls, as TensorFlow's gradient
            functions are called: that of an op with one input returns its term alone.
        """
        if wanted is not None:
            if self.takes_wanted:
                return self.function(n, *dys, wanted=wanted)
            return self.function(n, *dys)
        asked = {"wanted": [True] * len(n.inputs)} if self.takes_wanted else {}
        terms = self.function(n, *dys, **asked)
        alone = len(n.inputs) == 1 and isinstance(terms, list | tuple)
        return terms[0] if alone else terms

    @property
    def __wrapped__(self) -> RuleFunction:
        return self.function


class GradientRegistry:
    """Gradient functions by name; a program adds its own.

    `_registry` maps a name to `{"type": function, "location": text}`: libraries of the
    time look into it.
    """

    def __init__(self, name: str = "gradient") -> None:
        self._name = name
        self._registry: dict[str, dict[str, Any]] = {}

    def declare(
        self, name: str, function: RuleFunction | None, takes_none: bool = False
    ) -> None:
        """Add the rule of an op declared here.

        Args:
          name: the op type, or the name of the rule.
          function: the rule; None where the op passes no gradient on.
          takes_none: see `GradientRule`.
        """
        if function is not None:
            takes_wanted = "wanted" in _keyword_only(function)
            function = GradientRule(function, takes_none, takes_wanted)
        self._registry[name] = {"type": function, "location": ("", 0, "", None)}

    def register(self, candidate: RuleFunction | None, name: str | None = None) -> None:
        """Add `candidate` under `name`.

        Raises:
          KeyError: the name is taken.
          TypeError: no name.
        """
        key = name or getattr(candidate, "__name__", None)
        if not key:
            raise TypeError("A name is needed.")
        load_all()
        if key in self._registry:
            file, line, function, _ = self._registry[key]["location"]
            raise KeyError(
                f"Registering two {self._name} with name '{key}'! (Previous "
                f"registration was in {function} {file}:{line})"
            )
        self._registry[key] = {"type": candidate, "location": _caller()}

    def list(self) -> Any:
        """The names that have an entry."""
        load_all()
        return self._registry.keys()

    def lookup(self, name: str) -> Any:
        """The entry of `name`.

        Raises:
          LookupError: there is none.
        """
        entry = self._registry.get(name)
        if entry is None:
            load_all()
            entry = self._registry.get(name)
        if entry is None:
            raise LookupError(f"{self._name} registry has no entry for: {name}")
        return entry["type"]


def _caller() -> tuple[str, int, str, str | None]:
    from retrograd.graph.operation import line_of, user_stack

    stack = user_stack()
    if not stack:
        return ("", 0, "", None)
    code, instruction = stack[0]
    return (code.co_filename, line_of(code, instruction), code.co_name, None)


gradient_registry = GradientRegistry()


class RegisterGradient:
    """A decorator that registers the gradient function `f(op, *grads)` of an op type.

    Args:
      op_type: the op type, or any name for `Graph.gradient_override_map`.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: RuleFunction) -> RuleFunction:
        """Register `f`.

        Raises:
          KeyError: the name is taken.
        """
        gradient_registry.register(f, self._op_type)
        return f


def NotDifferentiable(op_type: str) -> None:
    """Register that ops of type `op_type` pass no gradient on."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    gradient_registry.register(None, op_type)


NoGradient = NotDifferentiable


def gradient_function(n: Operation) -> RuleFunction | GradientRule | None:
    """The gradient function of an operation; None where it passes no gradient.

    Raises:
      LookupError: neither is declared.
    """
    if not n.inputs:
        return None
    if n._gradient_function is not None:
        return n._gradient_function
    name = n.attrs.get("_gradient_op_type", n.type)
    if n.type in called and name == n.type:
        name = "SymbolicGradient"
    return gradient_registry.lookup(name if isinstance(name, str) else name.decode())


# ---------------------------------------------------------------------- applying

INDEX = "index.txt"


@functools.cache
def index() -> dict[str, str]:
    """The module that declares each op type, by op type.

    Importing all of them to find one op would be most of the time that a short program
    takes, so they are listed in a file (`tools/make_op_index.py` writes it).
    """
    found: dict[str, str] = {}
    text = Path(__file__).with_name(INDEX).read_text("utf-8")
    module = ""
    for word in text.split():
        if word.endswith(":"):
            module = f"retrograd.ops.{word[:-1]}"
        else:
            found[word] = module
    return found


@functools.cache
def load_all() -> None:
    """Import every module that declares ops, and with it all declarations."""
    for module in dict.fromkeys(index().values()):
        importlib.import_module(module)


#: how operations named after a function are run, by the function's name
called: dict[str, Declaration] = {}


def find(op_type: str) -> Declaration | None:
    """The declaration of an op type, or None."""
    found = registry.get(op_type) or called.get(op_type)
    if found is None and (module := index().get(op_type)) is not None:
        importlib.import_module(module)
        found = registry.get(op_type)
    return found


def traits_of(op_type: str) -> Traits:
    """The traits of an op type; none where it is not declared."""
    found = registry.get(op_type) or find(op_type)
    return NONE if found is None else found.traits


def unprepared(op: Operation) -> Exception | None:
    """What to raise for an operation with which TensorFlow cannot prepare a graph."""
    why = traits_of(op.type).unprepared
    return None if why is None else why(op)


def kind_of(op_type: str) -> Kind | None:
    """What an op type is to the engine, where it is more than a function."""
    found = registry.get(op_type) or find(op_type)
    return None if found is None else found.traits.kind


def asks_for_shapes(op_type: str) -> bool:
    """Whether an op looks at nothing but the shapes of its inputs."""
    found = registry.get(op_type) or find(op_type)
    if found is None or not (names := found.traits.shape_only):
        return False
    op_def = opdef.lookup(op_type)
    return op_def is not None and all(arg.name in names for arg in op_def.inputs)


def gives_shapes(op_type: str) -> bool:
    """Whether an op's result is made of the sizes of its inputs alone."""
    if not asks_for_shapes(op_type):
        return False
    op_def = opdef.lookup(op_type)
    assert op_def is not None
    return op_def.outputs[0].type_attr != op_def.inputs[0].type_attr


def why_blocked(op_type: str) -> Blocks | None:
    """Why an op type passes no gradient on, where that is known."""
    found = find(op_type)
    if found is None:
        return None
    if found.traits.blocks is not None:
        return found.traits.blocks
    if found.state is not None:
        return Blocks.RANDOM
    return Blocks.ASSIGNS if found.updates else None


class _Functions:
    """`F.Name(*inputs, name=None, **attributes)` applies the op `Name`."""

    def __getattr__(self, op_type: str) -> Callable[..., Any]:
        if opdef.lookup(op_type) is None:
            raise AttributeError(f"There is no op type {op_type}.")

        def function(
            *inputs: CompositeLike, name: str | None = None, **attrs: Any
        ) -> Any:
            return dispatch.apply(op_type, *inputs, name=name, **attrs)

        function.__name__ = op_type
        self.__dict__[op_type] = function
        return function


F = _Functions()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a shape rule gives for an output of which it knows more than the shape.

    Attributes:
      held: what the handle that the output is stands for.
      shape: the shape of the output itself.
    """

    held: Held | None
    shape: RawShape = ()
