"""Operations with a derivative that the program gives: `Function`."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.autograd import modes, types
from retrograd.autograd.apply import LEAF_CHANGED
from retrograd.autograd.derivatives import check_version
from retrograd.autograd.graph import (
    Node,
    Recorder,
    identity,
    same_value,
)
from retrograd.autograd.tensors import Tensor
from retrograd.errors import message
from retrograd.grad.reach import is_continuous
from retrograd.grad.terms import zeros_for
from retrograd.graph import context, opdef
from retrograd.graph.record import Record
from retrograd.ops.declare import F, GradientRule

if TYPE_CHECKING:
    from retrograd.compat.internals.eager_context import Context
    from retrograd.graph.operation import Operation
    from retrograd.typing import Gradient, Structure

_LEGACY = (
    "Legacy autograd function with non-static forward method is deprecated. Please use "
    "new-style autograd function with static forward method."
)
_NO_BACKWARD = (
    "You must implement either the backward or vjp method for your custom "
    "autograd.Function to use it with backward mode AD."
)


class FunctionCtx:
    """What `forward` leaves for `backward`: tensors, and any attributes it sets.

    Attributes:
      needs_input_grad: for each argument of `apply`, whether its derivative is wanted.
      materialize_grads: whether `backward` gets zeros where there is no derivative.
    """

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[_Saved | None] = []
        self._constant: tuple[Tensor, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._node: Callable[[], Node | None] = lambda: None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep arguments and results; a change in place until `backward` is an error.

        Raises:
          TypeError: something is not a tensor.
        """
        for index, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    message(
                        "save_for_backward can only save variables, but argument "
                        f"{index} is of type {type(tensor).__name__}",
                        fix="ctx.name = value keeps what is no tensor",
                    )
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` kept.

        Raises:
          RuntimeError: it was freed, or changed in place since.
        """
        node = self._node()
        if node is not None:
            node.kept()
        return tuple(None if s is None else s.unpacked() for s in self._saved)

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say that these results are constant."""
        self._constant = args

    def mark_dirty(self, *args: Tensor) -> None:
        """Say that these arguments were changed in place; they have to be returned."""
        self._dirty = args

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether `backward` gets zeros (True) or None for unused results."""
        self.materialize_grads = bool(value)


class _Saved:
    """A tensor kept for `backward`.

    Of a result only the value is kept, and what made it weakly: the node leads here.
    """

    def __init__(self, tensor: Tensor, node: Node) -> None:
        self._value = tensor._engine
        self._node = weakref.ref(node)
        self._tensor = None if tensor._node is node else tensor

    def unpacked(self) -> Tensor:
        """The tensor.

        Raises:
          RuntimeError: it was changed in place.
        """
        node = self._node()
        made_by = node if self._tensor is None else self._tensor._node
        check_version(self._value, node)
        if self._tensor is not None and self._tensor._engine is self._value:
            return self._tensor
        return Tensor._of(self._value, made_by, hold=False)


class Function:
    """An operation with a derivative of its own: derive from it, then call `apply`.

        class Cube(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx, dy):
                (x,) = ctx.saved_tensors
                return 3 * x**2 * dy

    `forward(ctx, *args)` makes a tensor or a tuple; no gradients are recorded in it.
    With a static `setup_context(ctx, inputs, output)`, `forward` takes no ctx.
    `backward(ctx, *dys)` is given ∂L/∂result for each result, and returns ∂L/∂argument
    for each argument, None for what is no tensor.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the results."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Structure) -> None:
        """Keep what `backward` needs."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Derivatives with respect to the arguments."""
        raise NotImplementedError(_NO_BACKWARD)

    @classmethod
    def apply(cls, *args: object) -> Any:
        """Run `forward`, and remember to differentiate by `backward`.

        Raises:
          RuntimeError: `forward` is not static, or changed a leaf that requires grad.
        """
        if not isinstance(inspect.getattr_static(cls, "forward"), staticmethod):
            fix = "@staticmethod above `def forward`"
            raise RuntimeError(message(_LEGACY, fix=fix))
        call = _Call(cls, args)
        return call.finish(call.forward())


class _Call:
    """One application of a Function."""

    def __init__(self, cls: type[Function], args: tuple[Any, ...]) -> None:
        self.cls, self.args = cls, args
        self.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        self.inputs = [args[i] for i in self.places]
        self.values = [t._engine for t in self.inputs]
        self.sources = [t._source for t in self.inputs]
        self.types = [v._dtype for v in self.values]
        self.shapes = [v._shape_raw for v in self.values]
        self.name = f"{cls.__name__}Backward"
        self.ctx = FunctionCtx()
        self.ctx.needs_input_grad = tuple(
            isinstance(a, Tensor) and a.requires_grad for a in args
        )

    def forward(self) -> Any:
        """The results of the program's `forward`, which no tape sees into."""
        cls, ctx = self.cls, self.ctx
        tapes, context.local.tapes = context.local.tapes, []
        try:
            with modes.no_grad():
                if cls.setup_context is Function.setup_context:
                    return cls.forward(ctx, *self.args)
                output = cls.forward(*self.args)
                cls.setup_context(ctx, self.args, output)
                return output
        finally:
            context.local.tapes = tapes

    def finish(self, results: Structure) -> Any:
        """The results, with their history."""
        listed = list(results) if isinstance(results, (list, tuple)) else [results]
        outputs = [self._own(r) if isinstance(r, Tensor) else r for r in listed]
        tensors = [o for o in outputs if isinstance(o, Tensor)]
        op_def = opdef.lookup("IdentityN")
        assert op_def is not None
        record = Record(op_def, self.values, {"T": self.types})
        record.type = record.name = self.cls.__name__
        record._outputs = [t._engine for t in tensors]
        record._gradient_function = GradientRule(self.rule, takes_none=True)
        for tape in context.local.tapes:
            tape.record(record)
        node = Node(record, self.sources)
        node.title = self.name
        if modes.is_grad_enabled() and any(s is not None for s in self.sources):
            self._connect(tensors, node)
        self._keep(node)
        several = isinstance(results, (list, tuple))
        return type(results)(outputs) if several else outputs[0]

    def _own(self, result: Tensor) -> Tensor:
        """A result that can have a history: an argument only where it was changed.

        Raises:
          RuntimeError: a leaf that requires grad was changed.
        """
        if any(result is t for t in self.ctx._dirty):
            if result._leaf and modes.is_grad_enabled():
                raise RuntimeError(LEAF_CHANGED.replace("is being", "has been"))
            result._hold(same_value(result._engine))
            return result
        if any(result is t for t in self.inputs):
            return result.detach()
        return result

    def _connect(self, tensors: list[Tensor], node: Node) -> None:
        for tensor in tensors:
            constant = any(tensor is c for c in self.ctx._constant)
            if not constant and is_continuous(tensor._engine):
                tensor._node, tensor._leaf = node, False

    def _keep(self, node: Node) -> None:
        ctx = self.ctx
        ctx._node = weakref.ref(node)
        node.saves = any(t is not None for t in ctx._to_save)
        ctx._saved = [None if t is None else _Saved(t, node) for t in ctx._to_save]
        ctx._to_save = ctx._constant = ctx._dirty = ()
        self.inputs, self.args = [], (None,) * len(self.args)

    # ------------------------------------------------------------------ backward

    def rule(self, n: Operation, *dys: object) -> list[Any]:
        """The gradient function of the record: the program's `backward`."""
        recorder = next(
            (t for t in reversed(context.local.tapes) if isinstance(t, Recorder)), None
        )
        grads = [
            self._given(y, dy, recorder) for y, dy in zip(n.outputs, dys, strict=True)
        ]
        found = self.cls.backward(self.ctx, *grads)
        terms = list(found) if isinstance(found, (list, tuple)) else [found]
        terms = self._counted(terms)
        return [
            self._term(index, terms[place], recorder)
            for index, place in enumerate(self.places)
        ]

    def _given(self, y: Any, dy: Any, recorder: Recorder | None) -> Any:
        """∂L/∂result as the program sees it."""
        if dy is None:
            if not self.ctx.materialize_grads:
                return None
            dy = zeros_for(y)
        source = None if recorder is None else recorder.sources.get(dy)
        fresh = same_value(dy)
        return Tensor._of(
            fresh, None if source is None else identity(fresh, dy, source)
        )

    def _counted(self, terms: list[Any]) -> list[Any]:
        """One term for each argument.

        Raises:
          RuntimeError: there are more or fewer, or one for what is no tensor.
        """
        wanted = len(self.args)
        extra = terms[wanted:]
        if len(terms) < wanted or any(t is not None for t in extra):
            raise RuntimeError(
                message(
                    f"function {self.name} returned an incorrect number of gradients "
                    f"(expected {wanted}, got {len(terms)})",
                    fix="return one gradient, or None, for each argument of forward",
                )
            )
        for place, term in enumerate(terms[:wanted]):
            if term is not None and place not in self.places:
                raise RuntimeError(
                    f"function {self.name} returned a gradient different than None at "
                    f"position {place + 1}, but the corresponding forward input was "
                    "not a Variable"
                )
        return terms

    def _term(self, index: int, term: Gradient, recorder: Recorder | None) -> Any:
        """∂L/∂argument as the sweep wants it, in the argument's shape and type.

        Raises:
          RuntimeError: it is no tensor, or its shape does not fit.
        """
        if term is None:
            return None
        if not isinstance(term, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(term).__name__})")
        value, shape = term._engine, self.shapes[index]
        if recorder is not None and term.requires_grad:
            recorder.sources[value] = term._source
        have = value._shape_raw
        extra = len(have) - len(shape)
        fits = extra >= 0 and all(
            n in (1, m) for n, m in zip(shape, have[extra:], strict=True)
        )
        if not fits:
            raise RuntimeError(
                f"Function {self.name} returned an invalid gradient at index "
                f"{self.places[index]} - got {list(have)} but expected shape "
                f"compatible with {list(shape)}"
            )
        if have != shape:
            repeated = [
                a for a, m in enumerate(have) if a < extra or shape[a - extra] != m
            ]
            value = F.Reshape(F.Sum(value, repeated), list(shape))
        return types.cast(value, self.types[index])


class _Once(Function):
    """Results that cannot be differentiated once more."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The tensors themselves."""
        return tuple(t.detach() for t in tensors)

    @staticmethod
    def backward(ctx: Any, *dys: object) -> Any:
        """Raises."""
        raise RuntimeError(
            message(
                "trying to differentiate twice a function that was marked with "
                "@once_differentiable",
                fix="write its backward with operations on tensors, undecorated",
            )
        )


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` whose own steps are not to be differentiated.

    Its results, where they depend on something that requires grad, raise when they are.
    """

    @functools.wraps(fn)
    def wrapper(ctx: Context, *dys: object) -> Any:
        with modes.no_grad():
            found = fn(ctx, *dys)
        if not modes.is_grad_enabled() or not any(
            isinstance(d, Tensor) and d.requires_grad for d in dys
        ):
            return found
        results: Sequence[Any] = found if isinstance(found, tuple) else (found,)
        tensors = [t.detach().requires_grad_() for t in results if t is not None]
        marked = iter(_Once.apply(*tensors))
        barred = tuple(None if t is None else next(marked) for t in results)
        return barred if isinstance(found, tuple) else barred[0]

    return wrapper


__all__ = ["Function", "FunctionCtx", "once_differentiable"]
